/*
 * load: one HTTP client for all servers that are measured here.
 *
 *   load [-c CONNECTIONS] [-d SECONDS] [-n COUNT] [-x] [-p PATH] [-t CONTENT-TYPE] [-H HEADER]... [-b BODY]
 *        [-f TOKENS -m MEMBER | -f TOKENS -k COOKIE] PORT|SOCKET
 *
 * Each connection keeps a session of its own and chains its refreshes: what one answer
 * brings is what the next request sends. An answer counts only with status 200 and with a
 * token that isn't the one that was sent; anything else ends the run with 1, and the answer on
 * stderr. One process, one epoll loop, so that the server has the rest of the machine.
 *
 *   -d  for so long (5); -n so many requests, or as many as that time allows where both are given
 *   -f  a file with a token on each line, one for each connection; it's rewritten at the end
 *       with those that are good then, so runs can follow one another
 *   -m  the JSON member that has the new token; -k the cookie that is set to it
 *   -b  the body; without one it's a GET. In BODY and HEADER %t is the token, %u the token
 *       percent-encoded, %i a fresh idempotency key, %% a percent sign
 *   -x  a new connection for each request, its time counted too
 *
 * Without -f, only the status is looked at (for a hello). A keep-alive connection that the server
 * closes behind an answer is opened again; how often is the last figure.
 *
 * Prints, with tabs between: answers, answers/s, p50 ms, p99 ms, max ms, connections opened.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 1024, HEADERS = 8, TOKEN = 8192, REQUEST = 32768, ANSWER = 65536 };

struct conn {
	int fd;
	char token[TOKEN];
	char out[REQUEST];
	size_t length, sent;
	char in[ANSWER];
	size_t got;
	double began;
};

struct answer {
	int status;
	bool whole, close;      /* all of it is there; the connection ends behind it */
	char *body;             /* NUL-terminated, chunks joined */
};

static struct {
	int connections;
	double seconds;
	long count;
	bool each;
	const char *path, *type, *body, *tokens, *member, *cookie, *target;
	const char *header[HEADERS];
	int headers;
} ask = { .connections = 1, .path = "/", .type = "application/json" };

static struct conn *conns;
static float *latency;
static size_t answers, room;
static long begun, opened;
static int loop;
static double deadline;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static _Noreturn void refuse(const char *why, const char *text)
{
	fprintf(stderr, "load: %s: %.2000s\n", why, text);
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the request ------------------------------------------------------- */

struct text { char *p; size_t n, size; };

static void put(struct text *t, const char *p, size_t n)
{
	if (t->n + n >= t->size)
		refuse("too long", p);
	memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

static void put_text(struct text *t, const char *p)
{
	put(t, p, strlen(p));
}

static void put_encoded(struct text *t, const char *p)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (; *p; p++) {
		char one[4] = { *p };
		if (strchr(plain, *p) == NULL)
			snprintf(one, sizeof one, "%%%02X", (unsigned char)*p);
		put_text(t, one);
	}
}

static void put_key(struct text *t)
{
	static unsigned long n;
	char key[40];
	snprintf(key, sizeof key, "%x.%lx", (unsigned)getpid(), n++);
	put_text(t, key);
}

/* Puts a template, with this session's token for its marks. */
static void put_filled(struct text *t, const char *template, const char *token)
{
	for (const char *p = template; *p; p++) {
		if (*p != '%') {
			put(t, p, 1);
			continue;
		}
		switch (*++p) {
		case 't': put_text(t, token); break;
		case 'u': put_encoded(t, token); break;
		case 'i': put_key(t); break;
		case '%': put(t, p, 1); break;
		default: refuse("no such mark", p - 1);
		}
	}
}

static void compose(struct conn *c)
{
	static char body[REQUEST];
	struct text b = { body, 0, sizeof body }, t = { c->out, 0, sizeof c->out };
	if (ask.body)
		put_filled(&b, ask.body, c->token);
	put_text(&t, ask.body ? "POST " : "GET ");
	put_text(&t, ask.path);
	put_text(&t, " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n");
	put_text(&t, ask.each ? "Connection: close\r\n" : "");
	for (int i = 0; i < ask.headers; i++) {
		put_filled(&t, ask.header[i], c->token);
		put_text(&t, "\r\n");
	}
	if (ask.body) {
		char line[128];
		snprintf(line, sizeof line, "Content-Type: %s\r\nContent-Length: %zu\r\n", ask.type, b.n);
		put_text(&t, line);
	}
	put_text(&t, "\r\n");
	put(&t, body, b.n);
	c->length = t.n;
	c->sent = c->got = 0;
}

/* ---- connections ------------------------------------------------------- */

static int dial(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	bool local = strchr(ask.target, '/');
	int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0)
		die("socket");
	in.sin_port = htons((unsigned short)strtol(ask.target, NULL, 10));
	snprintf(un.sun_path, sizeof un.sun_path, "%s", ask.target);
	if (!local)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	const struct sockaddr *to = local ? (void *)&un : (void *)&in;
	if (connect(fd, to, local ? sizeof un : sizeof in) && errno != EINPROGRESS)
		die("connect");
	opened++;
	return fd;
}

static void watch(struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	if (epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &e))
		die("epoll_ctl");
}

static void hang_up(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
}

static bool may_begin(void)
{
	return (!ask.count || begun < ask.count) && (deadline <= 0 || now() < deadline);
}

static void flush(struct conn *c)
{
	while (c->sent < c->length) {
		ssize_t n = send(c->fd, c->out + c->sent, c->length - c->sent, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return;
		if (n < 0)
			die("send");
		c->sent += (size_t)n;
	}
}

static void begin(struct conn *c)
{
	if (!may_begin()) {
		if (c->fd >= 0)
			hang_up(c);
		return;
	}
	begun++;
	compose(c);
	c->began = now();
	if (c->fd < 0) {
		c->fd = dial();
		watch(c);
	}
	flush(c);
}

/* ---- the answer -------------------------------------------------------- */

/* The value of a header, or NULL. head is NUL-terminated and ends behind its last line. */
static const char *header(const char *head, const char *name)
{
	size_t n = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
			return line + 3 + n + strspn(line + 3 + n, " ");
	return NULL;
}

/* Joins the chunks from `from` to its own start; false while some are missing. */
static bool join_chunks(char *from, const char *end)
{
	char *to = from;
	for (char *p = from;;) {
		char *line = memmem(p, (size_t)(end - p), "\r\n", 2);
		if (line == NULL)
			return false;
		size_t n = strtoul(p, NULL, 16);
		p = line + 2;
		if ((size_t)(end - p) < n + 2)
			return false;
		memmove(to, p, n);
		to += n;
		p += n + 2;
		if (n == 0)
			break;
	}
	*to = '\0';
	return true;
}

/* Whether all chunks are there, without moving them. */
static bool chunks_there(const char *p, const char *end)
{
	return end - p >= 5 && memcmp(end - 5, "0\r\n\r\n", 5) == 0;
}

static struct answer read_answer(struct conn *c, bool ended)
{
	struct answer a = { 0 };
	char *gap = memmem(c->in, c->got, "\r\n\r\n", 4), *end = c->in + c->got;
	if (gap == NULL)
		return a;
	char first = gap[2];
	gap[2] = '\0';          /* the head ends here while it's looked at */
	const char *length = header(c->in, "Content-Length"), *coding = header(c->in, "Transfer-Encoding");
	const char *connection = header(c->in, "Connection");
	bool chunked = coding && strncasecmp(coding, "chunked", 7) == 0;
	a.status = (int)strtol(c->in + 9, NULL, 10);
	a.close = ask.each || ended || (connection && strncasecmp(connection, "close", 5) == 0) || strncmp(c->in, "HTTP/1.0", 8) == 0;
	a.body = gap + 4;
	if (chunked)
		a.whole = chunks_there(a.body, end);
	else if (length)
		a.whole = end - a.body >= strtol(length, NULL, 10);
	else
		a.whole = ended;
	gap[2] = first;
	if (a.whole && chunked && !join_chunks(a.body, end))
		a.whole = false;
	return a;
}

/* The new token: from a member of the body, or from a cookie. */
static const char *find_token(struct conn *c, const struct answer *a, size_t *n)
{
	char mark[128];
	const char *p;
	if (ask.cookie) {
		snprintf(mark, sizeof mark, "\r\nSet-Cookie: %s=", ask.cookie);
		p = strcasestr(c->in, mark);
		*n = p ? strcspn(p + strlen(mark), ";\r") : 0;
		return p ? p + strlen(mark) : NULL;
	}
	snprintf(mark, sizeof mark, "\"%s\":", ask.member);
	p = strstr(a->body, mark);
	if (p == NULL)
		return NULL;
	p += strlen(mark);
	p += strspn(p, " ");
	if (*p++ != '"')
		return NULL;
	*n = strcspn(p, "\"\\");
	return p[*n] == '"' ? p : NULL;
}

static void take_token(struct conn *c, const struct answer *a)
{
	size_t n = 0;
	const char *p = find_token(c, a, &n);
	if (p == NULL || n == 0 || n >= TOKEN)
		refuse("no token", c->in);
	if (strlen(c->token) == n && memcmp(c->token, p, n) == 0)
		refuse("the same token again", c->in);
	memcpy(c->token, p, n);
	c->token[n] = '\0';
}

static void record(double seconds)
{
	if (answers == room) {
		room = room ? room * 2 : 65536;
		latency = realloc(latency, room * sizeof *latency);
		if (latency == NULL)
			die("memory");
	}
	latency[answers++] = (float)(seconds * 1e3);
}

static void answered(struct conn *c, const struct answer *a)
{
	record(now() - c->began);
	if (a->status != 200)
		refuse("not 200", c->in);
	if (ask.tokens)
		take_token(c, a);
	if (a->close)
		hang_up(c);
	begin(c);
}

/* Reads what is there; an answer that ends with its connection is whole at the end. */
static void receive(struct conn *c)
{
	for (;;) {
		ssize_t n = recv(c->fd, c->in + c->got, ANSWER - 1 - c->got, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			die("recv");
		c->got += (size_t)n;
		c->in[c->got] = '\0';
		if (c->got == ANSWER - 1)
			refuse("an endless answer", c->in);
		struct answer a = read_answer(c, n == 0);
		if (!a.whole && n == 0)
			refuse("closed without an answer", c->in);
		if (!a.whole)
			continue;
		answered(c, &a);
		/* Begun anew, or over: either way the next event says more. */
		if (c->fd < 0 || a.close)
			return;
	}
}

/* ---- the run ----------------------------------------------------------- */

static void read_tokens(void)
{
	FILE *f = fopen(ask.tokens, "r");
	if (f == NULL)
		die(ask.tokens);
	for (int i = 0; i < ask.connections; i++) {
		if (fgets(conns[i].token, TOKEN, f) == NULL)
			refuse("too few tokens", ask.tokens);
		conns[i].token[strcspn(conns[i].token, "\n")] = '\0';
	}
	fclose(f);
}

/* Those that weren't used stay as they were. */
static void write_tokens(void)
{
	FILE *f = fopen(ask.tokens, "r+");
	char *rest = NULL, line[TOKEN];
	size_t n = 0;
	if (f == NULL)
		die(ask.tokens);
	FILE *kept = open_memstream(&rest, &n);
	for (int i = 0; fgets(line, sizeof line, f); i++)
		if (i >= ask.connections)
			fputs(line, kept);
	fclose(kept);
	rewind(f);
	if (ftruncate(fileno(f), 0))
		die(ask.tokens);
	for (int i = 0; i < ask.connections; i++)
		fprintf(f, "%s\n", conns[i].token);
	fputs(rest, f);
	if (fclose(f))
		die(ask.tokens);
	free(rest);
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static bool busy(void)
{
	for (int i = 0; i < ask.connections; i++)
		if (conns[i].fd >= 0)
			return true;
	return false;
}

static void serve_events(void)
{
	struct epoll_event events[64];
	int n = epoll_wait(loop, events, 64, 10000);
	if (n == 0)
		refuse("no answer for 10 seconds", ask.target);
	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;
		if (c->fd >= 0 && events[i].events & EPOLLOUT)
			flush(c);
		if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			receive(c);
	}
}

static void options(int argc, char **argv)
{
	for (int o; (o = getopt(argc, argv, "c:d:n:xp:t:H:b:f:m:k:")) != -1;) {
		switch (o) {
		case 'c': ask.connections = (int)strtol(optarg, NULL, 10); break;
		case 'd': ask.seconds = strtod(optarg, NULL); break;
		case 'n': ask.count = strtol(optarg, NULL, 10); break;
		case 'x': ask.each = true; break;
		case 'p': ask.path = optarg; break;
		case 't': ask.type = optarg; break;
		case 'b': ask.body = optarg; break;
		case 'f': ask.tokens = optarg; break;
		case 'm': ask.member = optarg; break;
		case 'k': ask.cookie = optarg; break;
		case 'H':
			if (ask.headers == HEADERS)
				refuse("too many headers", optarg);
			ask.header[ask.headers++] = optarg;
			break;
		default: exit(100);
		}
	}
	bool token = ask.member || ask.cookie;
	if (optind + 1 != argc || ask.connections < 1 || ask.connections > CONNECTIONS || (ask.tokens != NULL) != token)
		refuse("usage", "load [-c N] [-d SECONDS] [-n COUNT] [-x] [-p PATH] [-t TYPE] [-H HEADER] [-b BODY] [-f TOKENS -m MEMBER] PORT");
	ask.target = argv[optind];
}

int main(int argc, char **argv)
{
	options(argc, argv);
	conns = calloc((size_t)ask.connections, sizeof *conns);
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (conns == NULL || loop < 0)
		die("start");
	if (ask.tokens)
		read_tokens();
	double start = now();
	if (ask.seconds <= 0 && ask.count == 0)
		ask.seconds = 5;
	deadline = ask.seconds > 0 ? start + ask.seconds : 0;
	for (int i = 0; i < ask.connections; i++) {
		conns[i].fd = -1;
		begin(&conns[i]);
	}
	while (busy())
		serve_events();
	double took = now() - start;
	if (ask.tokens)
		write_tokens();
	if (answers == 0)
		refuse("no answers", ask.target);
	qsort(latency, answers, sizeof *latency, compare);
	printf("%zu\t%.0f\t%.3f\t%.3f\t%.3f\t%ld\n", answers, (double)answers / took, (double)latency[answers / 2],
		(double)latency[answers * 99 / 100], (double)latency[answers - 1], opened);
	return 0;
}
