/*
 * account: see account.h.
 *
 * The list of what happened leaves out refreshes, and begins with what a user should look at: refused sign-ins, sessions that were
 * ended, sign-ins from a new place, as far as they are newer than the last visit.
 */
#include "door/account.h"

#include "base/address.h"
#include "door/device.h"
#include "door/frame.h"
#include "door/means.h"
#include "session.h"

enum {
	LIST_BYTES = 24 * 1024, /* no session begins behind them; one has 5 KB at most, all events 16 */
	SHOWN = 30,             /* events */
	BATCHES = 24,           /* of LIMIT_LIST rows that are looked through for them: a month of refreshes of one device */
	DAY = 86400,            /* seconds */
	FIRST_LOOK = 30 * DAY   /* seconds: how far back somebody's first visit looks */
};

/* ---- what happened ----------------------------------------------------- */

/* What stands in the list, and whether a user should look at it. */
static const struct happening {
	enum event event;
	enum word word;
	bool alarming;
} happenings[] = {
	{ EVENT_LOGIN, WORD_event_login, false },
	{ EVENT_LOGIN_FAILED, WORD_event_login_failed, true },
	{ EVENT_REUSE, WORD_event_copied, true },
	{ EVENT_FORK, WORD_event_copied, true },
	{ EVENT_LOGOUT, WORD_event_logout, false },
	{ EVENT_REVOKE, WORD_event_revoke, true },
	{ EVENT_PASSWORD_CHANGED, WORD_event_password, true },
	{ EVENT_LINK_USED, WORD_event_password, true },
	{ EVENT_USER_ADDED, WORD_event_added, false },
	{ EVENT_USER_DISABLED, WORD_event_disabled, true },
	{ EVENT_USER_ENABLED, WORD_event_enabled, true },
	{ EVENT_USER_RENAMED, WORD_event_renamed, true },
	{ EVENT_RATE_LIMITED, WORD_event_limited, true },
	{ EVENT_PASSKEY_ADDED, WORD_event_passkey, true },
	{ EVENT_PASSKEY_REMOVED, WORD_event_forget, true },
	{ EVENT_LINK_MADE, WORD_event_link, true },
	{ EVENT_TOTP_ON, WORD_event_factor_on, true },
	{ EVENT_TOTP_OFF, WORD_event_factor_off, true },
};

static const struct happening *happening_of(enum event event)
{
	for (size_t i = 0; i < sizeof happenings / sizeof *happenings; i++)
		if (happenings[i].event == event)
			return &happenings[i];
	return NULL;
}

/* An event of the list. Its address is kept here, since a batch's memory is given back. */
struct entry {
	const struct happening *what;
	int64_t id, time;
	char address[48];
	size_t length;          /* of the address */
	bool new_place;
};

struct entries {
	struct entry list[SHOWN];
	size_t count;
};

static void keep(struct entries *e, const struct audit *a)
{
	const struct happening *what = happening_of(a->event);
	if (!what || e->count == SHOWN)
		return;
	struct entry *to = &e->list[e->count++];
	*to = (struct entry){ .what = what, .id = a->id, .time = a->time };
	for (; to->length < a->ip.n && to->length < sizeof to->address; to->length++)
		to->address[to->length] = a->ip.p[to->length];
}

static void collect(struct entries *e, uint64_t user)
{
	struct audit rows[LIMIT_LIST];
	int64_t before = 0;
	size_t n = LIMIT_LIST;
	for (int i = 0; i < BATCHES && n == LIMIT_LIST && e->count < SHOWN; i++) {
		size_t mark = arena_mark();
		n = store_audits(user, before, LIMIT_LIST, rows);
		for (size_t j = 0; j < n; j++) {
			before = rows[j].id;
			keep(e, &rows[j]);
		}
		arena_back(mark);
	}
}

static struct slice address_of(const struct entry *e)
{
	return (struct slice){ e->address, e->length };
}

/* Whether one that is older, of those that are shown, is a sign-in from near it. */
static bool was_there_before(const struct entries *e, size_t i)
{
	for (size_t j = i + 1; j < e->count; j++)
		if (e->list[j].what->event == e->list[i].what->event && address_near(address_of(&e->list[j]), address_of(&e->list[i])))
			return true;
	return false;
}

/* The first sign-in of all is from no new place. */
static void find_new_places(struct entries *e)
{
	size_t last = e->count;
	for (size_t i = 0; i < e->count; i++)
		if (e->list[i].what->event == EVENT_LOGIN)
			last = i;
	for (size_t i = 0; i < last; i++)
		e->list[i].new_place = e->list[i].what->event == EVENT_LOGIN && !was_there_before(e, i);
}

static bool wants_a_look(const struct visit *v, const struct entry *e)
{
	bool unseen = v->seen ? e->id > v->seen : e->time > v->work->time - FIRST_LOOK;
	return unseen && (e->what->alarming || e->new_place);
}

/* Behind an address, where there is one. */
static void write_time(struct page *p, bool behind, int64_t time)
{
	if (behind)
		PAGE_ADD(p, " · ");
	page_ago(p, time);
}

static void write_entry(struct page *p, const struct entry *e)
{
	size_t mark = arena_mark();
	PAGE_FILL(p, "<li><div><b>{1}</b>", page_word(p, e->what->word));
	if (e->new_place)
		PAGE_ADD(p, " <span class=\"tag\">{new_place}</span>");
	PAGE_FILL(p, "<p class=\"soft\">{1}", address_of(e));
	write_time(p, e->length > 0, e->time);
	PAGE_ADD(p, "</p></div></li>\n");
	arena_back(mark);
}

/* One of the two parts of the list. Returns how many are in it. */
static size_t write_entries(struct page *p, const struct visit *v, const struct entries *e, bool look)
{
	size_t n = 0;
	for (size_t i = 0; i < e->count; i++) {
		if (wants_a_look(v, &e->list[i]) != look)
			continue;
		if (n++ == 0 && look)
			PAGE_ADD(p, "<section class=\"card alert\"><h2>{look}</h2>\n<ul class=\"rows\">\n");
		write_entry(p, &e->list[i]);
	}
	if (n && look)
		PAGE_ADD(p, "</ul>\n<p class=\"soft\">{look_why}</p></section>\n");
	return n;
}

/* ---- sessions ---------------------------------------------------------- */

/* The row of a site session is written once a day at most (session.h). */
static void write_use(struct page *p, const struct session *s)
{
	if (s->ctr == 0 && p->time - s->rotated_at < DAY)
		PAGE_FILL(p, "{1}{last_day}", s->ip.n ? S(" · ") : S(""));
	else
		write_time(p, s->ip.n > 0, s->rotated_at);
}

/* The body has its room, so what a row takes beside it is given back. */
static void write_session(struct page *p, const struct session *s, bool here)
{
	size_t mark = arena_mark();
	struct slice name = device_name(p, s);
	PAGE_FILL(p, "<li><div><b>{1}</b>", name);
	if (here)
		PAGE_ADD(p, " <span class=\"tag\">{this_device}</span>");
	PAGE_FILL(p, "<p class=\"soft\">{1}", s->ip);
	if (!here)
		write_use(p, s);
	frame_end_row(p, here ? NULL : "end", WORD_end_session, s->id, name);
	arena_back(mark);
}

static void write_sessions(struct page *p, const struct visit *v)
{
	struct session rows[LIMIT_LIST];
	size_t others = 0, shown = 0, n = store_sessions_used(v->user->id, INT64_MAX, 0, rows);
	PAGE_ADD(p, "<section class=\"card\"><h2>{sessions}</h2>\n<ul class=\"rows\">\n");
	write_session(p, v->session, true);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].id == v->session->id || session_over(v->work, &rows[i], v->user))
			continue;
		others++;
		if (p->rp->body.n > LIST_BYTES)
			continue;
		shown++;
		write_session(p, &rows[i], false);
	}
	PAGE_ADD(p, "</ul>\n");
	if (shown < others)
		PAGE_FILL(p, "<p class=\"soft\">{more_sessions}</p>\n", slice_of(dec((int64_t)(others - shown))));
	if (others)
		PAGE_ADD(p, "<form method=\"post\" action=\"account\"><button name=\"do\" value=\"others\">{end_others}</button></form>\n");
	PAGE_ADD(p, "</section>\n");
}

/* ---- the page ---------------------------------------------------------- */

static const char code_field[] = "<label>{1}<input name=\"second\" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" required></label>\n";
static const char password_field[] = "<input hidden name=\"username\" autocomplete=\"username\" value=\"{1}\">\n"
	"<label>{present_password}<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\n";

static void write_code(struct page *p, enum word word)
{
	const struct slice label = page_word(p, word);
	page_write(p, code_field, &label, 1);
}

/* What shows that it is he who asks, and a button for what he asks for. */
static void write_proof(struct page *p, const struct visit *v, const char *class, const char *action, enum word word)
{
	if (v->bare)
		PAGE_ADD(p, "<p class=\"soft\">{confirm_why}</p>\n");
	else
		page_write(p, password_field, &v->user->name, 1);
	if (v->factor)
		write_code(p, WORD_code);
	if (v->bare)
		means_write_confirm(v->call, p, class, action, word);
	else
		PAGE_FILL(p, "<button class=\"{1}\" name=\"do\" value=\"{2}\">{3}</button>\n", slice_of(class), slice_of(action), page_word(p, word));
	PAGE_ADD(p, "</form></details>\n");
}

/* On, off, or about to be: then it is open, and says all that has to be kept. */
static void write_factor(struct page *p, const struct visit *v)
{
	PAGE_FILL(p, "<details class=\"card\" id=\"factor\"{1}><summary>{second_factor}</summary>\n<form class=\"stack\" method=\"post\" action=\"account\">", v->made ? S(" open") : S(""));
	if (v->made) {
		frame_write_enrolment(p, v->made);
		PAGE_FILL(p, "<input type=\"hidden\" name=\"shown\" value=\"{1}\">\n", v->made->ticket);
		write_code(p, WORD_factor_code);
		PAGE_ADD(p, "<button class=\"main\" name=\"do\" value=\"factor-on\">{factor_turn_on}</button>\n</form></details>\n");
		return;
	}
	PAGE_FILL(p, "<p class=\"soft\">{1}</p>\n", page_word(p, v->factor ? WORD_factor_is_on : WORD_factor_why));
	write_proof(p, v, "main", v->factor ? "factor-off" : "factor", v->factor ? WORD_factor_turn_off : WORD_factor_set_up);
}

/* The field for the name is for password managers, which store what belongs together. */
static void write_password(struct page *p, const struct visit *v)
{
	PAGE_ADD(p, "<details class=\"card\"><summary>{change_password}</summary>\n<form class=\"stack\" method=\"post\" action=\"account\">");
	page_write(p, password_field, &v->user->name, 1);
	if (v->factor)
		write_code(p, WORD_code);
	PAGE_ADD(p, "<label>{new_password}<input name=\"next\" type=\"password\" autocomplete=\"new-password\" minlength=\"8\" required></label>\n"
		"<p class=\"soft\">{change_password_why}</p>\n<button class=\"main\" name=\"do\" value=\"password\">{change_password}</button>\n</form></details>\n");
}

static void write_leaving(struct page *p, const struct visit *v)
{
	PAGE_ADD(p, "<details class=\"card\"><summary>{delete_account}</summary>\n<form class=\"stack\" method=\"post\" action=\"account\">"
		"<p class=\"soft\">{delete_account_why}</p>\n");
	write_proof(p, v, "danger", "delete", WORD_delete_account);
}

void account_write(struct page *p, const struct visit *v)
{
	struct entries *e = arena(sizeof *e);
	collect(e, v->user->id);
	find_new_places(e);
	size_t looked = write_entries(p, v, e, true);
	write_sessions(p, v);
	if (looked < e->count) {
		PAGE_ADD(p, "<section class=\"card\"><h2>{happened}</h2>\n<ul class=\"rows log\">\n");
		(void)write_entries(p, v, e, false);
		PAGE_ADD(p, "</ul></section>\n");
	}
	write_factor(p, v);
	if (!v->bare)
		write_password(p, v);
	write_leaving(p, v);
}

int64_t account_newest(uint64_t user)
{
	struct audit rows[LIMIT_LIST];
	return store_audits(user, 0, 1, rows) ? rows[0].id : 0;
}
