/*
 * address: see address.h for what each function promises.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { MAPPED_BITS = 96 };
static const uint8_t mapped[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };     /* ::ffff:0:0/96 */

static bool is_mapped(const struct address *a)
{
	return a->kind == ADDRESS_V6 && memcmp(a->b, mapped, sizeof mapped) == 0;
}

static struct address unmapped(struct address a)
{
	if (!is_mapped(&a))
		return a;
	struct address v4 = { .kind = ADDRESS_V4 };
	memcpy(v4.b, a.b + sizeof mapped, ADDRESS_V4);
	return v4;
}

/* ---- addresses --------------------------------------------------------- */

/* As it is written, without a look at mapped ones. */
static bool parse_literal(struct slice s, struct address *a)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (s.n >= sizeof text)
		return false;
	if (s.n)
		memcpy(text, s.p, s.n);
	if (strlen(text) != s.n)
		return false;
	*a = (struct address){ .kind = strchr(text, ':') ? ADDRESS_V6 : ADDRESS_V4 };
	return inet_pton(a->kind == ADDRESS_V4 ? AF_INET : AF_INET6, text, a->b) == 1;
}

bool address_parse(struct slice s, struct address *a)
{
	struct address parsed;
	if (!parse_literal(s, &parsed))
		return false;
	*a = unmapped(parsed);
	return true;
}

bool address_parse_port(struct slice s, struct address *a, uint16_t *port)
{
	struct slice host = s, digits = slice_cut_last(&host, ':');
	int64_t number;
	if (!host.p || !parse_number(digits, 0, UINT16_MAX, &number))
		return false;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct slice){ host.p + 1, host.n - 2 };
	if (!address_parse(host, a))
		return false;
	*port = (uint16_t)number;
	return true;
}

/* p is NULL where a port is none. */
static struct slice without_port(struct slice s)
{
	struct slice port = slice_from(s, 1), host = slice_cut(&port, ']');
	int64_t number;
	if (!slice_starts(s, S("["))) {
		port = s;
		host = slice_cut(&port, ':');
		return parse_number(port, 0, UINT16_MAX, &number) ? host : s;
	}
	bool bare = port.p && port.n == 0;
	return bare || (slice_starts(port, S(":")) && parse_number(slice_from(port, 1), 0, UINT16_MAX, &number)) ? host : SLICE_NONE;
}

bool address_parse_peer(struct slice s, struct address *a)
{
	struct slice zone = without_port(s);
	return address_parse(slice_cut(&zone, '%'), a);
}

struct address address_of_name(const struct sockaddr *name)
{
	struct address a = { .kind = ADDRESS_NONE };
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	if (name->sa_family == AF_UNIX)
		a.kind = ADDRESS_UNIX;
	if (name->sa_family == AF_INET) {
		memcpy(&v4, name, sizeof v4);
		a.kind = ADDRESS_V4;
		memcpy(a.b, &v4.sin_addr, ADDRESS_V4);
	}
	if (name->sa_family == AF_INET6) {
		memcpy(&v6, name, sizeof v6);
		a.kind = ADDRESS_V6;
		memcpy(a.b, &v6.sin6_addr, ADDRESS_V6);
	}
	return unmapped(a);
}

bool address_is_loopback(const struct address *a)
{
	static const uint8_t one[ADDRESS_V6] = { [15] = 1 };
	return (a->kind == ADDRESS_V4 && a->b[0] == 127) || (a->kind == ADDRESS_V6 && memcmp(a->b, one, sizeof one) == 0);
}

bool address_near(struct slice a, struct slice b)
{
	struct address x, y;
	if (slice_is(a, b))
		return true;
	return address_parse(a, &x) && address_parse(b, &y) && x.kind == y.kind && memcmp(x.b, y.b, x.kind == ADDRESS_V4 ? 3 : 6) == 0;
}

/* ---- text -------------------------------------------------------------- */

static unsigned group(const struct address *a, size_t i)
{
	return (unsigned)a->b[2 * i] << 8 | a->b[2 * i + 1];
}

static size_t zeros_from(const struct address *a, size_t i)
{
	size_t n = 0;
	while (i + n < 8 && group(a, i + n) == 0)
		n++;
	return n;
}

/* The groups that "::" stands for: the first longest run of two or more
 * (RFC 5952, 4.2). *n is 1 when there is none. */
static size_t longest_zeros(const struct address *a, size_t *n)
{
	size_t best = 8;
	*n = 1;
	for (size_t i = 0; i < 8; i++)
		if (zeros_from(a, i) > *n) {
			best = i;
			*n = zeros_from(a, i);
		}
	return best;
}

static void put_group(struct buf *b, unsigned value)
{
	int shift = 12;
	while (shift && value >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		buf_c(b, "0123456789abcdef"[value >> shift & 15]);
}

static void put_v6(struct buf *b, const struct address *a)
{
	size_t zeros, gap = longest_zeros(a, &zeros);
	for (size_t i = 0; i < 8; i++) {
		if (i == gap) {
			buf_s(b, "::");
			i += zeros - 1;
			continue;
		}
		if (i && i != gap + zeros)
			buf_c(b, ':');
		put_group(b, group(a, i));
	}
}

/* inet_ntop() would do, but brings printf() along, a tenth of the executable. */
struct slice address_text(const struct address *a)
{
	struct buf b = { 0 };
	if (a->kind == ADDRESS_V6)
		put_v6(&b, a);
	for (size_t i = 0; a->kind == ADDRESS_V4 && i < ADDRESS_V4; i++) {
		if (i)
			buf_c(&b, '.');
		buf_int(&b, a->b[i]);
	}
	return buf_slice(&b);
}

/* ---- networks ---------------------------------------------------------- */

/* A network of mapped addresses is one of IPv4; a wider one would be neither, so it is refused. */
static bool unmap_network(struct network *n)
{
	if (!is_mapped(&n->base))
		return true;
	n->base = unmapped(n->base);
	n->bits -= MAPPED_BITS;
	return n->bits >= 0;
}

bool network_parse(struct slice s, struct network *n)
{
	struct slice bits = s, base = slice_cut(&bits, '/');
	*n = (struct network){ .base.kind = ADDRESS_UNIX };
	if (slice_is(s, S("unix")))
		return true;
	if (!parse_literal(base, &n->base))
		return false;
	n->bits = (int64_t)n->base.kind * 8;
	if (bits.p && !parse_number(bits, 0, n->bits, &n->bits))
		return false;
	return unmap_network(n);
}

bool network_holds(const struct network *n, const struct address *a)
{
	if (a->kind != n->base.kind)
		return false;
	for (int64_t i = 0; i < n->bits; i++)
		if ((a->b[i / 8] ^ n->base.b[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

bool networks_hold(const struct networks *nets, const struct address *a)
{
	for (size_t i = 0; i < nets->count; i++)
		if (network_holds(&nets->list[i], a))
			return true;
	return false;
}

bool address_is_neighbour(const struct address *a)
{
	static const struct network list[] = {
		{ { ADDRESS_NONE, { 0 } }, 0 }, { { ADDRESS_UNIX, { 0 } }, 0 },
		{ { ADDRESS_V4, { 127 } }, 8 }, { { ADDRESS_V4, { 10 } }, 8 }, { { ADDRESS_V4, { 172, 16 } }, 12 },
		{ { ADDRESS_V4, { 192, 168 } }, 16 }, { { ADDRESS_V4, { 169, 254 } }, 16 }, { { ADDRESS_V4, { 100, 64 } }, 10 },
		{ { ADDRESS_V6, { [15] = 1 } }, 128 }, { { ADDRESS_V6, { 0xfc } }, 7 }, { { ADDRESS_V6, { 0xfe, 0x80 } }, 10 },
	};
	const struct networks near = { .list = list, .count = sizeof list / sizeof *list };
	return networks_hold(&near, a);
}
