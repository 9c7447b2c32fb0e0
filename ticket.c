/*
 * ticket: see ticket.h.
 */
#include "ticket.h"

#include "config.h"

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
