/*
 * totp: see totp.h for what each function promises.
 */
#include "totp.h"

#include <string.h>

#include "base/log.h"
#include "derive.h"
#include "store.h"

enum {
	CODE_DIGITS = 6, CODES = 1000000,
	RECOVERY_LETTERS = 10,
	DRIFT = 1,                      /* steps either way */
	SECRET_AT = KID_LENGTH, ENROLLED_AT = SECRET_AT + TOTP_SECRET, LAST_AT = ENROLLED_AT + 8, SPENT_AT = LAST_AT + 8, STORED = SPENT_AT + 2
};
_Static_assert((int)STORED <= (int)LIMIT_FACTOR && (int)TOTP_RECOVERY <= 16, "what is stored");

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

/* ---- what is stored ---------------------------------------------------- */

/* The same call hides and shows. Who sets a factor up anew gets other bytes to hide it by. */
static void turn_secret(const struct key *key, uint64_t user, const struct totp *t, uint8_t secret[TOTP_SECRET])
{
	char message[16];
	uint8_t mac[DERIVE_MAC];
	derive_put64(message, user);
	derive_put64(message + 8, (uint64_t)t->enrolled_at);
	derive_mac(key, DERIVE_TOTP, (struct slice){ message, sizeof message }, mac);
	for (size_t i = 0; i < TOTP_SECRET; i++)
		secret[i] ^= mac[i];
	wipe(mac, sizeof mac);
}

enum totp_found totp_open(const struct keyring *ring, uint64_t user, struct slice stored, struct totp *out, size_t *signer)
{
	const uint8_t *at = (const uint8_t *)stored.p;
	if (stored.n == 0)
		return TOTP_NONE;
	size_t i = stored.n == STORED ? keyring_find(ring, (struct slice){ stored.p, KID_LENGTH }) : ring->count;
	if (i == ring->count)
		return TOTP_LOST;
	*out = (struct totp){ .enrolled_at = (int64_t)derive_get64(at + ENROLLED_AT), .last = (int64_t)derive_get64(at + LAST_AT),
		.spent = (unsigned)at[SPENT_AT] << 8 | at[SPENT_AT + 1] };
	memcpy(out->secret, at + SECRET_AT, TOTP_SECRET);
	turn_secret(&ring->key[i], user, out, out->secret);
	if (signer)
		*signer = i;
	return TOTP_FOUND;
}

struct slice totp_seal(const struct key *key, uint64_t user, const struct totp *t)
{
	char *at = arena(STORED);
	memcpy(at, key->kid, KID_LENGTH);
	memcpy(at + SECRET_AT, t->secret, TOTP_SECRET);
	turn_secret(key, user, t, (uint8_t *)at + SECRET_AT);
	derive_put64(at + ENROLLED_AT, (uint64_t)t->enrolled_at);
	derive_put64(at + LAST_AT, (uint64_t)t->last);
	at[SPENT_AT] = (char)(t->spent >> 8);
	at[SPENT_AT + 1] = (char)t->spent;
	return (struct slice){ at, STORED };
}

/* ---- codes ------------------------------------------------------------- */

uint32_t totp_number(const uint8_t secret[TOTP_SECRET], int64_t step)
{
	char counter[8];
	uint8_t mac[DERIVE_SHA1];
	derive_put64(counter, (uint64_t)step);
	derive_sha1_mac((struct slice){ (const char *)secret, TOTP_SECRET }, (struct slice){ counter, sizeof counter }, mac);
	const uint8_t *at = mac + (mac[DERIVE_SHA1 - 1] & 15);
	return ((uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) % CODES;
}

/* n letters of the bits at `from`, which has as many as they need. */
static void add_letters(struct buf *b, const uint8_t *from, int n)
{
	for (int i = 0; i < n; i++) {
		int bit = 5 * i, in_byte = bit % 8;
		unsigned two = (unsigned)from[bit / 8] << 8 | (in_byte > 3 ? from[bit / 8 + 1] : 0);
		buf_c(b, base32[two >> (11 - in_byte) & 31]);
	}
}

struct slice totp_recovery(const uint8_t secret[TOTP_SECRET], unsigned i)
{
	const char message[] = { 'r', 'e', 'c', 'o', 'v', 'e', 'r', 'y', (char)i };
	uint8_t mac[DERIVE_SHA1];
	struct buf b = { 0 };
	derive_sha1_mac((struct slice){ (const char *)secret, TOTP_SECRET }, (struct slice){ message, sizeof message }, mac);
	add_letters(&b, mac, RECOVERY_LETTERS / 2);
	buf_c(&b, '-');
	uint64_t rest = derive_get64(mac) << 5 * (RECOVERY_LETTERS / 2);
	char second[8];
	derive_put64(second, rest);
	add_letters(&b, (const uint8_t *)second, RECOVERY_LETTERS / 2);
	return buf_slice(&b);
}

struct slice totp_letters(const uint8_t secret[TOTP_SECRET])
{
	struct buf b = { 0 };
	add_letters(&b, secret, TOTP_SECRET_LETTERS);
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] >= 'a')
			b.p[i] = (char)(b.p[i] - 'a' + 'A');
	return buf_slice(&b);
}

/* The value of a letter, small or capital; 32: it is none. */
static unsigned value_of(char c)
{
	const char *at = c ? strchr(base32, c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) : NULL;
	return at ? (unsigned)(at - base32) : 32;
}

bool totp_secret(struct slice letters, uint8_t out[TOTP_SECRET])
{
	uint64_t bits = 0;
	int held = 0;
	size_t n = 0;
	for (size_t i = 0; i < letters.n; i++) {
		unsigned value = value_of(letters.p[i]);
		if (value == 32 || letters.n != TOTP_SECRET_LETTERS)
			return false;
		bits = bits << 5 | value;
		held += 5;
		for (; held >= 8; held -= 8)
			out[n++] = (uint8_t)(bits >> (held - 8));
	}
	return n == TOTP_SECRET;
}

/* What may stand in a URI as it is (RFC 3986, 2.3). */
static void add_escaped(struct buf *b, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		struct slice one = { text.p + i, 1 };
		if (slice_made_of(one, "-._~")) {
			buf_add(b, one);
		} else {
			buf_c(b, '%');
			buf_hex_bytes(b, (const uint8_t *)one.p, 1);
		}
	}
}

struct slice totp_uri(struct slice letters, struct slice place, struct slice user)
{
	struct buf b = { 0 };
	buf_s(&b, "otpauth://totp/");
	add_escaped(&b, place);
	buf_c(&b, ':');
	add_escaped(&b, user);
	buf_s(&b, "?secret=");
	buf_add(&b, letters);
	buf_s(&b, "&issuer=");
	add_escaped(&b, place);
	return buf_slice(&b);
}

/* ---- what a person types ----------------------------------------------- */

enum { TYPED_MOST = RECOVERY_LETTERS };

/* Without blanks and hyphens, in small letters. Empty: too much for any code. */
static struct slice tidy(struct slice code, char out[TYPED_MOST])
{
	size_t n = 0;
	for (size_t i = 0; i < code.n; i++) {
		char c = code.p[i];
		if (c == ' ' || c == '-')
			continue;
		if (n == TYPED_MOST)
			return SLICE_NONE;
		out[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return (struct slice){ out, n };
}

/* The step whose code this is and that hasn't counted; 0: none. */
static int64_t step_of(const struct totp *t, int64_t number, int64_t time)
{
	int64_t present = time / TOTP_STEP_SECONDS, found = 0;
	for (int64_t step = present + DRIFT; step >= present - DRIFT; step--)
		if (totp_number(t->secret, step) == number && step > t->last)
			found = step;
	return found;
}

static int64_t recovery_of(const struct totp *t, struct slice typed)
{
	char letters[TYPED_MOST];
	int64_t found = 0;
	for (unsigned i = 0; i < TOTP_RECOVERY; i++) {
		struct slice code = tidy(totp_recovery(t->secret, i), letters);
		if (same_bytes((const uint8_t *)code.p, (const uint8_t *)typed.p, RECOVERY_LETTERS) && !(t->spent >> i & 1))
			found = i + 1;
	}
	return found;
}

/* -1: it isn't six digits. */
static int64_t number_of(struct slice typed)
{
	int64_t number = 0;
	for (size_t i = 0; i < typed.n && number >= 0; i++)
		number = typed.p[i] >= '0' && typed.p[i] <= '9' ? 10 * number + typed.p[i] - '0' : -1;
	return typed.n == CODE_DIGITS ? number : -1;
}

enum error totp_judge(const struct work *w, const struct totp *t, struct slice code, int64_t *proof)
{
	char letters[TYPED_MOST];
	struct slice typed = tidy(code, letters);
	int64_t number = number_of(typed);
	*proof = 0;
	if (number >= 0 && w->trust != CLOCK_GOOD)
		return ERROR_CLOCK_UNSET;
	if (number >= 0)
		*proof = step_of(t, number, w->time);
	else if (typed.n == RECOVERY_LETTERS)
		*proof = recovery_of(t, typed);
	return *proof ? ERROR_NONE : ERROR_INVALID_CREDENTIALS;
}

bool totp_spend(struct totp *t, int64_t proof)
{
	if (proof <= TOTP_RECOVERY) {
		unsigned bit = proof > 0 ? 1u << (proof - 1) : 0;
		bool fresh = bit && !(t->spent & bit);
		t->spent |= bit;
		return fresh;
	}
	bool fresh = proof > t->last;
	t->last = fresh ? proof : t->last;
	return fresh;
}

/* ---- a user's ---------------------------------------------------------- */

/* A user's factor, while a code is looked at. */
struct opened {
	const struct work *w;
	uint64_t user;
	struct totp t;
	size_t signer;                  /* the key that it is wrapped by, and stays wrapped by */
	bool on;
};

/* Whoever can't open a factor doesn't know that there is none. */
static enum error find(struct opened *o)
{
	enum totp_found found = totp_open(o->w->ring, o->user, store_user_factor(o->user), &o->t, &o->signer);
	o->on = found == TOTP_FOUND;
	if (found != TOTP_LOST)
		return ERROR_NONE;
	log_line("TP1", "no key of latchkey.key opens the second factor of user ", id_text(o->user), "; bring that key back, or take the factor away: "
		"latchkey user totp NAME off", NULL);
	return ERROR_STORE_UNAVAILABLE;
}

static void keep(const struct opened *o)
{
	store_user_factor_set(o->user, totp_seal(&o->w->ring->key[o->signer], o->user, &o->t));
}

enum error totp_take(const struct work *w, uint64_t user, struct slice code, bool spend, int64_t *proof)
{
	struct opened o = { .w = w, .user = user };
	*proof = 0;
	enum error e = find(&o);
	if (e == ERROR_NONE && o.on)
		e = code.p ? totp_judge(w, &o.t, code, proof) : ERROR_CODE_REQUIRED;
	if (e == ERROR_NONE && o.on && spend && totp_spend(&o.t, *proof))
		keep(&o);
	wipe(&o, sizeof o);
	return e;
}

enum error totp_settle(const struct work *w, uint64_t user, int64_t proof)
{
	struct opened o = { .w = w, .user = user };
	enum error e = find(&o);
	if (e == ERROR_NONE && o.on != (proof != 0))
		e = ERROR_INVALID_CREDENTIALS;
	if (e == ERROR_NONE && o.on && !totp_spend(&o.t, proof))
		e = ERROR_INVALID_CREDENTIALS;
	if (e == ERROR_NONE && o.on)
		keep(&o);
	wipe(&o, sizeof o);
	return e;
}
