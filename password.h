/*
 * password: hashes of passwords, by Argon2id (RFC 9106, libsodium's). A wrong
 * password and a name that no user has take the same time.
 *
 * Stored form: PHC string, $argon2id$v=19$m=…,t=…,p=1$salt$hash. Salts come
 * from random_bytes().
 */
#ifndef PASSWORD_H
#define PASSWORD_H

#include "base/base.h"

struct password_cost {
	int64_t kib;      /* memory, KiB */
	int64_t passes;
};

/* Whether a user of this name may choose this password: 8 to 1024 bytes, none of them a control character (C0, DEL), not all
 * of them spaces; neither the name nor on the built-in list of common passwords (compared without ASCII case). */
bool password_acceptable(struct slice password, struct slice name);

/* The PHC string of a fresh hash, in the arena. Out of memory is
 * fail(ERROR_STORE_UNAVAILABLE). */
struct slice password_hash(struct slice password, struct password_cost cost);

/* The same with a salt of the caller's, and whether a stored hash has that salt. */
enum { PASSWORD_SALT = 16 };
struct slice password_hash_salted(struct slice password, struct password_cost cost, const uint8_t salt[PASSWORD_SALT]);
bool password_has_salt(struct slice stored, const uint8_t salt[PASSWORD_SALT]);

/* The same of no password that anybody knows: for a user without one. Zeros stand for the hash, so it costs nothing; the salt is random. */
struct slice password_none(struct password_cost cost);
bool password_is_none(struct slice stored);

enum password_verdict {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_REHASH   /* right, but stored in another form or at another cost than asked for */
};

/*
 * The kind of hash that a text looks like ("bcrypt", "yescrypt", …), by how it begins; NULL: it looks like none. For
 * the operator, who may have given a hash where a password was meant, or one of a kind that isn't compared here.
 */
const char *password_kind(struct slice text);
/*
 * Whether password_check() can compare with this text in a time that a sign-in can wait for: a PHC string of Argon2id
 * with 32 bytes of hash and at most 4 GiB times passes, or what crypt.h takes.
 */
bool password_storable(struct slice hash);

/*
 * Compares a password with the stored hash. stored.n == 0 means that there is no
 * such user: then a fixed hash is checked at `cost`, and the result is
 * PASSWORD_WRONG, so that the time tells nothing. The right password for a hash
 * of another program (crypt.h) is PASSWORD_RIGHT_REHASH; a wrong one takes the time
 * of that hash and of the fixed one. A stored text that can't be read, or that
 * needs more memory than `cost` and can't have it, is PASSWORD_WRONG after the
 * same work, and the log says so. Memory for `cost` that can't be had is
 * fail(ERROR_STORE_UNAVAILABLE), whoever asks.
 */
enum password_verdict password_check(struct slice stored, struct slice password, struct password_cost cost);

/* The cost for a host: 19 MiB and 2 passes; 7 MiB and 5 with under 256 MB of RAM. */
struct password_cost password_cost_for(int64_t ram_bytes);
/* The cost that is used here: as configured; what is 0 there depends on this host's RAM. */
struct password_cost password_cost_here(int64_t kib, int64_t passes);
/* How many hashes of that cost may run at once: two, or one where two take over a quarter of the RAM. Of a router's 32 MB its kernel and its
 * other programs leave less than half. */
int64_t password_jobs_for(int64_t ram_bytes, int64_t kib);
/* The same here: both as configured; what is 0 depends on this host's RAM. */
int64_t password_jobs_here(int64_t jobs, int64_t kib);
/* RAM of this host in bytes. */
int64_t password_ram(void);

/*
 * Opens the file of the slots before the sandbox shuts its directory; from then
 * on password_slot() uses that one, whatever directory is named.
 */
void password_hold(const char *dir);

/*
 * Takes one of `jobs` slots, so that at most that many hashes run at once on this
 * host. A slot is a locked byte of dir/password.lock. Waits at most `seconds`;
 * false when no slot was free. password_slot_leave() or the end of the process
 * gives the slot back. If the file can't be made, fail(ERROR_STORE_UNAVAILABLE).
 */
bool password_slot(const char *dir, int64_t jobs, int64_t seconds);
void password_slot_leave(void);

#endif
