/*
 * sqlite_file: SQLite's own file layer, fitted to one process for each request.
 * For the store's sqlite*.c and their tests alone.
 */
#ifndef SQLITE_FILE_H
#define SQLITE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	PAGE_SIZE = 512,              /* bytes; a rotation writes two pages (docs/internals.md) */
	SQLITE_FILE_TAG_SHIFT = 8,    /* user_version is a tag of 23 bits and a schema version of 8 */
	SQLITE_FILE_FOREIGN = 20,     /* SQLITE_MISMATCH, which means here that the log is another database's */
	LOG_FRAMES_KEPT = 112         /* so many frames of the write-ahead log are read in one call */
};

/*
 * Compiled into SQLite as getpid() (tools/thirdparty.mk, SQLITE_FLAGS): 1.
 * SQLite asks for its process id only to notice a fork and seed its random
 * numbers anew; ours come from the kernel, so a constant saves the system calls.
 */
pid_t sqlite_file_one_process(void);
/*
 * Compiled into SQLite as strftime() (the same place): the empty text, 0 bytes.
 * SQLite calls it for CURRENT_TIME alone, which no statement of ours uses; libc's
 * brings time zones and printf(3) along.
 */
size_t sqlite_file_no_time(char *out, size_t room, const char *format, const struct tm *when);

/*
 * Sets SQLite's memory and file layer up, once per process. Returns the name to open a database
 * with.
 */
const char *sqlite_file_layer(void);

/*
 * Writes the bytes of the write-ahead log that are held back: after COMMIT, and
 * before it is reported. Returns an SQLite result code; on any but SQLITE_OK
 * the commit isn't on disk, and the process must close the database.
 */
int sqlite_file_flush(void);
/*
 * Syncs the log: after sqlite_file_flush() every commit is on disk. On any
 * result but SQLITE_OK the commit is in the log, and may last or not.
 */
int sqlite_file_sync(void);

/*
 * Whether no commit in the log has page 1, by what this connection has read. Then the next commit must write it:
 * by that copy a log shows whose it is. Afterwards sqlite_file_bound().
 */
bool sqlite_file_is_unbound(void);
void sqlite_file_bound(void);

/*
 * For a process that keeps the database open between its turns.
 *
 * sqlite_file_leave() lets go of the file's locks without SQLite's knowledge.
 * `frames`: how many the log has, by what SQLite has read and written of it. False where it can't be
 * left open: close the database.
 *
 * sqlite_file_return() takes the locks again. False where another program
 * has the file: try again. *unchanged: no other process wrote in between;
 * otherwise close the database and open it anew.
 */
bool sqlite_file_leave(int frames);
bool sqlite_file_return(bool *unchanged);

/* The process that has a lock on the database where this one can't have it; 0: none, or it can't be told. */
int64_t sqlite_file_holder(void);

/*
 * For a process that ends soon: lets go of the file's locks without SQLite's knowledge, whatever is under way.
 * Nothing may be done with the database afterwards but to close it.
 */
void sqlite_file_abandon(void);

/* The database was closed: its name was SQLite's, and is gone. */
void sqlite_file_forget(void);

#endif
