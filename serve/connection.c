/*
 * connection: see connection.h.
 */
#include "serve/connection.h"

#ifdef __linux__

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECTIONS = 16384,            /* at most; fewer if RLIMIT_NOFILE says so */
	SPARE_FILES = 32,               /* of RLIMIT_NOFILE: for the store, the log and the listening sockets */
	KEPT_ROOM = 32 * 1024,          /* bytes, for the requests of a batch */
	NETWORK_BYTES = 8               /* of an IPv6 address: one subscriber has as many as a /64 holds, at least */
};

static int loop = -1;
static struct connection *all, *closed;
static size_t connections, most;
static char requests[KEPT_ROOM];        /* of a batch, in case that they must run again: one has half a kilobyte */
static size_t requests_used;
static size_t held[UINT8_MAX + 1];      /* connections of each source */

/* How many connections there are files for; at least one. */
static size_t most_connections(void)
{
	struct rlimit files = { 0 };
	getrlimit(RLIMIT_NOFILE, &files);
	const rlim_t wanted = SPARE_FILES + CONNECTIONS;
	files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur > SPARE_FILES ? (size_t)files.rlim_cur - SPARE_FILES : 1;
}

void connections_start(void)
{
	loop = epoll_create1(EPOLL_CLOEXEC);
	most = most_connections();
}

int connections_loop(void) { return loop; }
size_t connections_count(void) { return connections; }
bool connections_are_full(void) { return connections >= most; }
struct connection *connections_first(void) { return all; }

bool connections_watch(int operation, int fd, uint32_t events, void *what)
{
	struct epoll_event e = { .events = events, .data.ptr = what };
	if (epoll_ctl(loop, operation, fd, &e) == 0)
		return true;
	log_line("WO1", "epoll: ", strerror(errno), NULL);
	return false;
}

/* ---- places ------------------------------------------------------------ */

static uint8_t source_of(struct slice peer)
{
	struct address a = { .kind = ADDRESS_NONE };
	unsigned hash = 0;
	(void)address_parse(peer, &a);
	for (size_t i = 0; i < NETWORK_BYTES; i++)
		hash = hash * 31 + a.b[i];
	return (uint8_t)(hash ^ hash >> 8);
}

/* Whether a makes way before b; b may be NULL. */
static bool goes_first(const struct connection *a, const struct connection *b)
{
	if (!b || held[a->source] != held[b->source])
		return !b || held[a->source] > held[b->source];
	return a->deadline < b->deadline;
}

struct connection *connections_replaceable(void)
{
	struct connection *first = NULL;
	for (struct connection *c = all; c; c = c->next)
		if ((c->state == IDLE || c->state == READING) && goes_first(c, first))
			first = c;
	return first;
}

struct connection *connection_open(int fd, int64_t deadline)
{
	int on = 1;
	struct connection *c = calloc(1, sizeof *c);
	if (!c || !connections_watch(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, c)) {
		free(c);
		return NULL;
	}
	struct slice peer = http_peer(fd);
	*c = (struct connection){ .fd = fd, .face = FACE_HTTP, .deadline = deadline, .next = all, .source = source_of(peer) };
	if (peer.n && peer.n <= HANDOVER_PEER_MAX)
		c->peer = (struct slice){ memcpy(c->peer_text, peer.p, peer.n), peer.n };
	if (all)
		all->previous = c;
	all = c;
	connections++;
	held[c->source]++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return c;
}

void connection_close(struct connection *c)
{
	connection_drop_bytes(c);
	connection_forget_request(c);
	free(c->out);
	close(c->fd);
	if (c->next)
		c->next->previous = c->previous;
	if (c->previous)
		c->previous->next = c->next;
	else
		all = c->next;
	c->state = CLOSED;
	c->next = closed;
	closed = c;
	connections--;
	held[c->source]--;
}

void connections_free_closed(void)
{
	while (closed) {
		struct connection *c = closed;
		closed = c->next;
		free(c);
	}
}

/* ---- what it has said -------------------------------------------------- */

bool connection_keep_bytes(struct connection *c, struct slice bytes)
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

void connection_drop_bytes(struct connection *c)
{
	free(c->in);
	c->in = NULL;
	c->n = 0;
	c->at = (struct http_at){ 0 };
}

void connection_keep_request(struct connection *c, struct slice request)
{
	connection_forget_request(c);
	bool fits = request.n <= KEPT_ROOM - requests_used;
	char *copy = fits ? requests + requests_used : malloc(request.n);
	c->asked_too_long = fits ? NULL : copy;
	if (!copy)
		return;
	memcpy(copy, request.p, request.n);
	requests_used += fits ? request.n : 0;
	c->asked = (struct slice){ copy, request.n };
}

void connection_forget_request(struct connection *c)
{
	free(c->asked_too_long);
	c->asked_too_long = NULL;
	c->asked = SLICE_NONE;
}

void connections_forget_requests(void)
{
	requests_used = 0;
}

#endif
