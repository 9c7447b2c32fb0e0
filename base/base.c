/*
 * base: see base.h for what each function promises.
 *
 * Rules of this room: libc alone, no stdio (a formatter would be a tenth of
 * the executable), no state but the arena, the clock's source and the failure
 * handler. Nothing here may know of requests, sessions or files by name.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* ---- slices ------------------------------------------------------------ */

struct slice slice_of(const char *text)
{
	return (struct slice){ text, text ? strlen(text) : 0 };
}

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
	struct slice head = *rest;
	for (size_t i = 0; i < head.n; i++)
		if (head.p[i] == at) {
			*rest = (struct slice){ head.p + i + 1, head.n - i - 1 };
			return (struct slice){ head.p, i };
		}
	*rest = SLICE_NONE;
	return head;
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

bool slice_is_utf8(struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	for (size_t i = 0; i < s.n;) {
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

static void arena_open_reserve(void)
{
}

/* Kept in a list, so that a leak checker finds them. */
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
 * One block of zero pages, which cost nothing until they are touched. The
 * largest request (16 KiB head, 16 KiB body, its marks, an answer of 100 rows)
 * stays under a third of it. The reserve is for fail(): even what has used up
 * all the rest is answered.
 */
enum { BLOCK = 512 * 1024, RESERVE = 64 * 1024 };
static _Alignas(max_align_t) char block[BLOCK];
static size_t block_used, block_end = BLOCK - RESERVE;

static void arena_open_reserve(void)
{
	block_end = block_used + RESERVE;
}

void *arena(size_t n)
{
	size_t want = (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (arena_told_to_fail())
		block_end = block_used;
	if (want < n || want > block_end - block_used)
		fail(ERROR_STORE_UNAVAILABLE, "BA2", "arena exhausted", NULL);
	void *piece = block + block_used;
	block_used += want;
	return piece;
}

/* The last piece can grow where it is. n and more are multiples of the alignment. */
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
}

#endif

struct slice arena_copy(struct slice s)
{
	return (struct slice){ slice_text(s), s.n };
}

/* ---- buffer ------------------------------------------------------------ */

enum { BUF_FIRST = 256 };

static void buf_move(struct buf *b, size_t n)
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

static char *buf_grow(struct buf *b, size_t n)
{
	if (n > b->room - b->n)
		buf_move(b, n);
	char *at = b->p + b->n;
	b->n += n;
	return at;
}

void buf_add(struct buf *b, struct slice s)
{
	if (s.n)
		memcpy(buf_grow(b, s.n), s.p, s.n);
}

void buf_s(struct buf *b, const char *text)
{
	buf_add(b, slice_of(text));
}

void buf_c(struct buf *b, char c)
{
	*buf_grow(b, 1) = c;
}

/* Decimal digits of value, written to the end of text; returns where they begin. */
enum { DEC_ROOM = 21 };
static char *dec_into(char text[DEC_ROOM], int64_t value)
{
	char *at = text + DEC_ROOM - 1;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	*at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--at = '-';
	return at;
}

void buf_int(struct buf *b, int64_t value)
{
	char text[DEC_ROOM];
	buf_s(b, dec_into(text, value));
}

void buf_hex(struct buf *b, uint64_t value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		buf_c(b, "0123456789abcdef"[value >> shift & 15]);
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

bool parse_hex(struct slice s, uint8_t *out, size_t size)
{
	if (s.n != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(lower(s.p[2 * i]));
		int low = hex_digit(lower(s.p[2 * i + 1]));
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

const char *dec(int64_t value)
{
	char text[DEC_ROOM];
	return slice_text(slice_of(dec_into(text, value)));
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

bool same_bytes(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;
	for (size_t i = 0; i < n; i++)
		differ |= (uint8_t)(x[i] ^ y[i]);
	return differ == 0;
}

void wipe(void *p, size_t n)
{
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

/* ---- files ------------------------------------------------------------- */

char *path_in(const char *dir, const char *name)
{
	struct buf path = { 0 };
	buf_s(&path, dir);
	buf_c(&path, '/');
	buf_s(&path, name);
	buf_c(&path, '\0');
	return path.p;
}

/* Reads fd to its end into text, which has room for max + 1 bytes. */
static int read_up_to(int fd, char *text, size_t max, size_t *length)
{
	size_t n = 0;
	while (n <= max) {
		ssize_t got = read(fd, text + n, max + 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*length = n;
	return n > max ? EFBIG : 0;
}

int file_read_open(int fd, size_t max, struct slice *out)
{
	char *text = arena(max + 2);
	size_t n = 0;
	int error = read_up_to(fd, text, max, &n);
	if (error == 0)
		*out = (struct slice){ text, n };
	return error;
}

int file_read(const char *path, size_t max, struct slice *out)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW);
	if (fd < 0)
		return errno;
	int error = file_read_open(fd, max, out);
	close(fd);
	return error;
}

bool directory_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool good = fsync(fd) == 0;
	close(fd);
	return good;
}

bool write_all(int fd, struct slice s)
{
	while (s.n) {
		ssize_t put = write(fd, s.p, s.n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		s = slice_from(s, (size_t)put);
	}
	return true;
}

static void alarmed(int signal)
{
	(void)signal;
}

/* The signal only interrupts the wait. */
bool lock_within(int fd, int64_t seconds)
{
	struct sigaction action = { .sa_handler = alarmed }, before;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	sigaction(SIGALRM, &action, &before);
	alarm((unsigned)seconds);
	bool locked = flock(fd, LOCK_EX) == 0;
	if (!locked && errno == EINTR)
		errno = ETIMEDOUT;
	alarm(0);
	sigaction(SIGALRM, &before, NULL);
	return locked;
}

/* ---- errors ------------------------------------------------------------ */

/* docs/api.md 3; tests/docs.t compares. Messages name no inside. */
const struct error_info errors[ERROR__MAX] = {
	[ERROR_NONE] = { 200, "ok", "", 0 },
	[ERROR_BAD_REQUEST] = { 400, "invalid_request", "The request is not valid HTTP.", 0 },
	[ERROR_INVALID_JSON] = { 400, "invalid_json", "The body is not valid JSON.", 0 },
	[ERROR_INVALID_REQUEST] = { 400, "invalid_request", "Something in the request is missing or not allowed.", 0 },
	[ERROR_INVALID_CREDENTIALS] = { 401, "invalid_credentials", "User name or password is wrong.", 0 },
	[ERROR_TOKEN_MISSING] = { 401, "token_missing", "An access token is needed.", 0 },
	[ERROR_TOKEN_INVALID] = { 401, "token_invalid", "The access token is not valid.", 0 },
	[ERROR_TOKEN_EXPIRED] = { 401, "token_expired", "The access token has expired.", 0 },
	[ERROR_REFRESH_INVALID] = { 401, "refresh_invalid", "The refresh token is not valid.", 0 },
	[ERROR_REFRESH_EXPIRED] = { 401, "refresh_expired", "The session has expired.", 0 },
	[ERROR_REFRESH_REUSED] = { 401, "refresh_reused", "The refresh token was used before; the session has been ended.", 0 },
	[ERROR_SESSION_REVOKED] = { 401, "session_revoked", "The session has been ended.", 0 },
	[ERROR_CROSS_SITE] = { 403, "cross_site", "This request may not come from another site.", 0 },
	[ERROR_SIGNUP_DISABLED] = { 403, "signup_disabled", "New accounts can't be made here.", 0 },
	[ERROR_NOT_FOUND] = { 404, "not_found", "There is nothing here.", 0 },
	[ERROR_METHOD_NOT_ALLOWED] = { 405, "method_not_allowed", "This method is not allowed here.", 0 },
	[ERROR_REQUEST_TIMEOUT] = { 408, "request_timeout", "The request did not arrive in time.", 0 },
	[ERROR_USERNAME_TAKEN] = { 409, "username_taken", "This user name is taken.", 0 },
	[ERROR_BODY_TOO_LARGE] = { 413, "body_too_large", "The body is larger than 16 KiB.", 0 },
	[ERROR_URI_TOO_LONG] = { 414, "uri_too_long", "The request line is too long.", 0 },
	[ERROR_UNSUPPORTED_MEDIA_TYPE] = { 415, "unsupported_media_type", "The body must be application/json.", 0 },
	[ERROR_WEAK_PASSWORD] = { 422, "weak_password", "The password must have 8 to 1024 bytes and not be a common one.", 0 },
	[ERROR_RATE_LIMITED] = { 429, "rate_limited", "Too many tries; wait a moment.", 1 },
	[ERROR_HEADERS_TOO_LARGE] = { 431, "headers_too_large", "The request's headers are too large.", 0 },
	[ERROR_INTERNAL] = { 500, "internal", "Something went wrong here.", 0 },
	[ERROR_NOT_IMPLEMENTED] = { 501, "not_implemented", "This transfer coding is not supported.", 0 },
	[ERROR_BUSY] = { 503, "busy", "Too much is going on; try again.", 1 },
	[ERROR_STORE_FULL] = { 503, "store_full", "There is no room to write; nothing was changed.", 60 },
	[ERROR_STORE_UNAVAILABLE] = { 503, "store_unavailable", "The store can't be used right now; nothing was changed.", 10 },
	[ERROR_UNSETTLED] = { 503, "store_unavailable", "Something failed here at the very end; what was asked for may have been done.", 10 },
	[ERROR_CLOCK_UNSET] = { 503, "clock_unset", "The clock here isn't set yet; nothing was changed.", 30 },
	[ERROR_VERSION] = { 505, "http_version", "Only HTTP/1.0 and HTTP/1.1 are spoken here.", 0 },
};

static const struct { int status; const char *reason; } reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

const char *status_reason(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* ---- log and fail ------------------------------------------------------ */

/*
 * The line is built on the stack: a log line must be possible when the arena
 * isn't.
 */
enum { LOG_LINE = 1024 };
struct log { char text[LOG_LINE]; size_t n; };

/* RFC 5424, 6.2.1: facility authpriv, severity notice; nothing on stderr. */
static const char *priority = "";
static bool silent;             /* there is nobody to tell */
static bool unsure;             /* stderr may be the client's */

void log_to_syslog(bool or_nowhere)
{
	static const struct sockaddr_un logger = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool there = fd >= 0 && connect(fd, (const struct sockaddr *)&logger, sizeof logger) == 0;
	if (there)
		priority = "<85>";
	silent = !there && or_nowhere;
	if (there)
		dup2(fd, STDERR_FILENO);
	close(fd);
}

void log_not_to_client(void)
{
	unsure = true;
}

/* inetd gives us his socket as stderr too, mini_httpd and thttpd the pipe that the answer goes into. */
static bool is_client(void)
{
	struct stat answers_to, errors_to;
	bool stream = fstat(STDERR_FILENO, &errors_to) == 0 && (S_ISSOCK(errors_to.st_mode) || S_ISFIFO(errors_to.st_mode));
	return stream && fstat(STDOUT_FILENO, &answers_to) == 0 && answers_to.st_dev == errors_to.st_dev
		&& answers_to.st_ino == errors_to.st_ino;
}

static void log_part(struct log *log, const char *part)
{
	for (; *part && log->n < LOG_LINE - 1; part++)
		log->text[log->n++] = *part >= ' ' && *part <= '~' ? *part : '?';
}

static void log_parts(const char *site, va_list parts)
{
	struct log log = { .n = 0 };
	if (unsure && is_client())
		log_to_syslog(true);
	unsure = false;
	if (silent)
		return;
	log_part(&log, priority);
	log_part(&log, "latchkey: ");
	log_part(&log, site);
	log_part(&log, ": ");
	for (const char *part; (part = va_arg(parts, const char *));)
		log_part(&log, part);
	log.text[log.n++] = '\n';
	write_all(STDERR_FILENO, (struct slice){ log.text, log.n });
}

void log_line(const char *site, ...)
{
	va_list parts;
	va_start(parts, site);
	log_parts(site, parts);
	va_end(parts);
}

static void (*failure)(enum error e);
static bool failing;

/* A handler that goes on elsewhere sets itself anew. */
void on_fail(void (*handler)(enum error e))
{
	failure = handler;
	failing = false;
}

_Noreturn void fail(enum error e, const char *site, ...)
{
	va_list parts;
	va_start(parts, site);
	log_parts(site, parts);
	va_end(parts);
	if (!failing && failure) {
		failing = true;
		arena_open_reserve();
		failure(e);
	}
	exit(111);
}

/* ---- the process ------------------------------------------------------- */

#ifdef __linux__
#define O_DIRECTORY_PATH O_PATH         /* enough for Landlock, and for fstat(2) */

/* The kernel has said it already. */
static bool is_root(void)
{
	return getauxval(AT_EUID) == 0;
}
#else
#define O_DIRECTORY_PATH O_RDONLY

static bool is_root(void)
{
	return geteuid() == 0;
}
#endif

static void fill_standard_files(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

void process_start(void)
{
	fill_standard_files();
	process_start_request();
	umask(077);
}

void process_start_request(void)
{
	signal(SIGPIPE, SIG_IGN);
}

static void become_owner(const char *dir, const struct stat *owner)
{
	if (owner->st_uid == 0)
		return;
	if (setgroups(0, NULL) != 0 || setgid(owner->st_gid) != 0 || setuid(owner->st_uid) != 0)
		fail(ERROR_STORE_UNAVAILABLE, "BA4", "cannot become the owner of ", dir, ": ", strerror(errno), NULL);
}

static int directory = -1;

/* The first file that is opened shows by its number whether 0 to 2 were. */
void process_enter(const char *dir)
{
	struct stat owner;
	directory = open(dir, O_DIRECTORY_PATH);
	if (directory >= 0 && directory <= STDERR_FILENO) {
		close(directory);
		fill_standard_files();
		directory = open(dir, O_DIRECTORY_PATH);
	}
	if (is_root() && fstat(directory, &owner) == 0)
		become_owner(dir, &owner);
}

int process_directory(void)
{
	return directory;
}

void process_become_owner(const char *dir)
{
	struct stat owner;
	if (is_root() && stat(dir, &owner) == 0)
		become_owner(dir, &owner);
}
