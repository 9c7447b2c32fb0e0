/*
 * Any environment of CGI, "NAME=value" NUL and so on, an empty one, then stdin. What is taken holds what every
 * request does; and the same variables by SCGI from a trusted server are the same request.
 */
#include "request.h"

#include <sys/mman.h>
#include <unistd.h>

const bool fuzz_starves = true;

enum { VARIABLES = 64 };

/* Cuts the variables off *in; returns how many. */
static int variables(struct slice *in, char *out[VARIABLES + 1])
{
	int count = 0;
	while (in->n && count < VARIABLES) {
		struct slice one = slice_cut(in, '\0');
		if (one.n == 0)
			break;
		out[count++] = slice_text(one);
	}
	out[count] = NULL;
	return count;
}

void fuzz_start(void)
{
	int file = memfd_create("stdin", MFD_CLOEXEC);
	HOLDS(file >= 0 && dup2(file, 0) == 0);
}

static void set_stdin(struct slice body)
{
	HOLDS(ftruncate(0, 0) == 0 && pwrite(0, body.p, body.n, 0) == (ssize_t)body.n && lseek(0, 0, SEEK_SET) == 0);
}

static struct slice value_of(char *const env[], const char *name)
{
	size_t n = strlen(name);
	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return slice_of(*env + n + 1);
	return SLICE_NONE;
}

/* What CGI says, in SCGI's words; false where SCGI couldn't say it. */
static bool as_scgi(char *const env[], struct slice *text)
{
	static const char *const names[] = { "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL",
		"REMOTE_ADDR", "HTTPS", "SERVER_SOFTWARE", "HTTP_TRANSFER_ENCODING", "HTTP_CONNECTION", "HTTP_EXPECT", "HTTP_X_FORWARDED_FOR",
		"HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_METHOD", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_URI", "HTTP_X_ORIGINAL_URL",
		"REDIRECT_HTTP_AUTHORIZATION", "AUTH_TYPE", "AUTH_CONTENT" };
	struct buf b = { 0 };
	struct slice length = value_of(env, "CONTENT_LENGTH");
	add_pair(&b, "CONTENT_LENGTH", length.n ? length : S("0"));
	add_pair(&b, "SCGI", S("1"));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		add_pair(&b, names[i], value_of(env, names[i]));
	for (size_t i = 0; i < HEADERS; i++)
		add_pair(&b, headers[i].variable, value_of(env, headers[i].variable));
	/* By SCGI a length always comes; here a type without one is a body that can't be seen. */
	bool told = length.n || value_of(env, "CONTENT_TYPE").n == 0;
	return netstring(buf_slice(&b), text) && is_address(value_of(env, "REMOTE_ADDR")) && told;
}

void fuzz_one(struct slice in)
{
	char *env[VARIABLES + 1];
	struct slice body = in, text;
	struct request rq, by_scgi = { .peer = S("unix:") };
	int64_t length = -1;
	variables(&body, env);
	set_stdin(body);
	bool speakable = as_scgi(env, &text);
	enum error e = http_read_cgi(&rq, env, &rules);
	request_readable(&rq);
	if (!e) {
		request_holds(&rq, (int64_t)rq.body.n);
		HOLDS(rq.below && rq.body.n <= body.n && slice_is(rq.body, (struct slice){ body.p, rq.body.n }));
	}
	if (!speakable)
		return;
	enum error wanted = http_parse_head(text, &by_scgi, &rules, &length);
	if (e == ERROR_BAD_REQUEST && !wanted)
		HOLDS((int64_t)body.n < length);
	else
		HOLDS(e == wanted);
	if (e)
		return;
	same_request(&rq, &by_scgi);
	HOLDS((length > 0 ? (size_t)length : 0) == rq.body.n);
	HOLDS(slice_is(rq.peer, by_scgi.peer) && rq.https == by_scgi.https && rq.forwarded == by_scgi.forwarded);
	HOLDS(rq.withheld == by_scgi.withheld && slice_is(rq.server, by_scgi.server));
}
