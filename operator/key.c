/*
 * key: `latchkey key …`.
 *
 * A key that signed can go once no token that it signed is good any more: NEEDED_SPARE and refresh_ttl after it signed
 * last. Then `key rotate`, `key import` and `key retire --old` forget it, so that a rotation by the calendar never
 * finds the ring full. They forget nothing while the clock isn't trusted. The cookie of a site session has no end of its own
 * (session_site.h): its key is kept while the session stands and there is room in the ring.
 *
 * Before a new key is in the key file, its public keys are in latchkey.jwks, and its RSA key, where there are such, in latchkey.rsa.
 * Both may take long on a router, so others have the store's turn meanwhile.
 */
#include "operator/verbs.h"

#include <string.h>

#include "base/log.h"
#include "client.h"
#include "jwt.h"
#include "operator/ask.h"
#include "session.h"
#include "store/upkeep.h"

/* Seconds, for access tokens, which live for a day at most, and for hosts that were told of the next key later. */
enum { NEEDED_SPARE = 24 * 3600 };

/* From when key i can go, Unix seconds; 0: it signs, or hasn't signed yet. */
static int64_t needed_until(const struct verb_call *c, const struct keyring *ring, size_t i)
{
	int64_t until = keyring_signed_until(ring, i);
	return until ? until + c->conf.refresh_ttl + NEEDED_SPARE : 0;
}

static void key_row(const struct verb_call *c, struct rows *r, const struct keyring *ring, size_t i)
{
	rows_open(r);
	rows_text(r, "kid", KID_LENGTH, slice_of(ring->key[i].kid));
	rows_time(r, "created_at", ring->key[i].created_at);
	rows_time(r, "needed_until", needed_until(c, ring, i));
	rows_text(r, "use", 0, i == 0 ? S("signs") : keyring_is_staged(ring, i) ? S("staged") : S("verifies"));
	rows_close(r);
}

int verb_key_list(struct verb_call *c)
{
	struct keyring ring;
	struct rows r;
	verb_ring(c->dir, &ring);
	rows_begin(&r, verb_form(c));
	if (rows_heading(&r))
		key_row(c, &r, &ring, 0);
	for (size_t i = 0; i < ring.count; i++)
		key_row(c, &r, &ring, i);
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}

static enum error write_note(void *call)
{
	struct verb_call *c = call;
	audit_note(&c->work, c->work.note.event, 0, 0);
	return ERROR_NONE;
}

/* The event of a change that was made outside of the store. */
static void note_alone(struct verb_call *c, enum event event)
{
	c->work.note.event = event;
	store_run(DURABLE_NOW, write_note, c);
}

static bool is_still(const char *dir, const struct keyring *was)
{
	struct keyring now;
	verb_ring(dir, &now);
	bool same = now.count == was->count;
	for (size_t i = 0; same && i < now.count; i++)
		same = strcmp(now.key[i].kid, was->key[i].kid) == 0 && now.key[i].created_at == was->key[i].created_at;
	return same;
}

/* Whether all keys of one ring are in the other. */
static bool has_all(const struct keyring *ring, const struct keyring *of)
{
	bool all = true;
	for (size_t i = 0; i < of->count; i++)
		all &= keyring_find(ring, slice_of(of->key[i].kid)) < ring->count;
	return all;
}

/* Where a key goes: factors are wrapped by the one that signs now, which stays. */
static void keep_factors(const struct verb_call *c, const struct keyring *was, const struct keyring *ring)
{
	struct factors f;
	if (has_all(ring, was))
		return;
	verb_wrap_factors(was, &was->key[0], &f);
	verb_tell_lost(c, &f);
}

/* Writes the ring, with a note of each event. */
static void change_ring(struct verb_call *c, const struct keyring *ring, enum event event, bool forgot)
{
	struct keyring was;
	verb_ring(c->dir, &was);
	store_close();
	verb_publish(c->dir, ring, false);
	store_open(c->dir, VERB_WAIT);
	if (!is_still(c->dir, &was))
		fail(ERROR_BUSY, "KY1", "another verb has changed the keys meanwhile: try again", NULL);
	keep_factors(c, &was, ring);
	keyring_write(c->dir, ring);
	if (forgot && event != EVENT_KEY_RETIRED) {
		note_alone(c, EVENT_KEY_RETIRED);
		verb_log(c);
	}
	note_alone(c, event);
}

static bool is_signed_by(const struct verb_call *c, const struct session *s, const struct key *key)
{
	bool stands = s->ended_at == 0 && session_deadline(&c->conf, s) > c->work.time;
	return s->ctr == 0 && stands && jwt_branch(key, s->id, 0, s->idem) == s->br;
}

/* Whether a site session that stands has its cookie from this key. */
static bool has_cookies(const struct verb_call *c, const struct key *key)
{
	struct session page[LIMIT_LIST];
	size_t mark = arena_mark(), n = 1;
	bool found = false;
	for (uint64_t after = 0; n && !found; after = n ? page[n - 1].id : 0, arena_back(mark)) {
		n = store_sessions(0, after, page);
		for (size_t i = 0; i < n && !found; i++)
			found = is_signed_by(c, &page[i], key);
	}
	return found;
}

/* Takes the keys that can go from the ring, and tells of each. Whether there were any. */
static bool forget_old(struct verb_call *c, struct keyring *ring)
{
	size_t before = ring->count;
	for (size_t i = before; i-- > 1;) {
		int64_t until = needed_until(c, ring, i);
		if (until == 0 || until > c->work.time || c->work.trust != CLOCK_GOOD)
			continue;
		bool cookies = has_cookies(c, &ring->key[i]);
		if (cookies && ring->count < LIMIT_KEYS)
			continue;
		verb_done(c, cookies ? "forgot key, so that browsers that opened no page since it signed must sign in again: " : "forgot key ",
			slice_of(ring->key[i].kid));
		keyring_remove(ring, i);
	}
	return ring->count < before;
}

/* Why a key wasn't added. */
static int no_room(struct verb_call *c, const struct keyring *ring)
{
	c->done.n = 0;
	return verb_no(c, ring->count < LIMIT_KEYS ? "this key is there already"
		: "there are 8 keys, and none can go yet: see needed_until in latchkey key list, or retire one");
}

static int add_key(struct verb_call *c, const struct key *key)
{
	struct keyring ring;
	verb_ring(c->dir, &ring);
	bool forgot = forget_old(c, &ring);
	if (!keyring_add(&ring, key))
		return no_room(c, &ring);
	change_ring(c, &ring, EVENT_KEY_ADDED, forgot);
	return verb_done(c, "new tokens are signed with key ", slice_of(key->kid));
}

int verb_key_stage(struct verb_call *c)
{
	struct keyring ring;
	struct key key = verb_fresh_key(c->work.time);
	verb_ring(c->dir, &ring);
	bool forgot = forget_old(c, &ring);
	if (!keyring_stage(&ring, &key))
		return no_room(c, &ring);
	change_ring(c, &ring, EVENT_KEY_ADDED, forgot);
	return verb_done(c, "to sign with it, once who verifies has it: latchkey key use ", slice_of(key.kid));
}

/* Reads the ring and finds the key that the operand names. */
static bool find_key(struct verb_call *c, struct keyring *ring, size_t *i)
{
	verb_ring(c->dir, ring);
	*i = c->operands ? keyring_find(ring, c->operand[0]) : 0;
	if (*i == ring->count)
		(void)verb_refuse(c, "no such key: ", c->operand[0]);
	return *i < ring->count;
}

/* Some who verify by /jwks may not have a key yet that was staged a moment ago. */
static void warn_early(const struct verb_call *c, const struct keyring *ring, size_t i)
{
	bool early = keyring_is_staged(ring, i) && ring->key[i].created_at + KEYS_MAX_AGE > c->work.time;
	if (early && (c->conf.access_alg == ACCESS_ES256 || client_any(c->dir)))
		log_line(c->verb, "this key was staged less than 5 minutes ago: until they ask for the keys again, those who verify by /jwks may refuse what it signs", NULL);
}

int verb_key_use(struct verb_call *c)
{
	struct keyring ring;
	size_t i;
	if (!find_key(c, &ring, &i))
		return VERB_REFUSED;
	if (i > 0) {
		warn_early(c, &ring, i);
		keyring_use(&ring, i, c->work.time);
		change_ring(c, &ring, EVENT_KEY_USED, false);
	}
	return verb_done(c, "new tokens are signed with key ", c->operand[0]);
}

/* How far the end of all sessions has come. */
struct epoch {
	struct verb_call *c;
	int64_t after, ended;           /* the last session that was looked at, and how many have ended so far */
	int64_t last, more;             /* of the slice that is being ended */
	bool done;
};

static enum error end_slice(void *epoch)
{
	struct epoch *e = epoch;
	e->last = e->after;
	e->done = !store_sessions_end_all(&e->last, ENDED_REVOKED, e->c->work.time, &e->more);
	e->c->work.note.count = e->ended + e->more;
	if (e->done)
		audit_note(&e->c->work, EVENT_EPOCH, 0, 0);
	return ERROR_NONE;
}

/* Slice by slice: between two of them others have their turn, and the log is emptied. */
static int64_t end_all_sessions(struct verb_call *c)
{
	struct epoch e = { .c = c, .after = INT64_MIN };
	while (!e.done) {
		store_open(c->dir, VERB_WAIT);
		store_run(DURABLE_NOW, end_slice, &e);
		store_settle();
		store_close();
		e.after = e.last;
		e.ended += e.more;
	}
	return e.ended;
}

/*
 * Wraps all second factors by a key that isn't in the key file yet, if there are any: it is put there first, beside the one that they are wrapped by.
 * A key file that is broken opens none.
 */
static void move_factors(const struct verb_call *c, const struct key *next)
{
	struct keyring ring;
	struct factors f;
	if (keyring_read(c->dir, &ring) != NULL)
		ring = (struct keyring){ .count = 1, .key = { *next } };
	verb_wrap_factors(&ring, &ring.key[0], &f);
	verb_tell_lost(c, &f);
	if (f.names.n == 0)
		return;
	ring.count = 1;
	keyring_add(&ring, next);
	keyring_write(c->dir, &ring);
	verb_wrap_factors(&ring, next, &f);
	log_line(c->verb, "whoever has an old key and a copy of the database knows the second factors of these users; if that may be so, latchkey user totp NAME off: ",
		slice_text(buf_slice(&f.names)), NULL);
	wipe(&ring, sizeof ring);
}

/*
 * Ends every session and every token. The key file comes first: if latchkey is
 * killed after that, no old token is accepted any more, and when the verb
 * is run again it ends the sessions that are left. Of the old keyring nothing is wanted but second factors: it
 * may be broken.
 */
static int begin_epoch(struct verb_call *c)
{
	struct keyring ring = { .count = 1, .key = { verb_fresh_key(c->work.time) } };
	move_factors(c, &ring.key[0]);
	keyring_write(c->dir, &ring);
	buf_int(&c->done, end_all_sessions(c));
	verb_publish(c->dir, &ring, false);
	buf_s(&c->done, " sessions ended, every token until now is refused; new tokens are signed with key ");
	verb_done(c, ring.key[0].kid, SLICE_NONE);
	wipe(&ring, sizeof ring);
	return VERB_DONE;
}

int verb_key_rotate(struct verb_call *c)
{
	if (c->given[OPT_EPOCH])
		return begin_epoch(c);
	struct key key = verb_fresh_key(c->work.time);
	return add_key(c, &key);
}

int ask_key(struct verb_call *c)
{
	return ask_word("Key: ", 2 * KEY_SIZE + 16, &c->input) ? VERB_DONE : verb_no(c, "no key on standard input");
}

int verb_key_import(struct verb_call *c)
{
	struct key key = { .created_at = c->work.time };
	if (!parse_hex(c->input, key.master, KEY_SIZE))
		return verb_no(c, "a key is one line of 64 hexadecimal digits");
	jwt_name_key(&key);
	return add_key(c, &key);
}

int ask_old(struct verb_call *c)
{
	if (c->given[OPT_OLD] != (c->operands == 1))
		return VERB_DONE;
	log_line(c->verb, "either a kid or --old", NULL);
	return VERB_USAGE;
}

static int retire_old(struct verb_call *c)
{
	struct keyring ring;
	verb_ring(c->dir, &ring);
	if (!forget_old(c, &ring))
		return verb_done(c, "no key can go yet", SLICE_NONE);
	change_ring(c, &ring, EVENT_KEY_RETIRED, true);
	return VERB_DONE;
}

int verb_key_retire(struct verb_call *c)
{
	struct keyring ring;
	size_t i;
	if (c->given[OPT_OLD])
		return retire_old(c);
	if (!find_key(c, &ring, &i))
		return VERB_REFUSED;
	if (i == 0)
		return verb_no(c, ring.count == 1 ? "it is the only key; rotate first" : "it signs; use another first");
	keyring_remove(&ring, i);
	change_ring(c, &ring, EVENT_KEY_RETIRED, true);
	return verb_done(c, "tokens signed with it are refused from now on; signing with key ", slice_of(ring.key[0].kid));
}

int verb_key_publish(struct verb_call *c)
{
	struct keyring ring;
	verb_ring(c->dir, &ring);
	verb_publish(c->dir, &ring, client_any(c->dir));
	return verb_done(c, "latchkey.jwks has the public keys of the ring", SLICE_NONE);
}

/* The JWK of key i, or with --all the JWK set (RFC 7517, 5) of all keys, staged ones too. */
static void write_keys(struct verb_call *c, const struct keyring *ring, size_t i, enum jwt_use use)
{
	struct jw w = { .out = &c->done };
	if (!c->given[OPT_ALL]) {
		jwt_write_jwk(&w, &ring->key[i], use);
		return;
	}
	jw_open(jw_name(jw_open(&w, '{'), "keys"), '[');
	for (i = 0; i < ring->count; i++)
		jwt_write_jwk(&w, &ring->key[i], use);
	jw_close(jw_close(&w));
}

int verb_key_export(struct verb_call *c)
{
	struct keyring ring;
	size_t i;
	struct slice use = c->given[OPT_USE] ? c->value[OPT_USE] : S("access");
	bool refresh = slice_is(use, S("refresh"));
	if ((!refresh && !slice_is(use, S("access"))) || (c->operands && c->given[OPT_ALL])) {
		log_line(c->verb, "--use is access or refresh; --all takes no kid", NULL);
		return VERB_USAGE;
	}
	if (!find_key(c, &ring, &i))
		return VERB_REFUSED;
	write_keys(c, &ring, i, refresh ? JWT_REFRESH : c->conf.access_alg == ACCESS_ES256 ? JWT_SIGNED : JWT_ACCESS);
	return verb_done(c, "", SLICE_NONE);
}
