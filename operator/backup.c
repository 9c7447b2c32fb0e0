/*
 * backup: see backup.h. What is copied, and how, is the store's (store/upkeep.h).
 */
#include "operator/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
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
