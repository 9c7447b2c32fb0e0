/*
 * choose: the page /link, where a user chooses a password by the operator's link (ticket.h).
 */
#ifndef CHOOSE_H
#define CHOOSE_H

#include "door/page.h"

/* The form up to where an error stands, and the rest of it. ticket: what its field has from the start; empty: nothing. */
void choose_begin(struct page *p);
void choose_end(struct page *p, struct slice ticket);

/* The ticket in what was sent: who has no script pastes the whole link. Borrows. */
struct slice choose_ticket(struct slice sent);

#endif
