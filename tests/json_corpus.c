/*
 * json_corpus: JSON is RFC 8259, no more and no less. json.c beside json_reference.h, and beside what a generator means.
 *
 *	json_corpus meaning SEED COUNT   texts made from a meaning, in any spelling that the grammar has for it: json.c must
 *	                                 read that meaning. Then each text with one thing changed, everywhere: both must
 *	                                 say the same of it. json.h's own limits are kept.
 *	json_corpus every LENGTH         every text of so many words, or fewer
 *	json_corpus judge FILE...        the verdict on each: "valid NAME", "malformed NAME", "too-many NAME"
 *
 * The last line is "POINTS texts, REFUSED refused"; a difference is shown, and ends it with 1.
 */
#include "json_reference.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long points, refused;

static void differ(const char *what, struct slice text)
{
	printf("DIFFERS: %s: %.*s\n", what, (int)text.n, text.p);
	exit(1);
}

/* Both verdicts; that they are the same. */
static enum json_verdict agree(struct slice text)
{
	static struct reference r;
	struct json j;
	size_t mark = arena_mark();
	reference_read(text, &r);
	enum json_verdict got = json_read(text, &j);
	if (got != r.verdict)
		differ(got == JSON_VALID ? "taken, and the reference refuses it" : "the reference says otherwise", text);
	points++;
	refused += got != JSON_VALID;
	arena_back(mark);
	return got;
}

/* ---- chance ------------------------------------------------------------ */

static uint64_t seed;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static unsigned pick(unsigned below)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((z ^ z >> 31) % below);
}

/* ---- from meaning to text --------------------------------------------------- */

static void put_space(struct buf *b)
{
	while (pick(4) == 0)
		buf_c(b, " \t\r\n"[pick(4)]);
}

/* Any code point but surrogates; the low ones more often, and those that have an escape of their own. */
static uint32_t any_code_point(void)
{
	static const uint32_t below[] = { 0x20, 0x80, 0x80, 0x800, 0x10000, 0x110000 };
	if (pick(4) == 0)
		return (uint8_t)"\"\\/\b\f\n\r\t"[pick(8)];
	uint32_t c = pick(below[pick(6)]);
	return c >= 0xd800 && c < 0xe000 ? 'x' : c;
}

static void put_unit(struct buf *b, uint32_t unit)
{
	buf_s(b, "\\u");
	for (int shift = 12; shift >= 0; shift -= 4)
		buf_c(b, (pick(2) ? "0123456789abcdef" : "0123456789ABCDEF")[unit >> shift & 15]);
}

/* One of the ways to write it: itself, a letter's escape, \u. */
static void put_char(struct buf *b, uint32_t c)
{
	static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *letter = c && c < 0x80 ? strchr(means, (int)c) : NULL;
	if (letter && pick(2)) {
		buf_c(b, '\\');
		buf_c(b, letters[letter - means]);
	} else if (c >= 0x20 && c != '"' && c != '\\' && pick(4)) {
		reference_put(b, c);
	} else if (c >= 0x10000) {
		put_unit(b, 0xd800 + (c - 0x10000) / 0x400);
		put_unit(b, 0xdc00 + (c - 0x10000) % 0x400);
	} else {
		put_unit(b, c);
	}
}

/* A string; what it means goes to *meaning. */
static void put_string(struct buf *b, struct buf *meaning)
{
	buf_c(b, '"');
	for (unsigned n = pick(6); n; n--) {
		uint32_t c = any_code_point();
		reference_put(meaning, c);
		put_char(b, c);
	}
	buf_c(b, '"');
}

static void put_digits(struct buf *b)
{
	do
		buf_c(b, (char)('0' + pick(10)));
	while (pick(2));
}

/* A number that is no integer of json_int(). */
static void put_real(struct buf *b)
{
	bool fraction = pick(2);
	buf_s(b, pick(2) ? "-" : "");
	buf_int(b, pick(2) ? 0 : 1 + pick(100000));
	if (fraction) {
		buf_c(b, '.');
		put_digits(b);
	}
	if (!fraction || pick(2)) {
		buf_c(b, "eE"[pick(2)]);
		buf_s(b, (const char *[]){ "", "+", "-" }[pick(3)]);
		put_digits(b);
	}
}

static void put_value(struct buf *b, int depth);

static void put_list(struct buf *b, int depth, bool object)
{
	struct buf unused = { 0 };
	buf_c(b, object ? '{' : '[');
	put_space(b);
	for (unsigned i = 0, n = pick(4); i < n; i++) {
		buf_s(b, i ? "," : "");
		put_space(b);
		if (object) {
			/* Its number in front: no name comes twice. */
			buf_c(b, '"');
			buf_c(b, (char)('a' + i));
			struct buf rest = { 0 };
			put_string(&rest, &unused);
			buf_add(b, slice_from(buf_slice(&rest), 1));
			put_space(b);
			buf_c(b, ':');
			put_space(b);
		}
		put_value(b, depth + 1);
		put_space(b);
	}
	buf_c(b, object ? '}' : ']');
}

static void put_value(struct buf *b, int depth)
{
	struct buf unused = { 0 };
	switch (pick(depth < 5 ? 8 : 6)) {
	case 0: buf_s(b, "true"); break;
	case 1: buf_s(b, "false"); break;
	case 2: buf_s(b, "null"); break;
	case 3: buf_int(b, (int64_t)pick(1000) - 500); break;
	case 4: put_real(b); break;
	case 5: put_string(b, &unused); break;
	default: put_list(b, depth, pick(2)); break;
	}
}

/* ---- members, and what they must read as ------------------------------------- */

enum { MEMBERS = 6 };

struct meant {
	char name[4];
	char kind;                  /* s string, i integer, r real, b word, n null, v anything else */
	struct buf bytes;           /* of a string */
	int64_t number;
	bool word;
	struct slice raw;
};

static int64_t any_integer(void)
{
	static const int64_t edges[] = { 0, 1, -1, INT32_MAX, INT64_MAX, -INT64_MAX, (INT64_C(1) << 53) - 1, (INT64_C(1) << 53) + 1 };
	return pick(2) ? edges[pick(8)] : ((int64_t)pick(UINT32_MAX) - INT32_MAX) * (1 + (int64_t)pick(1 << 30));
}

static void put_member(struct buf *b, struct meant *m, unsigned i)
{
	struct buf value = { 0 };
	*m = (struct meant){ .name = { 'm', (char)('0' + i) }, .kind = "sirbnv"[pick(6)] };
	put_space(b);
	buf_c(b, '"');
	put_char(b, 'm');
	put_char(b, '0' + i);
	buf_c(b, '"');
	put_space(b);
	buf_c(b, ':');
	put_space(b);
	switch (m->kind) {
	case 's': put_string(&value, &m->bytes); break;
	case 'i': buf_int(&value, m->number = any_integer()); break;
	case 'r': put_real(&value); break;
	case 'b': buf_s(&value, (m->word = pick(2)) ? "true" : "false"); break;
	case 'n': buf_s(&value, "null"); break;
	default: put_list(&value, 1, pick(2)); break;
	}
	m->raw = buf_slice(&value);
	buf_add(b, m->raw);
	put_space(b);
}

static bool reads(const struct json *j, const struct meant *m)
{
	struct slice s = SLICE_NONE, raw = SLICE_NONE;
	int64_t n = 0;
	bool word = false;
	enum json_found other = m->kind == 'n' ? JSON_ABSENT : JSON_WRONG_TYPE;
	return json_string(j, m->name, &s) == (m->kind == 's' ? JSON_FOUND : other) && slice_is(s, buf_slice(&m->bytes))
		&& json_int(j, m->name, -INT64_MAX, INT64_MAX, &n) == (m->kind == 'i' ? JSON_FOUND : other) && n == m->number
		&& json_bool(j, m->name, &word) == (m->kind == 'b' ? JSON_FOUND : other) && word == m->word
		&& json_raw(j, m->name, &raw) == (m->kind == 'n' ? JSON_ABSENT : JSON_FOUND) && (m->kind == 'n' || slice_is(raw, m->raw));
}

/* ---- one thing changed -------------------------------------------------------- */

static void changed(struct slice text)
{
	static const char bytes[] = "{}[],:\"\\0-+.eEutn \x01\x7f\x80\xc3\xff/";
	char *room = arena(text.n + 1);
	for (size_t i = 0; i < text.n; i++) {
		memcpy(room, text.p, i);
		memcpy(room + i, text.p + i + 1, text.n - i - 1);
		agree((struct slice){ room, text.n - 1 });              /* one byte less */
		for (size_t k = 0; k < sizeof bytes; k++) {             /* its NUL too */
			memcpy(room, text.p, text.n);
			room[i] = bytes[k];
			agree((struct slice){ room, text.n });          /* another byte */
			memcpy(room + i + 1, text.p + i, text.n - i);
			agree((struct slice){ room, text.n + 1 });      /* one more */
		}
		memcpy(room, text.p, text.n);
		if (i + 1 < text.n) {
			room[i] = text.p[i + 1];
			room[i + 1] = text.p[i];
			agree((struct slice){ room, text.n });          /* two the other way round */
		}
		agree((struct slice){ text.p, i });                     /* cut short */
	}
}

/* A member of a string that is one code point in the way that chance chooses: sixteen times each, so each way comes. */
static void spelled(uint32_t c)
{
	for (int i = 0; i < 16; i++) {
		struct buf b = { 0 }, meaning = { 0 };
		struct slice got = SLICE_NONE;
		struct json j;
		buf_s(&b, "{\"m\":\"");
		put_char(&b, c);
		buf_s(&b, "\"}");
		reference_put(&meaning, c);
		if (agree(buf_slice(&b)) != JSON_VALID || json_read(buf_slice(&b), &j) != JSON_VALID || json_string(&j, "m", &got) != JSON_FOUND
			|| !slice_is(got, buf_slice(&meaning)))
			differ("a code point", buf_slice(&b));
	}
}

/* Every two units at the edges of the surrogates, and every one. */
static void surrogates(void)
{
	static const uint32_t units[] = { 0x41, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000 };
	for (size_t i = 0; i < 49; i++) {
		struct buf b = { 0 };
		buf_c(&b, '"');
		put_unit(&b, units[i / 7]);
		if (i % 7)
			put_unit(&b, units[i % 7]);
		buf_c(&b, '"');
		agree(buf_slice(&b));
	}
}

static void one_text(void)
{
	struct buf b = { 0 };
	struct meant meant[MEMBERS];
	struct json j;
	unsigned members = pick(MEMBERS + 1);
	put_space(&b);
	buf_c(&b, '{');
	put_space(&b);
	for (unsigned i = 0; i < members; i++) {
		buf_s(&b, i ? "," : "");
		put_member(&b, &meant[i], i);
	}
	buf_c(&b, '}');
	put_space(&b);
	enum json_verdict v = agree(buf_slice(&b));
	if (v == JSON_TOO_MANY)
		return;
	if (v != JSON_VALID || json_read(buf_slice(&b), &j) != JSON_VALID)
		differ("made by the grammar, and refused", buf_slice(&b));
	for (unsigned i = 0; i < members; i++)
		if (!reads(&j, &meant[i]))
			differ(meant[i].name, buf_slice(&b));
	if (b.n < 200)
		changed(buf_slice(&b));
}

/* Brackets of both kinds, to the limit of depth and over it. */
static void nested(unsigned depth)
{
	struct buf b = { 0 };
	char close[64];
	for (unsigned i = 0; i < depth; i++) {
		bool object = pick(2);
		buf_s(&b, object ? "{\"a\":" : "[");
		close[i] = object ? '}' : ']';
	}
	buf_c(&b, '0');
	for (unsigned i = depth; i--;)
		buf_c(&b, close[i]);
	if ((agree(buf_slice(&b)) == JSON_VALID) != (depth <= LIMIT_DEPTH))
		differ("depth", buf_slice(&b));
}

/* ---- every text of a few words --------------------------------------------------- */

static const char *const words[] = { "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u0061\"", "0", "1", "-", ".", "e", "+", "true", "\"", "\\", " " };

static void every(struct buf *b, int more)
{
	size_t n = b->n;
	agree(buf_slice(b));
	for (size_t i = 0; more && i < sizeof words / sizeof *words; i++) {
		buf_s(b, words[i]);
		every(b, more - 1);
		b->n = n;
	}
}

/* ---- files ----------------------------------------------------------------------- */

static void judge(const char *path)
{
	static const char *const verdicts[] = { [JSON_VALID] = "valid", [JSON_MALFORMED] = "malformed", [JSON_TOO_MANY] = "too-many" };
	static char room[1 << 20];
	const char *slash = strrchr(path, '/');
	int fd = open(path, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, room, sizeof room) : -1;
	if (n < 0)
		exit(2);
	close(fd);
	printf("%s %s\n", verdicts[agree((struct slice){ room, (size_t)n })], slash ? slash + 1 : path);
}

int main(int argc, char **argv)
{
	struct buf b = { 0 };
	size_t mark = arena_mark();
	if (argc == 4 && strcmp(argv[1], "meaning") == 0) {
		seed = strtoull(argv[2], NULL, 10);
		for (unsigned depth = 0; depth < 32; depth++)
			nested(depth);
		for (uint32_t c = 0; c < 0x100; c++, arena_back(mark))
			spelled(c);
		surrogates();
		for (long i = strtol(argv[3], NULL, 10); i > 0; i--, arena_back(mark))
			one_text();
	} else if (argc == 3 && strcmp(argv[1], "every") == 0) {
		every(&b, (int)strtol(argv[2], NULL, 10));
	} else if (argc > 2 && strcmp(argv[1], "judge") == 0) {
		for (int i = 2; i < argc; i++)
			judge(argv[i]);
	} else {
		return 100;
	}
	printf("%ld texts, %ld refused\n", points, refused);
	return 0;
}
