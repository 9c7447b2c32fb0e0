/*
 * store_file: SQLite's own file layer, fitted to one process per request. The
 * second half of the room `store`; nobody else may call it.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* What SQLite calls instead of getpid(2), for its random numbers, which come from the kernel: 1.
 * And instead of strftime(3), for CURRENT_TIME alone, which no statement of ours
 * uses: libc's brings time zones and printf(3) along. The empty text. */
pid_t store_file_one_process(void);
size_t store_file_no_time(char *out, size_t room, const char *format, const struct tm *when);

/* Sets SQLite's memory and file layer up, once; the name to open with. */
const char *store_file_layer(void);

/*
 * Writes what the write-ahead log holds back. To be called after COMMIT and
 * before anybody is told of it. Returns SQLite's result code; on any but
 * SQLITE_OK the commit isn't on disk, and the process must end.
 */
int store_file_flush(void);
/* Behind it: what was ever written to the log is on disk. On any but SQLITE_OK the commit is in the log, and may last or not. */
int store_file_sync(void);

/*
 * For a process that keeps the database open between its turns: lets go of
 * the file's locks, of which SQLite learns nothing, and takes them again. `frames`: how
 * many the log has, by this connection's last commit; 0: it made none.
 * False where that can't be done: after store_file_leave() close the database,
 * after store_file_return() try again, somebody has it. *unchanged: nobody else wrote in
 * between; otherwise close the database and open it anew.
 */
bool store_file_leave(int frames);
bool store_file_return(bool *unchanged);

#endif
