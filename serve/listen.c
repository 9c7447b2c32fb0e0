/*
 * listen: see listen.h.
 *
 * The parent never touches a request, the store or a key. Signals are blocked
 * but while it waits, so none is lost between a test and a wait.
 *
 * With workers it accepts nothing itself. It starts them, starts another where
 * one ended or is about to, and gives a process of its own to each connection
 * that they hand over (worker.h). SIGHUP starts them all anew; the old ones finish what they
 * have begun.
 *
 * What systemd hands over stays with systemd: who connects while we end waits
 * in the socket's queue, and starts the next one. So an idle host runs
 * nothing, and no connection is lost at the end.
 */
#include "serve/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/file.h"

enum {
	CHILDREN = 64,          /* at once: each holds at most a few hundred KiB; more connections wait in the backlog */
	BACKLOG = 128,          /* who stands here behind others' deadlines waits for seconds */
	BACKLOG_WORKERS = 4096, /* they take everybody at once, unless there is a storm */
	SOCKETS = WORKER_SOCKETS,       /* that systemd may hand over */
	FIRST_FD = 3,           /* where it does: sd_listen_fds(3) */
	BREATH_MS = 10,
	IDLE_SECONDS = 30       /* longer than a page and its next request are apart */
};

union socket_name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

#define LOCAL "unix:"

static volatile sig_atomic_t stopping, reloading;

/* A worker's process, and when it began: one that ends at once isn't started again at once. */
struct member { pid_t pid; int64_t since; };
static struct member members[WORKERS_MAX];
static struct worker_state *states;     /* of each, in memory that both sides see */
static int handover[2] = { -1, -1 };    /* the workers' end is the second */

static void on_stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static void on_reload(int signal)
{
	(void)signal;
	reloading = 1;
}

static void on_child(int signal)
{
	(void)signal;
}

/* ---- addresses --------------------------------------------------------- */

static _Noreturn void leave(int code, const char *what, const char *which)
{
	log_line("LI1", what, which, NULL);
	exit(code);
}

static socklen_t size_of(const union socket_name *a)
{
	return a->any.sa_family == AF_UNIX ? sizeof a->local : a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
}

static bool local_address(struct slice path, union socket_name *a)
{
	*a = (union socket_name){ .local.sun_family = AF_UNIX };
	if (path.n == 0 || path.n >= sizeof a->local.sun_path)
		return false;
	memcpy(a->local.sun_path, path.p, path.n);
	return true;
}

static void ip_address(const struct address *a, uint16_t port, union socket_name *name)
{
	*name = (union socket_name){ 0 };
	name->any.sa_family = a->kind == ADDRESS_V4 ? AF_INET : AF_INET6;
	if (a->kind == ADDRESS_V4) {
		name->v4.sin_port = htons(port);
		memcpy(&name->v4.sin_addr, a->b, ADDRESS_V4);
	} else {
		name->v6.sin6_port = htons(port);
		memcpy(&name->v6.sin6_addr, a->b, ADDRESS_V6);
	}
}

/* A port alone, with or without a colon before it, is one of 127.0.0.1. */
static bool name_of(struct slice where, union socket_name *name)
{
	struct address a = { .kind = ADDRESS_V4, .b = { 127, 0, 0, 1 } };
	int64_t number;
	uint16_t port;
	if (slice_starts(where, S(LOCAL)))
		return local_address(slice_from(where, sizeof LOCAL - 1), name);
	if (parse_number(slice_starts(where, S(":")) ? slice_from(where, 1) : where, 0, UINT16_MAX, &number))
		port = (uint16_t)number;
	else if (!address_parse_port(where, &a, &port))
		return false;
	ip_address(&a, port, name);
	return true;
}

/* A socket's name that nobody listens on any more: left behind by a process
 * that is gone. No other kind of file is taken for one. */
static bool is_stale(const union socket_name *a)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool stale = lstat(a->local.sun_path, &st) == 0 && S_ISSOCK(st.st_mode)
		&& connect(fd, &a->any, size_of(a)) != 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* To a local socket may connect who may write to it: its owner's group, in
 * which the web server can be. */
static bool bind_to(int fd, const union socket_name *a)
{
	bool local = a->any.sa_family == AF_UNIX;
	if (local && is_stale(a))
		unlink(a->local.sun_path);
	return bind(fd, &a->any, size_of(a)) == 0 && (!local || chmod(a->local.sun_path, 0660) == 0);
}

static int open_socket(const char *where)
{
	union socket_name a;
	int on = 1;
	if (!name_of(slice_of(where), &a))
		leave(100, "not an address, give ADDR:PORT or unix:PATH: ", where);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (!bind_to(fd, &a) || listen(fd, BACKLOG) != 0) {
		const char *why = strerror(errno);
		log_line("LI2", "cannot listen on ", where, ": ", why, NULL);
		exit(111);
	}
	return fd;
}

/* The URL of a listening socket, for people to click on. */
static void print_url(int fd, const char *where)
{
	union socket_name name = { 0 };
	socklen_t n = sizeof name;
	struct buf b = { 0 };
	getsockname(fd, &name.any, &n);
	const struct address a = address_of_name(&name.any);
	buf_s(&b, "latchkey: serving ");
	if (a.kind == ADDRESS_UNIX) {
		buf_s(&b, where);
	} else {
		buf_s(&b, a.kind == ADDRESS_V6 ? "http://[" : "http://");
		buf_add(&b, address_text(&a));
		buf_s(&b, a.kind == ADDRESS_V6 ? "]:" : ":");
		buf_int(&b, ntohs(a.kind == ADDRESS_V6 ? name.v6.sin6_port : name.v4.sin_port));
		buf_c(&b, '/');
	}
	buf_c(&b, '\n');
	write_all(STDOUT_FILENO, buf_slice(&b));
}

/* How many sockets systemd handed over to this very process: sd_listen_fds(3). */
static size_t handed_over(void)
{
	static const char *const variables[] = { "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES" };
	int64_t pid, count = 0;
	if (!parse_number(slice_of(getenv("LISTEN_PID")), 1, INT32_MAX, &pid) || pid != getpid())
		return 0;
	if (!parse_number(slice_of(getenv("LISTEN_FDS")), 0, SOCKETS, &count))
		leave(111, "at most 8 sockets can be handed over, not ", getenv("LISTEN_FDS"));
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		unsetenv(variables[i]);
	return (size_t)count;
}

/* One of them, which must be one to accept from. */
static struct pollfd take_over(int fd)
{
	int listening = 0;
	socklen_t n = sizeof listening;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || !listening)
		leave(111, "no listening socket (one of Accept=yes takes latchkey without serve): fd ", dec(fd));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return (struct pollfd){ .fd = fd, .events = POLLIN };
}

static size_t open_sockets(const char *where, struct pollfd sockets[SOCKETS], int64_t *idle)
{
	size_t count = handed_over();
	for (size_t i = 0; i < count; i++)
		sockets[i] = take_over(FIRST_FD + (int)i);
	if (*idle == IDLE_AS_FITS)
		*idle = count ? IDLE_SECONDS : 0;
	if (count)
		return count;
	sockets[0] = (struct pollfd){ .fd = open_socket(where), .events = POLLIN };
	print_url(sockets[0].fd, where);
	return 1;
}

/* ---- children ---------------------------------------------------------- */

/* One of the workers that have a place, or not. */
static struct member *member_of(pid_t pid)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (members[i].pid == pid)
			return &members[i];
	return NULL;
}

/* It couldn't say so itself: a fault of ours, a limit, or the system's filter. */
static void tell_signal(int status)
{
	size_t mark = arena_mark();
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGINT)
		log_line("LI4", "a process was ended by signal ", dec(WTERMSIG(status)), NULL);
	arena_back(mark);
}

/* Buries those that ended; waits for one where `wait`. */
static void bury(int *children, bool wait)
{
	pid_t pid;
	int status;
	while ((*children || states) && (pid = waitpid(-1, &status, wait ? 0 : WNOHANG)) > 0) {
		struct member *m = member_of(pid);
		tell_signal(status);
		if (m)
			m->pid = 0;
		else
			--*children;
		wait = false;
	}
}

static void signals_as_before(const sigset_t *before)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGCHLD, SIGHUP };
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		signal(ours[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, before, NULL);
}

/* In the child, whose connection is fd 0: it becomes fd 1 too, and signals
 * are as they were before. */
static void become_child(const struct pollfd *sockets, size_t count, const sigset_t *before)
{
	dup2(STDIN_FILENO, STDOUT_FILENO);
	for (size_t i = 0; i < count; i++)
		close(sockets[i].fd);
	close(handover[0]);
	close(handover[1]);
	signals_as_before(before);
}

/* Gives a connection to a process of its own; true in that one, where it is fd 0. */
static bool give(int connection, int *children)
{
	pid_t pid = fork();
	if (pid == 0) {
		dup2(connection, STDIN_FILENO);
		close(connection);
		return true;
	}
	if (pid > 0)
		++*children;
	else
		log_line("LI3", "fork: ", strerror(errno), NULL);
	close(connection);
	return false;
}

/* When no file is left for a connection it stays where it was, and would be asked about at once again. */
static bool take(int socket, int *children)
{
	int connection = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		poll(NULL, 0, BREATH_MS);
	return connection >= 0 && give(connection, children);
}

static void block_signals(sigset_t *before)
{
	static const struct { int number; void (*handler)(int); } handled[] = {
		{ SIGINT, on_stop }, { SIGTERM, on_stop }, { SIGCHLD, on_child }, { SIGHUP, on_reload },
	};
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
		struct sigaction action = { .sa_handler = handled[i].handler };
		sigaction(handled[i].number, &action, NULL);
		sigaddset(&blocked, handled[i].number);
	}
	sigprocmask(SIG_BLOCK, &blocked, before);
}

/* ppoll(2) lets signals through only while nothing is ready, so who is kept busy would never be told. */
static void hear_signals(const sigset_t *before)
{
	sigset_t blocked;
	sigprocmask(SIG_SETMASK, before, &blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* Waits for a connection or a signal; true when nobody came for so long, and
 * nobody is at work. */
static bool is_idle(struct pollfd *sockets, size_t count, const sigset_t *before, int children, int64_t idle)
{
	const struct timespec most = { .tv_sec = (time_t)idle };
	int ready = ppoll(sockets, (nfds_t)count, idle && !children ? &most : NULL, before);
	for (size_t i = 0; ready < 0 && i < count; i++)
		sockets[i].revents = 0;
	hear_signals(before);
	return ready == 0;
}

/* ---- workers ----------------------------------------------------------- */

static void prepare_workers(struct pollfd *sockets, size_t count)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, handover) != 0)
		leave(111, "socketpair: ", strerror(errno));
	states = mmap(NULL, sizeof *states * WORKERS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (states == MAP_FAILED)
		leave(111, "mmap: ", strerror(errno));
	states[0].busy_at = now_boot();
	for (size_t i = 0; i < count; i++) {
		fcntl(sockets[i].fd, F_SETFL, O_NONBLOCK);
		/* The kernel forgets who comes before a full queue. systemd's have the length of their unit; if one stays so, it's no worse. */
		(void)listen(sockets[i].fd, BACKLOG_WORKERS);
	}
}

static void become_worker(size_t i, const struct pollfd *sockets, size_t count, const sigset_t *before, struct listener *out)
{
	close(handover[0]);
	signals_as_before(before);
	*out = (struct listener){ .role = LISTEN_WORKER };
	out->place = (struct worker_place){ .count = count, .handover = handover[1], .state = &states[i] };
	for (size_t k = 0; k < count; k++)
		out->place.sockets[k] = sockets[k].fd;
}

/* Fills empty places. True in a new worker. *wait: one has to wait, since the last there ended at once. */
static bool start_workers(size_t wanted, const struct pollfd *sockets, size_t count, const sigset_t *before,
	struct listener *out, bool *wait)
{
	*wait = false;
	for (size_t i = 0; i < wanted; i++) {
		if (members[i].pid || (members[i].since && now_boot() <= members[i].since)) {
			*wait |= !members[i].pid;
			continue;
		}
		members[i].since = now_boot();
		states[i] = (struct worker_state){ .busy_at = now_boot() };
		members[i].pid = fork();
		if (members[i].pid == 0) {
			become_worker(i, sockets, count, before, out);
			return true;
		}
		if (members[i].pid < 0) {
			log_line("LI5", "fork: ", strerror(errno), NULL);
			members[i].pid = 0;
			*wait = true;
		}
	}
	return false;
}

/* It is a child like others from now on, and its place is free. */
static void retire(struct member *m, int signal, int *children)
{
	if (!m || !m->pid)
		return;
	if (signal)
		kill(m->pid, signal);
	*m = (struct member){ 0 };
	++*children;
}

static void retire_all(int signal, int *children)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		retire(&members[i], signal, children);
}

/* A worker's word. True in the process that a connection was given to. */
static bool listen_to_workers(int *children, struct listener *out)
{
	struct worker_word word;
	if (!worker_take(handover[0], &word))
		return false;
	if (word.pid)
		retire(member_of(word.pid), 0, children);
	if (word.fd < 0)
		return false;
	out->early = word.early;
	if (!give(word.fd, children))
		return false;
	fcntl(STDIN_FILENO, F_SETFL, 0);        /* it was not blocking */
	return true;
}

static bool workers_idle(int64_t idle)
{
	int64_t last = 0;
	bool busy = false;
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		busy |= members[i].pid && states[i].connections > 0;
		last = states[i].busy_at > last ? states[i].busy_at : last;
	}
	return idle && !busy && now_boot() - last > idle;
}

static bool word_waits(void)
{
	struct pollfd word = { .fd = handover[0], .events = POLLIN };
	return poll(&word, 1, 0) > 0;
}

/* Until a signal, a worker's word, or the time to look again. */
static void wait_for_workers(const sigset_t *before, bool full, int64_t seconds)
{
	struct pollfd word = { .fd = full ? -1 : handover[0], .events = POLLIN };
	const struct timespec most = { .tv_sec = (time_t)seconds };
	(void)ppoll(&word, 1, seconds ? &most : NULL, before);
	hear_signals(before);
}

/*
 * Told to end, or when nobody came for so long, it starts no worker any more, but listens to those that end: what
 * was begun with them may still be handed over.
 */
static void listen_with_workers(size_t wanted, struct pollfd *sockets, size_t count, int64_t idle, const sigset_t *before,
	bool (*usable)(void), struct listener *out)
{
	int children = 0;
	bool ending = false, wait = false;
	prepare_workers(sockets, count);
	while (!ending || children || word_waits()) {
		if (!ending && reloading && usable())
			retire_all(SIGHUP, &children);
		reloading = 0;
		if (!ending && start_workers(wanted, sockets, count, before, out, &wait))
			return;
		/* While ending it looks again by itself: a child that it wasn't told of would keep it for ever. */
		wait_for_workers(before, children >= CHILDREN, wait || idle || ending ? 1 : 0);
		if (children < CHILDREN && listen_to_workers(&children, out)) {
			become_child(sockets, count, before);
			return;
		}
		bury(&children, false);
		if (!ending && (stopping || (!children && workers_idle(idle)))) {
			ending = true;
			retire_all(SIGTERM, &children);
		}
	}
	exit(0);
}

static void listen_and_fork(struct pollfd *sockets, size_t count, int64_t idle, const sigset_t *before)
{
	int children = 0;
	while (!stopping && !reloading) {
		bury(&children, children >= CHILDREN);
		if (is_idle(sockets, count, before, children, idle))
			break;
		for (size_t i = 0; i < count; i++)
			if (sockets[i].revents && take(sockets[i].fd, &children)) {
				become_child(sockets, count, before);
				return;
			}
	}
	while (children)
		bury(&children, true);
	exit(0);
}

void listen_and_serve(const struct listen_options *options, bool (*usable)(void), struct listener *out)
{
	struct pollfd sockets[SOCKETS];
	int64_t idle = options->idle;
	sigset_t before;
	*out = (struct listener){ .role = LISTEN_CHILD };
	block_signals(&before);
	size_t count = open_sockets(options->where ? options->where : "127.0.0.1:8080", sockets, &idle);
	if (options->workers)
		listen_with_workers(options->workers, sockets, count, idle, &before, usable, out);
	else
		listen_and_fork(sockets, count, idle, &before);
}
