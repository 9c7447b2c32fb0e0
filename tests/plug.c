/*
 * plug: runs a program as inetd would, a socket as its fd 0 and 1. What
 * comes on stdin is sent to it, what it answers goes to stdout, both as they come; its exit
 * status is ours. With -e the socket's sending side is shut when stdin ends;
 * otherwise it stays open, as a client's does that waits for an answer.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is there now. False at the end, or where nobody takes it. */
static bool pass(int from, int to)
{
	static char bytes[65536];
	ssize_t n = read(from, bytes, sizeof bytes);
	for (char *at = bytes; n > 0;) {
		ssize_t put = write(to, at, (size_t)n);
		if (put < 0)
			return false;
		at += put;
		n -= put;
		if (n == 0)
			return true;
	}
	return false;
}

/* Until the program's side has its end. */
static void pass_all(int program, bool end)
{
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN }, { .fd = program, .events = POLLIN } };
	for (;;) {
		if (poll(p, 2, -1) < 0)
			return;
		if (p[0].revents && !pass(0, program)) {
			p[0].fd = -1;
			if (end)
				shutdown(program, SHUT_WR);
		}
		if (p[1].revents && !pass(program, 1))
			return;
	}
}

int main(int argc, char **argv)
{
	int pair[2], status = 0;
	bool end = argc > 1 && strcmp(argv[1], "-e") == 0;
	argv += end ? 2 : 1;
	if (!*argv || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 100;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pair[0], 0);
		dup2(pair[0], 1);
		close(pair[0]);
		close(pair[1]);
		execv(*argv, argv);
		_exit(127);
	}
	close(pair[0]);
	signal(SIGPIPE, SIG_IGN);
	pass_all(pair[1], end);
	close(pair[1]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
