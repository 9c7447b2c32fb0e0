/*
 * listen_test: the starter of `latchkey serve`, turn by turn (stage.h), with and without workers.
 *
 * A child runs listen_and_serve(), and goes on from one ppoll to the next when told to. What it forks are
 * children and workers of ours: a child answers with what its connection says, a worker does what `orders` say.
 */
#include "base/file.h"
#include "serve/listen.h"
#include "stage.h"
#include "t.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

/* ---- hooks ------------------------------------------------------------- */

enum call { FORK, ACCEPT, SOCKETPAIR, MAP, CHMOD, LISTEN };

static struct here {
	int64_t boot;
	int64_t naps;           /* waits for nothing */
	int64_t timeout;        /* of the last wait, in seconds; -1: none */
	int queue;              /* that the kernel was told last to keep */
	bool heeds;             /* the last wait was for a worker's word */
	bool usable;
	int64_t workers, gone;  /* that were started so far, and that ended in order */
} *here;

/* musl gives calls that take a time another name where time_t was 32 bits once. */
#ifdef _REDIR_TIME64
#define PPOLL "__ppoll_time64"
#else
#define PPOLL "ppoll"
#endif
int real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *most, const sigset_t *mask) __asm__("__real_" PPOLL);
int wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *most, const sigset_t *mask) __asm__("__wrap_" PPOLL);
int __real_poll(struct pollfd *fds, nfds_t n, int most);
int __wrap_poll(struct pollfd *fds, nfds_t n, int most);
pid_t __real_fork(void);
pid_t __wrap_fork(void);
int __real_accept4(int fd, struct sockaddr *from, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *n, int flags);
int __real_socketpair(int domain, int type, int protocol, int *pair);
int __wrap_socketpair(int domain, int type, int protocol, int *pair);
void *__real_mmap(void *p, size_t n, int protection, int flags, int fd, off_t from);
void *__wrap_mmap(void *p, size_t n, int protection, int flags, int fd, off_t from);
int __real_chmod(const char *path, mode_t mode);
int __wrap_chmod(const char *path, mode_t mode);
int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int64_t __real_now_boot(void);
int64_t __wrap_now_boot(void);

int wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *most, const sigset_t *mask)
{
	const struct timespec none = { 0 };
	here->timeout = most ? (int64_t)most->tv_sec : -1;
	here->heeds = n && fds[0].fd >= 0;
	wait_for_turn();
	return real_ppoll(fds, n, &none, mask);
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int most)
{
	if (on_stage && n == 0)
		here->naps++;
	return on_stage && n == 0 ? 0 : __real_poll(fds, n, most);
}

pid_t __wrap_fork(void)
{
	if (!may(FORK, NULL))
		return -1;
	return __real_fork();
}

int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *n, int flags)
{
	return may(ACCEPT, NULL) ? __real_accept4(fd, from, n, flags) : -1;
}

int __wrap_socketpair(int domain, int type, int protocol, int *pair)
{
	return may(SOCKETPAIR, NULL) ? __real_socketpair(domain, type, protocol, pair) : -1;
}

void *__wrap_mmap(void *p, size_t n, int protection, int flags, int fd, off_t from)
{
	return may(MAP, NULL) ? __real_mmap(p, n, protection, flags, fd, from) : MAP_FAILED;
}

int __wrap_chmod(const char *path, mode_t mode) { return may(CHMOD, NULL) ? __real_chmod(path, mode) : -1; }
int __wrap_listen(int fd, int backlog)
{
	here->queue = backlog;
	return may(LISTEN, NULL) ? __real_listen(fd, backlog) : -1;
}
int64_t __wrap_now_boot(void) { return on_stage ? here->boot : __real_now_boot(); }

/* ---- those that are forked --------------------------------------------- */

static int orders[2], acks[2];          /* to whichever worker hears it first; and back */

/* Gives back what its connection says, and what was read of it before; T, I and K end it by a signal. */
static _Noreturn void be_child(const struct listener *l)
{
	static const struct { char word; int number; } ends[] = { { 'T', SIGTERM }, { 'I', SIGINT }, { 'K', SIGKILL } };
	char c;
	bool good = write_all(1, l->peer) && write_all(1, l->early);
	while (good && read(0, &c, 1) == 1) {
		for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
			if (c == ends[i].word)
				raise(ends[i].number);
		good = write_all(1, (struct slice){ &c, 1 });
	}
	exit(0);
}

/* A word to the starter, with a connection, perhaps. */
static void tell(int starter, const void *word, size_t n, int connection)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr head; } control = { { 0 } };
	struct iovec part = { (void *)(uintptr_t)word, n };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (connection >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof control.room;
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &connection, sizeof(int));
	}
	need(sendmsg(starter, &message, 0) == (ssize_t)n);
}

static void obey(const struct worker_place *place, char order)
{
	const pid_t self = getpid();
	if (order == 'b' || order == 'i')
		*place->state = (struct worker_state){ .busy_at = here->boot, .connections = order == 'b' };
	if (order == 's')
		signal(SIGTERM, SIG_IGN);
	if (order == 'l')
		tell(place->handover, &self, sizeof self, -1);
	if (order == 'n')
		tell(place->handover, "nothing", 7, -1);
	if (order == 'g') {
		int connection = __real_accept4(place->sockets[0], NULL, NULL, 0);
		tell(place->handover, "\x04" "who early ", 11, connection);
		close(connection);
	}
}

static void hear(int number)
{
	(void)number;
	here->gone++;
	_exit(0);
}

/*
 * b: it is busy, i: idle; s: it stays when told to end; l: it leaves its place, and ends; g: it gives a connection over,
 * n: says nothing that is known; x: it ends.
 */
static _Noreturn void be_worker(const struct worker_place *place)
{
	const struct sigaction heard = { .sa_handler = hear };
	char order = 0;
	sigaction(SIGTERM, &heard, NULL);
	sigaction(SIGHUP, &heard, NULL);
	here->workers++;
	while (order != 'l' && read(orders[0], &order, 1) == 1 && order != 'x') {
		obey(place, order);
		need(write(acks[1], &order, 1) == 1);
	}
	here->gone++;
	exit(0);
}

static void order(char what)
{
	char got = 0;
	need(write(orders[1], &what, 1) == 1 && (what == 'x' || (read(acks[0], &got, 1) == 1 && got == what)));
}

/* ---- a starter and its peers ------------------------------------------- */

static pid_t starter;
static FILE *said, *logged;
static char path[64];
static struct listen_options options;

static bool is_usable(void) { return here->usable; }

static _Noreturn void be_starter(int third)
{
	struct listener l;
	char pid[16];
	close(orders[1]);
	close(acks[0]);
	dup2(fileno(said), 1);
	dup2(fileno(logged), 2);
	if (third >= 0) {
		dup2(third, 3);
		snprintf(pid, sizeof pid, "%d", (int)getpid());
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", "1", 1);
	}
	listen_and_serve(&options, is_usable, &l);
	on_stage = false;
	close(done[1]);
	close(go[0]);
	if (l.role == LISTEN_WORKER)
		be_worker(&l.place);
	be_child(&l);
}

/* With `third` as what systemd hands over, if it isn't -1. */
static void start(struct listen_options asked, int third)
{
	options = asked;
	*here = (struct here){ .boot = 1000, .usable = true };
	need((said = tmpfile()) && (logged = tmpfile()) && pipe(orders) == 0 && pipe(acks) == 0);
	starter = raise_curtain();
	if (starter == 0)
		be_starter(third);
	close(orders[0]);
	close(acks[1]);
}

static const char *text_of(FILE *f)
{
	static char text[2][4096];
	static int which;
	which = !which;
	rewind(f);
	text[which][fread(text[which], 1, sizeof text[which] - 1, f)] = 0;
	return text[which];
}

/* Its exit status; 128 and more: a signal. */
static int ended(void)
{
	close(orders[1]);
	int status = drop_curtain(starter);
	close(acks[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void rest(void)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	nanosleep(&moment, NULL);
}

static bool until(bool (*check)(void))
{
	for (int i = 0; i < 5000 && !check(); i++) {
		rest();
		turn();
	}
	return check();
}

static int peers[128];
static size_t peer_count;

static int peer(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const struct timeval most = { .tv_sec = 20 };
	int fd = peers[peer_count++] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(a.sun_path, path, sizeof path);
	need(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
	need(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) == 0);
	return fd;
}

static void hang_up(int fd)
{
	for (size_t i = 0; i < peer_count; i++)
		if (peers[i] == fd)
			peers[i] = -1;
	close(fd);
}

/* The next n bytes; "" at the end. */
static const char *hear_bytes(int fd, size_t n)
{
	static char text[64];
	ssize_t got = recv(fd, text, n, MSG_WAITALL);
	text[got > 0 ? got : 0] = 0;
	return text;
}

/* A process of its own is at its other end. */
static bool is_served(int fd)
{
	return send(fd, "?", 1, MSG_NOSIGNAL) == 1 && strcmp(hear_bytes(fd, 1), "?") == 0;
}

static bool nobody_says_anything(int fd)
{
	char c;
	return recv(fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void stop(const char *name)
{
	while (peer_count)
		if (peers[--peer_count] >= 0)
			close(peers[peer_count]);
	kill(starter, SIGTERM);
	for (int i = 0; i < 100000 && turn(); i++)
		here->boot++;
	is_int(ended(), 0, "%s", name);
	fclose(said);
	fclose(logged);
}

static struct listen_options by_name(size_t workers, int64_t idle)
{
	static char where[sizeof path + 8];
	snprintf(where, sizeof where, "unix:%s", path);
	return (struct listen_options){ .where = where, .workers = workers, .idle = idle };
}

/* ---- tests ------------------------------------------------------------- */

static void test_port_alone(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	start((struct listen_options){ .where = "0" }, -1);
	const char *text = text_of(said), url[] = "latchkey: serving http://127.0.0.1:";
	ok(strncmp(text, url, sizeof url - 1) == 0, "a port alone is one of this host: %s", text);
	a.sin_port = htons((uint16_t)strtol(text + sizeof url - 1, NULL, 10));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ok(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "which it listens on");
	turn();
	ok(is_served(fd), "and serves");
	close(fd);
	stop("and it ends in order");
}

/* Ends before it has waited for anybody, and says why. */
static void refuses(struct listen_options o, int third, const char *why, const char *name)
{
	start(o, third);
	int code = ended();
	const char *text = text_of(logged);
	ok(code == 111 && strstr(text, why), "%s: %d, %s", name, code, text);
	fclose(said);
	fclose(logged);
}

static void test_refusals(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	fault(LISTEN, 1, EADDRINUSE, 0);
	refuses((struct listen_options){ .where = "127.0.0.1:0" }, -1, "LI2: cannot listen on 127.0.0.1:0", "a port that is another's after all");
	fault(CHMOD, 1, EPERM, 0);
	refuses(by_name(0, 0), -1, "LI2: cannot listen on unix:", "a name whose group can't be let in");
	unlink(path);
	int other = socket(AF_UNIX, SOCK_DGRAM, 0);
	memcpy(a.sun_path, path, sizeof path);
	need(bind(other, (struct sockaddr *)&a, sizeof a) == 0);
	refuses(by_name(0, 0), -1, "in use", "a name that another kind of socket has");
	ok(lstat(path, &st) == 0 && S_ISSOCK(st.st_mode), "which it keeps");
	refuses((struct listen_options){ .idle = 0 }, other, "LI1: no listening socket", "a socket of systemd that doesn't listen");
	close(other);
	unlink(path);
	fault(SOCKETPAIR, 1, EMFILE, 0);
	refuses(by_name(1, 0), -1, "LI1: socketpair: ", "no way for workers to hand over");
	fault(MAP, 1, ENOMEM, 0);
	refuses(by_name(1, 0), -1, "LI1: mmap: ", "no memory to share with them");
}

static void test_children(void)
{
	start(by_name(0, 0), -1);
	is_int(here->timeout, -1, "it waits for as long as it takes");
	int a = peer();
	turn();
	ok(is_served(a), "a connection has a process of its own");
	fault(FORK, 1, EAGAIN, 0);
	int b = peer();
	turn();
	is_str(hear_bytes(b, 1), "", "without a process it is closed");
	ok(strstr(text_of(logged), "latchkey: LI3: fork: ") != NULL, "which is in the log");
	fault(ACCEPT, 1, EMFILE, 0);
	int c = peer();
	turn();
	is_int(here->naps, 1, "without a file it waits, and so does the starter, for a breath");
	turn();
	ok(is_served(c), "then it is served");
	stop("and all ends in order");
}

static bool has_told(void) { return strstr(text_of(logged), "LI4") != NULL; }

static void test_signals_of_children(void)
{
	start(by_name(0, 0), -1);
	static const char ends[] = "TIK";
	for (size_t i = 0; ends[i]; i++) {
		int a = peer();
		turn();
		need(send(a, &ends[i], 1, 0) == 1);
		is_str(hear_bytes(a, 1), "", "a child ends by a signal");
	}
	ok(until(has_told), "one of the three signals is told of");
	is_str(text_of(logged), "latchkey: LI4: a process was ended by signal 9\n", "that which nobody sends in order");
	stop("and it ends in order");
}

static bool has_ended(void) { return !turn(); }

/* Who has connections to take all the time hears its signals all the same. */
static void test_busy(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		start(by_name(0, 0), -1);
		int a = peer();
		kill(starter, signals[i]);
		let_go();
		ok(is_served(a), "a connection that was there when signal %d came is served", signals[i]);
		hang_up(a);
		came_back();
		ok(until(has_ended), "but it was the last");
		is_int(ended(), 0, "all ends in order");
		fclose(said);
		fclose(logged);
	}
}

static bool has_three(void) { return here->workers == 3; }
static bool has_two(void) { return here->workers == 2; }

static void test_workers(void)
{
	start(by_name(2, 0), -1);
	is_int(here->timeout, -1, "it waits for as long as it takes");
	ok(until(has_two), "two workers are started");
	is_int(here->queue, 4096, "and a storm may wait for them, behind no deadline");
	int a = peer();
	order('g');
	turn();
	is_str(hear_bytes(a, 10), "who early ", "who is handed over has a process of its own, that knows what was read");
	ok(is_served(a), "and waits for the rest");
	order('n');
	turn();
	is_int(here->workers, 2, "another word changes nothing");
	order('l');
	turn();
	ok(until(has_three), "for one who leaves another is started");
	here->usable = false;
	kill(starter, SIGHUP);
	turns(3);
	is_int(here->workers, 3, "SIGHUP with files that can't be read changes nothing");
	stop("and all ends in order");
}

static bool waits(void) { return here->timeout == 1; }
static bool two_are_gone(void) { return here->gone == 2; }

static void test_worker_ends(void)
{
	start(by_name(1, 0), -1);
	order('b');
	order('x');
	ok(until(waits), "one that ended at once isn't started again at once");
	turns(3);
	is_int(here->workers, 1, "nor while the second lasts");
	here->boot += 2;
	turn();
	order('b');
	is_int(here->workers, 2, "but later");
	kill(starter, SIGHUP);
	ok(until(has_three) && until(two_are_gone), "SIGHUP: it is told to leave, and has a successor at once");
	fault(FORK, 1, EAGAIN, 0);
	order('l');
	turns(2);
	is_int(here->timeout, 1, "where there can be none it waits");
	ok(strstr(text_of(logged), "latchkey: LI5: fork: ") != NULL, "and says so");
	here->boot += 2;
	turns(2);
	order('b');
	is_int(here->workers, 4, "and tries again");
	stop("and all ends in order");
}

static bool heeds(void) { return here->heeds; }

static void test_full(void)
{
	enum { MOST = 64 };
	int fd[MOST + 1], served = 0;
	start(by_name(1, 0), -1);
	for (size_t i = 0; i < MOST; i++) {
		fd[i] = peer();
		order('g');
		turn();
		served += strcmp(hear_bytes(fd[i], 10), "who early ") == 0;
	}
	is_int(served, MOST, "sixty-four are served at once");
	ok(!here->heeds, "then no word is listened to");
	fd[MOST] = peer();
	order('g');
	kill(starter, SIGCHLD);
	turn();
	ok(nobody_says_anything(fd[MOST]), "the next one waits");
	hang_up(fd[0]);
	ok(until(heeds), "until one has ended");
	turn();
	is_str(hear_bytes(fd[MOST], 10), "who early ", "then it is served");
	stop("and all ends in order");
}

static void test_idle(void)
{
	start(by_name(1, 5), -1);
	is_int(here->timeout, 1, "with an end in view it looks each second");
	order('b');
	here->boot += 100;
	turns(2);
	ok(turn(), "while a worker has connections it goes on");
	int a = peer();
	order('g');
	turn();
	is_str(hear_bytes(a, 10), "who early ", "one is handed over");
	order('i');
	here->boot += 100;
	turns(2);
	ok(is_served(a), "and while one has a process of its own");
	order('i');
	here->boot += 5;
	hang_up(a);
	turns(20);
	ok(turn(), "five seconds aren't more than five");
	here->boot += 1;
	ok(until(has_ended), "when there was nobody for longer it ends");
	is_int(ended(), 0, "in order");
	fclose(said);
	fclose(logged);
}

static void test_idle_without_workers(void)
{
	start(by_name(0, 5), -1);
	is_int(here->timeout, 5, "without workers it waits so long for a connection");
	int a = peer();
	turn();
	ok(is_served(a), "one is served");
	is_int(here->timeout, -1, "while it is, the listener waits for as long as it takes");
	hang_up(a);
	ok(until(has_ended), "then it waits once more, and ends");
	is_int(ended(), 0, "in order");
	fclose(said);
	fclose(logged);
}

static void test_full_without_workers(void)
{
	enum { MOST = 64 };
	int fd[MOST + 1], served = 0;
	start(by_name(0, 0), -1);
	for (size_t i = 0; i < MOST; i++) {
		fd[i] = peer();
		turn();
		served += is_served(fd[i]);
	}
	is_int(served, MOST, "sixty-four are served at once without workers");
	fd[MOST] = peer();
	kill(starter, SIGCHLD);
	turn();
	ok(nobody_says_anything(fd[MOST]) && !here->heeds, "then nobody is accepted");
	hang_up(fd[0]);
	ok(until(heeds), "until one has ended");
	turn();
	ok(is_served(fd[MOST]), "then the next one is served");
	stop("and all ends in order");
}

/* What its workers have begun is finished, though they end before it looks. */
static void test_end_of_workers(void)
{
	start(by_name(1, 0), -1);
	int a = peer(), b = peer(), c = peer();
	order('s');
	kill(starter, SIGTERM);
	turns(2);
	order('g');
	turn();
	is_str(hear_bytes(a, 10), "who early ", "told to end it takes what is handed over");
	hang_up(a);
	order('g');
	order('g');
	order('x');
	for (int i = 0; i < 1000 && !here->gone; i++)
		rest();
	rest();
	fault(FORK, 1, EAGAIN, 0);
	turns(20);
	is_str(hear_bytes(b, 6), "", "a worker's last words, too: there is no process for the one");
	is_str(hear_bytes(c, 10), "who early ", "but one for the other");
	hang_up(c);
	ok(until(has_ended), "and ends when all are served");
	is_int(ended(), 0, "in order");
	is_int(here->workers, 1, "without another worker");
	fclose(said);
	fclose(logged);
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	char dir[48];
	snprintf(dir, sizeof dir, "%.32s/lk.XXXXXX", tmp && strlen(tmp) <= 32 ? tmp : "/tmp");
	need(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/s", dir);
	signal(SIGPIPE, SIG_IGN);
	here = shared(sizeof *here);
	test_port_alone();
	test_refusals();
	test_children();
	test_signals_of_children();
	test_busy();
	test_workers();
	test_worker_ends();
	test_full();
	test_idle();
	test_idle_without_workers();
	test_full_without_workers();
	test_end_of_workers();
	unlink(path);
	rmdir(dir);
	return done_testing();
}
