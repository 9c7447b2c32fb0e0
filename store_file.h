/*
 * store_file: SQLite's own file layer, fitted to one process per request. The
 * second half of the room `store`; nobody else may call it.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

/* Sets SQLite's memory and file layer up, once; the name to open with. */
const char *store_file_layer(void);

/*
 * Writes what the write-ahead log holds back. To be called after COMMIT and
 * before anybody is told of it. Returns SQLite's result code; on any but
 * SQLITE_OK the commit isn't on disk, and the process must end.
 */
int store_file_flush(void);

#endif
