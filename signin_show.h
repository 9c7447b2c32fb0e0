/*
 * signin_show: sign-ins by something that was signed, for a challenge that reserves the id of a session: passkeys and wallets.
 *
 * Nothing is stored of a challenge. Who signs in by it INSERTs that session, so it is good for one time. The session's `idem` is a hash of all that was
 * shown; so the same once more, whose answer was lost, gets the same session as long as nobody has used it.
 */
#ifndef SIGNIN_SHOW_H
#define SIGNIN_SHOW_H

#include "base/base.h"
#include "session.h"

/* One sign-in. */
struct showing {
	struct work *w;
	const struct way_in *way;
	void *own;                      /* the way's */
	struct origin origin;           /* of the session: sid is the reserved one, idem signin_hash() */
	struct proven *proven;          /* no session begins: he has shown who he is (signin.h); NULL: one begins */
	bool anew;                      /* the user is made by it */
	bool again;                     /* the session is there: the answer was lost */
	enum error wants;               /* of who is made by it: a second factor has to be set up first */
	int64_t code;                   /* which code of a second factor was shown beside (totp.h); 0: none was wanted */
	bool code_wrong;                /* it is this that was wrong */
	struct grant *out;
};

/* What differs from way to way. */
struct way_in {
	/* It is one factor: where its user has a second one, or must have one, origin.factor is asked for as with a password. */
	bool single;
	/* Whether out->session, which is there, began by the same. */
	bool (*is_same)(struct showing *s);
	/* Finds out->user, and what he signs by. Runs twice. CHALLENGE_INVALID, INVALID_CREDENTIALS. */
	enum error (*find)(struct showing *s);
	/* Whether it was signed. Takes as long as many requests. */
	bool (*has_signed)(struct showing *s);
	/* In the transaction: writes what goes with a sign-in. */
	enum error (*settle)(struct showing *s);
};

/* A hash of all that is shown. */
uint64_t signin_hash(const struct slice *shown, size_t count);
/* way_in.is_same of a session of the app API. */
bool signin_is_same(struct showing *s);
/* Of a site session, which has no place for the hash: whether out->session, which is there, is of its first lineage. A new one was begun by another
 * request, to keep out whoever had something of the one before. Whoever shows a good signature for its challenge is the one who began it. */
bool signin_is_first(const struct showing *s);
/*
 * Signs in. account: by which the throttle counts who has no address. CHALLENGE_INVALID, also of one that was used; INVALID_CREDENTIALS, one answer for
 * whatever is wrong; of a single factor CODE_REQUIRED and FACTOR_REQUIRED, only after what is right. And those of signin.h.
 */
enum error signin_show(struct showing *s, struct slice account);

#endif
