/*
 * store: users, sessions and the audit trail, and the transactions that
 * change them. What keeps them is chosen when the program is linked; nothing
 * of it shows here. Making, checking and copying a store: store/upkeep.h.
 *
 * One transaction at a time, and every write inside one: store_run(). A verb
 * that can't do its work never returns: it is a fail() with ERROR_BUSY,
 * ERROR_STORE_FULL or ERROR_STORE_UNAVAILABLE, the transaction is rolled back,
 * and nothing was changed. So what a verb returns was read from the store.
 * After a commit a failure is ERROR_UNSETTLED: what was committed stands.
 *
 * Texts that a verb returns are in the arena.
 */
#ifndef STORE_H
#define STORE_H

#include "base/base.h"

/* What an app and the programs behind /verify are told of a user beside the user name; profile.h says what may stand in it.
 * Each may be empty. */
struct profile {
	struct slice groups;        /* names between commas */
	struct slice email;
	struct slice name;          /* that people read; neither unique nor a user name */
};

struct user {
	uint64_t id;
	struct slice name;          /* as it was added; unique but for ASCII case */
	struct slice password;      /* what password_check() takes */
	struct slice subscription;  /* JSON object, or empty */
	int64_t created_at;
	bool disabled;
	struct profile profile;
};

enum ended {                    /* why a session ended; numbers are on disk */
	ENDED_NOT = 0,
	ENDED_LOGOUT = 1,
	ENDED_REVOKED = 2,          /* by its user or the operator */
	ENDED_REUSE = 3,
	ENDED_FORK = 4,
	ENDED_PASSWORD = 5,         /* the password was changed elsewhere */
	ENDED_DISABLED = 6,
	ENDED_REPLACED = 7,         /* a newer sign-in of its user took its place */
	/* Read from a row that a later version wrote, or a damaged one. Never written; the same
	 * holds for EVENT_UNKNOWN and CLASS_UNKNOWN. */
	ENDED_UNKNOWN,
	ENDED__MAX
};
extern const char *const ended_words[ENDED__MAX];

enum {                          /* numbers are on disk */
	SCOPE_OPENID = 1,
	SCOPE_PROFILE = 2,
	SCOPE_EMAIL = 4,
	SCOPE_OFFLINE = 8,
	SCOPE__BITS = 6             /* that there is room for */
};
enum {                          /* numbers are on disk */
	AMR_PASSWORD = 1,
	AMR_OTP = 2,                /* and a code of a second factor (totp.h) */
	AMR_PASSKEY = 4,
	AMR_WALLET = 8,
	AMR__BITS = 8
};

struct session {
	uint64_t id, user;
	int64_t ctr;                /* generation, from 1 */
	uint64_t br;                /* branch of generation ctr (jwt_branch): another one is a fork */
	uint64_t idem;              /* hash of the idempotency key of the last rotation; 0: none */
	int64_t rotated_at, created_at;
	int64_t expires_at;         /* absolute end; 0: none */
	int64_t ended_at;           /* 0: stands */
	enum ended why;
	bool cookie;                /* mode, fixed at sign-in */
	bool brief;                 /* the cookie's: without an end of its own, so that it goes with the browser */
	struct slice device;        /* fixed at sign-in */
	struct slice agent, ip;     /* of the last rotation, or of the sign-in */
	int64_t strays;             /* rotation.h */
	struct slice client;        /* the client of OAuth that it was made for, fixed; empty: the app API */
	unsigned scope;             /* SCOPE_ of that client, fixed */
	unsigned amr;               /* AMR_: how its user proved who he is, fixed; 0: by a password, before that was kept */
	bool sso;                   /* it came by a cookie: no password was shown for it */
};

enum event {                    /* numbers are on disk */
	EVENT_LOGIN = 1,
	EVENT_LOGIN_FAILED,
	EVENT_REFRESH,
	EVENT_REUSE,
	EVENT_FORK,
	EVENT_ROLLFORWARD,
	EVENT_LOGOUT,
	EVENT_REVOKE,
	EVENT_PASSWORD_CHANGED,
	EVENT_USER_ADDED,
	EVENT_USER_DISABLED,
	EVENT_USER_ENABLED,
	EVENT_USER_DELETED,
	EVENT_KEY_ADDED,
	EVENT_KEY_RETIRED,
	EVENT_EPOCH,                /* all sessions ended at once, all keys but a new one retired */
	EVENT_KEY_USED,             /* a key that was there already signs */
	EVENT_REPLAY,               /* within the grace, from elsewhere than the rotation */
	EVENT_USER_RENAMED,
	EVENT_USERS_IMPORTED,       /* count: how many */
	EVENT_CLOCK,                /* the operator vouched for the clock */
	EVENT_RESTORED,             /* a backup took the database's place */
	EVENT_USER_CHANGED,         /* groups, email or display name */
	EVENT_LINK_MADE,            /* by the operator, for a user to choose a password by */
	EVENT_LINK_USED,            /* a password was set by one; count: sessions ended */
	EVENT_RATE_LIMITED,         /* a password wasn't looked at: throttle.h */
	EVENT_CLIENT_ADDED,         /* to latchkey.clients, by the operator */
	EVENT_CLIENT_REMOVED,       /* count: sessions ended */
	EVENT_CLIENT_SECRET,        /* it has another one */
	EVENT_TOTP_ON,              /* a second factor was set up */
	EVENT_TOTP_OFF,             /* and taken away, by its user or the operator */
	EVENT_PASSKEY_ADDED,
	EVENT_PASSKEY_REMOVED,      /* by its user or the operator */
	EVENT_UNKNOWN,
	EVENT__MAX
};
extern const char *const event_words[EVENT__MAX];

enum reuse_class {              /* of a reuse event, a login and a login_failed; numbers are on disk */
	CLASS_NONE = 0,
	CLASS_LATE = 1,             /* the predecessor, without a key, after the grace */
	CLASS_RIVAL = 2,            /* the predecessor, with another key, after the grace */
	CLASS_OLD = 3,              /* two or more generations back */
	CLASS_SHARED = 4,           /* the predecessor, within the grace, from elsewhere, for the third generation in a row */
	CLASS_CODE = 5,             /* a code of OAuth that was redeemed before */
	CLASS_SSO = 6,              /* of a login: by a cookie, without a password */
	CLASS_FACTOR = 7,           /* of a login_failed: the password was right, the code of the second factor wrong */
	CLASS_UNKNOWN,
	CLASS__MAX
};
extern const char *const class_words[CLASS__MAX];

struct audit {
	int64_t id, time;
	int64_t mark;               /* store_audit_add(): the mark from then on, at most `time`; lists leave it 0 */
	enum event event;
	uint64_t user, session;     /* 0: none */
	struct slice ip;
	enum reuse_class class;
	int64_t distance;           /* generations between the token and the row */
	int64_t count;              /* sessions that the event ended, of those that may end several */
	struct slice client;        /* of a login: the client of OAuth that it was for; empty: the app API */
};
/* Whether an event of this kind has a count; else it may have a distance. One column holds either. */
bool event_has_count(enum event event);

/*
 * The shares of the trail. Each has places of its own, so that what a client can make in any number
 * takes none from what somebody must read.
 */
enum share {
	SHARE_REFRESH,              /* half of audit_max: refreshes */
	SHARE_FAILED,               /* a quarter: failed sign-ins */
	SHARE_SIGNIN,               /* a quarter: sign-ins and sign-outs */
	SHARE_KEPT,                 /* audit_max more: all others */
	SHARE__MAX
};
extern const char *const share_words[SHARE__MAX];
enum share event_share(enum event event);

/* ---- opening ----------------------------------------------------------- */

/*
 * Opens the store of the data directory dir, which store_create() made, and
 * waits at most `seconds` for its turn: ERROR_BUSY after that. A store of
 * another program or schema version is ERROR_STORE_UNAVAILABLE. Nothing where
 * it is open already.
 */
void store_open(const char *dir, int64_t seconds);
/* Lets go of the store; a transaction that is open is rolled back. Nothing where it isn't open. */
void store_close(void);
/* Of a verb that goes on with store_open(), between pages: lets other processes at the store. Where they don't wait for one another it stays open. */
void store_pause(void);
/*
 * For a request that asks nothing more of the store, before what takes long: lets other processes at it. A process that stays goes on:
 * it hands what takes long to another.
 */
void store_give_turn(void);

/* ---- transactions ------------------------------------------------------ */

enum durability {
	DURABLE_LATER,   /* no fsync: what a power cut takes, the next refresh rolls forward */
	DURABLE_NOW      /* on disk before store_run() returns */
};

/*
 * One transaction, begun and ended here: calls work(arg), commits where it
 * returns ERROR_NONE, and else takes back what it wrote. Returns what work
 * returned. The store is open. A fail() inside of work commits nothing: its
 * handler ends the process or calls store_close().
 *
 * work may be called more than once, each time from the state before it: a
 * store with several writers may find late that another was first, or that a
 * batch must be committed before. So it sets all of its results anew, and does nothing outside of the store: no
 * log line, no throttle, no answer. What must be refused and written all the
 * same (a session that ends by reuse) is a result of work, which returns
 * ERROR_NONE. A work that wrote nothing commits nothing.
 */
enum error store_run(enum durability d, enum error (*work)(void *), void *arg);
/* Inside of work: this transaction must be DURABLE_NOW after all. */
void store_must_last(void);
/*
 * The error to report for a failure e, in any room. After a commit "503,
 * nothing was changed" would be false, so a 503 becomes ERROR_UNSETTLED; other
 * errors stay as they are. For a process of one request: a worker has built
 * its answers before it commits, and the commit itself fails with the right error.
 */
enum error store_failure(enum error e);

/* ---- users ------------------------------------------------------------- */

bool store_user_named(struct slice name, struct user *out);
bool store_user(uint64_t id, struct user *out);
/* The user of that name, else the one whose name comes next, else the first one; false where there is none at all. */
bool store_user_near(struct slice name, struct user *out);
/* False when the name is taken. */
bool store_user_add(const struct user *u);
/* False when the name is another user's. */
bool store_user_rename(uint64_t id, struct slice name);
void store_user_password(uint64_t id, struct slice phc);
void store_user_subscription(uint64_t id, struct slice json);
void store_user_profile(uint64_t id, const struct profile *p);
void store_user_disable(uint64_t id, bool disabled);
/*
 * What a user proves by, beside his password, that it is he: bytes that totp.h and the room of the passkeys alone understand. Empty: he has none of it,
 * or there is no such user. They are columns that no other verb reads, since every refresh reads its user. Inside a transaction nobody else changes
 * what was read until it ends. At most LIMIT_FACTOR and LIMIT_CREDENTIALS bytes; what is longer was not written here and is cut.
 */
struct slice store_user_factor(uint64_t id);
void store_user_factor_set(uint64_t id, struct slice factor);
struct slice store_user_keys(uint64_t id);
void store_user_keys_set(uint64_t id, struct slice keys);
/* Deletes the user and the user's sessions; the audit trail stays. */
void store_user_delete(uint64_t id);
/* Up to LIMIT_LIST users after `after` (SLICE_NONE: from the start) by name.
 * Returns how many were written to out. */
size_t store_users(struct slice after, struct user out[LIMIT_LIST]);

/* ---- sessions ---------------------------------------------------------- */

bool store_session(uint64_t id, struct session *out);
/*
 * The same, of a row that is read to be changed: nobody else changes it until
 * the transaction ends. Inside a transaction only; elsewhere fail(ERROR_INTERNAL).
 */
bool store_session_lock(uint64_t id, struct session *out);
/* A session and its user in one question; false where either isn't there. `lock`: as store_session_lock(). */
bool store_session_and_user(uint64_t id, bool lock, struct session *s, struct user *u);
void store_session_add(const struct session *s);
/* Writes what a rotation changes: ctr, br, idem, rotated_at, strays. */
void store_session_rotate(const struct session *s);
/* Writes where the session is used from: agent, ip. */
void store_session_move(const struct session *s);
/* Ends a session that stands; false when it had ended already or isn't there. */
bool store_session_end(uint64_t id, enum ended why, int64_t at);
/*
 * Ends a user's sessions that stand, except the one with id `except` (0: all of them). Returns how
 * many.
 */
int64_t store_sessions_end(uint64_t user, uint64_t except, enum ended why, int64_t at);
/* Ends those of a user's that stand and came by a cookie (sso). Returns how many. */
int64_t store_sessions_end_sso(uint64_t user, enum ended why, int64_t at);
/*
 * Makes room for another session of a user and a client (empty: the app API): of those that stand `most` - 1 are left, the longest
 * unused end first; of those that have ended, the last `most` stay, and a client's that are younger than STORE_TICKET. A few dozen of either at once, so that a
 * user who has more in store holds nobody up. Returns how many it ended.
 */
enum { STORE_TICKET = 15 * 60 };       /* s: no ticket is redeemed later than that after its session began */
int64_t store_sessions_trim(uint64_t user, struct slice client, int64_t most, enum ended why, int64_t at);
/*
 * Ends everyone's sessions that stand, of the next STORE_SLICE by id behind *after (INT64_MIN: from the first one on). *after
 * becomes the last of them, *ended how many ended. False: there are no more. A transaction for each slice keeps nobody
 * waiting for long, and takes no more memory among ten million sessions than among a thousand.
 */
enum { STORE_SLICE = 5000 };
bool store_sessions_end_all(int64_t *after, enum ended why, int64_t at, int64_t *ended);
/*
 * A user's sessions with id greater than `after`, ended ones included, at most LIMIT_LIST. user 0:
 * everyone's.
 */
size_t store_sessions(uint64_t user, uint64_t after, struct session out[LIMIT_LIST]);
/*
 * A user's sessions that stand, the last used one first, at most LIMIT_LIST: those behind the one that was
 * used at `used` and has the id `after`. used INT64_MAX: from the first on.
 */
size_t store_sessions_used(uint64_t user, int64_t used, uint64_t after, struct session out[LIMIT_LIST]);
/*
 * Looks at a few rows from a random place on, and deletes those of which no
 * token can be valid any more: the session's end has passed, or it wasn't used
 * for refresh_ttl seconds. Sessions that were ended stay until then, so that a
 * late token gets the right refusal; but what a person answered to a device that never asked goes after
 * STORE_TICKET. And each stays for STORE_TICKET, and so long
 * behind its end: the ticket by which it began may be shown again, and would
 * begin it once more. Returns how many were deleted.
 */
int64_t store_sweep(int64_t time, int64_t refresh_ttl);

/* ---- clock mark and audit ---------------------------------------------- */

enum { STORE_MARK_STEP = 3600 };        /* seconds */
/*
 * The mark, which is the highest time that somebody vouched for, and the time
 * of the newest event (clock.h). Unix seconds; 0: none.
 */
int64_t store_mark(int64_t *seen);
/*
 * Sets both. For transactions that add no audit row: a row does it by itself.
 * Nothing is written before STORE_MARK_STEP seconds have passed, unless the mark
 * goes back.
 */
void store_mark_raise(int64_t time, int64_t to);

/*
 * Adds a row, whatever a->id is: the store numbers them. Where a share has more rows than its part
 * of max, who has the most of them loses the oldest; many at once, and not each time.
 */
void store_audit_add(const struct audit *a, int64_t max);
/* How far each share reaches. */
struct trail {
	int64_t rows;
	int64_t since;              /* time of the oldest row, Unix seconds; 0: none */
};
void store_trail(struct trail out[SHARE__MAX]);
/* Rows with id < before (0: from the newest), newest first, of a user (0: everyone); at most limit, at most LIMIT_LIST. */
size_t store_audits(uint64_t user, int64_t before, int64_t limit, struct audit out[LIMIT_LIST]);
/* Rows with id > after, oldest first: for `audit --follow`. */
size_t store_audits_after(int64_t after, struct audit out[LIMIT_LIST]);

#endif
