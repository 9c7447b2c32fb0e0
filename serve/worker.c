/*
 * worker: see worker.h.
 *
 * One turn of the loop takes what the kernel has ready: it reads each
 * connection, answers whole requests into memory, commits what they wrote in
 * one transaction, and only then sends the answers. So requests that queue
 * share a turn at the store, a write, and a sync if one needs it.
 *
 * What isn't quick is not done here. A connection whose request hashes a
 * password is handed to the starter, with the bytes that were read of it; a
 * process of its own goes on as under inetd. So is every request once
 * configuration or keys have changed on disk, until this process has ended and
 * a new one has its place: a retired key is refused at once.
 *
 * A slow or silent peer costs an entry in a list and the bytes that it sent,
 * no more; its time is one absolute deadline for each request. A fail() in a batch
 * is answered to all of the batch, whose transaction is undone.
 */
#include "serve/worker.h"

#include <string.h>

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 64,                    /* taken at once: so many requests share a commit at most */
	ROOM = LIMIT_HEAD + LIMIT_BODY + 8,
	CONNECTIONS = 16384,            /* and what RLIMIT_NOFILE leaves */
	SPARE_FILES = 32,               /* of it: the store's, the log's, the listening ones */
	KEEP_MS = 75000,                /* for the next request: longer than browsers keep an idle connection */
	LINGER_MS = 1000,               /* a refused peer has to stop sending */
	LEAVE_MS = 10000,               /* to finish what was begun when told to end */
	SWEEP_MS = 500,
	REST_MS = 1000,                 /* without a request, and the log is emptied for others */
	ARENA_MOST = 256 * 1024,        /* half of it: then the batch is closed */
	ACCEPTS = 32,                   /* at once, so that who is here already is served too */
	PEER_MAX = 48
};

enum { TOLD_TO_LEAVE = 1, TOLD_TO_END };

enum state {
	IDLE,           /* no byte of a request yet */
	READING,        /* some of one */
	AHEAD,          /* behind an answer there are bytes that were not looked at yet: it is in ahead[] */
	ANSWERED,       /* its answer waits for the commit */
	WRITING,        /* the peer takes it slowly */
	LINGERING,      /* all is sent; what still comes is thrown away */
	GONE            /* closed; its memory is freed when the turn is over, which may still speak of it */
};

struct connection {
	struct connection *next, *before;
	int fd;
	enum state state;
	bool keep, told;
	int64_t deadline;
	struct http_at at;
	struct slice peer;              /* in peer_text */
	char *in, *out;                 /* of malloc, only while there are bytes */
	size_t n, out_n, out_at;
	struct slice reply;             /* in the arena, until the batch is settled */
	enum face face;                 /* and method: the form of the reply, if it has to be another */
	enum method method;
	char peer_text[PEER_MAX];
};

static const struct worker_place *place;
static const struct worker_calls *calls;
static int loop = -1;
static struct connection *all, *gone;
static size_t connections, most;
static struct connection *answered[EVENTS];
static size_t batch;
static struct connection *ahead[EVENTS];        /* one for each that is answered at most: see take() */
static size_t aheads;
static char room[ROOM];
static int64_t clock_now, swept;
static bool accepting, leaving;
static volatile sig_atomic_t told;      /* by a signal */
static jmp_buf failed;
static enum error failure;

/* ---- connections ------------------------------------------------------- */

static bool watch(int operation, int fd, uint32_t events, void *what)
{
	struct epoll_event e = { .events = events, .data.ptr = what };
	if (epoll_ctl(loop, operation, fd, &e) == 0)
		return true;
	log_line("WO1", "epoll: ", strerror(errno), NULL);
	return false;
}

/*
 * The listening sockets stand in the loop by their place in the table. Without EPOLLEXCLUSIVE: one who is woken
 * alone and then takes nobody, since it is told to leave or full, would leave the others asleep.
 */
static void accept_or_not(bool now_on)
{
	if (now_on == accepting)
		return;
	accepting = now_on;
	for (size_t i = 0; i < place->count; i++)
		watch(now_on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, place->sockets[i], EPOLLIN,
			(void *)(uintptr_t)&place->sockets[i]);
}

static void drop_bytes(struct connection *c)
{
	free(c->in);
	c->in = NULL;
	c->n = 0;
	c->at = (struct http_at){ 0 };
}

static void end(struct connection *c)
{
	drop_bytes(c);
	free(c->out);
	close(c->fd);
	if (c->next)
		c->next->before = c->before;
	if (c->before)
		c->before->next = c->next;
	else
		all = c->next;
	c->state = GONE;
	c->next = gone;
	gone = c;
	connections--;
	accept_or_not(!leaving);
}

static void bury(void)
{
	while (gone) {
		struct connection *c = gone;
		gone = c->next;
		free(c);
	}
}

/* Somebody new is worth more than who is silent, and would be left first. NULL: nobody is silent. */
static struct connection *most_silent(void)
{
	struct connection *silent = NULL;
	for (struct connection *c = all; c; c = c->next)
		if (c->state == IDLE && (!silent || c->deadline < silent->deadline))
			silent = c;
	return silent;
}

static bool begin(int fd)
{
	int on = 1;
	struct connection *c = calloc(1, sizeof *c);
	if (!c || !watch(EPOLL_CTL_ADD, fd, EPOLLIN, c)) {
		free(c);
		return false;
	}
	struct slice peer = http_peer(fd);
	c->fd = fd;
	c->face = FACE_HTTP;
	c->peer = (struct slice){ c->peer_text, peer.n < PEER_MAX ? peer.n : PEER_MAX };
	memcpy(c->peer_text, peer.p, c->peer.n);
	c->deadline = clock_now + http_patience;
	c->next = all;
	if (all)
		all->before = c;
	all = c;
	connections++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return true;
}

/* One of those who wait. When nobody can be taken, the others wait until one here ends, or for the next sweep. */
static bool accept_one(int socket)
{
	struct connection *silent = connections < most ? NULL : most_silent();
	bool full = connections >= most && !silent;
	int fd = full ? -1 : accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (full || (fd < 0 && errno != EAGAIN))
		accept_or_not(false);
	if (fd < 0)
		return false;
	if (silent)
		end(silent);
	if (!begin(fd))
		close(fd);
	return true;
}

static void accept_some(int socket)
{
	for (int i = 0; i < ACCEPTS && !leaving; i++)
		if (!accept_one(socket))
			break;
}

/* ---- writing ----------------------------------------------------------- */

static void turn_to_reading(struct connection *c)
{
	c->state = c->n ? AHEAD : IDLE;
	c->told = false;
	c->deadline = clock_now + (c->n ? http_patience : KEEP_MS);
	if (c->n)
		ahead[aheads++] = c;
}

/* Closing with input unread would reset the connection, and the answer with it. */
static void linger(struct connection *c)
{
	shutdown(c->fd, SHUT_WR);
	drop_bytes(c);
	c->state = LINGERING;
	c->deadline = clock_now + LINGER_MS;
}

static void all_written(struct connection *c)
{
	free(c->out);
	c->out = NULL;
	if (c->keep && !leaving)
		turn_to_reading(c);
	else
		linger(c);
}

static void go_on_writing(struct connection *c)
{
	ssize_t put = send(c->fd, c->out + c->out_at, c->out_n - c->out_at, MSG_NOSIGNAL);
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put < 0) {
		end(c);
		return;
	}
	c->out_at += (size_t)put;
	if (c->out_at < c->out_n)
		return;
	watch(EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
	all_written(c);
}

/* What the socket doesn't take at once is kept until it does. */
static void keep_rest(struct connection *c, struct slice rest)
{
	c->out = malloc(rest.n);
	if (!c->out) {
		end(c);
		return;
	}
	memcpy(c->out, rest.p, rest.n);
	c->out_n = rest.n;
	c->out_at = 0;
	c->state = WRITING;
	c->deadline = clock_now + http_patience;
	watch(EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
}

static void send_reply(struct connection *c)
{
	ssize_t put = send(c->fd, c->reply.p, c->reply.n, MSG_NOSIGNAL);
	if (put < 0 && errno != EAGAIN && errno != EINTR) {
		end(c);
		return;
	}
	struct slice rest = slice_from(c->reply, put > 0 ? (size_t)put : 0);
	if (rest.n)
		keep_rest(c, rest);
	else
		all_written(c);
}

/* ---- answering --------------------------------------------------------- */

static void set_reply(struct connection *c, const struct request *rq, const struct reply *rp)
{
	struct buf out = { 0 };
	reply_put(&out, rq, rp);
	c->reply = buf_slice(&out);
	c->keep = rq->wire.keep;
}

static void refuse(struct connection *c, const struct request *rq, enum error e)
{
	struct reply rp = { 0 };
	calls->refuse(rq, e, &rp);
	set_reply(c, rq, &rp);
}

/* Its answer, whatever it will be, goes out with the batch; before anything that may fail(), so that it then has one. */
static void join_batch(struct connection *c)
{
	c->state = ANSWERED;
	answered[batch++] = c;
}

/* To a process of its own, by way of the starter. */
static bool hand_over(struct connection *c, struct slice bytes)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr head; } control = { { 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes.p, bytes.n };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room };
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &c->fd, sizeof(int));
	if (sendmsg(place->handover, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return false;
	watch(EPOLL_CTL_DEL, c->fd, 0, NULL);   /* closing alone doesn't: the connection lives on elsewhere */
	end(c);
	return true;
}

/* What is behind a request's bytes stays for the next. */
static bool store_bytes(struct connection *c, struct slice bytes)
{
	char *kept = bytes.n ? malloc(bytes.n) : NULL;
	if (bytes.n && !kept)
		return false;
	if (bytes.n)
		memcpy(kept, bytes.p, bytes.n);
	free(c->in);
	c->in = kept;
	c->n = bytes.n;
	return true;
}

static void tell_continue(struct connection *c)
{
	if (!c->told)
		(void)send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
	c->told = true;
}

/* The last of its batch is the one that is looked at. */
static void whole(struct connection *c, const struct request *rq, struct slice bytes, size_t used)
{
	struct reply rp = { 0 };
	bool elsewhere = leaving || calls->is_slow(rq);
	if (elsewhere && hand_over(c, bytes)) {
		batch--;
		return;
	}
	if (elsewhere) {
		refuse(c, rq, ERROR_BUSY);
	} else {
		calls->answer(rq, &rp);
		set_reply(c, rq, &rp);
	}
	c->at = (struct http_at){ 0 };
	if (!store_bytes(c, slice_from(bytes, used)))
		c->keep = false;
}

static void wait_for_more(struct connection *c, const struct request *rq, struct slice bytes)
{
	batch--;
	if (rq->wire.waits)
		tell_continue(c);
	if (c->n == 0)
		c->deadline = clock_now + http_patience;
	c->state = READING;
	if (!store_bytes(c, bytes))
		end(c);
}

/* A request that won't be whole: it ended, or its time did. */
static void refuse_half(struct connection *c, enum error e)
{
	const struct request half = { .wire.face = c->face };
	join_batch(c);
	refuse(c, &half, e);
	drop_bytes(c);
}

/* Looks at all that came of a connection's request so far. */
static void look(struct connection *c, struct slice bytes)
{
	struct http_taken t;
	join_batch(c);
	enum http_progress progress = http_take(bytes, &c->at, calls->rules, c->peer, &t);
	c->face = t.request.wire.face;
	c->method = t.request.method;
	if (progress == HTTP_WHOLE) {
		whole(c, &t.request, bytes, t.used);
	} else if (progress == HTTP_MORE) {
		wait_for_more(c, &t.request, bytes);
	} else {
		refuse(c, &t.request, t.error);
		drop_bytes(c);
	}
}

static void read_some(struct connection *c)
{
	if (c->n)
		memcpy(room, c->in, c->n);
	ssize_t got = recv(c->fd, room + c->n, ROOM - c->n, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		look(c, (struct slice){ room, c->n + (size_t)got });
	else if (got == 0 && c->state == READING)
		refuse_half(c, ERROR_BAD_REQUEST);
	else
		end(c);
}

static void throw_away(struct connection *c)
{
	ssize_t got = recv(c->fd, room, ROOM, 0);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		end(c);
}

/* ---- the loop ---------------------------------------------------------- */

static void on_failure(enum error e)
{
	failure = e;
	on_fail(on_failure);
	longjmp(failed, 1);
}

/* Nothing of it was committed, or that is what the failure says; so nobody is told anything else. What was built is thrown
 * away first: memory may be what failed. */
static void undo_batch(size_t mark)
{
	calls->forget();
	arena_back(mark);
	for (size_t i = 0; i < batch; i++) {
		struct request asked = { .wire.face = answered[i]->face, .method = answered[i]->method };
		drop_bytes(answered[i]);
		refuse(answered[i], &asked, failure);
	}
}

static void send_batch(void)
{
	for (size_t i = 0; i < batch; i++)
		send_reply(answered[i]);
	batch = 0;
}

static void close_batch(bool resting, size_t mark)
{
	if (setjmp(failed) == 0)
		calls->settle();
	else
		undo_batch(mark);
	send_batch();
	if (setjmp(failed) == 0)
		calls->leave(resting);
	else
		calls->forget();
	arena_back(mark);
	bury();
}

static void react(const struct epoll_event *event)
{
	struct connection *c = event->data.ptr;
	for (size_t i = 0; i < place->count; i++)
		if (event->data.ptr == (const void *)&place->sockets[i]) {
			accept_some(place->sockets[i]);
			return;
		}
	if (c->state == WRITING)
		go_on_writing(c);
	else if (c->state == LINGERING)
		throw_away(c);
	else if (c->state == IDLE || c->state == READING)
		read_some(c);
}

static void look_ahead(void)
{
	struct connection *c = ahead[0];
	aheads--;
	for (size_t i = 0; i < aheads; i++)
		ahead[i] = ahead[i + 1];
	memcpy(room, c->in, c->n);
	look(c, (struct slice){ room, c->n });
}

/* Past its deadline: half a request is told so, all else is closed; and who couldn't be accepted may be now. */
static void sweep(void)
{
	swept = clock_now;
	for (struct connection *c = all, *next; c; c = next) {
		next = c->next;
		bool over = c->deadline <= clock_now || (told == TOLD_TO_END && c->state == IDLE);
		if (!over || c->state == ANSWERED || c->state == AHEAD)
			continue;
		if (c->state != READING)
			end(c);
		else if (batch + aheads < EVENTS)
			refuse_half(c, ERROR_REQUEST_TIMEOUT);
	}
	accept_or_not(!leaving);
}

static bool arena_has_room(size_t mark)
{
	return arena_mark() - mark < ARENA_MOST;
}

/*
 * What is not taken now, in a full batch or behind a fail(), the kernel tells of again. An event adds one to
 * the batch or to ahead[], and each of the batch may be ahead[] afterwards; so neither gets more than EVENTS.
 */
static void take(const struct epoll_event *events, int count, size_t mark)
{
	static int at;
	at = 0;
	if (setjmp(failed) != 0) {
		undo_batch(mark);
		return;
	}
	while (aheads && arena_has_room(mark))
		look_ahead();
	while (at < count && batch + aheads < EVENTS && arena_has_room(mark))
		react(&events[at++]);
	if (clock_now - swept >= SWEEP_MS || leaving)
		sweep();
}

static void leave_place(void)
{
	if (leaving)
		return;
	leaving = true;
	accept_or_not(false);
	const pid_t self = getpid();
	(void)send(place->handover, &self, sizeof self, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * Signals aren't blocked while there is work: epoll_pwait(2) lets none through where there are events, so who is
 * kept busy would never be told. A word that comes right before the wait is heard a sweep later.
 */
static void on_word(int signal)
{
	told = signal == SIGTERM ? TOLD_TO_END : TOLD_TO_LEAVE;
}

/* Connections that there are files for; one at least. */
static size_t places(void)
{
	struct rlimit files = { 0 };
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur > SPARE_FILES + CONNECTIONS)
		return CONNECTIONS;
	return files.rlim_cur > SPARE_FILES ? (size_t)files.rlim_cur - SPARE_FILES : 1;
}

static void start(void)
{
	struct sigaction action = { .sa_handler = on_word, .sa_flags = SA_RESTART };
	loop = epoll_create1(EPOLL_CLOEXEC);
	most = places();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGINT, SIG_IGN);        /* a terminal sends it to all of us; the starter says what it means */
	on_fail(on_failure);
	accept_or_not(true);
}

static void turn(size_t mark, int64_t *rested)
{
	struct epoll_event events[EVENTS];
	bool at_once = aheads || (told && !leaving);
	int count = epoll_wait(loop, events, EVENTS, at_once ? 0 : SWEEP_MS);
	clock_now = now_ms();
	if (told || !calls->is_current())
		leave_place();
	take(events, count, mark);
	if (batch)
		*rested = clock_now;
	bool resting = !batch && *rested && clock_now - *rested >= REST_MS;
	close_batch(resting, mark);
	if (resting)
		*rested = 0;
}

size_t worker_most(void)
{
	return WORKERS_MAX;
}

void worker_run(const struct worker_place *where, const struct worker_calls *what)
{
	int64_t rested = 0, until = INT64_MAX;
	place = where;
	calls = what;
	start();
	size_t mark = arena_mark();
	while ((!leaving || connections) && clock_now < until) {
		turn(mark, &rested);
		place->state->connections = (int64_t)connections;
		if (connections)
			place->state->busy_at = now_boot();
		if (leaving && until == INT64_MAX)
			until = clock_now + LEAVE_MS;
	}
	on_fail(NULL);
}

/* ---- the starter's side ------------------------------------------------ */

bool worker_take(int socket, struct worker_word *word)
{
	static char bytes[ROOM];
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec part = { bytes, sizeof bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*word = (struct worker_word){ .fd = -1 };
	if (n <= 0)
		return false;
	const struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	if (rights)
		memcpy(&word->fd, CMSG_DATA(rights), sizeof(int));
	else if (n == sizeof word->pid)
		memcpy(&word->pid, bytes, sizeof word->pid);
	word->early = (struct slice){ bytes, (size_t)n };
	return true;
}

#else

size_t worker_most(void)
{
	return 0;
}

void worker_run(const struct worker_place *where, const struct worker_calls *what)
{
	(void)where, (void)what;
}

bool worker_take(int socket, struct worker_word *word)
{
	(void)socket;
	*word = (struct worker_word){ .fd = -1 };
	return false;
}

#endif
