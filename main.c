/*
 * latchkey: silent session renewal on hosts that have no room for an auth
 * server. One process per request.
 *
 * main() is a checklist. How the program was started says which face it
 * wears (docs/internals.md, "Faces"); from then on every request takes the
 * same straight line: configuration, sandbox, request, answer, one write,
 * tidying up.
 *
 * Under CGI argv is no command line: a query string can reach it (RFC 3875,
 * 4.4). Its first word counts only where it is the script that is being run
 * (config.h, config_script).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "admin.h"
#include "auth.h"
#include "base.h"
#include "config.h"
#include "harden.h"
#include "http.h"
#include "jwt.h"
#include "listen.h"
#include "site.h"
#include "store.h"
#include "worker.h"

enum {
	PASSWORD_KIB = 19 * 1024,       /* the most that is chosen by itself: password.h */
	WORKER_KIB = 64 * 1024,         /* of thousands of connections, half a request each */
	REST_SECONDS = 1                /* a worker that has nothing to do doesn't wait long to tidy up */
};

enum start { START_CGI, START_SOCKET, START_SERVE, START_VERB };

static struct config config;
static struct keyring ring;
static struct slice script;     /* that is our configuration, under CGI */
static struct request request;
static struct reply reply;
static struct config_stamp stamp;       /* of what a worker has read */
static bool with_site;          /* `serve` alone serves www/ */
static bool unread;             /* a socket's request waits to be read */

static bool is_socket(int fd, struct stat *s)
{
	return fstat(fd, s) == 0 && S_ISSOCK(s->st_mode);
}

static enum start start_of(int argc, char **argv)
{
	struct stat input;
	if (getenv("GATEWAY_INTERFACE"))
		return START_CGI;
	if (argc > 1)
		return strcmp(argv[1], "serve") == 0 ? START_SERVE : START_VERB;
	return is_socket(0, &input) ? START_SOCKET : START_VERB;
}

enum { IDLE_MAX = 86400 };

/* One of `serve`'s options that takes a number, and its value behind it. */
static bool number_option(char *const *argument, const char *name, int64_t max, int64_t *out)
{
	return strcmp(argument[0], name) == 0 && argument[1] && parse_number(slice_of(argument[1]), 0, max, out);
}

/* The operator's directory, and how `serve` listens. */
static struct listen_options serve_arguments(int argc, char **argv, const char **dir)
{
	struct listen_options o = { .idle = IDLE_AS_FITS };
	int64_t workers = 0;
	for (int i = 2; i < argc; i++) {
		if (number_option(argv + i, "--idle", IDLE_MAX, &o.idle)
			|| number_option(argv + i, "--workers", worker_possible() ? LISTEN_WORKERS : 0, &workers)) {
			i++;
		} else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
			*dir = argv[++i];
		} else if (argv[i][0] == '-' || o.where) {
			log_line("MA1", "usage: latchkey serve [ADDR:PORT|unix:PATH] [--workers N] [--idle SECONDS] [--dir DIR]", NULL);
			exit(100);
		} else {
			o.where = argv[i];
		}
	}
	o.workers = (size_t)workers;
	return o;
}

/* Under CGI: the script that we are the interpreter of, if there is one, and
 * the data directory that it names. */
static const char *read_script(const char *argument)
{
	const char *wrong = config_script(argument, &script);
	if (wrong == NULL)
		wrong = config_override(script, &config);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "MA3", wrong, NULL);
	return config.dir;
}

/* NULL, or what is wrong with the files. */
static const char *read_files(const char *dir)
{
	const char *wrong = config_read(dir, &config);
	if (wrong == NULL)
		wrong = config_override(script, &config);
	if (wrong == NULL)
		wrong = keyring_read(dir, &ring);
	return wrong ? wrong : jwt_keys_wrong(&ring);
}

static void read_configuration(const char *dir)
{
	const char *wrong = read_files(dir);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "MA2", wrong, NULL);
	if (config.audit == AUDIT_SYSLOG || config.audit == AUDIT_BOTH)
		log_to_syslog(false);
}

static void enter_sandbox(bool stays)
{
	harden_limits(stays ? WORKER_KIB : config.password.kib ? config.password.kib : PASSWORD_KIB, stays);
	/* Without Landlock in the kernel the rest still holds; `latchkey check` tells. */
	(void)harden(config.dir, config_throttle_dir(&config));
}

static void finish(void)
{
	auth_finish(&config, &request, &reply);
	http_send(&request, &reply);
	if (with_site)
		log_line("serve", slice_text(request.peer), " ", method_words[request.method], " ",
			slice_text(request.mount), slice_text(request.path), " ", dec(reply.status), NULL);
}

/* Before the request was read, too: then the peer waits, and its bytes are in the way of the answer. */
static void answer_failure(enum error e)
{
	if (unread) {
		request.face = http_peek();
		request.unread = true;
	}
	reply_error(&reply, store_has_changed() && errors[e].status == 503 ? ERROR_UNSETTLED : e, NULL, 0);
	finish();
}

static enum error read_request(bool *closed)
{
	struct http_rules rules = { .base_path = config.base_path, .trusted_proxies = config.trusted_proxies };
	*closed = unread = false;
	return request.face == FACE_CGI ? http_read_cgi(&request, &rules) : http_read_stream(&request, &rules, closed);
}

static void answer(const struct request *rq, enum error e, struct reply *rp)
{
	if (e != ERROR_NONE)
		reply_error(rp, e, NULL, 0);
	else if (rq->below)
		auth_answer(&config, &ring, rq, rp);
	else if (with_site)
		site_answer(rq, rp);
	else
		reply_error(rp, ERROR_NOT_FOUND, NULL, 0);
}

/* ---- a worker: worker.h says what each is for -------------------------- */

static void work_answer(const struct request *rq, struct reply *rp)
{
	answer(rq, ERROR_NONE, rp);
	auth_finish(&config, rq, rp);
}

static void work_refuse(const struct request *rq, enum error e, struct reply *rp)
{
	answer(rq, e, rp);
	auth_finish(&config, rq, rp);
}

static bool work_is_current(void)
{
	struct config_stamp now_on_disk;
	config_stamp(config.dir, &now_on_disk);
	return memcmp(&now_on_disk, &stamp, sizeof stamp) == 0;
}

static void work_leave(bool resting)
{
	if (resting)
		store_open(config.dir, REST_SECONDS);
	store_leave(resting);
}

/* Without configuration or keys each request gets a process of its own, which says so as ever, until the files change. */
static bool work_is_slow(const struct request *rq)
{
	return ring.count == 0 || auth_hashes(rq);
}

static void work(const struct worker_place *place, const char *dir)
{
	config_stamp(dir, &stamp);
	const char *wrong = read_files(dir);
	if (wrong) {
		log_line("MA5", wrong, NULL);
		ring.count = 0;
		config_parse(S(""), &config);
		config.dir = dir;
	} else if (config.audit == AUDIT_SYSLOG || config.audit == AUDIT_BOTH) {
		log_to_syslog(false);
	}
	process_become_owner(dir);
	enter_sandbox(true);
	const struct http_rules rules = { .base_path = config.base_path, .trusted_proxies = config.trusted_proxies };
	const struct worker_calls calls = {
		.rules = &rules, .answer = work_answer, .refuse = work_refuse, .is_slow = work_is_slow,
		.is_current = work_is_current, .settle = store_settle, .leave = work_leave, .forget = store_close,
	};
	store_stay();
	worker_run(place, &calls);
	exit(0);
}

/* What SIGHUP asks of the files, before workers that do well are ended for it. */
static bool usable(void)
{
	static struct config next;
	static struct keyring next_ring;
	size_t mark = arena_mark();
	const char *dir = config.dir, *wrong = config_read(dir, &next);
	if (!wrong)
		wrong = keyring_read(dir, &next_ring);
	wipe(&next_ring, sizeof next_ring);
	if (wrong)
		log_line("MA4", "goes on as it was: ", wrong, NULL);
	arena_back(mark);
	return !wrong;
}

/* Returns what the request is in a child or a worker: the one or the other goes on alone. */
static struct listener serve(int argc, char **argv, const char **dir)
{
	struct listener l;
	struct listen_options asked = serve_arguments(argc, argv, dir);
	process_become_owner(config_dir(*dir));
	read_configuration(config_dir(*dir));    /* to say now what is wrong with it */
	listen_and_serve(&asked, usable, &l);
	return l;
}

int main(int argc, char **argv)
{
	const char *dir = NULL;
	struct listener l = { .role = LISTEN_CHILD };
	bool closed;

	enum start start = start_of(argc, argv);
	if (start == START_CGI || start == START_SOCKET)
		process_start_request();
	else
		process_start();
	if (start == START_VERB)
		return admin_main(argc, argv);
	if (start == START_SERVE)
		l = serve(argc, argv, &dir);
	with_site = start == START_SERVE;
	if (l.role == LISTEN_WORKER)
		work(&l.place, config_dir(dir));
	request.face = start == START_CGI ? FACE_CGI : FACE_HTTP;
	unread = start != START_CGI;
	log_not_to_client();
	on_fail(answer_failure);
	if (start == START_CGI)
		dir = read_script(argc > 1 ? argv[1] : NULL);
	process_enter(config_dir(dir));
	read_configuration(config_dir(dir));
	enter_sandbox(false);
	http_begin_with(l.early);
	enum error e = read_request(&closed);
	if (closed)
		return 0;
	answer(&request, e, &reply);
	store_before_answer();
	finish();
	store_tidy();
	return 0;
}
