/*
 * file: see file.h for what each function promises.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>    /* rename */
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

char *path_in(const char *dir, const char *name)
{
	struct buf path = { 0 };
	buf_s(&path, dir);
	buf_c(&path, '/');
	buf_s(&path, name);
	buf_c(&path, '\0');
	return path.p;
}

/* Reads fd into text, which has room for max + 1 bytes. One read is all of a regular file, unless it is longer than that. */
static int read_up_to(int fd, char *text, size_t max, size_t *length)
{
	ssize_t got;
	do {
		got = read(fd, text, max + 1);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno;
	*length = (size_t)got;
	return *length > max ? EFBIG : 0;
}

int file_read_open(int fd, char *room, size_t max, struct slice *out)
{
	size_t n = 0;
	int error = read_up_to(fd, room, max, &n);
	if (error == 0)
		*out = (struct slice){ room, n };
	return error;
}

int file_read(const char *path, size_t max, struct slice *out)
{
	char *room = arena(max + 2);
	int fd = open(path, O_RDONLY | O_NOFOLLOW);
	if (fd < 0)
		return errno;
	int error = file_read_open(fd, room, max, out);
	close(fd);
	return error;
}

int64_t file_room(const char *dir)
{
	struct statvfs v;
	if (statvfs(dir, &v) || v.f_blocks == 0)
		return INT64_MAX;
	return (int64_t)((uint64_t)v.f_bavail * v.f_frsize);
}

bool directory_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool good = fsync(fd) == 0;
	close(fd);
	return good;
}

bool write_all(int fd, struct slice s)
{
	while (s.n) {
		ssize_t put = write(fd, s.p, s.n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		s = slice_from(s, (size_t)put);
	}
	return true;
}

/* Makes the file under its temporary name, and waits until it is on disk. */
static bool write_new(const char *path, struct slice text)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool good = write_all(fd, text) && fsync(fd) == 0;
	return close(fd) == 0 && good;
}

bool file_replace(const char *dir, const char *name, struct slice text)
{
	const char *path = path_in(dir, name), *fresh = text_join(path, ".new", NULL);
	return write_new(fresh, text) && rename(fresh, path) == 0 && directory_sync(dir);
}

/* ---- limits of time ---------------------------------------------------- */

/* The signal does nothing but interrupt a system call. */
static void interrupt(int signal)
{
	(void)signal;
}

/* SIGALRM comes every ms milliseconds; 0: no more. Not once alone: the first may come just before the call. */
static void interrupt_every(int64_t ms)
{
	const struct timeval period = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	const struct itimerval timer = { period, period };
	const struct sigaction on = { .sa_handler = interrupt }, off = { .sa_handler = SIG_DFL };
	if (ms)
		sigaction(SIGALRM, &on, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	if (!ms)
		sigaction(SIGALRM, &off, NULL);
}

bool write_within(int fd, struct slice s, int64_t ms)
{
	int64_t end = now_ms() + ms;
	interrupt_every(ms);
	while (s.n && now_ms() < end) {
		ssize_t put = write(fd, s.p, s.n);
		if (put < 0 && errno != EINTR)
			break;
		s = slice_from(s, put > 0 ? (size_t)put : 0);
	}
	interrupt_every(0);
	return s.n == 0;
}

bool lock_within(int fd, int64_t seconds)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	interrupt_every(seconds * 1000);
	bool locked = flock(fd, LOCK_EX) == 0;
	if (!locked && errno == EINTR)
		errno = ETIMEDOUT;
	interrupt_every(0);
	return locked;
}
