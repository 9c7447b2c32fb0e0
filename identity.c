/*
 * identity: see identity.h. Nothing here escapes: profile.h and session_username_ok() say what a value may be.
 */
#include "identity.h"

#include "profile.h"

enum part { USER_ID, USER_NAME, SESSION_ID, GROUPS, EMAIL, DISPLAY_NAME, PARTS };

/* The names that programs behind a web server look for by default. NULL: it isn't told. */
static const char *const header_names[][PARTS] = {
	[HEADERS_X_AUTH] = { "X-Auth-User", "X-Auth-Name", "X-Auth-Session", "X-Auth-Groups", "X-Auth-Email", "X-Auth-Display-Name" },
	[HEADERS_REMOTE] = { NULL, "Remote-User", NULL, "Remote-Groups", "Remote-Email", "Remote-Name" },
	[HEADERS_X_WEBAUTH] = { NULL, "X-WEBAUTH-USER", NULL, "X-WEBAUTH-GROUPS", "X-WEBAUTH-EMAIL", "X-WEBAUTH-NAME" },
};

/* A parameter that is empty, or can't be read, lets nobody in: the web server meant to ask for something. */
static bool passes(const struct request *rq, struct slice groups)
{
	struct slice rest = rq->query, names;
	bool good = true;
	while (rest.p && good) {
		struct slice value = slice_cut(&rest, '&');
		if (slice_is(slice_cut(&value, '='), S("group")))
			good = http_decode(value, &names) && profile_is_in(groups, names);
	}
	return good;
}

enum error identity_tell(const struct config *config, const struct request *rq, struct reply *rp, const struct caller *caller)
{
	const struct access_claims *claims = &caller->claims;
	const struct user *user = &caller->user;
	const char *const *names = header_names[config->identity_headers];
	struct profile by_token = { claims->groups, claims->email, claims->display_name };
	const struct profile *p = user->id ? profile_held(&user->profile) : &by_token;
	struct slice values[PARTS] = {
		slice_of(id_text(claims->sub)), user->id ? session_name(user) : claims->name, slice_of(id_text(claims->sid)), p->groups, p->email, p->name,
	};
	if (!passes(rq, p->groups))
		return ERROR_NOT_IN_GROUP;
	for (size_t i = 0; i < PARTS; i++)
		if (names[i])
			reply_header(rp, names[i], slice_text(values[i]), NULL);
	return ERROR_NONE;
}
