/*
 * http_reply: the answer to a request, built in memory.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "http_request.h"

struct reply {
	int status;
	struct buf head;        /* header lines, each ended by CRLF */
	struct buf body;
	const char *type;       /* Content-Type; NULL: no body */
	bool open;              /* pages of any site may read it (CORS), without credentials */
	bool own;               /* no page of another origin may read it, whatever cors_origins says */
	bool elsewhere;         /* it can't be had in this process, which others wait for: a worker hands the request over */
	const char *cache;      /* Cache-Control of a dialect's answer; NULL: no-store */
};

/* Adds a header line; its value may come in several parts, the last NULL. A byte
 * below space is never written. */
void reply_header(struct reply *rp, const char *name, ...) __attribute__((sentinel));
/* Throws away what was built and makes it an answer of that status, whose body
 * is the status's reason phrase: for whom no dialect answers. */
void reply_plain(struct reply *rp, int status);

/* Adds the head of the answer to *out: status line or Status:, headers, empty line. */
void reply_put_head(struct buf *out, const struct request *rq, const struct reply *rp);
/* The body that is sent: none for HEAD, 204 and 304, whatever was built (RFC 9110, 9.3.2 and 15). Borrows. */
struct slice reply_body(const struct request *rq, const struct reply *rp);
/* Adds head and body to *out. */
void reply_put(struct buf *out, const struct request *rq, const struct reply *rp);

#endif
