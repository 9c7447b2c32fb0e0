/*
 * password: Argon2id (RFC 9106, libsodium's), and refusals that cost the same
 * time whoever is refused.
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

/* 8 to 1024 bytes and not on the built-in list of common ones (compared
 * without ASCII case). */
bool password_acceptable(struct slice password);

/* The PHC string of a fresh hash, in the arena. Out of memory is
 * fail(ERROR_STORE_UNAVAILABLE). */
struct slice password_hash(struct slice password, struct password_cost cost);

enum password_verdict {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_REHASH   /* right, but stored at another cost than the one asked for */
};

/*
 * The kind of hash that a text looks like ("bcrypt", "yescrypt", …), by how it begins; NULL: it looks like none. For
 * the operator, who may have given a hash where a password was meant, or one of a kind that isn't compared here.
 */
const char *password_kind(struct slice text);
/* Whether password_check() can compare with this text: an Argon2id string as it is written here, or what crypt.h takes. */
bool password_storable(struct slice hash);

/*
 * Compares with what is stored. stored.n == 0 (no such user) runs the same
 * work at `cost` on a fixed hash and answers PASSWORD_WRONG, so that the
 * caller's time tells nothing. A hash of another program (crypt.h) that is right is PASSWORD_RIGHT_REHASH. A stored text
 * that isn't password_storable() is fail(ERROR_INTERNAL).
 */
enum password_verdict password_check(struct slice stored, struct slice password, struct password_cost cost);

/* The cost for a host: 19 MiB and 2 passes; 7 MiB and 5 with under 256 MB of RAM. */
struct password_cost password_cost_for(int64_t ram_bytes);
/* The cost in force here: as configured, and what is 0 by this host's RAM. */
struct password_cost password_cost_here(int64_t kib, int64_t passes);
/* RAM of this host in bytes. */
int64_t password_ram(void);

/*
 * Takes one of `jobs` slots (a byte of dir/password.lock, locked) so that at most
 * that many hashes run at once on this host; waits at most `seconds`. False
 * when none came free. The slot is given back by password_slot_leave() or at
 * exit. A file that can't be made is fail(ERROR_STORE_UNAVAILABLE).
 */
bool password_slot(const char *dir, int64_t jobs, int64_t seconds);
void password_slot_leave(void);

#endif
