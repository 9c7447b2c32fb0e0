/*
 * store_file: see store_file.h.
 *
 * What differs from SQLite's layer for Unix, and why:
 *
 *   names        are taken as they are; it would lstat(2) every part of the
 *                path at every start.
 *   random       numbers come from getrandom(2); in a sandbox it would fall
 *                back to time and process id.
 *   the log      A process that opens the database reads the write-ahead log
 *                from its beginning, one read for each frame, and a commit
 *                writes each frame as two. Here the log's first 64 KiB are
 *                read at once, and what is written goes out at once, by
 *                store_file_flush() or before a sync. Order is kept; what
 *                lies on disk is what SQLite would have written.
 *   memory       comes from one block of zero pages by SQLite's own
 *                allocator (memsys5), not from a dozen mmap(2).
 *
 * There is one log for each process, so its state is static. It is emptied
 * long before it grows past the 64 KiB; what lies beyond is neither kept here
 * nor held back.
 */
#include "store_file.h"

#include "base.h"

#include <errno.h>
#include <string.h>

#include <sqlite3.h>

enum {
	LOG_KEPT = 64 * 1024,        /* 64 frames of 536 bytes, and room for the largest transaction */
	HEAP = 4 * 1024 * 1024,      /* untouched pages cost nothing; a refresh touches 200 KiB */
	HEAP_PIECE = 64              /* the least that is given out */
};

/* ---- the write-ahead log ----------------------------------------------- */

static struct {
	const sqlite3_io_methods *disk;  /* SQLite's own */
	sqlite3_file *file;
	bool loaded;
	sqlite3_int64 length;            /* of what is kept */
	sqlite3_int64 from, to;          /* of it, what isn't on disk yet */
	char kept[LOG_KEPT];
} wal;

/* A quota or a limit on file sizes is a full disk too. */
static int write_out(const void *bytes, int n, sqlite3_int64 at)
{
	int rc = wal.disk->xWrite(wal.file, bytes, n, at);
	return rc != SQLITE_OK && (errno == EDQUOT || errno == EFBIG) ? SQLITE_FULL : rc;
}

int store_file_flush(void)
{
	int rc = SQLITE_OK;
	if (wal.to > wal.from)
		rc = write_out(wal.kept + wal.from, (int)(wal.to - wal.from), wal.from);
	if (rc == SQLITE_OK)
		wal.from = wal.to = 0;
	return rc;
}

static int load(void)
{
	sqlite3_int64 size = 0;
	int rc = wal.loaded ? SQLITE_OK : wal.disk->xFileSize(wal.file, &size);
	if (wal.loaded || rc != SQLITE_OK)
		return rc;
	wal.length = size < LOG_KEPT ? size : LOG_KEPT;
	if (wal.length)
		rc = wal.disk->xRead(wal.file, wal.kept, (int)wal.length, 0);
	wal.loaded = rc == SQLITE_OK;
	return rc;
}

static int log_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	int rc = load();
	if (rc == SQLITE_OK && at + n <= wal.length) {
		memcpy(out, wal.kept + at, (size_t)n);
		return SQLITE_OK;
	}
	if (rc == SQLITE_OK)
		rc = store_file_flush();
	return rc == SQLITE_OK ? wal.disk->xRead(file, out, n, at) : rc;
}

/* Holds back what continues what is held back already. */
static void hold(const void *bytes, int n, sqlite3_int64 at)
{
	memcpy(wal.kept + at, bytes, (size_t)n);
	if (wal.to == 0)
		wal.from = at;
	if (wal.to < at + n)
		wal.to = at + n;
	if (wal.length < at + n)
		wal.length = at + n;
}

static int log_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	int rc = load();
	(void)file;
	bool kept = at <= wal.length && at + n <= LOG_KEPT;
	bool continues = wal.to == 0 || (at >= wal.from && at <= wal.to);
	if (rc == SQLITE_OK && !(kept && continues))
		rc = store_file_flush();
	if (rc != SQLITE_OK)
		return rc;
	if (!kept)
		return write_out(bytes, n, at);
	hold(bytes, n, at);
	return SQLITE_OK;
}

static int log_sync(sqlite3_file *file, int flags)
{
	int rc = store_file_flush();
	return rc == SQLITE_OK ? wal.disk->xSync(file, flags) : rc;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int rc = store_file_flush();
	if (wal.length > size)
		wal.length = size;
	return rc == SQLITE_OK ? wal.disk->xTruncate(file, size) : rc;
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
	int rc = store_file_flush();
	return rc == SQLITE_OK ? wal.disk->xFileSize(file, size) : rc;
}

static int log_close(sqlite3_file *file)
{
	int flushed = store_file_flush();
	int rc = wal.disk->xClose(file);
	wal.loaded = false;
	wal.length = wal.from = wal.to = 0;
	return flushed == SQLITE_OK ? rc : flushed;
}

static void take_log(sqlite3_file *file)
{
	static sqlite3_io_methods methods;
	wal.disk = file->pMethods;
	wal.file = file;
	methods = *wal.disk;
	methods.xRead = log_read;
	methods.xWrite = log_write;
	methods.xSync = log_sync;
	methods.xTruncate = log_truncate;
	methods.xFileSize = log_size;
	methods.xClose = log_close;
	file->pMethods = &methods;
}

/* ---- the layer --------------------------------------------------------- */

static sqlite3_vfs layer;
static int (*open_on_disk)(sqlite3_vfs *, sqlite3_filename, sqlite3_file *, int, int *);

static int open_file(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *given)
{
	int rc = open_on_disk(vfs, name, file, flags, given);
	if (rc == SQLITE_OK && flags & SQLITE_OPEN_WAL)
		take_log(file);
	return rc;
}

static int plain_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
	size_t n = strlen(name);
	(void)vfs;
	if (n >= (size_t)room)
		return SQLITE_CANTOPEN;
	memcpy(out, name, n + 1);
	return SQLITE_OK;
}

static int kernel_random(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	random_bytes(out, (size_t)n);
	return n;
}

const char *store_file_layer(void)
{
	if (layer.zName)
		return layer.zName;
#ifndef ARENA_MALLOC
	static _Alignas(max_align_t) char heap[HEAP];
	sqlite3_config(SQLITE_CONFIG_HEAP, heap, HEAP, HEAP_PIECE);
#endif
	layer = *sqlite3_vfs_find(NULL);
	open_on_disk = layer.xOpen;
	layer.zName = "latchkey";
	layer.xOpen = open_file;
	layer.xFullPathname = plain_name;
	layer.xRandomness = kernel_random;
	sqlite3_vfs_register(&layer, 1);
	return layer.zName;
}
