/*
 * herd [-t SECONDS] [-p MS] [-v VISITORS] [-r SECONDS] [-b PERCENT] SESSIONS [ADDRESS:]PORT...: clients that keep the contract (docs/clients.md) against
 * one or more fronts, thieves among them, for as long as whatever is tested goes on.
 *
 *   sessions   each a client of its own, at an address of its own (X-Forwarded-For). He refreshes, waits a moment, refreshes.
 *              Of his answers 4 % are cut: he goes as soon as he has asked, or as soon as an answer begins. What wasn't
 *              answered, and what was answered 503, he asks again with the same key at the next front.
 *   thieves    every twentieth client is robbed: a thief copies his token, within -r seconds (8), and goes on with it as a client
 *   visitors   sign in, keep every second session, sign out of the others
 *
 * -t: a client waits so long for an answer (10). -p: his pause between two refreshes, at most twice that (40). -b: so many of his requests go to
 * the next front, as by a balancer (0).
 *
 * SIGUSR1 prints the longest time without an answer since the last such signal: "silence MS signin MS answers N".
 * SIGINT ends it: all requests under way are asked to their ends, then everybody and every thief asks three times, and the visitors' sessions are
 * looked at. Then NAME VALUE lines:
 *
 *   refreshes, cut, signins, signouts      answers; answers that were cut
 *   signed_out  lawful clients who are told that their session is over
 *   thefts, found     found is a theft after which neither owner nor thief has a session
 *   undone      sign-ins and sign-outs that were answered, and aren't there
 *   strange     answers that nobody should get; the first of them in lines that begin with #
 *   silence, silence_signin     the longest time without an answer, ms
 *   503/CODE, 429/CODE    how many of them; a client comes again when he is told to
 *
 * The configuration must have trusted_proxies = 127.0.0.1, signup = on, reuse_grace = 0 (within a grace a thief would be found later).
 */
#include "cgi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

enum { CLIENTS = 2048, FRONTS = 8, ROBBED = 20, CUT = 4, KEPT = 4096, CODES = 16, SHOWN = 12, STACK = 256 * 1024, FINALE_SECONDS = 90, CONNECT_SECONDS = 2 };

struct client {
	pthread_t thread;
	struct client *owner;        /* of a thief: whom he robs */
	int number, front, fd;
	bool robbed, over, told;     /* over: his last answer was that his session has ended; told: any was */
	unsigned seed;
	long generation;
	char name[40], token[CGI_TOKEN], key[40], address[20], code[32];
	int status;
	double after;                /* seconds that a 503 asks him to wait */
	char text[16384];
	size_t n;
};

/* What a visitor was told: here is a session, or its end. */
struct place { char token[CGI_TOKEN]; bool out; };

static struct client client[CLIENTS];
static struct place place[KEPT];
static int clients, fronts, places, visitors;
static struct sockaddr_in front[FRONTS];
static double patience = 10, began, robbing = 8, last_silence[2], most_silence[2], last_answer[2];
static unsigned pause_ms = 40, balanced;
static volatile bool ending;
static double ended;
static long count_refreshes, count_cut, count_signins, count_signouts, signed_out, thefts, found, undone, strange;
static struct { char code[32]; long n; } later[CODES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;

static unsigned rnd(struct client *c, unsigned below)
{
	return (unsigned)rand_r(&c->seed) % below;
}

static void sleep_ms(double ms)
{
	const struct timespec t = { (time_t)(ms / 1e3), (long)(ms * 1e6) % 1000000000 };
	nanosleep(&t, NULL);
}

static void new_key(struct client *c)
{
	snprintf(c->key, sizeof c->key, "%08x%08x%08x%08x", rnd(c, INT32_MAX), rnd(c, INT32_MAX), rnd(c, INT32_MAX), (unsigned)c->number);
}

static void odd(const struct client *c, const char *what)
{
	pthread_mutex_lock(&lock);
	if (strange++ < SHOWN)
		printf("# %.1f s, client %d, generation %ld: %s: %d %.300s\n", clock_us() / 1e6 - began, c->number, c->generation, what, c->status, c->text);
	fflush(stdout);
	pthread_mutex_unlock(&lock);
}

static void count(long *what)
{
	__sync_fetch_and_add(what, 1);
}

enum { OF_REFRESH, OF_SIGNIN };

/* An answer that somebody waited for: how long was it since the one before? */
static void heard(int of)
{
	double now = clock_us() / 1e3;
	pthread_mutex_lock(&lock);
	double silence = now - last_answer[of];
	last_answer[of] = now;
	if (silence > last_silence[of])
		last_silence[of] = silence;
	if (silence > most_silence[of] && !ending)
		most_silence[of] = silence;
	pthread_mutex_unlock(&lock);
}

/* ---- one request ------------------------------------------------------- */

static void hang_up(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static bool dial(struct client *c)
{
	const struct timeval soon = { .tv_sec = CONNECT_SECONDS };
	const int on = 1;
	if (c->fd >= 0)
		return true;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
	if (connect(c->fd, (const void *)&front[c->front], sizeof front[0]) == 0)
		return true;
	hang_up(c);
	return false;
}

static bool send_request(struct client *c, const char *path, const char *body)
{
	char text[CGI_TOKEN + 2048];
	int n = snprintf(text, sizeof text, "POST /api/auth%s HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: %s\r\nUser-Agent: herd/%d\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", path, c->address, c->number, strlen(body), body);
	return send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

/* Until the deadline; false where nothing more comes. */
static bool more(struct client *c, double deadline)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	double left = deadline - clock_us() / 1e3;
	if (left <= 0 || poll(&p, 1, (int)left + 1) != 1)
		return false;
	ssize_t got = recv(c->fd, c->text + c->n, sizeof c->text - 1 - c->n, 0);
	if (got <= 0)
		return false;
	c->n += (size_t)got;
	c->text[c->n] = '\0';
	return true;
}

static long length_of(const char *head)
{
	const char *at = strcasestr(head, "\r\ncontent-length:");
	return at ? atol(at + 17) : 0;
}

static bool whole(const struct client *c)
{
	const char *body = strstr(c->text, "\r\n\r\n");
	return body && c->n >= (size_t)(body + 4 - c->text) + (size_t)length_of(c->text);
}

static void read_answer(struct client *c)
{
	double deadline = clock_us() / 1e3 + patience * 1e3;
	while (!whole(c))
		if (!more(c, deadline))
			return;
	const char *at = strcasestr(c->text, "\r\nretry-after:");
	c->after = at ? atof(at + 14) : 0;
	sscanf(c->text, "HTTP/1.1 %d", &c->status);
	cgi_member(c->text, "code", c->code, sizeof c->code);
	if (strcasestr(c->text, "\r\nconnection: close"))
		hang_up(c);
}

/* He goes, at once or when an answer begins. */
static void cut(struct client *c)
{
	count(&count_cut);
	if (rnd(c, 2))
		more(c, clock_us() / 1e3 + patience * 1e3);
	hang_up(c);
}

static void turn_to_next(struct client *c)
{
	hang_up(c);
	c->front = (c->front + 1) % fronts;
}

/* c->status and c->text; status 0: there was no answer, and he turns to the next front. */
static void ask_once(struct client *c, const char *path, const char *body, bool is_cut)
{
	c->status = 0;
	c->n = 0;
	c->text[0] = c->code[0] = '\0';
	if (dial(c) && send_request(c, path, body)) {
		if (is_cut)
			cut(c);
		else
			read_answer(c);
	}
	if (c->status == 0)
		turn_to_next(c);
}

static void count_later(const struct client *c)
{
	char code[32];
	snprintf(code, sizeof code, "%d/%.24s", c->status, c->code);
	pthread_mutex_lock(&lock);
	int i = 0;
	while (i < CODES - 1 && later[i].n && strcmp(later[i].code, code) != 0)
		i++;
	memcpy(later[i].code, code, sizeof later[i].code);
	later[i].n++;
	pthread_mutex_unlock(&lock);
}

/* The same request until it is answered: who gives up forgets its key. False: it never was, long after all had its end. */
static bool ask(struct client *c, const char *path, const char *body, bool may_cut)
{
	do {
		ask_once(c, path, body, may_cut && rnd(c, 100) < CUT);
		if (c->status && c->status != 503 && c->status != 429)
			return true;
		if (c->status) {
			count_later(c);
			if (c->after <= 0)
				odd(c, "what says nothing of when to come again");
			turn_to_next(c);
		}
		sleep_ms(c->status ? c->after * 1e3 * (0.5 + rnd(c, 100) / 100.0) : 20 + rnd(c, 200));
	} while (!ending || clock_us() / 1e6 < ended + FINALE_SECONDS);
	odd(c, "never answered");
	return false;
}

/* ---- a session --------------------------------------------------------- */

static bool is_over(const struct client *c)
{
	static const char *const codes[] = { "refresh_invalid", "refresh_expired", "refresh_reused", "session_revoked" };
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (c->status == 401 && strcmp(c->code, codes[i]) == 0)
			return true;
	return false;
}

static bool keep(struct client *c)
{
	char token[CGI_TOKEN], generation[32];
	if (!cgi_member(c->text, "refresh_token", token, sizeof token) || !cgi_member(c->text, "generation", generation, sizeof generation))
		return false;
	pthread_mutex_lock(&lock);          /* a thief may be copying it */
	memcpy(c->token, token, sizeof token);
	c->generation = atol(generation);
	pthread_mutex_unlock(&lock);
	return true;
}

static void refresh(struct client *c, bool may_cut)
{
	char body[CGI_TOKEN + 128];
	long before = c->generation;
	new_key(c);
	if (rnd(c, 100) < balanced)
		turn_to_next(c);
	snprintf(body, sizeof body, "{\"refresh_token\":\"%s\",\"idempotency_key\":\"%s\"}", c->token, c->key);
	if (!ask(c, "/refresh", body, may_cut))
		return;
	c->over = is_over(c);
	c->told |= c->over;
	if (c->status == 200 && keep(c)) {
		count(&count_refreshes);
		heard(OF_REFRESH);
		if (c->generation != before + 1)
			odd(c, "not the next generation");
	} else if (!c->over) {
		odd(c, "a refresh");
	} else if (!c->owner && !c->robbed) {
		odd(c, "a lawful user is signed out");
	}
}

static bool sign_in(struct client *c, const char *path, const char *name)
{
	char body[512];
	new_key(c);
	snprintf(c->address, sizeof c->address, "10.%u.%u.%u", rnd(c, 256), rnd(c, 256), 1 + rnd(c, 254));
	snprintf(body, sizeof body, "{\"username\":\"%s\",\"password\":\"correct horse\",\"idempotency_key\":\"%s\"}", name, c->key);
	return ask(c, path, body, false) && (c->status == 200 || c->status == 201) && keep(c);
}

/* A build that takes its own trouble for the client's fault may have some before anything happens. */
static void begin(struct client *c)
{
	for (int at = 0; at < 100; at++) {
		snprintf(c->name, sizeof c->name, "herd-%d-%d-%d", (int)getpid(), c->number, at);
		if (sign_in(c, "/register", c->name))
			return;
		sleep_ms(100);
	}
	printf("# client %d has no session: %d %s\n", c->number, c->status, c->text);
	exit(1);
}

static void rob(struct client *c)
{
	sleep_ms(rnd(c, (unsigned)(robbing * 1e3)));
	pthread_mutex_lock(&lock);
	memcpy(c->token, c->owner->token, sizeof c->token);
	c->generation = c->owner->generation;
	pthread_mutex_unlock(&lock);
	sleep_ms(rnd(c, 500));
}

/*
 * The end: everybody asks, whatever he was told before. Three times: where the store has lost what was committed last, the owner's token
 * fits, then the thief's from before the loss does; the second time the owner's is found, when the thief has had his answer.
 */
static void thrice(struct client *c)
{
	for (int i = 0; i < 3; i++) {
		pthread_barrier_wait(&barrier);
		refresh(c, false);
	}
	pthread_barrier_wait(&barrier);
}

static void *live(void *arg)
{
	struct client *c = arg;
	if (c->owner)
		rob(c);
	while (!ending && !c->over) {
		refresh(c, true);
		sleep_ms(rnd(c, 2 * pause_ms));
	}
	thrice(c);
	return NULL;
}

/* ---- visitors ---------------------------------------------------------- */

static void sign_out(struct client *c)
{
	char body[CGI_TOKEN + 64];
	snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", c->token);
	if (ask(c, "/logout", body, true) && c->status != 204 && !is_over(c))
		odd(c, "a sign-out");
	count(&count_signouts);
}

static void remember(const struct client *c, bool out)
{
	pthread_mutex_lock(&lock);
	if (places < KEPT) {
		memcpy(place[places].token, c->token, sizeof c->token);
		place[places++].out = out;
	}
	pthread_mutex_unlock(&lock);
}

static void visit(struct client *c, const char *name)
{
	bool out = rnd(c, 2);
	if (!sign_in(c, "/login", name)) {
		odd(c, "a sign-in");
		return;
	}
	count(&count_signins);
	heard(OF_SIGNIN);
	if (out)
		sign_out(c);
	remember(c, out);
}

static void *come_and_go(void *arg)
{
	struct client *c = arg;
	while (!ending && places < KEPT) {
		visit(c, c->name);
		sleep_ms(100 + rnd(c, 200));
	}
	return NULL;
}

/* Whatever a visitor was told must be so. */
static void look_at_places(struct client *c)
{
	char body[CGI_TOKEN + 64];
	for (int i = 0; i < places; i++) {
		snprintf(body, sizeof body, "{\"refresh_token\":\"%.*s\"}", CGI_TOKEN, place[i].token);
		if (!ask(c, "/refresh", body, false) || (place[i].out ? is_over(c) : c->status == 200))
			continue;
		odd(c, place[i].out ? "a sign-out is undone" : "a sign-in is undone");
		undone++;
	}
}

/* ---- all --------------------------------------------------------------- */

static void start(struct client *c, void *(*life)(void *))
{
	pthread_attr_t a;
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, STACK);
	if (pthread_create(&c->thread, &a, life, c))
		die("pthread_create");
}

static struct client *add(struct client *owner)
{
	struct client *c = &client[clients];
	if (clients == CLIENTS)
		exit(111);
	*c = (struct client){ .owner = owner, .number = clients++, .fd = -1, .seed = (unsigned)(getpid() + clients) };
	c->front = c->number % fronts;
	if (owner)
		snprintf(c->address, sizeof c->address, "192.0.2.%d", 1 + c->number % 250);
	return c;
}

static void tell_silence(void)
{
	pthread_mutex_lock(&lock);
	printf("silence %.0f signin %.0f answers %ld\n", last_silence[OF_REFRESH], last_silence[OF_SIGNIN], count_refreshes);
	fflush(stdout);
	last_silence[OF_REFRESH] = last_silence[OF_SIGNIN] = 0;
	pthread_mutex_unlock(&lock);
}

static void wait_for_end(const sigset_t *set)
{
	for (int number; sigwait(set, &number) == 0 && number == SIGUSR1;)
		tell_silence();
	ended = clock_us() / 1e6;
	ending = true;
}

static void judge(int sessions)
{
	for (int i = 0; i < sessions; i++)
		signed_out += client[i].told && !client[i].robbed;
	for (int i = sessions; i < clients; i++) {
		if (!client[i].owner)
			continue;
		thefts++;
		found += client[i].over && client[i].owner->over;
	}
}

static void tell(void)
{
	printf("refreshes %ld\ncut %ld\nsignins %ld\nsignouts %ld\nsigned_out %ld\nthefts %ld\nfound %ld\nundone %ld\nstrange %ld\nsilence %.0f\nsilence_signin %.0f\n",
		count_refreshes, count_cut, count_signins, count_signouts, signed_out, thefts, found, undone, strange, most_silence[OF_REFRESH], most_silence[OF_SIGNIN]);
	for (int i = 0; i < CODES && later[i].n; i++)
		printf("%s %ld\n", later[i].code, later[i].n);
}

static void run(int sessions, const sigset_t *set)
{
	for (int i = 0; i < sessions + visitors; i++)
		begin(add(NULL));
	for (int i = 0; i < sessions; i += ROBBED) {
		client[i].robbed = true;
		add(&client[i]);
	}
	pthread_barrier_init(&barrier, NULL, (unsigned)(clients - visitors));
	last_answer[0] = last_answer[1] = clock_us() / 1e3;
	for (int i = 0; i < clients; i++)
		start(&client[i], i >= sessions && i < sessions + visitors ? come_and_go : live);
	puts("begun");
	fflush(stdout);
	wait_for_end(set);
	for (int i = 0; i < clients; i++)
		pthread_join(client[i].thread, NULL);
	look_at_places(&client[clients - 1]);
	judge(sessions);
	tell();
}

static struct sockaddr_in address_of(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *colon = strchr(text, ':');
	char host[INET_ADDRSTRLEN] = "";
	if (colon) {
		snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
		inet_pton(AF_INET, host, &a.sin_addr);
	}
	a.sin_port = htons((uint16_t)atoi(colon ? colon + 1 : text));
	return a;
}

int main(int argc, char **argv)
{
	sigset_t set;
	for (int o; (o = getopt(argc, argv, "t:p:v:r:b:")) != -1;) {
		if (o == 't')
			patience = atof(optarg);
		else if (o == 'p')
			pause_ms = (unsigned)atoi(optarg);
		else if (o == 'v')
			visitors = atoi(optarg);
		else if (o == 'r')
			robbing = atof(optarg);
		else if (o == 'b')
			balanced = (unsigned)atoi(optarg);
		else
			return 111;
	}
	for (int i = optind + 1; i < argc && fronts < FRONTS; i++)
		front[fronts++] = address_of(argv[i]);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	began = clock_us() / 1e6;
	if (fronts == 0)
		return 111;
	run(atoi(argv[optind]), &set);
	return signed_out || found < thefts || undone || strange;
}
