/*
 * hello: the least that a program behind a web server can do, in every way in which latchkey is started,
 * so that what latchkey adds is seen beside it. 300 bytes, nothing is looked at.
 *
 *   GATEWAY_INTERFACE set     CGI
 *   fd 0 is a socket          one request of HTTP, or of SCGI where it begins with a digit
 *   serve ADDR:PORT           a listener, a child for each connection, which goes on as above
 *   serve unix:PATH           the same; what follows (--workers N) is for latchkey
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SIZE = 300, BACKLOG = 128 };

/* An answer of SIZE bytes, head and all. `first` is its first lines. */
static int answer(const char *first)
{
	static const char head_of[] = "%sContent-Type: text/plain\r\nContent-Length: %3d\r\n\r\n";
	char out[SIZE + 1];
	int head = snprintf(out, sizeof out, head_of, first, 0);
	snprintf(out, sizeof out, head_of, first, SIZE - head);
	memset(out + head, 'h', (size_t)(SIZE - head));
	return write(1, out, SIZE) != SIZE;
}

/* A request that fits one read, as ours do. */
static int one_request(void)
{
	char in[16384];
	ssize_t n = read(0, in, sizeof in);
	if (n <= 0)
		return 1;
	return answer(in[0] >= '0' && in[0] <= '9' ? "Status: 200 OK\r\n" : "HTTP/1.1 200 OK\r\nConnection: close\r\n");
}

static int listener(char *where)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int local = strncmp(where, "unix:", 5) == 0, on = 1;
	int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (local) {
		snprintf(un.sun_path, sizeof un.sun_path, "%s", where + 5);
	} else {
		char *colon = strchr(where, ':');
		if (colon == NULL)
			return -1;
		*colon = '\0';
		inet_pton(AF_INET, where, &in.sin_addr);
		in.sin_port = htons((unsigned short)strtol(colon + 1, NULL, 10));
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	}
	if (bind(fd, local ? (void *)&un : (void *)&in, local ? sizeof un : sizeof in) || listen(fd, BACKLOG))
		return -1;
	return fd;
}

static int serve(char *where)
{
	int fd = listener(where);
	if (fd < 0) {
		perror(where);
		return 111;
	}
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (conn < 0)
			continue;
		if (fork() == 0) {
			dup2(conn, 0);
			dup2(conn, 1);
			_exit(one_request());
		}
		close(conn);
	}
}

int main(int argc, char **argv)
{
	struct stat s;
	if (getenv("GATEWAY_INTERFACE"))
		return answer("Status: 200 OK\r\n");
	if (argc >= 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (fstat(0, &s) == 0 && S_ISSOCK(s.st_mode))
		return one_request();
	return answer("");
}
