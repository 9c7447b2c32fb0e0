/*
 * process_test: every promise of process.h, each in a child.
 */
#include "t.h"

#include "base/file.h"
#include "base/process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char dir[] = "/tmp/lk-process.XXXXXX";

/* ---- the process ------------------------------------------------------- */

static void start_closed(void *unused)
{
	(void)unused;
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	process_start(PROCESS_STAYS);
	_exit(write(1, "x", 1) == 1 && write(2, "x", 1) == 1 && read(0, &(char){ 0 }, 1) == 0 ? 0 : 1);
}

/* The way out is for what the test itself leaves behind. */
static void start_without_devices(void *unused)
{
	int way_out = open("/", O_RDONLY | O_DIRECTORY);
	(void)unused;
	if (chroot(dir))
		_exit(2);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	process_start(PROCESS_STAYS);
	_exit(fchdir(way_out) || chroot(".") || fcntl(0, F_GETFD) >= 0);
}

/* capget(2), without the kernel's headers: version 3; then effective, permitted, inheritable, twice. */
enum { CAPABILITIES_3 = 0x20080522, SETUID = 7 };

/* Its uid can't be changed: what that takes has been given up. */
static void owner_without_right(void *path)
{
	uint32_t head[2] = { CAPABILITIES_3, 0 }, sets[6];
	syscall(SYS_capget, head, sets);
	sets[0] &= ~(1u << SETUID);
	if (syscall(SYS_capset, head, sets))
		_exit(2);
	process_enter(*(const char **)path);
}

/* Groups can't, by one who is root no more. */
static void owner_as_another(void *path)
{
	if (setresuid(1, 1, 1))
		_exit(2);
	process_enter(*(const char **)path);
}

static void entered(void *path)
{
	_exit(process_enter(*(const char **)path) >= 0 ? (int)geteuid() & 0x7f : 0x7f);
}

/* As the listener does, and then each process that it forks. */
static void entered_twice(void *path)
{
	process_become_owner(*(const char **)path);
	entered(path);
}

static void processes(void)
{
	const char *path = dir, *none = path_in(dir, "none");
	is_int(dies(start_closed, NULL), 0, "fds 0 to 2 are open, whatever was closed");
	is_int(dies(entered, &none), 0x7f, "without a directory a process goes on, and has no descriptor of it");
	is_int(dies(entered, &path), geteuid() & 0x7f, "one's own directory");
	if (geteuid() == 0 && chown(dir, 65, 65) == 0) {
		is_int(dies(entered, &path), 65, "root becomes the owner");
		is_int(dies(entered_twice, &path), 65, "and knows it, when it or its child enters again");
		is_int(dies(owner_without_right, &path), 111, "root that can't doesn't go on");
		ok(strstr(t_err, "latchkey: PR1: cannot become the owner of ") != NULL, "and says so");
		is_int(dies(owner_as_another, &path), 111, "nor does who isn't root any more");
		ok(chown(dir, 0, 0) == 0, "given back");
		is_int(dies(start_without_devices, NULL), 0, "without /dev/null a start goes on");
	}
}

static void environments(void)
{
	char **before = environ, **taken = process_take_environment();
	ok(taken == before && !getenv("PATH") && environ && !*environ, "the environment is taken away");
	environ = before;
}

int main(void)
{
	ok(mkdtemp(dir) != NULL, "a directory");
	processes();
	environments();
	rmdir(dir);
	return done_testing();
}
