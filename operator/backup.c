/*
 * backup: `latchkey backup FILE`, a consistent copy of the database while requests go on, and `latchkey restore FILE`, the
 * way back. What is copied, and how, is the store's (store/upkeep.h). The keys are not in it: with them a copy would open everything, without them it opens nothing.
 */
#include "operator/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "client.h"
#include "operator/verbs.h"
#include "store/upkeep.h"

int backup_file(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool backup_copy(const char *dir, int to)
{
	process_become_owner(dir);
	return store_backup(dir, to);
}

/* The directory that a path's last name lies in. */
static const char *parent_of(const char *path)
{
	size_t n = strlen(path);
	while (n && path[n - 1] != '/')
		n--;
	return n ? slice_text((struct slice){ path, n }) : ".";
}

bool backup_last(const char *path)
{
	if (directory_sync(parent_of(path)))
		return true;
	log_line("BU4", "cannot make the copy's name last: ", strerror(errno), NULL);
	return false;
}

/* The copy goes out when it is whole, and nothing waits for its reader: until then it is a file without a name. */
static int backup_to_stdout(struct verb_call *c)
{
	static char piece[65536];
	ssize_t n = 0;
	process_become_owner(c->dir);
	const char *path = path_in(c->dir, "latchkey.db.copy");
	unlink(path);
	int to = backup_file(path);
	unlink(path);
	if (to < 0)
		fail(ERROR_STORE_UNAVAILABLE, "BU7", "cannot make ", path, ": ", strerror(errno), NULL);
	if (!store_backup(c->dir, to))
		return VERB_REFUSED;
	lseek(to, 0, SEEK_SET);
	while ((n = read(to, piece, sizeof piece)) > 0)
		if (!rows_print((struct slice){ piece, (size_t)n }))
			return VERB_SYSTEM;
	return n == 0 ? VERB_DONE : VERB_SYSTEM;
}

/* restore takes in both files, wherever the second is from. */
static bool has_log(const char *path)
{
	struct stat log;
	return lstat(text_join(path, "-wal", NULL), &log) == 0;
}

/* A child makes the copy, since it becomes the data directory's owner. So a file of root stays root's, and whatever
 * fails in the child, this process removes the file. */
int verb_backup(struct verb_call *c)
{
	const char *path = slice_text(c->operand[0]);
	if (slice_is(c->operand[0], S("-")))
		return backup_to_stdout(c);
	if (has_log(path))
		return verb_refuse(c, text_join(path, "-wal is there, and would count as the copy's log: move it away", NULL), SLICE_NONE);
	int status = -1, to = backup_file(path);
	if (to < 0) {
		int code = errno == EEXIST ? VERB_REFUSED : VERB_SYSTEM;
		log_line(c->verb, "cannot make ", path, ": ", strerror(errno), NULL);
		return code;
	}
	pid_t child = fork();
	if (child == 0)
		exit(backup_copy(c->dir, to) ? VERB_DONE : VERB_REFUSED);
	if (child < 0)
		log_line(c->verb, strerror(errno), NULL);
	else
		waitpid(child, &status, 0);
	if (status == 0 && backup_last(path))
		return verb_done(c, store_backup_words, SLICE_NONE);
	unlink(path);
	return WIFEXITED(status) && WEXITSTATUS(status) == VERB_REFUSED ? VERB_REFUSED : VERB_SYSTEM;
}

/* ---- the way back ------------------------------------------------------ */

static enum error note_restored(void *call)
{
	struct verb_call *c = call;
	audit_note(&c->work, EVENT_RESTORED, 0, 0);
	return ERROR_NONE;
}

static bool is_the_database(const struct verb_call *c, int fd)
{
	struct stat a = { 0 }, b;
	fstat(fd, &a);
	return stat(path_in(c->dir, "latchkey.db"), &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void read_conf(struct verb_call *c)
{
	process_become_owner(c->dir);
	const char *wrong = config_read(c->dir, &c->conf);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "AD4", wrong, NULL);
	c->work.config = &c->conf;
}

static const char *restored_in;

/* Called by fail(), which has said why: what was taken in goes. */
static void give_up(enum error e)
{
	(void)e;
	store_forget_restore(restored_in);
}

/* The RSA keys aren't in a backup: where clients are named, the key file makes them again. */
static void publish(struct verb_call *c)
{
	struct keyring ring;
	if (client_any(c->dir) && keyring_read(c->dir, &ring) == NULL)
		verb_publish(c->dir, &ring, true);
}

/* The backup is opened first, as whoever runs the verb. Beside it may lie its log, where somebody copied both files. */
int verb_restore(struct verb_call *c)
{
	bool piped = slice_is(c->operand[0], S("-"));
	const char *path = slice_text(c->operand[0]);
	int from = piped ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int log = piped ? -1 : open(text_join(path, "-wal", NULL), O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return verb_refuse(c, text_join("cannot read ", path, ": ", strerror(errno), NULL), SLICE_NONE);
	if (is_the_database(c, from))
		return verb_no(c, "this is the database itself; to go back to it without its log, copy it elsewhere first");
	read_conf(c);
	restored_in = c->dir;
	on_fail(give_up);
	store_restore(c->dir, from, log);
	verb_clock(c);
	int64_t newest = c->work.seen;
	store_run(DURABLE_NOW, note_restored, c);
	store_swap(c->dir);
	publish(c);
	verb_log(c);
	buf_s(&c->done, "restored what there was at ");
	buf_time(&c->done, newest);
	return verb_done(c, "; what was ended since then stands again: latchkey key rotate --epoch ends all", SLICE_NONE);
}
