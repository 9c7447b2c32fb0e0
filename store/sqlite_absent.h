/*
 * sqlite_absent: what SQLite's parser calls of features that tools/thirdparty.mk leaves out.
 * For the store's sqlite*.c and their tests alone.
 */
#ifndef SQLITE_ABSENT_H
#define SQLITE_ABSENT_H

/*
 * Does nothing. store/sqlite.c calls it, so that the linker takes this file's functions along:
 * SQLite's own object comes later, and nothing else asks for them by then.
 */
void sqlite_absent(void);

#endif
