/*
 * stage.h: a child that goes on only when its test lets it, and whose system calls fail when the test says so. So
 * what depends on the order of events is tried in each order, without a wait.
 *
 * The linker puts hooks before system calls (--wrap; Makefile, WRAPS): the one that would wait for an event calls
 * wait_for_turn(), others ask may(). Only the child itself is on the stage, not those that it forks.
 */
#ifndef LK_STAGE_H
#define LK_STAGE_H

#include <errno.h>

#include "t.h"

enum { FAULTS = 16 };

static struct {
	int times;              /* the next so many calls; 0: none */
	int error;              /* fail with this errno; 0: they take `most` bytes */
	size_t most;
} *faults;                      /* by the test's own numbers; both sides see them */
static bool on_stage;
static int go[2], done[2];

/* A fault of the test's own surroundings. */
T_UNUSED static void need(bool good)
{
	if (!good) {
		printf("Bail out! the test's own: %s\n", strerror(errno));
		exit(2);
	}
}

T_UNUSED static void *shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(p != MAP_FAILED);
	return p;
}

/* Before the child is there, too. */
T_UNUSED static void fault(int call, int times, int error, size_t most)
{
	if (!faults)
		faults = shared(FAULTS * sizeof *faults);
	faults[call].times = times;
	faults[call].error = error;
	faults[call].most = most;
}

/* False, and errno set, where a call is to fail; *n becomes what it may take. */
T_UNUSED static bool may(int call, size_t *n)
{
	if (!on_stage || faults[call].times == 0)
		return true;
	faults[call].times--;
	errno = faults[call].error;
	if (n && !faults[call].error && *n > faults[call].most)
		*n = faults[call].most;
	return !faults[call].error;
}

/* In the child. */
T_UNUSED static void wait_for_turn(void)
{
	char word = 0;
	if (write(done[1], &word, 1) != 1 || read(go[0], &word, 1) != 1)
		exit(1);
}

/* Lets the child go on; and until it would wait again. False when it has ended. */
T_UNUSED static bool let_go(void)
{
	return write(go[1], "", 1) == 1;
}

T_UNUSED static bool came_back(void)
{
	char word;
	return read(done[0], &word, 1) == 1;
}

T_UNUSED static bool turn(void)
{
	return let_go() && came_back();
}

T_UNUSED static void turns(int n)
{
	while (n--)
		turn();
}

/* fork(2): 0 in the child; its pid here, once it would wait, or has ended. */
T_UNUSED static pid_t raise_curtain(void)
{
	if (!faults)
		fault(0, 0, 0, 0);
	need(pipe(go) == 0 && pipe(done) == 0);
	fflush(NULL);
	pid_t pid = fork();
	need(pid >= 0);
	on_stage = pid == 0;
	close(on_stage ? go[1] : go[0]);
	close(on_stage ? done[0] : done[1]);
	if (pid)
		came_back();
	return pid;
}

/* Leaves the child to itself; its status, as of waitpid(2), once it has ended. */
T_UNUSED static int drop_curtain(pid_t pid)
{
	int status = -1;
	close(go[1]);
	close(done[0]);
	need(waitpid(pid, &status, 0) == pid);
	memset(faults, 0, FAULTS * sizeof *faults);
	return status;
}

#endif
