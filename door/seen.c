/*
 * seen: see seen.h.
 *
 * The name doesn't begin as those of cookies.h, which are looked at with each request. It holds no secret, so it goes by plain HTTP too.
 */
#include "door/seen.h"

#include "jwt.h"

#define NAME "door-seen"
#define NAME_SECONDS "34560000"         /* 400 days: no browser keeps a cookie longer */

enum { SEEN = -3 };                     /* of jwt_branch(): no counter, and no other user of that function has it */

static uint64_t mac_of(const struct key *key, uint64_t user, int64_t event)
{
	return jwt_branch(key, user, SEEN, (uint64_t)event);
}

int64_t seen_read(const struct work *w, const struct request *rq, uint64_t user)
{
	struct slice rest = rq->cookie, mac;
	int64_t event;
	uint64_t shown;
	if (!http_cookie(&rest, S(NAME), &mac) || !parse_number(slice_cut(&mac, '.'), 1, INT64_MAX, &event) || !parse_id(mac, &shown))
		return 0;
	for (size_t i = 0; i < w->ring->count; i++)
		if (mac_of(&w->ring->key[i], user, event) == shown)
			return event;
	return 0;
}

void seen_set(const struct work *w, const struct request *rq, struct reply *rp, uint64_t user, int64_t event)
{
	reply_header(rp, "Set-Cookie", NAME "=", dec(event), ".", id_text(mac_of(&w->ring->key[0], user, event)), "; Path=",
		slice_text(rq->mount), "/account; Max-Age=" NAME_SECONDS "; HttpOnly; SameSite=Strict", NULL);
}
