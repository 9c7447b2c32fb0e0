/*
 * onward: the page /authorize, by which a person signs in to a client of OAuth (oauth/authorize.h): the door's form, or a button for who
 * is signed in.
 */
#ifndef ONWARD_H
#define ONWARD_H

#include "route.h"

/* GET /authorize: the form, the button, or at once (303) back to the client. */
enum error onward_handle_page(struct call *c);
/* POST /authorize: what was filled in; or a client's own form, which is led to GET (OpenID Connect Core, 3.1.2.1). */
enum error onward_handle_form(struct call *c);
/* Writes the page once more, with what went wrong. frame_own(c)->asked is there. */
void onward_write(struct call *c, enum error e);

#endif
