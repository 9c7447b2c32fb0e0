/*
 * crypt_test: hashes that glibc's crypt(3) made, each with its password and with others; what has another shape or would cost
 * too much; and the stand-in for sprintf().
 */
#include "crypt.h"
#include "t.h"

int crypt_print(char *to, const char *format, ...);

#define X73 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct { const char *password, *hash; } vectors[] = {
	{ "correct horse",
	  "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2" },
	{ "p\303\244ss w\303\266rd",
	  "$2b$05$abcdefghijklmnopqrstuucAlS3LCZL9LcVSWwMtNJG6yF5tEYLy2" },
	{ X73,
	  "$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q" },
	{ "correct horse",
	  "$2y$04$......................IBkH8pjfkDYmjZtzsiFYGYLacsaGHyW" },
	{ "p\303\244ss w\303\266rd",
	  "$2y$04$......................tTxojmXiMCwu.gN/rbOSbkS0Emnryki" },
	{ X73,
	  "$2y$04$......................SZFhVdUK5wGKY4lx/QrgUMHG0XsWjbi" },
	{ "correct horse",
	  "$2a$06$N9qo8uLOickgx2ZMRZoMyeOx4p9vaB0cl4/MY6IBAjmsxdir738TC" },
	{ "p\303\244ss w\303\266rd",
	  "$2a$06$N9qo8uLOickgx2ZMRZoMyeUUuuX7HUp23omWK0Umsgv4qaFvBxxwa" },
	{ X73,
	  "$2a$06$N9qo8uLOickgx2ZMRZoMyefO1wJ.AG7gnGtcXNvsWF3W7bPm0c.LW" },
	{ "correct horse",
	  "$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC" },
	{ "p\303\244ss w\303\266rd",
	  "$5$saltstring$NSEY/G5yPE2VSoJm0XzkVaaqfQbv42P.1FFf6Ph3HgB" },
	{ X73,
	  "$5$saltstring$A26ebh.3wmPBg.C3udmpcPTdww7dUXD0GZo75xMQdW8" },
	{ "correct horse",
	  "$5$rounds=1000$roundsaltsixteen$LDYrhuF02jJTYByLIpsEikA2qXC4qrVtDVRdUKuBh/3" },
	{ "p\303\244ss w\303\266rd",
	  "$5$rounds=1000$roundsaltsixteen$lNuAfYB2KgMPw1rKCiQ8Faa5kp7bcEffggA.hYI2jM2" },
	{ X73,
	  "$5$rounds=1000$roundsaltsixteen$j8X2E8sdT6ppKzdMvr8Zia0pqCnal/GsRavDEluTZE." },
	{ "correct horse",
	  "$5$$SCAp760RlvU0CgD9TQAY9wchWGPvPJ8P8S7gF/3F/S0" },
	{ "p\303\244ss w\303\266rd",
	  "$5$$gFhyz8HeQAr5tc/R.M9UlOY1v1Wg0vqnS55lHln86rA" },
	{ X73,
	  "$5$$GngfbDgdd7iN47BkezOJ8vWG2Je9SVhIoGs.5GjVE34" },
	{ "correct horse",
	  "$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNdsyYBbtm/" },
	{ "p\303\244ss w\303\266rd",
	  "$6$saltstring$RMBg5rj7RVxeZPg7nVE6ww88sMnpcbyVgUZpgBfuxEp14OGE.EoNajyOQlw6g4o/fZjjuE1ab2cXhs5axZ3k51" },
	{ X73,
	  "$6$saltstring$KiNCZd8SYN3wmBVLhYbm7uHyJy1vJQ1p3b5H814L8EaZ6n7YgI4G8dI6jtwoQ0zyk.u6zIQqbCT6Da2C5g9ux0" },
	{ "correct horse",
	  "$6$rounds=1500$$K4ytT3ejrbmTUXdgJHtbLtbARLvAF/RAAuTgE4ysLNQMMr0QGykxlBhvNUNERVg3sJWSwDR6pxSphmm9nmiaS." },
	{ "p\303\244ss w\303\266rd",
	  "$6$rounds=1500$$TWS50w0zLUeTs0PJiFPhDfO2Wsbc3vQ13XFbu3WRcWz7lbTjKANL9Eknh9Dtvo9MowKhnLUikIoiAwSpAl6fh1" },
	{ X73,
	  "$6$rounds=1500$$.BE/oM0Cd60PR2VhBl.TIG8kwOVUhn8FuIaNnxsHm5mwXuBRQqegOprPmW1uixDNCw8TE8ZjdLby4n9WLaozY0" },
};
enum { VECTORS = sizeof vectors / sizeof *vectors };

static void compares(void)
{
	for (size_t i = 0; i < VECTORS; i++) {
		struct slice hash = slice_of(vectors[i].hash), password = slice_of(vectors[i].password);
		ok(crypt_takes(hash), "taken: %s", vectors[i].hash);
		ok(crypt_check(hash, password), "right: %s", vectors[i].hash);
		ok(!crypt_check(hash, slice_from(password, 2)), "without its beginning it is wrong");
		ok(!crypt_check(hash, SLICE_NONE), "no password is wrong");
	}
}

/* The last digit that carries whole bits of the hash, changed: no vector passes any more. */
static void compares_to_the_end(void)
{
	for (size_t i = 0; i < VECTORS; i++) {
		char *hash = slice_text(slice_of(vectors[i].hash));
		char *last = hash + strlen(hash) - 2;
		*last = *last == 'a' ? 'b' : 'a';
		ok(crypt_takes(slice_of(hash)) && !crypt_check(slice_of(hash), slice_of(vectors[i].password)), "changed: %s", hash);
	}
}

static void long_passwords(void)
{
	static char text[400];
	memset(text, 'x', sizeof text);
	ok(crypt_check(slice_of(vectors[2].hash), (struct slice){ text, 72 }), "bcrypt looks at 72 bytes alone");
	ok(crypt_check(slice_of(vectors[2].hash), (struct slice){ text, 400 }), "and takes any number");
	ok(!crypt_check(slice_of(vectors[9].hash), (struct slice){ text, 257 }), "SHA-crypt takes no more than 256");
	ok(!crypt_check(slice_of(vectors[0].hash), S("correct horse\0")), "a NUL is in no such password");
}

/* What isn't of a kind's shape to the byte, or would cost too much. */
static void refuses(void)
{
	static const char *const wrong[] = {
		"", "$", "$2b$", "$2b$05$", "$2x$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
		"$2b$5$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
		"$2b$03$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
		"$2b$15$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
		"$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy",
		"$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy22",
		"$2b$05$abcdefghijklmnopqrst!uHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
		"$5$saltstring", "$5$saltstring$", "$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqE",
		"$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqECC", "$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqE:",
		"$5$seventeen.letters$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
		"$5$salt string$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
		"$5$rounds=999$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
		"$5$rounds=01000$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
		"$5$rounds=1000001$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
		"$5$rounds=$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
		"$6$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
		"$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "$apr1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "$y$j9T$abc$def", "abJnggxhB/yWI",
		"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ok(!crypt_takes(slice_of(wrong[i])), "not taken: %zu", i);
		ok(!crypt_check(slice_of(wrong[i]), S("correct horse")), "nor compared");
	}
}

static void prints(void)
{
	char out[64];
	is_int(crypt_print(out, "rounds=%u$", 0u), 9, "the bytes of a number");
	is_str(out, "rounds=0$", "nought");
	crypt_print(out, "%u", 4294967295u);
	is_str(out, "4294967295", "the largest number");
	is_int(crypt_print(out, "$5$%s%.*s$", "rounds=1000$", 4, "saltstring"), 20, "the bytes of two texts");
	is_str(out, "$5$rounds=1000$salt$", "a text, and the beginning of another");
	crypt_print(out, "%.*s.", 4, "ab");
	is_str(out, "ab.", "which may be shorter than its bound");
}

int main(void)
{
	compares();
	compares_to_the_end();
	long_passwords();
	refuses();
	prints();
	return done_testing();
}
