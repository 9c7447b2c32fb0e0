/*
 * wallet: see wallet.h.
 *
 * A text is never parsed for what it says: it is ours, to the byte, by its MAC, and what we need of it stands in its Nonce and in its Request ID,
 * which is the time in Unix seconds. So that a text of one wallet isn't taken for another's, it must be the one that we would write for this one.
 */
#include "wallet.h"

#include <string.h>

#include "base/base64.h"
#include "config.h"
#include "derive.h"
#include "ed25519.h"
#include "jwt.h"

enum { MAC = 16, STRKEY = 35, STRKEY_TEXT = 56, STRKEY_ACCOUNT = 6 << 3 };

/* ---- addresses --------------------------------------------------------- */

/* Of a byte, its place in the alphabet; -1: none. */
static int place_in(const char *alphabet, char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

/* base32 (RFC 4648, 6) of exactly 35 bytes, which end with a letter: no padding, and no bits left over. */
static bool read_base32(struct slice text, uint8_t out[STRKEY])
{
	unsigned bits = 0, held = 0;
	size_t n = 0;
	if (text.n != STRKEY_TEXT)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int five = place_in("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", text.p[i]);
		if (five < 0)
			return false;
		held = (held << 5 | (unsigned)five) & 0xfff;
		bits += 5;
		if (bits >= 8)
			out[n++] = (uint8_t)(held >> (bits -= 8));
	}
	return true;
}

/* CRC-16/XMODEM: the polynomial 0x1021, from 0. */
static unsigned crc16(const uint8_t *bytes, size_t n)
{
	unsigned crc = 0;
	for (size_t i = 0; i < 8 * n; i++) {
		unsigned bit = bytes[i / 8] >> (7 - i % 8) & 1, top = crc >> 15 & 1;
		crc = (crc << 1 & 0xffff) ^ (bit != top ? 0x1021 : 0);
	}
	return crc;
}

/* SEP-23: a byte of the version, the key, and its checksum with the low byte first. */
static bool read_stellar(struct slice address, uint8_t key[WALLET_KEY])
{
	uint8_t bytes[STRKEY] = { 0 };
	if (!read_base32(address, bytes) || bytes[0] != STRKEY_ACCOUNT || crc16(bytes, STRKEY - 2) != (bytes[STRKEY - 2] | (unsigned)bytes[STRKEY - 1] << 8))
		return false;
	memcpy(key, bytes + 1, WALLET_KEY);
	return true;
}

/* Multiplies the number by 58 and adds a digit; false where it gets too long. */
static bool add_digit(uint8_t *number, size_t size, unsigned digit)
{
	for (size_t i = size; i--;) {
		digit += number[i] * 58u;
		number[i] = (uint8_t)digit;
		digit >>= 8;
	}
	return digit == 0;
}

/* base58 of exactly `size` bytes. Each zero byte at the front is one letter "1", and there are no others: that is its only spelling. */
static bool read_base58(struct slice text, uint8_t *out, size_t size)
{
	size_t ones = 0, zeros = 0;
	memset(out, 0, size);
	for (size_t i = 0; i < text.n; i++) {
		int digit = place_in("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", text.p[i]);
		if (digit < 0 || !add_digit(out, size, (unsigned)digit))
			return false;
		ones += digit == 0 && ones == i;
	}
	while (zeros < size && out[zeros] == 0)
		zeros++;
	return ones == zeros;
}

static bool read_solana(struct slice address, uint8_t key[WALLET_KEY])
{
	return read_base58(address, key, WALLET_KEY);
}

/* ---- chains ------------------------------------------------------------ */

/* What a wallet of SEP-53 really signs: a hash. */
static struct slice stellar_signs(struct slice text)
{
	uint8_t hash[DERIVE_MAC];
	struct buf b = { 0 };
	buf_s(&b, "Stellar Signed Message:\n");
	buf_add(&b, text);
	derive_sha256(buf_slice(&b), hash);
	return arena_copy((struct slice){ (const char *)hash, sizeof hash });
}

static struct slice solana_signs(struct slice text)
{
	return text;
}

static const struct chain {
	struct slice name;
	const char *title;              /* for people */
	bool (*read)(struct slice address, uint8_t key[WALLET_KEY]);
	struct slice (*signs)(struct slice text);
	bool base58;                    /* a signature may come so */
} chains[] = {
	{ { "stellar", 7 }, "Stellar", read_stellar, stellar_signs, false },
	{ { "solana", 6 }, "Solana", read_solana, solana_signs, true },
};

static const struct chain *chain_named(struct slice name)
{
	for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
		if (slice_is(chains[i].name, name))
			return &chains[i];
	return NULL;
}

struct slice wallet_title(struct slice chain)
{
	return slice_of(chain_named(chain)->title);
}

/* The network of the first word "chain:network" with that chain; SLICE_NONE. */
static struct slice network_of(struct slice networks, struct slice chain)
{
	while (networks.p) {
		struct slice word = slice_cut(&networks, ' '), name = slice_cut(&word, ':');
		if (slice_is(name, chain))
			return word;
	}
	return SLICE_NONE;
}

bool wallet_find(struct slice networks, struct slice chain, struct slice address, struct wallet *out)
{
	const struct chain *c = chain_named(chain);
	*out = (struct wallet){ .chain = chain, .network = network_of(networks, chain), .address = address };
	return c && out->network.p && c->read(address, out->key);
}

/* ---- the text ---------------------------------------------------------- */

/* Of an issuer that is a URL, its host and port. */
static struct slice domain_of(struct slice issuer)
{
	struct slice rest = slice_starts(issuer, S("https://")) ? slice_from(issuer, 8) : slice_starts(issuer, S("http://")) ? slice_from(issuer, 7) : issuer;
	return slice_cut(&rest, '/');
}

static void put_line(struct buf *b, const char *name, struct slice value)
{
	buf_s(b, name);
	buf_add(b, value);
	buf_c(b, '\n');
}

static void put_time(struct buf *b, const char *name, int64_t time)
{
	buf_s(b, name);
	buf_time(b, time);
	buf_c(b, '\n');
}

/* EIP-4361 up to the Nonce, which is its last line here but three. */
static void put_beginning(struct buf *b, const struct work *w, const struct wallet *wallet)
{
	struct slice issuer = w->config->issuer;
	buf_add(b, domain_of(issuer));
	put_line(b, " wants you to sign in with your ", slice_of(text_join(slice_text(wallet_title(wallet->chain)), " account:", NULL)));
	put_line(b, "", wallet->address);
	put_line(b, "\n", S("It costs nothing, and sends no transaction.\n"));
	put_line(b, "URI: ", issuer);
	put_line(b, "Version: 1\nChain ID: ", slice_of(text_join(slice_text(wallet->chain), ":", slice_text(wallet->network), NULL)));
}

static void put_nonce(struct buf *b, uint64_t sid, const uint8_t *mac)
{
	buf_s(b, "Nonce: ");
	buf_hex(b, sid);
	if (mac)
		buf_hex_bytes(b, mac, MAC);
	buf_c(b, '\n');
}

static struct slice whole_text(const struct work *w, const struct wallet *wallet, uint64_t sid, int64_t iat, const uint8_t *mac)
{
	struct buf b = { 0 };
	put_beginning(&b, w, wallet);
	put_nonce(&b, sid, mac);
	put_time(&b, "Issued At: ", iat);
	put_time(&b, "Expiration Time: ", iat + WALLET_SECONDS);
	buf_s(&b, "Request ID: ");
	buf_int(&b, iat);
	return buf_slice(&b);
}

/* The text with the MAC of its own, by that key. */
static struct slice sealed_text(const struct work *w, const struct key *key, const struct wallet *wallet, uint64_t sid, int64_t iat)
{
	uint8_t mac[DERIVE_MAC];
	derive_mac(key, DERIVE_WALLET, whole_text(w, wallet, sid, iat, NULL), mac);
	return whole_text(w, wallet, sid, iat, mac);
}

struct slice wallet_text(const struct work *w, const struct keyring *ring, const struct wallet *wallet, uint64_t sid)
{
	return sealed_text(w, &ring->key[0], wallet, sid, w->time);
}

/* What stands behind `name`, up to the end of its line; SLICE_NONE. */
static struct slice value_of(struct slice text, struct slice name)
{
	while (text.p) {
		struct slice line = slice_cut(&text, '\n');
		if (slice_starts(line, name))
			return slice_from(line, name.n);
	}
	return SLICE_NONE;
}

/* By the clock of this host: a text is used within minutes of its making. */
static bool is_timely(int64_t iat)
{
	return iat <= now() + JWT_AHEAD_SECONDS && now() < iat + WALLET_SECONDS;
}

bool wallet_open(const struct work *w, const struct wallet *wallet, struct slice text, uint64_t *sid)
{
	struct slice nonce = value_of(text, S("Nonce: "));
	int64_t iat;
	bool ours = false;
	nonce.n = nonce.n > 16 ? 16 : 0;
	if (text.n > WALLET_MESSAGE || !parse_id(nonce, sid) || !parse_number(value_of(text, S("Request ID: ")), 0, INT32_MAX * INT64_C(1024), &iat))
		return false;
	for (size_t i = 0; i < w->ring->count; i++) {
		struct slice made = sealed_text(w, &w->ring->key[i], wallet, *sid, iat);
		ours |= made.n == text.n && same_bytes(made.p, text.p, text.n);
	}
	return ours && is_timely(iat);
}

/* ---- the signature ----------------------------------------------------- */

/* base64 of 64 bytes has two signs of padding. */
static bool read_signature(const struct chain *c, struct slice text, uint8_t out[ED25519_SIGNATURE])
{
	struct slice rest = text;
	if (text.n < 3 || text.p[text.n - 1] != '=')
		return c->base58 && read_base58(text, out, ED25519_SIGNATURE);
	rest.n -= 2;
	return text.p[rest.n] == '=' && base64_read(rest, out, ED25519_SIGNATURE);
}

bool wallet_signed(const struct wallet *wallet, struct slice text, struct slice signature)
{
	const struct chain *c = chain_named(wallet->chain);
	uint8_t bytes[ED25519_SIGNATURE];
	if (!read_signature(c, signature, bytes))
		return false;
	return ed25519_is_good((struct slice){ (const char *)wallet->key, WALLET_KEY }, c->signs(text), (struct slice){ (const char *)bytes, sizeof bytes });
}
