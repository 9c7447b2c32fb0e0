/*
 * rotation: see rotation.h.
 *
 * Each condition reads as one line of the table in docs/internals.md. A
 * condition may count on those above it: what they took is gone.
 */
#include "rotation.h"

#include "derive.h"

const struct key *rotation_key(const struct rotation *r)
{
	const struct session *s = &r->row;
	for (size_t i = 0; i < r->ring->count; i++)
		if (jwt_branch(&r->ring->key[i], s->id, s->ctr, s->idem) == s->br)
			return &r->ring->key[i];
	return NULL;
}

/* ---- bound sessions ------------------------------------------------------ */

bool rotation_is_bound(const struct session *s)
{
	return s->strays == STRAYS_BOUND;
}

/* Never 0, which is no key. */
static uint64_t bound_mark(const struct key *key, struct slice thumbprint)
{
	uint64_t mark = derive_mark(key, DERIVE_BOUND, thumbprint);
	return mark | (mark == 0);
}

void rotation_bind(struct session *s, const struct key *key, struct slice thumbprint)
{
	s->strays = STRAYS_BOUND;
	s->idem = bound_mark(key, thumbprint);
}

bool rotation_fits_key(const struct rotation *r)
{
	const struct key *key = rotation_is_bound(&r->row) && r->thumbprint.n ? rotation_key(r) : NULL;
	return key && bound_mark(key, r->thumbprint) == r->row.idem;
}

/* ---- the table ------------------------------------------------------------ */

static bool is_unknown(const struct rotation *r)
{
	return !r->known || (r->by_cookie && !r->row.cookie) || (r->body_only && r->row.cookie);
}

/* Before anything is concluded: who holds a token alone can't end the session either. */
static bool is_of_another_client(const struct rotation *r)
{
	return !slice_is(r->client, r->row.client);
}

/* By such a row nobody can tell to which key the session is bound. */
static bool is_bound_and_damaged(const struct rotation *r)
{
	return rotation_is_bound(&r->row) && rotation_key(r) == NULL;
}

/* A bound session, and no proof, or one by another key. */
static bool is_without_its_key(const struct rotation *r)
{
	return rotation_is_bound(&r->row) && !rotation_fits_key(r);
}

static bool is_ended(const struct rotation *r)
{
	return r->row.ended_at || r->user.disabled;
}

/*
 * No token's exp lies after its session's end. By the row, too, unless that is behind: a clock that was set back dates a
 * successor before its predecessor, and that mustn't end a session by reuse that has expired.
 */
static bool is_past_end(const struct rotation *r)
{
	int64_t used = r->distance >= 0 && r->row.rotated_at < r->token.iat ? r->row.rotated_at : r->token.iat;
	return r->time >= r->token.exp || r->time >= used + r->refresh_ttl;
}

static bool is_current(const struct rotation *r)
{
	return r->distance == 0 && r->token.br == r->row.br;
}

/*
 * To whoever hasn't the key a token is worth nothing, before a rotation as after it: so nothing is written. A rotation now and then tells the trail and
 * the list that the session is used, and takes it to the key that signs now. The first refresh is one: generation 1 is a session that nobody has used
 * yet, and its sign-in may come again.
 */
static bool is_settled(const struct rotation *r)
{
	int64_t age = r->time - r->row.rotated_at;
	return rotation_is_bound(&r->row) && r->row.ctr > 1 && is_current(r) && age >= 0 && age < r->refresh_ttl / ROTATION_BOUND_PART && rotation_key(r) == &r->ring->key[0];
}

static bool is_same_request(const struct rotation *r)
{
	return r->distance == 1 && r->idem && r->idem == r->row.idem;
}

/* Who showed the client's secret is its own server: nobody else could be let in by an answer (RFC 9700, 4.14.2, asks for rotation of
 * public clients alone). Who has the key of a bound session is its own client. */
static bool is_authenticated_again(const struct rotation *r)
{
	return r->distance == 1 && (r->authenticated || rotation_is_bound(&r->row)) && rotation_key(r) != NULL;
}

static bool is_public(const struct rotation *r)
{
	return r->client.n > 0 && !r->authenticated;
}

/* A row that is dated ahead, by a clock that was wrong, is forgiven no longer than any other. A grace of 0 is none, nor is any window. */
static bool is_within(const struct rotation *r, int64_t seconds)
{
	int64_t age = r->time - r->row.rotated_at;
	return r->distance == 1 && r->reuse_grace > 0 && age <= seconds && -age <= seconds;
}

static bool is_within_grace(const struct rotation *r)
{
	int64_t least = is_public(r) ? ROTATION_PUBLIC_GRACE : 0;
	return is_within(r, r->reuse_grace > least ? r->reuse_grace : least);
}

/* What row.idem holds of a request without a key: a hash could be sent as a key by whoever knows the place, a MAC can't. */
static uint64_t place_mark(const struct rotation *r, const struct key *key)
{
	return r->retry_window > 0 && r->reuse_grace > 0 && r->place.n ? derive_mark(key, DERIVE_PLACE, r->place) : 0;
}

/* By the key that signed when the row was written. */
static bool is_at_place(const struct rotation *r)
{
	const struct key *key = r->idem == 0 && is_within(r, r->retry_window) ? rotation_key(r) : NULL;
	uint64_t mark = key ? place_mark(r, key) : 0;
	return mark && mark == r->row.idem;
}

static bool is_in_grace(const struct rotation *r)
{
	return is_within_grace(r) && r->row.strays != STRAYS_NEVER;
}

/* However near it is, it is counted: a thief in the same house is in step for two generations, and no longer. */
static bool is_counted_at_place(const struct rotation *r)
{
	return r->row.strays != STRAYS_NEVER && r->row.strays & 1 && is_at_place(r);
}

static bool is_stray_at_place(const struct rotation *r)
{
	return r->row.strays < STRAYS_MOST && is_at_place(r);
}

/* Another tab's request, which was under way when the new lineage began: it will find the successor where tabs share it. */
static bool is_cut_off(const struct rotation *r)
{
	return is_within_grace(r) && r->row.strays == STRAYS_NEVER;
}

/* Once a generation is enough to count. */
static bool is_near_in_grace(const struct rotation *r)
{
	return is_in_grace(r) && (r->near || r->row.strays & 1);
}

static bool is_stray_in_grace(const struct rotation *r)
{
	return is_in_grace(r) && r->row.strays < STRAYS_MOST;
}

/* Nothing is concluded from a row that isn't as rotation_advance() left it: bad memory or a bad disk must end no session. */
static bool is_beside_damaged_row(const struct rotation *r)
{
	return r->distance >= 0 && rotation_key(r) == NULL;
}

static bool is_other_branch(const struct rotation *r)
{
	return r->distance == 0;
}

static bool is_old(const struct rotation *r)
{
	return r->distance > 0;
}

/*
 * The store lost commits: the client's token was issued after the row's last
 * rotation, so the token is right and the row is behind. A row dated in the
 * future, or within reach of a step back that nothing recorded, proves nothing
 * against the token.
 */
static bool is_ahead(const struct rotation *r)
{
	return r->distance < 0 && (r->token.iat + r->unseen >= r->row.rotated_at || r->row.rotated_at > r->time);
}

/* A higher generation but an older date: after the store lost commits, another
 * successor of the same token has rolled the row forward. */
static bool is_competing(const struct rotation *r)
{
	return r->distance < 0;
}

/* The first row that fits decides. docs/internals.md, "Rotation", says why. */
static const struct rule rules[] = {
	{ is_unknown,            ACT_REFUSE, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_REFRESH_INVALID },
	{ is_of_another_client,  ACT_REFUSE, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_REFRESH_INVALID },
	{ is_bound_and_damaged,  ACT_REFUSE, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_STORE_UNAVAILABLE },
	{ is_without_its_key,    ACT_REFUSE, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_INVALID_DPOP_PROOF },
	{ is_ended,              ACT_REFUSE, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_SESSION_REVOKED },
	{ is_past_end,           ACT_REFUSE, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_REFRESH_EXPIRED },
	{ is_settled,            ACT_REPLAY, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_NONE },
	{ is_current,            ACT_ROTATE, DURABLE_LATER, EVENT_REFRESH,     ENDED_NOT,   ERROR_NONE },
	{ is_same_request,       ACT_REPLAY, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_NONE },
	{ is_authenticated_again, ACT_REPLAY, DURABLE_LATER, 0,                ENDED_NOT,   ERROR_NONE },
	{ is_near_in_grace,      ACT_REPLAY, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_NONE },
	{ is_stray_in_grace,     ACT_FORGIVE, DURABLE_LATER, EVENT_REPLAY,     ENDED_NOT,   ERROR_NONE },
	{ is_counted_at_place,   ACT_REPLAY, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_NONE },
	{ is_stray_at_place,     ACT_FORGIVE, DURABLE_LATER, EVENT_REPLAY,     ENDED_NOT,   ERROR_NONE },
	{ is_cut_off,            ACT_REFUSE, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_BUSY },
	{ is_beside_damaged_row, ACT_REFUSE, DURABLE_LATER, 0,                 ENDED_NOT,   ERROR_STORE_UNAVAILABLE },
	{ is_other_branch,       ACT_END,    DURABLE_NOW,   EVENT_FORK,        ENDED_FORK,  ERROR_REFRESH_REUSED },
	{ is_old,                ACT_END,    DURABLE_NOW,   EVENT_REUSE,       ENDED_REUSE, ERROR_REFRESH_REUSED },
	{ is_ahead,              ACT_ROTATE, DURABLE_LATER, EVENT_ROLLFORWARD, ENDED_NOT,   ERROR_NONE },
	{ is_competing,          ACT_END,    DURABLE_NOW,   EVENT_FORK,        ENDED_FORK,  ERROR_REFRESH_REUSED },
};

const struct rule *rotation_judge(struct rotation *r)
{
	const struct rule *rule = rules;
	r->distance = r->known ? r->row.ctr - r->token.ctr : 0;
	while (!rule->when(r))
		rule++;
	return rule;
}

bool rotation_is_spent(struct rotation *r)
{
	r->distance = r->row.ctr - r->token.ctr;
	return (r->distance > 1 || (is_other_branch(r) && !is_current(r))) && rotation_key(r) != NULL;
}

enum reuse_class rotation_class(const struct rotation *r, const struct rule *rule)
{
	if (rule->event != EVENT_REUSE)
		return CLASS_NONE;
	if (r->distance > 1)
		return CLASS_OLD;
	if (is_in_grace(r) || is_at_place(r))
		return CLASS_SHARED;
	return r->idem ? CLASS_RIVAL : CLASS_LATE;
}

/* The later of the two, unless it is further ahead than a clock may step back unseen. */
static int64_t later(int64_t time, int64_t other, int64_t now)
{
	return other > time && other - now <= ROTATION_AHEAD ? other : time;
}

/*
 * A clock that steps back, or another host's that is behind, dates no successor before its predecessor: after lost commits the
 * newer token would look older than the row, and a lawful user would be signed out as a competitor.
 */
bool rotation_advance(struct rotation *r, const struct key *key)
{
	struct session *s = &r->row;
	int64_t before = s->rotated_at, time = later(r->time, s->rotated_at, r->time);
	s->ctr = r->token.ctr + 1;
	if (rotation_is_bound(s)) {
		rotation_bind(s, key, r->thumbprint);
	} else {
		s->idem = r->idem ? r->idem : place_mark(r, key);
		s->strays = s->strays & 1 ? s->strays + 1 : 0;
	}
	s->rotated_at = later(time, r->token.iat, r->time);
	s->br = jwt_branch(key, s->id, s->ctr, s->idem);
	return s->rotated_at < before || s->rotated_at < r->token.iat;
}
