/*
 * crowd PROGRAM DIR WHAT ...: many at once, each request a process of its own, and what must hold of that.
 * DIR has a user demo, `signup = on`, and a reuse_grace that no slow machine outlasts.
 *
 *   chains SESSIONS COUNT   8 workers refresh SESSIONS sessions COUNT times. Each answer is the next generation; now and
 *                           then the same request comes again, and is answered by the same bytes; now and then a reader
 *                           asks who he is. At the end each session's newest token is the one that was answered last.
 *   clock SESSIONS COUNT FILE  the same while the clock of all is put back and forth through FILE (shim.c): nobody is
 *                           signed out by that.
 *   same ROUNDS WORKERS KEY the same token by WORKERS at once, from one network, ROUNDS times: all get one successor, byte for byte. KEY is
 *                           none, one for all, or own for each.
 *   revoke ROUNDS           a session is refreshed while it is ended, by its token, by its user, by the operator. Nothing
 *                           that began after the end was answered is granted. Both orders must come up.
 *   flood COUNT LOGINS      LOGINS at once try passwords while two sessions are refreshed COUNT times;
 *                           `peak` is the most memory that all had at one time, in KiB.
 *
 * Prints NAME VALUE lines: requests, failures, busy, p50, p99 and most (ms; of refreshes), and what else WHAT has.
 * `busy` is asked again: it is the one 503 that a crowd may cause.
 */
#include "cgi.h"

#include <pthread.h>

enum { SESSIONS = 1000, WORKERS = 64, CALLS = 40000, ENOUGH = 50, BUSY_AGAIN = 100, SHOWN = 12 };

struct session {
	char token[CGI_TOKEN], access[CGI_TOKEN], id[32];
	long generation;
};

struct call { double start, end; };

/* What a worker tells the others; the last one is the parent's. */
struct worker {
	long requests, failures, busy, replays, reads, unset, calls, timed;
	volatile pid_t running;
	struct call call[CALLS];
	char token[CGI_TOKEN], access[CGI_TOKEN];
};

static struct shared {
	struct session session[SESSIONS];
	struct worker worker[WORKERS + 1];
	pthread_barrier_t barrier;
	volatile bool over;
	volatile double ended;       /* when the end of a session was answered */
	double end_asked;
	long failures, shown, refresh_first, end_first, peak;
	char was[CGI_TOKEN], before[CGI_TOKEN];
} *all;

static struct worker *mine;
static struct answer a;
static uint64_t seed = 1;

static unsigned rnd(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

__attribute__((format(printf, 1, 2))) static void failed(const char *why, ...)
{
	va_list list;
	mine->failures++;
	__sync_fetch_and_add(&all->failures, 1);
	if (__sync_fetch_and_add(&all->shown, 1) >= SHOWN)
		return;
	char text[1024];
	va_start(list, why);
	int n = snprintf(text, sizeof text, "# ");
	n += vsnprintf(text + n, sizeof text - (size_t)n, why, list);
	va_end(list);
	snprintf(text + n, sizeof text - (size_t)n, ": exit %d, %d %s, %.200s\n", a.exit, a.status, a.code, a.log);
	fputs(text, stdout);
	fflush(stdout);
}

static bool is(int status, const char *code)
{
	return a.status == status && a.exit == 0 && strcmp(a.code, code) == 0;
}

static void timed(void)
{
	if (mine->calls < CALLS)
		mine->call[mine->calls++] = (struct call){ a.start, a.end };
}

/* Whoever is told to come again comes again. False if it never ends. */
static bool again(int tries)
{
	bool busy = a.status == 503 && strcmp(a.code, "busy") == 0, unset = a.status == 503 && strcmp(a.code, "clock_unset") == 0;
	mine->requests++;
	timed();
	mine->busy += busy;
	mine->unset += unset;
	return (unset && cgi_shim[0]) || (busy && tries < BUSY_AGAIN);
}

static void refresh(const char *token, const char *key)
{
	int tries = 0;
	do
		cgi_refresh(&a, token, key);
	while (again(tries++) && !all->over);
}

static bool take(const char *name, char *into)
{
	return cgi_member(a.text, name, into, CGI_TOKEN);
}

static void fork_workers(int count, void (*work)(int number))
{
	pid_t pid[WORKERS];
	fflush(NULL);
	for (int i = 0; i < count; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			die("fork");
		if (pid[i] == 0) {
			mine = &all->worker[i];
			cgi_running = &mine->running;
			seed = (uint64_t)getpid();
			work(i);
			_exit(0);
		}
	}
	for (int i = 0, status; i < count; i++)
		if (waitpid(pid[i], &status, 0) != pid[i] || status)
			failed("worker %d ended with %d", i, status);
}

/* ---- sessions ---------------------------------------------------------- */

static void signed_in(struct session *s)
{
	const char *at = strstr(a.text, "\"session\":");
	char generation[32];
	if (a.status / 100 != 2 || !at || !take("refresh_token", s->token) || !take("access_token", s->access)
	    || !cgi_member(at, "id", s->id, sizeof s->id) || !cgi_member(a.text, "generation", generation, sizeof generation)) {
		printf("no sign-in: %s%s\n", a.text, a.log);
		exit(111);
	}
	s->generation = atol(generation);
}

static void sign_in(struct session *s)
{
	do
		cgi_ask(&a, "POST", "/login", NULL, "{\"username\":\"demo\",\"password\":\"correct horse\"}");
	while (a.status == 503 && strcmp(a.code, "busy") == 0);
	signed_in(s);
}

static int sessions, workers, flooders;
static long count;

static void sign_all_in(int number)
{
	for (int i = number; i < sessions; i += workers)
		sign_in(&all->session[i]);
}

/* ---- chains ------------------------------------------------------------ */

static void follow(struct session *s, const char *key)
{
	char token[CGI_TOKEN], text[32] = "";
	refresh(s->token, key);
	if (all->over)
		return;
	if (!is(200, "") || !take("refresh_token", token) || !take("access_token", s->access)) {
		failed("generation %ld of %s", s->generation, s->id);
		return;
	}
	cgi_member(a.text, "generation", text, sizeof text);
	if (atol(text) != s->generation + 1)
		failed("generation %s after %ld of %s", text, s->generation, s->id);
	if (rnd(16) == 0) {
		char same[CGI_TOKEN] = "";
		mine->replays++;
		refresh(s->token, key);
		if (!is(200, "") || !take("refresh_token", same) || strcmp(same, token))
			failed("the same request of %s has another successor", s->id);
	}
	s->generation++;
	memcpy(s->token, token, sizeof token);
}

static void read_me(const struct session *s)
{
	int tries = 0;
	do
		cgi_ask(&a, "GET", "/me", s->access, "%s", "");
	while (again(tries++));
	mine->reads++;
	if (!is(200, ""))
		failed("a reader of %s", s->id);
}

/* Each worker has sessions of its own; the requests meet in the store. */
static void chains(int number)
{
	char key[64];
	for (long i = 0; i < count / workers && all->failures < ENOUGH; i++) {
		struct session *s = &all->session[number + workers * (int)rnd((unsigned)(sessions / workers))];
		snprintf(key, sizeof key, "%d.%ld", (int)getpid(), i);
		follow(s, key);
		if (!cgi_shim[0] && rnd(8) == 0)
			read_me(s);
	}
}

static void all_go_on(int number)
{
	for (int i = number; i < sessions && all->failures < ENOUGH; i += workers)
		follow(&all->session[i], "last");
}

/* ---- the clock in the middle of a storm -------------------------------- */

static const char *clock_file;

static void set_clock(const char *text)
{
	char other[1024];
	snprintf(other, sizeof other, "%s.new", clock_file);
	FILE *f = fopen(other, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) || rename(other, clock_file))
		die(other);
}

/* Behind by less and by more than is borne, 1970, the year 2000, and back again; never for long. A year ago may be after this build. */
static void play_with_clock(void)
{
	static const char *const times[] = { "-60", "-119", "+0", "-130", "-3600", "0", "+0", "+30", "-80", "-100", "946684800" };
	const struct timespec moment = { .tv_nsec = 3000000 };
	for (size_t i = 0; !all->over; i = (i + 1) % (sizeof times / sizeof *times)) {
		set_clock(times[i]);
		nanosleep(&moment, NULL);
	}
}

static void storm(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		play_with_clock();
		_exit(0);
	}
	fork_workers(workers, chains);
	all->over = true;
	waitpid(pid, NULL, 0);
	all->over = false;
	set_clock("+40");
	fork_workers(workers, all_go_on);
}

/* ---- the same token ---------------------------------------------------- */

static const char *key_mode;

/* One of the workers compares, while the others wait. */
static void compare(long round)
{
	for (int i = 0; i < workers; i++) {
		if (strcmp(all->worker[i].token, all->worker[0].token))
			failed("round %ld: worker %d has another successor", round, i);
		if (strcmp(all->worker[i].access, all->worker[0].access))
			failed("round %ld: worker %d has another access token", round, i);
	}
	memcpy(all->before, all->was, CGI_TOKEN);
	memcpy(all->was, all->session[0].token, CGI_TOKEN);
	if (mine->token[0])
		memcpy(all->session[0].token, mine->token, CGI_TOKEN);
	all->over = all->failures >= ENOUGH;
}

static void same(int number)
{
	char key[64] = "";
	for (long i = 0; i < count && !all->over; i++) {
		pthread_barrier_wait(&all->barrier);
		if (strcmp(key_mode, "none"))
			snprintf(key, sizeof key, "%ld.%d", i, strcmp(key_mode, "own") ? 0 : number);
		mine->token[0] = mine->access[0] = '\0';
		refresh(all->session[0].token, key);
		if (!is(200, "") || !take("refresh_token", mine->token) || !take("access_token", mine->access))
			failed("round %ld", i);
		pthread_barrier_wait(&all->barrier);
		if (number == 0)
			compare(i);
		pthread_barrier_wait(&all->barrier);
	}
}

static void same_token(void)
{
	char generation[32] = "";
	cgi_one_network = true;
	sign_in(&all->session[0]);
	fork_workers(workers, same);
	if (all->over)
		return;
	refresh(all->session[0].token, "last");
	if (!cgi_member(a.text, "generation", generation, sizeof generation) || atol(generation) != count + 2)
		failed("%ld rounds made generation %s", count, generation);
	refresh(all->before, "thief");
	if (!is(401, "refresh_reused"))
		failed("a token three generations old");
	refresh(all->session[0].token, "last");
	if (!is(401, "session_revoked"))
		failed("after reuse");
}

/* ---- an end that meets a refresh --------------------------------------- */

enum { BY_TOKEN, BY_USER, BY_OTHERS, BY_OPERATOR, ENDS };

static int kind;

static void end_session(void)
{
	struct session *s = &all->session[0], *other = &all->session[1];
	char path[64];
	char *argv[] = { (char *)(uintptr_t)cgi_program, "session", "revoke", s->id, "--dir", (char *)(uintptr_t)cgi_dir, NULL };
	char *env[] = { cgi_variable(0, "LK_SHIM", cgi_shim), NULL };
	snprintf(path, sizeof path, "/sessions/%s", s->id);
	switch (kind) {
	case BY_TOKEN:
		/* Not by the refresh token: that is spent by now, several times over, and ends the session as reuse. */
		cgi_ask(&a, "POST", "/logout", s->access, "%s", "{}");
		break;
	case BY_USER:
		cgi_ask(&a, "DELETE", path, other->access, "%s", "");
		break;
	case BY_OTHERS:
		cgi_ask(&a, "DELETE", "/sessions", other->access, "%s", "");
		break;
	case BY_OPERATOR:
		cgi_run(&a, argv, env, "");
		a.status = 204;
		break;
	}
}

static void ender(void)
{
	int tries = 0;
	const struct timespec moment = { .tv_nsec = (long)rnd(4000000) };
	nanosleep(&moment, NULL);
	all->end_asked = clock_us();
	do
		end_session();
	while (again(tries++));
	if (!is(204, ""))
		failed("an end of kind %d", kind);
	all->ended = a.end;
}

/* A session that is refreshed until that is refused; `after` counts what was granted too late. */
static void refresher(void)
{
	char key[64], *token = all->session[2].token, *access = all->session[2].access;
	int late = 0;
	memcpy(token, all->session[0].token, CGI_TOKEN);
	memcpy(access, all->session[0].access, CGI_TOKEN);
	for (int i = 0; late < 3; i++) {
		snprintf(key, sizeof key, "%d", i);
		refresh(token, key);
		bool granted = is(200, ""), met = a.end > all->end_asked && (all->ended == 0 || a.start < all->ended) && all->end_asked;
		if (all->ended && a.start > all->ended && granted) {
			failed("granted %.3f ms after the end was answered, kind %d", (a.start - all->ended) / 1e3, kind);
			late++;
		}
		if (met)
			__sync_fetch_and_add(granted ? &all->refresh_first : &all->end_first, 1);
		if (granted && take("refresh_token", token) && take("access_token", access))
			continue;
		if (!is(401, "session_revoked"))
			failed("refused as what it isn't, kind %d", kind);
		return;
	}
}

static void meet(int number)
{
	pthread_barrier_wait(&all->barrier);
	if (number == 0)
		refresher();
	else
		ender();
}

static void revoke(void)
{
	for (long i = 0; i < count || ((all->refresh_first < 5 || all->end_first < 5) && i < 20 * count); i++) {
		kind = (int)(i % ENDS);
		all->ended = all->end_asked = 0;
		sign_in(&all->session[0]);
		sign_in(&all->session[1]);
		fork_workers(2, meet);
		cgi_ask(&a, "GET", "/me", all->session[2].access, "%s", "");
		if (!is(401, "session_revoked"))
			failed("who is signed out is still somebody, kind %d", kind);
		if (all->failures >= ENOUGH)
			return;
	}
	printf("refresh_first %ld\nend_first %ld\n", all->refresh_first, all->end_first);
}

/* ---- a flood of sign-ins ----------------------------------------------- */

static void flood_worker(int number)
{
	if (number < workers) {
		chains(number);
		__sync_fetch_and_add(&all->refresh_first, 1);      /* one that has finished */
		return;
	}
	do {
		cgi_ask(&a, "POST", "/login", NULL, "{\"username\":\"user%u\",\"password\":\"battery staple\"}", rnd(1000000));
		again(0);
		if (!is(401, "invalid_credentials") && !is(503, "busy") && !is(429, "rate_limited"))
			failed("a sign-in");
	} while (all->refresh_first < workers);
}

/* Pages of a process's own that are in memory; the file that it was started from is shared by all. */
static long pages_of(pid_t pid)
{
	char path[64], text[128] = "";
	long resident = 0, shared = 0;
	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	int fd = open(path, O_RDONLY);
	if (fd >= 0 && read(fd, text, sizeof text - 1) > 0)
		sscanf(text, "%*d %ld %ld", &resident, &shared);
	close(fd);
	return resident - shared;
}

/* The most that all had at one of very many looks. */
static void watch_memory(void)
{
	const struct timespec moment = { .tv_nsec = 500000 };
	while (!all->over) {
		long sum = 0;
		for (int i = 0; i < workers + flooders; i++)
			if (all->worker[i].running)
				sum += pages_of(all->worker[i].running);
		all->peak = sum > all->peak ? sum : all->peak;
		nanosleep(&moment, NULL);
	}
}

/* ---- figures ----------------------------------------------------------- */

static int compare_double(const void *x, const void *y)
{
	double d = *(const double *)x - *(const double *)y;
	return (d > 0) - (d < 0);
}

/* Of the first n workers; of readers and replays the times are those of refreshes too. */
static void figures(int n)
{
	static double ms[WORKERS * CALLS];
	long sum[5] = { 0 }, times = 0;
	for (int w = 0; w < n; w++) {
		const struct worker *one = &all->worker[w];
		const long part[5] = { one->requests, one->busy, one->unset, one->replays, one->reads };
		for (int i = 0; i < 5; i++)
			sum[i] += part[i];
		for (long i = 0; i < one->calls; i++)
			ms[times++] = (one->call[i].end - one->call[i].start) / 1e3;
	}
	qsort(ms, (size_t)times, sizeof *ms, compare_double);
	printf("requests %ld\nbusy %ld\nunset %ld\nreplays %ld\nreads %ld\n", sum[0], sum[1], sum[2], sum[3], sum[4]);
	if (times)
		printf("p50 %.1f\np99 %.1f\nmost %.1f\n", ms[times / 2], ms[times - 1 - times / 100], ms[times - 1]);
}

/* ---- what there is ----------------------------------------------------- */

static void run_chains(char **argv)
{
	sessions = atoi(argv[0]);
	count = atol(argv[1]);
	fork_workers(workers, sign_all_in);
	fork_workers(workers, chains);
	fork_workers(workers, all_go_on);
}

static void run_clock(char **argv)
{
	sessions = atoi(argv[0]);
	count = atol(argv[1]);
	clock_file = argv[2];
	set_clock("+0");
	fork_workers(workers, sign_all_in);
	storm();
}

static void run_same(char **argv)
{
	count = atol(argv[0]);
	key_mode = argv[2];
	same_token();
}

static void run_revoke(char **argv)
{
	count = atol(argv[0]);
	revoke();
}

static void run_flood(char **argv)
{
	long logins = 0;
	count = atol(argv[0]);
	flooders = atoi(argv[1]);
	sessions = workers;
	for (int i = 0; i < sessions; i++)
		sign_in(&all->session[i]);
	pid_t watcher = fork();
	if (watcher == 0) {
		watch_memory();
		_exit(0);
	}
	fork_workers(workers + flooders, flood_worker);
	all->over = true;
	waitpid(watcher, NULL, 0);
	for (int i = workers; i < workers + flooders; i++)
		logins += all->worker[i].requests;
	printf("logins %ld\npeak %ld\n", logins, all->peak * sysconf(_SC_PAGESIZE) / 1024);
}

/* `workers` 0: the second argument says how many. */
static const struct { const char *what; int arguments, workers; void (*run)(char **argv); } runs[] = {
	{ "chains", 2, 8, run_chains },
	{ "clock", 3, 8, run_clock },
	{ "same", 3, 0, run_same },
	{ "revoke", 1, 2, run_revoke },
	{ "flood", 2, 2, run_flood },
};

static void begin(int among)
{
	pthread_barrierattr_t shared;
	workers = among;
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&all->barrier, &shared, (unsigned)among);
}

int main(int argc, char **argv)
{
	const char *shim = getenv("CROWD_SHIM");
	if (argc < 5)
		return 100;
	cgi_program = argv[1];
	cgi_dir = argv[2];
	cgi_shim = shim ? shim : "";
	all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		die("mmap");
	mine = &all->worker[WORKERS];
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
		if (strcmp(runs[i].what, argv[3]) == 0 && argc == 4 + runs[i].arguments) {
			begin(runs[i].workers ? runs[i].workers : atoi(argv[5]));
			runs[i].run(argv + 4);
			figures(workers);
			printf("failures %ld\n", all->failures);
			return 0;
		}
	return 100;
}
