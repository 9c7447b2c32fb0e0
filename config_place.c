/*
 * config_place: where the data directory lies and where the throttle's, and whether the files of a data directory have changed.
 * config.h says what each function promises.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

const char *config_dir(const char *given)
{
	const char *set = getenv("LATCHKEY_DIR");
	if (given)
		return given;
	return set && *set ? set : "/var/lib/latchkey";
}

const char *config_no_dir(const char *dir)
{
	const char *advice = errno == ENOENT ? "; latchkey init makes it" : errno == EACCES ? "; run it as root (sudo) or as its owner" : "";
	return text_join(dir, ": ", strerror(errno), advice, NULL);
}

/* On JFFS2 and UBIFS times are whole seconds: a file that was changed in this one may be changed again and keep its time. */
static bool may_keep_its_time(const struct stat *st)
{
	int64_t age = now() - st->st_ctim.tv_sec;
	return st->st_ctim.tv_nsec == 0 && age >= 0 && age <= 1;
}

void config_stamp(const char *dir, struct config_stamp *out)
{
	static const char *const names[] = { "latchkey.conf", "latchkey.key" };
	static int64_t looks;
	size_t mark = arena_mark();
	*out = (struct config_stamp){ { 0 }, { 0 }, { 0 }, { 0 } };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct stat st;
		if (stat(path_in(dir, names[i]), &st) != 0)
			continue;
		out->inode[i] = (int64_t)st.st_ino;
		out->size[i] = st.st_size;
		out->changed[i] = st.st_ctim.tv_sec;
		out->nanoseconds[i] = may_keep_its_time(&st) ? -++looks : st.st_ctim.tv_nsec;
	}
	arena_back(mark);
}

const char *config_throttle_dir(const struct config *c)
{
	static const char run[] = "/run/latchkey";
	if (c->throttle_dir.n)
		return slice_text(c->throttle_dir);
	return access(run, W_OK | X_OK) == 0 ? run : c->dir;
}
