/*
 * serve: see serve.h.
 *
 * The listener reads configuration and keys only to report at once what is
 * wrong with them, and keeps neither: each process that it starts reads them
 * anew.
 *
 * When a worker can't read them it hands over each request to a process of its
 * own, which then answers as it always would: 503. The worker ends when the
 * files change.
 */
#include "serve/serve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "instance.h"
#include "keyring.h"
#include "serve/listen.h"
#include "serve/worker.h"
#include "store.h"
#include "store/upkeep.h"

enum {
	IDLE_MAX = 86400,
	FRONT_SECONDS = 60,
	EXPECT_SECONDS = 5              /* as long as a request waits for the store */
};

/* ---- arguments ------------------------------------------------------------- */

/* argument[0] is the option `name`, and argument[1] its number. */
static bool number_option(char *const *argument, const char *name, int64_t max, int64_t *out)
{
	return strcmp(argument[0], name) == 0 && argument[1] && parse_number(slice_of(argument[1]), 0, max, out);
}

/* --dir goes into *dir, --demo into *demo; all else says how to listen. */
static struct listen_options read_arguments(int argc, char **argv, const char **dir, bool *demo)
{
	struct listen_options o = { .idle = IDLE_AS_FITS };
	int64_t workers = 0;
	for (int i = 2; i < argc; i++) {
		if (number_option(argv + i, "--idle", IDLE_MAX, &o.idle)
			|| number_option(argv + i, "--workers", (int64_t)worker_most(), &workers)) {
			i++;
		} else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
			*dir = argv[++i];
		} else if (strcmp(argv[i], "--demo") == 0) {
			*demo = true;
		} else if (argv[i][0] == '-' || o.where) {
			log_line("SE1", argv[i], ": not understood; latchkey serve [ADDR:PORT|unix:PATH] [--workers N] [--idle SECONDS] [--demo] [--dir DIR]", NULL);
			exit(100);
		} else {
			o.where = argv[i];
		}
	}
	o.workers = (size_t)workers;
	return o;
}

/* ---- a worker ---------------------------------------------------------- */

static struct instance worker;
static struct config_stamp stamp;       /* of the files that it has read */

/* What these calls are for is in worker.h. */

static void serve_answer(const struct request *rq, struct reply *rp)
{
	instance_answer(&worker, rq, ERROR_NONE, rp);
}

static void serve_refuse(const struct request *rq, enum error e, struct reply *rp)
{
	instance_answer(&worker, rq, e, rp);
}

static bool serve_is_current(void)
{
	struct config_stamp now_on_disk;
	config_stamp(worker.config.dir, &now_on_disk);
	return memcmp(&now_on_disk, &stamp, sizeof stamp) == 0;
}

static bool serve_is_slow(const struct request *rq)
{
	return worker.ring.count == 0 || instance_is_slow(&worker, rq);
}

/* Where configuration or keys can't be read it has none: then every request is slow. */
static void read_files(const char *dir)
{
	config_stamp(dir, &stamp);
	const char *wrong = instance_read(&worker, dir);
	if (wrong) {
		log_line("SE2", wrong, NULL);
		worker.ring.count = 0;
		config_parse(S(""), &worker.config);
		worker.config.dir = dir;
	}
	instance_log(&worker);
}

static uint64_t serve_names(struct slice bytes)
{
	return instance_names(&worker, bytes);
}

static void serve_expect(const uint64_t *id, size_t n)
{
	store_open(worker.config.dir, EXPECT_SECONDS);
	store_expect(id, n);
}

/* Other hosts' latchkey check asks when this one was seen last. Not at the cost of who waits for an answer: a second at most. */
static void serve_leave(bool resting)
{
	static int64_t due;
	store_leave(resting);
	if (!store_is_remote || now_boot() < due)
		return;
	due = now_boot() + FRONT_SECONDS;
	store_open(worker.config.dir, 1);
	store_front(keyring_names(&worker.ring));
}

/* Alone, a worker lets go of the store after each batch: who else writes is a process that writes once. */
static bool keeps_nothing(void)
{
	return false;
}

static _Noreturn void run_worker(const struct worker_place *place, const char *dir, bool demo, size_t workers)
{
	read_files(dir);
	worker.with_site = true;
	worker.demo = demo;
	int directory = process_enter(dir);
	instance_confine(&worker, directory, true);
	const struct http_rules rules = instance_rules(&worker);
	const struct worker_calls calls = {
		.rules = &rules, .answer = serve_answer, .refuse = serve_refuse, .is_slow = serve_is_slow,
		.is_current = serve_is_current, .settle = store_commit_batch, .leave = serve_leave, .keeps = workers > 1 ? store_keeps : keeps_nothing, .forget = store_close,
		.names = store_is_remote ? serve_names : NULL, .expect = serve_expect,
	};
	store_stay(dir);
	worker_run(place, &calls);
	exit(0);
}

/* ---- the listener ------------------------------------------------------ */

static const char *data_dir;
static struct instance checked;

/* Reads configuration and keys, and forgets the keys. NULL, or what is wrong with them. */
static const char *check_instance(void)
{
	const char *wrong = instance_read(&checked, data_dir);
	wipe(&checked.ring, sizeof checked.ring);
	return wrong;
}

/* Before SIGHUP replaces workers that do well: could new ones read their files? */
static bool usable(void)
{
	size_t mark = arena_mark();
	const char *wrong = check_instance();
	if (wrong)
		log_line("SE3", "SIGHUP changes nothing: ", wrong, NULL);
	arena_back(mark);
	return !wrong;
}

/* Who hands lines on to systemd's journal needs no time in them. It names its pipe as "DEVICE:INODE" (systemd.exec(5)). */
static bool is_journal(int fd)
{
	struct stat st = { 0 };
	struct slice inode = slice_of(getenv("JOURNAL_STREAM")), device = slice_cut(&inode, ':');
	int64_t d, i;
	fstat(fd, &st);
	return parse_number(device, 0, INT64_MAX, &d) && parse_number(inode, 0, INT64_MAX, &i)
		&& (uint64_t)d == st.st_dev && (uint64_t)i == st.st_ino;
}

struct slice serve(int argc, char **argv, const char **dir, bool *demo, struct slice *peer)
{
	struct listener l;
	struct listen_options asked = read_arguments(argc, argv, dir, demo);
	data_dir = config_dir(*dir);
	if (!is_journal(STDERR_FILENO))
		log_with_time();
	listen_early(&asked);
	int directory = process_enter(data_dir);
	process_hide();
	const char *wrong = directory < 0 ? config_no_dir(data_dir) : check_instance();
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "SE4", wrong, NULL);
	close(directory);
	instance_log(&checked);
	listen_and_serve(&asked, usable, &l);
	if (l.role == LISTEN_WORKER)
		run_worker(&l.place, data_dir, *demo, asked.workers);
	*peer = l.peer;
	return l.early;
}
