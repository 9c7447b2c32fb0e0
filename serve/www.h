/* Files that are embedded at build time by tools/embed.c, sorted by name: the client's, and the door's. Each is gzip's, and is sent
 * so to everybody (RFC 9110, 12.5.3 lets a server do that): only browsers ask for them. */
#ifndef LK_WWW_H
#define LK_WWW_H

#include <stddef.h>

struct www_file {
	const char *name;          /* "index.html", no leading slash */
	const char *type;          /* Content-Type */
	const char *etag;          /* hash of the content, in its quotes */
	const unsigned char *data; /* compressed; not NUL-terminated */
	size_t size;
};

extern const struct www_file www_files[];
extern const size_t www_count;
extern const struct www_file door_files[];
extern const size_t door_count;

#endif
