/*
 * kept.h: a data directory as it was, in memory, and back to it: for drivers that try one thing after another on the
 * same state (oom.c, damage.c).
 */
#ifndef LK_KEPT_H
#define LK_KEPT_H

#include "cgi.h"

#include <dirent.h>

enum { FILES = 16 };

static struct kept { char path[1024]; char *bytes; size_t n; } kept[FILES];
static int files;

static void keep(const char *path)
{
	struct kept *k = &kept[files++];
	struct stat s;
	int fd = open(path, O_RDONLY);
	if (files == FILES || fd < 0 || fstat(fd, &s))
		die(path);
	snprintf(k->path, sizeof k->path, "%s", path);
	k->n = (size_t)s.st_size;
	k->bytes = malloc(k->n + 1);
	if (k->bytes == NULL || read(fd, k->bytes, k->n) != (ssize_t)k->n)
		die(path);
	close(fd);
}

static void each_file(void (*act)(const char *path))
{
	char path[1024];
	DIR *d = opendir(cgi_dir);
	if (d == NULL)
		die(cgi_dir);
	for (struct dirent *e; (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", cgi_dir, e->d_name);
		if (e->d_name[0] != '.')
			act(path);
	}
	closedir(d);
}

static void drop(const char *path)
{
	for (int i = 0; i < files; i++)
		if (strcmp(kept[i].path, path) == 0)
			return;
	unlink(path);
}

static void keep_all(void)
{
	each_file(keep);
}

/* A key file is replaced by rename, so each is written whole. */
static void restore(void)
{
	each_file(drop);
	for (int i = 0; i < files; i++) {
		int fd = open(kept[i].path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || write(fd, kept[i].bytes, kept[i].n) != (ssize_t)kept[i].n)
			die(kept[i].path);
		close(fd);
	}
}

#endif
