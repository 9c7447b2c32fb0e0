/*
 * check: see check.h.
 *
 * What needs no store comes first. Where store_open() fails, it ends the
 * process; the handler cannot_open() then adds the row of the store and ends
 * the table. Each check is one function in the table at the end of this file.
 * It mends what it may before it looks, so that it shows what there is now.
 * What is looked at inside the store is the store's: store_check().
 *
 * Only files with latchkey's own names are touched. As root, a file is
 * changed by its descriptor and never by its name: the directory belongs to
 * somebody else, who could put a link there.
 */
#include "operator/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "base/file.h"
#include "base/log.h"
#include "client.h"
#include "clock.h"
#include "config.h"
#include "harden.h"
#include "jwt.h"
#include "keyring.h"
#include "leaked.h"
#include "password.h"
#include "proxies.h"
#include "operator/rows.h"
#include "operator/beside.h"
#include "sign.h"
#include "store.h"
#include "store/upkeep.h"

enum {
	STORE_SECONDS = 10,
	BACKUP_SECONDS = 2 * 86400,
	/* OWASP's least for Argon2id, 7 MiB and 5 passes or what costs as much. */
	MEMORY_LEAST = 7168,
	WORK_LEAST = MEMORY_LEAST * 5,
	/* A WAL at its bound, its checkpoint, a copy of the key file. */
	SPACE_LEAST = 512 * 1024,
	SPACE_ENOUGH = 4 * 1024 * 1024
};

struct check {
	const char *dir;
	int directory;          /* dir, open: process_enter() */
	bool repair;
	struct config conf;     /* defaults where the file is wrong */
	struct rows rows;
	struct slice kids;      /* of the keys; empty where they can't be read */
	bool failed;
};

/* One line. detail and advice: NUL-terminated. */
static void tell(struct check *k, enum finding f, const char *what, const char *detail, const char *advice)
{
	static const char *const words[] = {
		[FOUND_OK] = "ok", [FOUND_WARN] = "warn", [FOUND_FAIL] = "fail", [FOUND_MENDED] = "mended",
	};
	rows_open(&k->rows);
	rows_text(&k->rows, "verdict", 7, slice_of(words[f]));
	rows_text(&k->rows, "what", 10, slice_of(what));
	rows_text(&k->rows, "found", 40, slice_of(detail));
	rows_text(&k->rows, "advice", 0, slice_of(f == FOUND_OK ? "" : advice));
	rows_close(&k->rows);
	k->failed |= f == FOUND_FAIL;
}

/* ---- files ------------------------------------------------------------- */

/* "owner 33, mode 0700" */
static const char *owner_and_mode(const struct stat *st)
{
	struct buf b = { 0 };
	buf_s(&b, "owner ");
	buf_int(&b, st->st_uid);
	buf_s(&b, ", mode 0");
	for (int shift = 6; shift >= 0; shift -= 3)
		buf_c(&b, (char)('0' + (st->st_mode >> shift & 7)));
	return slice_text(buf_slice(&b));
}

/* "latchkey.db: owner 0, mode 0644; now owner 33, mode 0600" */
static void tell_mended(struct check *k, const char *what, const char *name, const struct stat *was, const char *path)
{
	struct stat st = *was;
	lstat(path, &st);
	tell(k, FOUND_MENDED, what, text_join(name, owner_and_mode(was), "; now ", owner_and_mode(&st), NULL), "");
}

/* Where it isn't ours nothing in it can be seen, and so nothing else is told. */
static bool is_ours(struct check *k)
{
	struct stat st = { 0 };
	stat(k->dir, &st);
	if (st.st_uid == geteuid())
		return true;
	tell(k, FOUND_FAIL, "directory", owner_and_mode(&st),
		"run it as root (sudo), which becomes the owner; or let the directory belong to this user: chown -R");
	return false;
}

static void check_directory(struct check *k)
{
	struct stat st = { 0 };
	stat(k->dir, &st);
	if (k->repair && (st.st_mode & 0777) != 0700 && chmod(k->dir, 0700) == 0) {
		tell_mended(k, "directory", "", &st, k->dir);
		stat(k->dir, &st);
	}
	if (st.st_mode & 022 || ~st.st_mode & 0700)
		tell(k, FOUND_FAIL, "directory", owner_and_mode(&st), "its owner alone must be able to put files there: chmod 700");
	else
		tell(k, st.st_mode & 055 ? FOUND_WARN : FOUND_OK, "directory", owner_and_mode(&st), "others can look in: chmod 700");
}

static const struct file {
	const char *name;
	bool needed;
	bool link;              /* it may be one: what counts is the file behind it */
	mode_t closed;          /* bits that must be clear, */
	mode_t open;            /* and those that must be set */
	const char *missing;    /* advice */
	const char *exposed;    /* advice once it was open to others; NULL: it tells nothing */
} files[] = {
	{ "latchkey.key", true, true, 077, 0400, "restore it; or latchkey key rotate --epoch makes one, and everybody signs in again",
		"whoever read it can make tokens: latchkey key rotate --epoch" },
	{ "latchkey.conf", false, false, 022, 0400, "", NULL },
	{ CLIENT_FILE, false, false, 022, 0400, "", NULL },
	{ "latchkey.rsa", false, false, 077, 0400, "", NULL },
	{ "latchkey.jwks", false, false, 022, 0400, "", NULL },
	{ "password.lock", false, false, 077, 0600, "", NULL },
	{ "throttle", false, false, 077, 0600, "", NULL },
};

/* The i-th file to look at: first the store's, then the others. False after the last one. */
static bool file_at(size_t i, struct file *out)
{
	size_t stores = 0;
	while (store_files[stores].name)
		stores++;
	if (i < stores)
		*out = (struct file){ store_files[i].name, store_files[i].needed, false, 077, 0600, "latchkey init makes a new one", NULL };
	else if (i < stores + sizeof files / sizeof *files)
		*out = files[i - stores];
	else
		return false;
	return true;
}

/* Opens a regular file that has no second name, and sets *st. Otherwise -1. */
static int open_plain(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	*st = (struct stat){ 0 };
	fstat(fd, st);
	if (S_ISREG(st->st_mode) && st->st_nlink == 1)
		return fd;
	close(fd);
	return -1;
}

/* As root, before it becomes the owner. The file may have been restored by root, or belong to the
 * owner's number on another host. A file with a second name may be any file of this machine: it isn't touched. */
static void mend_owners(struct check *k)
{
	struct stat dir, st;
	struct file f;
	if (geteuid() != 0 || stat(k->dir, &dir) != 0)
		return;
	for (size_t i = 0; file_at(i, &f); i++) {
		const char *path = path_in(k->dir, f.name);
		int fd = open_plain(path, &st);
		if (st.st_uid != dir.st_uid && fchown(fd, dir.st_uid, dir.st_gid) == 0)
			tell_mended(k, "file", text_join(f.name, ": ", NULL), &st, path);
		close(fd);
	}
}

/* Done as the directory's owner, so no other user can have put a link in the file's place. */
static void mend_mode(struct check *k, const struct file *f)
{
	struct stat st = { 0 };
	const char *path = path_in(k->dir, f->name);
	lstat(path, &st);
	if (!S_ISREG(st.st_mode))
		return;
	mode_t mode = (st.st_mode & 07777 & ~f->closed) | 0600;
	if ((st.st_mode & 07777) == mode || chmod(path, mode) != 0)
		return;
	tell_mended(k, "file", text_join(f->name, ": ", NULL), &st, path);
	if (f->exposed && st.st_mode & 077)
		tell(k, FOUND_WARN, "file", text_join(f->name, " could be read by others", NULL), f->exposed);
}

static void check_file(struct check *k, const struct file *f)
{
	struct stat st = { 0 };
	if (k->repair)
		mend_mode(k, f);
	bool there = (f->link ? stat : lstat)(path_in(k->dir, f->name), &st) == 0;
	if (!there && f->needed)
		tell(k, FOUND_FAIL, "file", text_join(f->name, " is missing", NULL), f->missing);
	if (!there)
		return;
	const char *found = text_join(f->name, ": ", owner_and_mode(&st), NULL);
	if (!S_ISREG(st.st_mode))
		tell(k, FOUND_FAIL, "file", found, "it is no regular file: put a real one there");
	else if (st.st_uid != geteuid())
		tell(k, FOUND_FAIL, "file", found, "the directory's owner must own it: chown it");
	else
		tell(k, st.st_mode & f->closed || ~st.st_mode & f->open ? FOUND_FAIL : FOUND_OK, "file", found,
			f->closed == 077 ? "chmod 600" : "chmod 644");
}

static void check_files(struct check *k)
{
	struct file f;
	for (size_t i = 0; file_at(i, &f); i++)
		check_file(k, &f);
}

static void check_conf(struct check *k)
{
	const char *wrong = config_read(k->dir, &k->conf);
	tell(k, wrong ? FOUND_FAIL : FOUND_OK, "conf", wrong ? wrong : "every option is good", "see latchkey config");
	if (wrong) {
		config_parse(S(""), &k->conf);
		k->conf.dir = k->dir;
	}
}

static void check_key(struct check *k)
{
	struct keyring ring;
	struct buf b = { 0 };
	const char *wrong = keyring_read(k->dir, &ring);
	if (wrong == NULL)
		wrong = jwt_keys_wrong(&ring);
	if (wrong) {
		tell(k, FOUND_FAIL, "key", wrong, "restore it; or latchkey key rotate --epoch makes one, and everybody signs in again");
		return;
	}
	k->kids = keyring_names(&ring);
	buf_int(&b, (int64_t)ring.count);
	buf_s(&b, ring.count == 1 ? " key, signing with " : " keys, signing with ");
	buf_s(&b, ring.key[0].kid);
	tell(k, ring.count == LIMIT_KEYS ? FOUND_WARN : FOUND_OK, "key", slice_text(buf_slice(&b)),
		"no room for another: latchkey key retire --old, or key retire KID");
	wrong = sign_wrong(k->dir, &ring, client_any(k->dir));
	if (wrong)
		tell(k, FOUND_WARN, "key", wrong, "latchkey key publish writes it again");
	wipe(&ring, sizeof ring);
}

static void check_clients(struct check *k)
{
	struct slice text;
	struct client list[CLIENTS_MOST];
	size_t count = 0;
	int error = client_file(k->dir, &text);
	const char *wrong = error ? text_join(CLIENT_FILE ": ", strerror(error), NULL) : client_all(text, list, &count);
	if (!wrong)
		wrong = client_options_wrong(&k->conf, list, count);
	if (wrong || count)
		tell(k, wrong ? FOUND_FAIL : FOUND_OK, "clients", wrong ? wrong : text_join(dec((int64_t)count), " clients of OAuth 2", NULL),
			"mend it: until then nobody signs in to a client whose line is wrong; see latchkey client list");
}

static void check_space(struct check *k)
{
	struct buf b = { 0 };
	int64_t room = file_room(k->dir);
	buf_int(&b, room / 1024);
	buf_s(&b, " KiB free");
	tell(k, room < SPACE_LEAST ? FOUND_FAIL : room < SPACE_ENOUGH ? FOUND_WARN : FOUND_OK, "space", slice_text(buf_slice(&b)),
		"make room: without it nobody can sign in");
}

/* ---- host -------------------------------------------------------------- */

static void check_password(struct check *k)
{
	struct password_cost cost = password_cost_here(k->conf.password.kib, k->conf.password.passes);
	int64_t jobs = password_jobs_here(k->conf.password_jobs, k->conf.password.kib);
	struct buf b = { 0 };
	buf_int(&b, cost.kib);
	buf_s(&b, " KiB, passes ");
	buf_int(&b, cost.passes);
	buf_s(&b, ", at once ");
	buf_int(&b, jobs);
	const char *found = slice_text(buf_slice(&b));
	if (cost.kib < MEMORY_LEAST || cost.kib * cost.passes < WORK_LEAST)
		tell(k, FOUND_WARN, "password", found, "below OWASP's least (7m and 5 passes): raise password_memory or password_passes");
	else
		tell(k, cost.kib * jobs * 1024 > password_ram() / 2 ? FOUND_WARN : FOUND_OK, "password", found,
			"over half of this host's memory: lower password_jobs or password_memory");
}

static void check_leaked(struct check *k)
{
	int64_t lines;
	const char *wrong = leaked_wrong(k->dir, &lines);
	if (wrong || lines)
		tell(k, wrong ? FOUND_FAIL : FOUND_OK, "leaked", wrong ? wrong : text_join(dec(lines), " passwords that nobody may choose", NULL),
			"make it anew: LC_ALL=C tr A-Z a-z <LIST | tr -d '\\r' | LC_ALL=C sort -u");
}

static void check_throttle(struct check *k)
{
	const char *dir = config_throttle_dir(&k->conf);
	if (access(dir, W_OK | X_OK))
		tell(k, FOUND_FAIL, "throttle", text_join(dir, ": ", strerror(errno), NULL), errno == EROFS
			? "set throttle_dir to a directory that can be written" : "make it, for the data directory's owner");
	else
		tell(k, dir == k->dir ? FOUND_WARN : FOUND_OK, "throttle", dir,
			"each password try writes there: make /run/latchkey (tmpfs) for the data directory's owner");
}

static void check_proxies(struct check *k)
{
	const char *peer = proxies_noted(&k->conf);
	if (peer)
		tell(k, FOUND_WARN, "proxies", text_join("clients' addresses came from ", peer, ", which isn't trusted", NULL),
			text_join("they all look like one client; if that is a proxy of yours: trusted_proxies = ", peer,
				"; if not, remove the file proxy", NULL));
}

/* In a child process, since a sandbox can't be left. Its exit code is the answer. */
static void check_sandbox(struct check *k)
{
	int status = -1;
	pid_t child = fork();
	if (child == 0)
		exit(harden(k->dir, k->directory, NULL, 0) ? 0 : 1);
	if (child > 0)          /* -1 would be any child */
		waitpid(child, &status, 0);
	tell(k, status == 0 ? FOUND_OK : FOUND_WARN, "sandbox", status == 0 ? "Landlock confines requests" : "no Landlock here",
		"a kernel from 5.13 on with Landlock would confine requests to their files");
}

static void check_cookies(struct check *k)
{
	if (k->conf.insecure_cookie)
		tell(k, FOUND_WARN, "cookies", "insecure_cookie = on", "by plain HTTP anybody in between can take over a session: HTTPS");
}

/* ---- store ------------------------------------------------------------- */

static struct check *running;

static char reason[256];

/* Called by fail(), whose line is in `reason`. */
static void cannot_open(enum error e)
{
	(void)e;
	log_divert(NULL, 0);    /* a failure here has no row to be told in */
	tell(running, FOUND_FAIL, "database", reason, "until then requests are answered 503");
	rows_end(&running->rows);
	exit(1);
}

static void check_database(struct check *k)
{
	struct buf b = { 0 };
	running = k;
	log_divert(reason, sizeof reason);
	on_fail(cannot_open);
	store_open(k->dir, STORE_SECONDS);
	buf_s(&b, "schema ");
	buf_int(&b, store_version);
	buf_s(&b, ", ");
	buf_s(&b, store_engine());
	tell(k, FOUND_OK, "database", slice_text(buf_slice(&b)), "");
}

/*
 * A file that a killed program left. No process uses it, since this one holds the store's lock.
 */
static void check_leftover(void *check, const char *name, const char *origin)
{
	struct check *k = check;
	struct stat st;
	const char *path = path_in(k->dir, name), *found = text_join(name, origin, NULL);
	if (lstat(path, &st) != 0)
		return;
	if (k->repair && unlink(path) == 0)
		tell(k, FOUND_MENDED, "leftover", text_join(found, "; removed", NULL), "");
	else
		tell(k, FOUND_WARN, "leftover", found, "latchkey check --repair removes it");
}

static void tell_finding(void *check, enum finding f, const char *what, const char *found, const char *advice)
{
	tell(check, f, what, found, advice);
}

static void check_store(struct check *k)
{
	const struct store_report report = { .who = k, .kids = k->kids, .tell = tell_finding, .leftover = check_leftover };
	store_check(&report);
	check_leftover(k, "latchkey.key.new", ", left behind by a change of keys; it holds keys");
	check_leftover(k, CLIENT_FILE ".new", ", left behind by a change of clients");
	check_leftover(k, "latchkey.rsa.new", ", left behind by a change of keys; it holds keys");
	check_leftover(k, "latchkey.jwks.new", ", left behind by a change of keys");
}

static void add_count(struct buf *b, int64_t count, const char *what)
{
	buf_int(b, count);
	buf_s(b, what);
}

static void check_users(struct check *k)
{
	struct beside_sum sum;
	struct buf b = { 0 };
	beside_count(&k->conf, &sum);
	buf_s(&b, sum.users < BESIDE_MOST ? "" : "the first ");
	add_count(&b, sum.users, "; with a second factor: ");
	add_count(&b, sum.factor, ", passkeys: ");
	add_count(&b, sum.passkeys, ", wallets: ");
	buf_int(&b, sum.wallets);
	tell(k, FOUND_OK, "users", slice_text(buf_slice(&b)), "");
	if (sum.lack)
		tell(k, FOUND_WARN, "factor", slice_text(buf_slice(&sum.lacking)),
			"in factor_groups without a second factor: whoever knows the password can set one up; let them do it soon");
}

/* "refresh: 2048 since 2026-11-21T09:00:00Z" */
static void check_trail(struct check *k)
{
	struct trail t[SHARE__MAX];
	store_trail(t);
	for (size_t s = 0; s < SHARE__MAX; s++) {
		struct buf b = { 0 };
		rows_add_reach(&b, share_words[s], t[s].rows, t[s].since);
		tell(k, FOUND_OK, "audit", slice_text(buf_slice(&b)), "");
	}
}

/* ", 29 days behind the store", in a unit of which it is at least two. */
static void add_distance(struct buf *b, int64_t seconds, const char *where)
{
	static const struct { int64_t seconds; const char *name; } units[] = { { 86400, " days" }, { 3600, " hours" }, { 60, " minutes" }, { 1, " s" } };
	size_t i = 0;
	while (seconds < 2 * units[i].seconds && units[i].seconds > 1)
		i++;
	buf_s(b, ", ");
	buf_int(b, seconds / units[i].seconds);
	buf_s(b, units[i].name);
	buf_s(b, where);
}

/* What is copied, and how, is the operator's: he names a file that tells when. */
static void check_backup(struct check *k)
{
	struct stat st;
	struct buf b = { 0 };
	struct slice path = k->conf.backup_made;
	if (path.n == 0 && store_is_remote)
		tell(k, FOUND_WARN, "backup", "nobody says when the last one was made", "set backup_made to a file that each backup makes anew");
	if (path.n == 0)
		return;
	buf_add(&b, path);
	bool there = stat(slice_text(path), &st) == 0;
	if (there)
		add_distance(&b, now() - st.st_mtime, " old");
	tell(k, !there ? FOUND_FAIL : now() - st.st_mtime > BACKUP_SECONDS ? FOUND_WARN : FOUND_OK, "backup",
		there ? slice_text(buf_slice(&b)) : text_join(slice_text(path), ": ", strerror(errno), NULL), "see why no backup was made");
}

static void check_clock(struct check *k)
{
	int64_t seen, mark = store_mark(&seen), time = now();
	enum clock_trust trust = clock_judge(time, mark, seen);
	enum finding f = FOUND_OK;
	const char *advice = "";
	struct buf b = { 0 };
	buf_time(&b, time);
	if (time < clock_build_epoch) {
		f = FOUND_FAIL;
		advice = "set the clock; until then nobody is signed in";
		add_distance(&b, clock_build_epoch - time, " before this program was built");
	} else if (trust == CLOCK_UNSET) {
		f = FOUND_FAIL;
		advice = "set it; or if it is right, the store's time is wrong: latchkey clock trust; until then nobody is signed in";
		add_distance(&b, mark - time, " behind the store's time");
	} else if (trust == CLOCK_DOUBTFUL) {
		f = FOUND_WARN;
		advice = "run NTP; or if it is right: latchkey clock trust; until then nothing expires";
		add_distance(&b, time - seen, " ahead of the store's time, not synchronised");
	}
	tell(k, f, "clock", slice_text(buf_slice(&b)), advice);
}

/* ---- all --------------------------------------------------------------- */

bool check_run(const char *dir, bool repair, bool json)
{
	static void (*const checks[])(struct check *k) = {
		check_directory, check_files, check_conf, check_key, check_clients, check_space, check_password, check_leaked, check_throttle, check_proxies,
		check_sandbox, check_cookies,
		check_database, check_store, check_users, check_trail, check_clock, check_backup,
	};
	struct check k = { .dir = dir, .repair = repair };
	rows_begin(&k.rows, json ? ROWS_JSON : ROWS_TABLE);
	if (repair)
		mend_owners(&k);
	k.directory = process_enter(dir);
	for (size_t i = 0; i < sizeof checks / sizeof *checks && (i || is_ours(&k)); i++)
		checks[i](&k);
	on_fail(NULL);
	log_divert(NULL, 0);
	store_tidy();
	store_close();
	return rows_end(&k.rows) && !k.failed;
}
