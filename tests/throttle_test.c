/*
 * throttle_test: the policy on a clock of the test's own, the addresses, the
 * table when it is missing, damaged, foreign or full, and many processes.
 */
#include "throttle.h"
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { DAY = 86400, START = 1000 };

static int64_t time_now;
static int64_t clock_of_test(void) { return time_now; }

static char dir[] = "/tmp/lk-throttle.XXXXXX";
static char table[PATH_MAX];

static void fresh(void)
{
	unlink(table);
	time_now = START;
}

/* Each gives its memory back: these tests ask thousands of times. */
static int64_t ask(const char *ip, const char *account)
{
	size_t mark = arena_mark();
	int64_t wait = throttle_ask(dir, slice_of(ip), slice_of(account));
	arena_back(mark);
	return wait;
}

static void failed(const char *ip, const char *account)
{
	size_t mark = arena_mark();
	throttle_failed(dir, slice_of(ip), slice_of(account));
	arena_back(mark);
}

static void succeeded(const char *ip, const char *account)
{
	size_t mark = arena_mark();
	throttle_succeeded(dir, slice_of(ip), slice_of(account));
	arena_back(mark);
}

static void returned(const char *ip, const char *account)
{
	size_t mark = arena_mark();
	throttle_returned(dir, slice_of(ip), slice_of(account));
	arena_back(mark);
}

/* ---- SipHash ----------------------------------------------------------- */

/* The authors' vectors: key 00 to 0f, message 00 01 02 and so on. */
static void siphash(void)
{
	static const struct { size_t n; uint64_t want; } vectors[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd }, { 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
		{ 9, 0x9e0082df0ba9e4b0 }, { 15, 0xa129ca6149be45e5 }, { 16, 0x3f2acc7f57c29bdb }, { 63, 0x958a324ceb064572 },
	};
	char message[64];
	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (char)i;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct slice s = { guard(message, vectors[i].n), vectors[i].n };
		uint64_t hash = throttle_hash((const uint8_t *)message, s);
		ok(hash == vectors[i].want, "SipHash-2-4 of %zu bytes: %016" PRIx64, vectors[i].n, hash);
	}
	ok(throttle_hash((const uint8_t *)message, SLICE_NONE) == vectors[0].want, "and of no bytes at all");
}

/* ---- networks ---------------------------------------------------------- */

static void networks(void)
{
	fresh();
	for (int i = 0; i < 5; i++)
		is_int(ask("192.0.2.1", "a"), 0, "try %d of a network", i + 1);
	is_int(ask("192.0.2.1", "a"), 6, "the sixth waits 6 s");
	is_int(ask("192.0.2.1", "b"), 6, "whatever the account");
	is_int(ask("192.0.2.2", "a"), 0, "another network doesn't");
	time_now += 5;
	is_int(ask("192.0.2.1", "a"), 1, "5 s later it waits 1 s");
	time_now += 1;
	is_int(ask("192.0.2.1", "a"), 0, "then one is let through");
	is_int(ask("192.0.2.1", "a"), 6, "and the next waits 6 s again");
	succeeded("192.0.2.1", "a");
	is_int(ask("192.0.2.1", "a"), 0, "a success gives its network that one try back");
	is_int(ask("192.0.2.1", "a"), 6, "and no more");
	time_now += 30;
	succeeded("192.0.2.1", "a");
	for (int i = 0; i < 5; i++)
		is_int(ask("192.0.2.1", "a"), 0, "after half a minute of quiet, try %d", i + 1);
	is_int(ask("192.0.2.1", "a"), 6, "and no more than that");
}

/* Where addresses are unknown a stranger keeps nobody out but the account that he guesses at. */
static void no_addresses(void)
{
	fresh();
	for (int i = 0; i < 5; i++)
		is_int(ask("", "a"), 0, "try %d without an address", i + 1);
	is_int(ask(NULL, "A"), 6, "the sixth for that account waits 6 s");
	is_int(ask("no address", "b"), 0, "another account doesn't");
	succeeded("", "a");
	is_int(ask("", "a"), 0, "a success gives that account its try back");
	is_int(ask("", "a"), 6, "and no more");
}

static void addresses(void)
{
	static const struct { const char *a, *b; bool same; } pairs[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.3", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "::ffff:192.0.2.1", "::ffff:c000:201", true },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
		{ "192.0.2.1", "::192.0.2.1", false },
		{ "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true },
		{ "2001:db8:1:2::1", "2001:DB8:1:2:0::9", true },
		{ "2001:db8:1:2::1", "2001:db8:1:3::1", false },
		{ "fe80::1%eth0", "fe80::2%wlan0", true },
		{ "fe80::1%eth0", "fe80::1", true },
		{ "::1", "127.0.0.1", false },
		{ "0.0.0.0", "::", false },
		{ "", NULL, true },
		{ "", "localhost", true },
		{ "192.0.2", "300.1.1.1", true },
		{ "", "0.0.0.0", false },
		{ "", "::", false },
		{ "unix:", "192.0.2.1 ", true },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		fresh();
		for (int k = 0; k < 5; k++)
			ask(pairs[i].a, "x");
		is_int(ask(pairs[i].b, "x"), pairs[i].same ? 6 : 0, "%s and %s are %s", pairs[i].a, pairs[i].b ? pairs[i].b : "none",
		    pairs[i].same ? "one network" : "two");
	}
}

/* ---- accounts ---------------------------------------------------------- */

static void pairs(void)
{
	fresh();
	for (int i = 0; i < 9; i++)
		failed("192.0.2.1", "ann");
	is_int(ask("192.0.2.1", "ann"), 0, "nine failures cost nothing");
	failed("192.0.2.1", "ann");
	static const int64_t waits[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900 };
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		is_int(ask("192.0.2.1", "ann"), waits[i], "after failure %zu", i + 10);
		time_now += waits[i] - 1;
		is_int(ask("192.0.2.1", "ann"), 1, "a second before its end");
		time_now += 1;
		is_int(ask("192.0.2.1", "ann"), 0, "at its end");
		failed("192.0.2.1", "ann");
	}
	is_int(ask("192.0.2.1", "ANN"), 900, "the name's case makes no other account");
	is_int(ask("192.0.2.1", "anna"), 0, "a longer name does");
	is_int(ask("192.0.2.2", "ann"), 0, "another network isn't held up");
	is_int(ask("192.0.2.1", "ann"), 900, "asking changes nothing");
	succeeded("192.0.2.2", "ann");
	is_int(ask("192.0.2.1", "ann"), 900, "nor does a success elsewhere");
	succeeded("192.0.2.1", "Ann");
	is_int(ask("192.0.2.1", "ann"), 0, "one from here does");
	for (int i = 0; i < 9; i++)
		failed("192.0.2.1", "ann");
	is_int(ask("192.0.2.1", "ann"), 0, "and counts from nothing again");
}

static void forgetting(void)
{
	fresh();
	for (int i = 0; i < 30; i++)
		failed("192.0.2.1", "ann");
	time_now += DAY - 1;
	failed("192.0.2.1", "ann");
	is_int(ask("192.0.2.1", "ann"), 900, "failures are kept for a day");
	time_now += DAY;
	failed("192.0.2.1", "ann");
	is_int(ask("192.0.2.1", "ann"), 0, "and then forgotten");
}

static void from_everywhere(void)
{
	char ip[32];
	fresh();
	for (int i = 0; i < 100; i++) {
		is_int(ask("198.51.100.7", "ann"), 0, "the owner isn't held up by %d failures elsewhere", i);
		time_now += 6;
		snprintf(ip, sizeof ip, "203.0.113.%d", i);
		failed(ip, "ann");
	}
	is_int(ask("198.51.100.7", "ann"), 1, "by a hundred everyone is");
	failed("203.0.113.200", "ann");
	failed("203.0.113.201", "ann");
	is_int(ask("198.51.100.7", "ann"), 4, "and ever longer");
	is_int(ask("198.51.100.7", "bob"), 0, "another account isn't");
	succeeded("198.51.100.7", "ann");
	is_int(ask("203.0.113.222", "ann"), 0, "a success forgives it");
}

/* What refuses for the account's sake isn't a try of the network. */
static void refused_is_free(void)
{
	fresh();
	for (int i = 0; i < 10; i++)
		failed("192.0.2.1", "ann");
	for (int i = 0; i < 50; i++)
		ask("192.0.2.1", "ann");
	is_int(ask("192.0.2.1", "bob"), 0, "fifty refused tries leave the network its five");
}

/* ---- floods ------------------------------------------------------------ */

/* What ended in 503 is as if it hadn't been asked. */
static void give_back(void)
{
	fresh();
	for (int i = 0; i < 20; i++) {
		is_int(ask("192.0.2.1", "alice"), 0, "try %d, whose password isn't judged", i + 1);
		returned("192.0.2.1", "alice");
	}
	for (int i = 0; i < 5; i++)
		is_int(ask("192.0.2.1", "alice"), 0, "then five at once");
	ok(ask("192.0.2.1", "alice") > 0, "and no more");
	fresh();
	for (int i = 0; i < 12; i++) {
		ask("192.0.2.1", "alice");
		failed("192.0.2.1", "alice");
		time_now += 60;
	}
	is_int(ask("192.0.2.1", "alice"), 0, "the one try at the end of a wait");
	is_int(ask("192.0.2.1", "alice"), 4, "the next one waits");
	returned("192.0.2.1", "alice");
	is_int(ask("192.0.2.1", "alice"), 0, "unless that one ended in 503");
	is_int(ask("192.0.2.1", "alice"), 4, "and then again one alone");
	fresh();
	for (int i = 0; i < 103; i++)
		failed(text_join("198.51.100.", dec(i), NULL), "alice");
	time_now += 3600;
	is_int(ask("192.0.2.1", "alice"), 0, "one that is guessed from everywhere");
	ok(ask("192.0.2.2", "alice") > 0, "waits from everywhere");
	returned("192.0.2.1", "alice");
	is_int(ask("192.0.2.2", "alice"), 0, "unless that one ended in 503");
}

static void floods(void)
{
	char text[64];
	fresh();
	for (int i = 0; i < 12; i++)
		failed("192.0.2.1", "ann");
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "203.0.113.%d", i);
		failed(text, "eve");
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(text, sizeof text, "2001:db8:%x::1", i);
		ask(text, "ann");
	}
	is_int(ask("192.0.2.1", "ann"), 4, "twenty thousand networks push no account out");
	for (int i = 0; i < 20000; i++) {
		snprintf(text, sizeof text, "user%d", i);
		failed("192.0.2.77", text);
	}
	is_int(ask("192.0.2.1", "ann"), 4, "nor do twenty thousand accounts that failed once");
	is_int(ask("198.51.100.7", "eve"), 1, "nor one that failed a hundred times");
	struct stat st;
	ok(stat(table, &st) == 0 && st.st_size == 65536, "the table hasn't grown");
}

/* ---- one IPv6 line, which has many networks ------------------------------ */

static const char *line_of(unsigned subnet, unsigned n)
{
	static char ip[64];
	snprintf(ip, sizeof ip, "2001:db8:7:%x::1", subnet << 8 | n);
	return ip;
}

/* How many tries are let through in `seconds`, one from each of a /56's networks in turn, or of a /48's. */
static int let_through(unsigned subnets, int seconds)
{
	int count = 0;
	for (int s = 0; s <= seconds; s++, time_now++)
		for (unsigned n = 0; n < 256; n++) {
			char account[16];
			snprintf(account, sizeof account, "u%d-%u", s, n);
			count += ask(line_of(subnets ? n % subnets : 0, n), account) == 0;
		}
	return count;
}

static void wide_networks(void)
{
	fresh();
	is_int(let_through(0, 0), 20, "of 256 networks of one /56 twenty try at once");
	time_now += 3600;
	is_int(let_through(0, 300), 20 + 100, "and then one every 3 s");
	time_now += 3600;
	is_int(let_through(256, 0), 60, "of 256 of one /48 sixty");
	time_now += 3600;
	is_int(let_through(256, 100), 60 + 100, "and then one each second");
	is_int(ask("2001:db8:8:1::1", "a"), 0, "the next /48 doesn't wait");
	is_int(ask("192.0.2.1", "a"), 0, "nor does IPv4");
	/* Who signed in on his network doesn't wait for his neighbours. */
	fresh();
	succeeded(line_of(3, 3), "ann");
	is_int(let_through(256, 0), 60, "neighbours use up their /48");
	is_int(ask(line_of(5, 5), "zed"), 0, "and a second later one more");
	ok(ask(line_of(4, 4), "ann") > 0, "on a network that is new to her ann waits");
	is_int(ask(line_of(3, 3), "ann"), 0, "where she signed in she doesn't");
	is_int(ask(line_of(3, 3), "bob"), 1, "but bob does");
	/* A success counts nowhere. */
	fresh();
	for (int i = 0; i < 1000; i++) {
		if (ask(line_of(9, (unsigned)i % 256), "carl") != 0)
			break;
		succeeded(line_of(9, (unsigned)i % 256), "carl");
	}
	is_int(ask(line_of(9, 99), "dora"), 0, "however often somebody signs in, the line is free");
}

/* ---- guessing ---------------------------------------------------------- */

static const char *somewhere(unsigned n)
{
	static char ip[32];
	snprintf(ip, sizeof ip, "2001:db8:%x:%x::1", n >> 16, n & 0xffff);
	return ip;
}

static void known_networks(void)
{
	fresh();
	succeeded("198.51.100.7", "ann");
	for (unsigned i = 0; i < 130; i++)
		failed(somewhere(i), "ann");
	is_int(ask("198.51.100.7", "ann"), 0, "where the owner has signed in he gets in, whatever fails elsewhere");
	is_int(ask("198.51.100.7", "ANN"), 0, "however he spells his name");
	is_int(ask("198.51.100.8", "ann"), 900, "another network has to wait");
	succeeded("198.51.100.7", "ann");
	is_int(ask("198.51.100.8", "ann"), 900, "and his signing in there gives guessers nothing");
	for (int i = 0; i < 10; i++)
		failed("198.51.100.7", "ann");
	is_int(ask("198.51.100.7", "ann"), 1, "what fails there counts there");
	time_now += 900;
	succeeded("198.51.100.9", "ann");
	is_int(ask("203.0.113.1", "ann"), 0, "his signing in at a new one forgives all");
	for (unsigned i = 0; i < 130; i++)
		failed(somewhere(i), "ann");
	time_now += 30 * DAY;
	for (unsigned i = 0; i < 130; i++)
		failed(somewhere(i), "ann");
	is_int(ask("198.51.100.9", "ann"), 900, "after a month it is a network like any");
}

/* A user who is renamed: what was known of his networks is told to the table, and nothing else. */
static void renamed(void)
{
	fresh();
	for (unsigned i = 0; i < 130; i++)
		failed(somewhere(i), "beth");
	for (int i = 0; i < 10; i++)
		failed("198.51.100.7", "beth");
	throttle_know(dir, S("198.51.100.7"), S("beth"));
	throttle_know(dir, S("198.51.100.8"), S("BETH"));
	throttle_know("/dev/null", S("198.51.100.9"), S("beth"));
	is_int(ask("198.51.100.8", "beth"), 0, "where the sessions of a renamed user are used from he is let in");
	is_int(ask("198.51.100.7", "beth"), 1, "what failed there counts all the same");
	is_int(ask("198.51.100.9", "beth"), 900, "and another network waits");
}

static bool told(const char *ip, const char *account)
{
	size_t mark = arena_mark();
	bool first = throttle_tell(dir, slice_of(ip), slice_of(account));
	arena_back(mark);
	return first;
}

/* Each wait is told of once, whoever asks however often. */
static void telling(void)
{
	fresh();
	ok(!told("192.0.2.1", "ann"), "nobody waits");
	for (int i = 0; i < 10; i++)
		failed("192.0.2.1", "ann");
	ok(told("192.0.2.1", "ann"), "the first refusal of a wait");
	ok(!told("192.0.2.1", "ann") && !told("192.0.2.1", "ANN"), "and no other");
	ok(!told("192.0.2.1", "bob") && !told("192.0.2.2", "ann"), "others don't wait");
	is_int(ask("192.0.2.1", "ann"), 1, "the wait is what it was");
	time_now += 1;
	is_int(ask("192.0.2.1", "ann"), 0, "and ends when it did");
	ok(told("192.0.2.1", "ann"), "who comes while that try is looked at is told of");
	ok(!told("192.0.2.1", "ann"), "and nobody else");
	failed("192.0.2.1", "ann");
	is_int(ask("192.0.2.1", "ann"), 2, "the failure counts as one");
	ok(told("192.0.2.1", "ann"), "its wait is another one");
	ok(!told("192.0.2.1", "ann"), "which is told of once as well");
	for (unsigned i = 0; i < 100; i++)
		failed(somewhere(i), "carl");
	ok(told(somewhere(200), "carl") && !told(somewhere(201), "carl"), "an account that waits everywhere is told of once");
	succeeded("192.0.2.77", "carl");
	ok(!told("192.0.2.77", "carl"), "where carl signed in there is nothing to tell");
}

static void telling_of_networks(void)
{
	int count = 0;
	fresh();
	for (int i = 0; i < 200; i++, time_now += 1)
		if (ask("192.0.2.1", "x") != 0)
			count += told("192.0.2.1", "x");
	is_int(count, 1, "a network that goes on asking is told of once");
	time_now += 60;
	ok(ask("192.0.2.1", "x") == 0 && !told("192.0.2.1", "x"), "after a while of quiet it doesn't wait");
	for (int i = 0; i < 10; i++)
		ask("192.0.2.1", "x");
	ok(told("192.0.2.1", "x"), "and is told of again");
	for (int i = 0; i < 20; i++)
		ask(line_of(0, (unsigned)i), "y");
	ok(told(line_of(0, 50), "y") && !told(line_of(0, 51), "z"), "so is a wider network, whoever of it asks");
}

static struct throttle_count look(const char *ip, const char *account)
{
	struct throttle_count count;
	size_t mark = arena_mark();
	ok(throttle_look(dir, slice_of(ip), slice_of(account), &count), "the table is looked at");
	arena_back(mark);
	return count;
}

static bool counts(const char *ip, const char *account, int64_t failures, int64_t wait)
{
	struct throttle_count count = look(ip, account);
	return count.failures == failures && count.wait == wait;
}

static bool forgiven(const char *ip, const char *account)
{
	size_t mark = arena_mark();
	bool any = throttle_forgive(dir, slice_of(ip), slice_of(account));
	arena_back(mark);
	return any;
}

static void for_the_operator(void)
{
	fresh();
	for (int i = 0; i < 11; i++)
		failed("2001:db8::1", "ann");
	for (int i = 0; i < 5; i++)
		ask("2001:db8::1", "bob");
	ok(told("2001:db8::1", "ann"), "the wait was told of");
	ok(counts("2001:db8::2", "Ann", 11, 2), "what is counted of an account from a network");
	ok(counts(NULL, "ann", 11, 0), "and from all");
	ok(counts("2001:db8::3", NULL, 0, 6), "how long a network waits");
	ok(counts("2001:db8:1::1", "ann", 0, 0) && counts("192.0.2.1", NULL, 0, 0) && counts(NULL, "zed", 0, 0), "what isn't counted is 0");
	ok(look("2001:db8::1", "ann").key == look("2001:db8::ffff", "ANN").key && look("2001:db8::1", "ann").key != look("2001:db8::1", "bob").key,
		"a network and an account have one key");
	ok(look("2001:db8::1", NULL).key != look("2001:db8:0:1::1", NULL).key, "another network has another");
	ok(counts("2001:db8::2", "ann", 11, 2), "to look changes nothing");
	ok(!forgiven("2001:db8::1", "zed") && !forgiven("2001:db8:1::1", NULL) && !forgiven(NULL, "zed"), "where nothing is counted nothing is forgiven");
	ok(forgiven("2001:db8::9", "ANN") && counts("2001:db8::1", "ann", 0, 0) && counts(NULL, "ann", 11, 0), "an account is forgiven from one network");
	ok(forgiven(NULL, "ann") && counts(NULL, "ann", 0, 0) && !forgiven(NULL, "ann"), "and from all");
	ok(forgiven("2001:db8::1", NULL) && ask("2001:db8::1", "ann") == 0, "a network is forgiven");
	for (int i = 0; i < 20; i++)
		ask(line_of(0, (unsigned)i), "y");
	ok(look(line_of(0, 50), NULL).wait > 0, "a wider network waits");
	ok(forgiven(line_of(0, 50), NULL) && look(line_of(0, 50), NULL).wait == 0, "and is forgiven with each of its own");
}

/* Sixty come in the moment in which a wait is over. */
static void one_at_a_time(void)
{
	int through = 0;
	fresh();
	for (unsigned i = 0; i < 105; i++)
		failed(somewhere(i), "ann");
	time_now += 900;
	for (unsigned i = 0; i < 60; i++)
		through += ask(somewhere(1000 + i), "ann") == 0;
	is_int(through, 1, "of sixty networks at once one is let through");
	for (int i = 0; i < 10; i++)
		failed("192.0.2.1", "bob");
	time_now += 1;
	through = 0;
	for (unsigned i = 0; i < 5; i++)
		through += ask("192.0.2.1", "bob") == 0;
	is_int(through, 1, "and of five tries at once from one");
	for (int i = 0; i < 12; i++)
		failed("192.0.2.2", "cleo");
	for (int i = 0; i < 5; i++)
		ask("192.0.2.2", "dora");
	time_now += 4;
	is_int(ask("192.0.2.2", "cleo"), 2, "whom the network's rate refuses");
	time_now += 2;
	is_int(ask("192.0.2.2", "cleo"), 0, "does not begin the account's wait anew");
}

/* A day of guessing, a try every 3 s from wherever is most: what got through. The owner signs in each hour. */
static int day_of(const char *(*from)(unsigned), bool one_account, bool owner)
{
	int tried = 0;
	fresh();
	if (owner)
		succeeded("198.51.100.7", "ann");
	for (unsigned i = 0; i < DAY; i += 3, time_now += 3) {
		char account[32] = "ann";
		if (!one_account)
			snprintf(account, sizeof account, "user%u", i % 1000);
		if (owner && i % 3600 == 1800) {
			if (ask("198.51.100.7", "ann") != 0)
				return -1;
			succeeded("198.51.100.7", "ann");
		}
		if (ask(from(i), account) == 0) {
			tried++;
			failed(from(i), account);
		}
	}
	return tried;
}

static const char *one_network(unsigned n)
{
	(void)n;
	return "192.0.2.1";
}

static void days(void)
{
	int n = day_of(somewhere, true, true);
	ok(n >= 0, "the owner got in each hour");
	ok(n > 100 && n <= 210, "one account, from 28800 networks: %d guesses a day", n);
	n = day_of(one_network, true, false);
	ok(n > 10 && n <= 120, "one account, from one network: %d", n);
	n = day_of(one_network, false, false);
	ok(n > 5000 && n <= 5 + DAY / 6, "a thousand accounts, from one network: %d", n);
}

/* ---- the table --------------------------------------------------------- */

static void file_of_table(void)
{
	struct stat st;
	fresh();
	umask(0);
	ask("192.0.2.1", "ann");
	umask(022);
	ok(stat(table, &st) == 0 && st.st_size == 65536 && (st.st_mode & 07777) == 0600, "64 KiB, ours alone");
	char first[24], second[24];
	int fd = open(table, O_RDONLY);
	ok(read(fd, first, sizeof first) == sizeof first, "has a header");
	close(fd);
	fresh();
	ask("192.0.2.1", "ann");
	fd = open(table, O_RDONLY);
	ok(read(fd, second, sizeof second) == sizeof second && memcmp(first, second, sizeof first) != 0, "with a secret of its own");
	close(fd);
}

/* After a reboot the boot clock begins anew; a table on flash doesn't. */
static void reboot(void)
{
	fresh();
	time_now = 40 * DAY;
	for (int i = 0; i < 30; i++)
		failed("192.0.2.1", "ann");
	for (int i = 0; i < 5; i++)
		ask("192.0.2.1", "bob");
	is_int(ask("192.0.2.1", "ann"), 900, "held up for an account");
	is_int(ask("192.0.2.1", "bob"), 6, "held up for a network");
	time_now = 5;
	is_int(ask("192.0.2.1", "ann"), 0, "what a former boot counted holds nobody up");
	is_int(ask("192.0.2.1", "bob"), 0, "be it account or network");
	time_now = 3;
	for (int i = 0; i < 10; i++)
		failed("192.0.2.9", "cleo");
	is_int(ask("192.0.2.9", "cleo"), 1, "seconds after boot it works as ever");
}

/* One round in a child, what it logged in t_err; the sum of its waits is returned. */
static void round_of_six(void *unused)
{
	(void)unused;
	int64_t sum = 0;
	for (int i = 0; i < 6; i++)
		sum += ask("192.0.2.1", "ann");
	failed("192.0.2.1", "ann");
	succeeded("192.0.2.1", "ann");
	exit((int)sum);
}

static unsigned lines_with(const char *site)
{
	unsigned n = 0;
	for (const char *at = t_err; (at = strstr(at, site)); at++)
		n++;
	return n;
}

static void put(const char *bytes, size_t n, off_t size)
{
	unlink(table);
	int fd = open(table, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || ftruncate(fd, size) != 0)
		ok(false, "a file for the test");
	close(fd);
}

static void damage(void)
{
	static const char garbage[65536] = { 'g' };
	static const struct { const char *name; size_t bytes; off_t size; bool logged; } files[] = {
		{ "an empty file", 0, 0, false },
		{ "one byte", 1, 1, true },
		{ "a byte short", 65535, 65535, true },
		{ "a byte long", 65536, 65537, true },
		{ "zeros", 0, 65536, true },
		{ "garbage", 65536, 65536, true },
	};
	time_now = START;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		put(garbage, files[i].bytes, files[i].size);
		is_int(dies(round_of_six, NULL), 6, "%s is made a table", files[i].name);
		is_int(lines_with("TH1"), files[i].logged, "and that is %slogged", files[i].logged ? "" : "not ");
		is_int(lines_with("TH2") + lines_with("TH3"), 0, "and no trouble is");
	}
	/* Right header, then bytes that no one wrote: whatever they are taken for, it works. */
	char noise[65536];
	int fd = open(table, O_RDWR);
	for (int seed = 0; seed < 20; seed++) {
		random_bytes(noise, sizeof noise);
		ok(pwrite(fd, noise + 128, sizeof noise - 128, 128) == sizeof noise - 128 && dies(round_of_six, NULL) == 6, "noise in the rows, %d", seed);
	}
	close(fd);
}

/* None of these is used, each call says so once, and nobody is held up. */
static void asked_in_vain(void *unused)
{
	struct throttle_count count;
	(void)unused;
	bool any = throttle_tell(dir, S("192.0.2.1"), S("a")) || throttle_look(dir, S("192.0.2.1"), S("a"), &count)
		|| throttle_forgive(dir, S("192.0.2.1"), S("a"));
	exit(any);
}

static void unusable(const char *what)
{
	is_int(dies(asked_in_vain, NULL), 0, "%s: tells of nothing", what);
	is_int(dies(round_of_six, NULL), 0, "%s: throttles nothing", what);
	is_int(lines_with("latchkey: TH2: "), 8, "and says so at each call: %.80s", t_err);
}

static void strangers(void)
{
	struct stat st;
	char other[PATH_MAX];
	snprintf(other, sizeof other, "%s/other", dir);
	fresh();
	ok(symlink(other, table) == 0, "a link stands where the table should");
	unusable("a symbolic link");
	ok(stat(other, &st) != 0, "and nothing was made behind it");
	unlink(table);
	ok(mkdir(table, 0700) == 0, "a directory stands there");
	unusable("a directory");
	rmdir(table);
	ok(mkfifo(table, 0600) == 0, "a FIFO stands there");
	unusable("a FIFO");
	unlink(table);
	if (geteuid() == 0) {
		put("", 0, 65536);
		ok(chown(table, 65534, 65534) == 0, "a file of someone else's stands there");
		unusable("a foreign file");
		ok(stat(table, &st) == 0 && st.st_uid == 65534 && st.st_blocks == 0, "and it is left alone");
		unlink(table);
	}
	char *end = dir + strlen(dir);
	char last = end[-1];
	end[-1] = '\0';
	unusable("a directory that isn't there");
	end[-1] = last;
}

/* As somebody who may read the directory and no more. */
static void as_reader(void *unused)
{
	if (geteuid() == 0 && setuid(65534) != 0)
		exit(77);
	round_of_six(unused);
}

static void read_only(void)
{
	fresh();
	ok(chmod(dir, 0555) == 0, "a directory that may be read only");
	is_int(dies(as_reader, NULL), 0, "throttles nothing");
	is_int(lines_with("latchkey: TH2: "), 8, "and says so at each call");
	ok(chmod(dir, 0700) == 0, "it may be written again");
}

/* Files may not grow past `size`, until the test is over and gcov writes its own. */
static void with_no_room(void *size)
{
	struct rlimit before, little;
	getrlimit(RLIMIT_FSIZE, &before);
	little = (struct rlimit){ *(rlim_t *)size, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &little);
	int64_t wait = ask("192.0.2.1", "ann");
	failed("192.0.2.1", "ann");
	setrlimit(RLIMIT_FSIZE, &before);
	exit((int)wait);
}

static void no_room(void)
{
	rlim_t half = 64, header = 128, some = 4096;
	fresh();
	ask("192.0.2.1", "ann");
	is_int(dies(with_no_room, &header), 0, "a table whose rows can't be written throttles nothing");
	is_int(lines_with("latchkey: TH3: "), 2, "and says so at each call");
	fresh();
	is_int(dies(with_no_room, &some), 0, "so does one that can't be made");
	is_int(lines_with("latchkey: TH2: "), 2, "and says so at each call");
	fresh();
	is_int(dies(with_no_room, &half), 0, "so does one whose header has no room");
	ok(strstr(t_err, "latchkey: TH2: ") != NULL, "and says so");
}

static void ask_once(void *unused)
{
	(void)unused;
	exit((int)ask("192.0.2.1", "ann"));
}

/* A process that took the lock and was stopped then. */
static pid_t frozen_holder(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(table, O_RDWR);
		if (fd >= 0 && flock(fd, LOCK_EX) == 0)
			raise(SIGSTOP);
		_exit(1);
	}
	ok(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), "somebody holds the lock and is stopped");
	return pid;
}

static void held_lock(void)
{
	struct timespec before, after;
	fresh();
	for (int i = 0; i < 5; i++)
		ask("192.0.2.1", "ann");
	fflush(NULL);
	pid_t pid = frozen_holder();
	clock_gettime(CLOCK_MONOTONIC, &before);
	is_int(dies(ask_once, NULL), 0, "who waits for the lock in vain isn't throttled");
	clock_gettime(CLOCK_MONOTONIC, &after);
	ok(after.tv_sec - before.tv_sec >= 1 && after.tv_sec - before.tv_sec <= 10, "and doesn't wait for ever");
	is_int(lines_with("latchkey: TH2: "), 1, "which is logged");
	ok(strstr(t_err, strerror(ETIMEDOUT)) != NULL, "with its reason");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	is_int(ask("192.0.2.1", "ann"), 6, "once the lock is free the table counts as before");
}

/* ---- many processes ---------------------------------------------------- */

static void together(void)
{
	enum { PROCESSES = 16 };
	int passed = 0, status;
	fresh();
	fflush(NULL);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			int64_t wait = ask("192.0.2.1", "ann");
			failed("192.0.2.2", "bob");
			_exit(wait == 0);
		}
	for (int i = 0; i < PROCESSES; i++)
		passed += wait(&status) > 0 && WEXITSTATUS(status);
	is_int(passed, 5, "of sixteen at once exactly five pass");
	is_int(ask("192.0.2.2", "bob"), 64, "and none of sixteen failures is lost");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 2;
	snprintf(table, sizeof table, "%s/throttle", dir);
	throttle_clock = clock_of_test;
	siphash();
	networks();
	no_addresses();
	addresses();
	pairs();
	forgetting();
	from_everywhere();
	refused_is_free();
	give_back();
	floods();
	wide_networks();
	known_networks();
	renamed();
	telling();
	telling_of_networks();
	for_the_operator();
	one_at_a_time();
	days();
	file_of_table();
	reboot();
	damage();
	strangers();
	read_only();
	no_room();
	held_lock();
	together();
	fresh();
	rmdir(dir);
	return done_testing();
}
