/*
 * frame: see frame.h.
 */
#include "door/frame.h"

#include "config.h"
#include "door/style.h"
#include "gate.h"

/* ---- the frame --------------------------------------------------------- */

struct page *frame_begin(struct call *c, const struct frame *f)
{
	struct page *p = &frame_own(c)->page;
	*p = (struct page){ .rp = c->rp, .language = words_language(c->rq->accept_language), .brand = c->work.config->brand,
		.sheet = style_sheet(), .colour = style_brand(c->work.config), .script = f->script ? style_script() : SLICE_NONE, .asks = f->script == SCRIPT_ASKS,
		.opened = f->opened, .time = c->work.time };
	page_begin(p, f->status, f->title, f->form_to);
	return p;
}

enum error frame_see_other(struct call *c, const char *page)
{
	c->rp->status = 303;
	reply_header(c->rp, "Location", page, NULL);
	return ERROR_NONE;
}

/* A browser says of itself where a form comes from: by Sec-Fetch-Site, over plain HTTP by Origin; and some small web servers hand on
 * neither, but Referer. */
bool frame_is_own_form(const struct request *rq)
{
	if (rq->sec_fetch_site.p)
		return slice_is(rq->sec_fetch_site, S("same-origin"));
	return rq->origin.p ? http_same_origin(rq) : http_same_referer(rq);
}

enum error frame_admit(struct call *c)
{
	struct caller *caller = &frame_own(c)->caller;
	enum error e = c->rq->cookie.p ? gate_admit(&c->work, c->rq, GATE_DOOR, caller) : ERROR_TOKEN_MISSING;
	if (e != ERROR_NONE)
		*caller = (struct caller){ .foreign = false };
	return e;
}

void frame_signed_in(struct call *c)
{
	struct door *d = frame_own(c);
	d->caller = (struct caller){ .session = d->grant.session, .user = d->grant.user,
		.claims = { .sub = d->grant.user.id, .sid = d->grant.session.id, .iat = (int64_t)d->grant.session.idem } };
}

bool frame_is_nobody(enum error e)
{
	return e == ERROR_TOKEN_MISSING || e == ERROR_TOKEN_INVALID || e == ERROR_SESSION_REVOKED;
}

/* ---- a second factor --------------------------------------------------- */

struct factor_shown frame_factor(const struct call *c)
{
	const struct door *d = frame_own(c);
	return (struct factor_shown){ .code = d->second, .ticket = d->shown, .wanted = d->wanted };
}

void frame_write_enrolment(struct page *p, const struct enrolment *e)
{
	PAGE_FILL(p, "<p>{factor_scan}</p>\n<div data-qr=\"{1}\"></div>\n<p class=\"soft\"><a href=\"{1}\"><code>{2}</code></a></p>\n<p>{factor_codes}</p>\n<ul class=\"codes\">", e->uri, e->secret);
	for (int i = 0; i < TOTP_RECOVERY; i++)
		PAGE_FILL(p, "<li><code>{1}</code></li>", e->recovery[i]);
	PAGE_ADD(p, "</ul>\n");
}

/* The ticket that goes on: a new one where the password was right just now, else that of the form. False: the password is asked for. */
static bool find_ticket(struct call *c, enum error e, struct enrolment *made, bool *enrols)
{
	struct door *d = frame_own(c);
	const struct user *u = &d->grant.user;
	unsigned amr = d->signature.n ? AMR_WALLET : AMR_PASSWORD;      /* a passkey wants no code */
	bool anew = e == ERROR_NONE || e == ERROR_CHALLENGE_INVALID, set = d->shown.n > 0;
	*enrols = false;
	if (anew || (!set && e != ERROR_CODE_REQUIRED && e != ERROR_FACTOR_REQUIRED))
		return false;
	if (e == ERROR_FACTOR_REQUIRED)
		enrol_make(&c->work, u, amr, made);
	else if (!set)
		made->ticket = enrol_proof(&c->work, u, amr);
	else
		made->ticket = d->shown;
	*enrols = e == ERROR_FACTOR_REQUIRED || (u->id && enrol_show(&c->work, u, d->shown, made));
	return true;
}

static void write_code(const struct call *c, struct page *p, const struct enrolment *made, bool enrols)
{
	const struct door *d = frame_own(c);
	if (enrols)
		frame_write_enrolment(p, made);
	PAGE_FILL(p, "<input type=\"hidden\" name=\"username\" value=\"{1}\">\n<input type=\"hidden\" name=\"shown\" value=\"{2}\">\n<input type=\"hidden\" name=\"stay\" value=\"{3}\">\n"
		"<label>{4}<input name=\"second\" autocomplete=\"one-time-code\" autocapitalize=\"none\" spellcheck=\"false\" required autofocus></label>\n",
		d->grant.user.id ? d->grant.user.name : d->username, made->ticket, d->stay ? S("true") : S("false"), page_word(p, enrols ? WORD_factor_code : WORD_code));
}

static void write_password(const struct call *c, struct page *p, struct slice name, enum error e)
{
	const struct door *d = frame_own(c);
	struct slice autofocus = S(" autofocus");
	name = d->username.n ? d->username : name;
	PAGE_FILL(p, "<label>{user_name}<input name=\"username\" value=\"{1}\""
		" autocomplete=\"username webauthn\" autocapitalize=\"none\" spellcheck=\"false\" required{2}></label>\n",
		name, name.n ? S("") : autofocus);
	PAGE_FILL(p, "<label>{password}<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required{1}></label>\n"
		"<label class=\"tick\"><input name=\"stay\" type=\"checkbox\" value=\"true\"{2}>{stay}</label>\n",
		name.n ? autofocus : S(""), e == ERROR_NONE || d->stay ? S(" checked") : S(""));
}

void frame_write_fields(struct call *c, struct page *p, struct slice name, enum error e)
{
	const struct door *d = frame_own(c);
	struct enrolment made;
	bool enrols;
	PAGE_FILL(p, "<input type=\"hidden\" name=\"key\" value=\"{1}\">\n", d->key.n ? d->key : slice_of(id_text(random_id())));
	if (find_ticket(c, e, &made, &enrols))
		write_code(c, p, &made, enrols);
	else
		write_password(c, p, name, e);
}

/* ---- errors ------------------------------------------------------------ */

static const struct { enum error e; enum word word; } wrongs[] = {
	{ ERROR_INVALID_CREDENTIALS, WORD_wrong_credentials },
	{ ERROR_WEAK_PASSWORD, WORD_weak_password },
	{ ERROR_INVALID_REQUEST, WORD_fill_in },
	{ ERROR_RATE_LIMITED, WORD_rate_limited },
	{ ERROR_CROSS_SITE, WORD_elsewhere },
	{ ERROR_INSECURE_ORIGIN, WORD_insecure },
	{ ERROR_NOT_FOUND, WORD_not_found },
	{ ERROR_LINK_INVALID, WORD_link_invalid },
	{ ERROR_LINK_EXPIRED, WORD_link_expired },
	{ ERROR_LINK_USED, WORD_link_used },
	{ ERROR_CODE_INVALID, WORD_code_wrong },
	{ ERROR_NOT_IN_GROUP, WORD_not_for_you },
	{ ERROR_CODE_REQUIRED, WORD_code_ask },
	{ ERROR_FACTOR_REQUIRED, WORD_factor_needed },
	{ ERROR_CHALLENGE_INVALID, WORD_too_late },
	{ ERROR_REAUTH_REQUIRED, WORD_reauth },
	{ ERROR_CREDENTIAL_KNOWN, WORD_passkey_known },
	{ ERROR_CREDENTIAL_LIMIT, WORD_passkey_limit }
};

static enum word word_of(const struct call *c, enum error e)
{
	const struct door *d = frame_own(c);
	if (d->refused && e == ERROR_INVALID_REQUEST)
		return d->refused;
	if (e == ERROR_FACTOR_REQUIRED && d->caller.user.id)
		return WORD_factor_sign_in;
	if (e == ERROR_INVALID_CREDENTIALS && d->signature.n)
		return WORD_passkey_wrong;
	if (e == ERROR_INVALID_CREDENTIALS && d->shown.n)
		return WORD_code_wrong_or_used;
	if (e == ERROR_INVALID_CREDENTIALS && d->caller.user.id)
		return d->second.n ? WORD_both_wrong : WORD_wrong_password;
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
		if (wrongs[i].e == e)
			return wrongs[i].word;
	return errors[e].status == 503 ? WORD_unavailable : WORD_failed;
}

void frame_end_row(struct page *p, const char *action, enum word word, uint64_t id, struct slice name)
{
	PAGE_ADD(p, "</p></div>");
	if (action)
		PAGE_FILL(p, "<form method=\"post\" action=\"account\"><input type=\"hidden\" name=\"session\" value=\"{1}\">"
			"<button class=\"small\" name=\"do\" value=\"{2}\" aria-label=\"{3}: {4}\">{3}</button></form>",
			slice_of(id_text(id)), slice_of(action), page_word(p, word), name);
	PAGE_ADD(p, "</li>\n");
}

void frame_write_wrong(struct call *c, struct page *p, enum error e)
{
	struct slice wait = page_wait(c->work.retry_after ? c->work.retry_after : errors[e].retry_after);
	bool asks = e == ERROR_CODE_REQUIRED || e == ERROR_FACTOR_REQUIRED;
	if (e != ERROR_NONE)
		PAGE_FILL(p, "<p class=\"note{1}\" role=\"alert\">{2}</p>\n", asks ? S("") : S(" bad"), page_filled(p, word_of(c, e), &wait, 1));
}

/* A 401 would have to name a scheme (RFC 9110, 15.5.2), and many fronts put a page of their own in its place. */
int frame_status(enum error e)
{
	return e == ERROR_NONE ? 200 : errors[e].status == 401 ? 403 : errors[e].status;
}
