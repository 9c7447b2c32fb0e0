/*
 * http: one request type whatever the transport, and the one writer.
 *
 * CGI variables are as hostile as a socket: all faces fill the same struct
 * request and pass the same checks. Nothing below knows how a request
 * arrived. Nothing is sent before the request is decided.
 */
#ifndef HTTP_H
#define HTTP_H

#include "base/address.h"
#include "base/base.h"

enum face {
	FACE_CGI,       /* RFC 3875: environment and stdin in, CGI response out */
	FACE_SCGI,      /* the same in a netstring on a socket, from a web server */
	FACE_HTTP       /* HTTP/1.1 on stdin and stdout, one request, Connection: close */
};

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_OTHER,   /* a token, but none that we serve */
	METHOD__MAX
};
extern const char *const method_words[METHOD__MAX];

struct request {
	enum face face;
	enum method method;
	bool minor_zero;            /* HTTP/1.0 */
	bool https;                 /* HTTPS=on, or X-Forwarded-Proto of a trusted proxy */
	bool forwarded;             /* somebody's X-Forwarded-… was there, trusted or not */
	bool unread;                /* of a socket: input may be left; http_send() then lingers */
	bool keep;                  /* the peer may send another on this connection: HTTP/1.1, for a loop alone */
	bool waits;                 /* for "100 Continue" before it sends the body */
	bool below;                 /* the path lies below the mount; else only www/ can serve it */
	struct slice mount;         /* SCRIPT_NAME or base_path: no slash at the end */
	struct slice path;          /* below the mount, beginning with '/'; or the whole path */
	struct slice query;         /* without '?'; as sent */
	struct slice peer;          /* the client's address, canonical text (RFC 5952), through
	                             * trusted proxies; empty where there is none (AF_UNIX) */
	/* Headers; p is NULL where absent. */
	struct slice host, authorization, content_type, cookie, origin;
	struct slice user_agent, idempotency_key, sec_fetch_site, request_method, if_none_match;
	struct slice server;        /* SERVER_SOFTWARE, of variables alone */
	bool withheld;              /* the server saw an Authorization and kept it: AUTH_TYPE alone was passed */
	struct slice body;
};

/* What a face needs to know of the configuration. */
struct http_rules {
	struct slice base_path;         /* for FACE_HTTP, and SCGI without PATH_INFO */
	struct networks trusted_proxies;
};

/*
 * Reads one request from the environment and stdin (fd 0), or from fd 0
 * alone, HTTP or SCGI: which is in rq->face. Limits are counted before memory is touched; the whole read has one
 * absolute deadline, after which ERROR_REQUEST_TIMEOUT is answered.
 *
 * Returns ERROR_NONE, or what to refuse the request with; then the fields
 * that were understood are set and the others empty, so that http_send() can
 * answer. Errors: BAD_REQUEST, BODY_TOO_LARGE, URI_TOO_LONG,
 * HEADERS_TOO_LARGE, NOT_IMPLEMENTED, REQUEST_TIMEOUT, VERSION.
 * *closed (http_read_stream): the peer went away before its first byte; nothing is
 * to be answered.
 */
enum error http_read_cgi(struct request *rq, const struct http_rules *rules);
enum error http_read_stream(struct request *rq, const struct http_rules *rules, bool *closed);

/* What a socket speaks whose request isn't read yet: for an answer to it all
 * the same. Waits a moment for its first byte. */
enum face http_peek(void);

/* The parser of head bytes alone, for tests and fuzzing: head ends behind the
 * empty line, or behind the comma of SCGI. Same errors. *length is
 * Content-Length, -1 where there is none. rq->peer goes in as the address that
 * is connected ("unix:" for an AF_UNIX socket); all else of *rq is set. */
enum error http_parse_head(struct slice head, struct request *rq, const struct http_rules *rules, int64_t *length);

/*
 * For a loop that holds many connections. `in` is all that came of this
 * request, and may hold more; *at says where its reader stands, {0} at first,
 * and is only used again with the same bytes and more behind them. `connected` is http_peer()'s.
 *
 *	HTTP_MORE    more bytes are needed; rq->waits: and the peer waits for a word
 *	HTTP_WHOLE   *rq is set and borrows from `in`; it took *used bytes
 *	HTTP_WRONG   *e is to be answered, and nothing more to be read
 */
struct http_at {
	size_t at;              /* bytes seen */
	size_t from;            /* SCGI: where its headers begin */
	size_t length, lines;   /* of this line; before it */
	bool cr;                /* the last byte was CR */
	bool done;              /* behind the empty line */
};
enum http_progress { HTTP_MORE, HTTP_WHOLE, HTTP_WRONG };
enum http_progress http_take(struct slice in, struct http_at *at, const struct http_rules *rules, struct slice connected,
	struct request *rq, size_t *used, enum error *e);
/* Who is at a socket's other end, canonical, in the arena; "unix:" for AF_UNIX. */
struct slice http_peer(int fd);
/* Bytes that were read of fd 0 before this process began: they come first. Borrows. */
void http_begin_with(struct slice early);

/* What a peer has to send a request, and again to take a long answer, in
 * milliseconds. Tests shorten it. */
extern int http_patience;

/* ---- what is asked of a request ---------------------------------------- */

/* The token of `Authorization: Bearer …` (RFC 6750, 2.1): exactly one word.
 * False when there is none or it is of another form. */
bool http_bearer(const struct request *rq, struct slice *token);
/* Cookies of a name, in the order sent, at most LIMIT_COOKIES; returns how many. */
size_t http_cookies(const struct request *rq, struct slice name, struct slice out[LIMIT_COOKIES]);
/* A parameter of the query string, undecoded. False when absent or empty. */
bool http_query(const struct request *rq, struct slice name, struct slice *out);
/* How many parameters of a name a body of application/x-www-form-urlencoded
 * has, and the last of them, undecoded; 0 where the body is of another type. */
size_t http_form(const struct request *rq, struct slice name, struct slice *out);
/* Media type equals `type` but for case; parameters are ignored. */
bool http_media_type(const struct request *rq, struct slice type);
/* The request came in over plain HTTP from this very host, to a loopback name:
 * development. */
bool http_loopback(const struct request *rq);
/* Origin names the very host that the request was sent to. */
bool http_same_origin(const struct request *rq);

/* ---- the answer -------------------------------------------------------- */

struct reply {
	int status;
	struct buf head;        /* header lines, each ended by CRLF */
	struct buf body;
	const char *type;       /* Content-Type; NULL: no body */
};

/* Adds a header line; value is cut into several parts, the last NULL. A byte
 * below space is never written. */
void reply_header(struct reply *rp, const char *name, ...) __attribute__((sentinel));
/* Throws away what was built and makes it the error's answer in the
 * contract's shape, with Retry-After where its row says so. `member` names
 * what was wrong (may be NULL); retry_after 0: as the table says. */
void reply_error(struct reply *rp, enum error e, const char *member, int64_t retry_after);

/* The answer's bytes, added to *out: for a loop, and http_send()'s own. */
void http_put(struct buf *out, const struct request *rq, const struct reply *rp);
/*
 * The one writer: status line or Status:, headers, body, in one write to fd 1
 * as far as the kernel takes it. HEAD gets no body, 204 and 304 neither.
 * False when the peer was gone.
 */
bool http_send(const struct request *rq, const struct reply *rp);

#endif
