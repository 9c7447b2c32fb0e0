/*
 * drive LATCHKEY COUNT: refreshes a session COUNT times through CGI, one
 * process after another, each time with the token of the answer before. The
 * first token comes on stdin, the data directory is LATCHKEY_DIR. Prints what
 * was seen, a NAME=VALUE a line; ends early where an answer isn't 200.
 *
 * For what a shell can't: thousands of requests in seconds, and the peak of
 * their resident set. wait4(2) counts what a child had before it executed
 * another program, so this one is linked statically and stays small.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT = 8192 };

static char dir[TEXT / 2], token[TEXT / 2], request[TEXT], answer[TEXT];
static long rss_most, wal_most;

static void die(const char *what)
{
	perror(what);
	exit(111);
}

/* Starts the program with the request on stdin; returns where it answers. */
static int start(char *program, pid_t *child)
{
	static char length[64], data[TEXT];
	char *argv[] = { program, NULL };
	char *environment[] = {
		"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=POST", "SCRIPT_NAME=/auth", "PATH_INFO=/refresh",
		"SERVER_PROTOCOL=HTTP/1.1", "REMOTE_ADDR=192.0.2.1", "CONTENT_TYPE=application/json", length, data, NULL
	};
	int in[2], out[2];
	posix_spawn_file_actions_t actions;
	snprintf(length, sizeof length, "CONTENT_LENGTH=%zu", strlen(request));
	snprintf(data, sizeof data, "LATCHKEY_DIR=%s", dir);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	if (posix_spawn(child, program, &actions, NULL, argv, environment))
		die(program);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	/* A request fits a pipe's buffer, so this doesn't wait for a reader. */
	if (write(in[1], request, strlen(request)) < 0)
		die("write");
	close(in[1]);
	return out[0];
}

static void read_answer(int from)
{
	size_t n = 0;
	for (ssize_t got; n < TEXT - 1 && (got = read(from, answer + n, TEXT - 1 - n)) > 0; n += (size_t)got)
		;
	answer[n] = '\0';
	close(from);
}

static void note(long *most, long value)
{
	if (value > *most)
		*most = value;
}

/* One request; false where its answer has no token. */
static int refresh(char *program, long turn)
{
	static const char name[] = "\"refresh_token\":\"";
	static char wal[TEXT];
	struct rusage usage;
	struct stat st;
	pid_t child;
	snprintf(request, sizeof request, "{\"refresh_token\":\"%s\",\"idempotency_key\":\"turn-%ld\"}", token, turn);
	read_answer(start(program, &child));
	if (wait4(child, NULL, 0, &usage) != child)
		die("wait4");
	note(&rss_most, usage.ru_maxrss);
	snprintf(wal, sizeof wal, "%s/latchkey.db-wal", dir);
	if (stat(wal, &st) == 0)
		note(&wal_most, (long)st.st_size);
	char *at = strstr(answer, name);
	if (strncmp(answer, "Status: 200 ", 12) != 0 || at == NULL)
		return 0;
	at += sizeof name - 1;
	size_t n = strcspn(at, "\"");
	if (n >= sizeof token)
		return 0;
	memcpy(token, at, n);
	token[n] = '\0';
	return 1;
}

int main(int argc, char **argv)
{
	const char *data = getenv("LATCHKEY_DIR");
	long turn = 0, count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	if (count < 1 || data == NULL || fgets(token, sizeof token, stdin) == NULL)
		return 100;
	token[strcspn(token, "\n")] = '\0';
	snprintf(dir, sizeof dir, "%s", data);
	while (turn < count && refresh(argv[1], turn))
		turn++;
	printf("answered=%ld\nrss_kib=%ld\nwal_bytes=%ld\ntoken=%s\n", turn, rss_most, wal_most, token);
	if (turn < count)
		printf("answer=%s\n", answer);
	return turn < count;
}
