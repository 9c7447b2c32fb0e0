/*
 * http_lines: requests that arrive as lines, HTTP/1.1 (RFC 9112). For http.c
 * alone.
 */
#ifndef HTTP_LINES_H
#define HTTP_LINES_H

#include "http_head.h"

/* Goes on in a head: checks each byte, counts lines and their lengths, finds the empty line. */
enum error lines_scan(struct http_at *at, struct slice in);
/* Sets *h from the lines that lines_scan() took, checked. *length is Content-Length, -1 where there is none. Borrows. */
enum error lines_parse(struct head *h, struct slice lines, const struct http_rules *rules, int64_t *length);

#endif
