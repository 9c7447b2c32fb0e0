/*
 * crypt: see crypt.h.
 *
 * The three functions are those of musl's source (src/crypt), which Debian's musl-dev leaves out; tools/thirdparty.mk
 * compiles them. They work on C strings and write with sprintf(), which would bring a formatter of 10 KB: crypt_print()
 * stands in its place and knows the three things that they ask for.
 */
#include "crypt.h"

#include <stdarg.h>
#include <string.h>

enum {
	BCRYPT_LENGTH = 60,          /* $2b$NN$, 22 digits of salt, 31 of hash */
	BCRYPT_COST_MAX = 14,        /* a second on a PC, half a minute on a router */
	SALT_MAX = 16,               /* of SHA-crypt, bytes */
	ROUNDS_MIN = 1000, ROUNDS_MAX = 1000000,
	OUTPUT_SIZE = 128            /* what musl's functions may write */
};

char *__crypt_blowfish(const char *key, const char *setting, char *output);
char *__crypt_sha256(const char *key, const char *setting, char *output);
char *__crypt_sha512(const char *key, const char *setting, char *output);
int crypt_print(char *to, const char *format, ...);

/* ---- what stands in for sprintf() -------------------------------------- */

static char *print_text(char *to, const char *text, size_t max)
{
	size_t n = strnlen(text, max);
	memcpy(to, text, n);
	return to + n;
}

static char *print_number(char *to, unsigned value)
{
	char digits[10];
	size_t n = 0;
	do {
		digits[n++] = (char)('0' + value % 10);
	} while (value /= 10);
	while (n)
		*to++ = digits[--n];
	return to;
}

/* %u, %s and %.*s; returns the bytes written beside the NUL, as sprintf() does. */
int crypt_print(char *to, const char *format, ...)
{
	char *at = to;
	va_list list;
	va_start(list, format);
	for (const char *f = format; *f; f++) {
		if (*f != '%') {
			*at++ = *f;
		} else if (*++f == 'u') {
			at = print_number(at, va_arg(list, unsigned));
		} else if (*f == 's') {
			at = print_text(at, va_arg(list, const char *), OUTPUT_SIZE);
		} else {
			int max = va_arg(list, int);
			at = print_text(at, va_arg(list, const char *), (size_t)max);
			f += 2;
		}
	}
	va_end(list);
	*at = '\0';
	return (int)(at - to);
}

/* ---- kinds ------------------------------------------------------------- */

static bool are_digits(struct slice text)
{
	static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	for (size_t i = 0; i < text.n; i++)
		if (memchr(digits, text.p[i], sizeof digits - 1) == NULL)
			return false;
	return true;
}

/* Behind "$2b$": two digits of cost, '$', salt and hash. */
static bool is_bcrypt(struct slice rest, size_t hash_length)
{
	int64_t cost;
	struct slice digits = slice_cut(&rest, '$');
	return digits.n == 2 && parse_number(digits, 4, BCRYPT_COST_MAX, &cost) && rest.n == hash_length && are_digits(rest);
}

/* Behind "$5$": "rounds=N$" perhaps, salt, '$', hash. */
static bool is_sha_crypt(struct slice rest, size_t hash_length)
{
	int64_t rounds;
	if (slice_starts(rest, S("rounds="))) {
		struct slice digits = slice_from(slice_cut(&rest, '$'), 7);
		if (slice_starts(digits, S("0")) || !parse_number(digits, ROUNDS_MIN, ROUNDS_MAX, &rounds))
			return false;
	}
	struct slice salt = slice_cut(&rest, '$');
	return salt.n <= SALT_MAX && are_digits(salt) && rest.n == hash_length && are_digits(rest);
}

static const struct kind {
	const char *prefix;
	bool (*has_shape)(struct slice rest, size_t hash_length);
	size_t hash_length;          /* digits behind the last '$' */
	char *(*hash)(const char *key, const char *setting, char *output);
} kinds[] = {
	{ "$2a$", is_bcrypt,    53, __crypt_blowfish },
	{ "$2b$", is_bcrypt,    53, __crypt_blowfish },
	{ "$2y$", is_bcrypt,    53, __crypt_blowfish },
	{ "$5$",  is_sha_crypt, 43, __crypt_sha256 },
	{ "$6$",  is_sha_crypt, 86, __crypt_sha512 },
};

static const struct kind *kind_of(struct slice hash)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct slice prefix = slice_of(kinds[i].prefix);
		if (slice_starts(hash, prefix) && kinds[i].has_shape(slice_from(hash, prefix.n), kinds[i].hash_length))
			return &kinds[i];
	}
	return NULL;
}

bool crypt_takes(struct slice hash)
{
	return kind_of(hash) != NULL;
}

bool crypt_check(struct slice hash, struct slice password)
{
	char output[OUTPUT_SIZE];
	const struct kind *kind = kind_of(hash);
	if (kind == NULL || (password.n > 0 && memchr(password.p, '\0', password.n)))
		return false;
	char *key = slice_text(password);
	const char *made = kind->hash(key, slice_text(hash), output);
	/* A failed one gives "*", which is no hash's length. */
	bool same = strlen(made) == hash.n && same_bytes(made, hash.p, hash.n);
	wipe(key, password.n);
	return same;
}
