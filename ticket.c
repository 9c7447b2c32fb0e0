/*
 * ticket: see ticket.h.
 */
#include "ticket.h"

#include "base/base64.h"
#include "config.h"
#include "derive.h"

struct slice ticket_make_link(const struct work *w, const struct keyring *ring, const struct user *u)
{
	const struct key *key = &ring->key[0];
	return jwt_seal_link(key, &(struct link_claims){
		.iss = w->config->issuer, .sub = u->id, .pw = jwt_password_mark(key, u->id, u->password),
		.iat = w->time, .exp = w->time + TICKET_LINK_SECONDS });
}

enum error ticket_open_link(const struct work *w, struct slice ticket, struct ticket_link *out)
{
	size_t signer;
	if (jwt_open_link(ticket, w->ring, &out->claims, &signer) != JWT_VALID)
		return ERROR_LINK_INVALID;
	out->key = &w->ring->key[signer];
	return ERROR_NONE;
}

enum error ticket_check_times(const struct work *w, int64_t iat, int64_t exp)
{
	if (iat > w->time + JWT_AHEAD_SECONDS)
		return ERROR_LINK_INVALID;
	return w->time >= exp ? ERROR_LINK_EXPIRED : ERROR_NONE;
}

bool ticket_link_fits(const struct ticket_link *link, const struct user *u)
{
	return jwt_password_mark(link->key, u->id, u->password) == link->claims.pw;
}

/* ---- codes of OAuth ---------------------------------------------------- */

struct slice ticket_digest(struct slice text)
{
	uint8_t hash[DERIVE_MAC];
	struct buf b = { 0 };
	derive_sha256(text, hash);
	base64url_add(&b, (struct slice){ (const char *)hash, sizeof hash });
	return buf_slice(&b);
}

struct slice ticket_make_code(const struct work *w, const struct keyring *ring, const struct code_claims *what, const struct user *u)
{
	const struct key *key = &ring->key[0];
	struct code_claims claims = *what;
	claims.iss = w->config->issuer;
	claims.pw = jwt_password_mark(key, u->id, u->password);
	claims.iat = w->time;
	claims.exp = w->time + TICKET_CODE_SECONDS;
	return jwt_seal_code(key, &claims);
}

enum error ticket_open_code(const struct work *w, struct slice code, struct ticket_code *out)
{
	size_t signer;
	if (jwt_open_code(code, w->ring, &out->claims, &signer) != JWT_VALID || now() >= out->claims.exp)
		return ERROR_CODE_INVALID;
	out->key = &w->ring->key[signer];
	return ERROR_NONE;
}

bool ticket_code_fits(const struct ticket_code *code, const struct user *u)
{
	return jwt_password_mark(code->key, u->id, u->password) == code->claims.pw;
}

struct slice ticket_make_enrol(const struct work *w, const struct enrol_claims *what, struct slice held)
{
	const struct key *key = &w->ring->key[0];
	struct enrol_claims claims = *what;
	claims.iss = w->config->issuer;
	claims.pw = jwt_password_mark(key, what->sub, held);
	claims.iat = w->time;
	claims.exp = w->time + TICKET_ENROL_SECONDS;
	return jwt_seal_enrol(key, &claims);
}

enum error ticket_open_enrol(const struct work *w, struct slice ticket, struct ticket_enrol *out)
{
	size_t signer;
	if (jwt_open_enrol(ticket, w->ring, &out->claims, &signer) != JWT_VALID)
		return ERROR_CHALLENGE_INVALID;
	out->key = &w->ring->key[signer];
	return ticket_check_times(w, out->claims.iat, out->claims.exp) == ERROR_NONE ? ERROR_NONE : ERROR_CHALLENGE_INVALID;
}

bool ticket_enrol_fits(const struct ticket_enrol *ticket, uint64_t user, struct slice held)
{
	return ticket->claims.sub == user && jwt_password_mark(ticket->key, user, held) == ticket->claims.pw;
}

struct slice ticket_make_passkey(const struct work *w, uint64_t sub)
{
	int64_t time = now();
	return jwt_seal_passkey(&w->ring->key[0], &(struct passkey_claims){
		.iss = w->config->issuer, .sid = random_id(), .sub = sub, .iat = time, .exp = time + TICKET_PASSKEY_SECONDS });
}

enum error ticket_open_passkey(const struct work *w, struct slice challenge, struct passkey_claims *out)
{
	bool good = jwt_open_passkey(challenge, w->ring, out, NULL) == JWT_VALID && now() < out->exp;
	return good ? ERROR_NONE : ERROR_CHALLENGE_INVALID;
}

struct slice ticket_make_device(const struct work *w, const struct keyring *ring, const struct device_claims *what)
{
	struct device_claims claims = *what;
	claims.iss = w->config->issuer;
	claims.iat = w->time;
	claims.exp = w->time + TICKET_DEVICE_SECONDS;
	return jwt_seal_device(&ring->key[0], &claims);
}

enum error ticket_open_device(const struct work *w, struct slice code, struct ticket_device *out)
{
	size_t signer;
	if (jwt_open_device(code, w->ring, &out->claims, &signer) != JWT_VALID)
		return ERROR_CODE_INVALID;
	out->key = &w->ring->key[signer];
	out->expired = now() >= out->claims.exp;
	return ERROR_NONE;
}
