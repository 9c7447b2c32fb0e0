/*
 * postgres_backup: `latchkey backup` where users and sessions are PostgreSQL's: what lies in the data directory, as an archive that
 * tar(1) reads (POSIX ustar). Whoever has it can make tokens. The database is PostgreSQL's own to copy.
 */
#include "store/upkeep.h"

#include "base/file.h"
#include "store/postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char store_backup_words[] = "copied keys and configuration, an archive of tar that opens every session: keep it where nobody reads it; "
	"the database is PostgreSQL's to copy: pg_basebackup, and WAL archiving";

enum { BLOCK = 512, FILE_MOST = 64 * 1024 };

/* The header of a file, in the form of 1988 that every tar reads: texts, numbers in octal. */
struct head {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[6], version[2], rest[247];
};

static void write_head(struct head *h, const char *name, const struct stat *st, size_t size)
{
	unsigned sum = 0;
	*h = (struct head){ .type = '0', .magic = "ustar", .version = { '0', '0' }, .sum = { ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ' } };
	snprintf(h->name, sizeof h->name, "%s", name);
	snprintf(h->mode, sizeof h->mode, "%07o", (unsigned)st->st_mode & 0777);
	snprintf(h->uid, sizeof h->uid, "%07o", (unsigned)st->st_uid & 07777777);
	snprintf(h->gid, sizeof h->gid, "%07o", (unsigned)st->st_gid & 07777777);
	snprintf(h->size, sizeof h->size, "%011zo", size);
	snprintf(h->mtime, sizeof h->mtime, "%011llo", (unsigned long long)st->st_mtime & 077777777777ULL);
	for (size_t i = 0; i < sizeof *h; i++)
		sum += ((const unsigned char *)h)[i];
	snprintf(h->sum, sizeof h->sum, "%06o", sum);
}

static void put(int to, const void *bytes, size_t n)
{
	if (!write_all(to, (struct slice){ bytes, n }))
		fail(errno == ENOSPC ? ERROR_STORE_FULL : ERROR_STORE_UNAVAILABLE, "PG13", "cannot write the copy: ", strerror(errno), NULL);
}

static void put_file(int to, const char *dir, const char *name)
{
	static const char zeros[BLOCK];
	struct head h;
	struct stat st = { 0 };
	struct slice bytes = SLICE_NONE;
	size_t mark = arena_mark();
	char *room = arena(FILE_MOST + 2);
	int from = open(path_in(dir, name), O_RDONLY | O_NONBLOCK | O_CLOEXEC);     /* the key file may be a link */
	if (from < 0 && errno == ENOENT) {
		arena_back(mark);
		return;
	}
	int error = from < 0 ? errno : file_read_open(from, room, FILE_MOST, &bytes);
	if (error)
		fail(ERROR_STORE_UNAVAILABLE, "PG14", "cannot read ", name, ": ", strerror(error), NULL);
	fstat(from, &st);
	close(from);
	write_head(&h, name, &st, bytes.n);
	put(to, &h, sizeof h);
	put(to, bytes.p, bytes.n);
	put(to, zeros, (BLOCK - bytes.n % BLOCK) % BLOCK);
	wipe((void *)(uintptr_t)bytes.p, bytes.n);
	arena_back(mark);
}

bool store_backup(const char *dir, int to)
{
	static const char *const names[] = { "latchkey.key", "latchkey.conf", "latchkey.clients", "latchkey.rsa", "latchkey.jwks", "latchkey.pgpass", "latchkey.crt" };
	static const char end[2 * BLOCK];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		put_file(to, dir, names[i]);
	put(to, end, sizeof end);
	if (fsync(to) != 0)
		fail(ERROR_STORE_UNAVAILABLE, "PG15", "cannot write the copy: ", strerror(errno), NULL);
	return true;
}
