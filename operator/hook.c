/*
 * hook: see hook.h.
 *
 * A program that hangs, fails or reads nothing costs no later event. An event is shorter than a pipe is deep, so to write it never waits.
 */
#include "operator/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

static _Noreturn void become(const char *verb, const char *program, int input)
{
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(input, STDIN_FILENO) >= 0)
		execl(program, program, (char *)NULL);
	log_line(verb, "cannot run ", program, ": ", strerror(errno), NULL);
	_exit(127);
}

/* False: it didn't end in time. */
static bool ended(pid_t child, int *status)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	int64_t end = now_ms() + HOOK_SECONDS * 1000;
	for (;;) {
		if (waitpid(child, status, WNOHANG) != 0)
			return true;
		if (now_ms() >= end)
			return false;
		nanosleep(&moment, NULL);
	}
}

static void watch(const char *verb, const char *program, pid_t child)
{
	int status = 0;
	if (!ended(child, &status)) {
		kill(-child, SIGKILL);
		waitpid(child, &status, 0);
		log_line(verb, program, " was killed: it ran for over ", dec(HOOK_SECONDS), " s", NULL);
	} else if (WIFSIGNALED(status)) {
		log_line(verb, program, " ended by signal ", dec(WTERMSIG(status)), NULL);
	} else if (WEXITSTATUS(status)) {
		log_line(verb, program, " ended with ", dec(WEXITSTATUS(status)), NULL);
	}
}

void hook_run(const char *verb, const char *program, struct slice event)
{
	int fd[2];
	pid_t child = pipe2(fd, O_CLOEXEC) ? -1 : fork();
	if (child == 0)
		become(verb, program, fd[0]);
	if (child < 0) {
		log_line(verb, "cannot run ", program, ": ", strerror(errno), NULL);
		return;
	}
	setpgid(child, child);
	close(fd[0]);
	(void)write_all(fd[1], event);
	close(fd[1]);
	watch(verb, program, child);
}
