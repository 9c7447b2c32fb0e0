/*
 * keys_test: the credentials of a user as text: what is a line, what stays as it is, and how many there may be.
 */
#include "keys.h"

#include "t.h"

static struct user_key key_of(const char *id, const char *label)
{
	return (struct user_key){ .kind = S("passkey"), .id = slice_of(id), .key = S("\x01\x02\x03"), .counter = 7, .flags = 5,
		.created_at = 1700000000, .label = slice_of(label) };
}

static struct slice add(struct slice keys, const char *id, const char *label)
{
	struct slice out = SLICE_NONE;
	struct user_key k = key_of(id, label);
	is_int(keys_add(keys, &k, &out), ERROR_NONE, "%s is added", id);
	return out;
}

static int count(struct slice keys)
{
	struct user_key k;
	int n = 0;
	while (keys_next(&keys, &k))
		n++;
	return n;
}

static void test_lines(void)
{
	struct user_key k;
	struct slice keys = add(SLICE_NONE, "one", "Laptop of mine"), rest;
	is_str(slice_text(keys), "passkey b25l AQID 7 5 1700000000 Laptop of mine\n", "a line");
	keys = add(keys, "two", "");
	rest = keys;
	ok(keys_next(&rest, &k) && slice_is(k.id, S("one")) && slice_is(k.key, S("\x01\x02\x03")) && k.counter == 7 && k.flags == 5
		&& k.created_at == 1700000000 && slice_is(k.label, S("Laptop of mine")), "is read");
	ok(keys_next(&rest, &k) && slice_is(k.id, S("two")) && k.label.n == 0, "and the next, without a label");
	ok(!keys_next(&rest, &k), "then no more");
	ok(keys_find(keys, "passkey", S("two"), &k) && !keys_find(keys, "wallet", S("two"), &k) && !keys_find(keys, "passkey", S("tw"), &k),
		"one is found by its kind and id");
	ok(keys_number(&k) == 0x3fc4ccfe745870e2, "its number: SHA-256 of the id");
}

static void test_damage(void)
{
	static const char *const wrong[] = {
		"passkey", "passkey b25l AQID 7 5 1700000000", " b25l AQID 7 5 1 x", "passkey  AQID 7 5 1 x", "passkey b25 AQID 7 5 1 x",
		"passkey b25l AQ== 7 5 1 x", "passkey b25l AQID x 5 1 x", "passkey b25l AQID 7 256 1 x", "passkey b25l AQID 7 5 -1 x",
		"passkey b25l AQID 4294967296 5 1 x", "passkey b25l AQID 7 5 1 \t", "passkey b25l AQID 7 5 1 \xff", "",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct slice keys = slice_of(text_join(wrong[i], "\npasskey dHdv AQID 0 5 1 x\n", NULL)), out;
		struct user_key k = key_of("two", "y");
		is_int(count(keys), 1, "no credential: %s", wrong[i]);
		keys_replace(keys, &k, &out);
		is_str(slice_text(out), text_join(wrong[i], "\npasskey dHdv AQID 7 5 1700000000 y\n", NULL), "and stays as it is");
		ok(keys_remove(keys, keys_number(&k), &out), "when another goes");
		is_str(slice_text(out), text_join(wrong[i], "\n", NULL), "too");
	}
	static char long_id[KEYS_ID + 2], label[KEYS_LABEL + 2];
	struct slice keys = SLICE_NONE;
	memset(long_id, 'x', KEYS_ID + 1);
	struct user_key k = key_of(long_id, "");
	is_int(keys_add(SLICE_NONE, &k, &keys), ERROR_NONE, "an id of 256 bytes can be written");
	is_int(count(keys), 0, "but isn't read");
	memset(label, 'x', KEYS_LABEL);
	ok(keys_label_ok(slice_of(label)) && keys_label_ok(S("")) && keys_label_ok(S("\303\251")), "labels");
	label[KEYS_LABEL] = 'x';
	ok(!keys_label_ok(slice_of(label)) && !keys_label_ok(S("a\nb")) && !keys_label_ok(S("\x7f")) && !keys_label_ok(S("\xff")), "and none");
}

static void test_limits(void)
{
	struct slice keys = SLICE_NONE, out = SLICE_NONE;
	struct user_key k = key_of("a", "");
	for (int i = 0; i < KEYS_MOST; i++)
		keys = add(keys, text_join("id", dec(i), NULL), "");
	is_int(keys_add(keys, &k, &out), ERROR_CREDENTIAL_LIMIT, "no more than %d", KEYS_MOST);
	k = key_of("id3", "again");
	is_int(keys_add(keys, &k, &out), ERROR_CREDENTIAL_KNOWN, "one that is there");
	is_int(count(keys), KEYS_MOST, "all are read");
	static char large[2400];
	k = key_of("id", "");
	k.key = (struct slice){ large, sizeof large };
	is_int(keys_add(SLICE_NONE, &k, &keys), ERROR_NONE, "3 KiB are taken");
	k.id = S("other");
	is_int(keys_add(keys, &k, &out), ERROR_CREDENTIAL_LIMIT, "no more than %d bytes", KEYS_BYTES);
	ok(!keys_remove(keys, 1, &out) && slice_is(out, keys), "a number that none has removes none");
}

int main(void)
{
	test_lines();
	test_damage();
	test_limits();
	return done_testing();
}
