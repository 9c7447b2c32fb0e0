/*
 * account: the content of a user's own page: sessions, password, what happened, leaving. It shows; door.c does what
 * its forms ask for.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "audit.h"
#include "door/page.h"
#include "enrol.h"
#include "route.h"
#include "store.h"

/* Who looks at it. */
struct visit {
	struct call *call;
	const struct work *work;
	const struct user *user;
	const struct session *session;  /* the one of this browser */
	int64_t seen;                   /* id of the newest event at the last visit; 0: none is known */
	bool bare;                      /* the user has no password: he shows a passkey or a wallet in its place */
	bool factor;                    /* the user has a second factor */
	const struct enrolment *made;   /* one that he is setting up; NULL: none */
};

/* Bytes that it has at most with the page around it. Where sessions don't fit, those that weren't used for longest are counted alone. */
enum { ACCOUNT_BYTES = 56 * 1024 };

/* Writes it, into a body that has room for ACCOUNT_BYTES. The store is open. */
void account_write(struct page *p, const struct visit *v);

/* The id of a user's newest event; 0: there is none. The store is open. */
int64_t account_newest(uint64_t user);

#endif
