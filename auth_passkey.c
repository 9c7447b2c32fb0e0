/*
 * auth_passkey: see auth_passkey.h.
 *
 * All bytes come and go in base64url. While the issuer is no URL there are no passkeys, and each of these calls is 404.
 */
#include "auth_passkey.h"

#include "auth.h"
#include "auth_keys.h"
#include "base/base64.h"
#include "keys.h"
#include "signature.h"
#include "signin_passkey.h"
#include "ticket.h"

struct keyed {
	struct native native;
	struct slice id, client_data, authenticator_data, signature, user_handle, label;
	bool begin_register;
};

static struct keyed *own(const struct call *c)
{
	return c->own;
}

static bool is_on(const struct call *c)
{
	return passkey_rp_id(c->work.config).p != NULL;
}

/* ---- what is shown ------------------------------------------------------- */

/* A member that isn't there has no bytes. */
static bool decode(struct call *c, const char *name, struct slice letters, struct slice *out)
{
	*out = SLICE_NONE;
	if (!letters.p || base64url_read(letters, out))
		return true;
	c->about = name;
	return false;
}

static bool read_shown(struct call *c, struct shown *out)
{
	const struct keyed *k = own(c);
	*out = (struct shown){ .about = NULL };
	return decode(c, "client_data", k->client_data, &out->client_data) && decode(c, "authenticator_data", k->authenticator_data, &out->data)
		&& decode(c, "id", k->id, &out->id) && decode(c, "signature", k->signature, &out->signature)
		&& decode(c, "user_handle", k->user_handle, &out->user_handle);
}

/* ---- calls --------------------------------------------------------------- */

static void write_bytes(struct jw *w, const char *name, struct slice bytes)
{
	struct buf letters = { 0 };
	base64url_add(&letters, bytes);
	jw_plain(w, name, buf_slice(&letters));
}

static void write_user(struct jw *w, const struct user *u)
{
	jw_open(jw_name(w, "user"), '{');
	write_bytes(w, "id", signin_user_handle(u->id));
	jw_text(w, "name", u->name);
	jw_close(w);
}

static enum error handle_challenge(struct call *c)
{
	const struct user *u = &own(c)->native.caller.user;
	bool registers = own(c)->begin_register;
	enum error e = !is_on(c) ? ERROR_NOT_FOUND : registers ? auth_admit_live(c) : ERROR_NONE;
	if (e != ERROR_NONE)
		return e;
	struct jw *w = jw_open(auth_begin_data(c, 200), '{');
	write_bytes(w, "challenge", ticket_make_passkey(&c->work, registers ? u->id : 0));
	jw_text(w, "rp_id", passkey_rp_id(c->work.config));
	if (registers)
		write_user(w, u);
	jw_raw(jw_name(w, "algorithms"), signature_algorithms());
	jw_int(w, "expires_in", TICKET_PASSKEY_SECONDS);
	return auth_end_data(w);
}

static enum error handle_login(struct call *c)
{
	struct keyed *k = own(c);
	struct shown shown;
	if (!is_on(c))
		return ERROR_NOT_FOUND;
	enum error e = read_shown(c, &shown) ? auth_prepare(c) : ERROR_INVALID_REQUEST;
	if (e == ERROR_NONE)
		e = signin_by_passkey(&c->work, &shown, &k->native.origin, &k->native.grant, NULL);
	if (shown.about)
		c->about = shown.about;
	return auth_answer_grant(c, e, 200);
}

static enum error handle_add(struct call *c)
{
	struct keyed *k = own(c);
	struct shown shown;
	uint64_t number;
	if (!is_on(c))
		return ERROR_NOT_FOUND;
	if (!read_shown(c, &shown))
		return ERROR_INVALID_REQUEST;
	if (!keys_label_ok(k->label)) {
		c->about = "label";
		return ERROR_INVALID_REQUEST;
	}
	enum error e = signin_add_passkey(&c->work, &k->native.caller, &(struct owner){ k->native.password, k->native.code }, &shown, k->label,
		&number);
	c->about = shown.about;
	if (e != ERROR_NONE)
		return e;
	struct jw *w = auth_begin_data(c, 201);
	jw_id(jw_open(w, '{'), "id", number);
	return auth_end_data(w);
}

/* ---- routes ------------------------------------------------------------ */

#define MEMBER(name, kind, required, max, place) { name, kind, required, max, offsetof(struct keyed, place) }
#define TEXT(name, required, max) MEMBER(#name, MEMBER_TEXT, required, max, name)
#define TOKEN MEMBER("access_token", MEMBER_TEXT, false, LIMIT_BODY, native.access_token)
#define PASSWORD MEMBER("password", MEMBER_TEXT, false, LIMIT_BODY, native.password)
#define CODE MEMBER("code", MEMBER_TEXT, false, LIMIT_CODE, native.code)
#define REGISTER MEMBER("register", MEMBER_FLAG, false, 0, begin_register)
#define DEVICE MEMBER("device", MEMBER_TEXT, false, LIMIT_DEVICE, native.origin.device)
#define COOKIE MEMBER("cookie", MEMBER_FLAG, false, 0, native.origin.cookie)
#define REMEMBER MEMBER("remember", MEMBER_FLAG, true, 0, native.remember)
#define END { NULL, MEMBER_FLAG, false, 0, 0 }

static const struct member challenge_members[] = { REGISTER, TOKEN, END };
static const struct member add_members[] = {
	TEXT(client_data, true, LIMIT_KEY_DATA), TEXT(authenticator_data, true, LIMIT_KEY_DATA), TEXT(label, false, LIMIT_LABEL),
	PASSWORD, CODE, TOKEN, END
};
static const struct member assertion_members[] = {
	TEXT(id, true, LIMIT_KEY_ID), TEXT(client_data, true, LIMIT_KEY_DATA), TEXT(authenticator_data, true, LIMIT_KEY_DATA),
	TEXT(signature, true, LIMIT_SIGNATURE), TEXT(user_handle, false, LIMIT_HANDLE), DEVICE, COOKIE, REMEMBER, END
};

static const struct route routes[] = {
	{ METHOD_POST,   "/passkeys/challenge", ACCESS_NONE, challenge_members, PACE_QUICK, handle_challenge },
	{ METHOD_POST,   "/passkeys/login",     ACCESS_NONE, assertion_members, PACE_SLOW, handle_login },
	{ METHOD_POST,   "/passkeys",           ACCESS_LIVE, add_members,       PACE_SLOW, handle_add },
	{ METHOD_GET,    "/passkeys",           ACCESS_LIVE, NULL,              PACE_QUICK, auth_keys_handle_list },
	{ METHOD_DELETE, "/passkeys/",          ACCESS_LIVE, NULL,              PACE_QUICK, auth_keys_handle_remove },
};

const struct dialect passkey_dialect = {
	.prefix = "/passkeys",
	.routes = routes,
	.count = sizeof routes / sizeof *routes,
	.size = sizeof(struct keyed),
	.admit = auth_admit_live,
	.refuse = auth_refuse,
};
