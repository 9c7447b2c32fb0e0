/*
 * harden: see harden.h for what each function promises.
 *
 * Each line here costs every request a system call. These would bring nothing,
 * so they are left out on purpose:
 *
 *   RLIMIT_CORE    a process that isn't dumpable leaves no core.
 *   RLIMIT_FSIZE   limits the size of one file, and an attacker may write any
 *                  number of them. The operator's own `ulimit -f` stays in
 *                  force, and exceeding it is an ordinary error (EFBIG).
 *   RLIMIT_NOFILE  more open files of the data directory do no harm.
 *   close(2)       of the O_PATH descriptors and the ruleset: nothing can be
 *                  read through them, and they can't widen the rules.
 *   O_CLOEXEC      nothing is ever executed; musl makes a second call for it.
 *   seccomp        to install a filter takes nearly as long as a whole verify
 *                  (docs/security.md), and which system calls libc makes is
 *                  libc's to change. The service unit has a filter instead.
 *
 * Landlock's rules name objects: these directories, no network. The structs and
 * numbers are written out here because musl's compiler has no kernel headers;
 * they are the kernel's ABI (Documentation/userspace-api/landlock.rst).
 *
 * What it can't do. RLIMIT_NPROC doesn't limit uid 0, so a process of root can
 * still fork (but not exec). Landlock knows TCP alone: UDP, and named sockets
 * that file permissions allow, can still be reached; the service unit closes
 * these.
 */
#include "harden.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

/* ---- limits ------------------------------------------------------------ */

enum {
	/* Ends an endless loop, never a sign-in: a hash takes 0.03 s on a PC, and no router is a thousand times slower. */
	CPU_SECONDS = 30,
	/* A sign-in was measured at 0.7 MiB beside the hash; SQLite's cache may take 2 more. */
	BASE_BYTES = 8 * 1024 * 1024
};

/* Where a limit is lower already this call fails, except for root, and the lower one stays. */
#define LIMIT(resource, value) ((void)setrlimit(resource, &(const struct rlimit){ (value), (value) }))

void harden_limits(int64_t memory_kib, bool stays)
{
	if (!stays)
		LIMIT(RLIMIT_CPU, CPU_SECONDS);
#ifndef ARENA_MALLOC   /* a sanitizer's shadow memory is terabytes */
	/* Not the hard limit: a hash that was made at a higher cost may need more (password.c). It holds faults, not attackers. */
	(void)setrlimit(RLIMIT_DATA, &(const struct rlimit){ (rlim_t)memory_kib * 1024 + BASE_BYTES, RLIM_INFINITY });
#else
	(void)memory_kib;
#endif
	signal(SIGXFSZ, SIG_IGN);
#ifdef __linux__
	prctl(PR_SET_DUMPABLE, 0UL);
#endif
}

/* ---- Landlock ---------------------------------------------------------- */

#ifdef __linux__

/* From pidfd_send_signal on, new system calls have the same numbers on every architecture, counted from where its table
 * begins (0; MIPS 4000 and 5000; Alpha 110). */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset (SYS_pidfd_open + 10)
#define SYS_landlock_add_rule (SYS_pidfd_open + 11)
#define SYS_landlock_restrict_self (SYS_pidfd_open + 12)
#endif

enum {   /* LANDLOCK_ACCESS_FS_* */
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_FILE = 1 << 5,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	TRUNCATE = 1 << 14,
	FS_1 = (1 << 13) - 1,            /* all that ABI 1 knows */
	FS_2 = FS_1 | 1 << 13,           /* REFER */
	FS_3 = FS_2 | TRUNCATE,
	FS_5 = FS_3 | 1 << 15,           /* IOCTL_DEV */
	NET_4 = 3,                       /* BIND_TCP, CONNECT_TCP */
	SCOPE_6 = 3,                     /* ABSTRACT_UNIX_SOCKET, SIGNAL */
	CONNECT_TCP = 2,
	RULE_PATH_BENEATH = 1,
	RULE_NET_PORT = 2,
	/* What SQLite needs. Without READ_DIR it would skip the fsync of the directory and not say so. */
	DATA = READ_FILE | WRITE_FILE | READ_DIR | MAKE_REG | REMOVE_FILE | TRUNCATE
};

struct ruleset { uint64_t fs, net, scoped; };

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

/* The kinds of access that are refused unless a rule allows them; newest ABI first. */
static const struct ruleset rulesets[] = {
	{ FS_5, NET_4, SCOPE_6 },        /* ABI 6, Linux 6.12 */
	{ FS_5, NET_4, 0 },              /* 5, 6.10; RHEL 9's that claims 6 */
	{ FS_3, NET_4, 0 },              /* 4, 6.7 */
	{ FS_3, 0, 0 },                  /* 3, 6.2 */
	{ FS_2, 0, 0 },                  /* 2, 5.19 */
	{ FS_1, 0, 0 },                  /* 1, 5.13 */
};

/*
 * Tries one row after the other instead of asking for the version first. That
 * saves a call on a current kernel, and kernels that claim a version which they
 * don't support need no list of exceptions. A row that is too new gives EINVAL
 * (unknown bit) or E2BIG (unknown member); any other error means that there is
 * no Landlock.
 */
static int ruleset_make(const struct ruleset **handled)
{
	for (size_t i = 0; i < sizeof rulesets / sizeof *rulesets; i++) {
		long fd = syscall(SYS_landlock_create_ruleset, &rulesets[i], sizeof *rulesets, 0);
		*handled = &rulesets[i];
		if (fd >= 0)
			return (int)fd;
		if (errno != EINVAL && errno != E2BIG)
			break;
	}
	return -1;
}

/* path -1, of a directory that can't be opened, gets no rule. */
static void allow(int ruleset, const struct ruleset *handled, int path, uint64_t access)
{
	const struct path_rule rule = { access & handled->fs, path };
	(void)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
}

/* Of the store, where it is a server. On a kernel whose Landlock knows no network nothing is refused. */
static void allow_port(int ruleset, const struct ruleset *handled, uint16_t port)
{
	const struct { uint64_t allowed, port; } rule = { CONNECT_TCP & handled->net, port };
	(void)syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0);
}

static bool confine(const char *dir, int directory, const uint16_t *ports, size_t count)
{
	(void)dir;
	const struct ruleset *handled;
	prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);   /* or only root may confine itself */
	int ruleset = ruleset_make(&handled);
	if (ruleset < 0)
		return false;
	allow(ruleset, handled, directory, DATA);
	for (size_t i = 0; i < count; i++)
		allow_port(ruleset, handled, ports[i]);
#ifdef LK_COVERAGE_DIR
	allow(ruleset, handled, open(LK_COVERAGE_DIR, O_PATH), DATA | MAKE_DIR);
#endif
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

#elif defined __OpenBSD__

static bool confine(const char *dir, int directory, const uint16_t *ports, size_t count)
{
	(void)directory, (void)ports;
	return unveil(dir, "rwc") == 0 && pledge(count ? "stdio rpath wpath cpath flock inet unix" : "stdio rpath wpath cpath flock", NULL) == 0;
}

#else

static bool confine(const char *dir, int directory, const uint16_t *ports, size_t count)
{
	(void)dir, (void)directory, (void)ports, (void)count;
	return false;
}

#endif

bool harden(const char *dir, int directory, const uint16_t *ports, size_t count)
{
	LIMIT(RLIMIT_NPROC, 0);
	bool confined = confine(dir, directory, ports, count);
#ifdef REQUIRE_LANDLOCK
	if (!confined)
		fail(ERROR_INTERNAL, "HA1", "this kernel has no Landlock", NULL);
#endif
	return confined;
}
