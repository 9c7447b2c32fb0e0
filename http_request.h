/*
 * http_request: what a request is, however it arrived, and what can be asked
 * of it.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

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
	METHOD_PUT,
	METHOD_OPTIONS,
	METHOD_OTHER,   /* a token, but none that is served here */
	METHOD__MAX,
	METHOD_ANY = METHOD__MAX        /* of a route: it takes each of them */
};
extern const char *const method_words[METHOD__MAX];

/* How a request arrived. The http files, main.c and worker.c alone look at this. */
struct wire {
	enum face face;
	bool minor_zero;            /* HTTP/1.0 */
	bool unread;                /* of a socket: input may be left; http_send() then reads it */
	bool keep;                  /* the client may send another request on this connection: HTTP/1.1, and a worker alone */
	bool waits;                 /* the client waits for "100 Continue" before it sends the body */
	int client;                 /* a descriptor on which the client waits: its socket, or the pipe of the answer */
	bool watched;               /* when it was read, the kernel said that the client was there */
	bool shared;                /* whoever waits here keeps others waiting: a worker's */
	int64_t read_at;            /* when the request was whole, of now_ms(); 0: it came from nowhere */
	struct slice connected;     /* given to http_read_stream(): http_peer()'s, where it is known; p NULL: it asks */
};

struct request {
	struct wire wire;
	enum method method;
	bool https;                 /* HTTPS=on, or X-Forwarded-Proto of a trusted proxy */
	bool forwarded;             /* it has an X-Forwarded-… header, trusted or not */
	bool hidden;                /* the client's address comes from a neighbour that isn't trusted: its clients look like one */
	bool below;                 /* the path lies below the mount; else only www/ can serve it */
	struct slice mount;         /* SCRIPT_NAME or base_path: no slash at the end */
	struct slice path;          /* below the mount, beginning with '/'; or the whole path */
	struct slice sent;          /* the whole path as it was sent, where it was one */
	struct slice query;         /* without '?'; as sent */
	struct slice peer;          /* the client's address, canonical text (RFC 5952), through
	                             * trusted proxies; empty where there is none (AF_UNIX) */
	/* Headers; p is NULL where absent. */
	struct slice host, authorization, content_type, cookie, origin;
	struct slice user_agent, idempotency_key, sec_fetch_site, request_method, if_none_match, accept_language;
	struct slice accept, sec_fetch_mode, referer, dpop;
	struct slice forwarded_method, forwarded_host, forwarded_uri, original_url;    /* X-Forwarded-…, X-Original-URL: where a trusted proxy asks */
	struct slice server;        /* SERVER_SOFTWARE, of variables alone */
	bool withheld;              /* the web server kept an Authorization for itself: it passed AUTH_TYPE alone */
	struct slice body;
};

/* The token of `Authorization: Bearer …` (RFC 6750, 2.1): exactly one word.
 * False when there is none or it is of another form. */
bool http_bearer(const struct request *rq, struct slice *token);
/* Cuts cookies off *rest, of a header Cookie, up to the next whose name begins with the prefix and whose value isn't empty.
 * False: there is no other. */
bool http_cookie(struct slice *rest, struct slice prefix, struct slice *value);
/* A parameter of the query string is there, with or without a value. */
bool http_asks(const struct request *rq, struct slice name);
/* A parameter of the query string, undecoded. False when absent or empty. */
bool http_query(const struct request *rq, struct slice name, struct slice *out);
/* How many parameters of a name a body of application/x-www-form-urlencoded
 * has, and the last of them, undecoded; 0 where the body is of another type. */
size_t http_form(const struct request *rq, struct slice name, struct slice *out);
/*
 * Decodes a name or a value of that type: %41, and + for a space. False where
 * an escape is broken or the result isn't UTF-8. *out lies in the arena, and
 * may hold NUL bytes.
 */
bool http_decode(struct slice raw, struct slice *out);
/* Media type equals `type` but for case; parameters are ignored. */
bool http_media_type(const struct request *rq, struct slice type);
/* The request came in over plain HTTP from this very host, to a loopback name:
 * development. */
bool http_loopback(const struct request *rq);
/* Origin is a page of the browser's own host over plain HTTP, which most browsers trust like HTTPS. */
bool http_loopback_page(const struct request *rq);
/*
 * To be called for a request without an access token. Web servers that keep
 * Authorization for themselves make everybody be refused, and nothing else
 * shows the operator why: so this logs a line, once in a process, that names
 * the server and what helps.
 */
void http_explain_withheld(const struct request *rq);
/*
 * Nobody waits for the answer any more: the client has closed its connection, or its sending side, which looks the same by TCP.
 * What would be done for it now comes late: it may have asked again elsewhere. By CGI a web server ends the program, or closes its
 * pipe; that is looked at once a second has gone by since the request was read, so that the common case costs no system call.
 */
bool http_is_gone(const struct request *rq);
/*
 * The same before what a client that has gone would suffer from, and takes a second, which HTTP_LOOK_MS is: a network that was cut brings what it has kept,
 * and that the client has gone on only after it. let_go() is called before the wait, so that nobody waits with it.
 *
 *	ERROR_NONE              the client is there
 *	ERROR_REQUEST_TIMEOUT   it has gone
 *	ERROR_BUSY              the request came so long ago that its client may have given it up unheard; or this process has no time to wait
 */
enum { HTTP_LOOK_MS = 1000, HTTP_STALE_MS = 8000 };
enum error http_look_again(const struct request *rq, void (*let_go)(void));
/* Origin names the very host that the request was sent to. */
bool http_same_origin(const struct request *rq);
/* So does Referer, by its beginning. */
bool http_same_referer(const struct request *rq);

/*
 * Splits the name off "name:port" or "[v6]:port"; the port is optional. False
 * unless that is all there is (RFC 3986, 3.2.2, without the escapes, which no
 * client sends).
 */
bool http_split_host(struct slice host, struct slice *name);

#endif
