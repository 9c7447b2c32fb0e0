/*
 * gotrue: the dialect of supabase-js (docs/supabase.md), whose package auth-js speaks to a server called GoTrue: its few calls, the shape of its sessions,
 * users and errors. What happens is the app API's; so are cookies, which it has none of.
 *
 * A part that can be left out, and off without option `gotrue`. Both are weak references, and NULL where it isn't there.
 */
#ifndef GOTRUE_H
#define GOTRUE_H

#include "route.h"

extern const struct dialect gotrue_dialect __attribute__((weak));

/* Whether a request is this dialect's. Of the paths that others have, too: /token is OAuth's where it is a form, and /logout the app API's where it has no
 * `scope` in its query. */
bool gotrue_takes(const struct request *rq) __attribute__((weak));

#endif
