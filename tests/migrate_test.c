/*
 * migrate_test: the records of `latchkey migrate`, one by one: what each kind of field takes, what brings a user or a session up to date, what is
 * refused, and streams that can't be read or written. The functions are static there, so migrate.c is included. tests/migrate.t has the verbs.
 */
#include "operator/migrate.c" /* NOLINT(bugprone-suspicious-include): see above */
#include "config.h"
#include "store_case.h"

static struct verb_call vc;
static struct keyring ring;
static const char *input;               /* what the next read(2)s give; NULL: an error */
static int interrupted, writes_left;    /* read(2)s that a signal ends before; write(2)s until the disk is full */

ssize_t __wrap_read(int fd, void *at, size_t n);
ssize_t __real_read(int fd, void *at, size_t n);
ssize_t __wrap_read(int fd, void *at, size_t n)
{
	if (fd != STDIN_FILENO)
		return __real_read(fd, at, n);
	errno = interrupted > 0 ? EINTR : EIO;
	if (interrupted-- > 0 || input == NULL)
		return -1;
	size_t some = strlen(input) < n ? strlen(input) : n;
	memcpy(at, input, some);
	input += some;
	return (ssize_t)some;
}

ssize_t __wrap_write(int fd, const void *from, size_t n);
ssize_t __real_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n)
{
	if (fd != STDOUT_FILENO)
		return __real_write(fd, from, n);
	errno = ENOSPC;
	return writes_left-- > 0 ? (ssize_t)n : -1;
}

/* An empty store, and a key. */
static void fresh_with_key(void)
{
	fresh();
	keyring_write(dir, &ring);
}

static void begin(bool again)
{
	fresh_with_key();
	store_begin(DURABLE_LATER);
	in = (struct in){ .call = &vc, .again = again, .head = true };
}

static bool takes(const char *line)
{
	return take_line(slice_of(line));
}

static const char *line_of(const char *what, const struct field *fields, const void *record)
{
	struct buf b = { 0 };
	write_record(&b, what, fields, record);
	return slice_text(buf_slice(&b));
}

/* With what the store has of him beside. */
static const char *user_line(const struct user *u)
{
	const struct person p = { *u, store_user_factor(u->id), store_user_keys(u->id) };
	return line_of("user", of_user, &p);
}

/* ---- fields ------------------------------------------------------------ */

static void fields(void)
{
	static const struct { const char *json; enum kind kind; bool good; } cases[] = {
		{ "{\"x\":-7}", INT, true }, { "{\"x\":\"7\"}", INT, false }, { "{\"x\":\"00000000000000a1\"}", ID, true }, { "{\"x\":\"a1\"}", ID, false },
		{ "{\"x\":7}", ID, false }, { "{\"x\":\"t\"}", TEXT, true }, { "{}", TEXT, false }, { "{\"x\":\"00ff\"}", BYTES, true }, { "{\"x\":\"\"}", BYTES, true },
		{ "{\"x\":\"0\"}", BYTES, false }, { "{\"x\":\"0g\"}", BYTES, false }, { "{\"x\":1}", BYTES, false }, { "{}", BYTES, false }, { "{}", NEW_BYTES, true }, { "{\"x\":\"0g\"}", NEW_BYTES, false }, { "{\"x\":true}", FLAG, true }, { "{\"x\":1}", FLAG, false },
		{ "{\"x\":7}", WORD, true }, { "{\"x\":-1}", WORD, false }, { "{\"x\":7}", (enum kind)99, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		union { int64_t number; uint64_t id; struct slice text; bool flag; unsigned word; } record = { 0 }, again = { 0 };
		const struct field list[] = { { "x", cases[i].kind, 0 }, { NULL, INT, 0 } };
		struct json j;
		ok(json_read(slice_of(cases[i].json), &j) == JSON_VALID && read_record(&j, list, &record) == cases[i].good, "%d: %s", (int)cases[i].kind, cases[i].json);
		if (!cases[i].good)
			continue;
		const char *line = line_of("r", list, &record);
		ok(json_read(slice_of(line), &j) == JSON_VALID && read_record(&j, list, &again), "and is written as it is read: %.*s", (int)strcspn(line, "\n"), line);
	}
	struct buf b = { 0 };
	struct jw w = { .out = &b };
	jw_open(&w, '{');
	write_field(&w, &(struct field){ "x", (enum kind)99, 0 }, "");
	ok(b.n > 0, "what is of no kind has no value");
}

/* ---- the head, and lines ----------------------------------------------- */

static void lines(void)
{
	static const struct { const char *line; bool good; } heads[] = {
		{ "{\"record\":\"head\",\"schema\":1,\"mark\":7,\"keys\":[\"00c0ffee\"]}", true }, { "{\"record\":\"head\",\"schema\":1,\"mark\":7,\"keys\":[]}", true },
		{ "{\"record\":\"head\",\"schema\":1,\"mark\":7,\"keys\":[\"00000000\"]}", false }, { "{\"record\":\"head\",\"schema\":1,\"mark\":7}", false },
		{ "{\"record\":\"head\",\"mark\":7,\"keys\":[]}", false }, { "{\"record\":\"head\",\"schema\":1,\"keys\":[]}", false },
		{ "{\"record\":\"head\",\"schema\":99,\"mark\":7,\"keys\":[]}", false }, { "{\"record\":\"end\"}", false }, { "{}", false }, { "[", false },
	};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		begin(false);
		in.head = false;
		is_int(takes(heads[i].line), heads[i].good, "%s", heads[i].line);
	}
	begin(false);
	ok(!takes("{\"record\":\"group\"}"), "a record of another kind");
	in.end = true;
	ok(!takes(user_line(&(struct user){ .id = 1, .name = S("u") })), "and whatever is behind the end");
}

static void endings(void)
{
	static const struct { const char *line; bool good; } cases[] = {
		{ "{\"record\":\"end\",\"users\":1,\"sessions\":2,\"events\":3}", true }, { "{\"record\":\"end\",\"users\":2,\"sessions\":2,\"events\":3}", false },
		{ "{\"record\":\"end\",\"users\":1,\"sessions\":1,\"events\":3}", false }, { "{\"record\":\"end\",\"users\":1,\"sessions\":2,\"events\":4}", false },
		{ "{\"record\":\"end\",\"sessions\":2,\"events\":3}", false }, { "{\"record\":\"end\",\"users\":1,\"events\":3}", false },
		{ "{\"record\":\"end\",\"users\":1,\"sessions\":2}", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(false);
		in.users = 1;
		in.sessions = 2;
		in.events = 3;
		is_int(takes(cases[i].line), cases[i].good, "%s", cases[i].line);
	}
	begin(true);
	for (int i = 0; i < LIMIT_LIST; i++)
		store_user_add(&(struct user){ .id = (uint64_t)(i + 1), .name = slice_of(text_join("u", dec(i), NULL)) });
	in.users = LIMIT_LIST;
	ok(takes("{\"record\":\"end\",\"users\":100,\"sessions\":0,\"events\":0}"), "a full page of users is counted");
	in.end = false;
	in.users = 99;
	ok(!takes("{\"record\":\"end\",\"users\":99,\"sessions\":0,\"events\":0}") && strstr(in.wrong, "users that the other one hasn't"), "one too many is told");
}

/* ---- events, users, sessions ------------------------------------------- */

static void events(void)
{
	struct audit a = { .time = 100, .event = EVENT_USER_DELETED, .user = 7 };
	begin(true);
	store_user_add(&(struct user){ .id = 7, .name = S("seven") });
	in.seen = 100;
	struct user u;
	ok(takes(line_of("event", of_event, &a)) && in.written == 0 && !store_user(7, &u), "an old event that deletes a user: again");
	a.time = 101;
	in.mark = 200;
	a.event = EVENT_LOGIN;
	a.client = S("wiki");
	ok(takes(line_of("event", of_event, &a)) && in.written == 1, "a new one is written");
	struct audit rows[LIMIT_LIST];
	ok(store_audits(0, 0, 1, rows) == 1 && slice_is(rows[0].client, S("wiki")), "with the client that it is of");
	in.mark = 50;
	ok(takes(line_of("event", of_event, &a)), "beside an older mark");
	a.class = CLASS_UNKNOWN;
	ok(!takes(line_of("event", of_event, &a)), "of a class that nobody knows");
	a.class = CLASS_NONE;
	a.event = EVENT_UNKNOWN;
	ok(!takes(line_of("event", of_event, &a)) && !takes("{\"record\":\"event\"}"), "of no kind");
}

static void users(void)
{
	const struct user before = { .id = 7, .name = S("seven"), .password = S("p"), .subscription = S("{}"), .profile = { S("g"), S("e@x"), S("N") } };
	struct user u = before, now;
	begin(false);
	ok(takes(user_line(&u)) && in.written == 1, "a user is added");
	ok(!takes(user_line(&u)) && strstr(in.wrong, "taken here"), "once");
	ok(!takes("{\"record\":\"user\"}"), "nobody isn't");
	store_user_add(&(struct user){ .id = 8, .name = S("eight") });
	in.again = true;
	ok(takes(user_line(&u)), "again: nothing is another");
	u.name = S("eight");
	ok(!takes(user_line(&u)), "a name that is another's here");
	struct user changed[] = { before, before, before, before, before, before, before };
	changed[0].name = S("siebzehn");
	changed[1].password = S("q");
	changed[2].subscription = S("{\"a\":1}");
	changed[3].profile.groups = S("h");
	changed[4].profile.email = S("f@x");
	changed[5].profile.name = S("M");
	changed[6].disabled = true;
	for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
		const char *line = user_line(&changed[i]);
		ok(takes(line) && store_user(7, &now) && strcmp(user_line(&now), line) == 0, "what is another is brought up to date");
	}
	struct person p = { before, S("factor"), S("keys") };
	const char *line = line_of("user", of_user, &p);
	ok(takes(line) && slice_is(store_user_factor(7), S("factor")) && slice_is(store_user_keys(7), S("keys")), "so is what he proves himself by");
	ok(takes(line) && strcmp(user_line(&before), line) == 0, "once more: it stays");
	p.factor = (struct slice){ in.text, LIMIT_FACTOR + 1 };
	ok(!takes(line_of("user", of_user, &p)), "more than there may be isn't taken");
	p = (struct person){ before, S(""), { in.text, LIMIT_CREDENTIALS + 1 } };
	ok(!takes(line_of("user", of_user, &p)), "nor too many keys");
	p = (struct person){ before, S(""), S("") };
	ok(takes(line_of("user", of_user, &p)) && store_user_factor(7).n == 0, "and taken away it is gone");
	u = before;
	u.id = 9;
	u.name = S("nine");
	ok(takes(user_line(&u)) && store_user(9, &now), "who is new is added");
}

static void sessions(void)
{
	const struct session before = { .id = 70, .user = 7, .ctr = 5, .br = 50, .rotated_at = 1000, .created_at = 900, .device = S("d"), .agent = S("a"), .ip = S("192.0.2.7") };
	struct session s = before, now;
	begin(false);
	ok(takes(line_of("session", of_session, &s)), "a session is added");
	ok(!takes(line_of("session", of_session, &s)) && strstr(in.wrong, "twice"), "once");
	s.id = 71;
	s.why = ENDED_UNKNOWN;
	ok(!takes(line_of("session", of_session, &s)) && !takes("{\"record\":\"session\"}"), "one that ended nobody knows how isn't");
	/* Here: what comes, and whether it is refused since this store has gone on. */
	const struct { const char *what; int64_t ctr, br, rotated_at, ended_at, strays; bool refused; } cases[] = {
		{ "the same", 5, 50, 1000, 0, 0, false }, { "a generation more", 6, 60, 1100, 0, 0, false }, { "one less", 4, 40, 1000, 0, 0, true },
		{ "an earlier use", 5, 50, 999, 0, 0, true }, { "another branch", 5, 51, 1000, 0, 0, true }, { "another branch, later", 5, 51, 1001, 0, 0, false },
		{ "a stray", 5, 50, 1000, 0, 2, false }, { "its end", 5, 50, 1000, 1200, 0, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(true);
		store_session_add(&before);
		s = before;
		s.ctr = cases[i].ctr;
		s.br = (uint64_t)cases[i].br;
		s.rotated_at = cases[i].rotated_at;
		s.ended_at = cases[i].ended_at;
		s.why = s.ended_at ? ENDED_LOGOUT : ENDED_NOT;
		s.strays = cases[i].strays;
		const char *line = line_of("session", of_session, &s);
		is_int(takes(line), !cases[i].refused, "%s", cases[i].what);
		if (!cases[i].refused)
			ok(store_session(70, &now) && strcmp(line_of("session", of_session, &now), line) == 0 && in.written == (i != 0), "is what is here then");
	}
	begin(true);
	s = before;
	s.ended_at = 1200;
	s.why = ENDED_LOGOUT;
	store_session_add(&s);
	ok(!takes(line_of("session", of_session, &before)), "what has ended here isn't opened again");
	begin(true);
	store_session_add(&s);
	s.rotated_at++;
	ok(takes(line_of("session", of_session, &s)) && store_session(70, &now) && now.ended_at == 1200, "what has ended in both stays so");
	s.id = 72;
	ok(takes(line_of("session", of_session, &s)) && store_session(72, &now), "what is new is added");
	in.again = false;
	s.id = 73;
	in.sessions = LOOK_EACH;
	ok(takes(line_of("session", of_session, &s)), "and without a look at what is there");
}

/* ---- streams ----------------------------------------------------------- */

/* stdin isn't one that verb_migrate_in() reads: its words are in what it returns and in in.wrong. */
static int receives(const char *text, bool again)
{
	fresh_with_key();
	in = (struct in){ .head = false };
	vc.given[OPT_AGAIN] = again;
	input = text;
	return verb_migrate_in(&vc);
}

#define HEAD "{\"record\":\"head\",\"schema\":1,\"mark\":7,\"keys\":[]}\n"
#define END "{\"record\":\"end\",\"users\":0,\"sessions\":0,\"events\":0}\n"

static void streams(void)
{
	static char wide[LINE_MAX_BYTES + 2];
	interrupted = 2;
	is_int(receives(HEAD END, false), VERB_DONE, "an empty store, though signals come between");
	is_int(receives(NULL, false), VERB_REFUSED, "a stream that can't be read");
	ok(strstr(in.wrong, "cut off") != NULL, "is cut off");
	is_int(receives(HEAD, false), VERB_REFUSED, "one without an end");
	is_int(receives(HEAD "{}\n" END, false), VERB_REFUSED, "one with a line that is none");
	ok(strstr(in.wrong, "line 2 ") != NULL, "which is named: %s", in.wrong);
	memset(wide, ' ', sizeof wide - 1);
	is_int(receives(wide, false), VERB_REFUSED, "a line that doesn't end");
	fresh_with_key();
	in = (struct in){ .call = &vc, .begun = true };
	ok(receive(NULL) == ERROR_INVALID_REQUEST && strstr(in.wrong, "busy"), "a transaction that must be tried again");
	store_begin(DURABLE_LATER);
	store_session_add(&(struct session){ .id = 1, .user = 1 });
	ok(!is_empty(), "a session alone is no empty store");
	store_session_end(1, ENDED_LOGOUT, 1);
	store_user_add(&(struct user){ .id = 1, .name = S("u") });
	ok(!is_empty(), "nor is a user");
	store_commit();
}

/* The disk is full at each write in turn. */
static void full(void)
{
	fresh_with_key();
	store_begin(DURABLE_LATER);
	store_user_add(&(struct user){ .id = 1, .name = S("u") });
	store_session_add(&(struct session){ .id = 1, .user = 1 });
	store_audit_add(&(struct audit){ .time = 1, .event = EVENT_LOGIN, .user = 1 }, 100);
	store_commit();
	store_close();
	for (int n = 0; n < 6; n++) {
		writes_left = n;
		is_int(verb_migrate_out(&vc), n < 5 ? VERB_SYSTEM : VERB_DONE, "%d writes", n);
	}
}

int main(void)
{
	make_directory();
	ok(!config_parse(SLICE_NONE, &vc.conf), "options");
	vc.conf.dir = vc.dir = dir;
	ring = (struct keyring){ { { "00c0ffee", 1, { 1, 2, 3 } } }, 1 };
	fields();
	lines();
	endings();
	events();
	users();
	sessions();
	streams();
	full();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
