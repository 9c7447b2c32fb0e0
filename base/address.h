/*
 * address: IP addresses and networks, as text and as bytes. The one parser of
 * them.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

struct sockaddr;

/*
 * An IPv4 address in the form of IPv6 (::ffff:192.0.2.1, RFC 4291, 2.5.5.2; a
 * socket for both shows it so) is the same client, so it is kept as IPv4.
 */
struct address {
	enum {
		ADDRESS_NONE,
		ADDRESS_UNIX,           /* an AF_UNIX socket's peer, which has no address */
		ADDRESS_V4 = 4,         /* these two are the number of bytes */
		ADDRESS_V6 = 16
	} kind;
	uint8_t b[16];                  /* in network order */
};

/*
 * Parses an address: dotted decimal or RFC 4291, 2.2, all of s, without zone,
 * brackets or port. False otherwise, and *a is untouched.
 */
bool address_parse(struct slice s, struct address *a);
/*
 * Parses a peer as servers and proxies spell it: ADDR, ADDR4:PORT, [ADDR6] or [ADDR6]:PORT; a zone (RFC 4007, 11) is left out.
 * False otherwise, and *a is untouched.
 */
bool address_parse_peer(struct slice s, struct address *a);
/*
 * Parses ADDR:PORT or [ADDR6]:PORT; the last colon is the port's. False
 * otherwise, and then *a and *port are untouched.
 */
bool address_parse_port(struct slice s, struct address *a, uint16_t *port);
/* The address in a socket's name, as getpeername(2) fills it in; ADDRESS_NONE for other families. */
struct address address_of_name(const struct sockaddr *name);
/* Canonical text (RFC 5952), in the arena; empty for ADDRESS_NONE and ADDRESS_UNIX. */
struct slice address_text(const struct address *a);
/* Whether two addresses, as text, are near each other: of one IPv4 /24 or IPv6 /48, or the same text. A client behind a
 * pool of addresses has several that are near. */
bool address_near(struct slice a, struct slice b);
/* On this host or beside it: loopback, a private network (RFC 1918, 4193, 6598), one link, AF_UNIX, or not known. */
bool address_is_neighbour(const struct address *a);
/* 127.0.0.0/8 or ::1. */
bool address_is_loopback(const struct address *a);

/* A network: the addresses whose first `bits` bits are those of base. */
struct network {
	struct address base;
	int64_t bits;
};

/*
 * Parses an address, or ADDR/BITS (CIDR, RFC 4632), or the word `unix` for the
 * peers of AF_UNIX sockets. False otherwise; *n is then of no use.
 */
bool network_parse(struct slice s, struct network *n);
bool network_holds(const struct network *n, const struct address *a);

/* A list of networks. Borrows. */
struct networks {
	struct slice words;             /* as they were written, with single spaces between them */
	const struct network *list;
	size_t count;
};

bool networks_hold(const struct networks *nets, const struct address *a);

#endif
