/*
 * http_head: a request's head as a face gathers it, and the checks that it
 * must pass, whatever the face. For http*.c alone.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/address.h"
#include "http_request.h"

/* How long a body is, where no number says it. */
enum { LENGTH_NONE = -1, LENGTH_CHUNKS = -2 };

/* The rows of head_fields. The last ones are variables of SCGI alone. */
enum { HEAD_FIELDS = 39, HEAD_FIELDS_OF_SCGI = 3, HEAD_FIELDS_OF_CGI = HEAD_FIELDS - HEAD_FIELDS_OF_SCGI };

struct head {
	struct request rq;
	struct slice method, version, authority;
	struct slice content_length, transfer_encoding, expect, connection, forwarded_for, forwarded_proto;
	struct slice https, auth_type, auth_content;    /* variables alone */
	struct slice scgi;              /* SCGI alone */
	struct slice connected;         /* who is at the socket's other end: address, or HEAD_PEER_UNIX */
	bool whole_path;                /* rq.path begins with the mount */
	struct buf joined[HEAD_FIELDS]; /* of fields that came more than once */
};

/* The peer of an AF_UNIX socket, as nginx writes it in REMOTE_ADDR too. */
#define HEAD_PEER_UNIX S("unix:")

/* What a face must know of the configuration. */
struct http_rules {
	struct slice base_path;         /* the mount, for FACE_HTTP, and for SCGI without PATH_INFO */
	struct networks trusted_proxies;
	bool (*ignores_body)(const struct request *rq); /* nothing but a form with a token is read of the body; NULL: all is */
};

/* How far a scanner has come in a body in chunks that arrives in pieces (http_chunks.h). {0} at first. */
struct http_chunks {
	size_t at;              /* bytes seen */
	size_t left, sum;       /* bytes of data: still to come of this chunk; of all chunks */
	size_t length;          /* bytes of this line */
	enum {
		CHUNK_SIZE, CHUNK_BLANK, CHUNK_SEMICOLON, CHUNK_EXTENSION,      /* a line that begins a chunk */
		CHUNK_DATA, CHUNK_END,                      /* its bytes, and the CRLF behind them */
		CHUNK_TRAILER, CHUNK_VALUE,                 /* a line behind the last chunk */
		CHUNK_DONE
	} next;
	bool cr;                /* the last byte was the CR of a line */
};

/* How far a scanner has come in a head that arrives in pieces. {0} at first. */
struct http_at {
	size_t at;              /* bytes seen */
	size_t from;            /* SCGI: where its headers begin */
	size_t length, lines;   /* HTTP: bytes of this line; lines before it */
	bool cr;                /* HTTP: the last byte was CR */
	bool done;              /* the head is complete; `at` is its length */
	bool lines_alone;       /* set by a worker behind a connection's first request: it is HTTP, whatever its first byte */
	struct http_chunks body;        /* behind it */
};

struct head_field {
	struct slice name;      /* of the header; empty: variables alone have this field */
	struct slice variable;
	size_t place;           /* its slice in struct head */
	const char *joint;      /* how two of it are joined; NULL: two of it are refused */
};
extern const struct head_field *const head_fields;      /* HEAD_FIELDS of them */

struct slice *head_place(struct head *h, const struct head_field *f);
/* Makes *value the two together, as head_fields[i] says, or returns ERROR_BAD_REQUEST. */
enum error head_join(struct head *h, size_t i, struct slice *value, struct slice more);

/* Sets rq.mount. Where it is a prefix of rq.path that ends with a segment, it is cut off and rq.below set. */
void head_split_mount(struct request *rq, struct slice base_path);
/* s without the slashes at its end. Borrows. */
struct slice head_without_slash(struct slice s);
enum method head_method(struct slice word);
/*
 * The client's address into rq.peer, and https and forwarded, from `connected`
 * or REMOTE_ADDR and what trusted proxies say.
 */
void head_find_peer(struct head *h, const struct networks *trusted);
/* All checks, whose errors http.c lists. *length is Content-Length, LENGTH_CHUNKS, or LENGTH_NONE where there is no body. */
enum error head_check(struct head *h, const struct http_rules *rules, int64_t *length);

/* RFC 9110, 5.6.2. */
bool head_is_token(struct slice s);
/* A byte of a line: RFC 9110, 5.5, with obs-text. Here, since it is asked for each byte of a request. */
static inline bool head_is_text(char c)
{
	unsigned char byte = (unsigned char)c;
	return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}
/* The bytes of a URI and some that aren't but do no harm; no space, no control byte, nothing above ASCII. */
bool head_is_printable(struct slice s);

#endif
