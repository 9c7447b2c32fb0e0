/*
 * jail: runs a program under a seccomp filter. Usage:
 *
 *	jail PROGRAM [ARGUMENT...]      a system call that isn't in the table kills the process
 *	jail -l [LETTERS]               prints the table's names, or those of the rows with one of the letters
 *
 * Built with -DTARGET='"PATH"' it is a stand-in for that program, whatever its arguments, so that
 * whole tests can run it as $LATCHKEY. With -DNO_LANDLOCK=ENOSYS it lets everything pass but
 * Landlock's calls, which fail so, as on a kernel without it (EOPNOTSUPP: one where it is off).
 *
 * The table is all that latchkey ever asks of the kernel. sandbox.t holds the units' filter to it.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "name this machine's AUDIT_ARCH here"
#endif

/* r: a request; s: the listener; v: the operator's verbs; e: what execve(2) itself and libc's start take. */
#define CALL(letters, name) { letters, #name, __NR_##name }

static const struct call { const char *letters, *name; int number; } calls[] = {
	CALL("e", execve), CALL("e", set_tid_address),
#ifdef __x86_64__
	CALL("e", arch_prctl), CALL("rv", open), CALL("rv", stat), CALL("rv", lstat), CALL("rv", access), CALL("rv", unlink),
	CALL("v", rename), CALL("v", mkdir), CALL("sv", chmod), CALL("v", chown), CALL("rs", dup2), CALL("sv", fork), CALL("r", poll),
#else
	CALL("rv", openat), CALL("rv", newfstatat), CALL("rv", faccessat), CALL("rv", unlinkat), CALL("v", renameat),
	CALL("v", mkdirat), CALL("sv", fchmodat), CALL("v", fchownat), CALL("rs", dup3), CALL("sv", clone),
#endif
	/* files */
	CALL("rsv", read), CALL("rsv", write), CALL("rv", pread64), CALL("rv", pwrite64), CALL("rv", lseek), CALL("rsv", close),
	CALL("rsv", fstat), CALL("rsv", fcntl), CALL("rv", flock), CALL("rv", fsync), CALL("rv", fdatasync), CALL("rv", ftruncate),
	CALL("rv", fchmod), CALL("v", fchown), CALL("v", statfs), CALL("v", umask), CALL("v", ioctl),
	/* memory */
	CALL("rsv", brk), CALL("rsv", mmap), CALL("rsv", munmap), CALL("rv", mremap), CALL("rv", madvise), CALL("rsv", sysinfo),
	/* time, signals, chance */
	CALL("rsv", rt_sigaction), CALL("rsv", rt_sigprocmask), CALL("rsv", rt_sigreturn), CALL("rv", setitimer), CALL("rsv", ppoll),
	CALL("rv", nanosleep), CALL("rsv", clock_gettime), CALL("rv", adjtimex), CALL("rv", clock_adjtime), CALL("rv", getrandom),
	/* who we are; root becomes the data directory's owner */
	CALL("rsv", getpid), CALL("sv", gettid), CALL("rsv", geteuid), CALL("v", setgroups), CALL("v", setgid), CALL("v", setuid),
	/* the sandbox itself */
	CALL("rv", prctl), CALL("rv", prlimit64),
	CALL("rv", landlock_create_ruleset), CALL("rv", landlock_add_rule), CALL("rv", landlock_restrict_self),
	/* connections: none is made but to the logger, whose family is looked at below */
	CALL("rsv", socket), CALL("rsv", connect), CALL("rs", sendto), CALL("rs", recvfrom), CALL("rs", shutdown), CALL("r", getpeername),
	CALL("s", getsockname), CALL("rs", getsockopt), CALL("rs", setsockopt), CALL("s", bind), CALL("s", listen), CALL("s", accept4),
	/* workers, and what they hand over */
	CALL("s", epoll_create1), CALL("s", epoll_ctl), CALL("s", epoll_pwait), CALL("s", socketpair), CALL("s", sendmsg), CALL("s", recvmsg),
	CALL("s", kill),
	/* ends */
	CALL("sv", wait4), CALL("rsv", exit_group),
};
enum { CALLS = sizeof calls / sizeof *calls, BOUND = 2 * CALLS + 16 };

#define AT(field) ((unsigned)offsetof(struct seccomp_data, field))

static struct sock_filter program[BOUND];
static size_t length;

static void add(struct sock_filter step)
{
	program[length++] = step;
}

/* Where what was loaded is `value`: action. */
static void match(unsigned value, unsigned action)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void load(unsigned at)
{
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at));
}

#ifdef NO_LANDLOCK
static void compile(void)
{
	load(AT(nr));
	match(__NR_landlock_create_ruleset, SECCOMP_RET_ERRNO | NO_LANDLOCK);
	match(__NR_landlock_add_rule, SECCOMP_RET_ERRNO | NO_LANDLOCK);
	match(__NR_landlock_restrict_self, SECCOMP_RET_ERRNO | NO_LANDLOCK);
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}
#else
static void compile(void)
{
	load(AT(arch));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	load(AT(nr));
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].number != __NR_socket)
			match((unsigned)calls[i].number, SECCOMP_RET_ALLOW);
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 1, 0));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	load(AT(args[0]));
	match(AF_UNIX, SECCOMP_RET_ALLOW);
#ifdef LISTENER
	match(AF_INET, SECCOMP_RET_ALLOW);
	match(AF_INET6, SECCOMP_RET_ALLOW);
#endif
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
}
#endif

static int list(const char *letters)
{
	for (size_t i = 0; i < CALLS; i++)
		if (letters == NULL || strpbrk(calls[i].letters, letters))
			puts(calls[i].name);
	return 0;
}

int main(int argc, char **argv)
{
#ifdef TARGET
	const char *target = TARGET;
	(void)argc;
	(void)list;
#else
	if (argc < 2)
		return 100;
	if (strcmp(argv[1], "-l") == 0)
		return list(argv[2]);
	const char *target = *++argv;
#endif
	compile();
	const struct sock_fprog filter = { (unsigned short)length, program };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
		perror("jail");
		return 111;
	}
	execv(target, argv);
	perror(target);
	return 111;
}
