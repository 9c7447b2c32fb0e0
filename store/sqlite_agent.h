/*
 * agent: the texts that browsers and apps call themselves (User-Agent, RFC
 * 9110 section 10.1.5), short for the store.
 *
 * A browser's is 70 to 140 bytes, of which ten say something: the rest is the
 * same in all of them. With those pieces as one byte each a session's row is
 * two thirds as long, so that three or four lie in a page where two did.
 */
#ifndef AGENT_H
#define AGENT_H

#include "base/base.h"

/* text: any bytes, at most LIMIT_AGENT. What is returned, at most twice as
 * long, is the arena's; only agent_unpack() reads it. */
struct slice agent_pack(struct slice text);
/* The text again. What agent_pack() never made, a damaged row, gives some
 * text; it is never longer than LIMIT_AGENT, and the arena's. */
struct slice agent_unpack(struct slice packed);

#endif
