/*
 * http: how a request comes in and its answer goes out, whatever the
 * transport.
 *
 * CGI variables are as hostile as a socket: all faces fill the same struct
 * request and pass the same checks. What a request is, and how an answer is
 * built, is in http_request.h and http_reply.h; nothing is sent before the
 * request is decided.
 */
#ifndef HTTP_H
#define HTTP_H

#include "base/address.h"
#include "http_head.h"
#include "http_reply.h"
#include "http_request.h"

/* ---- for a process that has one request -------------------------------- */

/*
 * Reads one request: from an environment and stdin (fd 0), or from fd 0
 * alone, HTTP or SCGI. `early` are bytes that were read of fd 0 already. Limits
 * are counted before memory is touched; the whole read has one absolute
 * deadline, after which ERROR_REQUEST_TIMEOUT is answered.
 *
 * Returns ERROR_NONE, or what to refuse the request with; then the fields
 * that were understood are set and the others empty, so that http_send() can
 * answer. Errors: BAD_REQUEST, BODY_TOO_LARGE, URI_TOO_LONG,
 * HEADERS_TOO_LARGE, NOT_IMPLEMENTED, REQUEST_TIMEOUT, VERSION.
 * *closed (http_read_stream): the peer went away before its first byte;
 * nothing is to be answered. The request borrows from environment and early.
 */
enum error http_read_cgi(struct request *rq, char *const *environment, const struct http_rules *rules);
enum error http_read_stream(struct request *rq, struct slice early, const struct http_rules *rules, bool *closed);
/*
 * For an answer to a request of a socket that nobody has read: sets its face,
 * by its first byte, for which it waits a moment, and that input is unread.
 */
void http_leave_unread(struct request *rq, struct slice early);

/*
 * Sends the answer to fd 1, in one write as far as the kernel takes it. False
 * when the peer is gone, or takes nothing of a long answer in its time.
 */
bool http_send(const struct request *rq, const struct reply *rp);

/* The time that a peer has to send a request, and again to take a long answer,
 * in milliseconds; half of it by CGI. Tests shorten it. */
extern int http_patience;

/* ---- for a worker, which has many connections -------------------------- */

/*
 * Looks at all that came of a connection's request. `in` may hold more than
 * that request; *at is {0} at first, but for lines_alone, and is used again only with the same
 * bytes and more after them. `connected` is http_peer()'s.
 *
 *	HTTP_MORE    more bytes are needed; request.wire.waits: and the client waits for "100 Continue"
 *	HTTP_WHOLE   the request is there and borrows from `in`; it took `used` bytes
 *	HTTP_WRONG   `error` is to be answered, and nothing more to be read
 */
enum http_progress { HTTP_MORE, HTTP_WHOLE, HTTP_WRONG };
struct http_taken {
	struct request request;
	size_t used;
	enum error error;
};
enum http_progress http_take(struct slice in, struct http_at *at, const struct http_rules *rules, struct slice connected,
	struct http_taken *out);
/* Who is at a socket's other end: canonical address, in the arena, or HEAD_PEER_UNIX. */
struct slice http_peer(int fd);

/* ---- for tests and fuzzers --------------------------------------------- */

/* The parser of a head's bytes alone. head ends with the empty line, or the
 * comma of SCGI. The same errors. *length is Content-Length, -1 where there is
 * none. rq->peer goes in as `connected` does above; all else of *rq is set. */
enum error http_parse_head(struct slice head, struct request *rq, const struct http_rules *rules, int64_t *length);

#endif
