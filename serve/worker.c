/*
 * worker: see worker.h.
 *
 * One turn of the loop takes the events that the kernel has ready: it reads each connection, answers complete requests into
 * memory, commits what they wrote in one transaction, and only then sends the answers. So requests that come together share a
 * turn at the store, a write, and a sync if one needs it.
 *
 * A worker does nothing that is slow. A connection whose request hashes a password is handed over to the listener, with the
 * bytes that were read of it; a process of its own then answers as under inetd. The same happens to every request once
 * configuration or keys have changed on disk, until this process has ended and a new one has its slot: so a retired key is
 * refused at once.
 *
 * A slow or silent client costs an entry in a list and the bytes that it sent, no more; its time is one absolute deadline for
 * each request. After a fail() the transaction of the batch is undone, and its requests run again, one at a time: only a
 * request that fails by itself gets that error. Where the store is full, busy, or may have committed, everybody in the batch
 * gets it: it would befall each of them.
 */
#include "serve/worker.h"

#include "serve/connection.h"
#include "serve/handover.h"

#include <string.h>

#ifdef __linux__

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 64,                    /* taken at once: so many requests share a commit at most */
	ROOM = HANDOVER_ROOM,
	KEEP_MS = 75000,                /* for the next request: longer than browsers keep an idle connection */
	LINGER_MS = 1000,               /* a refused client has to stop sending */
	LEAVE_MS = 10000,               /* to finish what was begun when told to end */
	SWEEP_MS = 500,
	KEPT_MS = 1,                    /* so long the next request may take, while the store is kept for it */
	REST_MS = 1000,                 /* after so long without a request the log is emptied for other processes */
	ARENA_MOST = 256 * 1024,        /* then the batch is closed; what one request may take beyond it there is (memory_test.c) */
	ACCEPTS = 32,                   /* of one socket at once, so that open connections are served too */
	ALONE_FAILURES = 8              /* of requests that run again: after so many the rest isn't tried */
};

static const struct worker_place *place;
static const struct worker_calls *calls;
static struct connection *batch[EVENTS];        /* these are answered with the next commit */
static size_t batch_size;
static struct connection *pipelined[EVENTS];    /* one for each of the batch at most: take_events() */
static size_t pipelined_count;
static char room[ROOM];
static int64_t clock_now, swept;
static bool accepting;
static bool kept;                       /* the store, from one turn of the loop to the next */
static bool leaving;                    /* no new connections; those that are open are served to their end */
static volatile sig_atomic_t signalled; /* SIGHUP or SIGTERM */
static jmp_buf failed;
static enum error failure;
static enum error unexpected;           /* why what this turn's requests ask for can't be had; ERROR_NONE: it can */

/* ---- connections ------------------------------------------------------- */

/*
 * A listening socket's event carries the address of its entry in place->sockets. Not with EPOLLEXCLUSIVE: the kernel would
 * wake one worker alone, and if that one is full or about to end, the others would sleep on.
 */
static void set_accepting(bool on)
{
	if (on == accepting)
		return;
	accepting = on;
	for (size_t i = 0; i < place->count; i++)
		connections_watch(on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, place->sockets[i], EPOLLIN,
			(void *)(uintptr_t)&place->sockets[i]);
}

static void close_connection(struct connection *c)
{
	connection_close(c);
	set_accepting(!leaving);
}

/* When no connection can be taken, the socket isn't looked at until one here is closed, or until the next sweep. */
static bool accept_connection(int socket)
{
	struct connection *replaced = connections_are_full() ? connections_replaceable() : NULL;
	bool full = connections_are_full() && !replaced;
	int fd = full ? -1 : accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (full || (fd < 0 && errno != EAGAIN))
		set_accepting(false);
	if (fd < 0)
		return false;
	if (replaced)
		close_connection(replaced);
	if (!connection_open(fd, clock_now + http_patience))
		close(fd);
	return true;
}

static void accept_some(int socket)
{
	for (int i = 0; i < ACCEPTS && !leaving; i++)
		if (!accept_connection(socket))
			break;
}

/* ---- writing ----------------------------------------------------------- */

/* An empty line, or half of one, begins no request: who sent it behind the last one is idle. */
static bool has_begun(const char *bytes, size_t n)
{
	return !slice_starts(S("\r\n"), (struct slice){ bytes, n });
}

static void wait_for_next(struct connection *c)
{
	bool begun = has_begun(c->in, c->n);
	c->state = begun ? PIPELINED : IDLE;
	c->continued = false;
	c->deadline = clock_now + (begun ? http_patience : KEEP_MS);
	if (begun)
		pipelined[pipelined_count++] = c;
}

/* Closing a socket with input unread resets the connection, and the client may lose the answer. */
static void linger(struct connection *c)
{
	shutdown(c->fd, SHUT_WR);
	connection_drop_bytes(c);
	c->state = LINGERING;
	c->deadline = clock_now + LINGER_MS;
}

static void all_written(struct connection *c)
{
	free(c->out);
	c->out = NULL;
	if (c->keep && !leaving)
		wait_for_next(c);
	else
		linger(c);
}

static void continue_writing(struct connection *c)
{
	ssize_t put = send(c->fd, c->out + c->out_at, c->out_n - c->out_at, MSG_NOSIGNAL);
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put < 0) {
		close_connection(c);
		return;
	}
	c->out_at += (size_t)put;
	if (c->out_at < c->out_n)
		return;
	connections_watch(EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLRDHUP, c);
	all_written(c);
}

/* What the socket doesn't take at once is kept until it does. */
static void keep_rest(struct connection *c, struct slice rest)
{
	c->out = malloc(rest.n);
	if (!c->out) {
		close_connection(c);
		return;
	}
	memcpy(c->out, rest.p, rest.n);
	c->out_n = rest.n;
	c->out_at = 0;
	c->state = WRITING;
	c->deadline = clock_now + http_patience;
	connections_watch(EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
}

static void send_or_keep(struct connection *c)
{
	connection_forget_request(c);
	ssize_t put = send(c->fd, c->reply.p, c->reply.n, MSG_NOSIGNAL);
	if (put < 0 && errno != EAGAIN && errno != EINTR) {
		close_connection(c);
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

static void refuse_request(struct connection *c, const struct request *rq, enum error e)
{
	struct reply rp = { 0 };
	calls->refuse(rq, e, &rp);
	set_reply(c, rq, &rp);
}

/* Adds c to the batch. Must come before any call that may fail(): undo_batch() answers only connections in the batch. */
static void join_batch(struct connection *c)
{
	c->state = ANSWERED;
	batch[batch_size++] = c;
}

/* Takes the last one out of the batch again: it has no answer yet. */
static void leave_batch(void)
{
	batch_size--;
}

/* Sends the connection to the listener, which starts a process for it. */
static bool hand_over(struct connection *c, struct slice bytes)
{
	if (!handover_send(place->handover, c->fd, c->peer, bytes))
		return false;
	connections_watch(EPOLL_CTL_DEL, c->fd, 0, NULL);   /* close() alone doesn't do it: the other process still has the connection */
	close_connection(c);
	return true;
}

static void tell_continue(struct connection *c)
{
	if (!c->continued)
		(void)send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
	c->continued = true;
}

/* Answers a complete request, or hands it over. False: it has no answer from here. */
static bool answer_or_hand_over(struct connection *c, const struct http_taken *taken, struct slice bytes)
{
	const struct request *rq = &taken->request;
	struct reply rp = { 0 };
	bool elsewhere = leaving || calls->is_slow(rq);
	if (elsewhere && hand_over(c, bytes))
		return false;
	if (elsewhere || (c->expected && unexpected)) {
		refuse_request(c, rq, elsewhere ? ERROR_BUSY : unexpected);
	} else {
		calls->answer(rq, &rp);
		if (rp.elsewhere && hand_over(c, bytes))
			return false;
		set_reply(c, rq, &rp);
	}
	c->at = (struct http_at){ .lines_alone = true };
	if (!connection_keep_bytes(c, slice_from(bytes, taken->used)))
		c->keep = false;
	return true;
}

static void wait_for_more(struct connection *c, const struct request *rq, struct slice bytes)
{
	if (rq->wire.waits)
		tell_continue(c);
	bool begun = has_begun(bytes.p, bytes.n);
	if (begun && !has_begun(bytes.p, c->n))
		c->deadline = clock_now + http_patience;
	c->state = begun ? READING : IDLE;
	if (!connection_keep_bytes(c, bytes))
		close_connection(c);
}

static void refuse_and_forget(struct connection *c, const struct request *rq, enum error e)
{
	refuse_request(c, rq, e);
	connection_drop_bytes(c);
}

/* A request that won't be complete: the client or its time is at the end. */
static void refuse_incomplete(struct connection *c, enum error e)
{
	const struct request half = { .wire.face = c->face };
	join_batch(c);
	c->wrong = e;
	refuse_and_forget(c, &half, e);
}

/* Who waits for the answer. */
static void is_for(struct request *rq, const struct connection *c)
{
	rq->wire.client = c->fd;
	rq->wire.watched = c->watched;
	rq->wire.shared = true;
	rq->wire.read_at = clock_now;
}

/* Looks at all that has come of a connection's request. */
static void look(struct connection *c, struct slice bytes)
{
	struct http_taken taken;
	join_batch(c);
	enum http_progress progress = http_take(bytes, &c->at, calls->rules, c->peer, &taken);
	c->wrong = taken.error;
	c->face = taken.request.wire.face;
	c->method = taken.request.method;
	is_for(&taken.request, c);
	if (progress == HTTP_WHOLE)
		connection_keep_request(c, (struct slice){ bytes.p, taken.used });
	if (progress == HTTP_WRONG) {
		refuse_and_forget(c, &taken.request, taken.error);
	} else if (progress == HTTP_MORE) {
		leave_batch();
		wait_for_more(c, &taken.request, bytes);
	} else if (!answer_or_hand_over(c, &taken, bytes)) {
		leave_batch();
	}
}

static void read_connection(struct connection *c)
{
	if (c->n)
		memcpy(room, c->in, c->n);
	ssize_t got = recv(c->fd, room + c->n, ROOM - c->n, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		look(c, (struct slice){ room, c->n + (size_t)got });
	else if (got == 0 && c->state == READING)
		refuse_incomplete(c, ERROR_BAD_REQUEST);
	else
		close_connection(c);
}

static void throw_away(struct connection *c)
{
	ssize_t got = recv(c->fd, room, ROOM, 0);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		close_connection(c);
}

/* ---- the loop ---------------------------------------------------------- */

static void on_failure(enum error e)
{
	failure = e;
	on_fail(on_failure);
	longjmp(failed, 1);
}

/* Runs a request again, by itself. Its connection is closed afterwards: what came behind the request may be lost. */
static void answer_alone(struct connection *c)
{
	struct http_at at = { 0 };
	struct http_taken taken;
	struct reply rp = { 0 };
	(void)http_take(c->asked, &at, calls->rules, c->peer, &taken);
	taken.request.wire.keep = false;
	is_for(&taken.request, c);
	calls->answer(&taken.request, &rp);
	calls->settle();
	set_reply(c, &taken.request, &rp);
	connection_drop_bytes(c);
}

/*
 * Nothing of the batch was committed, or the failure itself says that it may have been. What was built is thrown away first:
 * memory may be what failed.
 */
static void undo_batch(size_t mark)
{
	static size_t i, failures;
	/* Only these may be one request's own: its memory, its rows. */
	const bool alone = failure == ERROR_STORE_UNAVAILABLE || failure == ERROR_INTERNAL;
	failures = 0;
	calls->forget();
	for (i = 0; i < batch_size; i++) {
		const struct request asked = { .wire.face = batch[i]->face, .method = batch[i]->method };
		arena_back(mark);
		if (alone && batch[i]->asked.p && failures < ALONE_FAILURES) {
			if (setjmp(failed) == 0) {
				answer_alone(batch[i]);
				send_or_keep(batch[i]);
				continue;
			}
			failures++;
			calls->forget();
			arena_back(mark);
		}
		refuse_and_forget(batch[i], &asked, batch[i]->wrong ? batch[i]->wrong : failure);
		send_or_keep(batch[i]);
	}
	batch_size = 0;
}

static void send_batch(void)
{
	for (size_t i = 0; i < batch_size; i++)
		send_or_keep(batch[i]);
	batch_size = 0;
}

static void leave_store(bool resting)
{
	if (setjmp(failed) == 0)
		calls->leave(resting);
	else
		calls->forget();
}

static void close_batch(bool resting, size_t mark)
{
	bool answered = batch_size;
	if (setjmp(failed) == 0)
		calls->settle();
	else
		undo_batch(mark);
	send_batch();
	kept = answered && !leaving && calls->keeps();
	if (!kept)
		leave_store(resting);
	arena_back(mark);
	connections_forget_requests();
	connections_free_closed();
}

/* Takes no more connections, and tells the listener so. */
static void leave(void)
{
	if (leaving)
		return;
	leaving = true;
	set_accepting(false);
	handover_send_leaving(place->handover);
}

/* The listener sends nothing, so it has ended: then nobody takes what is handed over, and nobody could end this worker. */
static void lose_listener(void)
{
	connections_watch(EPOLL_CTL_DEL, place->handover, 0, NULL);
	leave();
}

/* The listening socket that an event is of; NULL: it is of something else. */
static const int *socket_of(const struct epoll_event *event)
{
	for (size_t i = 0; i < place->count; i++)
		if (event->data.ptr == (const void *)&place->sockets[i])
			return &place->sockets[i];
	return NULL;
}

/* The connection that has something to be read; NULL: none. */
static struct connection *reader_of(const struct epoll_event *event)
{
	struct connection *c = event->data.ptr;
	if (event->data.ptr == (const void *)&place->handover || socket_of(event))
		return NULL;
	return c->state == IDLE || c->state == READING ? c : NULL;
}

/* Looks at what is there to be read, and leaves it there. */
static uint64_t peek(int fd)
{
	ssize_t got = recv(fd, room, ROOM, MSG_PEEK);
	return got > 0 ? calls->names((struct slice){ room, (size_t)got }) : 0;
}

static void expect(const struct epoll_event *events, int count)
{
	uint64_t id[EVENTS];
	size_t n = 0;
	for (int i = 0; i < count; i++) {
		struct connection *c = reader_of(&events[i]);
		id[n] = c ? peek(c->fd) : 0;
		if (c)
			c->expected = id[n];
		n += id[n] != 0;
	}
	if (n > 1)
		calls->expect(id, n);
}

/* Each request would wait for what one has waited for in vain: they are told at once. */
static void expect_batch(const struct epoll_event *events, int count, size_t mark)
{
	unexpected = ERROR_NONE;
	if (!calls->names || count < 2)
		return;
	if (setjmp(failed) == 0) {
		expect(events, count);
		return;
	}
	unexpected = failure;
	calls->forget();
	arena_back(mark);
}

static void react(const struct epoll_event *event)
{
	struct connection *c = event->data.ptr;
	const int *socket = socket_of(event);
	if (event->data.ptr == (const void *)&place->handover) {
		lose_listener();
		return;
	}
	if (socket) {
		accept_some(*socket);
		return;
	}
	c->watched = !(event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
	if (c->state == WRITING)
		continue_writing(c);
	else if (c->state == LINGERING)
		throw_away(c);
	else if (c->state == IDLE || c->state == READING)
		read_connection(c);
}

static void look_at_pipelined(void)
{
	struct connection *c = pipelined[0];
	pipelined_count--;
	for (size_t i = 0; i < pipelined_count; i++)
		pipelined[i] = pipelined[i + 1];
	memcpy(room, c->in, c->n);
	c->watched = false;
	look(c, (struct slice){ room, c->n });
}

/*
 * Connections past their deadline: an incomplete request gets its 408, all others are closed. Then there may be room for
 * those that couldn't be accepted.
 */
static void sweep(void)
{
	swept = clock_now;
	for (struct connection *c = connections_first(), *next; c; c = next) {
		next = c->next;
		bool over = c->deadline <= clock_now || (signalled == SIGTERM && c->state == IDLE);
		if (!over || c->state == ANSWERED || c->state == PIPELINED)
			continue;
		if (c->state != READING)
			close_connection(c);
		else if (batch_size + pipelined_count < EVENTS)
			refuse_incomplete(c, ERROR_REQUEST_TIMEOUT);
	}
	set_accepting(!leaving);
}

static bool arena_has_room(size_t mark)
{
	return arena_mark() - mark < ARENA_MOST;
}

/*
 * Events left over (batch full, or a fail()) aren't lost: epoll reports them again. An event adds at most one entry to the
 * batch or to pipelined[], and a connection of the batch moves to pipelined[] at most once, so neither array exceeds EVENTS.
 */
static void take_events(const struct epoll_event *events, int count, size_t mark)
{
	static int at;
	at = 0;
	if (setjmp(failed) != 0) {
		undo_batch(mark);
		return;
	}
	while (pipelined_count && arena_has_room(mark))
		look_at_pipelined();
	while (at < count && batch_size + pipelined_count < EVENTS && arena_has_room(mark))
		react(&events[at++]);
	if (clock_now - swept >= SWEEP_MS || leaving)
		sweep();
}

/*
 * Signals aren't blocked outside the wait, as the listener's are: epoll_pwait(2) lets none through while there are events,
 * so a busy worker would never see one. A signal that comes just before the wait is noticed a sweep later.
 */
static void on_signal(int signal)
{
	signalled = signal;
}

static void start(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	connections_start();
	leaving = accepting = kept = false;
	signalled = 0;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGINT, SIG_IGN);        /* a terminal sends it to all; the listener decides */
	on_fail(on_failure);
	connections_watch(EPOLL_CTL_ADD, place->handover, 0, (void *)(uintptr_t)&place->handover);
	set_accepting(true);
}

static void turn(size_t mark, int64_t *rested)
{
	struct epoll_event events[EVENTS];
	bool at_once = pipelined_count || (signalled && !leaving);
	int count = epoll_wait(connections_loop(), events, EVENTS, at_once ? 0 : kept ? KEPT_MS : SWEEP_MS);
	clock_now = now_ms();
	if (signalled || !calls->is_current())
		leave();
	expect_batch(events, count, mark);
	take_events(events, count, mark);
	if (batch_size)
		*rested = clock_now;
	bool resting = !batch_size && *rested && clock_now - *rested >= REST_MS;
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
	while ((!leaving || connections_count()) && clock_now < until) {
		turn(mark, &rested);
		place->state->connections = (int64_t)connections_count();
		if (connections_count())
			place->state->busy_at = now_boot();
		if (leaving && until == INT64_MAX)
			until = clock_now + LEAVE_MS;
	}
	on_fail(NULL);
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

#endif
