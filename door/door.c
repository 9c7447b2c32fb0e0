/*
 * door: the pages for people (docs/door.md).
 *
 * They work without script: each is a form, which its route answers with a redirect (303) to a page, or with itself and what was
 * wrong. All paths are beside each other, so links are relative and hold wherever a front puts the mount.
 *
 * A program that the web server guards may lie on the same origin and have a hole. So no form counts that comes from
 * another page than these, as far as a browser says it; what can take the account over asks for the password in the same form.
 */
#include "door/door.h"

#include "door/account.h"
#include "door/choose.h"
#include "door/connect.h"
#include "door/frame.h"
#include "door/means.h"
#include "door/onward.h"
#include "door/page.h"
#include "door/seen.h"
#include "door/style.h"
#include "factor.h"
#include "gate.h"
#include "password.h"
#include "redirect.h"
#include "session.h"
#include "signin.h"

static struct door *own(const struct call *c)
{
	return frame_own(c);
}

/* ---- where one came from ------------------------------------------------ */

/* rd: a page that is to be gone back to (redirect.h); another one is as good as none. */
static void find_return(struct call *c)
{
	struct slice rd = own(c)->sent_rd, sent;
	if (rd.p == NULL && http_query(c->rq, S("rd"), &sent) && !http_decode(sent, &rd))
		rd = SLICE_NONE;
	own(c)->rd = redirect_is_good(c->work.config, c->rq, rd) ? rd : SLICE_NONE;
}

/* Of a URL its host with the port, or its origin; both are empty for a path on this host. */
static struct slice part_of_url(struct slice url, bool origin)
{
	struct slice rest = url, scheme = slice_cut(&rest, ':');
	if (rest.p == NULL || slice_starts(url, S("/")))
		return S("");
	struct slice host = slice_from(rest, 2);
	host.n = slice_span(host, ".-_:[]");
	return origin ? (struct slice){ url.p, scheme.n + 3 + host.n } : host;
}

/* ---- what all pages share ---------------------------------------------- */

static struct page *begin_with(struct call *c, int status, enum word title, enum frame_script script)
{
	return frame_begin(c, &(struct frame){ .status = status, .title = title, .script = script, .form_to = part_of_url(own(c)->rd, true) });
}

static struct page *begin(struct call *c, int status, enum word title)
{
	return begin_with(c, status, title, SCRIPT_NONE);
}

/* Said by one page, shown by the next. */
static const struct { const char *name; enum word word; } done[] = {
	{ "signed-out", WORD_done_signed_out }, { "deleted", WORD_done_deleted }, { "over", WORD_session_over },
	{ "end", WORD_done_end }, { "others", WORD_done_others }, { "password", WORD_done_password },
	{ "factor-on", WORD_done_factor_on }, { "factor-off", WORD_done_factor_off },
	{ "add", WORD_done_add }, { "forget", WORD_done_forget }
};

static void write_done(const struct call *c, struct page *p)
{
	struct slice name;
	if (own(c)->chosen)
		name = S("password");
	else if (!http_query(c->rq, S("done"), &name))
		return;
	for (size_t i = 0; i < sizeof done / sizeof *done; i++)
		if (slice_is(name, slice_of(done[i].name)))
			PAGE_FILL(p, "<p class=\"note\" role=\"status\">{1}</p>\n", page_word(p, done[i].word));
}

/* ---- signing in -------------------------------------------------------- */

/* The host that waits, and the field of the form that keeps the page. */
static void write_return(const struct call *c, struct page *p)
{
	struct slice rd = own(c)->rd, host = part_of_url(rd, false);
	if (host.n)
		PAGE_FILL(p, "<p class=\"lead\">{sign_in_to}</p>", host);
	if (rd.n)
		PAGE_FILL(p, "<input type=\"hidden\" name=\"rd\" value=\"{1}\">", rd);
}

static void write_signin(struct call *c, enum error e)
{
	find_return(c);
	struct page *p = begin_with(c, frame_status(e), WORD_sign_in, means_script(c));
	PAGE_ADD(p, "<div class=\"door\"><form class=\"card stack\" method=\"post\" action=\"signin\">\n<div><h1>{sign_in}</h1>");
	write_return(c, p);
	PAGE_ADD(p, "</div>\n");
	write_done(c, p);
	frame_write_wrong(c, p, e);
	frame_write_fields(c, p, SLICE_NONE, e);
	PAGE_ADD(p, "<button class=\"main\">{sign_in}</button>\n<noscript><a href=\"link\">{your_link}</a></noscript>\n</form>\n");
	means_write_signin(c, p, "signin");
	PAGE_ADD(p, "</div>\n");
	page_end(p);
}

static void write_signed_in(struct call *c)
{
	struct page *p = begin_with(c, 200, WORD_signed_in, SCRIPT_ALONE);
	struct slice rd = own(c)->rd, host = part_of_url(rd, false);
	PAGE_FILL(p, "<div class=\"door\"><div class=\"card stack\">\n<div><h1>{signed_in}</h1><p class=\"lead\">{1}</p></div>\n", own(c)->caller.user.name);
	if (rd.n)
		PAGE_FILL(p, "<a class=\"button main\" href=\"{1}\">{2}</a>\n", rd, host.n ? page_filled(p, WORD_go_on_to, &host, 1) : page_word(p, WORD_go_on));
	PAGE_FILL(p, "<a class=\"button{1}\" href=\"account\">{your_account}</a>\n"
		"<form method=\"post\" action=\"signout\"><button class=\"wide\" name=\"do\" value=\"out\">{sign_out}</button></form>\n</div></div>\n", rd.n ? S("") : S(" main"));
	page_end(p);
}

/* Where nothing is set, what was taken to look at the cookies is given back. */
static bool reseal(struct call *c)
{
	size_t mark = arena_mark();
	bool set = gate_reseal(&c->work, c->rq, c->rp, &own(c)->caller);
	if (!set)
		arena_back(mark);
	return set;
}

/* Who is signed in is sent on by himself only where his cookies were renewed: a host that they don't reach would send him back. */
static enum error handle_signin_page(struct call *c)
{
	find_return(c);
	if (frame_admit(c) != ERROR_NONE)
		write_signin(c, ERROR_NONE);
	else if (reseal(c) && own(c)->rd.n)
		return frame_see_other(c, slice_text(own(c)->rd));
	else
		write_signed_in(c);
	return ERROR_NONE;
}

static enum error sign_in(struct call *c)
{
	struct door *d = own(c);
	struct origin how = { .brief = !d->stay, .idempotency = d->key, .factor = frame_factor(c) };
	if (means_shown(c))
		return means_sign_in(c);
	if (d->username.p == NULL || (d->shown.p == NULL && d->password.p == NULL))
		return ERROR_INVALID_REQUEST;
	return gate_sign_in(&c->work, c->rq, c->rp, d->username, d->password, &how, &d->grant);
}

static enum error handle_signin(struct call *c)
{
	const struct door *d = own(c);
	if (!frame_is_own_form(c->rq))
		return ERROR_CROSS_SITE;
	enum error e = sign_in(c);
	find_return(c);
	return e == ERROR_NONE ? frame_see_other(c, d->rd.n ? slice_text(d->rd) : "account") : e;
}


/* ---- a password by a link ---------------------------------------------- */

static void write_link(struct call *c, enum error e)
{
	bool spent = e == ERROR_LINK_INVALID || e == ERROR_LINK_EXPIRED || e == ERROR_LINK_USED;
	struct page *p = begin_with(c, frame_status(e), WORD_choose_password, SCRIPT_ALONE);
	choose_begin(p);
	frame_write_wrong(c, p, e);
	choose_end(p, spent ? SLICE_NONE : own(c)->ticket);
	page_end(p);
}

static enum error handle_link_page(struct call *c)
{
	write_link(c, ERROR_NONE);
	return ERROR_NONE;
}

/* The answer is the sign-in, with the name filled in: whoever was invited may not know it. */
static enum error handle_link(struct call *c)
{
	struct door *d = own(c);
	struct user user;
	if (!frame_is_own_form(c->rq))
		return ERROR_CROSS_SITE;
	if (d->next.p == NULL)
		return ERROR_INVALID_REQUEST;
	enum error e = signin_redeem_link(&c->work, choose_ticket(d->ticket), d->next, &user);
	if (e != ERROR_NONE)
		return e;
	d->username = user.name;
	d->chosen = true;
	write_signin(c, ERROR_NONE);
	return ERROR_NONE;
}

/* ---- signing out ------------------------------------------------------- */

/* "You are signed out" is said where no cookie is good. A cookie behind the door is one too, and what can't be judged may be. */
static enum error handle_signout_page(struct call *c)
{
	enum error e = gate_admit(&c->work, c->rq, GATE_SITE, &own(c)->caller);
	if (frame_is_nobody(e))
		return frame_see_other(c, "signin?done=signed-out");
	struct page *p = begin(c, 200, WORD_sign_out);
	PAGE_ADD(p, "<div class=\"door\"><form class=\"card stack\" method=\"post\" action=\"signout\">\n<h1>{sign_out_ask}</h1>\n");
	if (e == ERROR_NONE)
		PAGE_FILL(p, "<p>{signed_in_as}</p>\n", own(c)->caller.user.name);
	PAGE_ADD(p, "<button class=\"main\" name=\"do\" value=\"out\">{sign_out}</button>\n<a class=\"button\" href=\"account\">{your_account}</a>\n</form></div>\n");
	page_end(p);
	return ERROR_NONE;
}

static enum error handle_signout(struct call *c)
{
	if (!frame_is_own_form(c->rq))
		return ERROR_CROSS_SITE;
	gate_sign_out(&c->work, c->rq, c->rp);
	return frame_see_other(c, "signin?done=signed-out");
}

/* ---- the account ------------------------------------------------------- */

static enum error admit(struct call *c)
{
	if (c->rq->method == METHOD_POST && !frame_is_own_form(c->rq))
		return ERROR_CROSS_SITE;
	enum error e = gate_admit(&c->work, c->rq, GATE_DOOR, &own(c)->caller);
	if (e != ERROR_NONE)
		own(c)->caller.user.id = 0;
	return e == ERROR_CROSS_SITE ? ERROR_TOKEN_INVALID : e;
}

/* Behind a form of the page, which showed what there was: what is new is what this user did by it. */
static bool is_after_form(const struct request *rq)
{
	struct slice name;
	return http_query(rq, S("done"), &name) && slice_is(rq->sec_fetch_site, S("same-origin"));
}

/* A factor that is being set up: made a moment ago, or the form's. */
static const struct enrolment *find_enrolment(const struct call *c, enum error e)
{
	struct door *d = own(c);
	bool again = e != ERROR_NONE && slice_is(d->action, S("factor-on")) && enrol_show(&c->work, &d->caller.user, d->shown, &d->made);
	return again || d->made.ticket.n ? &d->made : NULL;
}

static void write_account(struct call *c, enum error e)
{
	const struct caller *caller = &own(c)->caller;
	struct visit v = { .call = c, .work = &c->work, .user = &caller->user, .session = &caller->session, .bare = password_is_none(caller->user.password),
		.seen = is_after_form(c->rq) ? INT64_MAX : seen_read(&c->work, c->rq, caller->user.id) };
	c->rp->body = (struct buf){ arena(ACCOUNT_BYTES), 0, ACCOUNT_BYTES };  /* grown piece by piece it would take twice as much */
	v.made = find_enrolment(c, e);
	v.factor = store_user_factor(caller->user.id).n > 0;
	struct page *p = begin_with(c, frame_status(e), WORD_your_account, v.made || means_are_on(c) ? means_script(c) : SCRIPT_NONE);
	PAGE_FILL(p, "<div class=\"title\"><div><h1>{your_account}</h1><p class=\"lead\">{1}</p></div>"
		"<form method=\"post\" action=\"signout\"><button class=\"small\" name=\"do\" value=\"out\">{sign_out}</button></form></div>\n", caller->user.name);
	write_done(c, p);
	frame_write_wrong(c, p, e);
	account_write(p, &v);
	means_write_account(c, p);
	page_end(p);
}

/* All that there is was shown. Not behind a form: nothing may fail between its commit and the cookies that it may set. */
static void note_seen(struct call *c)
{
	uint64_t user = own(c)->caller.user.id;
	int64_t newest = account_newest(user);
	if (newest)
		seen_set(&c->work, c->rq, c->rp, user, newest);
}

static enum error handle_account_page(struct call *c)
{
	(void)reseal(c);
	write_account(c, ERROR_NONE);
	note_seen(c);
	return ERROR_NONE;
}

static enum error end_one(struct call *c)
{
	uint64_t id;
	if (!parse_id(own(c)->session, &id))
		return ERROR_NOT_FOUND;
	enum error e = session_end(&c->work, END_ONE, &own(c)->caller.user, id, NULL);
	return e == ERROR_NONE ? frame_see_other(c, "account?done=end") : e;
}

static enum error end_others(struct call *c)
{
	const struct caller *caller = &own(c)->caller;
	struct renewal renewal;
	gate_renewal(&c->work, c->rq, &own(c)->grant, &renewal);
	enum error e = session_end(&c->work, END_OTHERS, &caller->user, caller->session.id, &renewal);
	if (e == ERROR_NONE)
		gate_renewed(&c->work, c->rq, c->rp, &renewal);
	return e == ERROR_NONE ? frame_see_other(c, "account?done=others") : e;
}

static enum error change_password(struct call *c)
{
	struct door *d = own(c);
	struct renewal renewal;
	gate_renewal(&c->work, c->rq, &d->grant, &renewal);
	enum error e = signin_change_password(&c->work, &d->caller, d->password, d->second, d->next, &renewal);
	if (e == ERROR_NONE)
		gate_renewed(&c->work, c->rq, c->rp, &renewal);
	return e == ERROR_NONE ? frame_see_other(c, "account?done=password") : e;
}

/* The session went with its user, so that nothing is left to end but the cookies. */
static enum error delete_account(struct call *c)
{
	enum error e = means_confirm(c);
	if (e == ERROR_NONE)
		e = signin_delete_user(&c->work, &own(c)->caller, own(c)->password, own(c)->second);
	if (e != ERROR_NONE)
		return e;
	gate_sign_out(&c->work, c->rq, c->rp);
	return frame_see_other(c, "signin?done=deleted");
}

/* The answer is the page itself, with what was made: nothing of it is kept. Who must have a factor, and has shown the rest, is about to. */
static enum error make_factor(struct call *c)
{
	struct door *d = own(c);
	enum error e = means_confirm(c);
	if (e == ERROR_NONE || e == ERROR_FACTOR_REQUIRED)
		e = factor_begin(&c->work, &d->caller, d->password, &d->made);
	if (e == ERROR_NONE)
		e = session_clock(&c->work);
	if (e == ERROR_NONE)
		write_account(c, ERROR_NONE);
	return e;
}

static enum error turn_factor_on(struct call *c)
{
	enum error e = factor_confirm(&c->work, &own(c)->caller, own(c)->shown, own(c)->second);
	return e == ERROR_NONE ? frame_see_other(c, "account?done=factor-on") : e;
}

static enum error turn_factor_off(struct call *c)
{
	enum error e = means_confirm(c);
	if (e == ERROR_NONE)
		e = factor_off(&c->work, &own(c)->caller, own(c)->password, own(c)->second);
	return e == ERROR_NONE ? frame_see_other(c, "account?done=factor-off") : e;
}

static enum error add_means(struct call *c)
{
	enum error e = means_add(c);
	return e == ERROR_NONE ? frame_see_other(c, "account?done=add") : e;
}

static enum error forget_means(struct call *c)
{
	enum error e = means_forget(c);
	return e == ERROR_NONE ? frame_see_other(c, "account?done=forget") : e;
}

static const struct { const char *name; enum error (*run)(struct call *c); } actions[] = {
	{ "end", end_one }, { "others", end_others }, { "password", change_password }, { "delete", delete_account },
	{ "factor", make_factor }, { "factor-on", turn_factor_on }, { "factor-off", turn_factor_off },
	{ "add", add_means }, { "forget", forget_means }
};

static enum error handle_account(struct call *c)
{
	enum error e = ERROR_INVALID_REQUEST;
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (slice_is(own(c)->action, slice_of(actions[i].name)))
			e = actions[i].run(c);
	return e;
}

/* ---- refusing ---------------------------------------------------------- */

static void write_problem(struct call *c, enum error e)
{
	struct page *p = begin(c, frame_status(e), WORD_problem);
	PAGE_ADD(p, "<div class=\"door\"><div class=\"card stack\">\n<h1>{problem}</h1>\n");
	frame_write_wrong(c, p, e);
	PAGE_ADD(p, "<p><a class=\"button\" href=\"signin\">{back}</a></p>\n</div></div>\n");
	page_end(p);
}

/* A trial of a password gave the store away. */
static bool may_show_account(struct call *c)
{
	return own(c)->caller.user.id && session_clock(&c->work) == ERROR_NONE;
}

static void refuse(struct call *c, enum error e)
{
	bool form = c->rq->method == METHOD_POST;
	if (frame_is_nobody(e))
		(void)frame_see_other(c, e == ERROR_SESSION_REVOKED ? "signin?done=over" : "signin");
	else if (form && slice_is(c->path, S("/signin")))
		write_signin(c, e);
	else if (form && slice_is(c->path, S("/link")))
		write_link(c, e);
	else if (form && slice_is(c->path, S("/authorize")) && own(c)->asked)
		onward_write(c, e);
	else if (form && slice_is(c->path, S("/device")) && e != ERROR_NOT_FOUND)
		connect_write(c, e);
	else if (form && may_show_account(c))
		write_account(c, e);
	else
		write_problem(c, e);
}

/* ---- routes ------------------------------------------------------------ */

static enum error handle_sheet(struct call *c)
{
	style_answer_sheet(c->rp);
	return ERROR_NONE;
}

static enum error handle_brand(struct call *c)
{
	style_answer_brand(c->work.config, c->rp);
	return ERROR_NONE;
}

static enum error handle_script(struct call *c)
{
	style_answer_script(c->rp);
	return ERROR_NONE;
}

/* Of all forms: each page reads what is its own, and says itself what it can't do without. */
#define TEXT(name, max) { #name, MEMBER_TEXT, false, max, offsetof(struct door, name) }
static const struct member members[] = {
	TEXT(username, LIMIT_USERNAME), TEXT(password, LIMIT_BODY), TEXT(key, LIMIT_IDEMPOTENCY), TEXT(second, LIMIT_CODE), TEXT(shown, LIMIT_JWT),
	{ "rd", MEMBER_TEXT, false, LIMIT_BODY, offsetof(struct door, sent_rd) }, TEXT(id, LIMIT_KEY_ID), TEXT(client_data, LIMIT_KEY_DATA), TEXT(data, LIMIT_KEY_DATA), TEXT(signature, LIMIT_SIGNATURE),
	TEXT(handle, LIMIT_HANDLE), TEXT(label, LIMIT_LABEL), TEXT(ticket, LIMIT_BODY), TEXT(next, LIMIT_BODY), TEXT(session, LIMIT_BODY),
	TEXT(code, LIMIT_BODY), { "do", MEMBER_TEXT, false, LIMIT_BODY, offsetof(struct door, action) },
	{ "stay", MEMBER_FLAG, false, 0, offsetof(struct door, stay) }, { NULL, MEMBER_FLAG, false, 0, 0 }
};

static const struct route routes[] = {
	{ METHOD_GET,    "/signin",     ACCESS_NONE, NULL,             PACE_QUICK, handle_signin_page },
	{ METHOD_POST,   "/signin",     ACCESS_NONE, members,          PACE_SLOW, handle_signin },
	{ METHOD_GET,    "/link",       ACCESS_NONE, NULL,             PACE_QUICK, handle_link_page },
	{ METHOD_POST,   "/link",       ACCESS_NONE, members,          PACE_SLOW, handle_link },
	{ METHOD_GET,    "/link.js",    ACCESS_NONE, NULL,             PACE_QUICK, handle_script },
	{ METHOD_GET,    "/signout",    ACCESS_NONE, NULL,             PACE_QUICK, handle_signout_page },
	{ METHOD_POST,   "/signout",    ACCESS_NONE, NULL,             PACE_LASTS, handle_signout },
	{ METHOD_GET,    "/account",    ACCESS_LIVE, NULL,             PACE_QUICK, handle_account_page },
	{ METHOD_POST,   "/account",    ACCESS_LIVE, members,          PACE_SLOW, handle_account },
	{ METHOD_GET,    "/authorize", ACCESS_NONE, NULL,            PACE_QUICK, onward_handle_page },
	{ METHOD_POST,   "/authorize", ACCESS_NONE, members,         PACE_SLOW, onward_handle_form },
	{ METHOD_GET,    "/device",    ACCESS_NONE, NULL,            PACE_QUICK, connect_handle_page },
	{ METHOD_POST,   "/device",    ACCESS_NONE, members,         PACE_SLOW, connect_handle_form },
	{ METHOD_GET,    "/door.css",   ACCESS_NONE, NULL,             PACE_QUICK, handle_sheet },
	{ METHOD_GET,    "/brand.css",  ACCESS_NONE, NULL,             PACE_QUICK, handle_brand },
};

const struct dialect door_dialect = {
	.prefix = "/",
	.own = true,
	.routes = routes,
	.count = sizeof routes / sizeof *routes,
	.size = sizeof(struct door),
	.forms = true,
	.admit = admit,
	.refuse = refuse,
};
