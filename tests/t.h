/*
 * t.h: a small TAP producer for unit tests. Each test is one program: main() calls ok(), is_*()
 * and ends with `return done_testing();`.
 */
#ifndef LK_T_H
#define LK_T_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

#define T_UNUSED __attribute__((unused))

/* A child that ends by _exit() leaves its counters behind, too. */
#ifdef LK_COVERAGE
void __gcov_dump(void);
T_UNUSED static _Noreturn void t_exit(int code)
{
	__gcov_dump();
	_exit(code);
}
#define _exit t_exit
#endif

static int t_count, t_failed;

/* Prints lines under the last result. */
T_UNUSED __attribute__((format(printf, 1, 2))) static void diag(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

__attribute__((format(printf, 4, 0))) static bool t_vok(bool pass, const char *file, int line, const char *fmt, va_list ap)
{
	printf("%sok %d - ", pass ? "" : "not ", ++t_count);
	vprintf(fmt, ap);
	printf("\n");
	if (!pass) {
		t_failed++;
		diag("at %s:%d", file, line);
	}
	fflush(stdout);
	return pass;
}

/* Is this that variant of the build? "cross" is any other processor's, under qemu-user, which keeps RLIMIT_AS and RLIMIT_DATA
 * from the program. */
T_UNUSED static bool is_variant(const char *variant)
{
	const char *b = getenv("LK_B");
	return b && strncmp(b, variant, strlen(variant)) == 0;
}

/* The test ends here, skipped, in that variant (tests/lib.sh has it for scripts). Called first. */
T_UNUSED static void not_in(const char *variant, const char *why)
{
	if (!is_variant(variant))
		return;
	printf("1..0 # SKIP %s: %s\n", variant, why);
	exit(0);
}

/* All take a printf-like name last and return whether they passed; arguments are evaluated once. */
#define ok(cond, ...) t_ok(__FILE__, __LINE__, (cond), __VA_ARGS__)
#define is_int(got, want, ...) t_is_int(__FILE__, __LINE__, (intmax_t)(got), (intmax_t)(want), __VA_ARGS__)
#define is_str(got, want, ...) t_is_str(__FILE__, __LINE__, (got), (want), __VA_ARGS__)
#define is_mem(got, gotlen, want, wantlen, ...) \
	t_is_mem(__FILE__, __LINE__, (got), (gotlen), (want), (wantlen), __VA_ARGS__)

#define T_NAMED(pass)                          \
	va_list ap;                                \
	va_start(ap, fmt);                         \
	bool good = t_vok(pass, file, line, fmt, ap); \
	va_end(ap)

T_UNUSED __attribute__((format(printf, 4, 5))) static bool t_ok(const char *file, int line, bool pass, const char *fmt, ...)
{
	T_NAMED(pass);
	return good;
}

T_UNUSED __attribute__((format(printf, 5, 6))) static bool
t_is_int(const char *file, int line, intmax_t got, intmax_t want, const char *fmt, ...)
{
	T_NAMED(got == want);
	if (!good)
		diag("got %" PRIdMAX ", want %" PRIdMAX, got, want);
	return good;
}

T_UNUSED __attribute__((format(printf, 5, 6))) static bool
t_is_str(const char *file, int line, const char *got, const char *want, const char *fmt, ...)
{
	T_NAMED(got && want ? strcmp(got, want) == 0 : got == want);
	if (!good)
		diag("got  %s\n# want %s", got ? got : "(null)", want ? want : "(null)");
	return good;
}

T_UNUSED static void t_hex(const char *what, const void *p, size_t n)
{
	printf("# %s (%zu)", what, n);
	for (size_t i = 0; i < n && i < 256; i++)
		printf(" %02x", ((const unsigned char *)p)[i]);
	printf("\n");
}

T_UNUSED __attribute__((format(printf, 7, 8))) static bool
t_is_mem(const char *file, int line, const void *got, size_t gotlen, const void *want, size_t wantlen, const char *fmt, ...)
{
	T_NAMED(gotlen == wantlen && (gotlen == 0 || memcmp(got, want, gotlen) == 0));
	if (!good) {
		t_hex("got ", got, gotlen);
		t_hex("want", want, wantlen);
	}
	return good;
}

/*
 * A copy of n bytes that ends right before a page nobody may touch: one byte read too far dies.
 * Never freed. guard(p, 0) is a pointer that must not be read at all.
 */
T_UNUSED static char *guard(const void *p, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (n + page - 1) / page * page;
	char *m = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED || mprotect(m + room, page, PROT_NONE) != 0) {
		printf("Bail out! no guard page\n");
		exit(2);
	}
	if (n > 0)
		memcpy(m + room - n, p, n);
	return m + room - n;
}

/*
 * The same for many texts, one at a time: the bytes are moved to the end of one room, T_EDGE of them at most.
 */
enum { T_EDGE = 1 << 16 };
T_UNUSED static struct slice at_edge(struct slice s)
{
	static char *end;
	if (!end)
		end = guard((char[T_EDGE]){ 0 }, T_EDGE) + T_EDGE;
	if (s.n)
		memmove(end - s.n, s.p, s.n);
	return (struct slice){ end - s.n, s.n };
}

/*
 * Runs fn(arg) in a child and returns its exit status (128 + signal if killed, 0 if fn returned).
 * What it wrote to stdout and stderr is in t_out and t_err.
 */
static char t_out[8192], t_err[8192];

T_UNUSED static int dies(void (*fn)(void *), void *arg)
{
	FILE *out = tmpfile(), *err = tmpfile();
	int status = 0;
	if (!out || !err) {
		printf("Bail out! no temporary file\n");
		exit(2);
	}
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fileno(out), 1);
		dup2(fileno(err), 2);
		fn(arg);
		fflush(NULL);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		printf("Bail out! no child\n");
		exit(2);
	}
	rewind(out);
	rewind(err);
	t_out[fread(t_out, 1, sizeof t_out - 1, out)] = 0;
	t_err[fread(t_err, 1, sizeof t_err - 1, err)] = 0;
	fclose(out);
	fclose(err);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

T_UNUSED static int done_testing(void)
{
	printf("1..%d\n", t_count);
	if (t_failed)
		diag("%d of %d failed", t_failed, t_count);
	return t_failed || t_count == 0;
}

#endif
