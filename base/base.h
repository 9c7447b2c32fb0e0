/*
 * base: what every file stands on. Slices (pointer and length, never
 * NUL-terminated), the arena, the growing buffer, strict numbers, the clock,
 * random bytes, comparison in constant time.
 *
 * It brings error.h and log.h along, since every file needs them. file.h,
 * process.h and address.h are included by those who use them.
 */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

/* ---- limits: each with its reason -------------------------------------- */

enum {
	LIMIT_HEAD = 40960,       /* request line and headers together: the 32 KiB that nginx takes of a client, and what it adds */
	LIMIT_BODY = 16384,       /* the largest body of an honest client is under 4 KiB */
	LIMIT_CODED = 24576,      /* a body in chunks, with their sizes: of 4 KiB in pieces of one byte, too */
	LIMIT_DEPTH = 16,         /* JSON nesting */
	LIMIT_TOKENS = 128,       /* JSON values and names in one text */
	LIMIT_JWT = 2048,         /* one token, either kind */
	LIMIT_USERNAME = 254,     /* bytes: an e-mail address (RFC 5321, 4.5.3.1, less its brackets) */
	LIMIT_PASSWORD_MIN = 8,   /* bytes; NIST SP 800-63B */
	LIMIT_PASSWORD_MAX = 1024,/* bytes: bounds what Argon2 reads */
	LIMIT_DEVICE = 128,       /* bytes of a device's name */
	LIMIT_AGENT = 160,        /* bytes kept of a User-Agent: enough to know it again */
	LIMIT_IDEMPOTENCY = 128,  /* bytes of an idempotency key */
	LIMIT_SUBSCRIPTION = 2048,/* bytes of JSON, so that it fits an answer many times */
	LIMIT_GROUPS = 32,        /* of a user */
	LIMIT_EMAIL = 254,        /* bytes, as of a user name */
	LIMIT_DISPLAY = 128,      /* bytes of the name that people read */
	LIMIT_PROFILE = 512,      /* bytes of these three together: an access token has them all, and stays below LIMIT_JWT */
	LIMIT_CLIENT = 32,        /* bytes of an OAuth client's id */
	LIMIT_CODE = 32,          /* bytes of a code of the second factor, as it is typed */
	LIMIT_FACTOR = 64,        /* bytes of a user's second factor, as it is stored */
	LIMIT_CREDENTIALS = 4096, /* bytes of a user's passkeys, as they are stored */
	LIMIT_KEY_DATA = 1366,    /* letters of base64url of what a passkey shows, each of two pieces: 1 KiB */
	LIMIT_KEY_ID = 340,       /* of the id of a credential: 255 bytes */
	LIMIT_SIGNATURE = 342,    /* of its signature: 256 bytes */
	LIMIT_HANDLE = 86,        /* of a user handle: 64 bytes (WebAuthn, 4) */
	LIMIT_CHAIN = 16,         /* bytes of the name of a chain */
	LIMIT_ADDRESS = 64,       /* letters of a wallet's address */
	LIMIT_MESSAGE = 1024,     /* bytes of the text that a wallet signs */
	LIMIT_SIGNED = 96,        /* letters of its signature */
	LIMIT_LABEL = 64,         /* bytes of a credential's name */
	LIMIT_KEYS = 8,           /* master keys in use at once */
	LIMIT_CONF = 16384,       /* bytes of latchkey.conf, of latchkey.key and of latchkey.clients */
	LIMIT_NETWORK = 32,       /* bytes of the name of a chain's network */
	LIMIT_LIST = 100          /* rows of one answer */
};

/* ---- slices ------------------------------------------------------------ */

struct slice {
	const char *p;
	size_t n;
};

#define S(literal) ((struct slice){ (literal), sizeof(literal) - 1 })
#define SLICE_NONE ((struct slice){ NULL, 0 })

/* The slice of a NUL-terminated string; NULL gives SLICE_NONE. Borrows. In the header, so that a literal is measured by the compiler. */
static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, text ? __builtin_strlen(text) : 0 };
}
/* Equal bytes. Not for secrets: see same_bytes(). */
bool slice_is(struct slice a, struct slice b);
/* Equal, where upper and lower case of ASCII are the same. */
bool slice_is_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
/* The part of s from byte `from` on; empty when s is shorter. Borrows. */
struct slice slice_from(struct slice s, size_t from);
/* s without spaces and tabs at either end. Borrows. */
struct slice slice_trim(struct slice s);
/*
 * Cuts *rest at the first byte `at`: returns the part before it, and leaves
 * the part after it in *rest. Without that byte all of *rest is returned and
 * *rest becomes SLICE_NONE (p NULL), so `while (rest.p)` visits every part.
 */
struct slice slice_cut(struct slice *rest, char at);
/*
 * The same at the last byte `at`, from the other end: returns the part after it,
 * and leaves the part before it in *rest.
 */
struct slice slice_cut_last(struct slice *rest, char at);
bool is_digit(char c);
/* Whether one of the eight bytes of a word is less than `less`, which is at most 128. Its high bit is set by the difference, and wasn't. */
static inline bool word_has_less(uint64_t word, uint8_t less)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	return (word - ones * less) & ~word & ones << 7;
}
/* Whether one of them is that byte. */
static inline bool word_has(uint64_t word, uint8_t byte)
{
	return word_has_less(word ^ UINT64_C(0x0101010101010101) * byte, 1);
}
/* How many bytes at the beginning of s are ASCII letters, digits or one of `extra`. */
size_t slice_span(struct slice s, const char *extra);
/* All of s is such bytes, and no capital letter. */
bool slice_made_small(struct slice s, const char *extra);
/* s isn't empty, and all of it is such bytes. */
bool slice_made_of(struct slice s, const char *extra);
/* All of s is ASCII that can be printed, blanks among it, and no byte is one of `but`. */
bool slice_printable(struct slice s, const char *but);
/* A NUL-terminated copy in the arena, for functions of libc. */
char *slice_text(struct slice s);
/* All texts joined, NUL-terminated, in the arena. The last argument is NULL. */
const char *text_join(const char *first, ...) __attribute__((sentinel));
/* Valid UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool slice_is_utf8(struct slice s);
/* The UTF-8 sequence of one character at the front of s, which isn't empty; SLICE_NONE where there is none. Borrows. */
struct slice slice_utf8_front(struct slice s);

/* ---- arena ------------------------------------------------------------- */

/*
 * Returns n bytes, aligned for any type, zeroed, never NULL: when there is no
 * memory it is fail(ERROR_STORE_UNAVAILABLE). For the answer to a failure
 * there is a reserve. Nothing is freed before the process ends.
 * With -DARENA_MALLOC every piece is its own malloc, so that a sanitizer sees
 * its edges.
 */
void *arena(size_t n);
/* Copies s into the arena. */
struct slice arena_copy(struct slice s);
/*
 * For loops: arena_back() frees all that was taken after arena_mark() returned
 * this mark.
 */
size_t arena_mark(void);
void arena_back(size_t mark);
/* For tests: the n-th piece from now on can't be had, nor any after it (0: all can). */
void arena_fail_at(unsigned n);

/* ---- buffer ------------------------------------------------------------ */

/* Bytes that grow in the arena. {0} is an empty one. */
struct buf {
	char *p;
	size_t n, room;
};

/* n more bytes at its end, which the caller writes before it does anything else with the buffer. */
char *buf_more(struct buf *b, size_t n);
void buf_add(struct buf *b, struct slice s);
static inline void buf_s(struct buf *b, const char *text)
{
	buf_add(b, slice_of(text));
}
void buf_c(struct buf *b, char c);
void buf_int(struct buf *b, int64_t value);        /* decimal */
void buf_hex(struct buf *b, uint64_t value);       /* 16 lower-case digits: an id */
void buf_two_digits(struct buf *b, int value);     /* of a date or a time of day, 0 to 99 */
void buf_time(struct buf *b, int64_t time);        /* UTC, as 2026-11-28T21:03:05Z (RFC 3339) */
void buf_pad(struct buf *b, size_t from, size_t width); /* spaces until n - from == width */
struct slice buf_slice(const struct buf *b);

/* ---- numbers and ids --------------------------------------------------- */

/*
 * The only parser of numbers. s must be one or more decimal digits and nothing
 * else, and the value must lie in [min, max]. False otherwise, and *out is
 * untouched.
 */
bool parse_number(struct slice s, int64_t min, int64_t max, int64_t *out);
/* Sixteen lower-case hexadecimal digits: the only spelling of an id. */
bool parse_id(struct slice s, uint64_t *out);
/* size bytes from 2*size hexadecimal digits of either case. */
bool parse_hex(struct slice s, uint8_t *out, size_t size);
/* The same digits: appends size bytes in hexadecimal, lower case. */
void buf_hex_bytes(struct buf *b, const uint8_t *bytes, size_t size);
/* The decimal text of a number, NUL-terminated, in the arena: for messages. */
const char *dec(int64_t value);
/* The text of an id (buf_hex()), NUL-terminated, in the arena. */
const char *id_text(uint64_t id);

/* ---- time, randomness, secrets ----------------------------------------- */

/* Wall clock, Unix seconds. Tests set base_clock to a clock of their own. */
int64_t now(void);
extern int64_t (*base_clock)(void);
/* Seconds since boot, sleep included (CLOCK_BOOTTIME): no one can step it. */
int64_t now_boot(void);
/* Milliseconds of CLOCK_MONOTONIC: for deadlines within a request. */
int64_t now_ms(void);

/* Unix seconds as 2026-11-28T21:03:07Z (RFC 3339), in the arena. */
struct slice iso_time(int64_t time);

/* n bytes by getrandom(2). When it gives none, fail(ERROR_INTERNAL). */
void random_bytes(void *out, size_t n);
/* A random id: 63 bits, never 0, so that it is a positive SQLite rowid. */
uint64_t random_id(void);

/* Are n bytes equal? Takes a time that depends on n alone. */
bool same_bytes(const void *a, const void *b, size_t n);
/* Zeroes n bytes; the compiler can't leave it out. p may be NULL where n is 0. */
void wipe(void *p, size_t n);
/*
 * Tells the kernel that n bytes at p, zero until now, will be written soon. It
 * then finds their pages in one call; otherwise each page costs a fault of its
 * own (1.7 µs measured, a refresh has 60). A hint: madvise(2), Linux 5.14.
 */
void touch_soon(void *p, size_t n);

#endif
