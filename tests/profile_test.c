/*
 * profile_test: what groups, an e-mail address and a display name may be, and who is in a group.
 */
#include "t.h"

#include "json.h"
#include "profile.h"

#include <stdio.h>
#include <string.h>

static char letters[LIMIT_PROFILE + 1];

/* "a1,a2,…": count names of `each` bytes. */
static struct slice names(size_t count, size_t each)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < count; i++) {
		size_t from = b.n + (i > 0);
		buf_s(&b, i ? "," : "");
		buf_int(&b, (int64_t)(100 + i));
		while (b.n - from < each)
			buf_c(&b, 'g');
	}
	return buf_slice(&b);
}

static struct slice of_size(size_t n, const char *end)
{
	return slice_of(text_join(slice_text((struct slice){ letters, n - strlen(end) }), end, NULL));
}

static const struct { const char *member, *text; bool good; } texts[] = {
	{ "groups", "", true }, { "groups", "admins", true }, { "groups", "a,B,0,._@+-'", true }, { "groups", "admins,Admins", true },
	{ "groups", ",", false }, { "groups", "a,", false }, { "groups", ",a", false }, { "groups", "a,,b", false }, { "groups", "a, b", false },
	{ "groups", "a b", false }, { "groups", "a,b,a", false }, { "groups", "a\r\nX-Auth-User: b", false }, { "groups", "\xc3\xa4", false },
	{ "groups", "a;b", false }, { "groups", "a\"", false }, { "groups", "*", false },
	{ "email", "", true }, { "email", "a@b", true }, { "email", "a.b+c_d'e@mail.example.org", true }, { "email", "!#$%&*/=?^`{|}~@x", true },
	{ "email", "a", false }, { "email", "@b", false }, { "email", "a@", false }, { "email", "a@b@c", false }, { "email", "a b@c", false },
	{ "email", "a@b c", false }, { "email", "a,b@c", false }, { "email", "a@b,c@d", false }, { "email", "\"a\"@b", false },
	{ "email", "a\\@b", false }, { "email", "a@b\n", false }, { "email", "a<b@c>", false }, { "email", "\xc3\xa4@b", false },
	{ "name", "", true }, { "name", "Ann", true }, { "name", "Zo\xc3\xab O'Neil-Smith (2nd)", true }, { "name", "\xe6\x9d\x8e", true },
	{ "name", "\xc2\xa0", true }, { "name", " Ann", false }, { "name", "Ann ", false }, { "name", "\tAnn", false }, { "name", "A\tB", false },
	{ "name", "A\nB", false }, { "name", "A\rB", false }, { "name", "A\x7f", false }, { "name", "A\xc2\x85" "B", false },
	{ "name", "A\xc2\x9f", false }, { "name", "A\x85", false }, { "name", "\xff", false }, { "name", "Ann, B", false },
	{ "name", "Ann; B", false }, { "name", "\"Ann\"", false }, { "name", "A\\B", false }, { "name", " ", false },
};

static const char *wrong_with(const char *member, struct slice text)
{
	struct profile p = { .groups = SLICE_NONE };
	*profile_place(&p, profile_member(slice_of(member))) = text;
	return profile_wrong(&p);
}

static void members(void)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *wrong = wrong_with(texts[i].member, slice_of(texts[i].text));
		ok((wrong == NULL) == texts[i].good, "%s of '%s': %s", texts[i].member, texts[i].text, wrong ? wrong : "good");
		if (wrong)
			ok(strstr(wrong, texts[i].member) != NULL, "the words name the member");
	}
	ok(wrong_with("groups", (struct slice){ "a\0b", 3 }) && wrong_with("email", (struct slice){ "a\0@b", 4 })
		&& wrong_with("name", (struct slice){ "a\0b", 3 }), "a NUL byte is refused in each");
	ok(!profile_member(S("subscription")) && !profile_member(S("")) && !profile_member(S("Groups")), "there are no other members");
}

static void bounds(void)
{
	memset(letters, 'a', sizeof letters - 1);
	ok(!wrong_with("groups", names(32, 3)) && wrong_with("groups", names(33, 3)), "32 groups and no more");
	ok(!wrong_with("email", of_size(254, "@b")) && wrong_with("email", of_size(255, "@b")), "254 bytes of an address");
	ok(!wrong_with("name", of_size(128, "\xc3\xa4")) && wrong_with("name", of_size(129, "\xc3\xa4")), "128 bytes of a name");
	ok(!wrong_with("groups", of_size(510, "")) && wrong_with("groups", of_size(511, "")), "510 bytes of groups");
	struct profile p = { of_size(128, ""), of_size(254, "@b"), of_size(128, "b") };
	ok(!profile_wrong(&p), "and of all together");
	p.groups = of_size(129, "");
	is_str(profile_wrong(&p), "the groups, email and name must have at most 510 bytes together", "one more is told by what it is");
}

static void membership(void)
{
	static const struct { const char *groups, *any; bool in; } cases[] = {
		{ "admins", "admins", true }, { "family,admins", "admins", true }, { "family,admins", "x,family", true }, { "a,b", "b,c", true },
		{ "admins", "admin", false }, { "admin", "admins", false }, { "admins", "Admins", false }, { "a,b", "a,b", true },
		{ "ab", "a,b", false }, { "a,b", "", false }, { "a,b", ",", false }, { "", "", false }, { "", "a", false }, { "", ",", false },
		{ "a,b", ",b", true }, { "a", "a ", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(profile_is_in(slice_of(cases[i].groups), slice_of(cases[i].any)) == cases[i].in, "in '%s', asked for '%s': %s",
			cases[i].groups, cases[i].any, cases[i].in ? "yes" : "no");
	ok(!profile_is_in(SLICE_NONE, S("a")) && !profile_is_in(S("a"), SLICE_NONE), "none is in nothing");
}

/* What can't have been set, by a row that something else has changed, is told to nobody. */
static void held(void)
{
	const struct profile good = { S("staff"), S("a@example.test"), S("A") }, bad = { S("staff"), S("a@example.test"), S("A\r\nX: y") };
	ok(profile_held(&good) == &good, "a profile as it was set");
	ok(profile_held(&bad)->groups.n == 0 && profile_held(&bad)->name.n == 0, "nothing of one with a line end in it");
}

int main(void)
{
	members();
	held();
	bounds();
	membership();
	return done_testing();
}
