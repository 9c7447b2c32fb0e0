/*
 * profile: groups, e-mail address and display name of a user: what may stand in them, and who is in a group.
 *
 * They go into access tokens, JSON, the headers of /verify and from there into other programs. So they are judged once,
 * where the operator sets them: nothing in them needs an escape, ends a line, or can be read as two.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include "store.h"

/* The members by name: as `latchkey user set`, GET /me and `user import` call them. */
enum { PROFILE_MEMBERS = 3 };
struct profile_member {
	const char *name;
	size_t offset;                              /* of its slice in struct profile */
	const char *(*wrong)(struct slice text);    /* NULL, or what the text must be; an empty one is not asked about */
};
extern const struct profile_member profile_members[PROFILE_MEMBERS];

/* The member of that name; NULL: there is none. */
const struct profile_member *profile_member(struct slice name);
/* The member's place in a profile. */
struct slice *profile_place(struct profile *p, const struct profile_member *m);

/* NULL, or what is wrong with one of the members or with all together: a sentence's end ("the groups must be …"). */
const char *profile_wrong(const struct profile *p);

/* The profile; an empty one where something is wrong with it, by a row that something else has changed. */
const struct profile *profile_held(const struct profile *p);

/* Whether one of `any`, names between commas, is one of the groups. Bytes are compared; an empty name is no group. */
bool profile_is_in(struct slice groups, struct slice any);

#endif
