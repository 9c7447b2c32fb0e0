/*
 * timing: runs what handles secrets under valgrind, with the secrets marked as bytes that nobody has set.
 *
 *	valgrind --error-exitcode=9 timing token|password [memcmp]
 *
 * Memcheck follows marked bytes through every copy and computation, and reports each branch and each index that depends
 * on one. What may depend on them is the verdict of same_bytes() alone, so the linker puts __wrap_same_bytes() into its
 * place (-Wl,--wrap), which asks the real one and unmarks what it said. With the word `memcmp` it asks memcmp(), as a
 * careless program would: that must be reported.
 *
 *	token     the master keys are marked: whatever is derived from them, and the MAC that a token is held against
 *	password  the hash in a stored password, and the one that Argon2id makes. Argon2id itself is left out: in its
 *	          second half it chooses its blocks by what they hold (RFC 9106, 3.4), on purpose; the salt blurs that
 */
#include "jwt.h"
#include "password.h"

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

static void open_all(const struct keyring *ring, struct slice access, struct slice refresh, struct slice link, struct slice site)
{
	struct access_claims a;
	struct refresh_claims r;
	struct link_claims l;
	struct site_claims s;
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
}

static void token(void)
{
	static struct keyring ring = { { { "00c0ffee", 1, { 1, 2, 3 } }, { "0ddba115", 1, { 1, 2, 3, 4 } } }, 2 };
	struct access_claims a = { .iss = S("i"), .aud = S("a"), .name = S("n"), .sub = 1, .sid = 2, .iat = 3, .exp = 4, .jti = 5 };
	struct refresh_claims r = { .iss = S("i"), .sid = 2, .ctr = 1, .br = 9, .iat = 3, .exp = 4 };
	/* Sealed before anything is secret: what is handed out is no secret any more. */
	struct link_claims l = { .iss = S("i"), .sub = 1, .pw = 2, .iat = 3, .exp = 4 };
	struct site_claims s = { .sid = 2, .iat = 3, .door = 1 };
	struct slice access[2], refresh[2], link[2], site[2];
	for (int i = 0; i < 2; i++) {
		access[i] = jwt_seal_access(&ring.key[i], &a);
		refresh[i] = jwt_seal_refresh(&ring.key[i], &r);
		link[i] = jwt_seal_link(&ring.key[i], &l);
		site[i] = jwt_seal_site(&ring.key[i], &s);
	}
	hide(ring.key[0].master, KEY_SIZE);
	hide(ring.key[1].master, KEY_SIZE);
	for (int i = 0; i < 4; i++)
		open_all(&ring, access[i % 2], refresh[i % 2], link[i % 2], site[i % 2]);
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
	else
		return 100;
	return RUNNING_ON_VALGRIND ? 0 : 3;
}
