/*
 * inject: runs programs for the harnesses of faults and of power cuts, makes
 * one of their system calls fail, and writes down what they do to files. A
 * server on stdin and stdout, so that a run costs a fork and an exec alone;
 * tests/inject.py speaks to it.
 *
 * A job, then its strings (NUL behind each), then what the program reads:
 *	MODE FAULT WHEN ARGS VARIABLES BYTES\n
 * and its answer, then stdout, stderr and the record:
 *	STATUS HIT CALL BYTES-OF-STDOUT BYTES-OF-STDERR BYTES-OF-RECORD\n
 *
 * MODE	r	runs it
 *	f	the call number WHEN since its exec (from 1) meets FAULT
 *	s	so does every later one that writes (a full disk stays full)
 *	l	the record is the numbers of its calls
 *	t	the record is what it and its children did to files, see record_call()
 *	T	the same of a server, whose pid is said at once, on a line of its own;
 *		it is over when somebody ends it
 *	F	a server, whose call number WHEN since its first connection meets
 *		FAULT, in whichever of its processes
 * FAULT	an errno; or KILL, before the call; SHORT, half of what was asked is
 *	read or written; TORN, half of it is written, then SIGKILL.
 *
 * STATUS is the exit code or 128 + signal, HIT whether the fault was met, CALL
 * the number of the call that met it.
 * A failed close(2) closes, as Linux does it; strace can't do that. One that
 * hangs for HANG_SECONDS is killed with SIGABRT.
 *
 * x86-64 alone: the registers of a call are named by processor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "inject knows the registers of x86-64 alone"
#endif

enum { KILL = -1, SHORT = -2, TORN = -3 };
enum { HANG_SECONDS = 60, SERVE_SECONDS = 600, WORDS = 64, PROCESSES = 64, ROOM = 1 << 16, RECORD_ROOM = 1 << 24 };

static struct {
	char mode;
	int fault, when, args, variables, bytes;
	char *argv[WORDS], *env[WORDS];
	char text[ROOM], input[ROOM];
} job;

static struct {
	int status, hit;
	long call;
} answer;

static char *record;
static size_t recorded;
static pid_t child;

static void die(const char *what)
{
	perror(what);
	exit(111);
}

/* ---- what a program does to files -------------------------------------- */

typedef struct user_regs_struct regs;

static void note(const char *line, const void *data, size_t n)
{
	size_t length = strlen(line);
	if (recorded + length + n > RECORD_ROOM)
		exit(112);
	memcpy(record + recorded, line, length);
	if (n)
		memcpy(record + recorded + length, data, n);
	recorded += length + n;
}

/* Of the child's memory; what it hasn't is left zero. */
static void peek(void *to, unsigned long long from, size_t n)
{
	struct iovec here = { to, n }, there = { (void *)(uintptr_t)from, n };
	memset(to, 0, n);
	if (process_vm_readv(child, &here, 1, &there, 1, 0) < 0 && n > PATH_MAX)
		die("process_vm_readv");
}

/* A path may end right before a page that isn't there. */
static void peek_path(char path[PATH_MAX], unsigned long long from)
{
	size_t n = 0;
	do {
		size_t part = 4096 - (from + n) % 4096;
		if (part > PATH_MAX - 1 - n)
			part = PATH_MAX - 1 - n;
		peek(path + n, from + n, part);
		n += part;
	} while (!memchr(path, '\0', n) && n < PATH_MAX - 1);
	path[n] = '\0';
}

static bool file_of(int fd, struct stat *st)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)child, fd);
	return stat(link, st) == 0;
}

static long long position(int fd)
{
	char path[64];
	long long at = -1;
	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)child, fd);
	FILE *f = fopen(path, "r");
	if (!f || fscanf(f, "pos: %lld", &at) != 1)
		die(path);
	fclose(f);
	return at;
}

/* Modes in which the program is a server. */
static bool serves(void)
{
	return job.mode == 'T' || job.mode == 'F';
}

/* What is known at a call's entry and needed at its exit. */
struct seen {
	struct stat file;
	bool there;                    /* file is that of its descriptor, or of its path */
	long long at;
	char path[PATH_MAX], other[PATH_MAX];
	char data[1 << 18];
};
static struct seen *seen;

/* Of the peer of a TCP socket; 0 where there is none. */
static int port_of(int fd)
{
	struct sockaddr_in peer = { .sin_family = AF_UNSPEC };
	socklen_t size = sizeof peer;
	int process = (int)syscall(SYS_pidfd_open, child, 0);
	int copy = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	if (copy < 0 || getpeername(copy, (struct sockaddr *)&peer, &size) || peer.sin_family != AF_INET)
		peer.sin_port = 0;
	if (copy >= 0)
		close(copy);
	if (process >= 0)
		close(process);
	return ntohs(peer.sin_port);
}

static int flags_of(const regs *r)
{
	return (int)(r->orig_rax == SYS_open ? r->rsi : r->rdx);
}

/* Calls that change files in ways that record() doesn't know. */
static bool is_strange(const regs *r)
{
	static const long strange[] = {
		SYS_writev, SYS_pwritev, SYS_pwritev2, SYS_truncate, SYS_fallocate, SYS_sendfile, SYS_copy_file_range, SYS_splice,
		SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat, SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_mkdirat, SYS_rmdir,
		SYS_creat, SYS_io_uring_setup, SYS_io_submit, SYS_sync_file_range,
	};
	bool shared = r->orig_rax == SYS_mmap && r->rdx & PROT_WRITE && r->r10 & MAP_SHARED && (int)r->r8 >= 0;
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
		if ((long)r->orig_rax == strange[i])
			return file_of((int)r->rdi, &seen->file) ? S_ISREG(seen->file.st_mode) : true;
	return shared;
}

static void look(const regs *r)
{
	seen->there = false;
	switch (r->orig_rax) {
	case SYS_write:
	case SYS_pwrite64:
		seen->there = file_of((int)r->rdi, &seen->file);
		if (!seen->there || !S_ISREG(seen->file.st_mode))
			return;
		if (r->rdx > sizeof seen->data)
			exit(112);
		seen->at = r->orig_rax == SYS_write ? position((int)r->rdi) : (long long)r->r10;
		peek(seen->data, r->rsi, r->rdx);
		return;
	case SYS_ftruncate:
	case SYS_fsync:
	case SYS_fdatasync:
		seen->there = file_of((int)r->rdi, &seen->file);
		return;
	case SYS_open:
	case SYS_openat:
		peek_path(seen->path, r->orig_rax == SYS_open ? r->rdi : r->rsi);
		seen->there = lstat(seen->path, &seen->file) == 0;
		return;
	case SYS_unlink:
	case SYS_mkdir:
		peek_path(seen->path, r->rdi);
		return;
	case SYS_rename:
		peek_path(seen->path, r->rdi);
		peek_path(seen->other, r->rsi);
		return;
	}
}

/* A byte of an answer went out, or one of a request came in; of CGI only answers count. */
static void note_talk(const char *kind, int fd)
{
	char line[32];
	int port = job.mode == 'T' ? port_of(fd) : 0;
	snprintf(line, sizeof line, "%s %d\n", kind, port);
	if (port || (fd == 1 && *kind == 'A'))
		note(line, NULL, 0);
}

/*
 * A line for each change, files by inode:
 *	W INODE AT BYTES, then the bytes        T INODE SIZE       S INODE (synced)
 *	C INODE PATH (made)   D INODE PATH (directory made)   U PATH
 *	R FROM, then M TO     X CALL (not known here)
 *	A PORT (an answer goes out)                           Q PORT (a request comes in)
 */
static void record_call(const regs *r)
{
	char line[PATH_MAX + 64];
	long long result = (long long)r->rax;
	struct stat st;
	if (result < 0)
		return;
	switch (r->orig_rax) {
	case SYS_write:
	case SYS_pwrite64:
		if (seen->there && S_ISREG(seen->file.st_mode)) {
			snprintf(line, sizeof line, "W %lu %lld %lld\n", (unsigned long)seen->file.st_ino, seen->at, result);
			note(line, seen->data, (size_t)result);
		} else {
			note_talk("A", (int)r->rdi);
		}
		return;
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_writev:
		note_talk("A", (int)r->rdi);
		return;
	case SYS_read:
	case SYS_recvfrom:
	case SYS_recvmsg:
		if (result > 0)
			note_talk("Q", (int)r->rdi);
		return;
	case SYS_ftruncate:
		snprintf(line, sizeof line, "T %lu %llu\n", (unsigned long)seen->file.st_ino, r->rsi);
		break;
	case SYS_fsync:
	case SYS_fdatasync:
		snprintf(line, sizeof line, "S %lu\n", (unsigned long)seen->file.st_ino);
		break;
	case SYS_open:
	case SYS_openat:
		if (flags_of(r) & O_TRUNC && seen->there)
			snprintf(line, sizeof line, "T %lu 0\n", (unsigned long)seen->file.st_ino);
		else if (flags_of(r) & O_CREAT && !seen->there && file_of((int)result, &st))
			snprintf(line, sizeof line, "C %lu %s\n", (unsigned long)st.st_ino, seen->path);
		else
			return;
		break;
	case SYS_unlink:
		snprintf(line, sizeof line, "U %s\n", seen->path);
		break;
	case SYS_mkdir:
		if (stat(seen->path, &st))
			die(seen->path);
		snprintf(line, sizeof line, "D %lu %s\n", (unsigned long)st.st_ino, seen->path);
		break;
	case SYS_rename:
		snprintf(line, sizeof line, "R %s\n", seen->path);
		note(line, NULL, 0);
		snprintf(line, sizeof line, "M %s\n", seen->other);
		break;
	default:
		return;
	}
	note(line, NULL, 0);
}

/* ---- faults ------------------------------------------------------------ */

static bool writes(unsigned long long call)
{
	static const long writers[] = {
		SYS_write, SYS_pwrite64, SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_rename, SYS_mkdir, SYS_unlink, SYS_fchmod,
	};
	for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
		if ((long)call == writers[i])
			return true;
	return false;
}

static bool can_be_short(const regs *r)
{
	bool reads = r->orig_rax == SYS_read || r->orig_rax == SYS_pread64;
	bool written = r->orig_rax == SYS_write || r->orig_rax == SYS_pwrite64;
	return (written || (reads && job.fault == SHORT)) && r->rdx > 1;
}

static void set(const regs *r)
{
	if (ptrace(PTRACE_SETREGS, child, NULL, r) && errno != ESRCH)
		die("SETREGS");
}

static bool get(regs *r)
{
	return ptrace(PTRACE_GETREGS, child, NULL, r) == 0;
}

/* Runs the child to its next stop; false once it is over. */
static bool go_on(enum __ptrace_request how)
{
	int status;
	long signal_to_give = 0;
	for (;;) {
		if (ptrace(how, child, NULL, signal_to_give) && errno != ESRCH)
			die("ptrace");
		if (waitpid(child, &status, 0) != child)
			die("waitpid");
		if (!WIFSTOPPED(status)) {
			answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			return false;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return true;
		signal_to_give = WSTOPSIG(status);
	}
}

/* exit_group(2) can't fail, and SIGKILL there comes after all is done; nor can kill(2) of one's own child, or umask(2). */
static bool applies(const regs *r)
{
	if (r->orig_rax == SYS_umask)
		return job.fault == KILL;
	return r->orig_rax != SYS_exit_group && r->orig_rax != SYS_kill && (can_be_short(r) || (job.fault != SHORT && job.fault != TORN));
}

/* At the entry of the call that is to fail. */
static void begin_failure(regs *r)
{
	answer.call = (long)r->orig_rax;
	answer.hit = 1;
	if (job.fault == KILL)
		kill(child, SIGKILL);
	else if (job.fault < 0)
		r->rdx /= 2;
	else if (r->orig_rax != SYS_close)
		r->orig_rax = (unsigned long long)-1;
	set(r);
}

/* At its exit. */
static void end_failure(regs *r, const regs *asked)
{
	r->rdx = asked->rdx;
	if (job.fault > 0)
		r->rax = (unsigned long long)-job.fault;
	set(r);
}

/* From the entry of the call to behind its exit; false where the child is over. */
static bool fail_call(regs *r)
{
	regs asked = *r, after;
	begin_failure(r);
	if (!go_on(PTRACE_SYSCALL))
		return false;
	if (job.fault == TORN)
		kill(child, SIGKILL);
	if (!get(&after))
		return go_on(PTRACE_CONT);
	end_failure(&after, &asked);
	return true;
}

static void inject(void)
{
	regs r;
	for (int n = 1; go_on(PTRACE_SYSCALL); n++) {
		bool due = n >= job.when && get(&r) && applies(&r) && (n == job.when || writes(r.orig_rax));
		if (!(due ? fail_call(&r) : go_on(PTRACE_SYSCALL)))
			return;
		if (n == job.when && job.mode != 's') {
			(void)go_on(PTRACE_CONT);
			return;
		}
	}
}

/* ---- records ----------------------------------------------------------- */

/* What is not dumpable shows its memory to root alone; this isn't what is tested here. */
static bool hides(const regs *r)
{
	return r->orig_rax == SYS_prctl && r->rdi == PR_SET_DUMPABLE;
}

/* A process that is recorded. */
static struct tracee {
	pid_t pid;
	bool fresh;                    /* not begun yet: its SIGSTOP is ours */
	bool failing;                  /* in the call that meets the fault */
	regs asked;
	struct seen seen;
} *tracees[PROCESSES];

static struct tracee *tracee_of(pid_t pid)
{
	size_t i = 0, room = PROCESSES;
	for (; i < PROCESSES && (!tracees[i] || tracees[i]->pid != pid); i++)
		if (!tracees[i])
			room = i;
	if (i < PROCESSES)
		return tracees[i];
	if (room == PROCESSES || !(tracees[room] = calloc(1, sizeof *tracees[room])))
		exit(112);
	tracees[room]->pid = pid;
	tracees[room]->fresh = true;
	return tracees[room];
}

/* Without its first process a server is to end. */
static void end_all(int number)
{
	for (size_t i = 0; i < PROCESSES; i++)
		if (tracees[i])
			kill(tracees[i]->pid, number);
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < PROCESSES; i++)
		if (tracees[i] && tracees[i]->pid == pid) {
			free(tracees[i]);
			tracees[i] = NULL;
		}
}

/* Of a server: calls are counted from its first connection on. */
static int calls_since_accept;

/* The call number WHEN, of whichever process it is. */
static void fail_one(struct tracee *t, regs *r)
{
	if (!calls_since_accept || calls_since_accept++ != job.when || !applies(r))
		return;
	t->failing = true;
	begin_failure(r);
}

static void failed_one(struct tracee *t, regs *r)
{
	t->failing = false;
	if (job.fault == TORN)
		kill(child, SIGKILL);
	end_failure(r, &t->asked);
}

static void at_entry(struct tracee *t, regs *r)
{
	char line[64];
	snprintf(line, sizeof line, job.mode == 'l' ? "%lld\n" : "X %lld\n", (long long)r->orig_rax);
	t->asked = *r;
	if (job.mode == 'F') {
		fail_one(t, r);
		return;
	}
	if (job.mode == 'l' || is_strange(r))
		note(line, NULL, 0);
	if (job.mode != 'l')
		look(r);
	if (hides(r)) {
		r->orig_rax = (unsigned long long)-1;
		set(r);
	}
}

static void at_exit(struct tracee *t, regs *r)
{
	if (job.mode == 'F') {
		if (t->asked.orig_rax == SYS_accept4 && (long long)r->rax >= 0 && !calls_since_accept)
			calls_since_accept = 1;
		if (t->failing)
			failed_one(t, r);
	} else if (hides(&t->asked)) {
		r->rax = 0;
		set(r);
	} else if (job.mode != 'l') {
		r->orig_rax = t->asked.orig_rax;
		record_call(r);
	}
}

static void at_call(struct tracee *t)
{
	struct __ptrace_syscall_info info;
	regs r;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) < 0 || !get(&r))
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		at_entry(t, &r);
	else
		at_exit(t, &r);
}

/* The signal that goes with a stop, 0: none. */
static int at_stop(struct tracee *t, int status)
{
	bool ours = t->fresh && WSTOPSIG(status) == SIGSTOP;
	t->fresh = t->fresh && !ours;
	if (WSTOPSIG(status) == (SIGTRAP | 0x80))
		at_call(t);
	return ours || WSTOPSIG(status) == (SIGTRAP | 0x80) || status >> 16 ? 0 : WSTOPSIG(status);
}

/*
 * All processes that come of it, in one order, until the kernel knows of no more: one that was just forked may be
 * stopped without having been seen, and would keep its connections for ever.
 */
static void record_all(void)
{
	int status, give = 0;
	pid_t first = child;
	bool more = true, over = false;
	tracee_of(first)->fresh = false;
	calls_since_accept = 0;
	for (;;) {
		if (more && ptrace(PTRACE_SYSCALL, child, NULL, (long)give) && errno != ESRCH)
			die("ptrace");
		child = waitpid(-1, &status, __WALL);
		if (child < 0 && errno == ECHILD)
			return;
		if (child < 0)
			die("waitpid");
		more = WIFSTOPPED(status);
		if (more) {
			struct tracee *t = tracee_of(child);
			seen = &t->seen;
			give = at_stop(t, status);
			if (over)
				kill(child, SIGKILL);
			continue;
		}
		forget(child);
		if (child != first)
			continue;
		answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		over = job.mode == 'F';
		if (over)
			end_all(SIGKILL);
	}
}

/* ---- jobs -------------------------------------------------------------- */

static void hung(int unused)
{
	(void)unused;
	end_all(SIGABRT);
	kill(child, SIGABRT);
}

static void become(int in, int out, int err)
{
	int nowhere = serves() ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
	if (dup2(in, 0) < 0 || dup2(nowhere < 0 ? out : nowhere, 1) < 0 || dup2(nowhere < 0 ? err : nowhere, 2) < 0)
		_exit(126);
	if (job.mode != 'r')
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execve(job.argv[0], job.argv, job.env);
	_exit(127);
}

static void wait_for_exec(void)
{
	int status;
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		die("no exec");
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
	if (job.mode != 'f' && job.mode != 's')
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	if (ptrace(PTRACE_SETOPTIONS, child, NULL, options))
		die("SETOPTIONS");
}

static void observe(void)
{
	int status;
	alarm(job.mode == 'T' ? SERVE_SECONDS : HANG_SECONDS);
	if (serves()) {
		printf("%d\n", (int)child);
		fflush(stdout);
	}
	if (job.mode == 'r') {
		if (waitpid(child, &status, 0) != child)
			die("waitpid");
		answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	} else {
		wait_for_exec();
		if (job.mode == 'f' || job.mode == 's')
			inject();
		else
			record_all();
	}
	alarm(0);
}

/* What a program leaves fits a pipe, so nobody waits for a reader. */
static size_t drain(int fd, char *to)
{
	size_t n = 0;
	for (ssize_t got; n < ROOM && (got = read(fd, to + n, ROOM - n)) > 0; n += (size_t)got)
		;
	close(fd);
	return n;
}

static void run_job(void)
{
	static char output[ROOM], errors[ROOM];
	int in[2], out[2], err[2];
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		die("pipe");
	if (write(in[1], job.input, (size_t)job.bytes) != job.bytes)
		die("write");
	close(in[1]);
	recorded = 0;
	memset(&answer, 0, sizeof answer);
	child = fork();
	if (child == 0)
		become(in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	observe();
	size_t n = drain(out[0], output), m = drain(err[0], errors);
	printf("%d %d %ld %zu %zu %zu\n", answer.status, answer.hit, answer.call, n, m, recorded);
	fwrite(output, 1, n, stdout);
	fwrite(errors, 1, m, stdout);
	fwrite(record, 1, recorded, stdout);
	fflush(stdout);
}

/* The next of the job's strings. */
static char *word(size_t *at)
{
	char *start = job.text + *at;
	for (int c; (c = getchar()) != EOF; ) {
		if (*at >= ROOM)
			exit(112);
		job.text[(*at)++] = (char)c;
		if (c == '\0')
			return start;
	}
	exit(0);
}

static bool read_job(void)
{
	size_t at = 0;
	char line[128];
	if (!fgets(line, sizeof line, stdin))
		return false;
	if (sscanf(line, "%c %d %d %d %d %d", &job.mode, &job.fault, &job.when, &job.args, &job.variables, &job.bytes) != 6
		|| job.args >= WORDS || job.variables >= WORDS || job.bytes > ROOM)
		exit(112);
	for (int i = 0; i < job.args; i++)
		job.argv[i] = word(&at);
	job.argv[job.args] = NULL;
	for (int i = 0; i < job.variables; i++)
		job.env[i] = word(&at);
	job.env[job.variables] = NULL;
	return fread(job.input, 1, (size_t)job.bytes, stdin) == (size_t)job.bytes;
}

int main(void)
{
	record = malloc(RECORD_ROOM);
	signal(SIGALRM, hung);
	if (!record)
		die("malloc");
	while (read_job())
		run_job();
	return 0;
}
