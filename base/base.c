/*
 * base: see base.h for what each function promises.
 *
 * Rules of this file: libc alone, no stdio (a formatter would be a tenth of
 * the executable), no state but the arena and the clock's source.
 */
#include "base/base.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* ---- slices ------------------------------------------------------------ */

bool slice_is(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_is_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && slice_is((struct slice){ s.p, prefix.n }, prefix);
}

struct slice slice_from(struct slice s, size_t from)
{
	size_t skip = from < s.n ? from : s.n;
	return (struct slice){ s.n ? s.p + skip : s.p, s.n - skip };
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
	while (s.n && blank(s.p[0]))
		s = slice_from(s, 1);
	while (s.n && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct slice slice_cut(struct slice *rest, char at)
{
	struct slice all = *rest;
	const char *found = all.n ? memchr(all.p, at, all.n) : NULL;
	if (!found) {
		*rest = SLICE_NONE;
		return all;
	}
	size_t n = (size_t)(found - all.p);
	*rest = (struct slice){ found + 1, all.n - n - 1 };
	return (struct slice){ all.p, n };
}

struct slice slice_cut_last(struct slice *rest, char at)
{
	struct slice all = *rest;
	for (size_t i = all.n; i > 0; i--)
		if (all.p[i - 1] == at) {
			*rest = (struct slice){ all.p, i - 1 };
			return (struct slice){ all.p + i, all.n - i };
		}
	*rest = SLICE_NONE;
	return all;
}

bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* With bit 5 set a capital letter of ASCII is the small one. This runs for each byte of a token. */
static bool is_alnum(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

size_t slice_span(struct slice s, const char *extra)
{
	size_t n = 0;
	while (n < s.n && s.p[n] && (is_alnum(s.p[n]) || strchr(extra, s.p[n])))
		n++;
	return n;
}

bool slice_made_small(struct slice s, const char *extra)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return false;
	return slice_span(s, extra) == s.n;
}

bool slice_made_of(struct slice s, const char *extra)
{
	return s.n && slice_span(s, extra) == s.n;
}

bool slice_printable(struct slice s, const char *but)
{
	size_t i = 0;
	while (i < s.n && s.p[i] >= ' ' && s.p[i] <= '~' && !strchr(but, s.p[i]))
		i++;
	return i == s.n;
}

char *slice_text(struct slice s)
{
	char *text = arena(s.n + 1);
	if (s.n)
		memcpy(text, s.p, s.n);
	return text;
}

/*
 * The well-formed sequences of Unicode's table 3-7, by lead byte: how many
 * bytes follow, and the range of the first of them.
 */
struct utf8_row { uint8_t from, to, follow, low, high; };
static const struct utf8_row utf8_rows[] = {
	{ 0x00, 0x7f, 0, 0, 0 },
	{ 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f },
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static const struct utf8_row *utf8_row_of(uint8_t lead)
{
	for (size_t i = 0; i < sizeof utf8_rows / sizeof *utf8_rows; i++)
		if (lead >= utf8_rows[i].from && lead <= utf8_rows[i].to)
			return &utf8_rows[i];
	return NULL;
}

/* How many bytes at the beginning are ASCII, by whole words: most texts are, so this is all that is done to them. */
static size_t ascii_span(struct slice s)
{
	uint64_t word = 0;
	size_t n = 0;
	for (; s.n - n >= sizeof word; n += sizeof word) {
		memcpy(&word, s.p + n, sizeof word);
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return n;
}

bool slice_is_utf8(struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	for (size_t i = ascii_span(s); i < s.n;) {
		const struct utf8_row *row = utf8_row_of(p[i]);
		if (!row || s.n - i <= row->follow)
			return false;
		if (row->follow && (p[i + 1] < row->low || p[i + 1] > row->high))
			return false;
		for (size_t k = 2; k <= row->follow; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		i += row->follow + 1u;
	}
	return true;
}

struct slice slice_utf8_front(struct slice s)
{
	uint8_t lead = (uint8_t)s.p[0];
	size_t n = 1u + (lead >= 0x80) + (lead >= 0xe0) + (lead >= 0xf0);
	struct slice front = { s.p, n };
	return n <= s.n && slice_is_utf8(front) ? front : SLICE_NONE;
}

/* ---- arena ------------------------------------------------------------- */

static unsigned arena_countdown;

void arena_fail_at(unsigned n)
{
	arena_countdown = n;
}

static bool arena_told_to_fail(void)
{
	return arena_countdown && --arena_countdown == 0;
}

#ifdef ARENA_MALLOC

/* In a list, so that a leak checker sees them in use. */
static struct piece { struct piece *next; size_t n; } *pieces;

void *arena(size_t n)
{
	struct piece *piece = !arena_told_to_fail() && n <= PTRDIFF_MAX / 2 ? calloc(1, sizeof *piece + n) : NULL;
	if (!piece)
		fail(ERROR_STORE_UNAVAILABLE, "BA1", "out of memory", NULL);
	piece->next = pieces;
	piece->n = pieces ? pieces->n + 1 : 1;
	pieces = piece;
	return piece + 1;
}

static bool arena_extend(const char *piece, size_t n, size_t more)
{
	(void)piece, (void)n, (void)more;
	return false;
}

size_t arena_mark(void)
{
	return pieces ? pieces->n : 0;
}

void arena_back(size_t mark)
{
	while (pieces && pieces->n > mark) {
		struct piece *gone = pieces;
		pieces = gone->next;
		free(gone);
	}
}

#else

/*
 * One block of zero pages, which cost nothing until they are touched. What a
 * request of each route may take of it is held by memory_test.c: at most 224 KiB,
 * a list of sessions 272. The reserve is for the handler of a fail(): a
 * request that has used up all the rest is answered too.
 */
enum { BLOCK = 768 * 1024, RESERVE = 64 * 1024 };
static _Alignas(max_align_t) char block[BLOCK];
static size_t block_used, block_end = BLOCK - RESERVE;
static bool reserve_open;

/*
 * Is there room for n bytes? The first time that there isn't, the reserve is
 * opened. A handler that is at work already gets it at once; everybody else
 * calls fail() first, and its handler gets it.
 */
static bool has_room(size_t n)
{
	if (n <= block_end - block_used)
		return true;
	if (reserve_open)
		return false;
	reserve_open = true;
	block_end = block_used + RESERVE;
	return fail_is_handled() && n <= RESERVE;
}

void *arena(size_t n)
{
	size_t want = (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (arena_told_to_fail())
		block_end = block_used;
	if (want < n || !has_room(want))
		fail(ERROR_STORE_UNAVAILABLE, "BA2", "arena exhausted", NULL);
	void *piece = block + block_used;
	block_used += want;
	return piece;
}

/* Makes the last piece longer. False for another piece. n and more are multiples of the alignment. */
static bool arena_extend(const char *piece, size_t n, size_t more)
{
	bool last = piece && piece + n == block + block_used && more <= block_end - block_used;
	if (last)
		block_used += more;
	return last;
}

size_t arena_mark(void)
{
	return block_used;
}

void arena_back(size_t mark)
{
	memset(block + mark, 0, block_used - mark);
	block_used = mark;
	block_end = BLOCK - RESERVE;
	reserve_open = false;
}

#endif

struct slice arena_copy(struct slice s)
{
	return (struct slice){ slice_text(s), s.n };
}

/* ---- buffer ------------------------------------------------------------ */

enum { BUF_FIRST = 256 };

__attribute__((noinline)) static void buf_move(struct buf *b, size_t n)
{
	size_t room = b->room ? b->room : BUF_FIRST;
	while (room - b->n < n)
		room *= 2;
	if (!arena_extend(b->p, b->room, room - b->room)) {
		char *p = arena(room);
		if (b->n)
			memcpy(p, b->p, b->n);
		b->p = p;
	}
	b->room = room;
}

static inline char *more(struct buf *b, size_t n)
{
	if (n > b->room - b->n)
		buf_move(b, n);
	char *at = b->p + b->n;
	b->n += n;
	return at;
}

char *buf_more(struct buf *b, size_t n)
{
	return more(b, n);
}

void buf_add(struct buf *b, struct slice s)
{
	if (s.n)
		memcpy(more(b, s.n), s.p, s.n);
}

void buf_c(struct buf *b, char c)
{
	*more(b, 1) = c;
}

/* Decimal digits of value, written to the end of text; returns where they begin. */
enum { DEC_ROOM = 21 };
static char *dec_into(char text[DEC_ROOM], int64_t value)
{
	char *at = text + DEC_ROOM - 1;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	*at = '\0';
	for (; rest >= 10; rest /= 100) {       /* two at a time */
		unsigned two = (unsigned)(rest % 100);
		*--at = (char)('0' + two % 10);
		*--at = (char)('0' + two / 10);
	}
	if (rest || !*at)
		*--at = (char)('0' + rest);
	if (value < 0)
		*--at = '-';
	return at;
}

void buf_int(struct buf *b, int64_t value)
{
	char text[DEC_ROOM], *at = dec_into(text, value);
	buf_add(b, (struct slice){ at, (size_t)(text + DEC_ROOM - 1 - at) });
}

/* Eight hexadecimal digits, all at once. */
static void put_eight_digits(char *at, uint32_t value)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t digits = value;
	digits = (digits | digits << 16) & UINT64_C(0x0000ffff0000ffff);
	digits = (digits | digits << 8) & UINT64_C(0x00ff00ff00ff00ff);
	digits = (digits | digits << 4) & ones * 15;
	const uint64_t letters = (digits + ones * 6) >> 4 & ones;
	digits = htobe64(digits + ones * '0' + letters * ('a' - '0' - 10));
	memcpy(at, &digits, sizeof digits);
}

void buf_hex(struct buf *b, uint64_t value)
{
	char *at = more(b, 16);
	put_eight_digits(at, (uint32_t)(value >> 32));
	put_eight_digits(at + 8, (uint32_t)value);
}

/* Without a table and without a branch: what is written may be a secret. */
static void put_digit(struct buf *b, unsigned value)
{
	buf_c(b, (char)('0' + value + (((9 - value) >> 8) & ('a' - '0' - 10))));
}

void buf_hex_bytes(struct buf *b, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		put_digit(b, bytes[i] >> 4);
		put_digit(b, bytes[i] & 15);
	}
}

void buf_two_digits(struct buf *b, int value)
{
	buf_c(b, (char)('0' + value / 10));
	buf_c(b, (char)('0' + value % 10));
}

void buf_time(struct buf *b, int64_t time)
{
	struct tm tm = { 0 };
	time_t t = (time_t)time;
	gmtime_r(&t, &tm);
	buf_int(b, tm.tm_year + 1900);
	const struct { int value; char before; } part[] = {
		{ tm.tm_mon + 1, '-' }, { tm.tm_mday, '-' }, { tm.tm_hour, 'T' }, { tm.tm_min, ':' }, { tm.tm_sec, ':' },
	};
	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		buf_c(b, part[i].before);
		buf_two_digits(b, part[i].value);
	}
	buf_c(b, 'Z');
}

void buf_pad(struct buf *b, size_t from, size_t width)
{
	while (b->n - from < width)
		buf_c(b, ' ');
}

struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ b->p, b->n };
}

const char *text_join(const char *first, ...)
{
	struct buf b = { 0 };
	va_list rest;
	va_start(rest, first);
	for (const char *text = first; text; text = va_arg(rest, const char *))
		buf_s(&b, text);
	va_end(rest);
	buf_c(&b, '\0');
	return b.p;
}

/* ---- numbers and ids --------------------------------------------------- */

bool parse_number(struct slice s, int64_t min, int64_t max, int64_t *out)
{
	int64_t value = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		int digit = s.p[i] - '0';
		if (value > (INT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool parse_id(struct slice s, uint64_t *out)
{
	uint64_t value = 0;
	if (s.n != 16)
		return false;
	for (size_t i = 0; i < 16; i++) {
		int digit = hex_digit(s.p[i]);
		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*out = value;
	return true;
}

/* Without a branch: what is read may be a secret. *wrong gets a bit where it is none. */
static unsigned nibble(char c, unsigned *wrong)
{
	unsigned digit = (unsigned char)c - (unsigned)'0', letter = ((unsigned char)c | 32U) - 'a';
	unsigned is_digit = ((digit - 10) & ~digit) >> 31, is_letter = ((letter - 6) & ~letter) >> 31;
	*wrong |= is_digit ^ is_letter ^ 1;
	return (digit & (0 - is_digit)) | ((letter + 10) & (0 - is_letter));
}

bool parse_hex(struct slice s, uint8_t *out, size_t size)
{
	unsigned wrong = 0;
	if (s.n != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(nibble(s.p[2 * i], &wrong) << 4 | nibble(s.p[2 * i + 1], &wrong));
	return wrong == 0;
}

const char *dec(int64_t value)
{
	char text[DEC_ROOM];
	return slice_text(slice_of(dec_into(text, value)));
}

const char *id_text(uint64_t id)
{
	struct buf b = { 0 };
	buf_hex(&b, id);
	buf_c(&b, '\0');
	return b.p;
}

/* ---- time, randomness, secrets ----------------------------------------- */

static int64_t seconds_of(clockid_t id)
{
	struct timespec t = { 0 };
	clock_gettime(id, &t);
	return t.tv_sec;
}

static int64_t wall_clock(void)
{
	return seconds_of(CLOCK_REALTIME);
}

int64_t (*base_clock)(void) = wall_clock;

int64_t now(void)
{
	return base_clock();
}

int64_t now_boot(void)
{
#ifdef CLOCK_BOOTTIME
	return seconds_of(CLOCK_BOOTTIME);
#else
	return seconds_of(CLOCK_MONOTONIC);
#endif
}

int64_t now_ms(void)
{
	struct timespec t = { 0 };
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct slice iso_time(int64_t time)
{
	struct tm t = { 0 };
	struct buf b = { 0 };
	time_t at = (time_t)time;
	gmtime_r(&at, &t);
	buf_int(&b, t.tm_year + 1900);
	const struct { char before; int value; } parts[] = { { '-', t.tm_mon + 1 }, { '-', t.tm_mday }, { 'T', t.tm_hour }, { ':', t.tm_min }, { ':', t.tm_sec } };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		buf_c(&b, parts[i].before);
		buf_two_digits(&b, parts[i].value);
	}
	buf_c(&b, 'Z');
	return buf_slice(&b);
}

void random_bytes(void *out, size_t n)
{
	char *at = out;
	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			fail(ERROR_INTERNAL, "BA3", "getrandom: ", strerror(errno), NULL);
		at += got;
		n -= (size_t)got;
	}
}

uint64_t random_id(void)
{
	uint64_t id = 0;
	while (id == 0) {
		random_bytes(&id, sizeof id);
		id &= INT64_MAX;
	}
	return id;
}

/* So that no compiler knows a value, and ends a loop as soon as it must be another one. */
#define HIDE(value) __asm__ volatile ("" : "+r"(value))

bool same_bytes(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;
	uint64_t differ = 0, one, other;
	size_t i = 0;
	for (; n - i >= sizeof one; i += sizeof one) {
		memcpy(&one, x + i, sizeof one);
		memcpy(&other, y + i, sizeof other);
		differ |= one ^ other;
		HIDE(differ);
	}
	for (; i < n; i++) {
		differ |= (uint64_t)(x[i] ^ y[i]);
		HIDE(differ);
	}
	return differ == 0;
}

void wipe(void *p, size_t n)
{
	if (n)
		memset(p, 0, n);
	__asm__ volatile ("" : : "r"(p) : "memory");    /* reads it, for all the compiler knows */
}

void touch_soon(void *p, size_t n)
{
#ifdef __linux__
	enum { POPULATE_WRITE = 23 };           /* musl has no name for it */
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)p / page * page;
	madvise((void *)from, (uintptr_t)p + n - from, POPULATE_WRITE);
#else
	(void)p, (void)n;
#endif
}
