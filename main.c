/*
 * latchkey: silent session renewal on hosts that have no room for an auth
 * server. One process per request.
 *
 * main() is a checklist. How the program was started says which face it
 * has (docs/internals.md, "Faces"); from then on every request takes the
 * same straight line: configuration, sandbox, request, answer, one write,
 * tidying up. Only the workers of `serve` have a loop of their own (serve.h).
 *
 * Under CGI argv is no command line: a query string can reach it (RFC 3875,
 * 4.4). Its first word counts only where it is the script that is being run
 * (script.h).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/process.h"
#include "operator/admin.h"
#include "base/base.h"
#include "config.h"
#include "http.h"
#include "instance.h"
#include "script.h"
#include "serve/serve.h"
#include "store.h"
#include "store/upkeep.h"

enum start { START_CGI, START_SOCKET, START_SERVE, START_VERB };

static struct instance instance;
static struct request request;
static struct reply reply;
static struct slice early;      /* bytes of the request that were read before this process began */
static bool unread;             /* a socket's request waits to be read */

static bool asks_help(int argc, char **argv)
{
	return argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
}

static enum start start_of(int argc, char **argv)
{
	struct stat input;
	if (getenv("GATEWAY_INTERFACE"))
		return START_CGI;
	if (argc > 1)
		return strcmp(argv[1], "serve") == 0 && !asks_help(argc, argv) ? START_SERVE : START_VERB;
	/* fd 0 may be closed; then it is no socket. */
	return fstat(0, &input) == 0 && S_ISSOCK(input.st_mode) ? START_SOCKET : START_VERB;
}

/* Under CGI: the script that this program is the interpreter of, if there is one. Returns the data directory that it names. */
static const char *find_script(const char *argument)
{
	const char *wrong = script_find(argument, &instance.script);
	if (wrong == NULL)
		wrong = config_override(instance.script, &instance.config);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "MA3", wrong, NULL);
	return instance.config.dir;
}

static void read_configuration(const char *dir, int directory)
{
	if (directory < 0)
		fail(ERROR_STORE_UNAVAILABLE, "MA4", config_no_dir(dir), NULL);
	const char *wrong = instance_read(&instance, dir);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "MA2", wrong, NULL);
	instance_log(&instance);
}

/* "-" for what isn't known. A request that failed before it was read has a peer all the same. */
static const char *word_of(struct slice s)
{
	return s.n ? slice_text(s) : "-";
}

static void log_request(void)
{
	struct slice path = request.sent, peer = request.peer.n ? request.peer : http_peer(0);
	const char *method = request.path.n ? method_words[request.method] : "";
	if (path.n == 0 && request.path.n)
		path = slice_of(text_join(slice_text(request.mount), slice_text(request.path), NULL));
	log_line("serve", word_of(peer), " ", word_of(slice_of(method)), " ", word_of(path), " ", dec(reply.status), NULL);
}

static void send_reply(void)
{
	http_send(&request, &reply);
	if (instance.with_site)
		log_request();
}

/* A failure may come before the request was read. Then the client still waits for its answer, and for its input to be read. */
static void answer_failure(enum error e)
{
	if (unread)
		http_leave_unread(&request, early);
	instance_answer(&instance, &request, store_failure(e), &reply);
	store_before_answer();
	send_reply();
}

static enum error read_request(bool *closed)
{
	const struct http_rules rules = instance_rules(&instance);
	*closed = unread = false;
	if (request.wire.face != FACE_CGI)
		return http_read_stream(&request, early, &rules, closed);
	/* All that getenv() is asked for has been read. */
	return http_read_cgi(&request, process_take_environment(), &rules);
}

int main(int argc, char **argv)
{
	const char *dir = NULL;
	bool closed;

	enum start start = start_of(argc, argv);
	process_start(start == START_CGI || start == START_SOCKET ? PROCESS_OF_REQUEST : PROCESS_STAYS);
	if (start == START_VERB)
		return admin_main(argc, argv);
	if (start == START_SERVE)
		early = serve(argc, argv, &dir, &instance.demo, &request.wire.connected);
	instance.with_site = start == START_SERVE;
	request.wire.face = start == START_CGI ? FACE_CGI : FACE_HTTP;
	unread = start != START_CGI;
	log_not_to_client();
	on_fail(answer_failure);
	if (start == START_CGI)
		dir = find_script(argc > 1 ? argv[1] : NULL);
	int directory = process_enter(config_dir(dir));
	read_configuration(config_dir(dir), directory);
	instance_confine(&instance, directory, false);
	enum error e = read_request(&closed);
	if (closed)
		return 0;
	instance_answer(&instance, &request, e, &reply);
	store_before_answer();
	send_reply();
	on_fail(NULL);
	store_tidy();
	return 0;
}
