/*
 * log_test: every promise of log.h and error.h. What must end the process runs
 * in a child. connect() is this file's, so that the system's logger is the test.
 */
#include "t.h"

#include "base/base.h"
#include "base/file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/lk-log.XXXXXX";

/* /dev/log is `log` in the test's directory. (glibc declares connect() with a union of its own.) */
int connect_here(int fd, const struct sockaddr *to, socklen_t n) __asm__("connect");
int connect_here(int fd, const struct sockaddr *to, socklen_t n)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(name.sun_path, sizeof name.sun_path, "%s/log", dir);
	bool logger = strcmp(((const struct sockaddr_un *)(const void *)to)->sun_path, "/dev/log") == 0;
	return (int)(logger ? syscall(SYS_connect, fd, &name, sizeof name) : syscall(SYS_connect, fd, to, n));
}

/* The clock is this file's, too: a leap day. Where pointers have 32 bits musl's time(2) is called so. */
#if __SIZEOF_POINTER__ == 4
#define TIME_SYMBOL "__time64"
#else
#define TIME_SYMBOL "time"
#endif
time_t time_here(time_t *out) __asm__(TIME_SYMBOL);
time_t time_here(time_t *out)
{
	if (out)
		*out = 1709210096;
	return 1709210096;
}

#define TIME "2024-02-29T12:34:56Z "

/* ---- errors, log and fail ---------------------------------------------- */

static void vocabulary(void)
{
	for (int e = ERROR_NONE; e < ERROR__MAX; e++) {
		ok(errors[e].code && errors[e].message, "error %d has a row", e);
		ok((errors[e].retry_after > 0) == (errors[e].status == 503 || errors[e].status == 429), "when to try again: %d", e);
	}
}

static void log_oddly(void *unused)
{
	char line[3000];
	(void)unused;
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\0';
	log_line("T1", "a\nb\x1b[31m\x7f\xc3\xa4", NULL);
	log_line("T2", line, NULL);
}

static void log_timed(void *unused)
{
	(void)unused;
	log_with_time();
	log_line("T7", "x", NULL);
}

static void handled(enum error e)
{
	log_line("T3", errors[e].code, NULL);
	_exit(3);
}

static void failing_again(enum error e)
{
	fail(e, "T4", "again", NULL);
}

static void fail_handled(void *handler)
{
	on_fail(*(void (**)(enum error))handler);
	fail(ERROR_BUSY, "T5", "number ", dec(5), NULL);
}

static void logs(void)
{
	void (*handler)(enum error) = handled;
	is_int(dies(log_oddly, NULL), 0, "logging");
	ok(strncmp(t_err, "latchkey: T1: a?b?[31m???\n", 26) == 0, "no byte forges a line or drives a terminal");
	is_int(strlen(strchr(t_err, '\n') + 1), 1024, "a line has its limit");
	is_int(dies(log_timed, NULL), 0, "logging with the time");
	is_str(t_err, TIME "latchkey: T7: x\n", "in UTC, before the line");
	is_int(dies(fail_handled, &handler), 3, "fail() hands over");
	is_str(t_err, "latchkey: T5: number 5\nlatchkey: T3: busy\n", "after its own line");
	handler = failing_again;
	is_int(dies(fail_handled, &handler), 111, "a failure in a failure ends it");
	handler = NULL;
	is_int(dies(fail_handled, &handler), 111, "so does one without a handler");
}

/* What stdout and stderr may be, each with an end to read from. */
enum stream { SOCKET, SOCKET_2, PIPE, PIPE_2, PLAIN, LOGGER, STREAMS, CLOSED = STREAMS, STDERR, NOWHERE };
static int ends[STREAMS + 1][2];

static bool open_streams(void)
{
	bool good = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[SOCKET]) == 0
		&& socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[SOCKET_2]) == 0
		&& pipe2(ends[PIPE], O_NONBLOCK) == 0 && pipe2(ends[PIPE_2], O_NONBLOCK) == 0;
	ends[PLAIN][1] = open(path_in(dir, "plain"), O_CREAT | O_APPEND | O_WRONLY, 0600);
	ends[PLAIN][0] = open(path_in(dir, "plain"), O_RDONLY);
	ends[LOGGER][0] = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ends[CLOSED][1] = -1;
	return good && ends[PLAIN][0] >= 0 && ends[LOGGER][0] >= 0;
}

static void start_logger(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(name.sun_path, sizeof name.sun_path, "%s/log", dir);
	ok(bind(ends[LOGGER][0], (const struct sockaddr *)&name, sizeof name) == 0, "a logger");
}

/* Where a line goes: without a logger, and with one. */
static const struct streams {
	const char *name;
	enum stream out, err;
	enum { TO_LOGGER, NO_FILES, NOT_TO_CLIENT, BOTH } how;
	enum stream where[2];
} streams[] = {
	{ "to the logger, else to stderr", PLAIN, PLAIN, TO_LOGGER, { STDERR, LOGGER } },
	{ "to the logger, and stderr is the client's socket", SOCKET, SOCKET, BOTH, { NOWHERE, LOGGER } },
	{ "no descriptor is left to reach the logger by", SOCKET, SOCKET, NO_FILES, { NOWHERE, NOWHERE } },
	{ "stderr is the client's socket", SOCKET, SOCKET, NOT_TO_CLIENT, { NOWHERE, LOGGER } },
	{ "stderr is the pipe of the answer", PIPE, PIPE, NOT_TO_CLIENT, { NOWHERE, LOGGER } },
	{ "stderr is another socket", SOCKET, SOCKET_2, NOT_TO_CLIENT, { STDERR, STDERR } },
	{ "stderr is another pipe", PIPE, PIPE_2, NOT_TO_CLIENT, { STDERR, STDERR } },
	{ "stderr is a pipe, the answer goes to a file", PLAIN, PIPE, NOT_TO_CLIENT, { STDERR, STDERR } },
	{ "both are the same file", PLAIN, PLAIN, NOT_TO_CLIENT, { STDERR, STDERR } },
	{ "there is no stdout", CLOSED, PIPE, NOT_TO_CLIENT, { STDERR, STDERR } },
	{ "there is no stderr", PIPE, CLOSED, NOT_TO_CLIENT, { NOWHERE, NOWHERE } },
};

static void log_into(void *which)
{
	const struct streams *s = which;
	struct rlimit files = { 0, 0 }, before;
	getrlimit(RLIMIT_NOFILE, &before);
	files.rlim_max = before.rlim_max;
	close(1);
	close(2);
	dup2(ends[s->out][1], 1);
	dup2(ends[s->err][1], 2);
	if (s->how == NO_FILES)
		setrlimit(RLIMIT_NOFILE, &files);
	if (s->how != NOT_TO_CLIENT && s->how != NO_FILES)
		log_to_syslog();
	if (s->how != TO_LOGGER)
		log_not_to_client();
	log_with_time();
	log_line("T6", "seen", NULL);
	setrlimit(RLIMIT_NOFILE, &before);
	_exit(0);
}

/* Each line that can be read now is at its place, and no other is. */
static void is_at(const struct streams *s, enum stream where)
{
	enum stream wanted = where == STDERR ? s->err : where;
	bool good = true;
	for (enum stream at = 0; at < STREAMS; at++) {
		char text[64] = "";
		const char *want = at != wanted ? "" : at == LOGGER ? "<85>latchkey: T6: seen\n" : TIME "latchkey: T6: seen\n";
		ssize_t n = read(ends[at][0], text, sizeof text - 1);
		good &= n <= 0 ? *want == '\0' : strcmp(text, want) == 0;
	}
	ok(good, "%s: %s", s->name, where == STDERR ? "to stderr" : where == LOGGER ? "to the logger" : "nowhere");
}

static void syslogs(void)
{
	ok(open_streams(), "streams");
	for (int logger = 0; logger < 2; logger++) {
		if (logger)
			start_logger();
		for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
			struct streams s = streams[i];
			is_int(dies(log_into, &s), 0, "a line where %s", s.name);
			is_at(&s, s.where[logger]);
		}
	}
	unlink(path_in(dir, "log"));
	unlink(path_in(dir, "plain"));
}

/* The newest line alone, cut to the room that there is. */
static void diverted(void)
{
	char kept[16];
	log_divert(kept, sizeof kept);
	log_line("T8", "first", NULL);
	is_str(kept, "T8: first", "a line is kept");
	log_line("T9", "a longer ", "second", NULL);
	is_str(kept, "T9: a longer se", "the next takes its place, and is cut");
	log_divert(NULL, 0);
	log_line("T10", "third", NULL);
	is_str(kept, "T9: a longer se", "afterwards lines go where they went");
}

int main(void)
{
	ok(mkdtemp(dir) != NULL, "a directory");
	vocabulary();
	logs();
	diverted();
	syslogs();
	rmdir(dir);
	return done_testing();
}
