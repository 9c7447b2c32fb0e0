/*
 * throttle: how often passwords may be tried, by network and by account.
 *
 * A table of fixed size in one file (tmpfs where there is one), a lock on it,
 * the boot clock; asked before Argon2 and before the database. Never a
 * sleep: a CGI slot is worth more than a guesser's time. Losing the table at
 * a reboot is accepted.
 *
 * Policy: a network (IPv4 /32, IPv6 /64) has 5 tries at once and then one
 * per 6 s; an account has 10 failures at once, then a wait that doubles from
 * 1 s to 15 min, and all are forgotten a day after the last; a success
 * forgives the account. The account's wait counts per account and network
 * pair first, and for the account as a whole only at ten times the number, and
 * not at all where the user has signed in within a month: so a stranger can't
 * lock the owner out. In a wait one try is let through at its end, however
 * many come at once.
 */
#ifndef THROTTLE_H
#define THROTTLE_H

#include "base/base.h"

/*
 * Asks before a password is looked at; counts the try against the network.
 * Returns 0 (go on) or the seconds to wait (Retry-After). ip is the textual
 * address (none: one shared bucket), account the name as sent. A table that
 * can't be opened, or locked within 2 s, throttles nothing and logs one line:
 * sign-in matters more.
 */
int64_t throttle_ask(const char *dir, struct slice ip, struct slice account);
/* What came of it. */
void throttle_failed(const char *dir, struct slice ip, struct slice account);
void throttle_succeeded(const char *dir, struct slice ip, struct slice account);

/* now_boot(); tests set a clock of their own. */
extern int64_t (*throttle_clock)(void);
/* SipHash-2-4 (Aumasson, Bernstein 2012): here for its published vectors. */
uint64_t throttle_hash(const uint8_t secret[16], struct slice s);

#endif
