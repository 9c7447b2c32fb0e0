/*
 * upkeep: what the program does for its store beside requests: make it, bring it up to date, check
 * it, copy it, and say when a process is idle or about to end. For main, serve and the operator's
 * verbs; the policy needs none of it.
 *
 * Each store has all of these functions. Where it has nothing to do there (a database server tidies
 * up by itself), the function does nothing.
 */
#ifndef UPKEEP_H
#define UPKEEP_H

#include "base/base.h"

/* ---- its files and versions -------------------------------------------- */

/* Name and version of what keeps the data: "SQLite 3.53.2". */
const char *store_engine(void);
/* The schema version of this program. */
extern const int store_version;

/*
 * Where the data are, as the option `store` says. NULL, or what is wrong with it (in the arena). Before anything else is asked
 * of the store; config_read() does it.
 */
const char *store_locate(struct slice where, const char *dir);
/* How long refreshes and failed sign-ins are kept, in seconds, where the trail is bounded by age. */
void store_keep_audit(int64_t seconds);
/* The TCP ports that the store connects to, for the sandbox (harden.h). Returns how many. */
enum { STORE_PORTS_MAX = 8 };
size_t store_ports(uint16_t out[STORE_PORTS_MAX]);

/* What may lie in the data directory, all of it readable by its owner alone. */
struct store_file {
	const char *name;
	bool needed;                /* without it there is no store */
};
enum { STORE_FILES_MAX = 4 };
/* In the order in which `latchkey check` shows them; a name of NULL ends them. */
extern const struct store_file store_files[STORE_FILES_MAX];

/* Whether dir has a store. */
bool store_exists(const char *dir);
/*
 * Makes a new, empty store in dir, which exists and has none, and opens it.
 * Killed at any time it leaves nothing that looks like a store. fail() on any trouble.
 */
void store_create(const char *dir);
/*
 * Opens the store and brings an older schema up to this program's, all or nothing; returns the
 * version it had.
 */
int store_upgrade(const char *dir);

/* ---- check ------------------------------------------------------------- */

enum finding { FOUND_OK, FOUND_WARN, FOUND_FAIL, FOUND_MENDED };

/*
 * Where store_check() says what it found. The texts are NUL-terminated, and last as long as the
 * arena.
 */
struct store_report {
	void *who;                  /* handed to both */
	struct slice kids;          /* the names of this host's keys, a space between; the first one signs */
	/*
	 * One finding: what was looked at (at most 10 bytes), what it is like, what to do about it.
	 */
	void (*tell)(void *who, enum finding f, const char *what, const char *found, const char *advice);
	/*
	 * A file that isn't needed any more, if it is there, and where it comes from (", left
	 * behind by …").
	 */
	void (*leftover)(void *who, const char *name, const char *origin);
};
/* Reads all of the open store and says what is wrong; requests wait meanwhile. */
void store_check(const struct store_report *report);

/* ---- backup ------------------------------------------------------------ */

/*
 * Writes a consistent copy of dir's store into the empty file `to`, while
 * requests go on. It is on disk when this returns, and one that was cut
 * short can't be taken for a whole one. Opens the store and closes it.
 * False, with a line in the log, where the caller may try again; fail() on trouble.
 */
bool store_backup(const char *dir, int to);
/* What it has copied, and what it hasn't, for the operator. */
extern const char store_backup_words[];

/*
 * The way back, in two steps; fail() on trouble.
 *
 * store_restore() reads a copy from `from`, and its log from `log` (-1: it has none), puts it beside dir's store and
 * opens it: it is whole, and of this program's schema. dir need have no store.
 * store_swap(): what is open takes the place of dir's store, and is closed. Processes that have that one
 * open notice at their next turn.
 * store_forget_restore() removes what store_restore() has put there; for the handler of a failure.
 */
void store_restore(const char *dir, int from, int log);
void store_forget_restore(const char *dir);
void store_swap(const char *dir);

/* ---- processes --------------------------------------------------------- */

/*
 * To be called before the answer is sent, also the answer to a failure: lets other processes at the store, since the
 * client may be slow to take its answer. Nothing may be asked of the store afterwards but store_tidy() and
 * store_close(). Where store_tidy() will have something to do, SIGTERM is ignored from now on: some servers
 * (lighttpd) end a program once they have its answer, and the work would never be done.
 */
void store_before_answer(void);
/*
 * To be called after the answer was sent: work that no client need wait for. Where others have the turn it is left to one of them.
 * It may fail() where the store can't be had again; then the next request does it.
 */
void store_tidy(void);

/* The same for a verb, which can take its time: afterwards latchkey.db alone is whole. */
void store_settle(void);

/*
 * For a process that stays and answers requests in batches. dir is the data
 * directory that it will open, and is kept.
 *
 * From now on the transactions of a batch are one: what they commit is
 * written, and synced if one of them must be durable, by
 * store_commit_batch(). No request of the batch may be answered before.
 * Then store_leave() lets other processes at the store; the next store_open()
 * goes on with what is open, if nobody wrote meanwhile. `idle`: there will
 * be nothing to do for a while, so that there is time to tidy up. Both do
 * nothing where the store isn't open. After a fail() in between: store_close().
 */
void store_stay(const char *dir);
void store_commit_batch(void);
void store_leave(bool idle);
/*
 * The store is another program, perhaps on another host: each question is a way there and back, and what must last waits for more
 * than a disk. So a worker tells it the rows of a batch, and leaves what must last to others.
 */
extern const bool store_is_remote;
/*
 * The batch that begins will ask for these sessions, to change them, and for their users: they are read and locked together. What
 * isn't told can be asked for all the same. The store is open. May fail(), before anything was changed.
 */
enum { STORE_EXPECTS = 64 };
void store_expect(const uint64_t *id, size_t n);
/*
 * Tells the store that this host serves, by its keys (as in struct store_report): store_check() of other hosts looks at it. To be
 * called once a minute, outside of a transaction; the store is open. Where the store isn't remote: nothing.
 */
void store_front(struct slice kids);
/*
 * Whether it is better to go on than to leave: another process has written between the last two turns, so that the store had to be
 * opened anew, and this turn is younger than 20 ms.
 */
bool store_keeps(void);

#endif
