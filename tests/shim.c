/*
 * shim: latchkey itself, object for object as it is shipped, with a hook at some of its seams
 * (the linker's --wrap; tests/tests.mk, SHIM). Without LK_SHIM in its environment it is the product. That holds
 * words between spaces or commas:
 *
 *   arena=N        the arena's N-th piece can't be had, nor any later one
 *   sqlite=N[+]    SQLite's N-th piece can't be had; with + nor any later one
 *   libc=N[+]      the same of malloc, calloc, realloc and mmap: Argon2id's memory is one of those
 *   clock=FILE     the time is what stands in FILE: a number of seconds, or +N or -N from the host's
 *   host=+N        the host's clock is that many seconds on (-N: back)
 *   confirmed      the kernel vouches for the clock
 *   unconfirmed    the kernel doesn't vouch for the clock
 *   up             nor does it here, but the host has been up for long
 *
 *   dozes=N        a worker sleeps for 20 s before it commits its N-th batch, with what that has locked
 *   again          each transaction runs twice, as on a store that finds only at its end that another was first:
 *                  what it did is taken back, and it begins anew
 *
 * (without one of the three about the clock the kernel of this machine is asked),
 *
 * and, for negative controls, what breaks it:
 *
 *   crash          memory that can't be had is used all the same
 *   blames         the server's own trouble is told as the client's fault
 *   unlocked       no lock is taken anywhere
 *   endless        what is told to end a session doesn't
 *   gullible       any clock is believed
 *   raises         any time that is seen becomes the mark
 *   early          what a CGI request commits is written when the program ends: it is answered before its COMMIT
 *   unsynced       nothing is ever synced
 *   ends_unsynced  what must last is committed as a plain refresh is: an end is written and not synced
 *   kept           with `again`: what the first run did isn't taken back
 *   keeps_turn     a process has its turn at the store until it ends
 *   late           a client that has gone is never noticed
 *   hasty          before a session ends for an old token nobody waits for what the network brings after it
 *   unmarked       the store's mark isn't read: each host goes by its own clock. (Where it is, the clock that is ahead is all hosts' as soon as they connect)
 *   unlimited      PostgreSQL waits for ever for a transaction that stands still
 *   undated        a rotation is dated by its host's clock, whatever its predecessor's date is
 *   key_unsynced   a directory isn't synced, so neither is the rename that retires a key
 *
 * Where a piece was refused "shim: refused" goes to stderr. Over PostgreSQL (OVER_PG) SQLite has no pieces to refuse, and `early`,
 * `unsynced` and `ends_unsynced` break nothing.
 */
#include "base/base.h"
#include "clock.h"
#include "http_request.h"
#include "rotation.h"
#include "store.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef OVER_PG
#include "store/postgres.h"
#else
#include <sqlite3.h>
#endif

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__real_mmap(void *p, size_t n, int protection, int flags, int fd, off_t from);
void *__wrap_mmap(void *p, size_t n, int protection, int flags, int fd, off_t from);
int __real_flock(int fd, int op);
int __wrap_flock(int fd, int op);
int __real_fcntl(int fd, int op, ...);
int __wrap_fcntl(int fd, int op, ...);
_Noreturn void __real_fail(enum error e, const char *site, ...) __attribute__((sentinel));
_Noreturn void __wrap_fail(enum error e, const char *site, ...) __attribute__((sentinel));
enum error __real_store_run(enum durability d, enum error (*work)(void *), void *arg);
enum error __wrap_store_run(enum durability d, enum error (*work)(void *), void *arg);
bool __real_store_session_end(uint64_t id, enum ended why, int64_t at);
bool __wrap_store_session_end(uint64_t id, enum ended why, int64_t at);
int64_t __real_store_sessions_end(uint64_t user, uint64_t except, enum ended why, int64_t at);
int64_t __wrap_store_sessions_end(uint64_t user, uint64_t except, enum ended why, int64_t at);
enum clock_trust __real_clock_judge(int64_t time, int64_t mark, int64_t seen);
enum clock_trust __wrap_clock_judge(int64_t time, int64_t mark, int64_t seen);
int64_t __real_clock_mark(int64_t time, int64_t mark, int64_t step);
int64_t __wrap_clock_mark(int64_t time, int64_t mark, int64_t step);

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static bool crash, blames, unlocked, endless, gullible, raises, early, unsynced, ends_unsynced, key_unsynced, again, kept, keeps_turn, late, hasty, undated, unmarked, unlimited;

/* ---- memory ------------------------------------------------------------ */

struct supply {
	unsigned left;              /* pieces until one is refused; 0: none is */
	bool ever_after, dry;
};
static struct supply of_libc;

static void refused(void)
{
	static const char line[] = "shim: refused\n";
	if (write(2, line, sizeof line - 1) < 0)
		_exit(112);
}

static bool refuses(struct supply *s)
{
	if (s->dry)
		return s->ever_after;
	if (s->left == 0 || --s->left)
		return false;
	s->dry = true;
	refused();
	return true;
}

/* What a program has that doesn't look at what malloc gave it. */
static void *nothing(void)
{
	if (crash)
		abort();
	return NULL;
}

void *__wrap_malloc(size_t n) { return refuses(&of_libc) ? nothing() : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return refuses(&of_libc) ? nothing() : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return refuses(&of_libc) ? nothing() : __real_realloc(p, n); }

void *__wrap_mmap(void *p, size_t n, int protection, int flags, int fd, off_t from)
{
	if (!refuses(&of_libc))
		return __real_mmap(p, n, protection, flags, fd, from);
	nothing();
	return MAP_FAILED;
}

#ifndef OVER_PG
int __real_sqlite3_config(int op, ...);
int __wrap_sqlite3_config(int op, ...);

static struct supply of_sqlite;
static sqlite3_mem_methods heap;

static void *sqlite_malloc(int n) { return refuses(&of_sqlite) ? nothing() : heap.xMalloc(n); }
static void *sqlite_realloc(void *p, int n) { return refuses(&of_sqlite) ? nothing() : heap.xRealloc(p, n); }

/* The store's allocator is given to SQLite with a counter before it. */
int __wrap_sqlite3_config(int op, ...)
{
	va_list list;
	va_start(list, op);
	sqlite3_mem_methods counted = heap = *va_arg(list, const sqlite3_mem_methods *);
	va_end(list);
	if (op != SQLITE_CONFIG_MALLOC)
		abort();
	counted.xMalloc = sqlite_malloc;
	counted.xRealloc = sqlite_realloc;
	return __real_sqlite3_config(op, &counted);
}
#endif

/* ---- the clock --------------------------------------------------------- */

static int64_t clock_offset, host_offset;
static bool clock_fixed;

static int64_t shim_clock(void)
{
	struct timespec t;
	if (clock_fixed)
		return clock_offset;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec + host_offset + clock_offset;
}

static enum clock_witness nobody(void)
{
	return CLOCK_NOBODY;
}

static enum clock_witness uptime(void)
{
	return CLOCK_UPTIME;
}

static enum clock_witness kernel(void)
{
	return CLOCK_KERNEL;
}

/* A storm's clock is replaced by rename(2), so a number is whole. */
static void read_clock(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 1)
		_exit(112);
	close(fd);
	clock_fixed = text[0] != '+' && text[0] != '-';
	clock_offset = strtoll(text, NULL, 10);
	base_clock = shim_clock;
}

enum clock_trust __wrap_clock_judge(int64_t time, int64_t mark, int64_t seen)
{
	return gullible ? CLOCK_GOOD : __real_clock_judge(time, mark, seen);
}

int64_t __wrap_clock_mark(int64_t time, int64_t mark, int64_t step)
{
	return raises ? clock_later(time, mark) : __real_clock_mark(time, mark, step);
}

/* ---- what controls break ----------------------------------------------- */

int __wrap_flock(int fd, int op)
{
	return unlocked ? 0 : __real_flock(fd, op);
}

int __wrap_fcntl(int fd, int op, ...)
{
	va_list list;
	va_start(list, op);
	void *argument = va_arg(list, void *);
	va_end(list);
	if (unlocked && (op == F_SETLK || op == F_SETLKW))
		return 0;
	return __real_fcntl(fd, op, argument);
}

_Noreturn void __wrap_fail(enum error e, const char *site, ...)
{
	char said[2000];
	size_t n = 0;
	va_list parts;
	va_start(parts, site);
	for (const char *part; n < sizeof said && (part = va_arg(parts, const char *));)
		n += (size_t)snprintf(said + n, sizeof said - n, "%s", part);
	va_end(parts);
	__real_fail(blames ? ERROR_REFRESH_INVALID : e, site, n ? said : NULL, NULL);
}

static struct { enum error (*work)(void *); void *arg; } first_try;

/* Does all of it, and has it taken back. */
static enum error try_in_vain(void *unused)
{
	(void)unused;
	first_try.work(first_try.arg);
	return kept ? ERROR_NONE : ERROR_BUSY;
}

enum error __wrap_store_run(enum durability d, enum error (*work)(void *), void *arg)
{
	if (again) {
		first_try.work = work;
		first_try.arg = arg;
		__real_store_run(d, try_in_vain, NULL);
	}
	return __real_store_run(d, work, arg);
}

bool __wrap_store_session_end(uint64_t id, enum ended why, int64_t at)
{
	return endless || __real_store_session_end(id, why, at);
}

int64_t __wrap_store_sessions_end(uint64_t user, uint64_t except, enum ended why, int64_t at)
{
	return endless ? 0 : __real_store_sessions_end(user, except, why, at);
}

/* ---- what must be on disk ---------------------------------------------- */

int __wrap_fsync(int fd)
{
	struct stat st;
	bool skipped = unsynced || (key_unsynced && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode));
	return skipped ? 0 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
	return unsynced ? 0 : __real_fdatasync(fd);
}

#ifndef OVER_PG
int __real_sqlite_file_flush(void);
int __wrap_sqlite_file_flush(void);
int __real_sqlite_file_sync(void);
int __wrap_sqlite_file_sync(void);

static void write_late(void)
{
	early = false;
	__real_sqlite_file_flush();
	__real_sqlite_file_sync();
}

/* Nothing is written until the program ends. */
static int postpone(void)
{
	static bool asked;
	if (!asked && atexit(write_late) != 0)
		_exit(112);
	asked = true;
	return SQLITE_OK;
}

int __wrap_sqlite_file_flush(void)
{
	return early ? postpone() : __real_sqlite_file_flush();
}

int __wrap_sqlite_file_sync(void)
{
	if (early)
		return postpone();
	return ends_unsynced ? __real_sqlite_file_flush() : __real_sqlite_file_sync();
}
#endif

void __real_store_before_answer(void);
void __wrap_store_before_answer(void);

void __wrap_store_before_answer(void)
{
	if (!keeps_turn)
		__real_store_before_answer();
}

bool __real_http_is_gone(const struct request *rq);
bool __wrap_http_is_gone(const struct request *rq);

bool __wrap_http_is_gone(const struct request *rq)
{
	return !late && __real_http_is_gone(rq);
}

enum error __real_http_look_again(const struct request *rq, void (*let_go)(void));
enum error __wrap_http_look_again(const struct request *rq, void (*let_go)(void));

enum error __wrap_http_look_again(const struct request *rq, void (*let_go)(void))
{
	return late || hasty ? ERROR_NONE : __real_http_look_again(rq, let_go);
}

bool __real_rotation_advance(struct rotation *r, const struct key *key);
bool __wrap_rotation_advance(struct rotation *r, const struct key *key);

bool __wrap_rotation_advance(struct rotation *r, const struct key *key)
{
	bool kept_back = __real_rotation_advance(r, key);
	if (undated)
		r->row.rotated_at = r->time;
	return kept_back && !undated;
}

int64_t __real_store_mark(int64_t *seen);
int64_t __wrap_store_mark(int64_t *seen);

int64_t __wrap_store_mark(int64_t *seen)
{
	int64_t mark = __real_store_mark(seen);
	if (unmarked)
		*seen = 0;
	return unmarked ? 0 : mark;
}

#ifdef OVER_PG
static unsigned dozes;

void __real_store_commit_batch(void);
void __wrap_store_commit_batch(void);

void __wrap_store_commit_batch(void)
{
	if (state_in_batch() && dozes && --dozes == 0)
		poll(NULL, 0, 20000);
	__real_store_commit_batch();
}

int64_t __real_pg_ask(enum statement id, const struct args *a);
int64_t __wrap_pg_ask(enum statement id, const struct args *a);

int64_t __wrap_pg_ask(enum statement id, const struct args *a)
{
	struct args endless_wait = { 0 };
	return __real_pg_ask(id, unlimited && id == SQL_EXAMINE ? arg_text(&endless_wait, S("0")) : a);
}
#endif

/* ---- the start --------------------------------------------------------- */

static void supply(struct supply *s, const char *count)
{
	s->left = (unsigned)atoi(count);
	s->ever_after = strchr(count, '+') != NULL;
}

static void obey(const char *word)
{
	static const struct { const char *word; bool *on; } switches[] = {
		{ "again", &again }, { "kept", &kept }, { "keeps_turn", &keeps_turn }, { "crash", &crash }, { "blames", &blames }, { "unlocked", &unlocked }, { "endless", &endless }, { "gullible", &gullible }, { "raises", &raises },
		{ "late", &late }, { "hasty", &hasty }, { "undated", &undated }, { "unlimited", &unlimited }, { "unmarked", &unmarked }, { "early", &early }, { "unsynced", &unsynced }, { "ends_unsynced", &ends_unsynced }, { "key_unsynced", &key_unsynced },
	};
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
		if (strcmp(word, switches[i].word) == 0)
			*switches[i].on = true;
	if (strncmp(word, "arena=", 6) == 0)
		arena_fail_at((unsigned)atoi(word + 6));
#ifndef OVER_PG
	if (strncmp(word, "sqlite=", 7) == 0)
		supply(&of_sqlite, word + 7);
#endif
	if (strncmp(word, "libc=", 5) == 0)
		supply(&of_libc, word + 5);
#ifdef OVER_PG
	if (strncmp(word, "dozes=", 6) == 0)
		dozes = (unsigned)atoi(word + 6);
#endif
	if (strncmp(word, "clock=", 6) == 0)
		read_clock(word + 6);
	if (strncmp(word, "host=", 5) == 0) {
		host_offset = strtoll(word + 5, NULL, 10);
		base_clock = shim_clock;
	}
	static const struct { const char *word; enum clock_witness (*who)(void); } witnesses[] = {
		{ "confirmed", kernel }, { "up", uptime }, { "unconfirmed", nobody },
	};
	for (size_t i = 0; i < sizeof witnesses / sizeof *witnesses; i++)
		if (strcmp(word, witnesses[i].word) == 0)
			clock_witness = witnesses[i].who;
}

int __wrap_main(int argc, char **argv)
{
	char words[512] = "", *rest = words;
	const char *given = getenv("LK_SHIM");
	if (given)
		snprintf(words, sizeof words, "%s", given);
	for (char *word; (word = strtok_r(rest, " ,", &rest));)
		obey(word);
	early = early && getenv("GATEWAY_INTERFACE");
	return __real_main(argc, argv);
}
