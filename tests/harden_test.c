/*
 * harden_test: what a confined process can and can't do, tried in one.
 *
 * The same attempts are made as root, as nobody, and, under strace, which
 * refuses the newer rulesets, as on every older kernel. Each attempt gives an
 * errno; what is wanted stands beside it, with the Landlock ABI that it needs.
 *
 * A kernel without Landlock fails this test: it can't show what it is for.
 * needs: strace
 */
#include "base/file.h"
#include "harden.h"
#include "password.h"
#include "t.h"
#include "throttle.h"
#include "attempts.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum { NOBODY = 65534, HASH_KIB = 4096, UNKNOWN = -1 };

/* ---- the stage --------------------------------------------------------- */

static char stage[] = "/tmp/lk-harden.XXXXXX";
static struct sockaddr_in tcp;
static struct sockaddr_un local;
static socklen_t local_size;

static const char *at(const char *path)
{
	return path_in(stage, path);
}

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(at(path), O_WRONLY | O_CREAT, mode);
	if (fd < 0 || !write_all(fd, slice_of(text)))
		exit(2);
	close(fd);
}

/* Listeners that outlive the confinement; nobody accepts, a backlog is enough. */
static void listeners(const char *name)
{
	socklen_t size = sizeof tcp;
	int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0);
	tcp = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	local = (struct sockaddr_un){ .sun_family = AF_UNIX };
	local_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1
	    + (size_t)snprintf(local.sun_path + 1, sizeof local.sun_path - 1, "%s %s", stage, name));
	if (bind(a, (struct sockaddr *)&tcp, sizeof tcp) || listen(a, 8) || getsockname(a, (struct sockaddr *)&tcp, &size)
	    || bind(b, (struct sockaddr *)&local, local_size) || listen(b, 8))
		exit(2);
}

static const char *const files[] = {
	"data/known", "data/program", "data/program2", "data/throttle", "data/new", "run/throttle", "run/password.lock", "run/new", "outside/secret", "outside/new", "outside/created", "data/linked", "data/fifo",
};
static const char *const dirs[] = { "data", "run", "outside" };

static void stage_up(void)
{
	if (!mkdtemp(stage))
		exit(2);
	chmod(stage, 0755);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		mkdir(at(dirs[i]), 0777);
		chmod(at(dirs[i]), 0777);
	}
	put("data/known", "known", 0666);
	put("data/program", "#!/bin/sh\n", 0777);
	put("outside/secret", "secret", 0666);
	chmod(at("data/known"), 0666);
	chmod(at("outside/secret"), 0666);
	listeners("parent");
}

static void stage_down(void)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(at(files[i]));
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		rmdir(at(dirs[i]));
	rmdir(stage);
}

/* ---- attempts ---------------------------------------------------------- */

static int read_root(void) { return opened("/", O_RDONLY | O_DIRECTORY); }
static int create_above(void) { return opened(at("new"), O_WRONLY | O_CREAT); }
static int truncate_outside(void) { return error_of(truncate(at("outside/secret"), 0)); }
static int unlink_outside(void) { return error_of(unlink(at("outside/secret"))); }
static int write_urandom(void) { return opened("/dev/urandom", O_WRONLY); }
static int read_urandom(void) { return opened("/dev/urandom", O_RDONLY); }
static int rename_out(void) { return error_of(rename(at("data/known"), at("outside/new"))); }
static int rename_in(void) { return error_of(rename(at("outside/secret"), at("data/new"))); }
static int link_in(void) { return error_of(link(at("outside/secret"), at("data/new"))); }
static int rename_across(void) { return error_of(rename(at("data/known"), at("run/new"))); }
static int make_device(void) { return error_of(mknod(at("data/new"), S_IFCHR | 0600, 0)); }
static int exec_shell(void) { return error_of(execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL)); }
static int exec_inside(void) { return error_of(execl(at("data/program"), "program", (char *)NULL)); }
static int signal_parent(void) { return error_of(kill(getppid(), 0)); }
static int parent_memory(void) { return memory_of(getppid()); }
static int trace_parent(void) { return error_of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)); }

static int tcp_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int error = error_of(connect(fd, (struct sockaddr *)&tcp, sizeof tcp));
	close(fd);
	return error;
}

static int tcp_bind(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int error = error_of(bind(fd, (struct sockaddr *)&any, sizeof any));
	close(fd);
	return error;
}

static int abstract_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int error = error_of(connect(fd, (struct sockaddr *)&local, local_size));
	close(fd);
	return error;
}

/* What SQLite does with its files. */
static int database_life(void)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *name = path_in(stage, "data/new"), *other = path_in(stage, "data/program2");
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int dir = open(at("data"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || dir < 0 || ftruncate(fd, 65536) || fcntl(fd, F_SETLK, &whole) || flock(fd, LOCK_EX) || fchmod(fd, 0640))
		return errno;
	char *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || pwrite(fd, "x", 1, 65535) != 1 || map[65535] != 'x' || fdatasync(fd) || fsync(dir))
		return errno;
	if (truncate(name, 0) || rename(name, other) || unlink(other))
		return errno;
	return close(fd) || close(dir) ? errno : 0;
}

static int list_data(void)
{
	DIR *data = opendir(at("data"));
	if (!data)
		return errno;
	int seen = 0;
	while (readdir(data))
		seen++;
	closedir(data);
	return seen >= 4 ? 0 : EIO;
}

static int held_table;

static int throttle_elsewhere(void)
{
	struct stat st;
	throttle_ask(at("run"), S("192.0.2.1"), S("ann"));
	return fstat(held_table, &st) ? errno : st.st_size != 65536;
}

static int slot_elsewhere(void)
{
	bool got = password_slot(at("run"), 1, 1);
	password_slot_leave();
	return got ? 0 : EAGAIN;
}

/* What the configuration names, which lies in the data directory, opens nothing. */
static int another_beside_it(void) { return opened(at("run/new"), O_RDWR | O_CREAT); }
static int the_same_again(void) { return opened(at("run/throttle"), O_RDWR); }

static int hash_password(void)
{
	password_hash(S("open sesame"), (struct password_cost){ HASH_KIB, 1 });
	return 0;
}

static int take_memory(void)
{
	void *p = mmap(NULL, HASH_KIB * 1024 + (8 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? errno : 0;
}

static int outgrow_limit(void)
{
	struct rlimit before, little;
	getrlimit(RLIMIT_FSIZE, &before);
	little = (struct rlimit){ 4096, before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &little);
	int fd = open(at("data/new"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int error = error_of(pwrite(fd, "x", 1, 4096));
	close(fd);
	unlink(at("data/new"));
	setrlimit(RLIMIT_FSIZE, &before);
	return error;
}

/* These give 0 where the limit is as it should be. */
static int dumpable(void) { return prctl(PR_GET_DUMPABLE); }
static int new_privs(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) != 1; }

static int cpu_limited(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_CPU, &limit);
	return limit.rlim_max > 60;
}

#ifdef ARENA_MALLOC
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

struct attempt {
	const char *name;
	int (*make)(void);
	int want;               /* errno; 0: it works */
	int abi;                /* from this one on; what came after ABI 2 works before it */
};

static const struct attempt attempts[] = {
	{ "the data directory serves a database", database_life, 0, 0 },
	{ "and can be listed", list_data, 0, 0 },
	{ "the throttle's table was opened before", throttle_elsewhere, 0, 0 },
	{ "so was the file of the slots", slot_elsewhere, 0, 0 },
	{ "their directory is shut", another_beside_it, EACCES, 1 },
	{ "for them too", the_same_again, EACCES, 1 },
	{ "a password can be hashed", hash_password, 0, 0 },
	{ "no device can be read", read_urandom, EACCES, 1 },
	{ "nor written", write_urandom, EACCES, 1 },
	{ "/etc/passwd can't be read", read_passwd, EACCES, 1 },
	{ "nor its own environment", read_environ, EACCES, 1 },
	{ "nor /", read_root, EACCES, 1 },
	{ "nor a file that all may read", read_outside, EACCES, 1 },
	{ "nor that by way of the data directory", read_upwards, EACCES, 1 },
	{ "nor written", write_outside, EACCES, 1 },
	{ "nor cut off", truncate_outside, EACCES, 3 },
	{ "nor removed", unlink_outside, EACCES, 1 },
	{ "no file is made beside it", create_outside, EACCES, 1 },
	{ "nor above the data directory", create_above, EACCES, 1 },
	{ "nothing is moved out", rename_out, EACCES, 2 },
	{ "nor in", rename_in, EACCES, 2 },
	{ "nor linked in", link_in, EXDEV, 1 },
	{ "nor moved between the two directories", rename_across, EACCES, 2 },
	{ "no directory is made", make_dir, EACCES, 1 },
	{ "no symbolic link", make_link, EACCES, 1 },
	{ "no FIFO", make_fifo, EACCES, 1 },
	{ "no device", make_device, EACCES, 1 },
	{ "no shell is run", exec_shell, EACCES, 1 },
	{ "nor a program in the data directory", exec_inside, EACCES, 1 },
	{ "no process is made (root isn't bound)", fork_once, EAGAIN, 0 },
	{ "none is traced", trace_parent, EPERM, 1 },
	{ "no other's memory is read", parent_memory, EACCES, 1 },
	{ "none is signalled", signal_parent, EPERM, 6 },
	{ "no TCP connection goes out", tcp_connect, EACCES, 4 },
	{ "none is listened for", tcp_bind, EACCES, 4 },
	{ "no abstract socket is reached", abstract_connect, EPERM, 6 },
	{ "memory ends", take_memory, SANITIZED ? UNKNOWN : ENOMEM, 0 },
	{ "an operator's file size limit is an ordinary error", outgrow_limit, EFBIG, 0 },
	{ "it leaves no core and can't be traced", dumpable, 0, 0 },
	{ "it gains no privileges", new_privs, 0, 0 },
	{ "CPU time ends", cpu_limited, 0, 0 },
};

static int wanted(const struct attempt *a, int abi)
{
	if (a->make == fork_once && geteuid() == 0)
		return 0;
	if (abi < a->abi)
		return a->abi > 2 ? 0 : UNKNOWN;
	return a->want;
}

/* Confines this process, then tries all; a line each, "y" or "n" first. */
_Noreturn static void confined(int abi)
{
	const char *data = at("data"), *run = at("run");
	harden_limits(HASH_KIB, false);
	unlink(at("run/throttle"));   /* the former's, who was somebody else */
	unlink(at("run/password.lock"));
	throttle_hold(run);
	held_table = open(at("run/throttle"), O_RDONLY | O_CLOEXEC);
	password_hold(run);
	bool landlock = harden(data, open(data, O_PATH), NULL, 0);
	printf("%c harden() says %s\n", landlock == (abi > 0) ? 'y' : 'n', landlock ? "confined" : "no Landlock");
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		const struct attempt *a = &attempts[i];
		int want = wanted(a, abi);
		if (want == UNKNOWN)
			continue;
		size_t mark = arena_mark();
		int got = a->make();
		arena_back(mark);
		printf("%c %s%s%s\n", got == want ? 'y' : 'n', a->name, got == want ? "" : ": ", got == want ? "" : strerror(got));
	}
	exit(0);
}

/* ---- who tries --------------------------------------------------------- */

/* The ABI of this kernel; 0 without Landlock. */
static int kernel_abi(void)
{
	long abi = syscall(444, NULL, 0UL, 1U);
	return abi > 0 ? (int)abi : 0;
}

static void as_we_are(void *abi)
{
	confined(*(int *)abi);
}

static void as_nobody(void *abi)
{
	if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
		exit(3);
	confined(*(int *)abi);
}

/* One result for each line that the child wrote. */
static void report(const char *who, int status)
{
	is_int(status, 0, "%s: to the end", who);
	for (char *line = strtok(t_out, "\n"); line; line = strtok(NULL, "\n"))
		ok(line[0] == 'y', "%s: %s", who, line + 2);
}

/* ---- as on other kernels ----------------------------------------------- */

struct kernel { const char *name, *inject, *abi; };

static const char *self;

static void under_strace(void *arg)
{
	const struct kernel *kernel = arg;
	execlp("strace", "strace", "-qq", "-o", "/dev/null", "-e", "trace=landlock_create_ruleset", "-e", kernel->inject, self, stage, kernel->abi, (char *)NULL);
	exit(127);
}

/* What strace runs: the same attempts on the stage that stands. */
_Noreturn static void replay(const char *where, const char *abi)
{
	memcpy(stage, where, sizeof stage);
	listeners(abi);
	confined(abi[0] - '0');
}

static void older_kernels(void)
{
	static const struct kernel kernels[] = {
		{ "a kernel that knows no scopes", "inject=landlock_create_ruleset:error=E2BIG:when=1", "5" },
		{ "a kernel of ABI 4", "inject=landlock_create_ruleset:error=EINVAL:when=1..2", "4" },
		{ "a kernel of ABI 3", "inject=landlock_create_ruleset:error=EINVAL:when=1..3", "3" },
		{ "a kernel of ABI 2", "inject=landlock_create_ruleset:error=EINVAL:when=1..4", "2" },
		{ "a kernel of ABI 1", "inject=landlock_create_ruleset:error=EINVAL:when=1..5", "1" },
		{ "a kernel that knows no ruleset", "inject=landlock_create_ruleset:error=EINVAL", "0" },
		{ "a kernel without Landlock", "inject=landlock_create_ruleset:error=ENOSYS", "0" },
		{ "a kernel that was told to do without", "inject=landlock_create_ruleset:error=EOPNOTSUPP", "0" },
	};
	for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
		struct kernel kernel = kernels[i];
		report(kernel.name, dies(under_strace, &kernel));
	}
}

static void in_directory(void *dir)
{
	harden_limits(HASH_KIB, false);
	bool landlock = harden(dir, open(dir, O_PATH), NULL, 0);
	exit(landlock ? opened(at("data/known"), O_RDONLY) : 99);
}

/* `latchkey check` asks so, as the data directory's owner. */
static void alone_as_nobody(void *unused)
{
	(void)unused;
	if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
		exit(3);
	exit(harden(at("data"), open(at("data"), O_PATH), NULL, 0) ? 0 : 99);
}

static void directories(void)
{
	is_int(dies(alone_as_nobody, NULL), 0, "harden() needs neither root nor harden_limits()");
	is_int(dies(in_directory, (void *)(uintptr_t)at("data")), 0, "the data directory can be opened");
	is_int(dies(in_directory, (void *)(uintptr_t)at("missing")), EACCES, "without a data directory nothing can be opened");
}

int main(int argc, char **argv)
{
	not_in("cross", "execs itself under strace; qemu-user 7 knows no Landlock, and keeps RLIMIT_DATA from the program");
	if (argc == 3)
		replay(argv[1], argv[2]);
	self = argv[0];
	int abi = kernel_abi();
	stage_up();
	if (!ok(abi > 0, "this kernel has Landlock (ABI %d)", abi))
		diag("without it latchkey runs unconfined, and nothing here can be shown");
	if (geteuid() == 0)
		report("root", dies(as_we_are, &abi));
	report("nobody", dies(as_nobody, &abi));
	older_kernels();
	directories();
	stage_down();
	return done_testing();
}
