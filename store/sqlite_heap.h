/*
 * sqlite_heap: SQLite's memory, fitted to one process for each request. For sqlite_file.c alone.
 */
#ifndef SQLITE_HEAP_H
#define SQLITE_HEAP_H

/*
 * Has SQLite take its memory from here; before it is used for the first time. With ARENA_MALLOC (a
 * sanitizer's build) from malloc(3).
 */
void sqlite_heap_use(void);

#endif
