/*
 * breakout: a latchkey that has been taken over. Linked before liblatchkey.a
 * and with main.o, its auth_dialect goes in the place of the real one: so it
 * runs where a request is answered, under whatever face, with all that main()
 * has done before. It tries what a broken process would, and writes a line
 * for each attempt to fd 1: the name, and the error's number, 0 where it worked.
 *
 * With -DFREE nothing is confined: then each attempt must work, or it shows
 * nothing. The environment says where: STAGE, a directory with the folder
 * `outside`, all that is there open to all; VICTIM, a process of the same
 * user; PORT, where somebody listens; BREAKOUT, one attempt's name (else all).
 */
#include <netinet/in.h>
#include <sched.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "attempts.h"
#include "auth.h"
#include "harden.h"

#ifdef FREE
void harden_limits(int64_t memory_kib, bool stays) { (void)memory_kib, (void)stays; }
bool harden(const char *dir, int directory, const uint16_t *ports, size_t count) { (void)dir, (void)directory, (void)ports, (void)count; return false; }
#endif

/* Before main(): a request by CGI takes the environment away once it is read. */
static struct { const char *name; char value[400]; } given[] = { { "STAGE", "" }, { "VICTIM", "" }, { "PORT", "" }, { "BREAKOUT", "" } };

__attribute__((constructor)) static void remember(void)
{
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		const char *value = getenv(given[i].name);
		snprintf(given[i].value, sizeof given[i].value, "%s", value ? value : "");
	}
}

static const char *text_of(const char *name)
{
	size_t i = 0;
	while (strcmp(given[i].name, name) != 0)
		i++;
	return given[i].value;
}

/* A path in the stage; `data` there is the data directory. */
static const char *at(const char *path)
{
	static char room[2][512];
	static int turn;
	turn = !turn;
	snprintf(room[turn], sizeof room[turn], "%s/%s", text_of("STAGE"), path);
	return room[turn];
}

static int list_outside(void) { return opened(at("outside"), O_RDONLY | O_DIRECTORY); }
static int truncate_outside(void) { return error_of(truncate(at("outside/long"), 1)); }
static int remove_outside(void) { return error_of(unlink(at("outside/spare"))); }
static int move_out(void) { return error_of(rename(at("data/latchkey.conf"), at("outside/moved"))); }
static int victims_memory(void) { return memory_of(atoi(text_of("VICTIM"))); }
static int signal_victim(void) { return error_of(kill(atoi(text_of("VICTIM")), 0)); }
static int dump_core(void) { return prctl(PR_GET_DUMPABLE) ? 0 : EPERM; }
static int gain_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) ? EPERM : 0; }

static int trace_victim(void)
{
	int victim = atoi(text_of("VICTIM")), error = error_of(ptrace(PTRACE_SEIZE, victim, NULL, NULL));
	return error;
}

/* In a child where there can be one: what works replaces who tries it. */
static int execute(const char *program)
{
	int status;
	pid_t pid = fork();
	if (pid <= 0) {
		execl(program, program, (char *)NULL);
		if (pid < 0)
			return errno;
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int execute_true(void) { return execute("/bin/true"); }

static int with_socket(int family, int type, int (*use)(int, const struct sockaddr *, socklen_t), const void *address, size_t n)
{
	int fd = socket(family, type, 0), error = error_of(fd);
	if (fd < 0)
		return error;
	error = error_of(use(fd, address, (socklen_t)n));
	close(fd);
	return error;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((unsigned short)port) };
}

static int connect_out(void)
{
	struct sockaddr_in a = loopback(atoi(text_of("PORT")));
	return with_socket(AF_INET, SOCK_STREAM, connect, &a, sizeof a);
}

static int listen_in(void)
{
	struct sockaddr_in a = loopback(0);
	return with_socket(AF_INET, SOCK_STREAM, bind, &a, sizeof a);
}

/* What systemd and D-Bus and X listen on. */
static int connect_abstract(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n = snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "breakout-%s", text_of("PORT"));
	return with_socket(AF_UNIX, SOCK_STREAM, connect, &a, offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static int send_datagram(void)
{
	struct sockaddr_in a = loopback(9);
	return with_socket(AF_INET, SOCK_DGRAM, connect, &a, sizeof a);
}

static int take_memory(void)
{
	size_t n = 256u << 20;
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return errno;
	munmap(p, n);
	return 0;
}

static int raise_limit(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NPROC, &limit);
	return limit.rlim_max == 0 ? EAGAIN : 0;
}

/* A program that is nowhere on a disk; Landlock knows paths alone. */
static int execute_memory(void)
{
	int fd = memfd_create("x", 0), error = error_of(fd);
	close(fd);
	return error;
}

static int change_root(void) { return error_of(unshare(0)); }
static int use_keys(void) { return error_of(syscall(SYS_keyctl, 0, -3, 0, 0, 0)); }
static int use_ring(void) { return syscall(SYS_io_uring_setup, 0, NULL) < 0 && errno == EFAULT ? 0 : errno; }
static int map_code(void) { return error_of(mprotect((void *)((uintptr_t)&map_code & ~(uintptr_t)4095), 4096, PROT_READ | PROT_WRITE | PROT_EXEC)); }

/* The errno that the program itself makes of it; 0: it is for the unit's filter, or jail.c's, to stop. */
static const struct { const char *name; int (*make)(void); int want; } attempts[] = {
	{ "read-outside", read_outside, EACCES },
	{ "read-upwards", read_upwards, EACCES },
	{ "read-passwd", read_passwd, EACCES },
	{ "read-environ", read_environ, EACCES },
	{ "list-outside", list_outside, EACCES },
	{ "write-outside", write_outside, EACCES },
	{ "create-outside", create_outside, EACCES },
	{ "truncate-outside", truncate_outside, EACCES },
	{ "remove-outside", remove_outside, EACCES },
	{ "move-out", move_out, EACCES },
	{ "make-directory", make_dir, EACCES },
	{ "make-link", make_link, EACCES },
	{ "make-fifo", make_fifo, EACCES },
	{ "execute", execute_true, EACCES },
	{ "fork", fork_once, EAGAIN },
	{ "more-processes", raise_limit, EAGAIN },
	{ "connect", connect_out, EACCES },
	{ "bind", listen_in, EACCES },
	{ "connect-abstract", connect_abstract, EPERM },
	{ "signal", signal_victim, EPERM },
	{ "ptrace", trace_victim, EPERM },
	{ "others-memory", victims_memory, EACCES },
	{ "memory", take_memory, ENOMEM },
	{ "core", dump_core, EPERM },
	{ "privileges", gain_privileges, EPERM },
	{ "unit/datagram", send_datagram, 0 },
	{ "unit/memfd", execute_memory, 0 },
	{ "unit/unshare", change_root, 0 },
	{ "unit/keyctl", use_keys, 0 },
	{ "unit/io_uring", use_ring, 0 },
	{ "unit/mprotect", map_code, 0 },
};

/* "name error wanted", in one write: what works may end the process at once. */
static void attempt(size_t i)
{
	char line[128];
	int n = snprintf(line, sizeof line, "%s %d %d\n", attempts[i].name, attempts[i].make(), attempts[i].want);
	if (write(1, line, (size_t)n) != n)
		_exit(2);
}

static enum error break_out(struct call *c)
{
	const char *only = text_of("BREAKOUT");
	(void)c;
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
		if (*only == '\0' || strcmp(only, attempts[i].name) == 0)
			attempt(i);
	_exit(0);
}

static void refuse(struct call *c, enum error e)
{
	(void)c, (void)e;
}

static const struct route everything[] = {
	{ METHOD_GET, "/", ACCESS_NONE, NULL, PACE_QUICK, break_out },
	{ METHOD_POST, "/", ACCESS_NONE, NULL, PACE_QUICK, break_out },
};
const struct dialect auth_dialect = { .prefix = "/", .routes = everything, .count = 2, .size = 1, .refuse = refuse };
