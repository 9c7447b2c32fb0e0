/*
 * once COUNT FLOOR PROGRAM: what one CGI request costs as a process of its
 * own, beside an empty program, in pairs, so that whatever else the machine
 * does falls on both. With - for FLOOR there is none. The request is in the environment (see figures.sh); where
 * REFRESH_TOKEN is set, each request is a refresh, and its answer has the next one's
 * token. Where REFRESH_TOKENS is, a file with COUNT lines, each refreshes another session.
 *
 * Prints: median of the program and of the floor in µs, median of the pairs' ratios,
 * peak resident set in KiB (median), 99th percentile and most of the program in µs.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER = 16384, PAIRS = 20000 };

struct run { double microseconds; long resident; };

static char token[4096];
static double program[PAIRS], empty[PAIRS], ratio[PAIRS], resident[PAIRS];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Puts the next request's body into the pipe and its length into the environment. */
static void send_body(int fd, int i)
{
	char body[ANSWER], length[16];
	int n = token[0] ? snprintf(body, sizeof body, "{\"refresh_token\":\"%s\",\"idempotency_key\":\"%d.%d\"}", token, (int)getpid(), i) : 0;
	snprintf(length, sizeof length, "%d", n);
	setenv("CONTENT_LENGTH", length, 1);
	if (write(fd, body, (size_t)n) != n)
		die("write");
}

static void keep_token(const char *answer)
{
	static const char name[] = "\"refresh_token\":\"";
	const char *from = strstr(answer, name), *to = from ? strchr(from + sizeof name - 1, '"') : NULL;
	if (to == NULL) {
		fprintf(stderr, "no token in: %s\n", answer);
		exit(1);
	}
	from += sizeof name - 1;
	memcpy(token, from, (size_t)(to - from));
	token[to - from] = '\0';
}

/* From just before the fork to when the process is gone. */
static struct run run(char *path, int in, char answer[ANSWER])
{
	int out[2], status;
	struct rusage usage;
	if (pipe(out))
		die("pipe");
	double start = clock_us();
	/* The parent stands still meanwhile, and touches nothing that it would share: the cheapest start there is. */
	/* NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
	pid_t pid = vfork();
	if (pid == 0) {
		dup2(in, 0);
		dup2(out[1], 1);
		close(out[0]);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
	close(out[1]);
	size_t n = 0;
	for (ssize_t got; (got = read(out[0], answer + n, ANSWER - 1 - n)) > 0;)
		n += (size_t)got;
	if (wait4(pid, &status, 0, &usage) != pid || status)
		die(path);
	double end = clock_us();
	answer[n] = '\0';
	close(out[0]);
	return (struct run){ end - start, usage.ru_maxrss };
}

/* The next session's token, where there is a file of them. */
static void next_token(FILE *tokens)
{
	if (tokens == NULL)
		return;
	if (fgets(token, sizeof token, tokens) == NULL)
		die("too few tokens");
	token[strcspn(token, "\n")] = '\0';
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof *values, compare);
	return values[n / 2];
}

int main(int argc, char **argv)
{
	char answer[ANSWER];
	int n = argc == 4 ? (int)strtol(argv[1], NULL, 10) : 0;
	if (n < 1 || n > PAIRS)
		return 100;
	if (getenv("REFRESH_TOKEN"))
		snprintf(token, sizeof token, "%s", getenv("REFRESH_TOKEN"));
	bool beside = strcmp(argv[2], "-") != 0;
	FILE *tokens = getenv("REFRESH_TOKENS") ? fopen(getenv("REFRESH_TOKENS"), "r") : NULL;
	unsetenv("REFRESH_TOKEN");
	unsetenv("REFRESH_TOKENS");
	for (int i = 0; i < n; i++) {
		int in[2];
		if (pipe(in))
			die("pipe");
		next_token(tokens);
		send_body(in[1], i);
		close(in[1]);
		empty[i] = beside ? run(argv[2], in[0], answer).microseconds : 1;
		struct run one = run(argv[3], in[0], answer);
		close(in[0]);
		if (token[0])
			keep_token(answer);
		program[i] = one.microseconds;
		resident[i] = (double)one.resident;
		ratio[i] = program[i] / empty[i];
	}
	printf("%.0f %.0f %.2f %.0f", median(program, n), median(empty, n), median(ratio, n), median(resident, n));
	printf(" %.0f %.0f\n", program[n - 1 - n / 100], program[n - 1]);
	return 0;
}
