/*
 * listen: see listen.h.
 *
 * The listener never touches a request, the store or a key. It holds the
 * listening sockets and starts processes:
 *
 *	without workers   it accepts each connection, and forks a process for it
 *	with workers      it forks the workers, which accept (worker.h). A connection
 *	                  that a worker hands over gets a process of its own
 *
 * One loop does both: it waits for its sources of connections, which are the
 * listening sockets or the workers' messages, and for signals. When a worker
 * has ended, or says that it is about to, another one takes its slot.
 * SIGHUP replaces all workers; the old ones finish what they have begun.
 *
 * Signals are blocked except while the listener waits, so that none can come
 * unseen between a test and the wait.
 *
 * Sockets that systemd handed over stay open there when the listener ends. A
 * client that connects in that moment waits in the socket's queue, and systemd
 * starts the next listener for it. So an idle host runs nothing, and no
 * connection is lost at the end.
 */
#include "serve/listen.h"
#include "serve/handover.h"

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
	CHILDREN = 64,          /* at once: each holds at most a few hundred KiB; more connections wait in the queue */
	BACKLOG = 128,          /* a client far back in the queue waits for those before it, each with its own deadline */
	BACKLOG_WORKERS = 4096, /* workers accept everybody at once, except in a storm */
	SOCKETS = WORKER_SOCKETS,       /* the most that systemd may hand over */
	FIRST_FD = 3,           /* the first of these: sd_listen_fds(3) */
	BREATH_MS = 10,
	IDLE_SECONDS = 30       /* longer than the time between a page and its next request */
};

union socket_name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

#define LOCAL "unix:"

/* A worker's process, and when it began: the next one in its slot begins at least a second later. */
struct worker_slot { pid_t pid; int64_t since; };

static struct listening {
	int sockets[SOCKETS];
	size_t count;
	int64_t idle;                   /* seconds without a connection, after which it ends; 0: it stays */
	sigset_t signals;               /* the mask from before block_signals() */
	int children;                   /* processes that have no slot: one for each connection, and retired workers */
	bool ending;                    /* it takes no more connections, and waits for its children */

	size_t workers;                 /* how many there should be */
	struct worker_slot slots[WORKERS_MAX];
	struct worker_state *states;    /* one for each slot, in memory that both sides see */
	int handover[2];                /* with workers: a socket pair, whose second end is theirs */
	bool retry;                     /* a slot is empty and couldn't be filled yet */
} here;

static volatile sig_atomic_t stopping, reloading;

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

static _Noreturn void give_up(int code, const char *what, const char *which)
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

/* Nobody listens on this name any more: a process that has ended left its socket behind. Another kind of file is never
 * taken for one. */
static bool is_stale(const union socket_name *a)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool stale = lstat(a->local.sun_path, &st) == 0 && S_ISSOCK(st.st_mode)
		&& connect(fd, &a->any, size_of(a)) != 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* Whoever may write to a local socket may connect to it: its owner, and the group, which the web server can be in. */
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
		give_up(100, "not an address, give ADDR:PORT or unix:PATH: ", where);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (!bind_to(fd, &a) || listen(fd, BACKLOG) != 0) {
		const char *why = strerror(errno);
		log_line("LI2", "cannot listen on ", where, ": ", why, NULL);
		exit(111);
	}
	return fd;
}

void listen_early(const struct listen_options *o)
{
	union socket_name a;
	if (getenv("LISTEN_PID") || !o->where || !name_of(slice_of(o->where), &a) || a.any.sa_family == AF_UNIX)
		return;
	uint16_t port = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	if (port && port < IPPORT_RESERVED)
		here.sockets[here.count++] = open_socket(o->where);
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
		give_up(111, "at most 8 sockets can be handed over, not ", getenv("LISTEN_FDS"));
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		unsetenv(variables[i]);
	return (size_t)count;
}

static void take_over(int fd)
{
	int listening = 0;
	socklen_t n = sizeof listening;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || !listening)
		give_up(111, "no listening socket (one of Accept=yes takes latchkey without serve): fd ", dec(fd));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	here.sockets[here.count++] = fd;
}

static void open_sockets(const struct listen_options *o)
{
	const char *where = o->where ? o->where : "127.0.0.1:8080";
	size_t from_systemd = handed_over();
	here.idle = o->idle;
	if (o->idle == IDLE_AS_FITS)
		here.idle = from_systemd ? IDLE_SECONDS : 0;
	for (size_t i = 0; i < from_systemd; i++)
		take_over(FIRST_FD + (int)i);
	if (from_systemd)
		return;
	if (here.count == 0)
		here.sockets[here.count++] = open_socket(where);
	print_url(here.sockets[0], where);
}

/* ---- signals ----------------------------------------------------------- */

static void block_signals(void)
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
	sigprocmask(SIG_BLOCK, &blocked, &here.signals);
}

/* Runs the handlers of signals that are pending. ppoll(2) does that only while no source is ready, so a listener that is
 * kept busy would never see a signal. */
static void hear_signals(void)
{
	sigset_t blocked;
	sigprocmask(SIG_SETMASK, &here.signals, &blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void restore_signals(void)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGCHLD, SIGHUP };
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		signal(ours[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &here.signals, NULL);
}

/* ---- a process for each connection ------------------------------------- */

/* In the child, whose connection is fd 0: it becomes fd 1 too. */
static void become_child(void)
{
	dup2(STDIN_FILENO, STDOUT_FILENO);
	for (size_t i = 0; i < here.count; i++)
		close(here.sockets[i]);
	for (size_t i = 0; here.workers && i < 2; i++)
		close(here.handover[i]);
	restore_signals();
}

/* Forks a process for a connection. True in that process, where the connection is fds 0 and 1. */
static bool fork_child(int connection)
{
	pid_t pid = fork();
	if (pid == 0) {
		dup2(connection, STDIN_FILENO);
		close(connection);
		become_child();
		return true;
	}
	if (pid > 0)
		here.children++;
	else
		log_line("LI3", "fork: ", strerror(errno), NULL);
	close(connection);
	return false;
}

/* True in the new connection's process. Without a file for it a connection stays in the queue, and the socket stays
 * ready: so wait a moment. */
static bool accept_and_fork(int socket)
{
	int connection = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		poll(NULL, 0, BREATH_MS);
	return connection >= 0 && fork_child(connection);
}

/* ---- workers ----------------------------------------------------------- */

static void prepare_workers(size_t wanted)
{
	here.workers = wanted;
	if (!wanted)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, here.handover) != 0)
		give_up(111, "socketpair: ", strerror(errno));
	here.states = mmap(NULL, sizeof *here.states * WORKERS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (here.states == MAP_FAILED)
		give_up(111, "mmap: ", strerror(errno));
	here.states[0].busy_at = now_boot();
	for (size_t i = 0; i < here.count; i++) {
		fcntl(here.sockets[i], F_SETFL, O_NONBLOCK);
		/* The kernel drops connections before a full queue. systemd's sockets have the length that their unit says; where
		 * this call fails they keep it. */
		(void)listen(here.sockets[i], BACKLOG_WORKERS);
	}
}

static void become_worker(size_t i, struct listener *out)
{
	close(here.handover[0]);
	restore_signals();
	*out = (struct listener){ .role = LISTEN_WORKER };
	out->place = (struct worker_place){ .count = here.count, .handover = here.handover[1], .state = &here.states[i] };
	for (size_t k = 0; k < here.count; k++)
		out->place.sockets[k] = here.sockets[k];
}

/* True in the new worker. */
static bool start_worker(size_t i, struct listener *out)
{
	struct worker_slot *slot = &here.slots[i];
	slot->since = now_boot();
	here.states[i] = (struct worker_state){ .busy_at = slot->since };
	slot->pid = fork();
	if (slot->pid == 0)
		become_worker(i, out);
	if (slot->pid >= 0)
		return slot->pid == 0;
	log_line("LI5", "fork: ", strerror(errno), NULL);
	slot->pid = 0;
	here.retry = true;
	return false;
}

/* Fills the empty slots. True in a new worker. A worker that ended at once has no successor in the same second. */
static bool start_workers(struct listener *out)
{
	here.retry = false;
	for (size_t i = 0; i < here.workers; i++) {
		const struct worker_slot *slot = &here.slots[i];
		if (slot->pid)
			continue;
		if (slot->since && now_boot() <= slot->since)
			here.retry = true;
		else if (start_worker(i, out))
			return true;
	}
	return false;
}

static struct worker_slot *slot_with(pid_t pid)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (here.slots[i].pid == pid)
			return &here.slots[i];
	return NULL;
}

/* Empties a worker's slot. From now on the worker counts as a child like others. signal 0: it knows already. */
static void retire(struct worker_slot *slot, int signal)
{
	if (!slot || !slot->pid)
		return;
	if (signal)
		kill(slot->pid, signal);
	*slot = (struct worker_slot){ 0 };
	here.children++;
}

static void retire_all(int signal)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		retire(&here.slots[i], signal);
}

/* Reads a worker's message. True in the process of a connection that was handed over. */
static bool take_message(struct listener *out)
{
	struct handover_message m;
	if (!handover_receive(here.handover[0], &m))
		return false;
	if (m.pid)
		retire(slot_with(m.pid), 0);
	if (m.fd < 0)
		return false;
	out->peer = m.peer;
	out->early = m.early;
	if (!fork_child(m.fd)) {
		handover_forget();      /* else the next worker, and a core file, would have a copy */
		return false;
	}
	fcntl(STDIN_FILENO, F_SETFL, 0);        /* the worker made it non-blocking */
	return true;
}

static bool message_waits(void)
{
	struct pollfd message = { .fd = here.handover[0], .events = POLLIN };
	return here.workers && poll(&message, 1, 0) > 0;
}

/* No worker has a connection, nor had one in the last `idle` seconds. */
static bool workers_are_idle(void)
{
	int64_t last = 0;
	bool busy = false;
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		busy |= here.slots[i].pid && here.states[i].connections > 0;
		last = here.states[i].busy_at > last ? here.states[i].busy_at : last;
	}
	return !busy && now_boot() - last > here.idle;
}

/* ---- children that end ------------------------------------------------- */

/* A process that was ended by a signal couldn't log it itself: a fault of ours, a limit, or the service's filter. */
static void log_signal(int status)
{
	size_t mark = arena_mark();
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGINT)
		log_line("LI4", "a process was ended by signal ", dec(WTERMSIG(status)), NULL);
	arena_back(mark);
}

static void reap(void)
{
	pid_t pid;
	int status;
	while ((here.children || here.workers) && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct worker_slot *slot = slot_with(pid);
		log_signal(status);
		if (slot)
			slot->pid = 0;
		else
			here.children--;
	}
}

/* ---- the loop ---------------------------------------------------------- */

/* How long to wait for connections and signals, in seconds; 0: for as long as it takes. */
static int64_t wait_seconds(void)
{
	/* The end is looked for each second too: a child whose SIGCHLD were lost would keep the listener for ever. */
	if (here.ending || here.retry || (here.workers && here.idle))
		return 1;
	return here.children ? 0 : here.idle;
}

/* Fills in what to wait for, and returns how much that is: nothing when there are as many children as there may be. */
static nfds_t find_sources(struct pollfd sources[SOCKETS])
{
	if (here.children >= CHILDREN || (here.ending && !here.workers))
		return 0;
	sources[0] = (struct pollfd){ .fd = here.handover[0], .events = POLLIN };
	if (here.workers)
		return 1;
	for (size_t i = 0; i < here.count; i++)
		sources[i] = (struct pollfd){ .fd = here.sockets[i], .events = POLLIN };
	return here.count;
}

/* Waits for connections and signals, and takes what has come. True in a connection's own process. */
static bool wait_and_take(struct listener *out, bool *timed_out)
{
	struct pollfd sources[SOCKETS];
	nfds_t count = find_sources(sources);
	const struct timespec most = { .tv_sec = (time_t)wait_seconds() };
	int ready = ppoll(sources, count, most.tv_sec ? &most : NULL, &here.signals);
	*timed_out = ready == 0;
	hear_signals();
	for (nfds_t i = 0; ready > 0 && i < count; i++)
		if (sources[i].revents && (here.workers ? take_message(out) : accept_and_fork(sources[i].fd)))
			return true;
	return false;
}

static bool is_idle(bool timed_out)
{
	return here.idle && !here.children && (here.workers ? workers_are_idle() : timed_out);
}

/* Without workers there is nothing to replace, so SIGHUP ends the listener. */
static void obey_signals(bool timed_out, bool (*usable)(void))
{
	if (here.ending)
		return;
	if (stopping || (reloading && !here.workers) || is_idle(timed_out)) {
		here.ending = true;
		retire_all(SIGTERM);
	} else if (reloading && usable()) {
		retire_all(SIGHUP);
	}
	reloading = 0;
}

/* When it is ending it starts no worker, but still reads their messages: they may hand over what they had begun. */
void listen_and_serve(const struct listen_options *options, bool (*usable)(void), struct listener *out)
{
	bool timed_out;
	*out = (struct listener){ .role = LISTEN_CHILD };
	block_signals();
	open_sockets(options);
	prepare_workers(options->workers);
	while (!here.ending || here.children || message_waits()) {
		if (!here.ending && start_workers(out))
			return;
		if (wait_and_take(out, &timed_out))
			return;
		reap();
		obey_signals(timed_out, usable);
	}
	exit(0);
}
