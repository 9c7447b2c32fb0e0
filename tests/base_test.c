/*
 * base_test: every promise of base.h, the ways to fail among them. What must
 * end the process runs in a child. Two of libc's functions are this file's, so
 * that the kernel may run out of chance, and the machine's logger be the test's.
 */
#include "t.h"

#include "base/base.h"
#include "base/file.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static char dir[] = "/tmp/lk-base.XXXXXX";
static int no_chance;           /* what the next getrandom(2) fails by; 0: it doesn't */

ssize_t getrandom(void *out, size_t n, unsigned flags)
{
	errno = no_chance;
	no_chance = 0;
	memset(out, 0, n);      /* MSan doesn't see what a bare call writes */
	return errno ? -1 : syscall(SYS_getrandom, out, n, flags);
}

/* /dev/log is `log` in the test's directory. (glibc declares connect() with a union of its own.) */
int connect_here(int fd, const struct sockaddr *to, socklen_t n) __asm__("connect");
int connect_here(int fd, const struct sockaddr *to, socklen_t n)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(name.sun_path, sizeof name.sun_path, "%s/log", dir);
	bool logger = strcmp(((const struct sockaddr_un *)(const void *)to)->sun_path, "/dev/log") == 0;
	return (int)(logger ? syscall(SYS_connect, fd, &name, sizeof name) : syscall(SYS_connect, fd, to, n));
}

/* ---- slices ------------------------------------------------------------ */

static struct slice guarded(const char *text)
{
	return (struct slice){ guard(text, strlen(text)), strlen(text) };
}

static void slices(void)
{
	struct slice rest = S("a,,b"), none = slice_of(NULL);
	ok(none.p == NULL && none.n == 0, "no string is no slice");
	ok(slice_is(S("ab"), guarded("ab")) && !slice_is(S("ab"), S("ac")) && !slice_is(S("ab"), S("abc")), "equal bytes");
	ok(slice_is(SLICE_NONE, S("")), "an empty slice is an empty slice, wherever it lies");
	ok(slice_is_nocase(S("aZ9-"), S("Az9-")) && !slice_is_nocase(S("a"), S("b")) && !slice_is_nocase(S("a"), S("aa")),
		"equal but for case");
	ok(!slice_is_nocase(S("["), S("{")), "only letters have a case");
	ok(slice_starts(S("abc"), S("ab")) && !slice_starts(S("a"), S("ab")) && slice_starts(S("a"), S("")), "prefixes");
	ok(slice_is(slice_from(S("abc"), 1), S("bc")) && slice_from(S("abc"), 9).n == 0 && slice_from(SLICE_NONE, 1).p == NULL, "from");
	ok(slice_is(slice_trim(guarded(" \t a b\t ")), S("a b")) && slice_trim(guarded(" \t")).n == 0, "trim");
	ok(slice_is(slice_cut(&rest, ','), S("a")) && slice_is(slice_cut(&rest, ','), S("")) && slice_is(slice_cut(&rest, ','), S("b"))
		&& rest.p == NULL, "cut visits every part, and then there is no rest");
	rest = S("a,,b");
	ok(slice_is(slice_cut_last(&rest, ','), S("b")) && slice_is(slice_cut_last(&rest, ','), S("")) && slice_is(slice_cut_last(&rest, ','), S("a"))
		&& rest.p == NULL, "from the other end too");
	ok(slice_cut_last(&rest, ',').p == NULL && rest.p == NULL, "nothing has no part");
	is_str(slice_text(guarded("abc")), "abc", "text gets its NUL");
	is_str(slice_text(SLICE_NONE), "", "nothing is an empty text");
}

/* Unicode's table 3-7 at its edges. */
static void utf8(void)
{
	static const struct { const char *text; bool valid; } cases[] = {
		{ "", true }, { "a\x7f", true }, { "\x80", false }, { "\xc1\xbf", false }, { "\xc2\x80", true }, { "\xc2", false },
		{ "\xc2\x7f", false }, { "\xdf\xbf", true }, { "\xe0\x9f\xbf", false }, { "\xe0\xa0\x80", true }, { "\xed\x9f\xbf", true },
		{ "\xed\xa0\x80", false }, { "\xef\xbf\xbf", true }, { "\xef\xbf\x7f", false }, { "\xf0\x8f\xbf\xbf", false },
		{ "\xf0\x90\x80\x80", true }, { "\xf4\x8f\xbf\xbf", true }, { "\xf4\x90\x80\x80", false }, { "\xf5\x80\x80\x80", false },
		{ "\xf0\x90\x80", false }, { "\xf1\x80\x80\xc0", false }, { "a\xe2\x82\xac" "b", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(slice_is_utf8(guarded(cases[i].text)) == cases[i].valid, "UTF-8, case %zu", i);
	ok(slice_is_utf8(S("a\0b")), "NUL is a character like others");
}

/* ---- arena and buffer -------------------------------------------------- */

static void ask_for(void *size)
{
	arena(*(size_t *)size);
}

static void fail_second(void *unused)
{
	(void)unused;
	arena_fail_at(2);
	arena(1);
	arena(1);
}

static void answer_at_length(enum error e)
{
	char *answer = arena(48 * 1024);
	_exit(e == ERROR_STORE_UNAVAILABLE && answer[0] == 0 ? 7 : 1);
}

static void use_all(void *unused)
{
	(void)unused;
	on_fail(answer_at_length);
	arena_fail_at(2000);
	for (;;)
		arena(1000);
}

/* A buffer grows where it lies, but not into the reserve. */
static void use_all_by_one(void *unused)
{
	static const char more[1000];
	struct buf b = { 0 };
	(void)unused;
	on_fail(answer_at_length);
	arena_fail_at(14);
	arena(200 * 1024);
	for (;;)
		buf_add(&b, (struct slice){ more, sizeof more });
}

static void arenas(void)
{
	size_t mark = arena_mark(), huge = SIZE_MAX / 2;
	char *a = arena(3), *b = arena(5000);
	ok(a[2] == 0 && b[4999] == 0 && (uintptr_t)b % _Alignof(max_align_t) == 0, "zeroed and aligned");
	memset(b, 'x', 5000);
	arena_back(mark);
	ok(arena_mark() == mark, "back at the mark");
	char *again = arena(5000);
	ok(again[0] == 0 && again[4999] == 0, "zeroed once more");
	is_int(dies(ask_for, &huge), 111, "more than there is ends the process");
	huge = SIZE_MAX - 3;
	is_int(dies(ask_for, &huge), 111, "so does a size that wraps around");
	is_int(dies(fail_second, NULL), 111, "and a piece that was told to fail");
	ok(strstr(t_err, "latchkey: BA") != NULL, "by its site code");
	is_int(dies(use_all, NULL), 7, "what has used up all of it can still answer");
	ok(strstr(t_err, "BA") != NULL, "and says so");
	is_int(dies(use_all_by_one, NULL), 7, "and so can a buffer that has");
	ok(slice_is(arena_copy(guarded("copy")), S("copy")), "copies");
}

static void buffers(void)
{
	struct buf b = { 0 };
	for (int i = 0; i < 1000; i++)
		buf_s(&b, "abc");
	is_int(b.n, 3000, "grows");
	ok(memcmp(b.p, "abcabc", 6) == 0 && memcmp(b.p + 2994, "abcabc", 6) == 0, "keeps what it had");
	b = (struct buf){ 0 };
	buf_add(&b, SLICE_NONE);
	is_int(b.n, 0, "nothing adds nothing");
	buf_int(&b, 0);
	buf_c(&b, ' ');
	buf_int(&b, INT64_MIN);
	buf_c(&b, ' ');
	buf_int(&b, INT64_MAX);
	buf_c(&b, ' ');
	buf_hex(&b, 0xab);
	buf_pad(&b, b.n, 2);
	buf_pad(&b, 0, 1);
	ok(slice_is(buf_slice(&b), S("0 -9223372036854775808 9223372036854775807 00000000000000ab  ")), "numbers and padding");
	is_str(dec(-42), "-42", "dec");
	struct buf in_turn[2] = { 0 };
	for (int i = 0; i < 1000; i++)
		buf_c(&in_turn[i % 2], "ab"[i % 2]);
	for (int i = 0; i < 2; i++)
		ok(in_turn[i].n == 500 && strspn(slice_text(buf_slice(&in_turn[i])), i ? "b" : "a") == 500, "one that must move keeps what it had");
}

/* ---- numbers and ids --------------------------------------------------- */

static void numbers(void)
{
	static const struct { const char *text; int64_t min, max; bool good; int64_t value; } cases[] = {
		{ "0", 0, 9, true, 0 }, { "007", 0, 9, true, 7 }, { "9", 0, 9, true, 9 }, { "10", 0, 9, false, 0 }, { "4", 5, 9, false, 0 },
		{ "5", 5, 9, true, 5 }, { "", 0, 9, false, 0 }, { "-1", -9, 9, false, 0 }, { "+1", 0, 9, false, 0 }, { " 1", 0, 9, false, 0 },
		{ "1 ", 0, 9, false, 0 }, { "1e0", 0, 9, false, 0 }, { "0x1", 0, 9, false, 0 }, { "/", 0, 9, false, 0 }, { ":", 0, 9, false, 0 },
		{ "9223372036854775807", 0, INT64_MAX, true, INT64_MAX }, { "9223372036854775808", 0, INT64_MAX, false, 0 },
		{ "99999999999999999999", 0, INT64_MAX, false, 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t value = -7;
		bool good = parse_number(guarded(cases[i].text), cases[i].min, cases[i].max, &value);
		ok(good == cases[i].good && value == (good ? cases[i].value : -7), "number \"%s\"", cases[i].text);
	}
}

static void without_chance(void *unused)
{
	(void)unused;
	no_chance = ENOSYS;
	random_id();
}

static void ids(void)
{
	uint64_t id = 7;
	uint8_t bytes[2] = { 7, 7 };
	ok(parse_id(guarded("00000000000000ff"), &id) && id == 255, "an id");
	static const char *const bad[] = { "", "ff", "00000000000000FF", "00000000000000fg", "00000000000000ff0", "0000000000000/:@" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!parse_id(guarded(bad[i]), &id), "no id: \"%s\"", bad[i]);
	ok(parse_hex(guarded("0aFf"), bytes, 2) && bytes[0] == 10 && bytes[1] == 255, "hex of either case");
	ok(!parse_hex(guarded("0a"), bytes, 2) && !parse_hex(guarded("0ag0"), bytes, 2) && !parse_hex(guarded("0a0g"), bytes, 2), "no hex");
	uint64_t a = random_id(), b = random_id();
	ok(a && b && a != b && a <= INT64_MAX && b <= INT64_MAX, "random ids are positive rowids");
	no_chance = EINTR;
	ok(random_id() && no_chance == 0, "a signal doesn't keep them from being drawn");
	is_int(dies(without_chance, NULL), 111, "where the kernel has none nothing else is made up");
	ok(strstr(t_err, "latchkey: BA3: getrandom: ") != NULL, "but it is said");
}

/* ---- time and secrets -------------------------------------------------- */

static int64_t at_seven(void)
{
	return 7;
}

static void secrets(void)
{
	char x[] = "secret";
	int64_t (*real)(void) = base_clock;
	ok(now() > 1700000000 && now_boot() > 0, "two clocks");
	base_clock = at_seven;
	is_int(now(), 7, "a test sets its own");
	base_clock = real;
	ok(same_bytes("abc", "abc", 3) && !same_bytes("abc", "abd", 3) && !same_bytes("abc", "bbc", 3) && same_bytes("a", "b", 0), "same bytes");
	wipe(x, sizeof x);
	is_mem(x, sizeof x, "\0\0\0\0\0\0", sizeof x, "wiped");
}

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
	pid_t pid;
	int in = pipe_from(slow_pipe, &pid);
	alarm_often();
	ok(file_read_open(in, 9, &text) == 0 && slice_is(text, S("late")), "a read goes on over signals");
	ualarm(0, 0);
	waitpid(pid, NULL, 0);
	close(in);
}

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
		const char *want = at != wanted ? "" : at == LOGGER ? "<85>latchkey: T6: seen\n" : "latchkey: T6: seen\n";
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
	const char *path = dir, *none = "/nonexistent";
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
	slices();
	utf8();
	arenas();
	buffers();
	numbers();
	ids();
	secrets();
	files();
	short_writes();
	late_reads();
	vocabulary();
	logs();
	syslogs();
	processes();
	environments();
	rmdir(dir);
	return done_testing();
}
