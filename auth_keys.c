/*
 * auth_keys: see auth_keys.h.
 */
#include "auth_keys.h"

#include "auth.h"
#include "keys.h"
#include "signin_keys.h"
#include "store.h"

/* What each dialect that has these routes keeps of a call begins with struct native. */
static struct caller *caller_of(const struct call *c)
{
	return &((struct native *)c->own)->caller;
}

static void write_key(struct jw *w, const struct user_key *k)
{
	jw_open(w, '{');
	jw_id(w, "id", keys_number(k));
	jw_text(w, "kind", k->kind);
	jw_text(w, "label", k->label);
	jw_int(w, "created_at", k->created_at);
	jw_close(w);
}

enum error auth_keys_handle_list(struct call *c)
{
	struct user_key k;
	struct slice keys = store_user_keys(caller_of(c)->user.id);
	struct jw *w = jw_open(auth_begin_data(c, 200), '[');
	while (keys_next(&keys, &k))
		write_key(w, &k);
	return auth_end_data(w);
}

enum error auth_keys_handle_remove(struct call *c)
{
	uint64_t number;
	if (!parse_id(c->rest, &number))
		return ERROR_NOT_FOUND;
	enum error e = signin_remove_key(&c->work, caller_of(c), number);
	return e == ERROR_NONE ? route_no_content(c) : e;
}

/* ---- routes ------------------------------------------------------------ */

static const struct route routes[] = {
	{ METHOD_GET,    "/passkeys",  ACCESS_LIVE, NULL, PACE_QUICK, auth_keys_handle_list },
	{ METHOD_DELETE, "/passkeys/", ACCESS_LIVE, NULL, PACE_QUICK, auth_keys_handle_remove },
};

const struct dialect keys_dialect = {
	.prefix = "/passkeys",
	.routes = routes,
	.count = sizeof routes / sizeof *routes,
	.size = sizeof(struct native),
	.admit = auth_admit_live,
	.refuse = auth_refuse,
};
