/*
 * store: users, sessions and the audit trail on disk. The only room that
 * knows SQLite; nothing of it shows here.
 *
 * One transaction at a time, and every write inside one. A result that isn't
 * the expected one never reaches the caller: it is fail() with ERROR_BUSY,
 * ERROR_STORE_FULL or ERROR_STORE_UNAVAILABLE, the transaction is rolled
 * back, and nothing was changed. So what a caller is told was read. Behind a
 * commit it is ERROR_UNSETTLED: that stands, whatever fails then.
 */
#ifndef STORE_H
#define STORE_H

#include "base/base.h"

struct user {
	uint64_t id;
	struct slice name;          /* as it was added; unique but for ASCII case */
	struct slice password;      /* PHC string */
	struct slice subscription;  /* JSON object, or empty */
	int64_t created_at;
	bool disabled;
};

enum ended {                    /* why a session ended; numbers are on disk */
	ENDED_NOT = 0,
	ENDED_LOGOUT = 1,
	ENDED_REVOKED = 2,          /* by its user or the operator */
	ENDED_REUSE = 3,
	ENDED_FORK = 4,
	ENDED_PASSWORD = 5,         /* the password was changed elsewhere */
	ENDED_DISABLED = 6,
	ENDED_UNKNOWN,              /* of a later program or a damaged row; never on disk, nor the other two of that name */
	ENDED__MAX
};
extern const char *const ended_words[ENDED__MAX];

struct session {
	uint64_t id, user;
	int64_t ctr;                /* generation, from 1 */
	uint64_t br;                /* lawful branch of ctr (jwt_branch) */
	uint64_t idem;              /* hash of the idempotency key of the last rotation; 0: none */
	int64_t rotated_at, created_at;
	int64_t expires_at;         /* absolute end; 0: none */
	int64_t ended_at;           /* 0: stands */
	enum ended why;
	bool cookie;                /* mode, fixed at sign-in */
	struct slice device, agent, ip;
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
	EVENT_UNKNOWN,
	EVENT__MAX
};
extern const char *const event_words[EVENT__MAX];

enum reuse_class {              /* of a reuse event; numbers are on disk */
	CLASS_NONE = 0,
	CLASS_LATE = 1,             /* the predecessor, without a key, after the grace */
	CLASS_RIVAL = 2,            /* the predecessor, with another key, after the grace */
	CLASS_OLD = 3,              /* two or more generations back */
	CLASS_UNKNOWN,
	CLASS__MAX
};
extern const char *const class_words[CLASS__MAX];

struct audit {
	int64_t id, time;
	enum event event;
	uint64_t user, session;     /* 0: none */
	struct slice ip;
	enum reuse_class class;
	int64_t distance;           /* generations between the token and the row */
};

/* ---- opening ----------------------------------------------------------- */

/* Makes a new database in dir (which exists and has none): journal mode,
 * schema, versions, mode 0600. fail() on any trouble. */
void store_create(const char *dir);
/* Brings an older schema up to this one; returns the version it had. */
int store_upgrade(const char *dir);
/* The schema version of this program. */
extern const int store_version;

/*
 * Opens dir/latchkey.db behind the FIFO lock (dir/latchkey.lock). Checks that it can
 * be written and that application_id and user_version are ours. `seconds` is
 * how long it may wait for its turn: ERROR_BUSY after that. The second call
 * of a process does nothing.
 */
void store_open(const char *dir, int64_t seconds);

enum durability {
	DURABLE_LATER,   /* no fsync: what a power cut may take, the next refresh rolls forward */
	DURABLE_NOW      /* on disk before commit returns */
};
/*
 * One transaction, begun and ended here: calls work(arg), commits where it
 * returns ERROR_NONE, and else takes back what it wrote. Returns what work
 * returned. The store is open. A fail() inside of work commits nothing: its
 * handler ends the process or calls store_close().
 *
 * work may be called more than once, each time from the state before it: a
 * store with several writers finds only at the end that another was first. So
 * it sets all of its results anew, and does nothing outside of the store: no
 * log line, no throttle, no answer. What must be refused and written all the
 * same (a session that ends by reuse) is a result of work, which returns
 * ERROR_NONE. A work that wrote nothing commits nothing.
 */
enum error store_run(enum durability d, enum error (*work)(void *), void *arg);
void store_begin(enum durability d);    /* BEGIN IMMEDIATE */
/* The transaction that is open turns out to be one of DURABLE_NOW. */
void store_must_last(void);
void store_commit(void);
void store_rollback(void);              /* nothing when no transaction is open */
/* What a failure with e, in any room, is to be told as: once something was committed it mustn't say that nothing was changed. */
enum error store_failure(enum error e);
/* Before the answer is sent: where store_tidy() will have something to do, SIGTERM is ignored from now on. Some
 * servers (lighttpd) end a program once they have its answer, and the log would never be emptied. */
void store_before_answer(void);
/* After the answer was sent: a checkpoint where the log has grown past its
 * bound. Never fails a request. */
void store_tidy(void);
/* Lets go of database and lock. For the operator's verbs and tests. */
void store_close(void);

/*
 * For a process that stays, which answers requests in batches. From
 * store_stay() on their transactions are one: what they commit is written, and
 * synced if one of them wants that, by store_settle(); until then nobody may
 * be answered. store_leave() then lets others at the store; what the next
 * store_open() finds unchanged is used on. Both are nothing where the store
 * isn't open. store_rest(): nothing is to do for a while, so what this process
 * has left in the log is emptied for the others. After a fail() in between:
 * store_close().
 */
void store_stay(void);
void store_settle(void);
void store_leave(void);
void store_rest(const char *dir, int64_t seconds);

/* ---- users ------------------------------------------------------------- */

bool store_user_named(struct slice name, struct user *out);
bool store_user(uint64_t id, struct user *out);
/* False when the name is taken. */
bool store_user_add(const struct user *u);
void store_user_password(uint64_t id, struct slice phc);
void store_user_subscription(uint64_t id, struct slice json);
void store_user_disable(uint64_t id, bool disabled);
/* With its sessions; the audit trail stays. */
void store_user_delete(uint64_t id);
/* Up to LIMIT_LIST users after `after` (SLICE_NONE: from the start) by name.
 * Returns how many were written to out. */
size_t store_users(struct slice after, struct user out[LIMIT_LIST]);

/* ---- sessions ---------------------------------------------------------- */

bool store_session(uint64_t id, struct session *out);
/* The same of a row that is read to be changed: nobody else changes it until the transaction ends. Inside one alone. */
bool store_session_lock(uint64_t id, struct session *out);
void store_session_add(const struct session *s);
/* Writes what a rotation changes: ctr, br, idem, rotated_at. */
void store_session_rotate(const struct session *s);
/* Ends one that stands; false when it had ended already or isn't there. */
bool store_session_end(uint64_t id, enum ended why, int64_t at);
/* Ends all that stand of a user, but for `except` (0: none). Returns how many. */
int64_t store_sessions_end(uint64_t user, uint64_t except, enum ended why, int64_t at);
/* Ends all that stand, of everyone. Returns how many. */
int64_t store_sessions_end_all(enum ended why, int64_t at);
/* A user's sessions with id greater than `after`, ended ones included, at most LIMIT_LIST. user 0: everyone's. */
size_t store_sessions(uint64_t user, uint64_t after, struct session out[LIMIT_LIST]);
/*
 * Deletes, of a few rows from a random place on, those whose tokens have all
 * run out: past the session's end, or not used for refresh_ttl. Ended ones stay
 * until then, so that a late token gets the right refusal. Returns how many.
 */
int64_t store_sweep(int64_t time, int64_t refresh_ttl);

/* ---- clock mark and audit ---------------------------------------------- */

/* The highest time seen; 0: none. */
int64_t store_mark(void);
/* Raises it, where no audit row of this transaction does: at most hourly. */
void store_mark_raise(int64_t time);

/* Adds a row and drops the oldest beyond max. a->id is given by the store. */
void store_audit_add(const struct audit *a, int64_t max);
/*
 * Rows with id < before (0: from the newest), newest first, of a user
 * (0: everyone) and not older than `since`; at most limit, at most LIMIT_LIST.
 */
size_t store_audits(uint64_t user, int64_t before, int64_t since, int64_t limit, struct audit out[LIMIT_LIST]);
/* Rows with id > after, oldest first: for `audit --follow`. */
size_t store_audits_after(int64_t after, struct audit out[LIMIT_LIST]);

/* ---- for `latchkey check` ---------------------------------------------- */

/* "ok", or the first line of PRAGMA integrity_check. In the arena. */
const char *store_integrity(void);
/* "wal" and so on, as the file says. */
const char *store_journal(void);
/* The text of SQLite's version. */
const char *store_library(void);
/* The audit table: rows, and the lowest and the highest id; 0 without rows. */
struct span { int64_t count, first, last; };
struct span store_audit_span(void);
/* Whether its ids are without a gap, and its rows not more than what max allows. */
bool store_audit_sound(const struct span *span, int64_t max);
/* Makes it so: the newest max rows stay, in their order. Inside a transaction. */
void store_audit_rebuild(int64_t max);

/* ---- for `latchkey backup` --------------------------------------------- */

/*
 * The store is open. Brings all that was committed into latchkey.db, closes
 * it, and lets others have their turn: what they commit stays in the log, so
 * that until store_close() latchkey.db is a whole and consistent database,
 * and stands still. (Without a log, journal=delete, the turn is kept.)
 * A log of 8 MiB is emptied nevertheless: so whoever copies must look whether
 * the file was changed meanwhile. False while another backup is at work.
 */
bool store_freeze(void);

#endif
