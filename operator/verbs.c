/*
 * verbs: see verbs.h. Rules of this room:
 *
 * - A name, an id, a kid is looked up before anything is changed; what isn't
 *   there is REFUSED, and the transaction is rolled back.
 * - Whatever changes the store writes its audit event in the same transaction.
 *   A change of keys is on disk before that transaction begins: a file can't be
 *   rolled back, and a transaction may run more than once.
 * - A list is read a page at a time and the store closed before a page is
 *   written: the reader of a pipe may be slow, and an open store is locked.
 * - Text that users chose (device, agent) reaches a terminal only by rows.c.
 */
#include "operator/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/process.h"
#include "base/file.h"
#include "operator/ask.h"
#include "session.h"
#include "operator/backup.h"
#include "operator/check.h"
#include "clock.h"
#include "json.h"
#include "jwt.h"
#include "keyring.h"
#include "password.h"
#include "operator/rows.h"
#include "store/upkeep.h"

enum { PASSWD_FILE = 65536 };  /* bytes of /etc/passwd that are looked through */

int verb_refuse(struct call *c, const char *why, struct slice about)
{
	c->why = why;
	c->about = about;
	return REFUSED;
}

static int refuse(struct call *c, const char *why)
{
	return verb_refuse(c, why, SLICE_NONE);
}

static const char *hex(uint64_t id)
{
	struct buf b = { 0 };
	buf_hex(&b, id);
	return slice_text(buf_slice(&b));
}

/* What stdout is told after the commit: a text and what it is about. */
static int done(struct call *c, const char *what, struct slice about)
{
	buf_s(&c->done, what);
	buf_add(&c->done, about);
	buf_c(&c->done, '\n');
	return DONE;
}

static int done_count(struct call *c, int64_t count, const char *what)
{
	buf_int(&c->done, count);
	return done(c, what, SLICE_NONE);
}

static enum rows_form form(const struct call *c)
{
	return c->given[OPT_JSON] ? ROWS_JSON : ROWS_TABLE;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t verb_time(void)
{
	int64_t mark = store_mark(), time = now();
	return later(clock_judge(time, mark) == CLOCK_GOOD ? time : clock_build_epoch, mark);
}

static void note(struct call *c, enum event event, uint64_t user, uint64_t session)
{
	struct audit a = { .time = c->time, .event = event, .user = user, .session = session };
	c->event = event;
	c->user = user;
	c->session = session;
	if (c->conf.audit == AUDIT_TABLE || c->conf.audit == AUDIT_BOTH)
		store_audit_add(&a, c->conf.audit_max);
	else
		store_mark_raise(c->time);
}

void verb_log(const struct call *c)
{
	if (c->event == 0 || (c->conf.audit != AUDIT_SYSLOG && c->conf.audit != AUDIT_BOTH))
		return;
	log_to_syslog();
	log_line("audit", event_words[c->event], " user=", hex(c->user), " session=", hex(c->session), NULL);
}

/* ---- init -------------------------------------------------------------- */

/* A row of /etc/passwd by name or number. (No getpwnam: it would bring stdio
 * and the name service into a static program.) */
static bool find_owner(struct slice who, struct stat *out)
{
	struct slice text = SLICE_NONE, field[4];
	int64_t uid, gid;
	file_read("/etc/passwd", PASSWD_FILE, &text);
	while (text.n) {
		struct slice line = slice_cut(&text, '\n');
		for (size_t i = 0; i < 4; i++)
			field[i] = slice_cut(&line, ':');
		if (!slice_is(field[0], who) && !slice_is(field[2], who))
			continue;
		if (!parse_number(field[2], 0, INT32_MAX, &uid) || !parse_number(field[3], 0, INT32_MAX, &gid))
			continue;
		out->st_uid = (uid_t)uid;
		out->st_gid = (gid_t)gid;
		return true;
	}
	return false;
}

static _Noreturn void no_directory(const char *dir)
{
	fail(ERROR_STORE_UNAVAILABLE, "VB3", "cannot make ", dir, ": ", strerror(errno), NULL);
}

/* On disk, all the way. A parent that can't be read was there before, or is another's. */
static void sync_way(const char *dir)
{
	char *path = slice_text(slice_of(dir));
	for (char *at = strrchr(path, '/'); at > path; at = strrchr(path, '/')) {
		*at = '\0';
		directory_sync(path);
	}
	directory_sync(dir[0] == '/' ? "/" : ".");
}

/* With its parents, which others must be able to pass. True when it wasn't there. */
static bool make_directory(const char *dir)
{
	char *path = slice_text(slice_of(dir));
	mode_t before = umask(022);
	for (char *at = path + 1; *at; at++)
		if (*at == '/') {
			*at = '\0';
			mkdir(path, 0755);
			*at = '/';
		}
	umask(before);
	if (mkdir(path, 0700) == 0)
		return true;
	if (errno != EEXIST)
		no_directory(dir);
	return false;
}

/* Makes the directory, for `owner` where one is wanted. What is there already
 * is never given away: it may hold more than ours. */
static int prepare_directory(struct call *c, const struct stat *owner)
{
	struct stat st;
	bool made = make_directory(c->dir);
	if (owner && made && chown(c->dir, owner->st_uid, owner->st_gid))
		no_directory(c->dir);
	if (owner && (stat(c->dir, &st) || st.st_uid != owner->st_uid))
		return refuse(c, "the directory is there and belongs to another; chown it first");
	sync_way(c->dir);
	return DONE;
}

static struct key fresh_key(int64_t created_at)
{
	struct key key = { .created_at = created_at };
	random_bytes(key.master, KEY_SIZE);
	jwt_name_key(&key);
	return key;
}

/* A key file that was put there beforehand is kept: a second host's. */
static void first_key(const char *dir)
{
	struct stat st;
	if (lstat(path_in(dir, "latchkey.key"), &st) == 0)
		return;
	struct keyring ring = { .count = 1, .key = { fresh_key(later(now(), clock_build_epoch)) } };
	keyring_write(dir, &ring);
	wipe(&ring, sizeof ring);
}

static int upgrade(struct call *c)
{
	process_become_owner(c->dir);
	int before = store_upgrade(c->dir);
	buf_s(&c->done, "schema version ");
	buf_int(&c->done, store_version);
	buf_s(&c->done, ", was ");
	buf_int(&c->done, before);
	return done(c, "", SLICE_NONE);
}

int verb_init(struct call *c)
{
	struct stat owner;
	if (c->given[OPT_UPGRADE])
		return upgrade(c);
	if (c->given[OPT_OWNER] && !find_owner(c->value[OPT_OWNER], &owner))
		return verb_refuse(c, "no such user in /etc/passwd: ", c->value[OPT_OWNER]);
	int code = prepare_directory(c, c->given[OPT_OWNER] ? &owner : NULL);
	if (code != DONE)
		return code;
	process_become_owner(c->dir);
	if (store_exists(c->dir))
		return refuse(c, "there is a database already (init --upgrade brings its schema up to date)");
	first_key(c->dir);
	store_create(c->dir);
	return done(c, "made ", slice_of(c->dir));
}

/* ---- user -------------------------------------------------------------- */

static bool named(struct slice name, struct user *out)
{
	return session_username_ok(name) && store_user_named(name, out);
}

static int no_user(struct call *c, struct slice name)
{
	return verb_refuse(c, "no such user: ", name);
}

static void hash_input(struct call *c, struct slice password)
{
	if (!password_slot(config_throttle_dir(&c->conf), c->conf.password_jobs, VERB_WAIT))
		fail(ERROR_BUSY, "VB4", "too many password hashes at once; see password_jobs", NULL);
	c->input = password_hash(password, password_cost_here(c->conf.password.kib, c->conf.password.passes));
	password_slot_leave();
	wipe((void *)(uintptr_t)password.p, password.n);
}

/* A person types it twice, a pipe once. */
static int ask_password(struct call *c)
{
	struct slice password, again;
	if (!ask_line("Password: ", LIMIT_PASSWORD_MAX, &password) || !password_acceptable(password))
		return refuse(c, errors[ERROR_WEAK_PASSWORD].message);
	if (ask_is_terminal() && (!ask_line("Again: ", LIMIT_PASSWORD_MAX, &again) || !slice_is(password, again)))
		return refuse(c, "the two are not the same");
	hash_input(c, password);
	return DONE;
}

/* Whether the first operand names a user; asked before a person types. */
static bool is_there(const struct call *c)
{
	struct user u;
	store_open(c->dir, VERB_WAIT);
	bool found = named(c->operand[0], &u);
	store_close();
	return found;
}

int ask_first_password(struct call *c)
{
	if (!session_username_ok(c->operand[0]))
		return refuse(c, "a user name has 1 to 64 bytes of A-Z a-z 0-9 . _ @ + -");
	if (is_there(c))
		return refuse(c, errors[ERROR_USERNAME_TAKEN].message);
	return ask_password(c);
}

int ask_next_password(struct call *c)
{
	return is_there(c) ? ask_password(c) : no_user(c, c->operand[0]);
}

int verb_user_add(struct call *c)
{
	struct user u = { .id = random_id(), .name = c->operand[0], .password = c->input, .created_at = c->time };
	if (!store_user_add(&u))
		return refuse(c, errors[ERROR_USERNAME_TAKEN].message);
	note(c, EVENT_USER_ADDED, u.id, 0);
	return done(c, "added user ", u.name);
}

int verb_user_passwd(struct call *c)
{
	struct user u;
	if (!named(c->operand[0], &u))
		return no_user(c, c->operand[0]);
	store_user_password(u.id, c->input);
	int64_t ended = store_sessions_end(u.id, 0, ENDED_PASSWORD, c->time);
	note(c, EVENT_PASSWORD_CHANGED, u.id, 0);
	return done_count(c, ended, " sessions ended");
}

/* JSON as it stands, but for white space around it. */
static struct slice trim_json(struct slice s)
{
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
		s.n--;
	while (s.n && strchr(" \t\r\n", s.p[0]))
		s = slice_from(s, 1);
	return s;
}

int ask_subscription(struct call *c)
{
	struct json j;
	c->input = c->operand[2];
	if (!slice_is(c->operand[1], S("subscription")))
		return verb_refuse(c, "only the subscription can be set, not ", c->operand[1]);
	if (slice_is(c->input, S("-")) && !ask_all(LIMIT_SUBSCRIPTION, &c->input))
		return refuse(c, "the subscription is longer than 2048 bytes");
	c->input = trim_json(c->input);
	if (slice_is(c->input, S("null"))) {
		c->input = SLICE_NONE;
		return DONE;
	}
	if (c->input.n > LIMIT_SUBSCRIPTION || json_read(c->input, &j) != JSON_VALID || !json_is_object(&j))
		return refuse(c, "the subscription must be null or a JSON object of at most 2048 bytes");
	return DONE;
}

int verb_user_set(struct call *c)
{
	struct user u;
	if (!named(c->operand[0], &u))
		return no_user(c, c->operand[0]);
	store_user_subscription(u.id, c->input);
	return done(c, "set the subscription of ", u.name);
}

int verb_user_disable(struct call *c)
{
	struct user u;
	if (!named(c->operand[0], &u))
		return no_user(c, c->operand[0]);
	store_user_disable(u.id, true);
	int64_t ended = store_sessions_end(u.id, 0, ENDED_DISABLED, c->time);
	note(c, EVENT_USER_DISABLED, u.id, 0);
	return done_count(c, ended, " sessions ended");
}

int verb_user_enable(struct call *c)
{
	struct user u;
	if (!named(c->operand[0], &u))
		return no_user(c, c->operand[0]);
	store_user_disable(u.id, false);
	note(c, EVENT_USER_ENABLED, u.id, 0);
	return done(c, "enabled user ", u.name);
}

int verb_user_delete(struct call *c)
{
	struct user u;
	if (!named(c->operand[0], &u))
		return no_user(c, c->operand[0]);
	store_user_delete(u.id);
	note(c, EVENT_USER_DELETED, u.id, 0);
	return done(c, "deleted user ", u.name);
}

static void user_row(struct rows *r, const struct user *u)
{
	rows_open(r);
	rows_id(r, "id", u->id);
	rows_time(r, "created_at", u->created_at);
	rows_flag(r, "disabled", u->disabled);
	rows_text(r, "username", 20, u->name);
	rows_json(r, "subscription", 0, u->subscription);
	rows_close(r);
}

/* A page, and in `last` the name that the next one begins behind. */
static size_t user_page(const struct call *c, struct rows *r, char last[LIMIT_USERNAME + 1])
{
	struct user u[LIMIT_LIST];
	size_t mark = arena_mark();
	store_open(c->dir, VERB_WAIT);
	size_t n = store_users(slice_of(last), u);
	store_close();
	for (size_t i = 0; i < n; i++)
		user_row(r, &u[i]);
	if (n) {
		memcpy(last, u[n - 1].name.p, u[n - 1].name.n);
		last[u[n - 1].name.n] = '\0';
	}
	arena_back(mark);
	return n;
}

int verb_user_list(struct call *c)
{
	char last[LIMIT_USERNAME + 1] = "";
	struct rows r;
	rows_begin(&r, form(c));
	if (rows_heading(&r))
		user_row(&r, &(struct user){ .id = 0 });
	while (user_page(c, &r, last) == LIMIT_LIST)
		;
	return rows_end(&r) ? DONE : SYSTEM;
}

/* ---- session ----------------------------------------------------------- */

struct name { char text[LIMIT_USERNAME + 1]; };

/* The user's name, empty for one who is gone; read while the store is open. */
static void look_up(uint64_t id, struct name *out)
{
	struct user u = { .id = 0 };
	size_t mark = arena_mark();
	out->text[0] = '\0';
	if (id && store_user(id, &u)) {
		memcpy(out->text, u.name.p, u.name.n);
		out->text[u.name.n] = '\0';
	}
	arena_back(mark);
}

static bool is_over(const struct config *conf, const struct session *s)
{
	int64_t time = now();
	return (s->expires_at && time >= s->expires_at) || time >= s->rotated_at + conf->refresh_ttl;
}

static struct slice state_of(const struct config *conf, const struct session *s)
{
	if (s->ended_at || !is_over(conf, s))
		return slice_of(ended_words[s->ended_at ? s->why : ENDED_NOT]);
	return S("expired");
}

static void session_row(struct rows *r, const struct config *conf, const struct session *s, const struct name *name)
{
	rows_open(r);
	rows_id(r, "id", s->id);
	rows_text(r, "state", 8, state_of(conf, s));
	rows_time(r, "created_at", s->created_at);
	rows_time(r, "last_used_at", s->rotated_at);
	rows_time(r, "expires_at", s->expires_at);
	rows_time(r, "ended_at", s->ended_at);
	rows_int(r, "generation", 10, s->ctr);
	rows_flag(r, "cookie", s->cookie);
	rows_id(r, "user", s->user);
	rows_text(r, "username", 16, slice_of(name->text));
	rows_text(r, "ip", 15, s->ip);
	rows_text(r, "device", 16, s->device);
	rows_text(r, "agent", 0, s->agent);
	rows_close(r);
}

static size_t session_page(const struct call *c, struct rows *r, uint64_t user, uint64_t *after)
{
	struct session s[LIMIT_LIST];
	struct name name[LIMIT_LIST];
	size_t mark = arena_mark();
	store_open(c->dir, VERB_WAIT);
	size_t n = store_sessions(user, *after, s);
	for (size_t i = 0; i < n; i++)
		look_up(s[i].user, &name[i]);
	store_close();
	for (size_t i = 0; i < n; i++)
		if (c->given[OPT_ALL] || (!s[i].ended_at && !is_over(&c->conf, &s[i])))
			session_row(r, &c->conf, &s[i], &name[i]);
	*after = n ? s[n - 1].id : *after;
	arena_back(mark);
	return n;
}

int verb_session_list(struct call *c)
{
	struct user u = { .id = 0 };
	struct rows r;
	uint64_t after = 0;
	if (c->operands) {
		store_open(c->dir, VERB_WAIT);
		bool found = named(c->operand[0], &u);
		store_close();
		if (!found)
			return no_user(c, c->operand[0]);
	}
	rows_begin(&r, form(c));
	if (rows_heading(&r))
		session_row(&r, &c->conf, &(struct session){ .id = 0 }, &(struct name){ "" });
	while (session_page(c, &r, u.id, &after) == LIMIT_LIST)
		;
	return rows_end(&r) ? DONE : SYSTEM;
}

static int revoke_all(struct call *c)
{
	struct user u;
	if (!named(c->value[OPT_USER], &u))
		return no_user(c, c->value[OPT_USER]);
	int64_t ended = store_sessions_end(u.id, 0, ENDED_REVOKED, c->time);
	if (ended)
		note(c, EVENT_REVOKE, u.id, 0);
	return done_count(c, ended, " sessions ended");
}

int ask_session(struct call *c)
{
	if (c->given[OPT_USER] != (c->operands == 1))
		return DONE;
	log_line(c->verb, "either the id of a session or --user NAME", NULL);
	return USAGE;
}

int verb_session_revoke(struct call *c)
{
	struct session s;
	uint64_t id;
	if (c->given[OPT_USER])
		return revoke_all(c);
	if (!parse_id(c->operand[0], &id) || !store_session(id, &s) || !store_session_end(id, ENDED_REVOKED, c->time))
		return verb_refuse(c, "no such session, or it has ended: ", c->operand[0]);
	note(c, EVENT_REVOKE, s.user, s.id);
	return done(c, "ended session ", c->operand[0]);
}

/* ---- key --------------------------------------------------------------- */

static void need_ring(const char *dir, struct keyring *out)
{
	const char *wrong = keyring_read(dir, out);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "VB5", wrong, NULL);
}

static void key_row(struct rows *r, const struct key *key, const char *use)
{
	rows_open(r);
	rows_text(r, "kid", KID_LENGTH, slice_of(key->kid));
	rows_time(r, "created_at", key->created_at);
	rows_text(r, "use", 0, slice_of(use));
	rows_close(r);
}

int verb_key_list(struct call *c)
{
	struct keyring ring;
	struct rows r;
	need_ring(c->dir, &ring);
	rows_begin(&r, form(c));
	if (rows_heading(&r))
		key_row(&r, &ring.key[0], "");
	for (size_t i = 0; i < ring.count; i++)
		key_row(&r, &ring.key[i], i ? "verifies" : "signs");
	return rows_end(&r) ? DONE : SYSTEM;
}

static enum error write_note(void *call)
{
	struct call *c = call;
	note(c, c->event, 0, 0);
	return ERROR_NONE;
}

/* The event of a change that was made outside of the store. */
static void note_alone(struct call *c, enum event event)
{
	c->event = event;
	store_run(DURABLE_NOW, write_note, c);
}

static int add_key(struct call *c, const struct key *key)
{
	struct keyring ring;
	need_ring(c->dir, &ring);
	if (!keyring_add(&ring, key))
		return refuse(c, ring.count == LIMIT_KEYS ? "there are 8 keys; retire one first" : "this key is there already");
	keyring_write(c->dir, &ring);
	note_alone(c, EVENT_KEY_ADDED);
	return done(c, "new tokens are signed with key ", slice_of(key->kid));
}

struct epoch { struct call *call; int64_t ended; };

static enum error end_all_sessions(void *epoch)
{
	struct epoch *e = epoch;
	e->ended = store_sessions_end_all(ENDED_REVOKED, e->call->time);
	note(e->call, EVENT_EPOCH, 0, 0);
	return ERROR_NONE;
}

/*
 * Ends every session and every token. The key file comes first: if latchkey is
 * killed after that, nothing old verifies any more, and the next try ends the
 * sessions that still seem to stand. The old ring isn't read: it may be broken.
 */
static int begin_epoch(struct call *c)
{
	struct keyring ring = { .count = 1, .key = { fresh_key(c->time) } };
	struct epoch e = { .call = c };
	keyring_write(c->dir, &ring);
	store_run(DURABLE_NOW, end_all_sessions, &e);
	buf_int(&c->done, e.ended);
	buf_s(&c->done, " sessions ended, every token until now is refused; new tokens are signed with key ");
	done(c, ring.key[0].kid, SLICE_NONE);
	wipe(&ring, sizeof ring);
	return DONE;
}

int verb_key_rotate(struct call *c)
{
	if (c->given[OPT_EPOCH])
		return begin_epoch(c);
	struct key key = fresh_key(c->time);
	return add_key(c, &key);
}

/* The end of a line, with what a terminal or a Windows editor leaves there. */
static struct slice trim_line(struct slice s)
{
	s.n -= s.n && s.p[s.n - 1] == '\r';
	return slice_trim(s);
}

int ask_key(struct call *c)
{
	if (!ask_line("Key: ", 2 * KEY_SIZE + 16, &c->input))
		return refuse(c, "no key on standard input");
	c->input = trim_line(c->input);
	return DONE;
}

int verb_key_import(struct call *c)
{
	struct key key = { .created_at = c->time };
	if (!parse_hex(c->input, key.master, KEY_SIZE))
		return refuse(c, "a key is one line of 64 hexadecimal digits");
	jwt_name_key(&key);
	return add_key(c, &key);
}

int verb_key_retire(struct call *c)
{
	struct keyring ring;
	need_ring(c->dir, &ring);
	size_t i = keyring_find(&ring, c->operand[0]);
	if (i == ring.count)
		return verb_refuse(c, "no such key: ", c->operand[0]);
	if (ring.count == 1)
		return refuse(c, "it is the only key; rotate first");
	ring.count--;
	memmove(&ring.key[i], &ring.key[i + 1], (ring.count - i) * sizeof ring.key[0]);
	keyring_write(c->dir, &ring);
	note_alone(c, EVENT_KEY_RETIRED);
	return done(c, "tokens signed with it are refused from now on; signing with key ", slice_of(ring.key[0].kid));
}

int verb_key_export(struct call *c)
{
	struct keyring ring;
	struct slice use = c->given[OPT_USE] ? c->value[OPT_USE] : S("access");
	bool refresh = slice_is(use, S("refresh"));
	if (!refresh && !slice_is(use, S("access"))) {
		log_line(c->verb, "--use is access or refresh", NULL);
		return USAGE;
	}
	need_ring(c->dir, &ring);
	size_t i = c->operands ? keyring_find(&ring, c->operand[0]) : 0;
	if (i == ring.count)
		return verb_refuse(c, "no such key: ", c->operand[0]);
	jwt_write_jwk(&(struct jw){ .out = &c->done }, &ring.key[i], refresh ? JWT_REFRESH : JWT_ACCESS);
	return done(c, "", SLICE_NONE);
}

/* ---- audit ------------------------------------------------------------- */

enum { AUDIT_TAIL = 10 };   /* rows shown before the new ones of --follow */

static void audit_row(struct rows *r, const struct audit *a, const struct name *name)
{
	rows_open(r);
	rows_time(r, "time", a->time);
	rows_text(r, "event", 16, slice_of(event_words[a->event]));
	rows_id(r, "user", a->user);
	rows_text(r, "username", 16, slice_of(name->text));
	rows_id(r, "session", a->session);
	rows_text(r, "ip", 15, a->ip);
	rows_text(r, "class", 5, slice_of(class_words[a->class]));
	rows_int(r, "distance", 0, a->distance);
	rows_close(r);
}

static size_t audit_page(const struct call *c, struct rows *r, int64_t since, int64_t *after)
{
	struct audit a[LIMIT_LIST];
	struct name name[LIMIT_LIST];
	size_t mark = arena_mark();
	store_open(c->dir, VERB_WAIT);
	size_t n = store_audits_after(*after, a);
	for (size_t i = 0; i < n; i++)
		look_up(a[i].user, &name[i]);
	store_close();
	for (size_t i = 0; i < n; i++)
		if (a[i].time >= since)
			audit_row(r, &a[i], &name[i]);
	*after = n ? a[n - 1].id : *after;
	arena_back(mark);
	return n;
}

/* --since: Unix seconds, or how long ago. */
static bool since_when(const struct call *c, int64_t *since)
{
	int64_t ago;
	*since = 0;
	if (!c->given[OPT_SINCE] || parse_number(c->value[OPT_SINCE], 0, INT64_MAX, since))
		return true;
	if (!config_duration(c->value[OPT_SINCE], &ago))
		return false;
	*since = now() - ago;
	return true;
}

/* Where --follow begins: a few rows before the end, or all since then. */
static int64_t follow_from(const struct call *c)
{
	struct audit a[LIMIT_LIST];
	if (!c->given[OPT_FOLLOW] || c->given[OPT_SINCE])
		return 0;
	store_open(c->dir, VERB_WAIT);
	size_t n = store_audits(0, 0, AUDIT_TAIL, a);
	store_close();
	return n ? a[n - 1].id - 1 : 0;
}

int verb_audit(struct call *c)
{
	struct rows r;
	int64_t since, after;
	if (!since_when(c, &since)) {
		log_line(c->verb, "--since is a duration (2h) or Unix seconds", NULL);
		return USAGE;
	}
	after = follow_from(c);
	rows_begin(&r, c->given[OPT_JSON] && c->given[OPT_FOLLOW] ? ROWS_LINES : form(c));
	if (rows_heading(&r))
		audit_row(&r, &(struct audit){ .id = 0 }, &(struct name){ "" });
	for (;;) {
		while (audit_page(c, &r, since, &after) == LIMIT_LIST)
			;
		if (!c->given[OPT_FOLLOW])
			return rows_end(&r) ? DONE : SYSTEM;
		if (!rows_flush(&r))
			return SYSTEM;
		sleep(1);
	}
}

/* ---- config, check ----------------------------------------------------- */

int verb_config(struct call *c)
{
	struct rows r;
	rows_begin(&r, form(c));
	bool heading = rows_heading(&r);
	for (size_t i = 0; i < options_count; i += !heading, heading = false) {
		rows_open(&r);
		rows_text(&r, "name", 15, slice_of(options[i].name));
		rows_text(&r, "value", 10, option_value(&c->conf, i));
		rows_text(&r, "default", 9, slice_of(options[i].fallback));
		rows_text(&r, "meaning", 0, slice_of(options[i].meaning));
		rows_close(&r);
	}
	return rows_end(&r) ? DONE : SYSTEM;
}

int verb_check(struct call *c)
{
	return check_run(c->dir, c->given[OPT_REPAIR], c->given[OPT_JSON]) ? DONE : REFUSED;
}

/* ---- backup ------------------------------------------------------------ */

/* In a child, which becomes the data directory's owner: so root's file stays
 * root's, and whatever fails there, the file is taken away here. */
int verb_backup(struct call *c)
{
	const char *path = slice_text(c->operand[0]);
	int status = -1, to = backup_file(path);
	if (to < 0) {
		int code = errno == EEXIST ? REFUSED : SYSTEM;
		log_line(c->verb, "cannot make ", path, ": ", strerror(errno), NULL);
		return code;
	}
	pid_t child = fork();
	if (child == 0)
		exit(backup_copy(c->dir, to) ? DONE : REFUSED);
	if (child < 0)
		log_line(c->verb, strerror(errno), NULL);
	else
		waitpid(child, &status, 0);
	if (status == 0 && backup_last(path))
		return done(c, "copied the database; the keys are not in it: keep latchkey.key elsewhere", SLICE_NONE);
	unlink(path);
	return WIFEXITED(status) && WEXITSTATUS(status) == REFUSED ? REFUSED : SYSTEM;
}

/* ---- verify ------------------------------------------------------------ */

enum { FUTURE_SECONDS = 120 };  /* how far ahead of the clock an iat may lie: as for requests */

/* Whether the store agrees too. Who is disabled or deleted has no session that
 * stands. */
static const char *not_live(const struct call *c, const struct access_claims *a)
{
	struct session s;
	bool stands = store_session(a->sid, &s) && !s.ended_at && !is_over(&c->conf, &s);
	return stands ? NULL : "the session has ended";
}

/* NULL, or why not. A clock that isn't believed expires nothing: that is our
 * trouble, not the token's. */
static const char *not_good(const struct call *c, const struct access_claims *a)
{
	bool live = c->given[OPT_LIVE];
	if (live)
		store_open(c->dir, VERB_WAIT);
	int64_t time = now();
	enum clock_trust belief = clock_judge(time, live ? store_mark() : 0);
	bool expired = time >= a->exp;
	if (belief == CLOCK_UNSET || (belief == CLOCK_DOUBTFUL && expired))
		fail(ERROR_CLOCK_UNSET, "VB6", "the clock of this host isn't set", NULL);
	if (!slice_is(a->iss, c->conf.issuer))
		return "another issuer";
	if (!slice_is(a->aud, c->conf.audience))
		return "another audience";
	if (a->iat > time + FUTURE_SECONDS)
		return "issued in the future";
	if (expired)
		return "expired";
	return live ? not_live(c, a) : NULL;
}

/* The claims as they were signed: the payload itself. */
static int show_claims(struct call *c, struct slice token)
{
	struct slice payload = SLICE_NONE;
	slice_cut(&token, '.');
	base64url_read(slice_cut(&token, '.'), &payload);
	return done(c, "", payload);
}

int verb_verify(struct call *c)
{
	struct slice token;
	struct keyring ring;
	struct access_claims claims;
	if (!ask_line("Token: ", LIMIT_JWT + 64, &token))
		return refuse(c, "no token on standard input");
	token = trim_line(token);
	need_ring(c->dir, &ring);
	enum jwt_verdict verdict = jwt_open_access(token, &ring, &claims, NULL);
	if (verdict != JWT_VALID)
		return refuse(c, jwt_verdict_word(verdict));
	const char *why = not_good(c, &claims);
	store_close();
	return why ? refuse(c, why) : show_claims(c, token);
}
