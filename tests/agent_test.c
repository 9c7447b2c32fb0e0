/*
 * agent_test: what is packed comes back, byte for byte; what everybody sends
 * gets short; what was never packed gives some text, and not too much.
 */
#include "t.h"

#include "store/sqlite_agent.h"

enum { FIRST = 0x80, LAST = 0xfe, ITSELF = 0xff };

static struct slice cut(struct slice s)
{
	return (struct slice){ s.p, s.n < LIMIT_AGENT ? s.n : LIMIT_AGENT };
}

/* Packed and unpacked, each from where a read past its end is seen. */
static size_t there_and_back(struct slice text, const char *what)
{
	struct slice packed = agent_pack((struct slice){ guard(text.p, text.n), text.n });
	ok(slice_is(agent_unpack((struct slice){ guard(packed.p, packed.n), packed.n }), text), "%s", what);
	return packed.n;
}

static void common_ones(void)
{
	static const struct { size_t most; const char *text; } known[] = {
		{ 8, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36" },
		{ 8, "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36" },
		{ 16, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0" },
		{ 16, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1" },
		{ 16, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15" },
		{ 18, "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0" },
		{ 20, "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0" },
		{ 36, "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240205.004)" },
		{ 44, "Example/3.2.1 (com.example.app; build:321; iOS 18.1.0) Alamofire/5.9.1" },
		{ 36, "Example/321 CFNetwork/1568.100.1 Darwin/24.0.0" },
		{ 8, "okhttp/4.12.0" },
		{ 8, "curl/8.5.0" },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		size_t n = there_and_back(slice_of(known[i].text), known[i].text);
		ok(n <= known[i].most, "in at most %zu bytes (%zu)", known[i].most, n);
	}
}

static void any_bytes(void)
{
	there_and_back(SLICE_NONE, "nothing");
	bool good = true;
	for (unsigned c = 0; c < 256; c++) {
		char one = (char)c;
		struct slice text = { &one, 1 };
		good &= slice_is(agent_unpack(agent_pack(text)), text);
	}
	ok(good, "each byte by itself");
	char all[LIMIT_AGENT];
	memset(all, 0xff, sizeof all);
	ok(there_and_back((struct slice){ all, sizeof all }, "as long as can be, of bytes that are none of ours") == 2 * LIMIT_AGENT,
		"twice as long then");
}

/* Each byte that stands for a piece, and what begins and ends with half of one. */
static void pieces(void)
{
	int many = 0;
	bool alone = true, halves = true;
	for (unsigned c = FIRST; c <= LAST; c++) {
		char code = (char)c;
		struct slice piece = agent_unpack((struct slice){ &code, 1 });
		if (piece.n == 0)
			continue;
		many++;
		alone &= slice_is(agent_pack(piece), (struct slice){ &code, 1 });
		struct slice half = slice_from(piece, piece.n / 2), front = { piece.p, piece.n - 1 };
		halves &= slice_is(agent_unpack(agent_pack(half)), half) && slice_is(agent_unpack(agent_pack(front)), front);
	}
	ok(many > 50 && alone, "each of %d pieces is one byte, and no other's", many);
	ok(halves, "halves of a piece come back too");
}

static void whatever_was_never_packed(void)
{
	bool bounded = true, repeated = true;
	for (unsigned c = 0; c < 256; c++) {
		char row[3 * LIMIT_AGENT];
		memset(row, (int)c, sizeof row);
		struct slice text = agent_unpack((struct slice){ guard(row, sizeof row), sizeof row });
		bounded &= text.n <= LIMIT_AGENT;
		repeated &= slice_is(agent_unpack(agent_pack(cut(text))), text);
	}
	ok(bounded, "no row gives more than the longest text");
	ok(repeated, "and what it gives could have been a text");
	ok(agent_unpack(S("\xfe")).n == 0, "a piece of a later program is left out");
	ok(agent_unpack(S("a\xff")).n == 1, "nothing stands behind the end");
}

int main(void)
{
	common_ones();
	any_bytes();
	pieces();
	whatever_was_never_packed();
	return done_testing();
}
