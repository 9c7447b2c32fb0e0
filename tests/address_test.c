/*
 * address_test: each spelling of an address or a network, at its edges.
 */
#include "t.h"

#include "base/address.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ends where its page does, so that a byte too many is seen */
static struct slice edge(const char *text)
{
	return (struct slice){ guard(text, strlen(text)), strlen(text) };
}

static const char *text_of(const struct address *a)
{
	return slice_text(address_text(a));
}

/* The canonical text, or NULL for what is no address. */
static const struct { const char *in, *out; } texts[] = {
	{ "1.2.3.4", "1.2.3.4" }, { "0.0.0.0", "0.0.0.0" }, { "255.255.255.255", "255.255.255.255" },
	{ "1.2.3.256", NULL }, { "1.2.3", NULL }, { "1.2.3.4.5", NULL }, { "1.2.3.4 ", NULL }, { " 1.2.3.4", NULL },
	{ "1.2.3.x", NULL }, { "01.2.3.4", NULL }, { "1..3.4", NULL }, { "", NULL }, { "unix", NULL }, { "localhost", NULL },
	{ "::", "::" }, { "::1", "::1" }, { "1::", "1::" }, { "FE80::00aB", "fe80::ab" },
	{ "2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1" }, { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "1:0:0:2:0:0:0:3", "1:0:0:2::3" }, { "0:0:0:0:0:0:0:1", "::1" }, { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
	{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" }, { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
	{ "1:2:3:4:5:6:7", NULL }, { "1:2:3:4:5:6:7:8:9", NULL }, { "1::2::3", NULL }, { ":::", NULL }, { "12345::", NULL },
	{ "fe80::1%eth0", NULL }, { "[::1]", NULL }, { "::1/128", NULL },
	{ "::ffff:1.2.3.4", "1.2.3.4" }, { "::ffff:102:304", "1.2.3.4" }, { "::fffe:1.2.3.4", "::fffe:102:304" },
	{ "0000:0000:0000:0000:0000:0000:255.255.255.255", "::ffff:ffff" },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL },
};

static void test_text(void)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct address a = { .kind = ADDRESS_UNIX };
		bool good = address_parse(edge(texts[i].in), &a);
		if (texts[i].out)
			is_str(good ? text_of(&a) : "none", texts[i].out, "%s", texts[i].in);
		else
			ok(!good && a.kind == ADDRESS_UNIX, "no address, and nothing changes: %s", texts[i].in);
	}
	struct address a = { .kind = ADDRESS_NONE };
	ok(!address_parse(S("1.2.3.4\0"), &a) && !address_parse(SLICE_NONE, &a), "nor is one with a NUL behind it, or nothing");
	is_str(text_of(&a), "", "no address has no text");
	a.kind = ADDRESS_UNIX;
	is_str(text_of(&a), "", "nor has a socket's of this host");
}

static void test_ports(void)
{
	static const struct { const char *in, *out; int port; } cases[] = {
		{ "1.2.3.4:80", "1.2.3.4", 80 }, { "[::1]:65535", "::1", 65535 }, { "::1:0", "::1", 0 }, { "[::ffff:1.2.3.4]:5", "1.2.3.4", 5 },
		{ "1.2.3.4", NULL, 0 }, { "1.2.3.4:", NULL, 0 }, { "1.2.3.4:65536", NULL, 0 }, { "1.2.3.4:x", NULL, 0 }, { ":80", NULL, 0 },
		{ "[]:1", NULL, 0 }, { "[::1]", NULL, 0 }, { "[::1:1", NULL, 0 }, { "::1]:1", NULL, 0 }, { "host:1", NULL, 0 }, { "", NULL, 0 },
		{ "[[::1]]:1", NULL, 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct address a = { .kind = ADDRESS_NONE };
		uint16_t port = 7;
		bool good = address_parse_port(edge(cases[i].in), &a, &port);
		if (cases[i].out)
			ok(good && strcmp(text_of(&a), cases[i].out) == 0 && port == cases[i].port, "%s", cases[i].in);
		else
			ok(!good && a.kind == ADDRESS_NONE && port == 7, "no address with a port, and nothing changes: %s", cases[i].in);
	}
}

static void test_peers(void)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "1.2.3.4", "1.2.3.4" }, { "1.2.3.4:80", "1.2.3.4" }, { "1.2.3.4:0", "1.2.3.4" }, { "[::1]", "::1" }, { "[::1]:65535", "::1" },
		{ "2001:db8::1", "2001:db8::1" }, { "2001:db8::1:80", "2001:db8::1:80" }, { "[::ffff:1.2.3.4]:5", "1.2.3.4" }, { "::ffff:1.2.3.4", "1.2.3.4" },
		{ "fe80::1%eth0", "fe80::1" }, { "[fe80::1%eth0]", "fe80::1" }, { "[fe80::1%25eth0]:80", "fe80::1" }, { "[1.2.3.4]:80", "1.2.3.4" },
		{ "1.2.3.4:", NULL }, { "1.2.3.4:65536", NULL }, { "1.2.3.4:x", NULL }, { ":80", NULL }, { "[::1", NULL }, { "[::1]80", NULL },
		{ "[::1]:", NULL }, { "[::1]:x", NULL }, { "[::1]]", NULL }, { "[]", NULL }, { "[[::1]]", NULL }, { "::1]", NULL }, { "", NULL }, { "[", NULL },
		{ "%eth0", NULL }, { "unknown", NULL }, { "unix:", NULL }, { "host:80", NULL }, { "1.2.3.4 ", NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct address a = { .kind = ADDRESS_UNIX };
		bool good = address_parse_peer(edge(cases[i].in), &a);
		if (cases[i].out)
			is_str(good ? text_of(&a) : "none", cases[i].out, "a peer: %s", cases[i].in);
		else
			ok(!good && a.kind == ADDRESS_UNIX, "no peer, and nothing changes: %s", cases[i].in);
	}
}

static void test_neighbours(void)
{
	static const struct { const char *text; bool near; } cases[] = {
		{ "127.0.0.1", true }, { "127.255.0.1", true }, { "10.9.8.7", true }, { "172.16.0.1", true }, { "172.31.255.255", true }, { "172.32.0.1", false },
		{ "192.168.1.1", true }, { "192.169.1.1", false }, { "169.254.1.1", true }, { "100.64.0.1", true }, { "100.128.0.1", false }, { "8.8.8.8", false },
		{ "::1", true }, { "::2", false }, { "fc00::1", true }, { "fd12::1", true }, { "fe00::1", false }, { "fe80::1", true }, { "2001:db8::1", false },
		{ "::ffff:10.0.0.1", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct address a = { .kind = ADDRESS_NONE };
		ok(address_parse(edge(cases[i].text), &a) && address_is_neighbour(&a) == cases[i].near, "%s: %s", cases[i].text, cases[i].near ? "near" : "far");
	}
	const struct address unknown = { .kind = ADDRESS_NONE }, local = { .kind = ADDRESS_UNIX };
	ok(address_is_neighbour(&unknown) && address_is_neighbour(&local), "so are those without an address");
}

static void test_near(void)
{
	static const struct { const char *a, *b; bool near; } cases[] = {
		{ "192.0.2.7", "192.0.2.7", true }, { "192.0.2.7", "192.0.2.255", true }, { "192.0.2.7", "192.0.3.7", false },
		{ "2001:db8:1:2::5", "2001:db8:1:ffff:1::", true }, { "2001:db8:1::5", "2001:db8:2::5", false },
		{ "::ffff:192.0.2.7", "192.0.2.9", true }, { "192.0.2.7", "c000:207::", false }, { "", "", true }, { "", "192.0.2.7", false },
		{ "192.0.2.7", "", false }, { "host", "host", true }, { "192.0.2.7", "host", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(address_near(edge(cases[i].a), edge(cases[i].b)) == cases[i].near, "%s and %s: %s", cases[i].a, cases[i].b,
			cases[i].near ? "near" : "apart");
}

static void test_names(void)
{
	union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; struct sockaddr_un local; } name = { .v4.sin_family = AF_INET };
	name.v4.sin_addr.s_addr = htonl(0x7f000001);
	struct address a = address_of_name(&name.any);
	is_str(text_of(&a), "127.0.0.1", "a name of IPv4");
	name.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	a = address_of_name(&name.any);
	is_str(text_of(&a), "::1", "a name of IPv6");
	memset(&name.v6.sin6_addr.s6_addr[10], 0xff, 2);
	a = address_of_name(&name.any);
	is_str(text_of(&a), "0.0.0.1", "IPv4 in the form of IPv6");
	name.local.sun_family = AF_UNIX;
	is_int(address_of_name(&name.any).kind, ADDRESS_UNIX, "a socket of this host");
	name.any.sa_family = AF_UNSPEC;
	is_int(address_of_name(&name.any).kind, ADDRESS_NONE, "no family");
}

static void test_loopback(void)
{
	static const struct { const char *in; bool yes; } cases[] = {
		{ "127.0.0.1", true }, { "127.255.255.255", true }, { "128.0.0.1", false }, { "126.0.0.1", false }, { "::1", true },
		{ "::2", false }, { "1::1", false }, { "::ffff:127.0.0.1", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct address a;
		ok(address_parse(edge(cases[i].in), &a) && address_is_loopback(&a) == cases[i].yes, "loopback: %s", cases[i].in);
	}
	ok(!address_is_loopback(&(struct address){ .kind = ADDRESS_UNIX, .b = { 127 } }), "a socket of this host has no address");
}

/* A network's bits at 0, 1, each edge of a byte and beyond the end. in: 1 yes, 0 no, -1 no network. */
static const struct { const char *net, *peer; int in; } networks[] = {
	{ "0.0.0.0/0", "255.255.255.255", 1 }, { "0.0.0.0/0", "::5", 0 }, { "::/0", "1::", 1 }, { "::/0", "1.2.3.4", 0 },
	{ "128.0.0.0/1", "127.255.255.255", 0 }, { "128.0.0.0/1", "200.0.0.0", 1 },
	{ "10.0.0.0/7", "11.0.0.0", 1 }, { "10.0.0.0/7", "12.0.0.0", 0 },
	{ "10.0.0.0/9", "10.127.0.1", 1 }, { "10.0.0.0/9", "10.128.0.1", 0 },
	{ "10.0.0.4/31", "10.0.0.5", 1 }, { "10.0.0.4/31", "10.0.0.6", 0 },
	{ "10.0.0.4/32", "10.0.0.4", 1 }, { "10.0.0.4/33", "10.0.0.4", -1 }, { "10.0.0.4", "10.0.0.5", 0 }, { "10.0.0.4", "10.0.0.4", 1 },
	{ "10.0.0.4/", "10.0.0.4", -1 }, { "10.0.0.4/x", "10.0.0.4", -1 }, { "10.0.0.4/-1", "10.0.0.4", -1 }, { "/8", "10.0.0.4", -1 },
	{ "2001:db8::/127", "2001:db8::1", 1 }, { "2001:db8::/128", "2001:db8::1", 0 },
	{ "2001:db8::1/128", "2001:db8::1", 1 }, { "2001:db8::1/129", "2001:db8::1", -1 },
	{ "", "10.0.0.4", -1 }, { "x", "10.0.0.4", -1 }, { "unix/8", "10.0.0.4", -1 }, { "unix:", "10.0.0.4", -1 }, { "unix", "10.0.0.4", 0 },
	{ "::ffff:10.0.0.0/104", "10.9.9.9", 1 }, { "::ffff:10.0.0.0/104", "11.0.0.0", 0 }, { "::ffff:10.0.0.4", "10.0.0.4", 1 },
	{ "::ffff:0:0/96", "1.2.3.4", 1 }, { "::ffff:0:0/96", "1::", 0 }, { "::ffff:0:0/95", "1.2.3.4", -1 },
};

static void test_networks(void)
{
	for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
		struct network n;
		struct address a;
		address_parse(S("0.0.0.0"), &a);
		address_parse(slice_of(networks[i].peer), &a);
		int in = network_parse(edge(networks[i].net), &n) ? network_holds(&n, &a) : -1;
		is_int(in, networks[i].in, "%s in %s", networks[i].peer, networks[i].net);
	}
	struct network list[2];
	struct address local = { .kind = ADDRESS_UNIX }, none = { .kind = ADDRESS_NONE };
	network_parse(S("::1"), &list[0]);
	network_parse(S("unix"), &list[1]);
	struct networks two = { .list = list, .count = 2 }, one = { .list = list, .count = 1 };
	ok(networks_hold(&two, &local) && !networks_hold(&one, &local), "the word unix holds the sockets of this host");
	ok(!networks_hold(&two, &none), "and not what has no address");
}

int main(void)
{
	test_text();
	test_ports();
	test_peers();
	test_neighbours();
	test_near();
	test_names();
	test_loopback();
	test_networks();
	return done_testing();
}
