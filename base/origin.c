/*
 * origin: see origin.h.
 */
#include "base/origin.h"

#include <string.h>

#include "base/address.h"

static bool scheme_ok(struct slice s)
{
	return s.n > 0 && s.p[0] >= 'a' && s.p[0] <= 'z' && slice_made_small(s, "+.-");
}

static bool is_ipv6(struct slice s)
{
	struct address a;
	return address_parse(s, &a) && memchr(s.p, ':', s.n);
}

bool origin_host_ok(struct slice s)
{
	bool address = slice_starts(s, S("["));
	if (!slice_made_small(s, address ? "[:.]" : "._-"))
		return false;
	if (address)
		return s.p[s.n - 1] == ']' && is_ipv6((struct slice){ s.p + 1, s.n - 2 });
	return s.n > 0;
}

/* A port that a browser would write: its scheme's own is left out. */
static bool port_ok(struct slice port, struct slice scheme)
{
	int64_t number;
	if (!parse_number(port, 1, 65535, &number) || port.p[0] == '0')
		return false;
	if (slice_is(scheme, S("http")))
		return number != 80;
	return !slice_is(scheme, S("https")) || number != 443;
}

bool origin_ok(struct slice origin)
{
	struct slice host = origin, scheme = slice_cut(&host, ':');
	if (!scheme_ok(scheme) || !slice_starts(host, S("//")))
		return false;
	host = slice_from(host, 2);
	if (host.n && host.p[host.n - 1] == ']')
		return origin_host_ok(host);
	struct slice port = slice_cut_last(&host, ':');
	return host.p ? origin_host_ok(host) && port_ok(port, scheme) : origin_host_ok(port);
}
