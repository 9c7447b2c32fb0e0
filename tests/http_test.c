/*
 * http_test: what is a request, whichever face it came to, and what an answer
 * looks like, byte for byte.
 *
 * Heads are read where their last byte stands against a page that nobody may
 * touch. The socket is a pair of SOCK_SEQPACKET: each message is one read(), so
 * a request can be cut wherever one likes without a second process.
 */
#include "http.h"
#include "t.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The longest wait that was begun, in ms. */
static int waited;

int poll_here(struct pollfd *fds, nfds_t n, int timeout) __asm__("poll");
int poll_here(struct pollfd *fds, nfds_t n, int timeout)
{
	const struct timespec wait = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };
	waited = timeout > waited ? timeout : waited;
	return ppoll(fds, n, timeout < 0 ? NULL : &wait, NULL);
}

#define T(literal) { "" literal, sizeof(literal) - 1 }

static struct http_rules rules;         /* set by main() */

#define P_OF_VERIFY "REQUEST_METHOD=POST", "SCRIPT_NAME=/api/auth", "PATH_INFO=/verify"

/* Rules that trust these networks; what is none is left out. */
static struct http_rules trusting(struct slice words)
{
	struct http_rules r = { .base_path = S("/api/auth") };
	struct buf list = { 0 };
	struct network n;
	while (words.p)
		if (network_parse(slice_cut(&words, ' '), &n))
			buf_add(&list, (struct slice){ (const char *)&n, sizeof n });
	r.trusted_proxies.list = (const struct network *)(const void *)list.p;
	r.trusted_proxies.count = list.n / sizeof n;
	return r;
}

static const char *text(struct slice s)
{
	return s.p ? slice_text(s) : "(none)";
}

#define is_slice(got, want, ...) is_str(text(got), text(want), __VA_ARGS__)

/* ---- heads alone ------------------------------------------------------- */

static struct request rq;
static int64_t length;

static enum error head_from(struct slice peer, struct slice head)
{
	rq = (struct request){ .peer = peer };
	length = 99;
	return http_parse_head(at_edge(head), &rq, &rules, &length);
}

static enum error head(struct slice bytes)
{
	return head_from(SLICE_NONE, bytes);
}

#define GOOD_HEAD \
	"POST /api/auth/login?a=1&b= HTTP/1.1\r\n" \
	"Host: auth.example:8443\r\n" \
	"Content-Type: application/json; charset=utf-8\r\n" \
	"Content-Length: 9\r\n" \
	"authorization:\tBearer abc.def-_~+/==  \r\n" \
	"User-Agent: \xe9t\xe9/1.0\r\n" \
	"COOKIE: a=1; b=2\r\n" \
	"X-Other: anything\r\n" \
	"\r\n"
#define GOOD GOOD_HEAD "{\"a\":123}"

static void test_good(void)
{
	is_int(head(S(GOOD_HEAD)), ERROR_NONE, "a good head is taken");
	is_int(length, 9, "with its Content-Length");
	is_int(rq.wire.face, FACE_HTTP, "its face");
	is_int(rq.method, METHOD_POST, "its method");
	ok(!rq.wire.minor_zero && !rq.https && !rq.forwarded && !rq.wire.unread && rq.below, "its flags");
	is_slice(rq.mount, S("/api/auth"), "its mount");
	is_slice(rq.path, S("/login"), "its path");
	is_slice(rq.query, S("a=1&b="), "its query");
	is_slice(rq.host, S("auth.example:8443"), "its host");
	is_slice(rq.content_type, S("application/json; charset=utf-8"), "its type");
	is_slice(rq.authorization, S("Bearer abc.def-_~+/=="), "its authorization, trimmed");
	is_slice(rq.user_agent, S("\xe9t\xe9/1.0"), "its user agent, with bytes of another century");
	is_slice(rq.cookie, S("a=1; b=2"), "its cookies");
	ok(!rq.origin.p && !rq.idempotency_key.p && !rq.sec_fetch_site.p && !rq.request_method.p
	   && !rq.if_none_match.p && !rq.body.p && !rq.peer.p, "and nothing else");
}

static void test_prefixes(void)
{
	struct slice good = S(GOOD_HEAD);
	size_t taken = 0;
	for (size_t n = 0; n < good.n; n++)
		taken += head((struct slice){ good.p, n }) != ERROR_BAD_REQUEST;
	is_int(taken, 0, "no prefix of a good head is one");
	is_int(head(S(GOOD_HEAD "x")), ERROR_BAD_REQUEST, "nor is one with a byte behind it");
}

/* Whatever a byte is turned into: either the request is refused, or it ends
 * where it ended and asks the same. CR, LF and NUL are never taken. */
static void test_mutations(void)
{
	static const char bad[] = { '\0', '\r', '\n', ' ', '\x80', '\xff' };
	struct slice good = S(GOOD_HEAD);
	char copy[sizeof GOOD_HEAD];
	size_t smuggled = 0, lines = 0;
	for (size_t i = 0; i < good.n; i++)
		for (size_t k = 0; k < sizeof bad; k++) {
			memcpy(copy, good.p, good.n);
			copy[i] = bad[k];
			if (bad[k] == good.p[i] || head((struct slice){ copy, good.n }))
				continue;
			lines += k < 3;
			smuggled += length != 9 || rq.method != METHOD_POST || !slice_is(rq.path, S("/login"));
		}
	is_int(lines, 0, "no byte can be replaced by NUL, CR or LF");
	is_int(smuggled, 0, "no replaced byte moves the body or the route");
}

struct head_case { struct slice head; enum error want; const char *name; };

static const struct head_case head_cases[] = {
	{ T("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_NONE, "the shortest" },
	{ T("GET / HTTP/1.0\r\n\r\n"), ERROR_NONE, "1.0 needs no Host" },
	{ T("GET / HTTP/1.9\r\nHost: a\r\n\r\n"), ERROR_NONE, "a higher minor version" },
	{ T("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), ERROR_VERSION, "HTTP/2.0" },
	{ T("PRI * HTTP/2.0\r\n\r\n"), ERROR_VERSION, "the preface of HTTP/2" },
	{ T("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), ERROR_VERSION, "HTTP/0.9" },
	{ T("GET / HTTP/1.1x\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a version too long" },
	{ T("GET / HTTP/1.\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a version too short" },
	{ T("GET / HTTP/x.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a version of letters" },
	{ T("GET / HTTP/1.x\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a minor version of letters" },
	{ T("GET / HTTP/1,1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a version with a comma" },
	{ T("GET / http/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a version in small letters" },
	{ T("GET /\r\n\r\n"), ERROR_BAD_REQUEST, "no version" },
	{ T("GET\r\n\r\n"), ERROR_BAD_REQUEST, "one word" },
	{ T(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a space first" },
	{ T("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "two spaces" },
	{ T("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a space last" },
	{ T("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a space in the target" },
	{ T("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a tab for a space" },
	{ T("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a tab in the target" },
	{ T("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "UTF-8 in the target" },
	{ T("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "DEL in the target" },
	{ T("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a method that is no token" },
	{ T("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_NONE, "an empty line first" },
	{ T("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "two empty lines first" },
	{ T("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "a bare LF first" },
	{ T("\r\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "CR CR first" },
	{ T("\r\n GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "an empty line and a space first" },
	{ T("\r\n58:CONTENT_LENGTH\0000\0SCGI\0001\0REQUEST_METHOD\0GET\0REQUEST_URI\0/s\0,"), ERROR_BAD_REQUEST, "an empty line and SCGI" },
	{ T("\r\n\r\n"), ERROR_BAD_REQUEST, "empty lines alone" },
	{ T("GET / HTTP/1.1\nHost: a\n\n"), ERROR_BAD_REQUEST, "bare LF" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX: b\nContent-Length: 5\r\n\r\n"), ERROR_BAD_REQUEST, "bare LF in a header" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n"), ERROR_BAD_REQUEST, "bare CR in a header" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\r\n\r\n"), ERROR_BAD_REQUEST, "CR CR LF" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"), ERROR_BAD_REQUEST, "NUL in a header" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX: b\x1b[2J\r\n\r\n"), ERROR_BAD_REQUEST, "ESC in a header" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"), ERROR_BAD_REQUEST, "a folded line" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc: d\r\n\r\n"), ERROR_BAD_REQUEST, "a line folded with a tab" },
	{ T("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), ERROR_BAD_REQUEST, "a folded request line" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n"), ERROR_BAD_REQUEST, "a space before the colon" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"), ERROR_BAD_REQUEST, "a header without a name" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"), ERROR_BAD_REQUEST, "a header without a colon" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n"), ERROR_NONE, "a header without a value" },
	{ T("GET / HTTP/1.1\r\nX: a\r\n\r\n"), ERROR_BAD_REQUEST, "no Host" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "two Hosts" },
	{ T("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"), ERROR_BAD_REQUEST, "two Hosts in 1.0" },
	{ T("GET / HTTP/1.1\r\nHost:\r\n\r\n"), ERROR_BAD_REQUEST, "an empty Host" },
	{ T("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), ERROR_BAD_REQUEST, "a Host of two words" },
	{ T("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), ERROR_BAD_REQUEST, "a Host with a user" },
	{ T("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), ERROR_BAD_REQUEST, "a Host with a path" },
	{ T("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n"), ERROR_BAD_REQUEST, "a Host with a port of letters" },
	{ T("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), ERROR_BAD_REQUEST, "a Host of a port alone" },
	{ T("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), ERROR_BAD_REQUEST, "a Host with an open bracket" },
	{ T("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"), ERROR_BAD_REQUEST, "a Host with more behind the bracket" },
	{ T("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), ERROR_NONE, "an IPv6 Host with a port" },
	{ T("GET / HTTP/1.1\r\nHost: a:\r\n\r\n"), ERROR_NONE, "a Host with an empty port" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"), ERROR_BAD_REQUEST, "two Content-Length" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length:\r\n\r\n"), ERROR_BAD_REQUEST, "one of two empty" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\nContent-Length: 5\r\n\r\n"), ERROR_BAD_REQUEST, "the first of two empty" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n"), ERROR_BAD_REQUEST, "a list of Content-Length" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n"), ERROR_BAD_REQUEST, "a sign" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n"), ERROR_BAD_REQUEST, "a minus" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n"), ERROR_BAD_REQUEST, "hexadecimal" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n"), ERROR_BAD_REQUEST, "a space inside" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"), ERROR_BAD_REQUEST, "an empty Content-Length" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16384\r\n\r\n"), ERROR_NONE, "the largest body" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16385\r\n\r\n"), ERROR_BODY_TOO_LARGE, "one byte more" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4294967301\r\n\r\n"), ERROR_BODY_TOO_LARGE, "2^32 + 5" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n"), ERROR_BODY_TOO_LARGE, "2^64 + 5" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999999999999999\r\n\r\n"), ERROR_BODY_TOO_LARGE, "far more" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), ERROR_NONE, "chunked" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:CHUNKED \r\n\r\n"), ERROR_NONE, "chunked in capitals" },
	{ T("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), ERROR_BAD_REQUEST, "chunked in 1.0" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), ERROR_NOT_IMPLEMENTED, "gzip, chunked" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"), ERROR_NOT_IMPLEMENTED, "chunked twice" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"), ERROR_NOT_IMPLEMENTED, "identity" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"), ERROR_NOT_IMPLEMENTED, "an empty coding" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n"), ERROR_BAD_REQUEST, "two Transfer-Encoding" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), ERROR_BAD_REQUEST, "CL and TE" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), ERROR_BAD_REQUEST, "TE and CL" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n"), ERROR_BAD_REQUEST, "TE with a space" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n"), ERROR_NONE, "an expectation" },
	{ T("POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n"), ERROR_BAD_REQUEST, "an unknown expectation" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"), ERROR_BAD_REQUEST, "two Authorization" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\nOrigin: https://b\r\n\r\n"), ERROR_BAD_REQUEST, "two Origin" },
	{ T("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n"), ERROR_NONE, "two of what isn't read" },
	{ T("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), ERROR_BAD_REQUEST, "a TLS client" },
	{ T("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, "CONNECT" }
};

static void test_heads(void)
{
	for (size_t i = 0; i < sizeof head_cases / sizeof *head_cases; i++)
		is_int(head(head_cases[i].head), head_cases[i].want, "head: %s", head_cases[i].name);
	is_int(length, -1, "no Content-Length is -1");
}

static void test_joined(void)
{
	is_int(head(S("GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\nIf-None-Match: \"x\"\r\n"
	              "If-None-Match: \"y\"\r\nCookie:\r\nSec-Fetch-Site:\r\n\r\n")), ERROR_NONE, "cookies may come in parts");
	is_slice(rq.cookie, S("a=1; b=2; "), "and are joined");
	is_slice(rq.if_none_match, S("\"x\", \"y\""), "so are entity tags");
	ok(!rq.sec_fetch_site.p, "an empty header is none");
}

/* ---- the target -------------------------------------------------------- */

struct target_case { struct slice method, target; enum error e; enum method is; bool below; struct slice path, query, host; };

static const struct target_case target_cases[] = {
	{ T("GET"), T("/api/auth/me"), ERROR_NONE, METHOD_GET, true, T("/me"), { 0 }, T("h") },
	{ T("HEAD"), T("/api/auth"), ERROR_NONE, METHOD_HEAD, true, T("/"), { 0 }, T("h") },
	{ T("DELETE"), T("/api/auth/"), ERROR_NONE, METHOD_DELETE, true, T("/"), { 0 }, T("h") },
	{ T("GET"), T("/api/auth?x=1"), ERROR_NONE, METHOD_GET, true, T("/"), T("x=1"), T("h") },
	{ T("GET"), T("/api/authentic"), ERROR_NONE, METHOD_GET, false, T("/api/authentic"), { 0 }, T("h") },
	{ T("GET"), T("/api"), ERROR_NONE, METHOD_GET, false, T("/api"), { 0 }, T("h") },
	{ T("GET"), T("/API/auth/me"), ERROR_NONE, METHOD_GET, false, T("/API/auth/me"), { 0 }, T("h") },
	{ T("GET"), T("//api/auth/me"), ERROR_NONE, METHOD_GET, false, T("//api/auth/me"), { 0 }, T("h") },
	{ T("GET"), T("/api/auth//me"), ERROR_NONE, METHOD_GET, true, T("//me"), { 0 }, T("h") },
	{ T("GET"), T("/api/auth/%6de"), ERROR_NONE, METHOD_GET, true, T("/%6de"), { 0 }, T("h") },
	{ T("GET"), T("/api/auth/../x#y"), ERROR_NONE, METHOD_GET, true, T("/../x#y"), { 0 }, T("h") },
	{ T("GET"), T("/?"), ERROR_NONE, METHOD_GET, false, T("/"), { 0 }, T("h") },
	{ T("GET"), T("/a?b?c"), ERROR_NONE, METHOD_GET, false, T("/a"), T("b?c"), T("h") },
	{ T("get"), T("/"), ERROR_NONE, METHOD_OTHER, false, T("/"), { 0 }, T("h") },
	{ T("PATCH"), T("/"), ERROR_NONE, METHOD_OTHER, false, T("/"), { 0 }, T("h") },
	{ T("OPTIONS"), T("*"), ERROR_NONE, METHOD_OPTIONS, false, T("*"), { 0 }, T("h") },
	{ T("OPTIONS"), T("/api/auth/me"), ERROR_NONE, METHOD_OPTIONS, true, T("/me"), { 0 }, T("h") },
	{ T("GET"), T("*"), ERROR_BAD_REQUEST, METHOD_GET, false, { 0 }, { 0 }, T("h") },
	{ T("GET"), T("http://b.example/api/auth/me?q"), ERROR_NONE, METHOD_GET, true, T("/me"), T("q"), T("b.example") },
	{ T("GET"), T("HTTPS://b:8443/x"), ERROR_NONE, METHOD_GET, false, T("/x"), { 0 }, T("b:8443") },
	{ T("GET"), T("http://b"), ERROR_NONE, METHOD_GET, false, T("/"), { 0 }, T("b") },
	{ T("GET"), T("http://b?x"), ERROR_NONE, METHOD_GET, false, T("/"), T("x"), T("b") },
	{ T("GET"), T("http://[::1]:80/"), ERROR_NONE, METHOD_GET, false, T("/"), { 0 }, T("[::1]:80") },
	{ T("GET"), T("http:///x"), ERROR_BAD_REQUEST, METHOD_GET, false, { 0 }, { 0 }, T("h") },
	{ T("GET"), T("http://"), ERROR_BAD_REQUEST, METHOD_GET, false, { 0 }, { 0 }, T("h") },
	{ T("GET"), T("http://u:p@b/x"), ERROR_BAD_REQUEST, METHOD_GET, false, { 0 }, { 0 }, T("h") },
	{ T("GET"), T("http:/b"), ERROR_BAD_REQUEST, METHOD_GET, false, { 0 }, { 0 }, T("h") },
	{ T("GET"), T("ftp://b/x"), ERROR_BAD_REQUEST, METHOD_GET, false, { 0 }, { 0 }, T("h") },
	{ T("GET"), T("x"), ERROR_BAD_REQUEST, METHOD_GET, false, { 0 }, { 0 }, T("h") },
	{ T("GET"), T("?x"), ERROR_BAD_REQUEST, METHOD_GET, false, { 0 }, { 0 }, T("h") },
	{ T("CONNECT"), T("b:443"), ERROR_BAD_REQUEST, METHOD_OTHER, false, { 0 }, { 0 }, T("h") }
};

static void test_targets(void)
{
	for (size_t i = 0; i < sizeof target_cases / sizeof *target_cases; i++) {
		const struct target_case *c = &target_cases[i];
		struct buf b = { 0 };
		buf_add(&b, c->method);
		buf_c(&b, ' ');
		buf_add(&b, c->target);
		buf_s(&b, " HTTP/1.1\r\nHost: h\r\n\r\n");
		bool same = head(buf_slice(&b)) == c->e && rq.method == c->is;
		if (same && !c->e)
			same = rq.below == c->below && slice_is(rq.path, c->path)
			       && slice_is(rq.query, c->query) && slice_is(rq.host, c->host);
		ok(same, "target: %s %s", text(c->method), text(c->target));
	}
}

static void test_mounts(void)
{
	static const struct { struct slice base, target, mount, path; bool below; } cases[] = {
		{ T("/api/auth/"), T("/api/auth/me"), T("/api/auth"), T("/me"), true },
		{ T("/"), T("/me"), T(""), T("/me"), true },
		{ T(""), T("/"), T(""), T("/"), true },
		{ T(""), T("*"), T(""), T("*"), false },
		{ T("/a"), T("/b"), T("/a"), T("/b"), false }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_rules mine = { .base_path = cases[i].base };
		struct buf b = { 0 };
		buf_s(&b, "OPTIONS ");
		buf_add(&b, cases[i].target);
		buf_s(&b, " HTTP/1.0\r\n\r\n");
		http_parse_head(buf_slice(&b), &rq, &mine, &length);
		ok(slice_is(rq.mount, cases[i].mount) && slice_is(rq.path, cases[i].path) && rq.below == cases[i].below,
		   "mount %s, target %s", text(cases[i].base), text(cases[i].target));
	}
}

/* ---- limits ------------------------------------------------------------ */

static void fill(struct buf *b, size_t n)
{
	while (n--)
		buf_c(b, 'x');
}

static enum error head_with(size_t target, size_t header, size_t headers, size_t total)
{
	size_t mark = arena_mark();
	struct buf b = { 0 };
	buf_s(&b, "GET /");
	fill(&b, target - 14);
	buf_s(&b, " HTTP/1.1\r\nHost: h\r\nA: ");
	fill(&b, header - 3);
	buf_s(&b, "\r\n");
	for (size_t i = 2; i < headers; i++)
		buf_s(&b, "B: b\r\n");
	while (total && total - b.n > 4200) {
		buf_s(&b, "C: ");
		fill(&b, 3000);
		buf_s(&b, "\r\n");
	}
	if (total) {
		buf_s(&b, "D: ");
		fill(&b, total - b.n - 4);
		buf_s(&b, "\r\n");
	}
	buf_s(&b, "\r\n");
	enum error e = head(buf_slice(&b));
	arena_back(mark);
	return e;
}

static void test_limits(void)
{
	const size_t most = LIMIT_HEAD - 100;
	is_int(head_with(most, 9, 2, 0), ERROR_NONE, "a request line that leaves room for a Host");
	is_int(head_with(LIMIT_HEAD, 9, 2, 0), ERROR_URI_TOO_LONG, "a request line that fills the head");
	is_int(head_with(20, most, 2, 0), ERROR_NONE, "a header nearly as long as a head");
	is_int(head_with(20, LIMIT_HEAD, 2, 0), ERROR_HEADERS_TOO_LARGE, "a header that fills the head");
	is_int(head_with(20, 9, LIMIT_HEAD / 6 - 20, 0), ERROR_NONE, "thousands of headers that nobody reads");
	is_int(head_with(20, 9, 2, LIMIT_HEAD - 1), ERROR_NONE, "a head of the limit less one");
	is_int(head_with(20, 9, 2, LIMIT_HEAD), ERROR_NONE, "a head of the limit");
	is_int(head_with(20, 9, 2, LIMIT_HEAD + 1), ERROR_HEADERS_TOO_LARGE, "a head of one more");
}

/* ---- SCGI -------------------------------------------------------------- */

/* The netstring of a block of pairs. */
static struct slice netstring(struct slice block)
{
	struct buf b = { 0 };
	buf_int(&b, (int64_t)block.n);
	buf_c(&b, ':');
	buf_add(&b, block);
	buf_c(&b, ',');
	return buf_slice(&b);
}

#define SCGI_BEGIN "CONTENT_LENGTH\0" "0\0" "SCGI\0" "1\0"
#define SCGI_GET SCGI_BEGIN "REQUEST_METHOD\0" "GET\0"
#define SCGI_GOOD "CONTENT_LENGTH\0" "9\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "POST\0" "SCRIPT_NAME\0" "/api/auth\0" \
	"PATH_INFO\0" "/login\0" "QUERY_STRING\0" "a=1&b=\0" "SERVER_PROTOCOL\0" "HTTP/1.1\0" "HTTP_HOST\0" "auth.example:8443\0" \
	"CONTENT_TYPE\0" "application/json; charset=utf-8\0" "HTTP_AUTHORIZATION\0" "Bearer abc.def-_~+/==\0" \
	"HTTP_USER_AGENT\0" "\xe9t\xe9/1.0\0" "HTTP_COOKIE\0" "a=1; b=2\0" "REMOTE_ADDR\0" "192.0.2.1\0" "HTTPS\0" "on\0" \
	"REQUEST_URI\0" "/elsewhere\0" "HTTP_OTHER\0" "\0"

static void test_scgi(void)
{
	is_int(head_from(S("10.0.0.1"), netstring(S(SCGI_GOOD))), ERROR_NONE, "a good SCGI request is taken");
	is_int(length, 9, "with its length");
	is_int(rq.wire.face, FACE_SCGI, "its face");
	is_int(rq.method, METHOD_POST, "its method");
	ok(!rq.wire.minor_zero && rq.https && !rq.forwarded && !rq.wire.unread && rq.below, "its flags");
	is_slice(rq.mount, S("/api/auth"), "its mount");
	is_slice(rq.path, S("/login"), "its path");
	is_slice(rq.query, S("a=1&b="), "its query");
	is_slice(rq.peer, S("192.0.2.1"), "its peer, whom a trusted server names");
	is_slice(rq.authorization, S("Bearer abc.def-_~+/=="), "its authorization");
	is_slice(rq.cookie, S("a=1; b=2"), "its cookies");
	ok(!rq.origin.p && !rq.idempotency_key.p && !rq.sec_fetch_site.p && !rq.request_method.p
	   && !rq.if_none_match.p && !rq.body.p, "and nothing else");
	is_int(head(netstring(S(SCGI_GET))), ERROR_NONE, "the least");
	is_int(length, -1, "a length of 0 is none");
	is_slice(rq.path, S("/"), "no path is the root");
}

static void test_scgi_prefixes(void)
{
	struct slice good = netstring(S(SCGI_GOOD));
	size_t taken = 0;
	for (size_t n = 0; n < good.n; n++)
		taken += head((struct slice){ good.p, n }) != ERROR_BAD_REQUEST;
	is_int(taken, 0, "no prefix of a good SCGI request is one");
	struct buf b = { 0 };
	buf_add(&b, good);
	buf_c(&b, 'x');
	is_int(head(buf_slice(&b)), ERROR_BAD_REQUEST, "nor is one with a byte behind it");
	taken = 0;
	for (size_t n = 1; n < S(SCGI_GOOD).n; n++)
		taken += !head(netstring((struct slice){ SCGI_GOOD, n })) && n < S(SCGI_GET).n;
	is_int(taken, 0, "nor is a shorter block before its method");
}

/* Every byte, as every other: a NUL more or less is refused, and nothing that
 * is taken has another length than it says. */
static void test_scgi_mutations(void)
{
	struct slice good = netstring(S(SCGI_GOOD));
	char *copy = slice_text(good);
	size_t nuls = 0, framing = 0, taken = 0, control = 0;
	for (size_t i = 0; i < good.n; i++)
		for (int byte = 0; byte < 256; byte++) {
			size_t mark = arena_mark();
			copy[i] = (char)byte;
			if (copy[i] != good.p[i] && !head((struct slice){ copy, good.n })) {
				taken++;
				nuls += copy[i] == '\0' || good.p[i] == '\0';
				framing += i < 24 || i + 1 == good.n;
				for (size_t k = 0; k < rq.path.n; k++)
					control += rq.path.p[k] < ' ';
			}
			copy[i] = good.p[i];
			arena_back(mark);
		}
	is_int(nuls, 0, "no NUL can be put in or taken away");
	/* Of "NNN:CONTENT_LENGTH NUL 9 NUL" the digit of the length alone: nine others, one of them 0. */
	is_int(framing, 9, "no byte of the frame can be replaced");
	is_int(control, 0, "no control byte gets into a path");
	ok(taken > 20000, "others can: %zu", taken);
}

static const struct { struct slice block; enum error want; const char *name; } scgi_cases[] = {
	{ T(""), ERROR_BAD_REQUEST, "nothing" },
	{ T("SCGI\0" "1\0" "CONTENT_LENGTH\0" "0\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BAD_REQUEST, "a length that is second" },
	{ T("CONTENT_LENGTH\0\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BAD_REQUEST, "an empty length" },
	{ T("CONTENT_LENGTHS\0" "0\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BAD_REQUEST, "a name that is longer" },
	{ T("content_length\0" "0\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BAD_REQUEST, "a name in small letters" },
	{ T("CONTENT_LENGTH\0" "x\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BAD_REQUEST, "a length that is none" },
	{ T("CONTENT_LENGTH\0" "00\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "GET\0"), ERROR_NONE, "a length of two zeros" },
	{ T("CONTENT_LENGTH\0" "16384\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "GET\0"), ERROR_NONE, "the largest body" },
	{ T("CONTENT_LENGTH\0" "16385\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BODY_TOO_LARGE, "one byte more" },
	{ T("CONTENT_LENGTH\0" "0\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BAD_REQUEST, "no version" },
	{ T("CONTENT_LENGTH\0" "0\0" "SCGI\0" "10\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BAD_REQUEST, "another version" },
	{ T("CONTENT_LENGTH\0" "0\0" "SCGI\0" "REQUEST_METHOD\0" "GET\0"), ERROR_BAD_REQUEST, "a value left out" },
	{ T(SCGI_BEGIN), ERROR_BAD_REQUEST, "no method" },
	{ T(SCGI_GET "PATH_INFO\0"), ERROR_BAD_REQUEST, "a name alone" },
	{ T(SCGI_GET "PATH_INFO"), ERROR_BAD_REQUEST, "half a name" },
	{ T(SCGI_GET "PATH_INFO\0" "/me"), ERROR_BAD_REQUEST, "half a value" },
	{ T(SCGI_GET "\0" "x\0"), ERROR_BAD_REQUEST, "no name" },
	{ T(SCGI_GET "\0"), ERROR_BAD_REQUEST, "a NUL too many" },
	{ T(SCGI_GET "SCGI\0" "1\0"), ERROR_BAD_REQUEST, "two versions" },
	{ T(SCGI_GET "CONTENT_LENGTH\0" "0\0"), ERROR_BAD_REQUEST, "two lengths" },
	{ T(SCGI_GET "HTTP_HOST\0\0" "HTTP_HOST\0" "a\0"), ERROR_BAD_REQUEST, "two hosts, the first empty" },
	{ T(SCGI_GET "HTTP_HOST\0" "a\0" "HTTP_HOST\0\0"), ERROR_BAD_REQUEST, "two hosts, the second empty" },
	{ T(SCGI_GET "HTTP_X\0" "a\0" "HTTP_X\0" "b\0"), ERROR_NONE, "two of what isn't read" },
	{ T(SCGI_GET "HTTP_TRANSFER_ENCODING\0" "chunked\0"), ERROR_LENGTH_REQUIRED, "a body in chunks that isn't there" },
	{ T("CONTENT_LENGTH\0" "5\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "POST\0" "HTTP_TRANSFER_ENCODING\0" "chunked\0"), ERROR_NONE,
	  "one that the web server has decoded" },
	{ T(SCGI_GET "CONTENT_TYPE\0" "application/json\0"), ERROR_NONE, "a type, and no body" },
	{ T(SCGI_GET "HTTP_USER_AGENT\0" "a\nb\0"), ERROR_BAD_REQUEST, "a line break in a header" },
	{ T(SCGI_GET "HTTP_X\0" "a\nb\0"), ERROR_NONE, "a line break in what isn't read" },
	{ T(SCGI_GET "PATH_INFO\0" "me\0"), ERROR_BAD_REQUEST, "a path without a slash" },
	{ T(SCGI_GET "SCRIPT_NAME\0" "/a;b\0"), ERROR_BAD_REQUEST, "a script that would end a cookie's path" }
};

static void test_scgi_cases(void)
{
	for (size_t i = 0; i < sizeof scgi_cases / sizeof *scgi_cases; i++)
		is_int(head(netstring(scgi_cases[i].block)), scgi_cases[i].want, "SCGI: %s", scgi_cases[i].name);
}

static void test_scgi_frames(void)
{
	static const struct { struct slice bytes; enum error want; } cases[] = {
		{ T("0"), ERROR_BAD_REQUEST }, { T("0:,"), ERROR_BAD_REQUEST }, { T("07:"), ERROR_BAD_REQUEST },
		{ T("3:ab\0;"), ERROR_BAD_REQUEST }, { T("3;ab\0,"), ERROR_BAD_REQUEST }, { T("3 :ab\0,"), ERROR_BAD_REQUEST },
		{ T("40961:"), ERROR_HEADERS_TOO_LARGE }, { T("40961"), ERROR_HEADERS_TOO_LARGE },
		{ T("99999999999999999999999"), ERROR_HEADERS_TOO_LARGE }, { T("40960:"), ERROR_BAD_REQUEST }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_int(head(cases[i].bytes), cases[i].want, "SCGI frame: %s", text(cases[i].bytes));
}

static void test_scgi_paths(void)
{
	static const struct { struct slice more, mount, path; bool below; } cases[] = {
		{ T("SCRIPT_NAME\0" "/x/\0" "PATH_INFO\0" "/me\0"), T("/x"), T("/me"), true },
		{ T("SCRIPT_NAME\0" "//evil.example/x\0" "PATH_INFO\0" "/me\0"), T("/evil.example/x"), T("/me"), true },
		{ T("SCRIPT_NAME\0" "///x\0" "PATH_INFO\0" "/me\0"), T("/x"), T("/me"), true },
		{ T("PATH_INFO\0" "/me\0" "REQUEST_URI\0" "/api/auth/you\0" "DOCUMENT_URI\0" "/z\0"), T(""), T("/me"), true },
		{ T("PATH_INFO\0\0" "SCRIPT_NAME\0" "/x\0" "REQUEST_URI\0" "/api/auth/me?a=b?c\0"), T("/api/auth"), T("/me"), true },
		{ T("REQUEST_URI\0" "/api/auth\0"), T("/api/auth"), T("/"), true },
		{ T("REQUEST_URI\0" "/api/auth?x\0"), T("/api/auth"), T("/"), true },
		{ T("REQUEST_URI\0" "/api/auth/%6de\0" "DOCUMENT_URI\0" "/api/auth/me\0"), T("/api/auth"), T("/me"), true },
		{ T("REQUEST_URI\0" "/api/auth/me\0" "DOCUMENT_URI\0\0"), T("/api/auth"), T("/me"), true },
		{ T("DOCUMENT_URI\0" "/api/auth/me?x\0"), T("/api/auth"), T("/me?x"), true },
		{ T("DOCUMENT_URI\0" "/api/authentic\0"), T("/api/auth"), T("/api/authentic"), false },
		{ T("REQUEST_URI\0" "?x\0"), T("/api/auth"), T("/"), false }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = { 0 };
		buf_add(&b, S(SCGI_GET));
		buf_add(&b, cases[i].more);
		enum error e = head(netstring(buf_slice(&b)));
		bool where = rq.below == cases[i].below && slice_is(rq.mount, cases[i].mount);
		ok(!e && where && slice_is(rq.path, cases[i].path), "SCGI path %zu: %s below %s", i, text(rq.path), text(rq.mount));
	}
	is_int(head(netstring(S(SCGI_GET "REQUEST_URI\0" "http://a/api/auth/me\0"))), ERROR_BAD_REQUEST, "a whole path that is a URL");
}

/* Who is connected, whom he names, and for whom that one forwards. */
static void test_scgi_peers(void)
{
	static const struct { struct slice nets, connected, named, forwarded, want; } cases[] = {
		{ T(""), T("203.0.113.9"), T("192.0.2.7"), { 0 }, T("203.0.113.9") },
		{ T("192.0.2.7"), T("203.0.113.9"), T("192.0.2.7"), T("6.6.6.6"), T("203.0.113.9") },
		{ T("127.0.0.1"), T("127.0.0.1"), T("192.0.2.7"), T("6.6.6.6"), T("192.0.2.7") },
		{ T("127.0.0.1"), T("127.0.0.1"), T("no address"), { 0 }, { 0 } },
		{ T("127.0.0.1"), T("127.0.0.1"), T("[2001:db8::5]"), { 0 }, T("2001:db8::5") },
		{ T("127.0.0.1"), T("127.0.0.1"), T(""), { 0 }, T("127.0.0.1") },
		{ T("127.0.0.1 10.0.0.0/8"), T("127.0.0.1"), T("10.0.0.1"), T("6.6.6.6, 192.0.2.7"), T("192.0.2.7") },
		{ T("127.0.0.1"), T("unix:"), T("192.0.2.7"), { 0 }, { 0 } },
		{ T("unix"), T("unix:"), T("192.0.2.7"), { 0 }, T("192.0.2.7") },
		{ T("127.0.0.1 unix"), T("unix:"), T("127.0.0.1"), T("192.0.2.7"), T("192.0.2.7") },
		{ T("unix"), T("unix:"), T("unix:"), T("6.6.6.6, 192.0.2.7"), T("192.0.2.7") },
		{ T("unix"), T("203.0.113.9"), T("unix:"), T("6.6.6.6"), T("203.0.113.9") },
		{ T("unix:"), T("unix:"), T("192.0.2.7"), { 0 }, { 0 } },
		{ T("unix"), { 0 }, T("192.0.2.7"), { 0 }, { 0 } }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_rules mine = trusting(cases[i].nets);
		struct buf b = { 0 };
		buf_add(&b, S(SCGI_GET "REMOTE_ADDR\0"));
		buf_add(&b, cases[i].named);
		buf_add(&b, S("\0HTTP_X_FORWARDED_FOR\0"));
		buf_add(&b, cases[i].forwarded);
		buf_c(&b, '\0');
		rq.peer = cases[i].connected;
		enum error e = http_parse_head(at_edge(netstring(buf_slice(&b))), &rq, &mine, &length);
		ok(!e && slice_is(rq.peer, cases[i].want), "SCGI from %s: %s is %s", text(cases[i].connected), text(cases[i].named), text(rq.peer));
	}
	struct http_rules mine = trusting(S("unix"));
	rq.peer = S("unix:");
	http_parse_head(S("GET / HTTP/1.0\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"), &rq, &mine, &length);
	ok(rq.https && slice_is(rq.peer, S("192.0.2.7")), "a proxy by a socket of this host is believed by HTTP too");
}

static void test_scgi_limits(void)
{
	static const struct { const char *name; size_t n; enum error want; } cases[] = {
		{ "PATH_INFO", LIMIT_HEAD - 100, ERROR_NONE }, { "HTTP_COOKIE", LIMIT_HEAD - 100, ERROR_NONE },
		{ "HTTP_X", LIMIT_HEAD - 51, ERROR_NONE }, { "HTTP_X", LIMIT_HEAD - 50, ERROR_HEADERS_TOO_LARGE }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t mark = arena_mark();
		struct buf b = { 0 };
		buf_add(&b, S(SCGI_GET));
		buf_s(&b, cases[i].name);
		buf_add(&b, S("\0/"));
		fill(&b, cases[i].n - 1);
		buf_c(&b, '\0');
		is_int(head(netstring(buf_slice(&b))), cases[i].want, "SCGI: %s of %zu bytes", cases[i].name, cases[i].n);
		arena_back(mark);
	}
}

/* What comes in many parts is joined in one place: the arena is no larger than it is. */
static void test_many_parts(void)
{
	size_t mark = arena_mark();
	struct buf b = { 0 };
	buf_s(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 3; i++) {
		buf_s(&b, "Cookie: ");
		fill(&b, 4000);
		buf_s(&b, "\r\n");
	}
	for (int i = 0; i < 60; i++)
		buf_s(&b, "Cookie: a=b\r\n");
	buf_s(&b, "\r\n");
	is_int(head(buf_slice(&b)), ERROR_NONE, "63 parts of a cookie");
	is_int(rq.cookie.n, 3 * 4000 + 60 * 3 + 62 * 2, "are all there");
	arena_back(mark);
	b = (struct buf){ 0 };
	buf_add(&b, S(SCGI_GET));
	for (int i = 0; i < 800; i++)
		buf_add(&b, S("HTTP_COOKIE\0" "a=b\0"));
	is_int(head(netstring(buf_slice(&b))), ERROR_NONE, "800 parts of a cookie by SCGI");
	is_int(rq.cookie.n, 800 * 3 + 799 * 2, "are all there");
	arena_back(mark);
}

/* ---- who the client is ------------------------------------------------- */

struct peer_case { struct slice peer, forwarded, proto, want; bool https; };

static const struct peer_case peer_cases[] = {
	{ { 0 }, { 0 }, { 0 }, { 0 }, false },
	{ { 0 }, T("1.2.3.4"), T("https"), { 0 }, false },
	{ T("203.0.113.9"), { 0 }, { 0 }, T("203.0.113.9"), false },
	{ T("203.0.113.9"), T("1.2.3.4"), T("https"), T("203.0.113.9"), false },
	{ T("10.1.2.3"), { 0 }, { 0 }, T("10.1.2.3"), false },
	{ T("10.1.2.3"), T("1.2.3.4"), T("https"), T("1.2.3.4"), true },
	{ T("10.1.2.3"), T("1.2.3.4"), T("HTTPS"), T("1.2.3.4"), true },
	{ T("10.1.2.3"), T("1.2.3.4"), T("http"), T("1.2.3.4"), false },
	{ T("10.1.2.3"), T("1.2.3.4"), T("https, http"), T("1.2.3.4"), false },
	{ T("10.1.2.3"), T("6.6.6.6, 1.2.3.4"), { 0 }, T("1.2.3.4"), false },
	{ T("10.1.2.3"), T("6.6.6.6, 1.2.3.4,10.0.0.1 , 192.0.2.1"), { 0 }, T("1.2.3.4"), false },
	{ T("10.1.2.3"), T("10.0.0.2, 10.0.0.1"), { 0 }, T("10.0.0.2"), false },
	{ T("10.1.2.3"), T("6.6.6.6, unknown"), { 0 }, { 0 }, false },
	{ T("10.1.2.3"), T("6.6.6.6, unknown, 10.9.9.9"), { 0 }, T("10.9.9.9"), false },
	{ T("10.1.2.3"), T("6.6.6.6,"), { 0 }, T("10.1.2.3"), false },
	{ T("10.1.2.3"), T(",,"), { 0 }, T("10.1.2.3"), false },
	{ T("10.1.2.3"), T("1.2.3.4:5678"), { 0 }, T("1.2.3.4"), false },
	{ T("10.1.2.3"), T("1.2.3.4:5678, 10.0.0.1:80"), { 0 }, T("1.2.3.4"), false },
	{ T("10.1.2.3"), T("unix:"), { 0 }, { 0 }, false },
	{ T("10.1.2.3"), T("1.2.3.256"), { 0 }, { 0 }, false },
	{ T("10.1.2.3"), T("1.2.3.04"), { 0 }, { 0 }, false },
	{ T("10.1.2.3"), T("1.2.3"), { 0 }, { 0 }, false },
	{ T("10.1.2.3"), T("[2001:db8::5]"), { 0 }, T("2001:db8::5"), false },
	{ T("10.1.2.3"), T("[2001:db8::5]:4711"), { 0 }, T("2001:db8::5"), false },
	{ T("10.1.2.3"), T("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"), { 0 }, { 0 }, false },
	{ T("10.1.2.3"), T("2001:DB8:0:0:1:0:0:5"), { 0 }, T("2001:db8::1:0:0:5"), false },
	{ T("11.1.2.3"), T("1.2.3.4"), { 0 }, T("11.1.2.3"), false },
	{ T("192.0.2.1"), T("1.2.3.4"), { 0 }, T("1.2.3.4"), false },
	{ T("192.0.2.2"), T("1.2.3.4"), { 0 }, T("192.0.2.2"), false },
	{ T("::ffff:10.1.2.3"), T("1.2.3.4"), { 0 }, T("1.2.3.4"), false },
	{ T("::ffff:203.0.113.9"), { 0 }, { 0 }, T("203.0.113.9"), false },
	{ T("fd12:3456::1"), T("1.2.3.4"), { 0 }, T("1.2.3.4"), false },
	{ T("fe80::1%eth0"), { 0 }, { 0 }, T("fe80::1"), false },
	{ T("2001:db8::1"), T("::1"), { 0 }, T("::1"), false },
	{ T("2001:db8::2"), T("::1"), { 0 }, T("2001:db8::2"), false },
	{ T("::"), { 0 }, { 0 }, T("::"), false },
	{ T("1::"), { 0 }, { 0 }, T("1::"), false },
	{ T("0:0:1:0:0:0:1:0"), { 0 }, { 0 }, T("0:0:1::1:0"), false },
	{ T("1:0:2:0:3:0:4:0"), { 0 }, { 0 }, T("1:0:2:0:3:0:4:0"), false },
	{ T("1:2:3:4:5:6:0:0"), { 0 }, { 0 }, T("1:2:3:4:5:6::"), false },
	{ T("abcd:ef01:2345:6789:abcd:ef01:2345:6789"), { 0 }, { 0 }, T("abcd:ef01:2345:6789:abcd:ef01:2345:6789"), false },
	{ T("a host"), T("1.2.3.4"), T("https"), { 0 }, false }
};

static void test_peers(void)
{
	for (size_t i = 0; i < sizeof peer_cases / sizeof *peer_cases; i++) {
		const struct peer_case *c = &peer_cases[i];
		struct buf b = { 0 };
		buf_s(&b, "GET / HTTP/1.0\r\n");
		if (c->forwarded.p) {
			buf_s(&b, "X-Forwarded-For: ");
			buf_add(&b, c->forwarded);
			buf_s(&b, "\r\n");
		}
		if (c->proto.p) {
			buf_s(&b, "X-Forwarded-Proto: ");
			buf_add(&b, c->proto);
			buf_s(&b, "\r\n");
		}
		buf_s(&b, "\r\n");
		head_from(c->peer, buf_slice(&b));
		is_slice(rq.peer, c->want, "peer %s, forwarded for %s", text(c->peer), text(c->forwarded));
		ok(rq.https == c->https && rq.forwarded == (c->forwarded.p || c->proto.p), "  and its scheme");
	}
	head_from(S("10.0.0.1"), S("GET / HTTP/1.0\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"));
	is_slice(rq.peer, S("1.2.3.4"), "the line that the proxy added counts, not the client's");
}

/* What a proxy says of the request that it guards is its word alone. */
static void test_guarded(void)
{
	static const char text_of_it[] = "GET /verify HTTP/1.0\r\nAccept: text/html\r\nAccept: */*\r\nSec-Fetch-Mode: navigate\r\nX-Forwarded-Method: PUT\r\n"
		"X-Forwarded-Host: app.example\r\nX-Forwarded-Uri: /page?a=1\r\nX-Original-URL: https://app.example/page\r\n\r\n";
	head_from(S("10.0.0.1"), S(text_of_it));
	is_slice(rq.accept, S("text/html, */*"), "what a browser takes");
	is_slice(rq.sec_fetch_mode, S("navigate"), "how it asks");
	is_slice(rq.forwarded_method, S("PUT"), "the method");
	is_slice(rq.forwarded_host, S("app.example"), "the host");
	is_slice(rq.forwarded_uri, S("/page?a=1"), "the path");
	is_slice(rq.original_url, S("https://app.example/page"), "or all of it");
	head_from(S("203.0.113.5"), S(text_of_it));
	ok(!rq.forwarded_method.p && !rq.forwarded_host.p && !rq.forwarded_uri.p && !rq.original_url.p, "a client isn't believed");
	is_slice(rq.sec_fetch_mode, S("navigate"), "but in what it says of itself");
	struct http_rules mine = trusting(S("unix"));
	rq.peer = S("unix:");
	is_int(http_parse_head(at_edge(netstring(S(SCGI_GET "REMOTE_ADDR\0" "192.0.2.7\0HTTP_X_ORIGINAL_URL\0http://a/b\0"))), &rq, &mine, &length), ERROR_NONE,
		"a web server by SCGI");
	is_slice(rq.original_url, S("http://a/b"), "is believed, though its client isn't");
	ok(head_from(S("10.0.0.1"), S("GET / HTTP/1.0\r\nX-Forwarded-Host: a\r\nX-Forwarded-Host: b\r\n\r\n")) == ERROR_NONE, "two hosts are no fault");
	is_slice(rq.forwarded_host, S("a, b"), "and no host");
}

/* ---- what is asked of a request ---------------------------------------- */

static void test_bearer(void)
{
	static const struct { struct slice header, token; } cases[] = {
		{ T("Bearer abc"), T("abc") }, { T("bEARER a.b-c_d~e+f/9=="), T("a.b-c_d~e+f/9==") },
		{ { 0 }, { 0 } }, { T(""), { 0 } }, { T("Bearer"), { 0 } }, { T("Bearer "), { 0 } }, { T("Bearer ="), { 0 } },
		{ T("Bearer  abc"), T("abc") }, { T("Bearer     abc"), T("abc") }, { T("Bearer   "), { 0 } }, { T("Bearer \tabc"), { 0 } }, { T("Bearer abc def"), { 0 } }, { T("Bearer abc, Bearer def"), { 0 } },
		{ T("Bearer abc,def"), { 0 } }, { T("Bearer\tabc"), { 0 } }, { T("Bearer a=b"), { 0 } },
		{ T("Bearer \"abc\""), { 0 } }, { T("Bearer \xc3\xa9"), { 0 } }, { T("Bearer a\0"), { 0 } },
		{ T("Basic abc"), { 0 } }, { T("Bearerabc"), { 0 } }, { T("DPoP abc"), { 0 } }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct request mine = { .authorization = cases[i].header };
		struct slice token = SLICE_NONE;
		bool got = http_bearer(&mine, &token);
		ok(got == (cases[i].token.p != NULL) && slice_is(token, cases[i].token), "bearer: %s", text(cases[i].header));
	}
}

static void test_cookies(void)
{
	static const struct { struct slice header; size_t count; struct slice first, last; } cases[] = {
		{ { 0 }, 0, { 0 }, { 0 } }, { T(""), 0, { 0 }, { 0 } }, { T("k=1"), 1, T("1"), T("1") },
		{ T("a=0; k=1; b=2;k=2 ;  k=3"), 3, T("1"), T("3") }, { T("K=1; xk=2; k"), 0, { 0 }, { 0 } }, { T("kk=2; k-1=3"), 2, T("2"), T("3") },
		{ T("k=; k=a=b"), 1, T("a=b"), T("a=b") }, { T("; ;k=1;"), 1, T("1"), T("1") },
		{ T("k=1; k=2; k=3; k=4; k=5"), 5, T("1"), T("5") }, { T("=1"), 0, { 0 }, { 0 } }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slice rest = cases[i].header, value, first = SLICE_NONE, last = SLICE_NONE;
		size_t n = 0;
		for (; http_cookie(&rest, S("k"), &value); last = value)
			first = n++ ? first : value;
		ok(n == cases[i].count && slice_is(first, cases[i].first) && slice_is(last, cases[i].last), "cookies: %s", text(cases[i].header));
	}
}

static void test_query(void)
{
	static const struct { struct slice query, value; } cases[] = {
		{ { 0 }, { 0 } }, { T(""), { 0 } }, { T("limit=5"), T("5") }, { T("a=1&limit=5&b"), T("5") },
		{ T("limit="), { 0 } }, { T("limit"), { 0 } }, { T("Limit=5"), { 0 } }, { T("xlimit=5"), { 0 } },
		{ T("limit=%35"), T("%35") }, { T("limit=&limit=7"), T("7") }, { T("limit=1&limit=2"), T("1") }, { T("&&limit=a=b"), T("a=b") }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct request mine = { .query = cases[i].query };
		struct slice value = SLICE_NONE;
		bool got = http_query(&mine, S("limit"), &value);
		ok(got == (cases[i].value.p != NULL) && slice_is(value, cases[i].value), "query: %s", text(cases[i].query));
		bool there = got || slice_starts(cases[i].query, S("limit"));
		ok(http_asks(&mine, S("limit")) == there, "  is it there at all");
	}
}

static void test_form(void)
{
	static const struct { struct slice type, body; size_t count; struct slice last; } cases[] = {
		{ T("application/x-www-form-urlencoded"), T("t=5"), 1, T("5") },
		{ T("APPLICATION/x-www-form-urlencoded;charset=utf-8"), T("a=1&t=5&b"), 1, T("5") },
		{ T("application/x-www-form-urlencoded"), T("t=1&t="), 2, T("") },
		{ T("application/x-www-form-urlencoded"), T("t"), 1, { 0 } },
		{ T("application/x-www-form-urlencoded"), T("t=a=b+%20"), 1, T("a=b+%20") },
		{ T("application/x-www-form-urlencoded"), T("T=5&tt=5&=t&&"), 0, { 0 } },
		{ T("application/x-www-form-urlencoded"), { 0 }, 0, { 0 } },
		{ T("multipart/form-data"), T("t=5"), 0, { 0 } },
		{ { 0 }, T("t=5"), 0, { 0 } }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct request mine = { .content_type = cases[i].type, .body = at_edge(cases[i].body) };
		struct slice value = SLICE_NONE;
		if (!cases[i].body.p)
			mine.body = SLICE_NONE;
		size_t count = http_form(&mine, S("t"), &value);
		ok(count == cases[i].count && slice_is(value, cases[i].last), "form: %s", text(cases[i].body));
	}
}

static void test_media_type(void)
{
	static const struct { struct slice header; bool json; } cases[] = {
		{ T("application/json"), true }, { T("Application/JSON ; charset=utf-8"), true }, { T("application/json;"), true },
		{ { 0 }, false }, { T("application/jsonp"), false }, { T("text/json"), false }, { T("text/plain; application/json"), false },
		{ T("application/json, text/plain"), false }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct request mine = { .content_type = cases[i].header };
		ok(http_media_type(&mine, S("application/json")) == cases[i].json, "media type: %s", text(cases[i].header));
	}
}

static void test_loopback(void)
{
	static const struct { struct slice peer, host; bool https, forwarded, loopback; struct slice origin; } cases[] = {
		{ T("127.0.0.1"), T("localhost:8080"), false, false, true, { 0 } },
		{ T("127.9.9.9"), T("LocalHost"), false, false, true, { 0 } },
		{ T("::1"), T("[::1]:8080"), false, false, true, { 0 } },
		{ T("127.0.0.1"), T("127.0.0.1"), false, false, true, { 0 } },
		{ T("127.0.0.1"), T("localhost"), true, false, false, { 0 } },
		{ T("127.0.0.1"), T("localhost"), false, true, false, { 0 } },
		{ T("127.0.0.1"), T("auth.example"), false, false, false, { 0 } },
		{ T("127.0.0.1"), { 0 }, false, false, false, { 0 } },
		{ T("192.168.1.9"), T("localhost"), false, false, false, { 0 } },
		{ T("::2"), T("localhost"), false, false, false, { 0 } },
		{ { 0 }, T("localhost"), false, false, false, { 0 } },
		{ T("127.0.0.1"), T("127.0.0.1:8080"), false, false, false, T("https://auth.example") },
		{ T("127.0.0.1"), T("127.0.0.1:8080"), false, false, false, T("http://auth.example") },
		{ T("127.0.0.1"), T("localhost"), false, false, false, T("https://localhost") },
		{ T("127.0.0.1"), T("localhost"), false, false, false, T("null") },
		{ T("127.0.0.1"), T("localhost"), false, false, false, T("") },
		{ T("127.0.0.1"), T("localhost"), false, false, false, T("http://localhost.example") },
		{ T("127.0.0.1"), T("localhost"), false, false, true, T("http://LOCALHOST:5173") },
		{ T("::1"), T("[::1]:8080"), false, false, true, T("http://[::1]:5173") }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct request mine = { .peer = cases[i].peer, .host = cases[i].host, .https = cases[i].https, .forwarded = cases[i].forwarded,
			.origin = cases[i].origin };
		ok(http_loopback(&mine) == cases[i].loopback, "loopback: %s asks %s from %s", text(cases[i].peer), text(cases[i].host), text(cases[i].origin));
	}
}

static void test_same_origin(void)
{
	static const struct { struct slice origin, host; bool https, same; } cases[] = {
		{ T("https://a.example"), T("a.example"), true, true }, { T("https://a.example"), T("a.example"), false, true },
		{ T("http://a.example"), T("a.example"), false, true }, { T("http://a.example"), T("a.example"), true, false },
		{ T("https://A.example:81"), T("a.Example:81"), true, true }, { T("https://a.example:82"), T("a.example:81"), true, false },
		{ T("https://a.example.evil"), T("a.example"), true, false }, { T("https://evil-a.example"), T("a.example"), true, false },
		{ T("https:a.example"), T("a.example"), true, false }, { T("ftp://a.example"), T("a.example"), false, false },
		{ T("null"), T("a.example"), false, false }, { { 0 }, T("a.example"), false, false },
		{ T("https://"), { 0 }, true, false }, { T("https://a.example"), { 0 }, true, false }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct request mine = { .origin = cases[i].origin, .host = cases[i].host, .https = cases[i].https };
		ok(http_same_origin(&mine) == cases[i].same, "origin %s, host %s", text(cases[i].origin), text(cases[i].host));
	}
}

/* ---- fd 0 and fd 1, lent to a request ---------------------------------- */

static int kept[2], far_end;    /* the test's own 0 and 1; the peer */

static void lend(int in, int out)
{
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		kept[i] = dup(i);
		dup2(i ? out : in, i);
	}
}

static void give_back(void)
{
	for (int i = 0; i < 2; i++) {
		dup2(kept[i], i);
		close(kept[i]);
	}
}

static void open_pair(int type)
{
	int pair[2], room = 1 << 20;
	if (socketpair(AF_UNIX, type, 0, pair)) {
		printf("Bail out! no socket pair\n");
		exit(2);
	}
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	lend(pair[0], pair[0]);
	close(pair[0]);
	far_end = pair[1];
}

/* What the peer was sent, with our end closed. */
static struct slice heard(void)
{
	static char bytes[1 << 17];
	size_t n = 0;
	give_back();
	for (ssize_t got; (got = read(far_end, bytes + n, sizeof bytes - n)) > 0;)
		n += (size_t)got;
	close(far_end);
	return (struct slice){ bytes, n };
}

static bool closed;

/* The request in pieces of so many bytes, the first of `first`. */
static enum error stream(struct slice bytes, size_t first, size_t step)
{
	size_t mark = arena_mark();
	open_pair(SOCK_SEQPACKET);
	for (size_t n = first; bytes.n; n = step) {
		n = n < bytes.n ? n : bytes.n;
		if (write(far_end, bytes.p, n) < 0)
			exit(2);
		bytes = slice_from(bytes, n);
	}
	shutdown(far_end, SHUT_WR);
	enum error e = http_read_stream(&rq, SLICE_NONE, &rules, &closed);
	heard();
	static char body[LIMIT_BODY];
	if (rq.body.n)
		memcpy(body, rq.body.p, rq.body.n);
	rq.body.p = rq.body.p ? body : NULL;
	arena_back(mark);
	return e;
}

static bool good_stream(size_t first, size_t step)
{
	return stream(S(GOOD), first, step) == ERROR_NONE && rq.method == METHOD_POST && !rq.wire.unread && !closed
	       && slice_is(rq.body, S("{\"a\":123}"));
}

static void test_stream_splits(void)
{
	size_t n = S(GOOD).n, bad = 0;
	ok(good_stream(n, n), "a request in one piece");
	ok(good_stream(1, 1), "a request byte by byte");
	for (size_t i = 1; i < n; i++)
		bad += !good_stream(i, n);
	is_int(bad, 0, "a request split at every byte");
	bad = 0;
	for (size_t i = 1; i < n; i++)
		bad += stream((struct slice){ GOOD, i }, n, n) != ERROR_BAD_REQUEST || closed || !rq.wire.unread || rq.body.p;
	is_int(bad, 0, "a request that ends too early, at every byte");
	is_int(stream(SLICE_NONE, n, n), ERROR_BAD_REQUEST, "a peer that says nothing");
	ok(closed, "is known as such");
}

/* What a worker has read of a request comes before what the socket has; the second time the socket is at its end. */
static void test_early_bytes(void)
{
	struct slice good = S(GOOD);
	size_t bad = 0;
	for (size_t i = 0; i <= good.n; i++) {
		size_t mark = arena_mark();
		struct slice rest = slice_from(good, i);
		open_pair(SOCK_STREAM);
		bool sent = !rest.n || write(far_end, rest.p, rest.n) == (ssize_t)rest.n;
		shutdown(far_end, SHUT_WR);
		enum error e = http_read_stream(&rq, (struct slice){ good.p, i }, &rules, &closed);
		bad += !sent || e || closed || !slice_is(rq.body, S("{\"a\":123}"));
		heard();
		arena_back(mark);
	}
	is_int(bad, 0, "a request of which any part was read before");
	open_pair(SOCK_STREAM);
	rq.wire.connected = S("198.51.100.7");
	http_read_stream(&rq, good, &rules, &closed);
	heard();
	is_slice(rq.peer, S("198.51.100.7"), "and whose connection is known already");
	open_pair(SOCK_STREAM);
	shutdown(far_end, SHUT_WR);
	enum error e = http_read_stream(&rq, S("GET"), &rules, &closed);
	heard();
	ok(e == ERROR_BAD_REQUEST && !closed, "one that ends after that part is half a request");
}

static struct slice scgi_good(void)
{
	struct buf b = { 0 };
	buf_add(&b, netstring(S(SCGI_GOOD)));
	buf_s(&b, "{\"a\":123}");
	return buf_slice(&b);
}

static bool good_scgi(struct slice bytes, size_t first, size_t step)
{
	return stream(bytes, first, step) == ERROR_NONE && rq.wire.face == FACE_SCGI && rq.method == METHOD_POST && !rq.wire.unread && !closed
	       && slice_is(rq.body, S("{\"a\":123}"));
}

static void test_scgi_streams(void)
{
	struct slice good = scgi_good();
	size_t bad = 0;
	ok(good_scgi(good, 1, 1), "an SCGI request byte by byte");
	for (size_t i = 1; i <= good.n; i++)
		bad += !good_scgi(good, i, good.n);
	is_int(bad, 0, "an SCGI request split at every byte");
	bad = 0;
	for (size_t i = 1; i < good.n; i++)
		bad += stream((struct slice){ good.p, i }, i, i) != ERROR_BAD_REQUEST || closed || !rq.wire.unread || rq.body.p
		       || rq.wire.face != FACE_SCGI;
	is_int(bad, 0, "an SCGI request that ends too early, at every byte");
	struct buf b = { 0 };
	buf_add(&b, good);
	buf_c(&b, 'x');
	ok(!stream(buf_slice(&b), 999, 999) && rq.body.n == 9 && rq.wire.unread, "what follows its body isn't looked at");
	b = (struct buf){ 0 };
	buf_add(&b, netstring(S("CONTENT_LENGTH\0" "2\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "POST\0" "HTTP_EXPECT\0" "100-continue\0")));
	open_pair(SOCK_SEQPACKET);
	bool sent = write(far_end, b.p, b.n) > 0 && write(far_end, "hi", 2) > 0;
	enum error e = http_read_stream(&rq, SLICE_NONE, &rules, &closed);
	is_str(text(heard()), "", "who asks by SCGI to go on isn't told: his server did");
	ok(sent && !e && slice_is(rq.body, S("hi")), "  and the request is whole");
}

static void test_peek(void)
{
	static const struct { const char *sent; enum face face; } cases[] = {
		{ "24:", FACE_SCGI }, { "GET", FACE_HTTP }, { "", FACE_HTTP }, { NULL, FACE_HTTP }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		open_pair(SOCK_STREAM);
		const char *bytes = cases[i].sent;
		bool sent = !bytes || (write(far_end, bytes, strlen(bytes)) >= 0 && shutdown(far_end, SHUT_WR) == 0);
		rq = (struct request){ .method = METHOD_GET };
		http_leave_unread(&rq, SLICE_NONE);
		heard();
		ok(sent && rq.wire.face == cases[i].face && rq.wire.unread, "the first byte of '%s' says what is spoken", bytes ? bytes : "who waits");
	}
}

static void test_early_peek(void)
{
	rq = (struct request){ .method = METHOD_GET };
	http_leave_unread(&rq, S("24:"));
	ok(rq.wire.face == FACE_SCGI && rq.wire.unread, "the first byte that was read before says it too");
	http_leave_unread(&rq, S("GET"));
	is_int(rq.wire.face, FACE_HTTP, "for each of the two");
}

static enum error stream_body(const char *more, size_t said, size_t sent)
{
	size_t mark = arena_mark();
	struct buf b = { 0 };
	buf_s(&b, "POST / HTTP/1.1\r\nHost: a\r\n");
	buf_s(&b, more);
	buf_s(&b, "Content-Length: ");
	buf_int(&b, (int64_t)said);
	buf_s(&b, "\r\n\r\n");
	fill(&b, sent);
	enum error e = stream(buf_slice(&b), 1000, 1000);
	arena_back(mark);
	return e;
}

static void test_stream_bodies(void)
{
	for (size_t n = LIMIT_BODY - 1; n <= LIMIT_BODY; n++)
		ok(!stream_body("", n, n) && rq.body.n == n && !rq.wire.unread, "a body of %zu bytes", n);
	is_int(stream_body("", LIMIT_BODY + 1, 5), ERROR_BODY_TOO_LARGE, "a body of one more");
	ok(rq.wire.unread && !rq.body.p, "is not read");
	is_int(stream_body("", 10, 9), ERROR_BAD_REQUEST, "a body that is too short");
	ok(!stream_body("", 10, 11) && rq.body.n == 10 && rq.wire.unread, "what follows a body isn't looked at");
	ok(!stream_body("", 0, 0) && !rq.body.p && !rq.wire.unread, "a body of nothing is none");
	ok(!stream(S("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\n\r\n"), 99, 99) && rq.wire.unread && !rq.body.p,
	   "a second request isn't looked at");
	ok(!rq.peer.p, "a local socket has no address");
}

/* ---- bodies in chunks -------------------------------------------------- */

#define IN_CHUNKS "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
#define DATA(literal) T(literal)
#define NO_DATA { NULL, 0 }

static const struct { struct slice coded; enum error want; struct slice data; const char *name; } chunk_cases[] = {
	{ T("5\r\nhello\r\n0\r\n\r\n"), ERROR_NONE, DATA("hello"), "one chunk" },
	{ T("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), ERROR_NONE, DATA("hello"), "two chunks" },
	{ T("0\r\n\r\n"), ERROR_NONE, NO_DATA, "no chunk" },
	{ T("000\r\n\r\n"), ERROR_NONE, NO_DATA, "a zero of three digits" },
	{ T("00000000000000000005\r\nhello\r\n0\r\n\r\n"), ERROR_NONE, DATA("hello"), "a size that begins with zeros" },
	{ T("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), ERROR_NONE, DATA("01234567890123456789"), "digits of both cases" },
	{ T("4\r\n\r\n\r\n\r\n0\r\n\r\n"), ERROR_NONE, DATA("\r\n\r\n"), "line ends as data" },
	{ T("1\r\n\0\r\n0\r\n\r\n"), ERROR_NONE, DATA("\0"), "a NUL as data" },
	{ T("5;a=b\r\nhello\r\n0;c\r\n\r\n"), ERROR_NONE, DATA("hello"), "extensions" },
	{ T("5 \t ; a=\"b\"\r\nhello\r\n0\r\n\r\n"), ERROR_NONE, DATA("hello"), "an extension behind blanks" },
	{ T("5 ; \ta\r\nhello\r\n0\r\n\r\n"), ERROR_NONE, DATA("hello"), "an extension between blanks" },
	{ T("5\r\nhello\r\n0\r\nA: b\r\nX-Content-Length:9\r\n\r\n"), ERROR_NONE, DATA("hello"), "trailers" },
	{ T("5;\r\n"), ERROR_BAD_REQUEST, NO_DATA, "an empty extension" },
	{ T("5; \t\r\n"), ERROR_BAD_REQUEST, NO_DATA, "an extension of blanks" },
	{ T("0\r\ncontent-length:9\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a length for a trailer" },
	{ T("0\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a coding for one" },
	{ T("0\r\nHost: a\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a Host for one" },
	{ T("0\r\nAuthorization: Bearer a\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a credential for one" },
	{ T("5\r\nhello\r\n0\r\nA:\r\n\r\n"), ERROR_NONE, DATA("hello"), "a trailer without a value" },
	{ T("\r\n"), ERROR_BAD_REQUEST, NO_DATA, "no size" },
	{ T(";a\r\n"), ERROR_BAD_REQUEST, NO_DATA, "an extension without a size" },
	{ T(" 5\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a blank before the size" },
	{ T("5 \r\n"), ERROR_BAD_REQUEST, NO_DATA, "a blank behind the size" },
	{ T("5 5\r\n"), ERROR_BAD_REQUEST, NO_DATA, "two sizes" },
	{ T("5 x;\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a word behind a blank" },
	{ T("0x5\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a size with an x" },
	{ T("+5\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a sign" },
	{ T("-5\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a minus" },
	{ T("5,5\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a comma" },
	{ T("g\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a letter that is no digit" },
	{ T("5\nhello\n0\n\n"), ERROR_BAD_REQUEST, NO_DATA, "LF alone" },
	{ T("5\rhello"), ERROR_BAD_REQUEST, NO_DATA, "CR alone" },
	{ T("5\r\r\n"), ERROR_BAD_REQUEST, NO_DATA, "CR CR LF" },
	{ T("5;\0\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a NUL in an extension" },
	{ T("5;a\nb\r\n"), ERROR_BAD_REQUEST, NO_DATA, "LF in an extension" },
	{ T("5\r\nhellox\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a byte more than its size" },
	{ T("5\r\nhello0\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a chunk without its line end" },
	{ T("5\r\nhello\n0\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a chunk that ends with LF" },
	{ T("0\r\nA b\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a trailer with a blank in its name" },
	{ T("0\r\nA\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a trailer without a colon" },
	{ T("0\r\n: a\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a trailer without a name" },
	{ T("0\r\n a: b\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a folded trailer" },
	{ T("0\r\nGET / HTTP/1.1\r\n\r\n"), ERROR_BAD_REQUEST, NO_DATA, "a request for a trailer" },
	{ T("4000\r\n"), ERROR_BAD_REQUEST, NO_DATA, "the largest size, and an end" },
	{ T("4001\r\n"), ERROR_BODY_TOO_LARGE, NO_DATA, "a size over the limit" },
	{ T("10000000000000005\r\n"), ERROR_BODY_TOO_LARGE, NO_DATA, "a size of 2^64 + 5" },
	{ T("5\r\nhello\r\n3ffc\r\n"), ERROR_BODY_TOO_LARGE, NO_DATA, "chunks over the limit together" },
	{ T("5\r\nhel"), ERROR_BAD_REQUEST, NO_DATA, "half a chunk" },
	{ T("5\r\nhello\r\n0\r\n"), ERROR_BAD_REQUEST, NO_DATA, "no end" },
};

static struct slice in_chunks(const char *head, struct slice coded)
{
	struct buf b = { 0 };
	buf_s(&b, head);
	buf_s(&b, "\r\n");
	buf_add(&b, coded);
	return buf_slice(&b);
}

/* The same by a worker, to which the bytes come in pieces, and which keeps what follows. */
static bool taken_as(struct slice all, size_t step, enum error want, struct slice data)
{
	struct http_at at = { 0 };
	struct http_taken taken;
	enum http_progress progress = HTTP_MORE;
	for (size_t n = step; progress == HTTP_MORE && n < all.n + step; n += step)
		progress = http_take(at_edge((struct slice){ all.p, n < all.n ? n : all.n }), &at, &rules, S("192.0.2.1"), &taken);
	if (progress == HTTP_MORE)      /* here its end is seen elsewhere */
		return want == ERROR_BAD_REQUEST;
	if (progress == HTTP_WRONG)
		return taken.error == want;
	return want == ERROR_NONE && taken.used == all.n && slice_is(taken.request.body, data) && taken.request.wire.keep;
}

static void test_chunks(void)
{
	for (size_t i = 0; i < sizeof chunk_cases / sizeof *chunk_cases; i++) {
		size_t mark = arena_mark(), bad = 0;
		struct slice all = in_chunks(IN_CHUNKS, chunk_cases[i].coded);
		for (size_t step = 1; step <= all.n; step++) {
			enum error e = stream(all, step, step);
			bad += e != chunk_cases[i].want || !slice_is(rq.body, chunk_cases[i].data) || rq.wire.unread != (e != ERROR_NONE);
			bad += !taken_as(all, step, chunk_cases[i].want, chunk_cases[i].data);
		}
		is_int(bad, 0, "chunks, cut in every way: %s", chunk_cases[i].name);
		arena_back(mark);
	}
}

/* A body of n bytes in chunks of `each`. */
static struct slice chunks_of(size_t n, size_t each)
{
	static const char hex[] = "0123456789abcdef";
	struct buf b = { 0 };
	for (size_t size; n; n -= size) {
		size = n < each ? n : each;
		for (int shift = 12; shift >= 0; shift -= 4)
			if (size >> shift || !shift)
				buf_c(&b, hex[size >> shift & 15]);
		buf_s(&b, "\r\n");
		fill(&b, size);
		buf_s(&b, "\r\n");
	}
	buf_s(&b, "0\r\n\r\n");
	return buf_slice(&b);
}

static void test_chunk_limits(void)
{
	static const struct { size_t n, each; enum error want; const char *name; } cases[] = {
		{ LIMIT_BODY, LIMIT_BODY, ERROR_NONE, "the largest body, in one chunk" },
		{ LIMIT_BODY, 1000, ERROR_NONE, "the largest body, in pieces" },
		{ LIMIT_BODY + 1, 1000, ERROR_BODY_TOO_LARGE, "one byte more" },
		{ 4095, 1, ERROR_NONE, "4 KiB but one, a byte in each" },
		{ 4096, 1, ERROR_BODY_TOO_LARGE, "one byte more than its sizes may take" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t mark = arena_mark(), bad = 0;
		struct slice all = in_chunks(IN_CHUNKS, chunks_of(cases[i].n, cases[i].each));
		for (size_t step = 900; step <= 3600; step += 900)
			bad += stream(all, step, step) != cases[i].want || (!cases[i].want && rq.body.n != cases[i].n);
		is_int(bad, 0, "chunks: %s", cases[i].name);
		arena_back(mark);
	}
	ok(!stream(in_chunks(IN_CHUNKS, S("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n")), 999, 999) && rq.body.n == 1 && rq.wire.unread,
	   "what follows them isn't looked at");
	size_t mark = arena_mark();
	struct buf b = { 0 };
	buf_s(&b, "1;");
	fill(&b, 2 * LIMIT_CODED);
	struct slice all = in_chunks(IN_CHUNKS, buf_slice(&b));
	is_int(stream(all, 1000, 1000), ERROR_BODY_TOO_LARGE, "an extension without an end");
	ok(taken_as(all, 1000, ERROR_BODY_TOO_LARGE, SLICE_NONE), "  by a worker too");
	arena_back(mark);
}

/* ---- a request whose body is none of ours ------------------------------ */

static enum error cgi(const char *const *variables, struct slice input);

static bool is_verify(const struct request *asked)
{
	return asked->below && slice_is(asked->path, S("/verify"));
}

static const struct { struct slice head; enum error want; bool unread; const char *name; } bodiless_cases[] = {
	{ T("GET /api/auth/verify HTTP/1.1\r\nHost: a\r\n\r\n"), ERROR_NONE, false, "no body" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), ERROR_NONE, false, "a length of nothing" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), ERROR_NONE, true, "a length without its body" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"), ERROR_NONE, true, "a length over any limit" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"), ERROR_NONE, true, "a length, and its body" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), ERROR_NONE, true, "chunks that don't come" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), ERROR_NONE, true, "another coding" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"), ERROR_NONE, true, "a client that waits" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"), ERROR_BAD_REQUEST, true, "a length that is none" },
	{ T("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), ERROR_BAD_REQUEST, true,
	  "chunks beside a length" },
	{ T("POST /verify HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"), ERROR_BODY_TOO_LARGE, true, "another request" },
};

static void test_bodiless(void)
{
	rules.ignores_body = is_verify;
	for (size_t i = 0; i < sizeof bodiless_cases / sizeof *bodiless_cases; i++) {
		struct http_at at = { 0 };
		struct http_taken taken;
		enum error e = stream(bodiless_cases[i].head, 999, 999);
		ok(e == bodiless_cases[i].want && rq.wire.unread == bodiless_cases[i].unread && !rq.body.p, "verify: %s", bodiless_cases[i].name);
		enum http_progress progress = http_take(bodiless_cases[i].head, &at, &rules, S("192.0.2.1"), &taken);
		ok(progress == (e ? HTTP_WRONG : HTTP_WHOLE) && taken.request.wire.keep == !bodiless_cases[i].unread && !taken.request.body.p,
		   "  and by a worker, which closes the connection where there may be a body");
	}
	is_int(stream(S("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded; x=y\r\nContent-Length: 3\r\n\r\na=b"), 999, 999),
	       ERROR_NONE, "verify: a form that may have a token in it");
	ok(slice_is(rq.body, S("a=b")) && !rq.wire.unread, "  is read");
	is_int(stream(S("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 16385\r\n\r\n"), 999, 999),
	       ERROR_NONE, "verify: a form that is too long for one");
	ok(!rq.body.p && rq.wire.unread, "  isn't");
	is_int(stream(S("POST /api/auth/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nCookie: a=b\r\nContent-Length: 3\r\n\r\n"), 999, 999),
	       ERROR_NONE, "verify: a form beside a cookie");
	ok(!rq.body.p && rq.wire.unread, "  isn't waited for");
	const char *const hidden[] = { P_OF_VERIFY, "CONTENT_LENGTH=77", "HTTP_TRANSFER_ENCODING=chunked", NULL };
	ok(cgi(hidden, S("")) == ERROR_NONE && !rq.body.p && !rq.wire.unread, "  and by CGI, where the body isn't read");
	const char *const typed[] = { P_OF_VERIFY, "CONTENT_TYPE=a/b", NULL };
	is_int(cgi(typed, S("")), ERROR_NONE, "  nor missed");
	rules.ignores_body = NULL;
}

static void test_long_stream(void)
{
	size_t mark = arena_mark();
	struct buf b = { 0 };
	fill(&b, (size_t)3 * LIMIT_HEAD);
	is_int(stream(buf_slice(&b), 1000, 1000), ERROR_URI_TOO_LONG, "a line without an end");
	b = (struct buf){ 0 };
	buf_s(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	while (b.n < LIMIT_HEAD) {
		buf_s(&b, "X: ");
		fill(&b, 1000);
		buf_s(&b, "\r\n");
	}
	is_int(stream(buf_slice(&b), 4000, 4000), ERROR_HEADERS_TOO_LARGE, "a head without an end");
	is_int(stream(buf_slice(&b), b.n, b.n), ERROR_HEADERS_TOO_LARGE, "a head without an end, in one piece");
	arena_back(mark);
}

static void test_continue(void)
{
	static const struct { struct slice request; const char *body, *heard, *name; } cases[] = {
		{ T("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"), "hi",
		  "HTTP/1.1 100 Continue\r\n\r\n", "who waits is told to go on" },
		{ T("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nh"), "i",
		  "HTTP/1.1 100 Continue\r\n\r\n", "who began is told to go on" },
		{ T("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"), "", "", "who is through isn't" },
		{ T(IN_CHUNKS "Expect: 100-continue\r\n\r\n"), "0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "who waits with chunks is told to go on" },
		{ T(IN_CHUNKS "Expect: 100-continue\r\n\r\n0"), "\r\n\r\n", "", "who began with them needn't be told" },
		{ T("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"), "hi", "", "a 1.0 isn't" },
		{ T("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"), "", "", "who has no body isn't" },
		{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"), "hi", "", "who didn't ask isn't" }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		open_pair(SOCK_SEQPACKET);
		ssize_t sent = write(far_end, cases[i].request.p, cases[i].request.n);
		if (*cases[i].body)
			sent += write(far_end, cases[i].body, strlen(cases[i].body));
		enum error e = http_read_stream(&rq, SLICE_NONE, &rules, &closed);
		is_str(text(heard()), *cases[i].heard ? cases[i].heard : "", "%s", cases[i].name);
		ok(sent > 0 && !e, "  and the request is whole");
	}
	is_int(stream_body("Expect: 100-continue\r\n", LIMIT_BODY + 1, 0), ERROR_BODY_TOO_LARGE, "too large a body isn't waited for");
}

/* ---- time -------------------------------------------------------------- */

static int ticks;

static void tick(int signal_number)
{
	(void)signal_number;
	ticks++;
	if (ticks < 12 && write(far_end, "x", 1) < 0)
		ticks = 99;
}

static int64_t clock_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void set_ticks(int us)
{
	struct itimerval every = { { 0, us }, { 0, us } };
	struct sigaction on = { .sa_handler = tick }, off = { .sa_handler = SIG_DFL };
	if (us)
		sigaction(SIGALRM, &on, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	if (!us)        /* and no sooner: a tick that found no handler would end this program */
		sigaction(SIGALRM, &off, NULL);
}

/* A byte of the body each tick, each of them with a signal. */
static void test_slow(void)
{
	static const struct { struct slice sent; int us; const char *name; } cases[] = {
		{ T(""), 0, "a peer that never begins is late" },
		{ T("GET / HTTP/1.1\r\nHo"), 0, "a head that stops is late" },
		{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n"), 0, "a body that stops is late" },
		{ T("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n"), 20000, "a body of a byte at a time is late" }
	};
	http_patience = 150;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		open_pair(SOCK_STREAM);
		if (write(far_end, cases[i].sent.p, cases[i].sent.n) < 0)
			exit(2);
		int64_t from = clock_ms();
		ticks = 0;
		set_ticks(cases[i].us);
		enum error e = http_read_stream(&rq, SLICE_NONE, &rules, &closed);
		set_ticks(0);
		int64_t took = clock_ms() - from;
		heard();
		is_int(e, ERROR_REQUEST_TIMEOUT, "%s", cases[i].name);
		ok(took >= 145 && rq.wire.unread && !closed, "  not before the deadline: %d ms", (int)took);
	}
	http_patience = 0;
	is_int(stream(S(GOOD), 999, 999), ERROR_REQUEST_TIMEOUT, "what comes behind the deadline isn't read");
	http_patience = 10000;
}

static void test_signals_do_not_end_a_read(void)
{
	open_pair(SOCK_STREAM);
	if (write(far_end, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 47) < 0)
		exit(2);
	ticks = 0;
	set_ticks(10000);
	enum error e = http_read_stream(&rq, SLICE_NONE, &rules, &closed);
	set_ticks(0);
	heard();
	ok(!e && slice_is(rq.body, S("xxxxx")), "a signal ends no read");
}

/* ---- addresses of sockets ---------------------------------------------- */

/* A TCP connection of this process with itself; false without that family. */
static bool tcp_pair(int server_family, const char *client)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	bool v6_client = strchr(client, ':') != NULL;
	int off = 0, listener = socket(server_family, SOCK_STREAM, 0), near_end;
	setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (server_family == AF_INET6 ? bind(listener, (struct sockaddr *)&six, sizeof six)
	                              : bind(listener, (struct sockaddr *)&four, sizeof four))
		return false;
	listen(listener, 1);
	socklen_t n = sizeof six;
	getsockname(listener, (struct sockaddr *)&six, &n);
	four.sin_port = six.sin6_port;
	six.sin6_addr = in6addr_loopback;
	far_end = socket(v6_client ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	if (v6_client ? connect(far_end, (struct sockaddr *)&six, sizeof six)
	              : connect(far_end, (struct sockaddr *)&four, sizeof four))
		return false;
	near_end = accept(listener, NULL, NULL);
	lend(near_end, near_end);
	close(near_end);
	close(listener);
	return true;
}

static void test_socket_peers(void)
{
	static const struct { int family; const char *client; } cases[] = {
		{ AF_INET, "127.0.0.1" }, { AF_INET6, "::1" }, { AF_INET6, "127.0.0.1" }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		/* A pair has stdout: only where there is none can that be said at once. */
		if (!tcp_pair(cases[i].family, cases[i].client)) {
			ok(false, "a connection from %s", cases[i].client);
			continue;
		}
		if (write(far_end, "GET / HTTP/1.0\r\n\r\n", 18) < 0)
			exit(2);
		http_read_stream(&rq, SLICE_NONE, &rules, &closed);
		heard();
		is_slice(rq.peer, slice_of(cases[i].client), "a peer by TCP");
	}
}

/* As by close(2) or by shutdown(2); and the pipe of an answer. */
static void test_gone(void)
{
	struct request asked = { .wire.face = FACE_HTTP, .wire.read_at = 1 };
	int pair[2];
	for (int by_close = 0; by_close <= 1; by_close++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			exit(2);
		asked.wire.client = pair[0];
		bool before = http_is_gone(&asked);
		if (by_close)
			close(pair[1]);
		else
			shutdown(pair[1], SHUT_WR);
		ok(!before && http_is_gone(&asked), by_close ? "a client that has closed is gone" : "one that has shut its sending side, too");
		asked.wire.read_at = 0;
		ok(!http_is_gone(&asked), "of a request that came from nowhere nobody asks");
		asked.wire.read_at = 1;
		close(pair[0]);
		close(by_close ? pair[0] : pair[1]);
	}
	if (pipe(pair))
		exit(2);
	asked.wire = (struct wire){ .face = FACE_CGI, .client = pair[1], .read_at = now_ms() - 2000 };
	ok(!http_is_gone(&asked), "by CGI who reads the answer is there");
	close(pair[0]);
	ok(http_is_gone(&asked), "and who has closed the pipe has gone");
	asked.wire.read_at = now_ms();
	ok(!http_is_gone(&asked), "which isn't asked while the request is fresh");
	asked.wire = (struct wire){ .face = FACE_HTTP, .client = pair[1], .watched = true, .read_at = now_ms() - 100 };
	ok(http_is_gone(&asked), "of a client that was seen when its request was read it is asked soon");
	asked.wire.read_at = INT64_MAX;
	ok(!http_is_gone(&asked), "but not at once");
	close(pair[1]);
}

static int let_go;
static void lets_go(void) { let_go++; }

/* Both of who is there wait to the end. */
static void test_look_again(void)
{
	struct request asked = { .wire.face = FACE_HTTP };
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		exit(2);
	is_int(http_look_again(&asked, lets_go), ERROR_NONE, "of a request that came from nowhere nobody asks twice");
	asked.wire = (struct wire){ .client = pair[0], .read_at = now_ms(), .shared = true };
	is_int(http_look_again(&asked, lets_go), ERROR_BUSY, "a worker has no time to");
	is_int(let_go, 0, "for neither is anything let go of");
	asked.wire.shared = false;
	is_int(http_look_again(&asked, lets_go), ERROR_NONE, "who is there for a second is there");
	is_int(let_go, 1, "in which others go on");
	asked.wire.read_at -= 2 * HTTP_STALE_MS;
	is_int(http_look_again(&asked, lets_go), ERROR_BUSY, "of a request that was read long ago that can't be known");
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		poll(NULL, 0, 50);
		_exit(0);
	}
	close(pair[1]);
	is_int(http_look_again(&asked, lets_go), ERROR_REQUEST_TIMEOUT, "who goes meanwhile has gone");
	close(pair[0]);
	waitpid(pid, NULL, 0);
}

/* Apache's cgid: a Unix socket, whose other end sends no more. */
static void test_cgid(void)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		exit(2);
	struct request asked = { .wire = { .face = FACE_CGI, .client = pair[1], .read_at = now_ms() - 2000 } };
	shutdown(pair[0], SHUT_WR);
	ok(!http_is_gone(&asked), "by CGI a peer that has ended its sending side is there");
	is_int(http_look_again(&asked, lets_go), ERROR_NONE, "and stays, so that a theft is found");
	close(pair[0]);
	ok(http_is_gone(&asked), "one that has closed has gone");
	is_int(http_look_again(&asked, lets_go), ERROR_REQUEST_TIMEOUT, "and gets nothing");
	close(pair[1]);
}

static void test_reset(void)
{
	struct linger now_and_hard = { 1, 0 };
	if (!tcp_pair(AF_INET, "127.0.0.1")) {
		ok(false, "a connection to be reset");
		return;
	}
	setsockopt(far_end, SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof now_and_hard);
	close(far_end);
	enum error e = http_read_stream(&rq, SLICE_NONE, &rules, &closed);
	give_back();
	ok(e == ERROR_BAD_REQUEST && closed && !rq.peer.p, "a peer that reset the connection is gone");
}

/* A refused upload: closing with its bytes unread would reset the connection
 * before the answer is read. */
static void test_linger(void)
{
	struct reply rp = { 0 };
	static char junk[60000];
	if (!tcp_pair(AF_INET, "127.0.0.1"))
		return;
	struct slice request = S("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
	bool sent = write(far_end, request.p, request.n) > 0 && write(far_end, junk, sizeof junk) > 0;
	shutdown(far_end, SHUT_WR);
	enum error e = http_read_stream(&rq, SLICE_NONE, &rules, &closed);
	reply_plain(&rp, errors[e].status);
	sent = http_send(&rq, &rp) && sent;
	struct slice got = heard();
	ok(sent && slice_starts(got, S("HTTP/1.1 413 ")) && slice_starts(slice_from(got, got.n - 6), S("Large\n")),
	   "a refused upload hears why");
}

static void explain_twice(void *request)
{
	http_explain_withheld(request);
	http_explain_withheld(request);
}

static void test_withheld(void)
{
	static const struct { struct request rq; const char *line; } cases[] = {
		{ { .server = T("Apache/2.4.66") }, "latchkey: HT1: no Authorization came through Apache/2.4.66: say CGIPassAuth On, "
			"or send access_token in the body (RFC 6750, 2.2)\n" },
		{ { .server = T("busybox httpd/1.30.1") }, "latchkey: HT1: no Authorization came through busybox httpd/1.30.1: take 1.31 or later, "
			"or send access_token in the body (RFC 6750, 2.2)\n" },
		{ { .server = T("x"), .withheld = true }, "latchkey: HT1: no Authorization came through x: it passed AUTH_TYPE alone, "
			"or send access_token in the body (RFC 6750, 2.2)\n" },
		{ { .server = T("busybox httpd/1.31") }, "" }, { { .withheld = false }, "" },
		{ { .server = T("Apache"), .authorization = T("Basic x") }, "" }, { { .server = T("Apache"), .cookie = T("a=b") }, "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct request asked = cases[i].rq;
		is_int(dies(explain_twice, &asked), 0, "a request without a token, by %s", text(asked.server));
		is_str(t_err, cases[i].line, "  is explained once, if its server is to blame");
	}
}

/* ---- the CGI face ------------------------------------------------------ */

/* An environment of such variables, in the arena; "" and what follows NULL count for nothing. */
static char **environment(const char *const *variables)
{
	char **made = arena(32 * sizeof *made);
	for (size_t n = 0; *variables; variables++)
		if (**variables)
			made[n++] = slice_text(slice_of(*variables));
	return made;
}

static enum error cgi(const char *const *variables, struct slice input)
{
	int in[2];
	if (pipe(in) || write(in[1], input.p, input.n) < 0)
		exit(2);
	close(in[1]);
	lend(in[0], 1);
	close(in[0]);
	enum error e = http_read_cgi(&rq, environment(variables), &rules);
	give_back();
	return e;
}

static void test_cgi(void)
{
	const char *const variables[] = {
		"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=POST", "SCRIPT_NAME=/cgi-bin/latchkey/", "PATH_INFO=/login",
		"QUERY_STRING=a=1", "SERVER_PROTOCOL=HTTP/1.0", "REMOTE_ADDR=::ffff:192.0.2.1", "HTTPS=on",
		"HTTP_X_FORWARDED_FOR=6.6.6.6, 1.2.3.4", "HTTP_HOST=auth.example", "CONTENT_TYPE=application/json",
		"CONTENT_LENGTH=5", "HTTP_AUTHORIZATION= Bearer abc ", "HTTP_COOKIE=a=1", "HTTP_ORIGIN=https://x",
		"HTTP_USER_AGENT=ua", "HTTP_IDEMPOTENCY_KEY=key", "HTTP_SEC_FETCH_SITE=same-origin",
		"HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST", "HTTP_IF_NONE_MATCH=\"e\"", "HTTP_PROXY=http://evil", NULL
	};
	is_int(cgi(variables, S("hello world")), ERROR_NONE, "a CGI request is taken");
	is_int(rq.wire.face, FACE_CGI, "its face");
	is_int(rq.method, METHOD_POST, "its method");
	ok(rq.https && rq.below && rq.wire.minor_zero && rq.forwarded && !rq.wire.unread, "its flags");
	is_slice(rq.mount, S("/cgi-bin/latchkey"), "its mount, without a slash");
	is_slice(rq.path, S("/login"), "its path");
	is_slice(rq.query, S("a=1"), "its query");
	is_slice(rq.peer, S("1.2.3.4"), "its peer, through the proxy");
	is_slice(rq.host, S("auth.example"), "its host");
	is_slice(rq.content_type, S("application/json"), "its type");
	is_slice(rq.authorization, S("Bearer abc"), "its authorization");
	is_slice(rq.cookie, S("a=1"), "its cookies");
	is_slice(rq.origin, S("https://x"), "its origin");
	is_slice(rq.user_agent, S("ua"), "its user agent");
	is_slice(rq.idempotency_key, S("key"), "its idempotency key");
	is_slice(rq.sec_fetch_site, S("same-origin"), "its site");
	is_slice(rq.request_method, S("POST"), "its announced method");
	is_slice(rq.if_none_match, S("\"e\""), "its entity tag");
	is_slice(rq.body, S("hello"), "its body, and no byte more");
}

/* Up to six variables. */
struct cgi_case { const char *name, *v[7]; struct slice input; enum error e; struct slice path, body; };

#define M "REQUEST_METHOD=GET"
#define P "REQUEST_METHOD=POST"

static const struct cgi_case cgi_cases[] = {
	{ "the least", { M }, { 0 }, ERROR_NONE, T("/"), { 0 } },
	{ "nothing", { "X=y" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "an empty method", { "REQUEST_METHOD=" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "a method that is no token", { "REQUEST_METHOD=GE T" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "empty variables", { M, "PATH_INFO=", "QUERY_STRING=", "CONTENT_LENGTH=", "HTTP_TRANSFER_ENCODING=", "HTTP_HOST=" }, T("x"), ERROR_NONE, T("/"), { 0 } },
	{ "a path without a slash", { M, "PATH_INFO=me" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "a path with a space", { M, "PATH_INFO=/me " }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "a path with a control byte", { M, "PATH_INFO=/me\n" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "a path in UTF-8", { M, "PATH_INFO=/\xc3\xa9" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "a path with dots", { M, "PATH_INFO=/../me" }, { 0 }, ERROR_NONE, T("/../me"), { 0 } },
	{ "a query with a space", { M, "QUERY_STRING=a b" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "a script of several parts", { M, "SCRIPT_NAME=/~u/cgi-bin/a+b@c_d.cgi" }, { 0 }, ERROR_NONE, T("/"), { 0 } },
	{ "a script that would end a cookie's path", { M, "SCRIPT_NAME=/x;Domain=evil" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } },
	{ "a body", { P, "CONTENT_LENGTH=2" }, T("hi"), ERROR_NONE, T("/"), T("hi") },
	{ "a body of a GET", { M, "CONTENT_LENGTH=2" }, T("hi"), ERROR_NONE, T("/"), T("hi") },
	{ "a body without a length is none", { P }, T("hi"), ERROR_NONE, T("/"), { 0 } },
	{ "a body that is too short", { P, "CONTENT_LENGTH=3" }, T("hi"), ERROR_BAD_REQUEST, T("/"), { 0 } },
	{ "a body too large", { P, "CONTENT_LENGTH=16385" }, T("hi"), ERROR_BODY_TOO_LARGE, T("/"), { 0 } },
	{ "a length that overflows", { P, "CONTENT_LENGTH=18446744073709551618" }, T("hi"), ERROR_BODY_TOO_LARGE, T("/"), { 0 } },
	{ "a negative length", { P, "CONTENT_LENGTH=-2" }, T("hi"), ERROR_BAD_REQUEST, T("/"), { 0 } },
	{ "a length of two", { P, "CONTENT_LENGTH=2, 2" }, T("hi"), ERROR_BAD_REQUEST, T("/"), { 0 } },
	{ "a body in chunks without a length", { P, "HTTP_TRANSFER_ENCODING=chunked" }, T("2\r\nhi\r\n0\r\n\r\n"), ERROR_LENGTH_REQUIRED, T("/"), { 0 } },
	{ "a body in chunks with a length of nothing", { P, "HTTP_TRANSFER_ENCODING=chunked", "CONTENT_LENGTH=0" }, T("hi"), ERROR_LENGTH_REQUIRED, T("/"), { 0 } },
	{ "a body in chunks that was decoded", { P, "HTTP_TRANSFER_ENCODING=chunked", "CONTENT_LENGTH=2" }, T("hi"), ERROR_NONE, T("/"), T("hi") },
	{ "a body with a type and without a length", { P, "CONTENT_TYPE=a/b" }, T("hi"), ERROR_LENGTH_REQUIRED, T("/"), { 0 } },
	{ "a type and a length of nothing", { P, "CONTENT_TYPE=a/b", "CONTENT_LENGTH=0" }, { 0 }, ERROR_NONE, T("/"), { 0 } },
	{ "a GET with a type and without a length", { M, "CONTENT_TYPE=a/b" }, T("hi"), ERROR_NONE, T("/"), { 0 } },
	{ "an expectation", { P, "HTTP_EXPECT=100-continue", "CONTENT_LENGTH=2" }, T("hi"), ERROR_NONE, T("/"), T("hi") },
	{ "an unknown expectation", { P, "HTTP_EXPECT=200-ok" }, { 0 }, ERROR_BAD_REQUEST, T("/"), { 0 } },
	{ "a host that is none", { M, "HTTP_HOST=a/b" }, { 0 }, ERROR_BAD_REQUEST, T("/"), { 0 } },
	{ "a header with a line break", { M, "HTTP_USER_AGENT=a\r\nSet-Cookie: x" }, { 0 }, ERROR_BAD_REQUEST, { 0 }, { 0 } }
};

static void test_cgi_cases(void)
{
	for (size_t i = 0; i < sizeof cgi_cases / sizeof *cgi_cases; i++) {
		const struct cgi_case *c = &cgi_cases[i];
		enum error e = cgi(c->v, c->input);
		ok(e == c->e && (!c->path.p || slice_is(rq.path, c->path)) && slice_is(rq.body, c->body), "CGI: %s (%d)", c->name, e);
	}
}

static enum error cgi_of(const char *one, const char *two, const char *three)
{
	const char *const variables[] = { M, one, two, three, NULL };
	return cgi(variables, SLICE_NONE);
}

static void test_cgi_authorization(void)
{
	static const struct { const char *one, *two, *three; struct slice want; bool withheld; } cases[] = {
		{ "REDIRECT_HTTP_AUTHORIZATION=Bearer a", "", "", T("Bearer a"), false },
		{ "REDIRECT_HTTP_AUTHORIZATION=Bearer a", "HTTP_AUTHORIZATION=Bearer b", "", T("Bearer b"), false },
		{ "REDIRECT_HTTP_AUTHORIZATION=Bearer a", "HTTP_AUTHORIZATION=", "", T("Bearer a"), false },
		{ "AUTH_TYPE=Bearer", "AUTH_CONTENT=a", "", T("Bearer a"), false },
		{ "AUTH_TYPE=Bearer", "AUTH_CONTENT=a", "HTTP_AUTHORIZATION=Bearer b", T("Bearer b"), false },
		{ "AUTH_TYPE=Basic", "", "HTTP_AUTHORIZATION=Basic b", T("Basic b"), false },
		{ "AUTH_TYPE=Basic", "", "", { 0 }, true },
		{ "AUTH_CONTENT=a", "", "", { 0 }, false }
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		is_int(cgi_of(cases[i].one, cases[i].two, cases[i].three), ERROR_NONE, "CGI with %s", cases[i].one);
		is_slice(rq.authorization, cases[i].want, "  and %s", cases[i].two);
		ok(rq.withheld == cases[i].withheld, "  and whether one was withheld");
	}
}

static const char *long_variable(const char *name, size_t n)
{
	struct buf b = { 0 };
	buf_s(&b, name);
	buf_s(&b, "=/");
	fill(&b, n - 1);
	return slice_text(buf_slice(&b));
}

static void test_cgi_limits(void)
{
	size_t mark = arena_mark();
	static const struct { const char *name; size_t n; enum error want; } cases[] = {
		{ "PATH_INFO", LIMIT_HEAD - 3, ERROR_NONE }, { "PATH_INFO", LIMIT_HEAD + 1, ERROR_URI_TOO_LONG },
		{ "HTTP_COOKIE", LIMIT_HEAD - 4, ERROR_NONE }, { "HTTP_COOKIE", LIMIT_HEAD + 1, ERROR_HEADERS_TOO_LARGE },
		{ "HTTP_X", 2 * LIMIT_HEAD, ERROR_NONE },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		is_int(cgi_of(long_variable(cases[i].name, cases[i].n), "", ""), cases[i].want, "CGI: %s of %zu bytes", cases[i].name, cases[i].n);
		arena_back(mark);
	}
	for (size_t more = 0; more < 2; more++) {
		const char *const variables[] = {
			"REQUEST_METHOD=GET", long_variable("HTTP_COOKIE", LIMIT_HEAD / 4),
			long_variable("HTTP_ORIGIN", LIMIT_HEAD / 4),
			long_variable("HTTP_USER_AGENT", LIMIT_HEAD / 4),
			long_variable("HTTP_IF_NONE_MATCH", LIMIT_HEAD / 4 - 3 + more), NULL
		};
		is_int(cgi(variables, SLICE_NONE), more ? ERROR_URI_TOO_LONG : ERROR_NONE, "CGI: %zu bytes over the head's limit", more);
	}
	arena_back(mark);
}

/* Each variable's first value counts, those of SCGI alone don't, and there may be no environment at all. */
static void test_cgi_environments(void)
{
	const char *const twice[] = { "REQUEST_METHOD=GET", "PATH_INFO=/me", "PATH_INFO=/you", "REQUEST_URI=/they", "DOCUMENT_URI=/they", NULL };
	ok(!cgi(twice, SLICE_NONE) && slice_is(rq.path, S("/me")), "CGI: the first of two values counts");
	const char *const whole[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/api/auth/me", NULL };
	ok(!cgi(whole, SLICE_NONE) && slice_is(rq.path, S("/")), "CGI: a variable of SCGI says nothing");
	is_int(http_read_cgi(&rq, NULL, &rules), ERROR_BAD_REQUEST, "CGI: no environment is no request");
}

static void test_cgi_late(void)
{
	const char *const variables[] = { "REQUEST_METHOD=POST", "CONTENT_LENGTH=5", NULL };
	int in[2];
	http_patience = 50;
	if (pipe(in) || write(in[1], "hi", 2) < 0)
		exit(2);
	lend(in[0], 1);
	enum error e = http_read_cgi(&rq, environment(variables), &rules);
	give_back();
	close(in[0]);
	close(in[1]);
	http_patience = 10000;
	is_int(e, ERROR_REQUEST_TIMEOUT, "CGI: a body that stops is late");
	http_patience = 1000000;
	waited = 0;
	cgi(variables, S("hi"));
	ok(waited > 0 && waited <= 500000, "CGI: who keeps one of few programs has half the time");
	waited = 0;
	stream(S("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi"), 9, 9);
	ok(waited > 500000, "of those who keep a process of ours");
	http_patience = 10000;
}

/* ---- the answer -------------------------------------------------------- */

static int64_t some_day(void)
{
	return 784111777;       /* RFC 9110's own example */
}

static int64_t leap_day(void)
{
	return 1709164805;
}

static struct slice answer(const struct request *to, const struct reply *rp)
{
	open_pair(SOCK_STREAM);
	bool done = http_send(to, rp);
	struct slice got = heard();
	if (!done)
		ok(false, "the answer was sent");
	return got;
}

#define NOSNIFF "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n"
#define DATED "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n"

static void test_answers(void)
{
	struct request http = { .wire.face = FACE_HTTP }, of_cgi = { .wire.face = FACE_CGI }, of_scgi = { .wire.face = FACE_SCGI };
	struct request asks_head = { .wire.face = FACE_HTTP, .method = METHOD_HEAD };
	struct reply rp = { .status = 200, .type = "application/json" };
	base_clock = some_day;
	buf_s(&rp.body, "{\"data\":1}");
	reply_header(&rp, "X-One", "a", "b", "c\r\nSet-Cookie: \x01\td", NULL);
	is_slice(answer(&http, &rp), S("HTTP/1.1 200 OK\r\n" DATED "Content-Type: application/json\r\n" NOSNIFF
	         "Content-Length: 10\r\nX-One: abcSet-Cookie: d\r\n\r\n{\"data\":1}"), "an answer by HTTP");
	is_slice(answer(&of_cgi, &rp), S("Status: 200 OK\r\nContent-Type: application/json\r\n" NOSNIFF
	         "Content-Length: 10\r\nX-One: abcSet-Cookie: d\r\n\r\n{\"data\":1}"), "an answer by CGI");
	is_slice(answer(&of_scgi, &rp), S("Status: 200 OK\r\nContent-Type: application/json\r\n" NOSNIFF
	         "Content-Length: 10\r\nX-One: abcSet-Cookie: d\r\n\r\n{\"data\":1}"), "and by SCGI");
	is_slice(answer(&asks_head, &rp), S("HTTP/1.1 200 OK\r\n" DATED "Content-Type: application/json\r\n" NOSNIFF
	         "Content-Length: 10\r\nX-One: abcSet-Cookie: d\r\n\r\n"), "an answer to HEAD");
	rp.status = 304;
	rp.type = NULL;
	is_slice(answer(&of_cgi, &rp), S("Status: 304 Not Modified\r\nX-One: abcSet-Cookie: d\r\n\r\n"), "304 has no body");
	rp = (struct reply){ .status = 204 };
	is_slice(answer(&http, &rp), S("HTTP/1.1 204 No Content\r\n" DATED "\r\n"), "204 has no body and no length");
	rp.status = 405;
	is_slice(answer(&of_cgi, &rp), S("Status: 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"), "another without a body has a length");
	base_clock = leap_day;
	is_slice(answer(&http, &rp), S("HTTP/1.1 405 Method Not Allowed\r\nDate: Thu, 29 Feb 2024 00:00:05 GMT\r\n"
	         "Connection: close\r\nContent-Length: 0\r\n\r\n"), "the date of a leap day");
}

static void test_plain(void)
{
	struct request of_cgi = { .wire.face = FACE_CGI };
	struct reply rp = { .status = 200, .type = "text/html" };
	buf_s(&rp.body, "half a secret");
	reply_header(&rp, "Set-Cookie", "secret", NULL);
	reply_plain(&rp, 404);
	is_slice(answer(&of_cgi, &rp), S("Status: 404 Not Found\r\nContent-Type: text/plain\r\n" NOSNIFF "Content-Length: 10\r\n\r\nNot Found\n"),
		"an answer that is a status alone has its reason as text, and throws the half-built one away");
	reply_plain(&rp, 999);
	is_slice(buf_slice(&rp.body), S("Unknown\n"), "or says that there is none");
}

/* uhttpd makes a 200 of a Status without a reason. */
static void test_reasons(void)
{
	for (enum error e = ERROR_NONE + 1; e < ERROR__MAX; e++) {
		struct request of_cgi = { .wire.face = e % 2 ? FACE_CGI : FACE_SCGI };
		struct reply rp;
		reply_plain(&rp, errors[e].status);
		struct slice rest = answer(&of_cgi, &rp), line = slice_cut(&rest, '\r');
		int64_t status = 0;
		ok(slice_starts(line, S("Status: ")) && line.n > 12 && parse_number((struct slice){ line.p + 8, 3 }, 400, 505, &status)
		   && status == errors[e].status && line.p[11] == ' ' && !slice_is(slice_from(line, 12), S("Unknown")), "%s", text(line));
	}
}

static void send_long(void *arg)
{
	struct request http = { .wire.face = FACE_HTTP };
	struct reply rp = { .status = 200, .type = "text/plain" };
	rp.body = *(struct buf *)arg;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		exit(2);
	dup2(pair[0], 1);
	http_patience = 50;
	exit(http_send(&http, &rp));
}

static void test_long_answers(void)
{
	static char bytes[1 << 20];
	struct request http = { .wire.face = FACE_HTTP };
	struct reply rp = { .status = 200, .type = "text/plain" };
	memset(bytes, 'y', sizeof bytes);
	for (size_t n = LIMIT_BODY; n <= LIMIT_BODY + 1; n++) {
		rp.body = (struct buf){ bytes, n, n };
		struct slice got = answer(&http, &rp);
		ok(got.n > n && slice_is(slice_from(got, got.n - n), buf_slice(&rp.body)), "an answer of %zu bytes", n);
	}
	rp.body = (struct buf){ bytes, sizeof bytes, sizeof bytes };
	is_int(dies(send_long, &rp.body), false, "a client that takes nothing keeps no process");
	signal(SIGPIPE, SIG_IGN);
	for (size_t n = 1; n <= LIMIT_BODY + 1; n += LIMIT_BODY) {
		rp.body.n = n;
		open_pair(SOCK_STREAM);
		close(far_end);
		bool done = http_send(&http, &rp);
		give_back();
		ok(!done, "a peer that is gone is told of, %zu bytes", n);
	}
}

/* ---- all faces --------------------------------------------------------- */

/* Everything but the face, the mount's spelling and where the body lies. */
static bool same_request(const struct request *a, const struct request *b)
{
	return a->method == b->method && a->wire.minor_zero == b->wire.minor_zero && a->below == b->below && slice_is(a->path, b->path)
	       && slice_is(a->mount, b->mount) && slice_is(a->query, b->query) && slice_is(a->host, b->host)
	       && slice_is(a->authorization, b->authorization) && slice_is(a->content_type, b->content_type)
	       && slice_is(a->cookie, b->cookie) && slice_is(a->user_agent, b->user_agent) && slice_is(a->body, b->body);
}

static void test_same(void)
{
	const char *const variables[] = {
		"REQUEST_METHOD=POST", "SCRIPT_NAME=/api/auth", "PATH_INFO=/login", "QUERY_STRING=a=1&b=", "SERVER_PROTOCOL=HTTP/1.1",
		"HTTP_HOST=auth.example:8443", "CONTENT_TYPE=application/json; charset=utf-8", "CONTENT_LENGTH=9",
		"HTTP_AUTHORIZATION=Bearer abc.def-_~+/==", "HTTP_USER_AGENT=\xe9t\xe9/1.0", "HTTP_COOKIE=a=1; b=2", NULL
	};
	cgi(variables, S("{\"a\":123}"));
	struct request by_cgi = rq;
	const struct { struct slice bytes; const char *name; } sockets[] = { { S(GOOD), "HTTP" }, { scgi_good(), "SCGI" } };
	for (size_t i = 0; i < 2; i++) {
		open_pair(SOCK_STREAM);
		if (write(far_end, sockets[i].bytes.p, sockets[i].bytes.n) < 0)
			exit(2);
		http_read_stream(&rq, SLICE_NONE, &rules, &closed);
		heard();
		ok(same_request(&by_cgi, &rq), "one request is the same by CGI and %s", sockets[i].name);
	}
}

int main(void)
{
	rules = trusting(S("10.0.0.0/8 192.0.2.1 fd00::/8 2001:db8::1"));
	static void (*const tests[])(void) = {
		test_good,
		test_prefixes,
		test_mutations,
		test_heads,
		test_joined,
		test_targets,
		test_mounts,
		test_limits,
		test_scgi,
		test_scgi_prefixes,
		test_scgi_mutations,
		test_scgi_cases,
		test_scgi_frames,
		test_scgi_paths,
		test_scgi_peers,
		test_scgi_limits,
		test_many_parts,
		test_peers, test_guarded,
		test_bearer,
		test_cookies,
		test_query,
		test_form,
		test_media_type,
		test_loopback,
		test_same_origin,
		test_withheld,
		test_stream_splits,
		test_stream_bodies, test_chunks, test_chunk_limits, test_bodiless,
		test_early_bytes,
		test_scgi_streams,
		test_peek,
		test_early_peek,
		test_long_stream,
		test_continue,
		test_slow,
		test_signals_do_not_end_a_read,
		test_socket_peers,
		test_gone,
		test_look_again,
		test_cgid,
		test_reset,
		test_linger,
		test_cgi,
		test_cgi_cases,
		test_cgi_authorization,
		test_cgi_limits,
		test_cgi_environments,
		test_cgi_late,
		test_answers,
		test_plain,
		test_reasons,
		test_long_answers,
		test_same
	};
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		size_t mark = arena_mark();
		tests[i]();
		arena_back(mark);
	}
	return done_testing();
}
