/*
 * file_test: every promise of file.h, the ways to fail among them.
 */
#include "t.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/lk-file.XXXXXX";

/* ---- files ------------------------------------------------------------- */

static void put(const char *name, const char *text)
{
	int fd = open(path_in(dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ok(write_all(fd, slice_of(text)), "%s is written", name);
	close(fd);
}

static void files(void)
{
	struct slice text = SLICE_NONE;
	put("five", "12345");
	is_int(file_read(path_in(dir, "five"), 5, &text), 0, "as long as it may be");
	ok(slice_is(text, S("12345")), "and whole");
	is_int(file_read(path_in(dir, "five"), 4, &text), EFBIG, "one byte longer");
	is_int(file_read(path_in(dir, "none"), 4, &text), ENOENT, "not there");
	is_int(file_read(dir, 4, &text), EISDIR, "a directory");
	ok(symlink("five", path_in(dir, "link")) == 0 && file_read(path_in(dir, "link"), 9, &text) == ELOOP, "no link is followed");
	ok(!write_all(-1, S("x")), "a write that fails says so");
	ok(directory_sync(dir) && !directory_sync(path_in(dir, "none")) && !directory_sync("/proc"), "a directory is on disk, or it is said");
	ok(file_room(dir) >= 0 && file_room(dir) < INT64_MAX, "a disk says how much room there is");
	ok(file_room(path_in(dir, "none")) == INT64_MAX && file_room("/proc") == INT64_MAX, "or doesn't");
	ok(!lock_within(-1, 1) && errno == EBADF, "so it is of a lock");
	unlink(path_in(dir, "link"));
	unlink(path_in(dir, "five"));
}

static void on_alarm(int number)
{
	(void)number;
}

static void alarm_often(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 50000);
}

/* Signals in the middle of writing change nothing, nor do they in the middle of reading. */
static void fill_pipe(int out)
{
	static char much[300000];
	alarm_often();
	_exit(write_all(out, (struct slice){ much, sizeof much }) ? 0 : 1);
}

static void slow_pipe(int out)
{
	usleep(120000);
	_exit(write_all(out, S("late")) ? 0 : 1);
}

/* Its child writes into the pipe whose end this is. */
static int pipe_from(void (*writer)(int out), pid_t *child)
{
	int ends[2];
	ok(pipe(ends) == 0, "a pipe");
	*child = fork();
	if (*child == 0) {
		close(ends[0]);
		writer(ends[1]);
	}
	close(ends[1]);
	return ends[0];
}

static void short_writes(void)
{
	char sink[4096];
	size_t sum = 0;
	pid_t pid;
	int status = 1, in = pipe_from(fill_pipe, &pid);
	usleep(200000);
	for (ssize_t got; (got = read(in, sink, sizeof sink)) > 0;)
		sum += (size_t)got;
	waitpid(pid, &status, 0);
	ok(sum == 300000 && status == 0, "a write goes on over signals and short writes: %zu", sum);
	close(in);
}

static void late_reads(void)
{
	struct slice text = SLICE_NONE;
	char room[11];
	pid_t pid;
	int in = pipe_from(slow_pipe, &pid);
	alarm_often();
	ok(file_read_open(in, room, 9, &text) == 0 && slice_is(text, S("late")), "a read goes on over signals");
	ualarm(0, 0);
	waitpid(pid, NULL, 0);
	close(in);
}

/* ---- no memory ---- */

static jmp_buf no_memory;
static void give_up(enum error e) { longjmp(no_memory, (int)e); }

/* A worker goes on after such a request: what it left open would stay open. The lowest number that is free tells. */
static void nothing_stays_open(void)
{
	struct slice text;
	int before = dup(0);
	close(before);
	on_fail(give_up);
	arena_fail_at(1);
	int e = setjmp(no_memory);
	if (e == 0)
		file_read("/etc/passwd", 100000, &text);
	arena_fail_at(0);
	on_fail(NULL);
	int after = dup(0);
	close(after);
	ok(e == ERROR_STORE_UNAVAILABLE && after == before, "a file for which there is no memory isn't left open: %d, %d", before, after);
}

/* ---- limits of time ---------------------------------------------------- */

/* Nobody reads from the pipe, or a child does after a while. */
static void written_in_time(void)
{
	static char much[300000];
	int ends[2];
	ok(pipe(ends) == 0, "a pipe");
	ok(!write_within(ends[1], (struct slice){ much, sizeof much }, 50), "a reader that takes nothing has its time, and no more");
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	ok(!write_within(ends[1], S("x"), 50), "a reader that is gone is noticed");
	close(ends[1]);
	ok(pipe(ends) == 0, "another");
	pid_t reader = fork();
	if (reader == 0) {
		size_t sum = 0;
		close(ends[1]);
		usleep(100000);
		for (ssize_t got; (got = read(ends[0], much, sizeof much)) > 0;)
			sum += (size_t)got;
		_exit(sum == sizeof much ? 0 : 1);
	}
	close(ends[0]);
	ok(write_within(ends[1], (struct slice){ much, sizeof much }, 20000), "a slow reader gets all of it");
	close(ends[1]);
	int status = 1;
	waitpid(reader, &status, 0);
	is_int(status, 0, "and had all of it");
}

/* A child holds the lock: until it is ended. */
static void locked_in_time(void)
{
	const char *path = path_in(dir, "lock");
	int ready[2], fd = open(path, O_RDWR | O_CREAT, 0600);
	char c;
	ok(pipe(ready) == 0 && lock_within(fd, 1), "a lock that is free");
	flock(fd, LOCK_UN);
	pid_t holder = fork();
	if (holder == 0) {
		int own = open(path, O_RDWR);
		flock(own, LOCK_EX);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ok(read(ready[0], &c, 1) == 1, "a child takes it");
	errno = 0;
	ok(!lock_within(fd, 1) && errno == ETIMEDOUT, "one that is held is waited for no longer than that");
	struct sigaction now_set;
	sigaction(SIGALRM, NULL, &now_set);
	ok(now_set.sa_handler == SIG_DFL, "SIGALRM is nobody's afterwards");
	kill(holder, SIGKILL);
	ok(lock_within(fd, 20), "but had once its holder has ended");
	waitpid(holder, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	close(fd);
	unlink(path);
}

int main(void)
{
	ok(mkdtemp(dir) != NULL, "a directory");
	files();
	short_writes();
	late_reads();
	nothing_stays_open();
	written_in_time();
	locked_in_time();
	rmdir(dir);
	return done_testing();
}
