/*
 * auth_json: how sessions, users, events and token pairs look in the native
 * dialect's answers (docs/api.md). Each writes one object.
 */
#ifndef AUTH_JSON_H
#define AUTH_JSON_H

#include "enrol.h"
#include "json.h"
#include "session.h"
#include "store.h"

/* time: the request's, from which what ends in `_in` is reckoned, Unix seconds. */
void auth_json_pair(struct jw *w, const struct grant *g, int64_t time);
/* The members of a user, into an object that is open. */
void auth_json_user(struct jw *w, const struct user *u);
void auth_json_me(struct jw *w, const struct user *u, const struct session *s, int64_t time);
/* A row of the list of sessions. deadline: session_deadline()'s. */
void auth_json_listed(struct jw *w, const struct session *s, int64_t deadline, bool current);
void auth_json_event(struct jw *w, const struct audit *a);

/* What a user needs to set up a second factor. */
void auth_json_enrolment(struct jw *w, const struct enrolment *e);

#endif
