/*
 * cgi.h: latchkey as a CGI program, called from C: thousands of requests in seconds, many at once, with
 * what each took. For the drivers beside it (crowd.c, oom.c); one answer at a time for each process.
 */
#ifndef LK_CGI_H
#define LK_CGI_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CGI_UNUSED __attribute__((unused))

enum { CGI_TEXT = 65536, CGI_TOKEN = 2048, CGI_SECONDS = 60 };

/* What is the same for every call; where the process that runs is written down, if anywhere. */
static const char *cgi_program, *cgi_dir, *cgi_shim = "";
static volatile pid_t *cgi_running;

struct ask {
	const char *method, *path, *query;   /* query may be NULL */
	const char *access;                  /* bearer token, or NULL */
	char body[CGI_TOKEN + 512];
};

struct answer {
	int status;                  /* of HTTP; 0: no answer in the contract's form */
	int exit;                    /* of the process; 128 + signal */
	bool hung;
	char code[32];               /* of an error */
	double start, end;           /* µs of the monotonic clock */
	size_t n, log_n;
	char text[CGI_TEXT], log[4096];
};

CGI_UNUSED static void die(const char *what)
{
	perror(what);
	exit(111);
}

CGI_UNUSED static double clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The text between `label` and the next quote or comma; false where there is none. */
CGI_UNUSED static bool cgi_member(const char *text, const char *name, char *out, size_t room)
{
	char label[64];
	snprintf(label, sizeof label, "\"%s\":", name);
	const char *at = strstr(text, label);
	if (at == NULL)
		return false;
	at += strlen(label);
	at += *at == '"';
	size_t n = strcspn(at, "\",}");
	if (n == 0 || n >= room)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

/* An answer is one head and one body, and an error is of the contract's shape. */
static void cgi_read_head(struct answer *a)
{
	const char *body = strstr(a->text, "\r\n\r\n");
	if (body == NULL || sscanf(a->text, "Status: %d ", &a->status) != 1) {
		a->status = 0;
		return;
	}
	body += 4;
	if (strstr(body, "Status:") || (a->status >= 400 && !cgi_member(body, "code", a->code, sizeof a->code)))
		a->status = 0;
	if (a->status != 204 && (body[0] != '{' || a->text[a->n - 1] != '}'))
		a->status = 0;
	if (a->status == 503 && strstr(a->text, "\r\nRetry-After: ") == NULL)
		a->status = 0;
}

/* Reads both pipes to their ends; kills a child that takes CGI_SECONDS. */
static void cgi_drain(struct answer *a, pid_t child, int out, int log)
{
	struct pollfd fds[2] = { { out, POLLIN, 0 }, { log, POLLIN, 0 } };
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, CGI_SECONDS * 1000) == 0) {
			a->hung = true;
			kill(child, SIGKILL);
		}
		for (int i = 0; i < 2; i++) {
			char spill[512];
			bool first = i == 0;
			size_t used = first ? a->n : a->log_n, room = (first ? sizeof a->text : sizeof a->log) - 1 - used;
			char *to = room ? (first ? a->text : a->log) + used : spill;
			if (!(fds[i].revents & (POLLIN | POLLHUP)))
				continue;
			ssize_t got = read(fds[i].fd, to, room ? room : sizeof spill);
			if (got <= 0)
				fds[i].fd = -1;
			else if (room)
				*(first ? &a->n : &a->log_n) += (size_t)got;
		}
	}
	a->text[a->n] = a->log[a->log_n] = '\0';
}

/* Runs argv with `input` on stdin. Waits for its end. */
static void cgi_run(struct answer *a, char *const argv[], char *const env[], const char *input)
{
	int in[2], out[2], log[2], status;
	posix_spawn_file_actions_t actions;
	pid_t child;
	a->status = a->exit = 0;
	a->n = a->log_n = 0;
	a->hung = false;
	a->code[0] = '\0';
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(log, O_CLOEXEC))
		die("pipe");
	if (write(in[1], input, strlen(input)) != (ssize_t)strlen(input))
		die("write");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, log[1], 2);
	close(in[1]);
	a->start = clock_us();
	if (posix_spawn(&child, argv[0], &actions, NULL, argv, env))
		die(argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	if (cgi_running)
		*cgi_running = child;
	close(in[0]);
	close(out[1]);
	close(log[1]);
	cgi_drain(a, child, out[0], log[0]);
	if (waitpid(child, &status, 0) != child)
		die("waitpid");
	if (cgi_running)
		*cgi_running = 0;
	a->end = clock_us();
	close(out[0]);
	close(log[0]);
	a->exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A network of its own for each process, or all would be one guesser's; but for who asks for one, as tabs of one browser are in one. */
static unsigned cgi_peers;
static bool cgi_one_network;

/* The text of NAME=VALUE, in a static place of its own for each row. */
static char *cgi_variable(int row, const char *name, const char *value)
{
	static char text[16][CGI_TOKEN + 64];
	snprintf(text[row], sizeof text[row], "%s=%s", name, value ? value : "");
	return text[row];
}

static void cgi_call(struct answer *a, const struct ask *q)
{
	char length[32], peer[32], bearer[CGI_TOKEN + 16];
	char *argv[] = { (char *)(uintptr_t)cgi_program, NULL };
	unsigned n = ++cgi_peers + (cgi_one_network ? 0 : (unsigned)getpid() << 16);
	snprintf(length, sizeof length, "%zu", strlen(q->body));
	snprintf(peer, sizeof peer, "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255, n & 255);
	snprintf(bearer, sizeof bearer, "Bearer %s", q->access ? q->access : "");
	char *env[] = {
		cgi_variable(0, "GATEWAY_INTERFACE", "CGI/1.1"), cgi_variable(1, "SERVER_PROTOCOL", "HTTP/1.1"),
		cgi_variable(2, "SCRIPT_NAME", "/auth"), cgi_variable(3, "REQUEST_METHOD", q->method),
		cgi_variable(4, "PATH_INFO", q->path), cgi_variable(5, "CONTENT_TYPE", "application/json"),
		cgi_variable(6, "CONTENT_LENGTH", length), cgi_variable(7, "REMOTE_ADDR", peer),
		cgi_variable(8, "LATCHKEY_DIR", cgi_dir), cgi_variable(9, "QUERY_STRING", q->query),
		cgi_variable(10, "LK_SHIM", cgi_shim), cgi_variable(11, "ASAN_OPTIONS", getenv("ASAN_OPTIONS")),
		q->access ? cgi_variable(12, "HTTP_AUTHORIZATION", bearer) : NULL, NULL
	};
	cgi_run(a, argv, env, q->body);
	cgi_read_head(a);
}

/* A call by its parts; the body is printf-like. */
__attribute__((format(printf, 5, 6))) CGI_UNUSED static void
cgi_ask(struct answer *a, const char *method, const char *path, const char *access, const char *body, ...)
{
	static struct ask q;
	va_list list;
	q = (struct ask){ .method = method, .path = path, .access = access };
	va_start(list, body);
	vsnprintf(q.body, sizeof q.body, body, list);
	va_end(list);
	cgi_call(a, &q);
}

CGI_UNUSED static void cgi_refresh(struct answer *a, const char *token, const char *key)
{
	if (key[0])
		cgi_ask(a, "POST", "/refresh", NULL, "{\"refresh_token\":\"%s\",\"idempotency_key\":\"%s\"}", token, key);
	else
		cgi_ask(a, "POST", "/refresh", NULL, "{\"refresh_token\":\"%s\"}", token);
}

#endif
