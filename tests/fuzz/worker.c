/*
 * The loop of a worker with several connections: any order of connecting, speaking in pieces, hanging up and letting time go by,
 * some requests failing, some filling memory, some commits failing. Whatever one of them does, each answer is that of its own
 * request, in order; and only a request that fails by itself is answered with that error.
 *
 * Two bytes are a step: what happens, to whom, and how much of it. The worker's epoll_wait() and clock are ours (fuzz.mk).
 */
#include "fuzz.h"
#include "serve/connection.h"
#include "serve/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

const bool fuzz_starves = false;        /* the worker handles fail() itself */

enum { CLIENTS = 5, ASKED = 24, ROOM = 16384, PATIENCE = 10000, ENOUGH = 40 };

/* What a request is for; the order of `kinds`. */
enum kind { GOOD, WITH_BODY, FAILS, BIG, FAILS_ALONE, GARBAGE };

static const char *const kinds[] = {
	"GET /g%d HTTP/1.1\r\nHost: a\r\n\r\n", "POST /g%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
	"GET /f%d HTTP/1.1\r\nHost: a\r\n\r\n", "GET /b%d HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a%d HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /%d HTTP/1.1\n",
};

struct client {
	int fd;                         /* -1: none */
	bool blameless;                 /* it has spoken whole requests, in time */
	bool shut;
	enum kind asked[ASKED];
	int id[ASKED], count;
	char queue[4096], heard[ROOM];
	size_t queued, sent, n;
};

static struct client clients[CLIENTS];
static struct slice script;
static int64_t fake_now;
static int last_id, waits, failing;     /* `failing`: a batch runs again, one request at a time */
static bool settle_fails, over;
static struct sockaddr_un name = { .sun_family = AF_UNIX };
static socklen_t name_size = sizeof name;
static int listening, handover[2];

int __real_epoll_wait(int fd, struct epoll_event *events, int most, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int timeout);
int64_t __wrap_now_ms(void);

int64_t __wrap_now_ms(void)
{
	return fake_now;
}

/* ---- what serve.c would do --------------------------------------------- */

static void answer(const struct request *rq, struct reply *rp)
{
	char kind = rq->path.n > 1 ? rq->path.p[1] : 0;
	if (kind == 'f' || (kind == 'a' && failing))
		fail(ERROR_STORE_UNAVAILABLE, "T1", "told to", NULL);
	if (kind == 'b')
		memset(arena(100 * 1024), 'b', 100 * 1024);
	*rp = (struct reply){ .status = 200, .type = "text/plain" };
	buf_add(&rp->body, rq->path);
	buf_add(&rp->body, rq->body);
}

static void refuse(const struct request *rq, enum error e, struct reply *rp)
{
	(void)rq;
	reply_plain(rp, errors[e].status);
}

static bool is_slow(const struct request *rq) { (void)rq; return false; }
static bool is_current(void) { return true; }
static void forget(void) { failing = 1; }
static void leave(bool resting) { (void)resting; failing = 0; }
/* Now and then; never what was given up. */
static bool keeps(void) { return !failing && waits % 2; }

static void settle(void)
{
	if (!settle_fails || failing)   /* a request whose own commit fails would rightly be told so */
		return;
	settle_fails = false;
	fail(ERROR_STORE_UNAVAILABLE, "T2", "told to", NULL);
}

static const struct http_rules rules = { .base_path = { "", 0 } };
static const struct worker_calls calls = {
	.rules = &rules, .answer = answer, .refuse = refuse, .is_slow = is_slow, .is_current = is_current,
	.settle = settle, .leave = leave, .keeps = keeps, .forget = forget,
};

/* ---- clients ----------------------------------------------------------- */

static void hear(struct client *c)
{
	ssize_t got;
	while (c->fd >= 0 && c->n < ROOM && (got = recv(c->fd, c->heard + c->n, ROOM - c->n, MSG_DONTWAIT)) > 0)
		c->n += (size_t)got;
}

static void come(struct client *c)
{
	if (c->fd >= 0)
		return;
	*c = (struct client){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .blameless = true };
	HOLDS(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&name, name_size) == 0);
}

static void ask(struct client *c, unsigned what)
{
	enum kind kind = what % (sizeof kinds / sizeof *kinds);
	if (c->fd < 0 || c->shut || c->count == ASKED || c->queued + 100 > sizeof c->queue)
		return;
	c->asked[c->count] = kind;
	c->id[c->count++] = ++last_id;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	c->queued += (size_t)snprintf(c->queue + c->queued, 100, kinds[kind], last_id);
#pragma GCC diagnostic pop
}

static void speak(struct client *c, size_t most)
{
	size_t n = c->queued - c->sent < most ? c->queued - c->sent : most;
	if (c->fd >= 0 && n && !c->shut && send(c->fd, c->queue + c->sent, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n)
		c->sent += n;
}

/* An answer of c's, from *at on; false where there is no whole one. */
static bool next_answer(const struct client *c, size_t *at, int *status, struct slice *body, bool *last)
{
	struct slice rest = { c->heard + *at, c->n - *at };
	size_t n = 0;
	while (n + 4 <= rest.n && memcmp(rest.p + n, "\r\n\r\n", 4) != 0)
		n++;
	if (n + 4 > rest.n)
		return false;
	char head[1024];
	HOLDS(n < sizeof head && slice_starts(rest, S("HTTP/1.1 ")));
	memcpy(head, rest.p, n);
	head[n] = 0;
	const char *length = strstr(head, "Content-Length: ");
	size_t size = length ? (size_t)atoi(length + 16) : 0;
	*status = atoi(head + 9);
	*last = strstr(head, "Connection: close") != NULL;
	if (n + 4 + size > rest.n)
		return false;
	*body = (struct slice){ rest.p + n + 4, size };
	*at += n + 4 + size;
	return true;
}

/* Each answer is its request's, and only what fails by itself is told so. */
static void check_answer(const struct client *c, int i, int status, struct slice body)
{
	enum kind kind = c->asked[i];
	char want[32];
	int n = snprintf(want, sizeof want, "/%c%d%s", kind == BIG ? 'b' : kind == FAILS_ALONE ? 'a' : 'g', c->id[i], kind == WITH_BODY ? "abc" : "");
	if (status == 200)
		HOLDS(kind != FAILS && kind != GARBAGE && slice_is(body, (struct slice){ want, (size_t)n }));
	else if (status == 503)
		HOLDS(kind == FAILS || kind == FAILS_ALONE || over);
	else if (status == 400)
		HOLDS(kind == GARBAGE || c->shut);
	else
		HOLDS(status == 408 && !c->blameless);
}

static void check_client(struct client *c)
{
	size_t at = 0;
	int i = 0, status;
	bool last = false;
	struct slice body;
	while (!last && next_answer(c, &at, &status, &body, &last)) {
		HOLDS(i < c->count || (status == 408 && !c->blameless) || (status == 400 && c->shut));
		if (i < c->count)
			check_answer(c, i, status, body);
		i++;
	}
	HOLDS(!last || at == c->n);
	HOLDS(last || !c->blameless || c->sent < c->queued || i == c->count);
}

static void part(struct client *c)
{
	hear(c);
	c->blameless = false;
	check_client(c);
	close(c->fd);
	c->fd = -1;
}

/* ---- the script -------------------------------------------------------- */

/* A step. True: the worker has its turn now. */
static bool act(unsigned what, unsigned much)
{
	struct client *c = &clients[what / 8 % CLIENTS];
	switch (what % 8) {
	case 0: come(c); return false;
	case 1: ask(c, much); return false;
	case 2: speak(c, much); return false;
	case 3: ask(c, much); speak(c, sizeof c->queue); return false;
	case 4:
		if (c->fd >= 0 && much % 4 == 0)
			part(c);
		else if (c->fd >= 0 && much % 4 == 1)
			c->shut = shutdown(c->fd, SHUT_WR) == 0;
		else
			settle_fails = true;
		return false;
	case 5: hear(c); return false;
	case 6: fake_now += much * 100; return true;
	default: return true;
	}
}

/* At the script's end everybody says what is left, and is answered; then the worker is told to end, and time goes by. */
static void end(void)
{
	for (struct client *c = clients; c < clients + CLIENTS; c++) {
		speak(c, sizeof c->queue);
		hear(c);
	}
	if (++waits < ENOUGH)
		return;
	if (!over)
		for (struct client *c = clients; c < clients + CLIENTS; c++)
			if (c->fd >= 0)
				check_client(c);
	over = true;
	fake_now += 1000;
	raise(SIGTERM);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	int64_t before = fake_now;
	bool turn = false;
	(void)timeout;
	while (!turn && script.n >= 2) {
		turn = act((unsigned char)script.p[0], (unsigned char)script.p[1]);
		script = slice_from(script, 2);
	}
	if (script.n < 2)
		end();
	for (struct client *c = clients; c < clients + CLIENTS; c++)
		c->blameless &= fake_now == before;
	return __real_epoll_wait(fd, events, most, 0);
}

void fuzz_start(void)
{
	http_patience = PATIENCE;
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* A name that the kernel chooses. */
	HOLDS(bind(listening, (struct sockaddr *)&name, sizeof name.sun_family) == 0 && listen(listening, 64) == 0
		&& getsockname(listening, (struct sockaddr *)&name, &name_size) == 0
		&& socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, handover) == 0);
}

void fuzz_one(struct slice in)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	struct sigaction before[3];
	struct worker_state state = { 0 };
	struct worker_place place = { .sockets = { listening }, .count = 1, .handover = handover[1], .state = &state };
	char word[64];
	script = in;
	fake_now = 1000000;
	last_id = waits = failing = 0;
	settle_fails = over = false;
	for (struct client *c = clients; c < clients + CLIENTS; c++)
		*c = (struct client){ .fd = -1 };
	for (size_t i = 0; i < 3; i++)
		sigaction(signals[i], NULL, &before[i]);
	worker_run(&place, &calls);
	for (size_t i = 0; i < 3; i++)
		sigaction(signals[i], &before[i], NULL);
	while (connections_first())
		connection_close(connections_first());
	connections_free_closed();
	close(connections_loop());
	while (recv(handover[0], word, sizeof word, MSG_DONTWAIT) > 0)
		;
	for (struct client *c = clients; c < clients + CLIENTS; c++)
		if (c->fd >= 0)
			part(c);
	for (int fd; (fd = accept(listening, NULL, NULL)) >= 0;)
		close(fd);
}
