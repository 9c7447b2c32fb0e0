/*
 * init: `latchkey init`. Each step can be repeated. If latchkey init is killed, the next latchkey init does what is left.
 */
#include "operator/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "clock.h"
#include "config.h"
#include "store/upkeep.h"

enum { PASSWD_FILE = 65536 };  /* bytes of /etc/passwd that are looked through */

/* Finds a row of /etc/passwd by name or number. (getpwnam(3) would bring stdio and the name service into a static
 * program.) */
static bool find_owner(struct slice who, struct stat *out)
{
	struct slice text = SLICE_NONE, field[4];
	int64_t uid, gid;
	file_read("/etc/passwd", PASSWD_FILE, &text);
	while (text.n) {
		struct slice line = slice_cut(&text, '\n');
		for (size_t i = 0; i < 4; i++)
			field[i] = slice_cut(&line, ':');
		if (!slice_is(field[0], who) && !slice_is(field[2], who))
			continue;
		if (!parse_number(field[2], 0, INT32_MAX, &uid) || !parse_number(field[3], 0, INT32_MAX, &gid))
			continue;
		out->st_uid = (uid_t)uid;
		out->st_gid = (gid_t)gid;
		return true;
	}
	return false;
}

static _Noreturn void no_directory(const char *dir)
{
	fail(ERROR_STORE_UNAVAILABLE, "VB3", "cannot make ", dir, ": ", strerror(errno), NULL);
}

/* Syncs the directory's parents, so that its name lasts. One that can't be opened was there before, or belongs to somebody
 * else. */
static void sync_parents(const char *dir)
{
	char *path = slice_text(slice_of(dir));
	for (char *at = strrchr(path, '/'); at > path; at = strrchr(path, '/')) {
		*at = '\0';
		directory_sync(path);
	}
	directory_sync(dir[0] == '/' ? "/" : ".");
}

/* Makes the directory, and its parents, which other users must be able to enter. True when it wasn't there before. */
static bool make_directory(const char *dir)
{
	char *path = slice_text(slice_of(dir));
	mode_t before = umask(022);
	for (char *at = path + 1; *at; at++)
		if (*at == '/') {
			*at = '\0';
			mkdir(path, 0755);
			*at = '/';
		}
	umask(before);
	if (mkdir(path, 0700) == 0)
		return true;
	if (errno != EEXIST)
		no_directory(dir);
	return false;
}

/* Gives away the directory that was just made: by descriptor, since whoever may write to its parent may have put another
 * one in its place. */
static void give_directory(const char *dir, const struct stat *owner)
{
	struct stat st;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	errno = fd < 0 || fstat(fd, &st) ? errno : st.st_uid == geteuid() ? 0 : EPERM;
	if (errno || fchown(fd, owner->st_uid, owner->st_gid))
		no_directory(dir);
	close(fd);
}

/* Makes the directory, owned by `owner` unless that is NULL. The owner of a directory that exists isn't changed: it may
 * hold files that aren't ours. */
static int prepare_directory(struct verb_call *c, const struct stat *owner)
{
	struct stat st;
	bool made = make_directory(c->dir);
	if (owner && made)
		give_directory(c->dir, owner);
	if (owner && (stat(c->dir, &st) || st.st_uid != owner->st_uid))
		return verb_no(c, "the directory is there and belongs to another; chown it first");
	sync_parents(c->dir);
	return VERB_DONE;
}

/* A key file that is there already is kept: the operator copied it from another host. */
static void first_key(const char *dir)
{
	struct stat st;
	if (lstat(path_in(dir, "latchkey.key"), &st) == 0)
		return;
	struct keyring ring = { .count = 1, .key = { verb_fresh_key(clock_later(now(), clock_build_epoch)) } };
	keyring_write(dir, &ring);
	wipe(&ring, sizeof ring);
}

/* Where the store is may stand in latchkey.conf. */
static void find_store(struct verb_call *c)
{
	const char *wrong = config_read(c->dir, &c->conf);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "IN1", wrong, NULL);
}

static int upgrade(struct verb_call *c)
{
	process_become_owner(c->dir);
	find_store(c);
	int before = store_upgrade(c->dir);
	buf_s(&c->done, "schema version ");
	buf_int(&c->done, store_version);
	buf_s(&c->done, ", was ");
	buf_int(&c->done, before);
	return verb_done(c, "", SLICE_NONE);
}

int verb_init(struct verb_call *c)
{
	struct stat owner;
	if (c->given[OPT_UPGRADE])
		return upgrade(c);
	if (c->given[OPT_OWNER] && !find_owner(c->value[OPT_OWNER], &owner))
		return verb_refuse(c, "no such user in /etc/passwd: ", c->value[OPT_OWNER]);
	int code = prepare_directory(c, c->given[OPT_OWNER] ? &owner : NULL);
	if (code != VERB_DONE)
		return code;
	process_become_owner(c->dir);
	/* What lies at that path now may be another directory: nothing is made in it with more rights than its owner's. */
	if (c->given[OPT_OWNER] && geteuid() != owner.st_uid)
		return verb_no(c, "the directory was exchanged for another one meanwhile");
	find_store(c);
	if (store_exists(c->dir))
		return verb_no(c, "there is a database already (init --upgrade brings its schema up to date)");
	first_key(c->dir);
	store_create(c->dir);
	return verb_done(c, "made ", slice_of(c->dir));
}
