/*
 * profile: see profile.h.
 */
#include "profile.h"

#include <string.h>

enum { PROFILE_MOST = LIMIT_PROFILE - 2 };      /* bytes of the three: the store keeps two line ends between them */

/* Whether `name` is one of the names between commas. */
static bool has_name(struct slice names, struct slice name)
{
	bool found = false;
	while (names.p && !found)
		found = slice_is(slice_cut(&names, ','), name);
	return found;
}

static const char *groups_wrong(struct slice names)
{
	for (size_t count = 1; names.p; count++) {
		struct slice name = slice_cut(&names, ',');
		if (count > LIMIT_GROUPS)
			return "the groups must be at most 32";
		if (!slice_made_of(name, "._@+-'"))
			return "the groups must be names between commas, without spaces, of A-Z a-z 0-9 . _ @ + - '";
		if (has_name(names, name))
			return "the groups must be different ones";
	}
	return NULL;
}

/* What every mail program takes without quotes (RFC 5322, 3.2.3), and a host's name. */
static const char *email_wrong(struct slice address)
{
	struct slice host = address, local = slice_cut(&host, '@');
	if (address.n <= LIMIT_EMAIL && slice_made_of(local, "!#$%&'*+-/=?^_`{|}~.") && slice_made_of(host, ".-"))
		return NULL;
	return "the email must be NAME@HOST, of at most 254 bytes, without spaces, quotes and commas";
}

/* A control character: of C0, DEL, or of C1, which UTF-8 writes as C2 80 to C2 9F. */
static bool is_control(struct slice s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i], before = i ? (unsigned char)s.p[i - 1] : 0;
	return c < ' ' || c == 0x7f || (before == 0xc2 && c < 0xa0);
}

/* A comma would make two values of one header (RFC 9110, 5.6.1), and quotes and backslashes are escapes there. */
static const char *name_wrong(struct slice name)
{
	bool good = name.n <= LIMIT_DISPLAY && slice_is_utf8(name) && slice_trim(name).n == name.n;
	for (size_t i = 0; good && i < name.n; i++)
		good = !is_control(name, i) && !strchr(",;\"\\", name.p[i]);
	return good ? NULL : "the name must be UTF-8 of at most 128 bytes, without , ; \" \\ and control characters, and without spaces at its ends";
}

const struct profile_member profile_members[PROFILE_MEMBERS] = {
	{ "groups", offsetof(struct profile, groups), groups_wrong },
	{ "email", offsetof(struct profile, email), email_wrong },
	{ "name", offsetof(struct profile, name), name_wrong },
};

const struct profile_member *profile_member(struct slice name)
{
	for (size_t i = 0; i < PROFILE_MEMBERS; i++)
		if (slice_is(name, slice_of(profile_members[i].name)))
			return &profile_members[i];
	return NULL;
}

struct slice *profile_place(struct profile *p, const struct profile_member *m)
{
	return (struct slice *)(void *)((char *)p + m->offset);
}

const char *profile_wrong(const struct profile *p)
{
	struct profile copy = *p;
	const char *wrong = NULL;
	for (size_t i = 0; i < PROFILE_MEMBERS && wrong == NULL; i++) {
		struct slice text = *profile_place(&copy, &profile_members[i]);
		wrong = text.n ? profile_members[i].wrong(text) : NULL;
	}
	if (wrong == NULL && p->groups.n + p->email.n + p->name.n > PROFILE_MOST)
		wrong = "the groups, email and name must have at most 510 bytes together";
	return wrong;
}

const struct profile *profile_held(const struct profile *p)
{
	static const struct profile none = { .groups = { NULL, 0 } };
	return profile_wrong(p) ? &none : p;
}

bool profile_is_in(struct slice groups, struct slice any)
{
	bool found = false;
	while (any.p && !found) {
		struct slice name = slice_cut(&any, ',');
		found = name.n && has_name(groups, name);
	}
	return found;
}
