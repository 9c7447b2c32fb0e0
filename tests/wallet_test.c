/*
 * wallet_test: addresses in their only spelling, the text that is signed, to the byte, and signatures: SEP-53's own example, and what
 * another implementation (Python's cryptography) made with the keys of SEP-53 and of RFC 8032, 7.1. What is no
 * signature, though it looks like one, is in ed25519_test.c.
 */
#include "wallet.h"

#include "base/base64.h"
#include "config.h"
#include "jwt.h"
#include "t.h"

#define STELLAR "GBXFXNDLV4LSWA4VB7YIL5GBD7BVNR22SGBTDKMO2SBZZHDXSKZYCP7L"
#define SOLANA "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z"
#define NETWORKS S("stellar:pubnet solana:mainnet")

static const int64_t noon = 1795953600;
static struct config config = { .issuer = { "https://login.example/api/auth", 30 } };
static struct keyring ring;
static struct wallet mine, coin;
static struct work work = { .config = &config, .ring = &ring };

static int64_t clock_now;
static int64_t fake_clock(void) { return clock_now; }

static void put_key(size_t at, uint8_t first)
{
	ring.key[at] = (struct key){ .created_at = 1, .master = { first } };
	jwt_name_key(&ring.key[at]);
	ring.count = at + 1;
}

/* ---- addresses --------------------------------------------------------- */

static bool found(const char *chain, const char *address)
{
	struct wallet w;
	return wallet_find(NETWORKS, slice_of(chain), slice_of(address), &w);
}

static void addresses(void)
{
	uint8_t key[WALLET_KEY];
	ok(parse_hex(S("6e5bb46baf172b03950ff085f4c11fc356c75a918331a98ed4839c9c7792b381"), key, sizeof key), "the key of SEP-53's example");
	ok(wallet_find(NETWORKS, S("stellar"), S(STELLAR), &mine) && same_bytes(key, mine.key, sizeof key), "is what its address stands for");
	ok(parse_hex(S("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), key, sizeof key), "RFC 8032's first key");
	ok(wallet_find(NETWORKS, S("solana"), S(SOLANA), &coin) && same_bytes(key, coin.key, sizeof key), "is so in base58");
	ok(found("solana", "11111111111111111111111111111111"), "32 zero bytes are as many letters");
	static const struct { const char *chain, *address, *why; } bad[] = {
		{ "stellar", "GBXFXNDLV4LSWA4VB7YIL5GBD7BVNR22SGBTDKMO2SBZZHDXSKZYCP7K", "another checksum" },
		{ "stellar", "GBXFXNDLV4LSWA4VB7YIL5GBD7BVNR22SGBTDKMO2SBZZHDXSKZYCP7", "a letter less" },
		{ "stellar", "GBXFXNDLV4LSWA4VB7YIL5GBD7BVNR22SGBTDKMO2SBZZHDXSKZYCP7LA", "a letter more" },
		{ "stellar", "gbxfxndlv4lswa4vb7yil5gbd7bvnr22sgbtdkmo2sbzzhdxskzycp7l", "small letters" },
		{ "stellar", "GBXFXNDLV4LSWA4VB7YIL5GBD7BVNR22SGBTDKMO2SBZZHDXSKZYCP01", "digits that base32 lacks" },
		{ "stellar", "SAKICEVQLYWGSOJS4WW7HZJWAHZVEEBS527LHK5V4MLJALYKICQCJXMW", "a secret key" },
		{ "stellar", "", "nothing" },
		{ "solana", "FVen3X669xLzsi6N2V91DoiyzHzg1", "a short number" },
		{ "solana", "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96ZZ", "a digit more" },
		{ "solana", "1FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z", "a zero too many" },
		{ "solana", "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS90Z", "a letter that base58 lacks" },
		{ "solana", "1111111111111111111111111111111", "31 zeros" },
		{ "solana", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "a number of 33 bytes" },
		{ "solana", "", "nothing" },
		{ "ethereum", "0x00", "a chain that we don't know" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!found(bad[i].chain, bad[i].address), "%s: %s", bad[i].chain, bad[i].why);
	struct wallet w;
	ok(!wallet_find(S("solana:mainnet"), S("stellar"), S(STELLAR), &w), "a chain that isn't listed");
	ok(!wallet_find(SLICE_NONE, S("stellar"), S(STELLAR), &w), "nor is any");
	ok(!wallet_find(NETWORKS, S("stellar"), (struct slice){ STELLAR "\0", 57 }, &w), "an address with a NUL");
	char inside[] = STELLAR;
	inside[9] = '\0';
	ok(!wallet_find(NETWORKS, S("stellar"), (struct slice){ inside, sizeof inside - 1 }, &w), "in its midst");
}

/* ---- the text ---------------------------------------------------------- */

#define TEXT_UNTIL(chain, title, address) \
	"login.example wants you to sign in with your " title " account:\n" address "\n\nIt costs nothing, and sends no transaction.\n\n" \
	"URI: https://login.example/api/auth\nVersion: 1\nChain ID: " chain "\nNonce: 00000000000000ab"

static uint64_t sid;
static bool opens(const struct wallet *wallet, struct slice text) { sid = 0; return wallet_open(&work, wallet, text, &sid); }

static struct slice text_at(const struct wallet *wallet, int64_t time)
{
	work.time = time;
	return wallet_text(&work, &ring, wallet, 0xab);
}

static void what_it_says(void)
{
	struct slice text = text_at(&mine, noon);
	ok(slice_starts(text, S(TEXT_UNTIL("stellar:pubnet", "Stellar", STELLAR))), "who wants what of whom: %.*s", (int)text.n, text.p);
	struct slice end = S("\nIssued At: 2026-11-29T12:00:00Z\nExpiration Time: 2026-11-29T12:05:00Z\nRequest ID: 1795953600");
	ok(text.n == sizeof TEXT_UNTIL("stellar:pubnet", "Stellar", STELLAR) - 1 + 32 + end.n && slice_is(slice_from(text, text.n - end.n), end), "from when to when");
	ok(opens(&mine, text) && sid == 0xab, "it is taken, for the session that it is for");
	text = text_at(&coin, noon);
	ok(slice_starts(text, S(TEXT_UNTIL("solana:mainnet", "Solana", SOLANA))) && opens(&coin, text), "another chain's");
	config.issuer = S("latchkey");
	ok(slice_starts(text_at(&coin, noon), S("latchkey wants you")), "an issuer that is no URL is named whole");
	config.issuer = S("http://[::1]:8080/api/auth");
	ok(slice_starts(text_at(&coin, noon), S("[::1]:8080 wants you")), "one with a port keeps it");
	config.issuer = S("https://login.example/api/auth");
}

/* Each byte of it changed, cut off, and put in. */
static void every_byte(void)
{
	struct slice text = text_at(&mine, noon);
	char *copy = arena(text.n + 1);
	size_t taken = 0;
	size_t mark = arena_mark();
	for (size_t i = 0; i < text.n; i++, arena_back(mark)) {
		memcpy(copy, text.p, text.n);
		copy[i] ^= 1;
		taken += opens(&mine, (struct slice){ copy, text.n }) + opens(&mine, (struct slice){ text.p, i });
		memmove(copy + i + 1, text.p + i, text.n - i);
		taken += opens(&mine, (struct slice){ copy, text.n + 1 });
	}
	is_int(taken, 0, "none of %zu texts that differ by a byte is taken", 3 * text.n);
	char *long_one = arena(WALLET_MESSAGE + 1);
	ok(!opens(&mine, (struct slice){ long_one, WALLET_MESSAGE + 1 }), "nor one that is too long");
}

static void whose(void)
{
	struct slice text = text_at(&mine, noon);
	struct wallet other = mine, test = mine;
	other.address = S("GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7");
	test.network = S("testnet");
	ok(!opens(&other, text), "a text for one address is nothing for another");
	ok(!opens(&test, text), "nor on another network");
	config.issuer = S("https://evil.example/api/auth");
	ok(!opens(&mine, text), "nor for another domain");
	config.issuer = S("https://login.example/api/auth");
	put_key(1, 2);
	ok(opens(&mine, text), "a key that was added changes nothing");
	struct key first = ring.key[0];
	ring.key[0] = ring.key[1];
	ring.key[1] = first;
	ok(opens(&mine, text), "nor one that signs now");
	ring.count = 1;
	ok(!opens(&mine, text), "without its key it is nobody's");
	ring.key[0] = first;
}

static void when(void)
{
	struct slice text = text_at(&mine, noon);
	static const struct { int64_t after; bool taken; const char *why; } times[] = {
		{ 0, true, "at once" }, { WALLET_SECONDS - 1, true, "in its last second" }, { WALLET_SECONDS, false, "after its end" },
		{ -JWT_AHEAD_SECONDS, true, "by a clock that is behind" }, { -JWT_AHEAD_SECONDS - 1, false, "from the future" },
	};
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		clock_now = noon + times[i].after;
		is_int(opens(&mine, text), times[i].taken, "%s", times[i].why);
	}
	clock_now = noon;
}

/* ---- signatures -------------------------------------------------------- */

#define HELLO S("Hello, World!")
#define OF_HELLO "fO5dbYhXUhBMhe6kId/cuVq/AfEnHRHEvsP8vXh03M1uLpi5e46yO2Q8rEBzu3feXQewcQE5GArp88u6ePK6BA=="

#define OF_COIN "/q0lFHD6E1OVSanAJoF+fYis3gzGJyKDp0SJvjAzIXsbpOf8BgrRae8fJ616IbpMRgrdu6CYkfl3X09zUwkdCw=="
#define OF_COIN_58 "66KoUssTFG9d7AxgEvsCeegWEypCe7upk4KSCTRrZnPgVSjnrtAi6g3VvUG3YtBPph5cNtMjnaZnimZCv8HQ4suL"
#define OF_TEXT "Wrm7ENfjj/PE5oywJ0UmKUx8OK0v0EjGegHyevnTxSCLv8Dh4ddZAxoHmy7/WEy/Fi3h3xLlwFxBK0WfBQ0OBw=="
#define OF_COIN_TEXT "4GkR1dLnfPUqnyo24MgDv9XMNvPW8SVqVtTY4BBJVDmmZNn4kGjGnAqAu3qa7YVSsM1WiLw8et87SxhrvAA3qYWW"

static bool signs(const struct wallet *w, struct slice text, const char *signature) { return wallet_signed(w, text, slice_of(signature)); }

static void signatures(void)
{
	ok(signs(&mine, HELLO, OF_HELLO), "SEP-53's example");
	ok(!signs(&mine, S("Hello, World?"), OF_HELLO), "of another text");
	ok(!signs(&coin, HELLO, OF_HELLO), "by another key");
	ok(!signs(&mine, HELLO, ""), "none");
	ok(!signs(&mine, HELLO, "fO5d=="), "a short one");
	ok(!signs(&mine, HELLO, "fO5dbYhXUhBMhe6kId/cuVq/AfEnHRHEvsP8vXh03M1uLpi5e46yO2Q8rEBzu3feXQewcQE5GArp88u6ePK6BA"), "without its padding");
	ok(!signs(&mine, HELLO, "fO5dbYhXUhBMhe6kId/cuVq/AfEnHRHEvsP8vXh03M1uLpi5e46yO2Q8rEBzu3feXQewcQE5GArp88u6ePK6BAA="), "with one sign of it");
	ok(signs(&coin, HELLO, OF_COIN), "the text itself");
	ok(signs(&coin, HELLO, OF_COIN_58), "in base58");
	ok(!signs(&coin, HELLO, "0" OF_COIN_58), "with a letter that base58 lacks");
	ok(!signs(&mine, HELLO, OF_COIN_58), "of which Stellar knows nothing");
}

/* The whole way: the text as it was written, and a real signature of it. */
static void ours(void)
{
	ok(signs(&mine, text_at(&mine, noon), OF_TEXT), "a text of ours, signed by Stellar's way");
	ok(signs(&coin, text_at(&coin, noon), OF_COIN_TEXT), "and by Solana's");
}

int main(void)
{
	base_clock = fake_clock;
	clock_now = noon;
	put_key(0, 1);
	addresses();
	what_it_says();
	every_byte();
	whose();
	when();
	signatures();
	ours();
	return done_testing();
}
