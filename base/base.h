/*
 * base: what every room stands on, and the only room that all may enter.
 *
 * Slices (pointer and length, never NUL-terminated), the arena, the growing
 * buffer, strict numbers, the clock, random bytes, comparison in constant
 * time, the vocabulary of errors, the log and fail().
 *
 * Two kinds of error, everywhere: what the client did wrong is a value of
 * enum error that is returned; what went wrong here (I/O, SQLite, memory) is
 * fail(), which doesn't return.
 */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- limits: every one has its name here and its reason ---------------- */

enum {
	LIMIT_LINE = 4096,        /* request line or one header: a JWT of 2 KiB and room */
	LIMIT_HEAD = 16384,       /* request line and headers together */
	LIMIT_BODY = 16384,       /* the largest honest body, a subscription-free login, is under 4 KiB */
	LIMIT_HEADERS = 64,       /* header lines: browsers send about 20 */
	LIMIT_DEPTH = 16,         /* JSON nesting */
	LIMIT_TOKENS = 128,       /* JSON values and names in one text */
	LIMIT_JWT = 2048,         /* one token, either kind */
	LIMIT_USERNAME = 64,      /* bytes */
	LIMIT_PASSWORD_MIN = 8,   /* bytes; NIST SP 800-63B */
	LIMIT_PASSWORD_MAX = 1024,/* bytes: bounds what Argon2 reads */
	LIMIT_DEVICE = 128,       /* bytes of a device's name */
	LIMIT_AGENT = 160,        /* bytes kept of a User-Agent: enough to know it again */
	LIMIT_IDEMPOTENCY = 128,  /* bytes of an idempotency key */
	LIMIT_SUBSCRIPTION = 2048,/* bytes of JSON, so that it fits an answer many times */
	LIMIT_KEYS = 8,           /* master keys in use at once */
	LIMIT_CONF = 16384,       /* bytes of latchkey.conf and of latchkey.key */
	LIMIT_LIST = 100,         /* rows of one answer */
	LIMIT_COOKIES = 4         /* cookies of our name that are tried: a subdomain may toss in its own */
};

/* ---- slices ------------------------------------------------------------ */

struct slice {
	const char *p;
	size_t n;
};

#define S(literal) ((struct slice){ (literal), sizeof(literal) - 1 })
#define SLICE_NONE ((struct slice){ NULL, 0 })

/* The slice of a NUL-terminated string; NULL gives SLICE_NONE. Borrows. */
struct slice slice_of(const char *text);
/* Equal bytes. Not for secrets: see same_bytes(). */
bool slice_is(struct slice a, struct slice b);
/* Equal but for ASCII case. */
bool slice_is_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
/* The part of s from byte `from` on; empty when s is shorter. Borrows. */
struct slice slice_from(struct slice s, size_t from);
/* s without spaces and tabs at either end. Borrows. */
struct slice slice_trim(struct slice s);
/*
 * Cuts *rest at the first byte `at`: returns what stood before it and leaves
 * in *rest what stands behind. Without that byte all of *rest is returned and
 * *rest becomes SLICE_NONE (p NULL), so `while (rest.p)` visits every part.
 */
struct slice slice_cut(struct slice *rest, char at);
/* A NUL-terminated copy in the arena, for libc's sake. */
char *slice_text(struct slice s);
/* Valid UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool slice_is_utf8(struct slice s);

/* ---- arena ------------------------------------------------------------- */

/*
 * n bytes, aligned for any type, zeroed, never NULL: out of memory is
 * fail(ERROR_STORE_UNAVAILABLE), for whose answer there is a reserve. Nothing
 * is freed; the process is the scope.
 * With -DARENA_MALLOC every piece is its own malloc, so that a sanitizer sees
 * each edge.
 */
void *arena(size_t n);
/* Copies s into the arena. */
struct slice arena_copy(struct slice s);
/*
 * A mark, and back to it: for loops over many rows in the operator's verbs.
 * What was taken after the mark is gone (and filled with 'Z' in test builds).
 */
size_t arena_mark(void);
void arena_back(size_t mark);
/* Test hook: the n-th piece from now on can't be had, nor any after it (0: all can). */
void arena_fail_at(unsigned n);

/* ---- buffer ------------------------------------------------------------ */

/* Bytes that grow in the arena. {0} is an empty one. */
struct buf {
	char *p;
	size_t n, room;
};

void buf_add(struct buf *b, struct slice s);
void buf_s(struct buf *b, const char *text);
void buf_c(struct buf *b, char c);
void buf_int(struct buf *b, int64_t value);        /* decimal */
void buf_hex(struct buf *b, uint64_t value);       /* 16 lower-case digits: an id */
void buf_pad(struct buf *b, size_t from, size_t width); /* spaces until n - from == width */
struct slice buf_slice(const struct buf *b);

/* ---- numbers and ids --------------------------------------------------- */

/*
 * The one parser of numbers: s is one or more decimal digits and nothing
 * else, and the value lies in [min, max]. False otherwise, *out untouched.
 */
bool parse_number(struct slice s, int64_t min, int64_t max, int64_t *out);
/* Sixteen lower-case hexadecimal digits: the only spelling of an id. */
bool parse_id(struct slice s, uint64_t *out);
/* size bytes from 2*size hexadecimal digits of either case. */
bool parse_hex(struct slice s, uint8_t *out, size_t size);
/* The decimal text of a number, NUL-terminated, in the arena: for messages. */
const char *dec(int64_t value);

/* ---- time, randomness, secrets ----------------------------------------- */

/* Wall clock, Unix seconds. Tests set base_clock to a clock of their own. */
int64_t now(void);
extern int64_t (*base_clock)(void);
/* Seconds since boot, sleep included (CLOCK_BOOTTIME): no one can step it. */
int64_t now_boot(void);
/* Milliseconds of CLOCK_MONOTONIC: for deadlines within a request. */
int64_t now_ms(void);

/* n bytes by getrandom(2); fails (ERROR_INTERNAL) rather than give worse. */
void random_bytes(void *out, size_t n);
/* A random id: 63 bits, never 0, so that it is a positive SQLite rowid. */
uint64_t random_id(void);

/* Equality of n bytes in a time that depends on n alone. */
bool same_bytes(const void *a, const void *b, size_t n);
/* Zeroes what the compiler may not optimise away. */
void wipe(void *p, size_t n);
/*
 * Says that n bytes at p, zero until now, are about to be written: the kernel
 * finds their pages in one call, where each would be a fault of its own
 * (1.7 µs measured, a refresh has 60). A hint: madvise(2), Linux 5.14.
 */
void touch_soon(void *p, size_t n);

/* ---- files ------------------------------------------------------------- */

/* dir + "/" + name, in the arena. */
char *path_in(const char *dir, const char *name);
/*
 * The whole of a file of at most max bytes, in the arena. Returns 0, or an
 * errno value (EFBIG when it is longer); *out untouched then. Follows no
 * symbolic link at the last step.
 */
int file_read(const char *path, size_t max, struct slice *out);
/* The same of a file that is open, from where it stands. */
int file_read_open(int fd, size_t max, struct slice *out);
/* The names in a directory, on disk: a file that was made or renamed there
 * lasts from then on. False on error. */
bool directory_sync(const char *dir);
/* write(2) until all is out, over EINTR and short writes. False on error. */
bool write_all(int fd, struct slice s);
/*
 * flock(2), exclusive, that waits no longer than `seconds` (at least 1): a
 * process that was stopped while it held the lock mustn't stop us as well.
 * False without the lock, errno says why (ETIMEDOUT: the time is over).
 * Uses SIGALRM; ends an alarm(2) that is under way.
 */
bool lock_within(int fd, int64_t seconds);

/* ---- the vocabulary of errors: the table of docs/api.md ------------------- */

enum error {
	ERROR_NONE,
	ERROR_BAD_REQUEST,          /* HTTP itself is malformed: 400 invalid_request */
	ERROR_INVALID_JSON,
	ERROR_INVALID_REQUEST,
	ERROR_INVALID_CREDENTIALS,
	ERROR_TOKEN_MISSING,
	ERROR_TOKEN_INVALID,
	ERROR_TOKEN_EXPIRED,
	ERROR_REFRESH_INVALID,
	ERROR_REFRESH_EXPIRED,
	ERROR_REFRESH_REUSED,
	ERROR_SESSION_REVOKED,
	ERROR_CROSS_SITE,
	ERROR_SIGNUP_DISABLED,
	ERROR_NOT_FOUND,
	ERROR_METHOD_NOT_ALLOWED,
	ERROR_REQUEST_TIMEOUT,
	ERROR_USERNAME_TAKEN,
	ERROR_BODY_TOO_LARGE,
	ERROR_URI_TOO_LONG,
	ERROR_UNSUPPORTED_MEDIA_TYPE,
	ERROR_WEAK_PASSWORD,
	ERROR_RATE_LIMITED,
	ERROR_HEADERS_TOO_LARGE,
	ERROR_INTERNAL,
	ERROR_NOT_IMPLEMENTED,      /* a Transfer-Encoding that isn't spoken here */
	ERROR_BUSY,
	ERROR_STORE_FULL,
	ERROR_STORE_UNAVAILABLE,
	ERROR_UNSETTLED,            /* of the store, or memory, behind a COMMIT */
	ERROR_CLOCK_UNSET,
	ERROR_VERSION,              /* HTTP of another major version: 505 */
	ERROR__MAX
};

struct error_info {
	int status;
	const char *code;      /* the contract's, stable */
	const char *message;   /* one sentence for people; says nothing of the inside */
	int retry_after;       /* seconds; 0: no Retry-After */
};

extern const struct error_info errors[ERROR__MAX];

/* The reason phrase of a status that latchkey sends (RFC 9110, 15). */
const char *status_reason(int status);

/* ---- log and fail ------------------------------------------------------ */

/*
 * One line on stderr: "latchkey: SITE: parts…", cut at 1 KiB, bytes that
 * could forge a line or drive a terminal shown as '?'. site is a short code,
 * unique in the source, so that a line of the log leads to a line of C. The
 * parts are const char *, the last one NULL. No token, password or key is
 * ever one of them.
 */
void log_line(const char *site, ...) __attribute__((sentinel));

/*
 * Sends the log to the system's logger instead of stderr; to nowhere when
 * there is none and `or_nowhere`. Under inetd fd 2 is the client's socket.
 */
void log_to_syslog(bool or_nowhere);
/* The same, and to nowhere without one, if the first line that is logged finds that stderr is the client's. */
void log_not_to_client(void);

/*
 * Our own fault: logs as log_line() does, then hands the error to what
 * on_fail() set (main: send the error instead of the half-built reply), and
 * ends the process. A failure inside a failure ends it at once. Without a
 * handler the exit code is 111.
 */
_Noreturn void fail(enum error e, const char *site, ...) __attribute__((sentinel));
/* A handler that doesn't come back (longjmp) calls it anew before. */
void on_fail(void (*handler)(enum error e));

/* ---- the process ------------------------------------------------------- */

/*
 * What must hold before anything else: fds 0 to 2 are open (or a database
 * could become stderr), a peer that hung up is an error and not a signal, and
 * files are made for their owner alone.
 */
void process_start(void);
/* The least of it, for one request: what process_enter() finds out isn't asked twice, and the files that
 * are made then have their modes said. */
void process_start_request(void);
/* process_become_owner(), and fds 0 to 2 are open. */
void process_enter(const char *dir);
/* What process_enter() opened of the data directory, to name it to Landlock; -1: nothing. */
int process_directory(void);
/*
 * Run as root, becomes the owner of dir for good; else -wal files of root
 * would lock the web server out of its own database. Nothing when dir is
 * root's or isn't there. Failing is fail(ERROR_STORE_UNAVAILABLE).
 */
void process_become_owner(const char *dir);

/* ---- keys: what config reads and jwt uses ------------------------------ */

enum { KEY_SIZE = 32, KID_LENGTH = 8 };

/* One master key. What signs and what verifies is derived from it (jwt.h). */
struct key {
	char kid[KID_LENGTH + 1];      /* lower-case hexadecimal, NUL behind */
	int64_t created_at;
	uint8_t master[KEY_SIZE];
};

/* Newest first: key[0] signs, all verify. */
struct keyring {
	struct key key[LIMIT_KEYS];
	size_t count;
};

#endif
