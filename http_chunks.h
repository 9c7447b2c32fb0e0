/*
 * http_chunks: a body in chunks (RFC 9112, 7.1). For http.c alone.
 */
#ifndef HTTP_CHUNKS_H
#define HTTP_CHUNKS_H

#include "http_head.h"

/*
 * Goes on in a body that begins at the beginning of in. When it is there whole,
 * next is CHUNK_DONE and `at` its length. Extensions and trailers are skipped.
 * Errors: BAD_REQUEST; BODY_TOO_LARGE: over LIMIT_BODY bytes of data, or over
 * LIMIT_CODED bytes in all.
 */
enum error chunks_scan(struct http_chunks *c, struct slice in);
/* The data of a body that chunks_scan() has found whole. In the arena. */
struct slice chunks_data(struct slice in);

#endif
