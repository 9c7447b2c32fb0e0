/*
 * throttle: how often passwords may be tried, by network and by account.
 *
 * It is a table of fixed size in one file (on tmpfs where there is one), with a
 * lock, and it counts by the boot clock. It is asked before Argon2 and before
 * the database. It never sleeps: a CGI slot is worth more than a guesser's time.
 * A reboot may lose the table.
 *
 * The policy. A network (IPv4 /32, IPv6 /64) has 5 tries at once, and then one
 * per 6 s. An IPv6 line has many of those, so its /56 has 20, then one per 3 s, and
 * its /48 60, then one per 1 s; but who has signed in from his network within a
 * month doesn't wait for these two. An account has 10 failures at once from one network, then a wait that
 * doubles from 1 s to 15 min; from all networks together it has 100. Failures are
 * forgotten a day after the last one, and a success forgives them. The count of
 * all networks doesn't apply on a network where the user has signed in within a
 * month: so a stranger can't lock the owner out. When a wait ends one try is let
 * through, however many come at once.
 */
#ifndef THROTTLE_H
#define THROTTLE_H

#include "base/base.h"

/*
 * Opens the table before the sandbox shuts its directory; from then on that one
 * is used, whatever directory is named. For a process of one request. Where it
 * can't be opened throttle_ask() tells.
 */
void throttle_hold(const char *dir);

/*
 * To be called before a password is looked at; counts the try against the
 * network. Returns 0 (go on) or the seconds to wait (Retry-After). ip is the
 * address as text (without one each account has a count of its own, or a stranger
 * would keep all out), account the name as sent. When the table can't be opened, or locked within 2 s, nothing is
 * throttled and one line is logged: sign-in matters more.
 */
int64_t throttle_ask(const char *dir, struct slice ip, struct slice account);
/* To be called with the result. */
void throttle_failed(const char *dir, struct slice ip, struct slice account);
void throttle_succeeded(const char *dir, struct slice ip, struct slice account);
/* For a user who has another name now, whose account is a new one here: ip is where he is let in, as after a success; nothing is forgiven. */
void throttle_know(const char *dir, struct slice ip, struct slice account);
/* Instead of a result, where the password wasn't judged, for a reason of ours: as if throttle_ask() hadn't been called. */
void throttle_returned(const char *dir, struct slice ip, struct slice account);

/*
 * For a try that throttle_ask() refused: whether it is the first one that is refused in that wait, and so whether the trail is to
 * have it. However often somebody asks, it says so once for each failure, and once for a network that goes on asking.
 */
bool throttle_tell(const char *dir, struct slice ip, struct slice account);

/*
 * For the operator. What is counted of an account from one network; of an account from all networks (ip.p NULL); or of a network by
 * itself (account.p NULL). Changes nothing, and asks nothing of what is known.
 */
struct throttle_count {
	uint64_t key;           /* two addresses of one network have the same */
	int64_t failures;       /* within a day; 0 for a network by itself */
	int64_t wait;           /* seconds from now until the next try is let through; 0: none */
};
/* False: the table can't be opened, which is logged. */
bool throttle_look(const char *dir, struct slice ip, struct slice account, struct throttle_count *out);
/* Forgets it. False: nothing was counted. */
bool throttle_forgive(const char *dir, struct slice ip, struct slice account);

/* now_boot(); tests set a clock of their own. */
extern int64_t (*throttle_clock)(void);
/* SipHash-2-4 (Aumasson, Bernstein 2012): here for its published vectors. */
uint64_t throttle_hash(const uint8_t secret[16], struct slice s);

#endif
