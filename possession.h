/*
 * possession: what a request shows of a key that its client has at hand: the header DPoP (RFC 9449), for every dialect.
 *
 * Refresh tokens alone are bound to a key (RFC 9449, 5); access tokens stay Bearer. A request that begins a session binds it for good to the
 * key of its proof. route.c adds the header DPoP-Nonce.
 */
#ifndef POSSESSION_H
#define POSSESSION_H

#include "route.h"

/*
 * Reads the proof of a request for tokens, but for its signature, which session_rotate() and the ways in of signin.h ask for: sets c->work.proof, or leaves it NULL where
 * there is no header. INVALID_DPOP_PROOF, USE_DPOP_NONCE (dpop.h). Opens no store.
 */
enum error possession_read(struct call *c);

/* The same with its signature, of a request that begins a session by a ticket of ours (a code, a device code), whose MAC was looked at before. Before the
 * store is opened: it takes as long as fifteen refreshes. */
enum error possession_prove(struct call *c);

#endif
