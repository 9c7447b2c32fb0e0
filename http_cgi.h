/*
 * http_cgi: requests that arrive as variables, by CGI (RFC 3875) or by SCGI.
 * For http.c alone.
 */
#ifndef HTTP_CGI_H
#define HTTP_CGI_H

#include "http_head.h"

/* Sets *h from an environment, checked. *length is Content-Length, or LENGTH_NONE. Borrows. */
enum error cgi_parse(struct head *h, char *const *environment, const struct http_rules *rules, int64_t *length);
/* Goes on in a netstring, "LENGTH:HEADERS," with no zero before LENGTH, that begins at the beginning of in. */
enum error scgi_scan(struct http_at *at, struct slice in);
/* The same as cgi_parse() from the netstring that scgi_scan() has found. */
enum error scgi_parse(struct head *h, struct slice in, const struct http_at *at, const struct http_rules *rules, int64_t *length);

#endif
