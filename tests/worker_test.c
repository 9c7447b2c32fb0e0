/*
 * worker_test: the loop of `serve --workers`, turn by turn.
 *
 * A child runs worker_run() with calls of ours, and goes on from one epoll_wait to the next when told to (stage.h);
 * its clock is `here->clock`. So every order of events is had at will and nothing takes time.
 */
#include "http.h"
#include "stage.h"
#include "t.h"
#include "serve/handover.h"
#include "serve/worker.h"

#ifdef __linux__

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { CROWD = 64, PATIENCE = 10000, KEEP = 75000, LINGER = 1000, SWEEP = 500, REST = 1000, LEAVE = 10000 };

/* ---- hooks ------------------------------------------------------------- */

enum call { ACCEPT, RECV, SEND, SENDMSG, CTL, MALLOC, CALLOC };

/* What both sides see. */
static struct here {
	bool watched;           /* the last request's client was seen with it */
	int64_t clock;
	int ctl;                /* the operation of CTL that is meant */
	int64_t answers, settled, forgotten, left, rested;
	bool changed, leave_fails, returned, keeps;
	enum error settle_fails;
	bool really_waits;      /* in the kernel, for as long as it would */
	int raises;             /* a signal, in the middle of a turn */
	unsigned arena_fails;
	unsigned char from;     /* the last byte of the address that a new connection comes from; 0: AF_UNIX's */
	bool from_v6;
	int host;
	bool peer_gone;         /* there is no address any more */
	int timeout;            /* that the worker would have waited */
	bool names;             /* what requests ask for is told before */
	int64_t expected, told; /* calls of expect(), and the sum of what it was told */
	enum error expect_fails;
} *here;

int __real_epoll_wait(int fd, struct epoll_event *events, int most, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int timeout);
int __real_epoll_ctl(int loop, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int loop, int operation, int fd, struct epoll_event *event);
int __real_accept4(int fd, struct sockaddr *from, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *n, int flags);
ssize_t __real_recv(int fd, void *p, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *p, size_t n, int flags);
ssize_t __real_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
int __real_getpeername(int fd, struct sockaddr *name, socklen_t *n);
int __wrap_getpeername(int fd, struct sockaddr *name, socklen_t *n);
int64_t __real_now_ms(void);
int64_t __wrap_now_ms(void);

int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	here->timeout = timeout;
	wait_for_turn();
	if (here->arena_fails)
		arena_fail_at(here->arena_fails);
	here->arena_fails = 0;
	return __real_epoll_wait(fd, events, most, here->really_waits ? timeout : 0);
}

int __wrap_epoll_ctl(int loop, int operation, int fd, struct epoll_event *event)
{
	bool meant = operation == here->ctl;
	return meant && !may(CTL, NULL) ? -1 : __real_epoll_ctl(loop, operation, fd, event);
}

int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *n, int flags)
{
	return may(ACCEPT, NULL) ? __real_accept4(fd, from, n, flags) : -1;
}

ssize_t __wrap_recv(int fd, void *p, size_t n, int flags)
{
	return may(RECV, &n) ? __real_recv(fd, p, n, flags) : -1;
}

ssize_t __wrap_send(int fd, const void *p, size_t n, int flags)
{
	return may(SEND, &n) ? __real_send(fd, p, n, flags) : -1;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return may(SENDMSG, NULL) ? __real_sendmsg(fd, message, flags) : -1;
}

int __wrap_getpeername(int fd, struct sockaddr *name, socklen_t *n)
{
	if (here->peer_gone) {
		errno = ENOTCONN;
		return -1;
	}
	if (here->from == 0)
		return __real_getpeername(fd, name, n);
	if (here->from_v6)      /* another address of one /64 each time */
		*(struct sockaddr_in6 *)(void *)name = (struct sockaddr_in6){ .sin6_family = AF_INET6,
			.sin6_addr.s6_addr = { 0x20, 1, 0xd, 0xb8, [7] = here->from, [15] = (unsigned char)++here->host } };
	else
		*(struct sockaddr_in *)(void *)name = (struct sockaddr_in){ .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(0xc6336400U + here->from) };
	return 0;
}

void *__wrap_malloc(size_t n) { return may(MALLOC, NULL) ? __real_malloc(n) : NULL; }
void *__wrap_calloc(size_t n, size_t size) { return may(CALLOC, NULL) ? __real_calloc(n, size) : NULL; }
int64_t __wrap_now_ms(void) { return on_stage ? here->clock : __real_now_ms(); }

/* ---- what a request is, here ------------------------------------------- */

static void answer(const struct request *rq, struct reply *rp)
{
	here->answers++;
	here->watched = rq->wire.watched;
	if (slice_is(rq->path, S("/fail")))
		fail(ERROR_STORE_UNAVAILABLE, "T1", "told to", NULL);
	if (slice_is(rq->path, S("/fail-alone")) && here->forgotten)
		fail(ERROR_STORE_UNAVAILABLE, "T4", "told to", NULL);
	if (slice_is(rq->path, S("/big")))
		arena(300 * 1024);
	*rp = (struct reply){ .status = 200, .type = "text/plain", .elsewhere = slice_is(rq->path, S("/elsewhere")) };
	buf_s(&rp->body, rq->wire.shared ? "<" : "(");
	buf_add(&rp->body, rq->path);
	buf_add(&rp->body, rq->body);
	buf_s(&rp->body, ">");
}

static void refuse(const struct request *rq, enum error e, struct reply *rp)
{
	(void)rq;
	reply_plain(rp, errors[e].status);
}

static bool is_slow(const struct request *rq) { return slice_is(rq->path, S("/slow")); }
static bool is_current(void) { return !here->changed; }
static void forget(void) { here->forgotten++; }

static void settle(void)
{
	here->settled++;
	if (here->raises)
		raise(here->raises);
	here->raises = 0;
	if (here->settle_fails) {
		enum error e = here->settle_fails;
		here->settle_fails = ERROR_NONE;
		fail(e, "T2", "told to", NULL);
	}
}

static bool keeps(void) { return here->keeps; }

/* "GET /n7" will ask for 7. */
static uint64_t names_number(struct slice bytes)
{
	return bytes.n > 6 && memcmp(bytes.p, "GET /n", 6) == 0 ? (uint64_t)(bytes.p[6] - '0') : 0;
}

static void expect_numbers(const uint64_t *id, size_t n)
{
	here->expected++;
	for (size_t i = 0; i < n; i++)
		here->told += (int64_t)id[i];
	if (here->expect_fails)
		fail(here->expect_fails, "T5", "told to", NULL);
}

static void leave(bool resting)
{
	here->left++;
	here->rested += resting;
	if (here->leave_fails) {
		here->leave_fails = false;
		fail(ERROR_STORE_FULL, "T3", "told to", NULL);
	}
}

/* ---- a worker and its peers -------------------------------------------- */

static const struct http_rules rules = { .base_path = { "", 0 } };
static const struct worker_calls calls = {
	.rules = &rules, .answer = answer, .refuse = refuse, .is_slow = is_slow, .is_current = is_current,
	.settle = settle, .leave = leave, .keeps = keeps, .forget = forget,
};
static struct worker_state *state;
static struct sockaddr_un addresses[2];
static socklen_t name_sizes[2];
static int listening[2], handover[2];
static int peers[256];
static size_t peer_count;
static pid_t worker;
static FILE *log_of_worker;

static void open_all(void)
{
	for (int i = 0; i < 2; i++) {
		addresses[i] = (struct sockaddr_un){ .sun_family = AF_UNIX };
		name_sizes[i] = sizeof addresses[i];
		listening[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		/* A name that the kernel chooses. */
		need(bind(listening[i], (struct sockaddr *)&addresses[i], sizeof addresses[i].sun_family) == 0
			&& listen(listening[i], 256) == 0
			&& getsockname(listening[i], (struct sockaddr *)&addresses[i], &name_sizes[i]) == 0);
	}
	need(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, handover) == 0);
}

static rlim_t soft_files = RLIM_INFINITY;

static _Noreturn void be_worker(rlim_t files)
{
	close(handover[0]);
	struct worker_place place = { .sockets = { listening[0], listening[1] }, .count = 2, .handover = handover[1], .state = state };
	const struct rlimit limit = { files < soft_files ? files : soft_files, files };
	dup2(fileno(log_of_worker), 2);
	if (files && setrlimit(RLIMIT_NOFILE, &limit) != 0)
		exit(2);
	struct worker_calls told = calls;
	told.names = here->names ? names_number : NULL;
	told.expect = expect_numbers;
	worker_run(&place, &told);
	here->returned = true;
	exit(0);
}

static void later(int64_t ms)
{
	here->clock += ms;
	turn();
}

static bool with_names;

/* A worker that may open so many files; 0: as many as we. */
static void start(rlim_t files)
{
	*here = (struct here){ .clock = 1000000, .names = with_names };
	*state = (struct worker_state){ 0 };
	open_all();
	need((log_of_worker = tmpfile()) != NULL);
	worker = raise_curtain();
	if (worker == 0)
		be_worker(files);
}

static char logged[4096];

/* Told to end it comes to its end; what it said is in `logged`. */
static void stop(void)
{
	kill(worker, SIGTERM);
	for (int i = 0; i < 100 && turn(); i++)
		here->clock += LEAVE / 10;
	ok(drop_curtain(worker) == 0 && here->returned, "and it ends in order");
	rewind(log_of_worker);
	logged[fread(logged, 1, sizeof logged - 1, log_of_worker)] = 0;
	fclose(log_of_worker);
	for (int i = 0; i < 2; i++) {
		close(listening[i]);
		close(handover[i]);
	}
	while (peer_count)
		if (peers[--peer_count] >= 0)
			close(peers[peer_count]);
}

static int peer_at(int i)
{
	int fd = peers[peer_count++] = socket(AF_UNIX, SOCK_STREAM, 0);
	need(fd >= 0 && connect(fd, (struct sockaddr *)&addresses[i], name_sizes[i]) == 0);
	return fd;
}

/* One that is accepted. */
static int peer(void)
{
	int fd = peer_at(0);
	turn();
	return fd;
}

static void say(int fd, const char *text)
{
	need(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(n, more) "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: " n "\r\n" more "\r\n"
#define SCGI "58:CONTENT_LENGTH\0" "0\0SCGI\0" "1\0REQUEST_METHOD\0GET\0REQUEST_URI\0/s\0,"

/* Says that and lets it be answered. */
static void ask(int fd, const char *text)
{
	say(fd, text);
	turn();
}

/* What has come since: the status and the body of each answer, "200</a> ", then "." at the connection's end. */
static const char *hear(int fd)
{
	static char text[65536], words[8192];
	size_t n = 0;
	ssize_t got;
	while ((got = recv(fd, text + n, sizeof text - 1 - n, MSG_DONTWAIT)) > 0)
		n += (size_t)got;
	text[n] = *words = 0;
	for (char *at = text, *body; (at = strstr(at, "HTTP/1.1 ")); at = body) {
		body = strstr(at, "\r\n\r\n");
		body = body ? body + 4 : at + strlen(at);
		snprintf(words + strlen(words), sizeof words - strlen(words), "%.3s%.*s ", at + 9,
			*body == '<' ? (int)strcspn(body, "H") : 0, body);
	}
	if (!*words)
		snprintf(words, sizeof words, "%.*s", (int)strcspn(text, "\r"), text);
	if (got == 0 || errno != EAGAIN)
		strcat(words, ".");
	return words;
}

static void hang_up(int fd)
{
	for (size_t i = 0; i < peer_count; i++)
		if (peers[i] == fd)
			peers[i] = -1;
	close(fd);
	turn();
}

/* ---- tests ------------------------------------------------------------- */

/* The kernel says it with the event. Who has closed by then, and what lay there before, is asked again: http_is_gone(). */
static void test_watched(void)
{
	start(0);
	int a = peer(), b = peer();
	ask(a, GET("/a"));
	ok(here->watched, "a client that is there is seen with its request");
	ask(b, GET("/b") GET("/c"));
	turn();
	ok(here->answers == 3 && !here->watched, "what lay there already was seen with none");
	say(a, GET("/d"));
	shutdown(a, SHUT_WR);
	turn();
	ok(here->answers == 4 && !here->watched, "a client that has shut its sending side isn't seen");
	stop();
}

/* While others write, the store is kept for requests that come at once; whoever has none lets go of it. */
static void test_keeps(void)
{
	start(0);
	int a = peer();
	int64_t left = here->left;
	here->keeps = true;
	ask(a, GET("/a"));
	ask(a, GET("/b"));
	is_int(here->left, left, "it is kept behind an answer");
	is_int(here->timeout, 1, "and the next request waited for a millisecond");
	turn();
	is_int(here->left, left + 1, "none came: others have their turn");
	is_int(here->timeout, SWEEP, "and it sleeps");
	ask(a, GET("/c"));
	here->keeps = false;
	ask(a, GET("/d"));
	is_int(here->left, left + 2, "it isn't kept for ever");
	here->keeps = true;
	here->changed = true;
	ask(a, GET("/e"));
	is_int(here->left, left + 3, "nor by who is about to end");
	stop();
}

static void test_requests(void)
{
	start(0);
	int a = peer(), b = peer_at(1);
	turn();
	is_int(state->connections, 2, "it takes connections of both its sockets");
	ask(a, GET("/a"));
	ask(b, "GET /b HTTP");
	is_str(hear(a), "200</a> ", "a request is answered");
	is_str(hear(b), "", "half a one isn't yet");
	ask(b, "/1.1\r\nHost: a\r\n\r\n" GET("/c") GET("/d"));
	is_int(here->timeout, 0, "with others behind it nothing is waited for");
	is_str(hear(b), "200</b> ", "the whole is");
	ask(b, GET("/e"));
	is_str(hear(b), "200</c> ", "one of a connection in each turn");
	turns(2);
	is_str(hear(b), "200</d> 200</e> ", "in their order, those too that came meanwhile");
	is_int(here->timeout, SWEEP, "then it waits again");
	ask(a, GET("/f") "GET /g");
	turn();
	is_str(hear(a), "200</f> ", "what is behind a request isn't lost");
	ask(a, " HTTP/1.1\r\nHost: a\r\n\r\n");
	is_str(hear(a), "200</g> ", "though it be half a request");
	hang_up(a);
	is_int(state->connections, 1, "who hangs up is gone");
	ask(b, "GET / HTTP/1.1\n");
	is_str(hear(b), "400 .", "what is no request is the last of its connection");
	hang_up(b);
	is_int(state->connections, 0, "which ends");
	int c = peer();
	need(send(c, SCGI, sizeof SCGI - 1, 0) == sizeof SCGI - 1);
	turn();
	is_str(hear(c), "Status: 200 OK.", "by SCGI a request is the last, too");
	stop();
}

static void test_continue(void)
{
	start(0);
	int a = peer();
	ask(a, POST("4", "Expect: 100-continue\r\n"));
	is_str(hear(a), "100 ", "who waits for 100 Continue is told so");
	ask(a, "ab");
	is_str(hear(a), "", "once");
	ask(a, "cd");
	is_str(hear(a), "200</pabcd> ", "and then is answered");
	ask(a, POST("4", "Expect: 100-continue\r\n") "wx");
	is_str(hear(a), "100 ", "the next is told anew");
	ask(a, "yz");
	is_str(hear(a), "200</pwxyz> ", "on the same connection");
	ask(a, "POST /p HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	is_str(hear(a), "", "but not who speaks HTTP/1.0");
	ask(a, "ab");
	is_str(hear(a), "200</pab> .", "who is answered all the same");
	stop();
}

static void test_half(void)
{
	start(0);
	int a = peer(), b = peer(), c = peer();
	ask(a, "GET /half");
	shutdown(a, SHUT_WR);
	turn();
	is_str(hear(a), "400 .", "half a request and the end");
	shutdown(b, SHUT_WR);
	turn();
	is_str(hear(b), ".", "nothing and the end");
	ask(c, "100:CONTENT");
	shutdown(c, SHUT_WR);
	turn();
	is_str(hear(c), "Status: 400 Bad Request.", "half of SCGI and the end");
	turn();
	is_int(state->connections, 0, "all are gone");
	stop();
}

static void test_time(void)
{
	start(0);
	int silent = peer(), half = peer(), scgi = peer(), kept = peer();
	ask(half, "GET /half");
	ask(scgi, "100:CONTENT");
	ask(kept, GET("/a"));
	is_str(hear(kept), "200</a> ", "one of four is answered");
	later(PATIENCE - 1);
	is_str(hear(half), "", "until its time is over nobody is told so");
	later(SWEEP);
	is_str(hear(silent), ".", "who says nothing is left");
	is_str(hear(half), "408 .", "who says half is told");
	is_str(hear(scgi), "Status: 408 Request Timeout.", "in the form of what he began");
	is_str(hear(kept), "", "who was answered has longer");
	is_int(state->connections, 3, "refused ones may stop sending first");
	ask(half, "more");
	is_int(state->connections, 3, "what they still say is not listened to");
	later(LINGER + SWEEP);
	is_int(state->connections, 1, "but not for long");
	int last = peer();
	ask(last, "GET /last");
	say(last, " HTTP/1.1\r\nHost: a\r\n\r\n");
	later(PATIENCE);
	is_str(hear(last), "200</last> ", "what is whole in the last moment is answered");
	hang_up(last);
	later(KEEP);
	is_str(hear(kept), ".", "and he not for ever");
	stop();
}

/* A turn takes at most CROWD of them, whatever its kind. */
static void test_many(void)
{
	int fd[CROWD + 8], heard = 0, late = 0;
	start(0);
	for (size_t i = 0; i < CROWD + 8; i++)
		fd[i] = peer();
	for (size_t i = 0; i < CROWD + 8; i++)
		say(fd[i], GET("/a") "GET /half");
	ask(fd[0], "");
	for (size_t i = 0; i < CROWD + 8; i++)
		heard += strcmp(hear(fd[i]), "200</a> ") == 0;
	is_int(heard, CROWD, "of 72 requests that are there 64 are answered at once");
	is_int(here->settled, CROWD + 8 + 1, "by one commit");
	turns(4);
	for (size_t i = 0; i < CROWD + 8; i++)
		heard += strcmp(hear(fd[i]), "200</a> ") == 0;
	is_int(heard, CROWD + 8, "then the others");
	later(PATIENCE);
	for (size_t i = 0; i < CROWD + 8; i++)
		late += strcmp(hear(fd[i]), "408 .") == 0;
	is_int(late, CROWD, "64 at once are told that their time is over");
	later(SWEEP);
	for (size_t i = 0; i < CROWD + 8; i++)
		late += strcmp(hear(fd[i]), "408 .") == 0;
	is_int(late, CROWD + 8, "then the others");
	stop();
}

/*
 * Sixty-three are answered while as many get the rest of an answer, and all have said more already: then there
 * are twice as many to look at as a batch has places. The faults make the second half slow readers until the
 * first is as far.
 */
static void test_ahead(void)
{
	enum { HALF = CROWD - 1 };
	int fd[2 * HALF], heard = 0;
	start(0);
	for (size_t i = 0; i < 2 * HALF; i++)
		fd[i] = peer();
	for (size_t i = 0; i < HALF; i++)
		say(fd[HALF + i], GET("/a") GET("/b") GET("/c") GET("/d"));
	fault(SEND, HALF, 0, 10);
	turn();
	for (size_t i = 0; i < HALF; i++)
		say(fd[i], GET("/a") GET("/b") GET("/c") GET("/d"));
	fault(SEND, HALF, EAGAIN, 0);
	turn();
	fault(SEND, 2, EAGAIN, 0);
	turns(12);
	for (size_t i = 0; i < 2 * HALF; i++)
		heard += strcmp(hear(fd[i]), "200</a> 200</b> 200</c> 200</d> ") == 0;
	is_int(heard, 2 * HALF, "of 504 requests none is lost, whatever is behind it");
	stop();
}

static void test_memory_of_a_batch(void)
{
#ifndef ARENA_MALLOC    /* there each piece is one, however large */
	start(0);
	int a = peer(), b = peer(), c = peer();
	say(a, GET("/big") GET("/big"));
	say(b, GET("/big") GET("/big"));
	ask(c, GET("/a"));
	is_int(here->answers, 1, "an answer that fills the memory is the only one of its batch");
	turns(5);
	is_int(here->answers, 5, "the others have their turns");
	is_str(hear(a), "200</big> 200</big> ", "and are answered");
	is_str(hear(b), "200</big> 200</big> ", "all");
	is_str(hear(c), "200</a> ", "of them");
	say(a, GET("/a") GET("/big"));
	ask(c, GET("/c") GET("/d"));
	here->clock += PATIENCE;
	turns(2);
	is_str(hear(c), "200</c> 200</d> ", "nor does their time run out while it is we who keep them waiting");
	stop();
#endif
}

static void test_slow_readers(void)
{
	start(0);
	int a = peer(), b = peer();
	fault(SEND, 1, 0, 10);
	ask(a, GET("/a") GET("/b"));
	fault(SEND, 1, EAGAIN, 0);
	turn();
	fault(SEND, 1, EINTR, 0);
	turn();
	fault(SEND, 1, 0, 10);
	turn();
	ask(b, GET("/c"));
	is_str(hear(b), "200</c> ", "a slow reader keeps nobody from an answer");
	turns(2);
	is_str(hear(a), "200</a> 200</b> ", "and gets all of his");
	static const int quiet[] = { EAGAIN, EINTR };
	for (size_t i = 0; i < 2; i++) {
		fault(SEND, 1, quiet[i], 0);
		ask(a, GET("/d"));
		is_str(hear(a), "", "nothing goes out: %s", strerror(quiet[i]));
		turn();
		is_str(hear(a), "200</d> ", "then all does");
	}
	fault(SEND, 1, EPIPE, 0);
	ask(a, GET("/e"));
	is_str(hear(a), ".", "an answer that nobody takes ends its connection");
	fault(SEND, 1, 0, 10);
	ask(b, GET("/f"));
	fault(SEND, 1, EPIPE, 0);
	turn();
	is_int(state->connections, 0, "so does the rest of one");
	int c = peer();
	fault(SEND, 1, 0, 10);
	fault(SEND, 100000, EAGAIN, 0);
	ask(c, GET("/g"));
	later(PATIENCE + SWEEP);
	is_int(state->connections, 0, "who takes nothing for too long is left");
	stop();
}

static void test_recv(void)
{
	start(0);
	int a = peer();
	static const int quiet[] = { EAGAIN, EINTR };
	for (size_t i = 0; i < 2; i++) {
		fault(RECV, 1, quiet[i], 0);
		ask(a, GET("/a"));
		is_str(hear(a), "", "nothing to read after all: %s", strerror(quiet[i]));
		turn();
		is_str(hear(a), "200</a> ", "the kernel tells of it again");
	}
	ask(a, "GET /half");
	fault(RECV, 1, ECONNRESET, 0);
	ask(a, "x");
	is_str(hear(a), ".", "a connection that broke is ended without a word");
	int b = peer();
	ask(b, "?\r\n\r\n");
	is_str(hear(b), "400 .", "one is refused");
	for (size_t i = 0; i < 2; i++) {
		fault(RECV, 1, quiet[i], 0);
		ask(b, "x");
		is_int(state->connections, 1, "and is there while it sends: %s", strerror(quiet[i]));
	}
	fault(RECV, 1, ECONNRESET, 0);
	ask(b, "x");
	is_int(state->connections, 0, "until it breaks");
	stop();
}

static void test_no_memory(void)
{
	start(0);
	fault(CALLOC, 1, ENOMEM, 0);
	int a = peer(), b = peer();
	is_str(hear(a), ".", "no memory for a connection: it is closed");
	fault(MALLOC, 1, ENOMEM, 0);
	ask(b, "GET /half");
	is_str(hear(b), ".", "none for half a request: so is its connection");
	int c = peer();
	fault(MALLOC, 1, ENOMEM, 0);
	ask(c, GET("/c") GET("/d"));
	is_str(hear(c), "200</c> .", "none for what is behind a request: that one is the last");
	int d = peer();
	fault(SEND, 1, 0, 10);
	fault(MALLOC, 1, ENOMEM, 0);
	ask(d, GET("/d"));
	ok(strchr(hear(d), '.') != NULL, "none for the rest of an answer: the end is all that can be said");
	int e = peer();
	static char field[33 * 1024], request[34 * 1024];
	memset(field, 'x', sizeof field - 1);
	snprintf(request, sizeof request, "GET /e HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", field);
	fault(MALLOC, 1, ENOMEM, 0);
	here->settle_fails = ERROR_STORE_UNAVAILABLE;
	ask(e, request);
	is_str(hear(e), "503 .", "none to remember a long request with: it can't run again");
	int f = peer();
	here->settle_fails = ERROR_STORE_UNAVAILABLE;
	ask(f, request);
	is_str(hear(f), "200</e> .", "with memory it can");
	stop();
}

static void test_accept(void)
{
	start(0);
	turn();
	fault(ACCEPT, 1, EMFILE, 0);
	int a = peer();
	turn();
	is_int(state->connections, 0, "no file is left for a connection: it waits");
	is_int(here->timeout, SWEEP, "and nobody asks for it at once again");
	later(SWEEP);
	turn();
	is_int(state->connections, 1, "for the next sweep");
	ask(a, GET("/a"));
	is_str(hear(a), "200</a> ", "and is served");
	for (int i = 0; i < 40; i++)
		peer_at(0);
	ask(a, GET("/a"));
	is_int(state->connections, 33, "of forty that come at once 32 are taken");
	is_str(hear(a), "200</a> ", "so that who is here isn't kept waiting");
	turn();
	is_int(state->connections, 41, "then the others");
	here->ctl = EPOLL_CTL_ADD;
	fault(CTL, 1, ENOSPC, 0);
	int b = peer();
	is_str(hear(b), ".", "one that can't be watched is closed");
	fault(ACCEPT, 1, EMFILE, 0);
	here->ctl = EPOLL_CTL_DEL;
	fault(CTL, 1, ENOMEM, 0);
	int c = peer();
	hang_up(a);
	turn();
	ask(c, GET("/c"));
	is_str(hear(c), "200</c> ", "the end of one lets the next in");
	stop();
	ok(strstr(logged, "latchkey: WO1: epoll: No space left") != NULL, "what the kernel refused is in the log: %s", logged);
}

/* Thirty-two files are kept for other things, so 35 are places for three connections. */
static void test_full(void)
{
	start(35);
	int a = peer(), b = peer(), c = peer();
	here->clock++;
	ask(b, "GET /b");
	here->clock++;
	ask(a, GET("/a"));
	here->clock++;
	ask(c, "GET /c");
	is_str(hear(a), "200</a> ", "three connections, of which two have begun");
	turns(3);
	is_int(state->connections, 3, "nobody is sent away for nobody");
	int d = peer();
	is_str(hear(b), ".", "a fourth has the place of half a request, whose time is over first");
	is_str(hear(a), "", "who was answered has longer");
	here->clock++;
	ask(d, "GET /d");
	int e = peer();
	is_str(hear(c), ".", "the next takes that of the next one");
	is_int(state->connections, 3, "three are the most");
	ask(d, " HTTP/1.1\r\nHost: a\r\n\r\n");
	is_str(hear(d), "200</d> ", "who is fast enough is served");
	ask(e, GET("/e"));
	is_str(hear(e), "200</e> ", "all of them");
	int f = peer();
	is_str(hear(a), ".", "of three who were answered the one goes who is silent for longest");
	int g = peer();
	is_str(hear(f), ".", "but first who has never said a word");
	hang_up(d);
	hang_up(e);
	hang_up(g);
	stop();
}

/* One who takes the answer slowly, or whose request is whole, makes way for nobody. */
static void test_full_of_work(void)
{
	start(33);
	int a = peer();
	fault(SEND, 1, 0, 10);
	fault(SEND, 2, EAGAIN, 0);
	ask(a, GET("/a"));
	int b = peer();
	turn();
	is_int(state->connections, 1, "where nobody can make way the next one waits");
	is_int(here->timeout, SWEEP, "without being asked for again and again");
	turn();
	is_str(hear(a), "200</a> ", "until an answer is taken");
	later(SWEEP);
	turn();
	is_str(hear(a), ".", "then it has that place");
	ask(b, GET("/b"));
	is_str(hear(b), "200</b> ", "and is served");
	stop();
}

/* Who takes all places pushes out himself. */
static void test_full_of_strangers(void)
{
	for (int v6 = 0; v6 <= 1; v6++) {
		start(36);
		here->from_v6 = v6;
		here->from = 1;
		int honest = peer();
		ask(honest, "GET /honest");
		here->from = 2;
		int stranger[6];
		for (int i = 0; i < 3; i++) {
			here->clock++;
			stranger[i] = peer();
			ask(stranger[i], "GET /never");
		}
		for (int i = 3; i < 6; i++) {
			here->clock++;
			stranger[i] = peer();
			is_str(hear(stranger[i - 3]), ".", "the stranger's oldest makes way, by %s", v6 ? "IPv6" : "IPv4");
			ask(stranger[i], i % 2 ? "GET /never" : "");
		}
		ask(honest, " HTTP/1.1\r\nHost: a\r\n\r\n");
		is_str(hear(honest), "200</honest> ", "and not the slow one from elsewhere, though his time is over first");
		here->from = 3;
		here->clock++;
		int other = peer();
		ask(other, GET("/other"));
		is_str(hear(other), "200</other> ", "who comes from a third network is served");
		stop();
	}
}

static void test_soft_limit(void)
{
	soft_files = 33;
	start(36);
	soft_files = RLIM_INFINITY;
	for (int i = 0; i < 4; i++)
		peer();
	is_int(state->connections, 4, "there are as many places as the hard limit of files allows");
	stop();
}

static void test_gone_before_asked(void)
{
	start(0);
	here->peer_gone = true;
	int a = peer();
	here->peer_gone = false;
	ask(a, GET("/a"));
	is_str(hear(a), "200</a> ", "a connection whose peer has no address any more does no harm");
	stop();
}

/* What the first request of a connection spoke all others speak. */
static void test_one_face(void)
{
	start(0);
	int a = peer(), b = peer();
	ask(a, GET("/a"));
	is_str(hear(a), "200</a> ", "a connection that began in HTTP");
	need(send(a, SCGI, sizeof SCGI - 1, 0) == sizeof SCGI - 1);
	turn();
	is_str(hear(a), "400 .", "speaks no SCGI behind it");
	say(b, GET("/b"));
	need(send(b, SCGI, sizeof SCGI - 1, 0) == sizeof SCGI - 1);
	turns(2);
	is_str(hear(b), "200</b> 400 .", "nor in the same piece");
	stop();
}

/* RFC 9112, 2.2. */
static void test_empty_line(void)
{
	start(0);
	int a = peer();
	ask(a, "\r\n" GET("/a") "\r\n");
	is_str(hear(a), "200</a> ", "an empty line before a request is nothing");
	turn();
	is_int(here->timeout, SWEEP, "nor is one behind it");
	later(PATIENCE + SWEEP);
	is_str(hear(a), "", "who sent it waits for no answer");
	ask(a, "GET /b HTTP/1.1\r\nHost: a\r\n");
	later(PATIENCE - 1);
	ask(a, "\r\n\r\n");
	is_str(hear(a), "200</b> ", "and has as long as others for the next request");
	turn();
	ask(a, "\r");
	ask(a, "\n");
	ask(a, "\r");
	ask(a, "\n");
	is_str(hear(a), "400 .", "two of them are no request");
	int b = peer();
	ask(b, "\r\nGET /b");
	later(PATIENCE + SWEEP);
	is_str(hear(b), "408 .", "half a request behind one is half a request");
	int c = peer();
	ask(c, "\r\n");
	later(PATIENCE + SWEEP);
	is_str(hear(c), ".", "an empty line alone is none");
	stop();
}

/* Its end is the end of the only copy of the socket's other side. */
static void test_without_listener(void)
{
	start(0);
	int a = peer(), b = peer();
	ask(b, GET("/b"));
	is_str(hear(b), "200</b> ", "while there is a listener all is well");
	close(handover[0]);
	turn();
	peer_at(0);
	turn();
	is_int(state->connections, 2, "without one nobody is taken any more");
	hang_up(a);
	ask(b, GET("/b"));
	is_str(hear(b), "503 .", "who was there is told to come again");
	hang_up(b);
	turn();
	ok(here->returned, "then it returns");
	stop();
}

/* Who comes when two are silent. */
static void test_full_of_silence(void)
{
	start(34);
	int a = peer();
	here->clock++;
	int b = peer(), c = peer();
	is_str(hear(a), ".", "of two who have said nothing the older one goes");
	is_str(hear(b), "", "the younger one stays");
	ask(c, GET("/c"));
	is_str(hear(c), "200</c> ", "and the new one is served");
	stop();
}

static void test_few_files(void)
{
	start(20);
	int a = peer(), b = peer();
	is_int(state->connections, 1, "where files are few there is a place for one");
	is_str(hear(a), ".", "the last who came");
	ask(b, GET("/b"));
	is_str(hear(b), "200</b> ", "who is served");
	stop();
	struct rlimit most;
	getrlimit(RLIMIT_NOFILE, &most);
	start(most.rlim_max);
	a = peer();
	ask(a, GET("/a"));
	is_str(hear(a), "200</a> ", "where they are many he is, too");
	stop();
}

static void test_fail(void)
{
	start(0);
	int a = peer(), b = peer(), c = peer();
	fault(SEND, 1, 0, 10);
	ask(c, GET("/c") GET("/behind"));
	fault(SEND, 1, EAGAIN, 0);
	turn();
	say(a, GET("/a"));
	ask(b, GET("/fail") GET("/never"));
	turns(3);
	is_str(hear(b), "503 .", "a fail() is answered to him who asked");
	ok(here->forgotten > 0, "its batch is undone");
	is_str(hear(a), "200</a> .", "and to nobody else of its batch");
	is_str(hear(c), "200</c> 200</behind> ", "to nobody else, though an answer of his ended in that turn");
	stop();
	ok(strstr(logged, "latchkey: T1: told to") != NULL, "it is in the log");
}

/* A commit that fails for many; then each request runs by itself, and those that fail by themselves are told so. */
static void test_one_at_a_time(void)
{
	enum { PEERS = 20, TRIES = 8 };
	int fd[PEERS];
	for (int all_fail = 0; all_fail <= 1; all_fail++) {
		start(0);
		for (int i = 0; i < PEERS; i++)
			fd[i] = peer();
		here->settle_fails = ERROR_STORE_UNAVAILABLE;
		for (int i = 0; i < PEERS; i++)
			say(fd[i], all_fail || i % 3 == 0 ? GET("/fail-alone") : GET("/good"));
		turn();
		for (int i = 0; i < PEERS; i++)
			is_str(hear(fd[i]), all_fail || i % 3 == 0 ? "503 ." : "200</good> .", "request %d is answered as it would be alone", i);
		is_int(here->answers, PEERS + (all_fail ? TRIES : PEERS), "where many fail the rest isn't tried again");
		stop();
	}
}

static void test_whole_batch_fails(void)
{
	start(0);
	int a = peer(), b = peer();
	here->settle_fails = ERROR_STORE_FULL;
	say(a, GET("/a") GET("/never"));
	ask(b, "HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n");
	is_str(hear(a), "503 .", "a commit that fails is told to all of its batch");
	is_str(hear(b), "503 .", "in the form that each asked for");
	is_int(here->forgotten, 1, "which is undone");
	int c = peer();
	here->leave_fails = true;
	ask(c, GET("/c"));
	is_str(hear(c), "200</c> ", "what fails behind the commit changes no answer");
	is_int(here->forgotten, 2, "but the store is opened anew");
	ask(c, GET("/d"));
	is_str(hear(c), "200</d> ", "and all goes on");
	stop();
}

/* The bytes of a request that brought a batch down are gone: it must have its answer, and be the last. */
static void test_fail_while_reading(void)
{
	start(0);
	int a = peer(), b = peer();
	ask(a, "GET /a HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\n");
	here->arena_fails = 1;
	ask(a, "Cookie: b=2\r\n\r\n" GET("/never"));
	is_str(hear(a), "503 .", "no memory to read a request in: it is told so");
	ask(b, "GET /b");
	here->arena_fails = 1;
	later(PATIENCE + SWEEP);
	is_str(hear(b), "408 .", "none to refuse one in: it is told why all the same");
	turn();
	is_int(here->forgotten, 2, "each time all is undone");
	int c = peer();
	ask(c, GET("/c"));
	is_str(hear(c), "200</c> ", "and goes on");
	stop();
}

static struct handover_message word;

/* Who resets the connection behind a sign-in is throttled as who he is. */
static void test_whose(void)
{
	start(0);
	here->from = 7;
	int a = peer();
	here->peer_gone = true;
	ask(a, GET("/slow"));
	ok(handover_receive(handover[0], &word) && word.fd >= 0, "a request is handed over whose client has gone");
	is_mem(word.peer.p, word.peer.n, "198.51.100.7", 12, "with the address that it came from");
	is_mem(word.early.p, word.early.n, GET("/slow"), sizeof GET("/slow") - 1, "and its bytes");
	close(word.fd);
	here->from = 0;
	here->peer_gone = false;
	int b = peer();
	ask(b, GET("/slow"));
	ok(handover_receive(handover[0], &word) && word.fd >= 0, "one of a socket without addresses");
	is_mem(word.peer.p, word.peer.n, "unix:", 5, "is known as that");
	close(word.fd);
	stop();
}

static void test_hand_over(void)
{
	start(0);
	int a = peer();
	ok(!handover_receive(handover[0], &word) && word.fd == -1, "nothing is handed over at first");
	ask(a, "GET /sl");
	ask(a, "ow HTTP/1.1\r\nHost: a\r\n\r\nmore");
	is_str(hear(a), "", "what is slow isn't answered here");
	ok(handover_receive(handover[0], &word) && word.fd >= 0 && word.pid == 0, "it is handed over");
	is_mem(word.early.p, word.early.n, GET("/slow") "more", sizeof GET("/slow") + 3, "with all that was read of it");
	handover_forget();
	size_t left = 0;
	for (size_t i = 0; i < word.early.n; i++)
		left += word.early.p[i] != 0;
	is_int(left, 0, "the listener keeps nothing of it");
	is_int(state->connections, 0, "and is nothing of the worker's any more");
	say(a, "!");
	char c = 0;
	ok(recv(word.fd, &c, 1, MSG_DONTWAIT) == 1 && c == '!', "it is the very connection");
	turn();
	close(word.fd);
	is_str(hear(a), ".", "that nobody else holds");
	int b = peer();
	ask(b, GET("/b") GET("/slow"));
	turn();
	is_str(hear(b), "200</b> ", "behind another, too");
	ok(handover_receive(handover[0], &word) && word.fd >= 0, "it is handed over");
	close(word.fd);
	int d = peer();
	fault(SENDMSG, 1, EAGAIN, 0);
	ask(d, GET("/slow") GET("/d"));
	turn();
	is_str(hear(d), "503 200</d> ", "while nobody takes it over it is refused");
	ask(d, GET("/e") GET("/elsewhere"));
	turn();
	is_str(hear(d), "200</e> ", "what turns out to take its time isn't answered here");
	ok(handover_receive(handover[0], &word) && word.fd >= 0, "but handed over");
	close(word.fd);
	int e = peer();
	fault(SENDMSG, 1, EAGAIN, 0);
	ask(e, GET("/elsewhere") GET("/e"));
	turn();
	is_str(hear(e), "200</elsewhere> 200</e> ", "while nobody takes it over its first answer stands");
	stop();
}

/* Without a file left for the connection its bytes are no word of a pid. */
static void test_take(void)
{
	struct rlimit before, none;
	int lone[2], fd;
	need(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, lone) == 0);
	pid_t self = getpid();
	need(send(lone[1], &self, sizeof self, 0) == sizeof self);
	ok(handover_receive(lone[0], &word) && word.pid == self && word.fd == -1, "a word of a worker that takes no more");
	need(send(lone[1], "\x09" "bcde", 5, 0) == 5);
	ok(handover_receive(lone[0], &word) && word.pid == 0 && word.fd == -1, "other bytes are none");
	ok(word.peer.n == 4 && word.early.n == 0, "nor do they reach beyond their end");
	start(0);
	int a = peer();
	ask(a, GET("/slow"));
	getrlimit(RLIMIT_NOFILE, &before);
	need((fd = dup(0)) >= 0);
	none = (struct rlimit){ (rlim_t)fd, before.rlim_max };
	close(fd);
	setrlimit(RLIMIT_NOFILE, &none);
	bool taken = handover_receive(handover[0], &word);
	setrlimit(RLIMIT_NOFILE, &before);
	ok(taken && word.fd == -1 && word.pid == 0, "a connection for which no file is left is nothing");
	is_str(hear(a), ".", "and ends");
	close(lone[0]);
	close(lone[1]);
	ok(!handover_receive(lone[0], &word), "nor is there anything where nobody is");
	stop();
}

static void test_sigterm(void)
{
	start(0);
	int idle = peer(), half = peer(), reader = peer();
	fault(SEND, 1, 0, 10);
	ask(reader, GET("/a"));
	fault(SEND, 1, EAGAIN, 0);
	ask(half, "GET /half");
	kill(worker, SIGTERM);
	turn();
	ok(handover_receive(handover[0], &word) && word.pid == worker, "told to end it says that it takes no more");
	is_str(hear(idle), ".", "who says nothing is left at once");
	turns(2);
	is_str(hear(reader), "200</a> .", "who is being answered gets all of it");
	ask(half, " HTTP/1.1\r\nHost: a\r\n\r\n");
	ok(handover_receive(handover[0], &word) && word.fd >= 0, "who has begun is handed over once he is whole");
	peer_at(0);
	close(word.fd);
	hang_up(reader);
	turn();
	ok(here->returned, "when all are gone it returns");
	stop();
}

static void test_sighup(void)
{
	start(0);
	int idle = peer(), half = peer();
	ask(half, "GET /half");
	kill(worker, SIGHUP);
	turn();
	is_str(hear(idle), "", "told to leave it lets who says nothing be");
	fault(SENDMSG, 1, EAGAIN, 0);
	ask(idle, GET("/a"));
	is_str(hear(idle), "503 .", "if nobody takes him over he is refused");
	later(LEAVE);
	ok(!turn() && here->returned, "it doesn't wait for ever for who has begun");
	stop();
}

static void test_word_in_a_turn(void)
{
	start(0);
	here->raises = SIGHUP;
	turn();
	is_int(here->timeout, 0, "a word that comes in the middle of a turn is heard at once");
	turn();
	ok(handover_receive(handover[0], &word) && word.pid == worker, "and heeded");
	stop();
}

/* Who is woken by a connection, and may be about to leave, or full, must not be the only one. */
static void test_others_are_woken(void)
{
	const struct timespec moment = { .tv_nsec = 30000000 };
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int another = epoll_create1(0);
	start(0);
	turn();
	need(another >= 0 && epoll_ctl(another, EPOLL_CTL_ADD, listening[0], &event) == 0);
	here->really_waits = true;
	fault(ACCEPT, 1, EAGAIN, 0);
	let_go();
	nanosleep(&moment, NULL);
	peer_at(0);
	is_int(__real_epoll_wait(another, &event, 1, 0), 1, "a connection wakes all who wait for one");
	came_back();
	here->really_waits = false;
	turn();
	is_int(state->connections, 1, "who wants to takes it");
	close(another);
	stop();
}

static void test_change(void)
{
	start(0);
	int a = peer(), b = peer_at(1);
	ask(a, GET("/a"));
	is_str(hear(a), "200</a> ", "one request");
	here->changed = true;
	peer_at(0);
	ask(a, GET("/b"));
	is_int(here->answers, 1, "is all that is answered from files that have changed");
	ok(handover_receive(handover[0], &word) && word.pid == worker, "another is asked for");
	ok(handover_receive(handover[0], &word) && word.fd >= 0, "and gets what was open");
	is_int(state->connections, 1, "nobody is taken any more");
	close(word.fd);
	hang_up(b);
	ok(here->returned, "then it returns");
	stop();
}

static void test_rest(void)
{
	start(0);
	int a = peer();
	later(REST);
	is_int(here->rested, 0, "who did nothing needs no rest");
	ask(a, GET("/a"));
	later(REST - 1);
	is_int(here->rested, 0, "while requests come there is none");
	later(1);
	is_int(here->rested, 1, "after a second without one there is");
	later(REST);
	is_int(here->rested, 1, "once");
	ok(here->settled == here->left && state->busy_at > 0, "each turn ends the same way");
	stop();
}

/* What the requests of a turn will ask for is told at once, in so far as they are there to be read. */
static void test_expect(void)
{
	with_names = true;
	start(0);
	int a = peer(), b = peer(), c = peer();
	ask(a, GET("/n1"));
	is_int(here->expected, 0, "of one request nothing is told before");
	is_str(hear(a), "200</n1> ", "and it is answered");
	say(a, GET("/n2"));
	say(b, GET("/n3"));
	ask(c, GET("/other"));
	is_int(here->expected * 100 + here->told, 105, "of three that come together those are told that ask for something");
	is_str(hear(a), "200</n2> ", "each is answered");
	is_str(hear(b), "200</n3> ", "each is answered");
	is_str(hear(c), "200</other> ", "each is answered");
	say(a, GET("/n2"));
	ask(c, GET("/other"));
	is_int(here->expected, 1, "nor is one that asks for something among others");
	is_str(hear(a), "200</n2> ", "and it is answered");
	here->expect_fails = ERROR_BUSY;
	here->forgotten = 0;
	say(a, GET("/n2"));
	say(b, GET("/n3"));
	ask(c, GET("/other"));
	is_int(here->forgotten, 1, "what fails is undone");
	is_str(hear(a), "503 ", "and is the answer to those that asked for it");
	is_str(hear(b), "503 ", "to each of them");
	is_str(hear(c), "200</other> 200</other> ", "and to nobody else");
	here->expect_fails = ERROR_NONE;
	say(a, GET("/n2"));
	ask(b, GET("/n3"));
	is_str(hear(a), "200</n2> ", "their connections go on");
	is_str(hear(b), "200</n3> ", "both");
	here->expected = here->told = 0;
	say(a, GET("/n2"));
	int d = peer_at(0);
	ask(b, GET("/n3"));
	is_int(here->expected * 100 + here->told, 105, "a connection that comes with them asks for nothing");
	is_str(hear(a), "200</n2> ", "one is answered");
	is_str(hear(b), "200</n3> ", "and the other");
	ask(d, "GET /n4 HT");
	say(a, GET("/n2"));
	say(b, GET("/n3"));
	ask(d, "TP/1.1\r\nHost: a\r\n\r\n");
	is_int(here->expected * 100 + here->told, 210, "of a request that comes in two pieces nothing is told");
	is_str(hear(d), "200</n4> ", "but it is answered");
	is_str(hear(a), "200</n2> ", "beside the others");
	is_str(hear(b), "200</n3> ", "beside the others");
	say(a, GET("/n2"));
	say(b, GET("/n3"));
	hang_up(d);
	is_int(here->expected * 100 + here->told, 315, "who hangs up asks for nothing");
	stop();
	with_names = false;
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	here = shared(sizeof *here);
	state = shared(sizeof *state);
	is_int(worker_most(), WORKERS_MAX, "this host can have workers");
	test_requests();
	test_watched();
	test_keeps();
	test_expect();
	test_continue();
	test_half();
	test_time();
	test_many();
	test_ahead();
	test_memory_of_a_batch();
	test_slow_readers();
	test_recv();
	test_no_memory();
	test_accept();
	test_full();
	test_full_of_work();
	test_full_of_strangers();
	test_soft_limit();
	test_gone_before_asked();
	test_one_face();
	test_empty_line();
	test_without_listener();
	test_full_of_silence();
	test_few_files();
	test_fail();
	test_one_at_a_time();
	test_whole_batch_fails();
	test_fail_while_reading();
	test_whose();
	test_hand_over();
	test_take();
	test_sigterm();
	test_sighup();
	test_word_in_a_turn();
	test_others_are_woken();
	test_change();
	test_rest();
	return done_testing();
}

#else

int main(void)
{
	is_int(worker_most(), 0, "this host can't have workers");
	return done_testing();
}

#endif
