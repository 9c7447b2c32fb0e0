/*
 * connect: see connect.h.
 *
 * A code that somebody has sent to a person is a way to phish for a sign-in: so whoever comes by a link that has the code in it must
 * look at the device all the same, and is told where a code was asked for from another network. A code is judged for who is signed in,
 * since wrong ones are counted by user; and by a form of this page, so that no other page can have any counted.
 */
#include "door/connect.h"

#include "client.h"
#include "door/frame.h"
#include "door/means.h"
#include "gate.h"
#include "oauth/pair.h"
#include "oauth/usercode.h"

/* ---- the form ---------------------------------------------------------- */

static struct page *begin(struct call *c, enum error e)
{
	struct page *p = frame_begin(c, &(struct frame){ .status = frame_status(e), .title = WORD_connect, .script = means_script(c) });
	PAGE_ADD(p, "<div class=\"door\"><form class=\"card stack\" method=\"post\" action=\"device\">\n");
	return p;
}

void connect_write(struct call *c, enum error e)
{
	const struct door *d = frame_own(c);
	struct page *p = begin(c, e);
	PAGE_FILL(p, "<div><h1>{connect}</h1><p class=\"lead\">{1}</p></div>\n", d->caller.user.name);
	frame_write_wrong(c, p, e);
	PAGE_FILL(p, "<label>{connect_code}<input name=\"code\" value=\"{1}\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" required></label>\n", d->code);
	if (d->caller.user.id == 0)
		frame_write_fields(c, p, SLICE_NONE, e);
	PAGE_ADD(p, "<button class=\"main\">{go_on}</button>\n</form>\n");
	if (d->caller.user.id == 0)
		means_write_signin(c, p, "device");
	PAGE_ADD(p, "</div>\n");
	page_end(p);
}

enum error connect_handle_page(struct call *c)
{
	struct door *d = frame_own(c);
	struct slice sent;
	if (!client_any(c->work.config->dir))
		return ERROR_NOT_FOUND;
	if (http_query(c->rq, S("user_code"), &sent) && !http_decode(sent, &d->code))
		d->code = SLICE_NONE;
	(void)frame_admit(c);
	connect_write(c, ERROR_NONE);
	return ERROR_NONE;
}

/* ---- the question, and the answer -------------------------------------- */

static void write_question(struct call *c, const struct usercode *code)
{
	struct slice letters = SLICE_NONE;
	(void)usercode_typed(frame_own(c)->code, &letters);
	const struct slice values[] = { code->client.id, usercode_shown(letters) };
	struct page *p = begin(c, ERROR_NONE);
	page_write(p, "<h1>{connect_ask}</h1>\n", values, 2);
	if (code->elsewhere)
		PAGE_ADD(p, "<p class=\"note bad\" role=\"alert\">{connect_elsewhere}</p>\n");
	page_write(p, "<p>{connect_why}</p>\n<p>{signed_in_as}</p>\n", (const struct slice[]){ frame_own(c)->caller.user.name, values[1] }, 2);
	page_write(p, "<input type=\"hidden\" name=\"code\" value=\"{2}\">\n<button class=\"main late\" name=\"do\" value=\"allow\">{allow}</button>\n"
		"<button class=\"wide\" name=\"do\" value=\"cancel\">{cancel}</button>\n</form></div>\n", values, 2);
	page_end(p);
}

static void write_done(struct call *c, const struct usercode *code, bool allowed)
{
	struct page *p = begin(c, ERROR_NONE);
	PAGE_FILL(p, "<h1>{connect}</h1>\n<p class=\"note good\" role=\"status\">{2}</p>\n</form></div>\n", code->client.id,
		page_filled(p, allowed ? WORD_done_connected : WORD_done_refused, &code->client.id, 1));
	page_end(p);
}

static enum error show(struct call *c)
{
	struct door *d = frame_own(c);
	struct origin how = { .brief = !d->stay, .idempotency = d->key, .factor = frame_factor(c) };
	if (means_shown(c))
		return means_sign_in(c);
	return gate_sign_in(&c->work, c->rq, c->rp, d->username, d->password, &how, &d->grant);
}

/* A passkey or a wallet, or name and password, where they were filled in; else the cookie of the door. */
static enum error sign_in(struct call *c)
{
	struct door *d = frame_own(c);
	if (d->username.n == 0 && d->password.n == 0 && !means_shown(c))
		return frame_admit(c);
	enum error e = show(c);
	if (e != ERROR_NONE)
		return e;
	frame_signed_in(c);
	return ERROR_NONE;
}

/* Whatever it comes to: cookies that were set a moment ago go out with the page. */
static enum error look(struct call *c)
{
	struct door *d = frame_own(c);
	struct usercode code;
	bool allow = slice_is(d->action, S("allow")), answers = allow || slice_is(d->action, S("cancel"));
	enum error e = pair_look(&c->work, &d->caller, d->code, &code);
	if (e == ERROR_NONE && answers)
		e = pair_answer(&c->work, &d->caller, &code, allow);
	if (e != ERROR_NONE)
		connect_write(c, e);
	else if (answers)
		write_done(c, &code, allow);
	else
		write_question(c, &code);
	return ERROR_NONE;
}

enum error connect_handle_form(struct call *c)
{
	if (!client_any(c->work.config->dir))
		return ERROR_NOT_FOUND;
	if (!frame_is_own_form(c->rq))
		return ERROR_CROSS_SITE;
	enum error e = sign_in(c);
	if (frame_is_nobody(e)) {         /* the form asks for a name then */
		connect_write(c, ERROR_NONE);
		return ERROR_NONE;
	}
	return e == ERROR_NONE ? look(c) : e;
}
