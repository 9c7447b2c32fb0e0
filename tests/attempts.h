/*
 * attempts.h: what a process that was taken over tries, wherever it is confined: harden_test.c tries it in its own process,
 * breakout.c in the middle of a request. Each gives the error's number, 0 where it worked. at(PATH) is the includer's: PATH
 * in a stage with the directories `data` and `outside`, in which a file `secret` lies.
 */
#ifndef LK_ATTEMPTS_H
#define LK_ATTEMPTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *at(const char *path);

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600), error = error_of(fd);
	if (fd >= 0)
		close(fd);
	return error;
}

static int read_passwd(void) { return opened("/etc/passwd", O_RDONLY); }
static int read_environ(void) { return opened("/proc/self/environ", O_RDONLY); }
static int read_outside(void) { return opened(at("outside/secret"), O_RDONLY); }
static int read_upwards(void) { return opened(at("data/../outside/secret"), O_RDONLY); }
static int write_outside(void) { return opened(at("outside/secret"), O_WRONLY); }
static int create_outside(void) { return opened(at("outside/created"), O_WRONLY | O_CREAT | O_EXCL); }
static int make_dir(void) { return error_of(mkdir(at("data/made"), 0700)); }
static int make_link(void) { return error_of(symlink("/etc/passwd", at("data/linked"))); }
static int make_fifo(void) { return error_of(mkfifo(at("data/fifo"), 0600)); }

static int memory_of(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	return opened(path, O_RDWR);
}

static int fork_once(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	int error = error_of(pid);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return error;
}

#endif
