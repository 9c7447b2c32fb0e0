/*
 * backup: `latchkey backup FILE`, a consistent copy of the database while requests go on. What is copied, and how, is the
 * store's (store/upkeep.h). The keys are not in it: with them a copy would open everything, without them it opens nothing.
 */
#include "operator/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "operator/verbs.h"
#include "store/upkeep.h"

int backup_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
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

/* A child makes the copy, since it becomes the data directory's owner. So a file of root stays root's, and whatever
 * fails in the child, this process removes the file. */
int verb_backup(struct verb_call *c)
{
	const char *path = slice_text(c->operand[0]);
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
		return verb_done(c, "copied the database; the keys are not in it: keep latchkey.key elsewhere", SLICE_NONE);
	unlink(path);
	return WIFEXITED(status) && WEXITSTATUS(status) == VERB_REFUSED ? VERB_REFUSED : VERB_SYSTEM;
}
