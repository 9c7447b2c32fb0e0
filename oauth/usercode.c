/*
 * usercode: see usercode.h.
 */
#include "oauth/usercode.h"

#include "base/address.h"
#include "config.h"
#include "derive.h"

/* No vowels, so that no words come out, and none that look like a digit. */
static const char alphabet[] = "BCDFGHJKLMNPQRSTVWXZ";
enum { BASE = sizeof alphabet - 1 };

/* What the number is made of, from its lowest bits on. */
enum part { CHECK, PLACE, HALF, SCOPE, NUMBER, RANDOM, PARTS };
static const unsigned bits_of[PARTS] = { 6, 6, 1, 4, 5, 29 };

static uint64_t cut(uint64_t value, unsigned bits)
{
	return value & ((UINT64_C(1) << bits) - 1);
}

static void split(uint64_t value, uint64_t out[PARTS])
{
	for (int i = 0; i < PARTS; value >>= bits_of[i], i++)
		out[i] = cut(value, bits_of[i]);
}

static uint64_t joined(const uint64_t part[PARTS])
{
	uint64_t value = 0;
	for (int i = PARTS - 1; i >= 0; i--)
		value = value << bits_of[i] | part[i];
	return value;
}

/* ---- letters ----------------------------------------------------------- */

static struct slice letters_of(uint64_t value)
{
	char *text = arena(USERCODE_LETTERS);
	for (int i = USERCODE_LETTERS - 1; i >= 0; i--, value /= BASE)
		text[i] = alphabet[value % BASE];
	return (struct slice){ text, USERCODE_LETTERS };
}

static int place_of(char c)
{
	int i = 0;
	while (i < BASE && alphabet[i] != c)
		i++;
	return i;
}

static uint64_t value_of(struct slice letters)
{
	uint64_t value = 0;
	for (size_t i = 0; i < letters.n; i++)
		value = value * BASE + (uint64_t)place_of(letters.p[i]);
	return value;
}

struct slice usercode_shown(struct slice letters)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < letters.n; i++) {
		if (i && i % 4 == 0)
			buf_c(&b, '-');
		buf_c(&b, letters.p[i]);
	}
	return buf_slice(&b);
}

bool usercode_typed(struct slice typed, struct slice *letters)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < typed.n && b.n <= USERCODE_LETTERS; i++) {
		bool small = typed.p[i] >= 'a' && typed.p[i] <= 'z';
		char c = (char)(small ? typed.p[i] - ('a' - 'A') : typed.p[i]);
		if (c >= 'A' && c <= 'Z')
			buf_c(&b, c);
	}
	*letters = buf_slice(&b);
	bool good = b.n == USERCODE_LETTERS;
	for (size_t i = 0; good && i < b.n; i++)
		good = place_of(b.p[i]) < BASE;
	return good;
}

/* ---- MACs -------------------------------------------------------------- */

static void add64(struct buf *b, uint64_t n)
{
	derive_put64(buf_more(b, 8), n);
}

/* The network of the client: an address of IPv4, or 64 bits of IPv6. 0: it isn't known. */
static uint64_t place(const struct work *w, const struct key *key)
{
	struct address a;
	struct buf b = { 0 };
	if (w->hidden || !address_parse(w->peer, &a))
		return 0;
	buf_add(&b, (struct slice){ (const char *)a.b, a.kind == ADDRESS_V4 ? 4 : 8 });
	return derive_mark(key, DERIVE_USER_CODE, buf_slice(&b)) % 63 + 1;
}

static uint64_t check_of(const struct key *key, const uint64_t part[PARTS], struct slice client, int64_t interval)
{
	struct buf b = { 0 };
	add64(&b, joined(part) >> bits_of[CHECK]);
	add64(&b, (uint64_t)interval);
	buf_add(&b, client);
	return cut(derive_mark(key, DERIVE_USER_CODE, buf_slice(&b)), bits_of[CHECK]);
}

static uint64_t session_of(const struct key *key, uint64_t value, int64_t interval)
{
	struct buf b = { 0 };
	add64(&b, value);
	add64(&b, (uint64_t)interval);
	uint64_t id = derive_mark(key, DERIVE_APPROVE, buf_slice(&b)) & INT64_MAX;
	return id | (id == 0);
}

/* ---- codes ------------------------------------------------------------- */

static int64_t interval_at(int64_t time)
{
	return time / USERCODE_SECONDS;
}

/*
 * The key that made a code; NULL: none. Six bits fit one foreign key in 64. So a code is made to fit one key of its ring, and where another fits
 * too, that one came later: it signs now and stands before, or is staged and dated after the one that signs.
 */
static const struct key *maker_of(const struct keyring *ring, const uint64_t part[PARTS], struct slice client, int64_t interval)
{
	for (size_t i = ring->count; i--;) {
		const struct key *key = &ring->key[i];
		if (key->created_at <= ring->key[0].created_at && check_of(key, part, client, interval) == part[CHECK])
			return key;
	}
	return NULL;
}

static bool fits_another(const struct keyring *ring, const uint64_t part[PARTS], struct slice client, int64_t interval)
{
	bool fits = false;
	for (size_t i = 1; i < ring->count; i++)
		fits |= check_of(&ring->key[i], part, client, interval) == part[CHECK];
	return fits;
}

struct slice usercode_make(const struct work *w, const struct client *c, unsigned scope)
{
	const struct key *key = &w->ring->key[0];
	int64_t interval = interval_at(w->time);
	uint64_t part[PARTS] = { [PLACE] = place(w, key), [HALF] = (uint64_t)interval & 1, [SCOPE] = cut(scope, bits_of[SCOPE]), [NUMBER] = c->number };
	do {
		part[RANDOM] = cut(random_id(), bits_of[RANDOM]);
		part[CHECK] = check_of(key, part, c->id, interval);
	} while (fits_another(w->ring, part, c->id, interval));
	return letters_of(joined(part));
}

/* This interval, or the one before: the code says which of the two. */
static int64_t interval_of(const struct work *w, const uint64_t part[PARTS])
{
	int64_t now = interval_at(w->time);
	return now - ((uint64_t)(now & 1) != part[HALF]);
}

enum error usercode_open(const struct work *w, struct slice letters, struct usercode *out)
{
	uint64_t part[PARTS], value = value_of(letters);
	split(value, part);
	if (letters.n != USERCODE_LETTERS || joined(part) != value || client_numbered(w->config->dir, (size_t)part[NUMBER], &out->client) != ERROR_NONE)
		return ERROR_CODE_INVALID;
	int64_t interval = interval_of(w, part);
	out->key = maker_of(w->ring, part, out->client.id, interval);
	if (!out->key || !(out->client.flags & CLIENT_DEVICE))
		return ERROR_CODE_INVALID;
	out->scope = (unsigned)part[SCOPE];
	out->session = session_of(out->key, value, interval);
	out->elsewhere = part[PLACE] && place(w, out->key) && part[PLACE] != place(w, out->key);
	return ERROR_NONE;
}

uint64_t usercode_session(const struct key *key, struct slice letters, int64_t made)
{
	return session_of(key, value_of(letters), interval_at(made));
}
