/*
 * store_case.h: a directory with a new store for each test of it. Knows store/upkeep.h, and nothing
 * of what keeps the data.
 */
#ifndef LK_STORE_CASE_H
#define LK_STORE_CASE_H

#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "dir.h"
#include "t.h"

#include <dirent.h>

static char dir[64];

/* A path in dir; good for three more calls. */
T_UNUSED static const char *file(const char *name)
{
	static char path[4][320];
	static int next;
	char *p = path[next++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", dir, name);
	return p;
}

/* All that a test and its store left in dir, but for directories. */
T_UNUSED static void remove_files(void)
{
	store_close();
	DIR *d = opendir(dir);
	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		unlink(file(e->d_name));
	closedir(d);
}

T_UNUSED static void fresh(void)
{
	remove_files();
	store_create(dir);
}

/* A test's handler of fail(): in a child, what dies() gives then. */
T_UNUSED static void say_code(enum error e)
{
	printf("%d %s\n", errors[e].status, errors[e].code);
	exit(111);
}

T_UNUSED static void make_directory(void)
{
	if (!make_dir(&dir, "lk-store")) {
		printf("Bail out! no directory\n");
		exit(2);
	}
	on_fail(say_code);
}

T_UNUSED static struct user user_of(const char *name)
{
	return (struct user){ .id = random_id(), .name = slice_of(name), .password = S("$argon2id$"), .created_at = 7 };
}

T_UNUSED static bool is_user(const char *name)
{
	struct user u;
	return store_user_named(slice_of(name), &u);
}

#endif
