/*
 * handover: holds sockets as systemd does for a unit of Accept=no. Usage:
 *
 *	handover PORT PATH LOG COMMAND...
 *
 * Listens on 127.0.0.1:PORT and on an AF_UNIX socket at PATH. Whenever
 * someone connects and COMMAND isn't running, it is started with both as fds
 * 3 and 4 (sd_listen_fds(3)); each start and each end is a line of LOG. Under
 * the name HANDOVER=pid LISTEN_PID is somebody else's, under HANDOVER=pipe
 * fd 3 is no socket, under HANDOVER=many they are nine by number.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_on(struct sockaddr *a, socklen_t n)
{
	int on = 1, fd = socket(a->sa_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, a, n) || listen(fd, 128))
		exit(2);
	return fd;
}

static void run(char **command, const int fd[2])
{
	const char *how = getenv("HANDOVER");
	prctl(PR_SET_PDEATHSIG, SIGKILL);       /* who hands over may be stopped between two connections */
	int null = open("/dev/null", O_RDWR);
	int ours[2] = { fcntl(fd[0], F_DUPFD, 10), fcntl(fd[1], F_DUPFD, 10) };
	if (how && strcmp(how, "pipe") == 0)
		ours[0] = null;
	dup2(ours[0], 3);
	dup2(ours[1], 4);
	char pid[16];
	snprintf(pid, sizeof pid, "%d", (int)getpid() + (how && strcmp(how, "pid") == 0));
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", how && strcmp(how, "many") == 0 ? "9" : "2", 1);
	setenv("LISTEN_FDNAMES", "a:b", 1);
	execv(*command, command);
	_exit(127);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	v4.sin_port = htons((unsigned short)atoi(argv[1]));
	strncpy(local.sun_path, argv[2], sizeof local.sun_path - 1);
	int fd[2] = { listen_on((struct sockaddr *)&v4, sizeof v4), listen_on((struct sockaddr *)&local, sizeof local) };
	FILE *log = fopen(argv[3], "a");
	if (!log)
		return 2;
	setvbuf(log, NULL, _IOLBF, 0);
	for (;;) {
		struct pollfd in[2] = { { fd[0], POLLIN, 0 }, { fd[1], POLLIN, 0 } };
		int status = 0;
		if (poll(in, 2, -1) <= 0)
			continue;
		pid_t pid = fork();
		if (pid == 0)
			run(argv + 4, fd);
		fprintf(log, "start\n");
		waitpid(pid, &status, 0);
		fprintf(log, "exit %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		if (status)
			return 1;
	}
}
