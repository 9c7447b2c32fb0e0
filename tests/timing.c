/*
 * timing: runs what handles secrets under valgrind, with the secrets marked as bytes that nobody has set.
 *
 *	valgrind --error-exitcode=9 timing token|password|client [memcmp]
 *	valgrind --tool=cachegrind timing es256|rs256 KEY DIR
 *
 * Memcheck follows marked bytes through every copy and computation, and reports each branch and each index that depends
 * on one. What may depend on them is the verdict of same_bytes() alone, so the linker puts __wrap_same_bytes() into its
 * place (-Wl,--wrap), which asks the real one and unmarks what it said. With the word `memcmp` it asks memcmp(), as a
 * careless program would: that must be reported.
 *
 *	token     the master keys are marked: whatever is derived from them, and the MAC that a token is held against
 *	client    the secret that a client shows, and the hash of its own in latchkey.clients
 *	es256, rs256   signs by the key of that number. Here instructions are counted, which must be the same for each key: BearSSL judges
 *	          whether a private key is in its range, so that bytes that depend on it decide, as they may
 *	password  the hash in a stored password, and the one that Argon2id makes. Argon2id itself is left out: in its
 *	          second half it chooses its blocks by what they hold (RFC 9106, 3.4), on purpose; the salt blurs that
 */
#include "client.h"
#include "derive.h"
#include "jwt.h"
#include "password.h"
#include "sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <crypto_pwhash/argon2/argon2.h>
#include <valgrind/memcheck.h>

static bool careless, checking;

/* Through a pointer that the compiler can't see through, or it would compare in its own way. */
static int (*const volatile libc_memcmp)(const void *, const void *, size_t) = memcmp;

bool __real_same_bytes(const void *a, const void *b, size_t n);
bool __wrap_same_bytes(const void *a, const void *b, size_t n);
bool __wrap_same_bytes(const void *a, const void *b, size_t n)
{
	bool same = careless ? libc_memcmp(a, b, n) == 0 : __real_same_bytes(a, b, n);
	VALGRIND_MAKE_MEM_DEFINED(&same, sizeof same);
	return same;
}

int __real_argon2_ctx(argon2_context *context, argon2_type type);
int __wrap_argon2_ctx(argon2_context *context, argon2_type type);
int __wrap_argon2_ctx(argon2_context *context, argon2_type type)
{
	int failed = __real_argon2_ctx(context, type);
	if (checking)
		VALGRIND_MAKE_MEM_UNDEFINED(context->out, context->outlen);
	return failed;
}

static void hide(const void *p, size_t n)
{
	VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void expect(bool so, const char *what)
{
	if (so)
		return;
	fprintf(stderr, "timing: %s\n", what);
	exit(2);
}

/* ---- tokens ------------------------------------------------------------ */

/* The same token with another digit at one place. */
static struct slice changed(struct slice token, size_t at)
{
	char *text = slice_text(token);
	text[at] = text[at] == 'A' ? 'B' : 'A';
	return (struct slice){ text, token.n };
}

/* One of each kind, by one key. */
struct made { struct slice access, refresh, link, site, code, device, by_es256; };

static void open_tickets(const struct keyring *ring, const struct made *m)
{
	struct code_claims c;
	struct device_claims d;
	struct access_claims a;
	size_t signer, jti = 120;       /* the last letter of the MAC of a token by ES256 */
	expect(jwt_open_code(m->code, ring, &c, &signer) == JWT_VALID, "a good code opens");
	expect(jwt_open_device(m->device, ring, &d, &signer) == JWT_VALID, "a good device code opens");
	expect(jwt_open_signed(m->by_es256, ring, &a, &signer) == JWT_VALID, "a good token by ES256 opens");
	for (size_t i = 1, mark = arena_mark(); i < 42; i++, arena_back(mark)) {
		expect(jwt_open_code(changed(m->code, m->code.n - 1 - i), ring, &c, &signer) == JWT_FORGED, "a forged code doesn't");
		expect(jwt_open_device(changed(m->device, m->device.n - 1 - i), ring, &d, &signer) == JWT_FORGED, "nor a device code");
		expect(jwt_open_signed(changed(m->by_es256, jti - i), ring, &a, &signer) != JWT_VALID, "nor a token with another MAC");
	}
}

static void open_all(const struct keyring *ring, const struct made *m)
{
	struct access_claims a;
	struct refresh_claims r;
	struct link_claims l;
	struct site_claims s;
	struct slice access = m->access, refresh = m->refresh, link = m->link, site = m->site;
	size_t mac = access.n - 43;
	expect(jwt_open_access(access, ring, &a, NULL) == JWT_VALID, "a good token opens");
	expect(jwt_open_refresh(refresh, ring, &r, NULL) == JWT_VALID, "a good refresh token opens");
	for (size_t i = 0; i < 42; i++)
		expect(jwt_open_access(changed(access, mac + i), ring, &a, NULL) == JWT_FORGED, "a forged one doesn't");
	expect(jwt_open_access(changed(access, mac - 2), ring, &a, NULL) == JWT_FORGED, "nor one with another payload");
	expect(jwt_open_refresh(access, ring, &r, NULL) == JWT_FOREIGN, "nor one of another kind");
	expect(jwt_open_link(link, ring, &l, NULL) == JWT_VALID, "a good link opens");
	expect(jwt_open_link(changed(link, link.n - 9), ring, &l, NULL) == JWT_FORGED, "a forged one doesn't");
	expect(jwt_open_site(site, ring, &s, NULL) == JWT_VALID, "a good site token opens");
	expect(jwt_open_site(changed(site, site.n - 9), ring, &s, NULL) == JWT_FORGED, "a forged one doesn't");
	open_tickets(ring, m);
}

static void token(void)
{
	static struct keyring ring = { { { "00c0ffee", 1, { 1, 2, 3 } }, { "0ddba115", 1, { 1, 2, 3, 4 } } }, 2 };
	struct access_claims a = { .iss = S("i"), .aud = S("a"), .name = S("n"), .sub = 1, .sid = 2, .iat = 3, .exp = 4, .jti = 5 };
	struct refresh_claims r = { .iss = S("i"), .sid = 2, .ctr = 1, .br = 9, .iat = 3, .exp = 4 };
	/* Sealed before anything is secret: what is handed out is no secret any more. */
	struct link_claims l = { .iss = S("i"), .sub = 1, .pw = 2, .iat = 3, .exp = 4 };
	struct site_claims s = { .sid = 2, .iat = 3, .door = 1 };
	struct code_claims c = { .iss = S("i"), .sid = 2, .sub = 1, .cid = S("c"), .uri = S("u"), .ch = S("h"), .nonce = S("n"), .pw = 2, .iat = 3, .exp = 4 };
	struct device_claims d = { .iss = S("i"), .cid = S("c"), .uc = S("BCDFGHJKLMNP"), .iat = 3, .exp = 4 };
	struct made made[2];
	for (int i = 0; i < 2; i++)
		made[i] = (struct made){ jwt_seal_access(&ring.key[i], &a), jwt_seal_refresh(&ring.key[i], &r), jwt_seal_link(&ring.key[i], &l),
			jwt_seal_site(&ring.key[i], &s), jwt_seal_code(&ring.key[i], &c), jwt_seal_device(&ring.key[i], &d), jwt_seal_signed(&ring.key[i], &a) };
	hide(ring.key[0].master, KEY_SIZE);
	hide(ring.key[1].master, KEY_SIZE);
	for (int i = 0; i < 4; i++)
		open_all(&ring, &made[i % 2]);
}

/* ---- secrets of clients ------------------------------------------------ */

static void client(void)
{
	char right[] = "0123456789abcdef0123456789abcdef01234567", wrong[] = "0123456789abcdef0123456789abcdef01234568";
	struct client c = { .has_secret = true };
	derive_sha256(slice_of(right), c.secret);
	struct slice shown = slice_of(right), other = slice_of(wrong);
	hide(c.secret, sizeof c.secret);
	hide(right, sizeof right - 1);
	hide(wrong, sizeof wrong - 1);
	expect(client_secret_fits(&c, shown), "the secret fits");
	expect(!client_secret_fits(&c, other), "another doesn't");
}

/* ---- signatures -------------------------------------------------------- */

static void sign_es256_by(uint8_t number)
{
	const struct key key = { .kid = "00c0ffee", .master = { number, 77 } };
	uint8_t signature[SIGN_ES256_SIZE];
	for (int i = 0; i < 4; i++)
		sign_es256(&key, S("the same text"), signature);
}

/* The first time in that directory the key is made, which takes as long as chance has it. */
static void sign_rs256_by(const char *dir, uint8_t number)
{
	static struct keyring ring = { { { .kid = "00c0ffee" } }, 1 };
	ring.key[0].master[0] = number;
	if (!sign_has_rsa(dir, &ring))
		expect(sign_publish(dir, &ring, true), "keys are made");
	else
		expect(sign_jws(dir, &ring, SIGN_RS256, "JWT", S("{}")).n > 300, "signed");
}

/* ---- passwords ----------------------------------------------------------- */

static void password(void)
{
	const struct password_cost cheap = { 8, 1 };
	struct slice stored = password_hash(S("correct horse"), cheap);
	checking = true;
	hide(stored.p + stored.n - 43, 43);     /* the hash is its last 43 digits */
	expect(password_check(stored, S("correct horse"), cheap) == PASSWORD_RIGHT, "the right password is right");
	expect(password_check(stored, S("correct hors"), cheap) == PASSWORD_WRONG, "a wrong one isn't");
	expect(password_check(SLICE_NONE, S("correct horse"), cheap) == PASSWORD_WRONG, "and nobody has one");
}

int main(int argc, char **argv)
{
	careless = argc > 2 && strcmp(argv[2], "memcmp") == 0;
	if (argc > 1 && strcmp(argv[1], "token") == 0)
		token();
	else if (argc > 1 && strcmp(argv[1], "password") == 0)
		password();
	else if (argc > 1 && strcmp(argv[1], "client") == 0)
		client();
	else if (argc > 2 && strcmp(argv[1], "es256") == 0)
		sign_es256_by((uint8_t)*argv[2]);
	else if (argc > 3 && strcmp(argv[1], "rs256") == 0)
		sign_rs256_by(argv[3], (uint8_t)*argv[2]);
	else
		return 100;
	return RUNNING_ON_VALGRIND ? 0 : 3;
}
