/*
 * connect: the page /device, where a person types the code that a device shows, and lets the device sign in (RFC 8628, 3.3).
 */
#ifndef CONNECT_H
#define CONNECT_H

#include "route.h"

/* GET /device: the form. `user_code` of the query fills it (3.3.1), and does nothing more. */
enum error connect_handle_page(struct call *c);
/* POST /device: what was filled in: the question that names the client; then the answer to it. */
enum error connect_handle_form(struct call *c);
/* Writes the form once more, with what went wrong. */
void connect_write(struct call *c, enum error e);

#endif
