/*
 * process: see process.h for what each function promises.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#include <sys/prctl.h>
#endif

#include "base/base.h"

#ifndef _GNU_SOURCE
extern char **environ;
#endif

#ifdef __linux__
enum { OPEN_DIRECTORY = O_PATH };       /* enough for Landlock, and for fstat(2) */

/* Whose the process was when it began. The kernel has passed that along, so it costs no system call. */
static bool began_as_root(void)
{
	return getauxval(AT_EUID) == 0;
}
#else
enum { OPEN_DIRECTORY = O_RDONLY };

static bool began_as_root(void)
{
	return geteuid() == 0;
}
#endif

/* This process, or one that it was forked from, is the owner of the directory already. */
static bool is_owner;

static void open_standard_files(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

void process_start(enum process_kind kind)
{
	signal(SIGPIPE, SIG_IGN);
	if (kind == PROCESS_OF_REQUEST)
		return;
	open_standard_files();
	umask(077);
}

static void become_owner(const char *dir, const struct stat *owner)
{
	if (owner->st_uid == 0)
		return;
	if (setgroups(0, NULL) != 0 || setgid(owner->st_gid) != 0 || setuid(owner->st_uid) != 0)
		fail(ERROR_STORE_UNAVAILABLE, "PR1", "cannot become the owner of ", dir, ": ", strerror(errno), "; run it as user id ", dec(owner->st_uid), NULL);
	is_owner = true;
}

/* The first file that a process opens shows by its number whether 0 to 2 were open. */
int process_enter(const char *dir)
{
	struct stat owner;
	int fd = open(dir, OPEN_DIRECTORY);
	if (fd >= 0 && fd <= STDERR_FILENO) {
		close(fd);
		open_standard_files();
		fd = open(dir, OPEN_DIRECTORY);
	}
	if (fd >= 0 && began_as_root() && !is_owner && fstat(fd, &owner) == 0)
		become_owner(dir, &owner);
	return fd;
}

void process_hide(void)
{
#ifdef __linux__
	prctl(PR_SET_DUMPABLE, 0UL);
#endif
}

void process_become_owner(const char *dir)
{
	close(process_enter(dir));
	process_hide();
}

char **process_take_environment(void)
{
	static char *none[] = { NULL };
	char **taken = environ;
	environ = none;
	return taken;
}
