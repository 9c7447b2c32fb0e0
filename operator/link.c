/*
 * link: `latchkey user invite` and `latchkey user link`, which print a link to the page /signin. Whoever has the link
 * can choose the user's password, once, within a day (ticket.h); the operator hands it over by a channel that he trusts.
 *
 * The ticket stands behind a `#`: a browser sends that part to no server, so it is in no log, and a program that opens links
 * to look at them redeems none. Where the page lies the operator says by --url, since latchkey doesn't know under which name
 * people reach it; else option issuer says it, where it is a URL.
 */
#include "operator/verbs.h"

#include "base/error.h"
#include "ticket.h"

/* http or https, a host, perhaps a port and a path; nothing that would end a link early. It ends with no slash, so something is behind the two. */
static bool is_url(struct slice text)
{
	struct slice rest = slice_from(text, S("http://").n);
	bool https = slice_starts(text, S("https://"));
	if (https)
		rest = slice_from(rest, 1);
	return (https || slice_starts(text, S("http://"))) && rest.p[0] != '/' && slice_made_of(rest, "-._~:/[]");
}

/* Where the pages lie, without a slash at its end; p is NULL where nobody said. */
static struct slice find_pages(const struct verb_call *c)
{
	struct slice url = c->given[OPT_URL] ? c->value[OPT_URL] : c->conf.issuer;
	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	return is_url(url) ? url : SLICE_NONE;
}

int ask_link(struct verb_call *c)
{
	if (find_pages(c).p)
		return VERB_DONE;
	return verb_no(c, c->given[OPT_URL] ? "--url must be as in --url https://example.org/api/auth"
		: "where do people find the page? Say --url https://HOST/api/auth, with the host that they know");
}

/* The password of which a hash is kept is random, and nobody ever knows it. */
int ask_invitation(struct verb_call *c)
{
	char *password = arena(KEY_SIZE);
	int code = ask_link(c);
	if (code == VERB_DONE)
		code = verb_new_user(c);
	if (code != VERB_DONE)
		return code;
	random_bytes((uint8_t *)password, KEY_SIZE);
	verb_hash(c, (struct slice){ password, KEY_SIZE });
	return VERB_DONE;
}

int verb_user_link(struct verb_call *c)
{
	struct user u;
	struct keyring ring;
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	if (u.disabled)
		return verb_refuse(c, "the user is disabled; first latchkey user enable ", u.name);
	verb_ring(c->dir, &ring);
	audit_note(&c->work, EVENT_LINK_MADE, u.id, 0);
	buf_add(&c->done, find_pages(c));
	buf_s(&c->done, "/signin#link=");
	return verb_done(c, "", ticket_make_link(&c->work, &ring, &u));
}

static enum error add_user(void *call)
{
	return verb_user_add(call) == VERB_DONE ? ERROR_NONE : ERROR_USERNAME_TAKEN;
}

static enum error make_link(void *call)
{
	struct verb_call *c = call;
	c->done.n = 0;
	return verb_user_link(c) == VERB_DONE ? ERROR_NONE : ERROR_INVALID_REQUEST;
}

/* Two transactions, since each has its line in the log. What fails between them leaves a user, for whom a link can be made. */
int verb_user_invite(struct verb_call *c)
{
	if (store_run(DURABLE_NOW, add_user, c) != ERROR_NONE)
		return VERB_REFUSED;
	verb_log(c);
	return store_run(DURABLE_NOW, make_link, c) == ERROR_NONE ? VERB_DONE : VERB_REFUSED;
}
