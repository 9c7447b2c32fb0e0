/*
 * auth_wallet: see auth_wallet.h.
 *
 * Where option `wallets` lists no chain, each of these calls is 404.
 */
#include "auth_wallet.h"

#include "auth.h"
#include "config.h"
#include "keys.h"
#include "signin_wallet.h"

struct walleted {
	struct native native;
	struct slice chain, address, message, signature, label;
};

static struct walleted *own(const struct call *c)
{
	return c->own;
}

static enum error read_wallet(struct call *c, struct wallet *out)
{
	const struct walleted *o = own(c);
	struct slice networks = c->work.config->wallets;
	if (networks.n == 0)
		return ERROR_NOT_FOUND;
	c->about = "address";
	return wallet_find(networks, o->chain, o->address, out) ? ERROR_NONE : ERROR_INVALID_REQUEST;
}

static enum error read_shown(struct call *c, struct wallet_shown *out)
{
	*out = (struct wallet_shown){ .text = own(c)->message, .signature = own(c)->signature };
	return read_wallet(c, &out->wallet);
}

/* ---- calls --------------------------------------------------------------- */

/* The time is this host's own: no store is asked. */
static enum error handle_challenge(struct call *c)
{
	struct wallet wallet;
	enum error e = read_wallet(c, &wallet);
	if (e != ERROR_NONE)
		return e;
	c->work.time = now();
	struct jw *w = jw_open(auth_begin_data(c, 200), '{');
	jw_text(w, "message", wallet_text(&c->work, c->work.ring, &wallet, random_id()));
	jw_int(w, "expires_in", WALLET_SECONDS);
	return auth_end_data(w);
}

static enum error handle_login(struct call *c)
{
	struct native *n = &own(c)->native;
	struct wallet_shown shown;
	enum error e = read_shown(c, &shown);
	if (e == ERROR_NONE)
		e = auth_prepare(c);
	if (e == ERROR_NONE)
		e = signin_by_wallet(&c->work, &shown, n->username, &n->origin, &n->grant, NULL);
	return auth_answer_grant(c, e, 200);
}

static enum error handle_add(struct call *c)
{
	struct walleted *o = own(c);
	struct wallet_shown shown;
	uint64_t number;
	enum error e = read_shown(c, &shown);
	if (e == ERROR_NONE && !keys_label_ok(o->label)) {
		c->about = "label";
		e = ERROR_INVALID_REQUEST;
	}
	if (e == ERROR_NONE)
		e = signin_add_wallet(&c->work, &o->native.caller, &shown, o->label, &number);
	if (e != ERROR_NONE)
		return e;
	struct jw *w = auth_begin_data(c, 201);
	jw_id(jw_open(w, '{'), "id", number);
	return auth_end_data(w);
}

/* ---- routes ------------------------------------------------------------ */

#define MEMBER(name, kind, required, max, place) { name, kind, required, max, offsetof(struct walleted, place) }
#define TEXT(name, required, max) MEMBER(#name, MEMBER_TEXT, required, max, name)
#define TOKEN MEMBER("access_token", MEMBER_TEXT, false, LIMIT_BODY, native.access_token)
#define NAME MEMBER("username", MEMBER_TEXT, false, LIMIT_USERNAME, native.username)
#define DEVICE MEMBER("device", MEMBER_TEXT, false, LIMIT_DEVICE, native.origin.device)
#define COOKIE MEMBER("cookie", MEMBER_FLAG, false, 0, native.origin.cookie)
#define REMEMBER MEMBER("remember", MEMBER_FLAG, true, 0, native.remember)
#define CODE MEMBER("code", MEMBER_TEXT, false, LIMIT_CODE, native.code)
#define END { NULL, MEMBER_FLAG, false, 0, 0 }

static const struct member text_members[] = { TEXT(chain, true, LIMIT_CHAIN), TEXT(address, true, LIMIT_ADDRESS), END };
static const struct member link_members[] = {
	TEXT(chain, true, LIMIT_CHAIN), TEXT(address, true, LIMIT_ADDRESS), TEXT(message, true, LIMIT_MESSAGE), TEXT(signature, true, LIMIT_SIGNED),
	TEXT(label, false, LIMIT_LABEL), TOKEN, END
};
static const struct member signed_members[] = {
	TEXT(chain, true, LIMIT_CHAIN), TEXT(address, true, LIMIT_ADDRESS), TEXT(message, true, LIMIT_MESSAGE), TEXT(signature, true, LIMIT_SIGNED),
	NAME, CODE, DEVICE, COOKIE, REMEMBER, END
};

static const struct route routes[] = {
	{ METHOD_POST, "/wallet/challenge", ACCESS_NONE, text_members,      PACE_QUICK, handle_challenge },
	{ METHOD_POST, "/wallet/login",     ACCESS_NONE, signed_members,   PACE_SLOW, handle_login },
	{ METHOD_POST, "/wallet",           ACCESS_LIVE, link_members,     PACE_SLOW, handle_add },
};

const struct dialect wallet_dialect = {
	.prefix = "/wallet",
	.routes = routes,
	.count = sizeof routes / sizeof *routes,
	.size = sizeof(struct walleted),
	.admit = auth_admit_live,
	.refuse = auth_refuse,
};
