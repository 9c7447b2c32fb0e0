/*
 * onward: see onward.h.
 *
 * The client's parameters stay in the address: the page's form is sent to the same one, so nothing of them is kept anywhere, and each
 * request judges them anew. A code is given for the door's own cookie, which no other host can read or set, for name and password, or for
 * a passkey or a wallet, whose challenge then names the session that the code makes.
 * What is redeemed later is signed and not stored.
 */
#include "door/onward.h"

#include "door/frame.h"
#include "door/means.h"
#include "gate.h"
#include "oauth/authorize.h"
#include "signin.h"

/* ---- the way back ------------------------------------------------------ */

/* To an app on the device a person goes by hand: phones open a private scheme for nothing less. */
static enum error send(struct call *c, const struct authorize *a, const char *url)
{
	if (authorize_follows(a))
		return frame_see_other(c, url);
	struct page *p = frame_begin(c, &(struct frame){ .status = 200, .title = WORD_go_on, .opened = true });
	PAGE_FILL(p, "<div class=\"door\"><div class=\"card stack\">\n<h1>{go_on}</h1>\n<a class=\"button main\" href=\"{2}\">{go_on_to}</a>\n</div></div>\n",
		a->client.id, slice_of(url));
	page_end(p);
	return ERROR_NONE;
}

static enum error send_error(struct call *c, struct authorize *a, const char *error)
{
	a->error = error;
	return send(c, a, authorize_with_error(c->work.config, a));
}

/* ---- the page ---------------------------------------------------------- */

/* A browser asks form-action for the redirect that follows, too. */
static struct slice origin_of(const struct authorize *a)
{
	struct slice rest = a->redirect_uri, scheme = slice_cut(&rest, ':');
	if (!authorize_follows(a))
		return SLICE_NONE;
	size_t n = slice_span(slice_from(rest, 2), ".-_:");
	return (struct slice){ scheme.p, scheme.n + 3 + n };
}

static struct page *begin(struct call *c, enum error e, enum word title)
{
	struct frame f = { .status = frame_status(e), .title = title, .script = means_script(c), .opened = true, .form_to = origin_of(frame_own(c)->asked) };
	struct page *p = frame_begin(c, &f);
	PAGE_FILL(p, "<div class=\"door\"><form class=\"card stack\" method=\"post\" action=\"authorize?{1}\">\n", c->rq->query);
	return p;
}

static void write_form(struct call *c, enum error e)
{
	const struct authorize *a = frame_own(c)->asked;
	struct page *p = begin(c, e, WORD_sign_in);
	PAGE_FILL(p, "<div><h1>{sign_in}</h1><p class=\"lead\">{sign_in_to}</p></div>\n", a->client.id);
	frame_write_wrong(c, p, e);
	frame_write_fields(c, p, a->hint, e);
	PAGE_ADD(p, "<button class=\"main\">{sign_in}</button>\n</form>\n");
	means_write_signin(c, p, text_join("authorize?", slice_text(c->rq->query), NULL));
	PAGE_ADD(p, "</div>\n");
	page_end(p);
}

/* Somebody else signs in by the form, which prompt=login asks for. */
static void write_allow(struct call *c, enum error e)
{
	const struct authorize *a = frame_own(c)->asked;
	struct page *p = begin(c, e, WORD_allow);
	const struct slice names[] = { a->client.id, frame_own(c)->caller.user.name };
	page_write(p, "<h1>{allow_ask}</h1>\n", names, 2);
	frame_write_wrong(c, p, e);
	page_write(p, "<p>{allow_why}</p>\n<button class=\"main late\" name=\"do\" value=\"allow\">{allow}</button>\n"
		"<button class=\"wide\" name=\"do\" value=\"cancel\">{cancel}</button>\n", names, 2);
	if (!http_asks(c->rq, S("prompt")))
		PAGE_FILL(p, "<a href=\"authorize?{1}&amp;prompt=login\">{other_user}</a>\n", c->rq->query);
	PAGE_ADD(p, "</form></div>\n");
	page_end(p);
}

void onward_write(struct call *c, enum error e)
{
	write_form(c, e);
}

/* ---- who is there ------------------------------------------------------ */

/* What the client asks for. Where it can't be told that it is wrong, the page says so. */
static enum error read_query(struct call *c)
{
	struct authorize *a = arena(sizeof *a);
	frame_own(c)->refused = WORD_client_unknown;
	enum error e = authorize_read(c->work.config, c->rq->query, a);
	if (e != ERROR_NONE)
		return e;
	frame_own(c)->refused = WORD_sign_in;
	frame_own(c)->asked = a;
	frame_own(c)->wanted = a->client.flags & CLIENT_FACTOR;
	return ERROR_NONE;
}

/* By the cookie of the door. */
static enum error find_proof(struct call *c, struct authentication *out)
{
	const struct caller *caller = &frame_own(c)->caller;
	enum error e = frame_admit(c);
	*out = (struct authentication){ .user = NULL };
	if (e == ERROR_NONE)
		*out = (struct authentication){ .user = &caller->user, .at = caller->session.created_at, .by = caller->session.id, .sso = true,
			.amr = caller->session.amr ? caller->session.amr : AMR_PASSWORD };
	return e;
}

/* What is told to the client that asked for no page: trouble of ours isn't that nobody is signed in. */
static enum error go_on(struct call *c, const struct authentication *proof, enum error cookie)
{
	struct authorize *a = frame_own(c)->asked;
	enum authorize_next next = authorize_next(a, proof, c->work.time);
	if (next == AUTHORIZE_CODE)
		return send(c, a, authorize_with_code(&c->work, a, proof));
	if (next == AUTHORIZE_ERROR)
		return send_error(c, a, a->silent && errors[cookie].status == 503 ? "temporarily_unavailable" : a->error);
	if (next == AUTHORIZE_ALLOW)
		write_allow(c, ERROR_NONE);
	else
		write_form(c, ERROR_NONE);
	return ERROR_NONE;
}

enum error onward_handle_page(struct call *c)
{
	struct authentication proof;
	enum error e = read_query(c);
	if (e != ERROR_NONE)
		return e;
	if (frame_own(c)->asked->error)
		return send_error(c, frame_own(c)->asked, frame_own(c)->asked->error);
	e = find_proof(c, &proof);
	return go_on(c, &proof, e);
}

/* ---- what was filled in ------------------------------------------------ */

static enum error show_password(struct call *c, struct proven *out)
{
	struct door *d = frame_own(c);
	struct origin how = { .idempotency = d->key, .factor = frame_factor(c) };
	if (!d->username.n || !(d->password.n || d->shown.n))
		return ERROR_INVALID_REQUEST;
	return d->stay ? gate_sign_in(&c->work, c->rq, c->rp, d->username, d->password, &how, &d->grant)
		: signin_prove(&c->work, d->username, d->password, &how.factor, out);
}

static enum error show_means(struct call *c, struct proven *out)
{
	return frame_own(c)->stay ? means_sign_in(c) : means_prove(c, out);
}

/* `stay` makes a session of the door, by which the next client needs no password. Without it nothing is kept in this browser. */
static enum error prove(struct call *c, struct authentication *out)
{
	struct door *d = frame_own(c);
	struct proven *p = arena(sizeof *p);
	*p = (struct proven){ .amr = AMR_PASSWORD };
	enum error e = means_shown(c) ? show_means(c, p) : show_password(c, p);
	if (e == ERROR_NONE && d->stay && !store_user(d->grant.user.id, &p->user))      /* whose password was hashed anew */
		e = ERROR_INVALID_CREDENTIALS;
	if (!d->stay)
		d->grant.user = p->user;
	if (d->stay && d->grant.session.amr)
		p->amr = d->grant.session.amr;
	*out = (struct authentication){ .user = &p->user, .at = c->work.time, .amr = p->amr, .by = d->stay ? d->grant.session.id : 0, .code = p->code,
		.sid = p->sid };
	return e;
}

static enum error sign_in(struct call *c)
{
	struct authentication proof;
	enum error e = prove(c, &proof);
	return e == ERROR_NONE ? go_on(c, &proof, e) : e;
}

/* Who has signed out meanwhile, or must show a password, gets the form. */
static enum error allow(struct call *c)
{
	struct authorize *a = frame_own(c)->asked;
	struct authentication proof;
	enum error e = find_proof(c, &proof);
	if (authorize_next(a, &proof, c->work.time) == AUTHORIZE_ALLOW)
		return send(c, a, authorize_with_code(&c->work, a, &proof));
	return go_on(c, &proof, e);
}

/* A client may send its parameters as a form. They become a query, whatever stands in them. */
static bool is_from_client(const struct request *rq)
{
	struct slice value;
	return http_form(rq, S("client_id"), &value) > 0;
}

static enum error lead_to_page(struct call *c)
{
	struct slice query = c->rq->body;
	frame_own(c)->refused = WORD_client_unknown;
	if (query.n > AUTHORIZE_QUERY_MOST || !slice_made_of(query, "-._~!$&'()*+,;=:@/?%"))
		return ERROR_INVALID_REQUEST;
	return frame_see_other(c, text_join("authorize?", slice_text(query), NULL));
}

enum error onward_handle_form(struct call *c)
{
	struct door *d = frame_own(c);
	if (is_from_client(c->rq))
		return lead_to_page(c);
	enum error e = read_query(c);
	if (e != ERROR_NONE)
		return e;
	if (!frame_is_own_form(c->rq))
		return ERROR_CROSS_SITE;
	if (d->asked->error || slice_is(d->action, S("cancel")))
		return send_error(c, d->asked, d->asked->error ? d->asked->error : "access_denied");
	return slice_is(d->action, S("allow")) ? allow(c) : sign_in(c);
}
