/*
 * serve: see serve.h.
 *
 * The starter reads configuration and keys to say at once what is wrong with them, and keeps neither: each process
 * that it starts reads them anew.
 *
 * A worker can't read them, perhaps, when it starts. Then it hands over each request to a process of its own, which
 * says so as ever, until the files change.
 */
#include "serve/serve.h"

#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "auth.h"
#include "instance.h"
#include "serve/listen.h"
#include "store.h"
#include "store/upkeep.h"
#include "serve/worker.h"

enum {
	IDLE_MAX = 86400
};

static struct instance self;
static struct config_stamp stamp;       /* of what a worker has read */

/* ---- words ------------------------------------------------------------- */

/* An option that takes a number, and its value behind it. */
static bool number_option(char *const *argument, const char *name, int64_t max, int64_t *out)
{
	return strcmp(argument[0], name) == 0 && argument[1] && parse_number(slice_of(argument[1]), 0, max, out);
}

/* The operator's directory, and how to listen. */
static struct listen_options read_arguments(int argc, char **argv, const char **dir)
{
	struct listen_options o = { .idle = IDLE_AS_FITS };
	int64_t workers = 0;
	for (int i = 2; i < argc; i++) {
		if (number_option(argv + i, "--idle", IDLE_MAX, &o.idle)
			|| number_option(argv + i, "--workers", (int64_t)worker_most(), &workers)) {
			i++;
		} else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
			*dir = argv[++i];
		} else if (argv[i][0] == '-' || o.where) {
			log_line("SE1", "usage: latchkey serve [ADDR:PORT|unix:PATH] [--workers N] [--idle SECONDS] [--dir DIR]", NULL);
			exit(100);
		} else {
			o.where = argv[i];
		}
	}
	o.workers = (size_t)workers;
	return o;
}

/* ---- a worker: worker.h says what each is for -------------------------- */

static void work_answer(const struct request *rq, struct reply *rp)
{
	instance_answer(&self, rq, ERROR_NONE, rp);
}

static void work_refuse(const struct request *rq, enum error e, struct reply *rp)
{
	instance_answer(&self, rq, e, rp);
}

static bool work_is_current(void)
{
	struct config_stamp now_on_disk;
	config_stamp(self.config.dir, &now_on_disk);
	return memcmp(&now_on_disk, &stamp, sizeof stamp) == 0;
}

static bool work_is_slow(const struct request *rq)
{
	return self.ring.count == 0 || auth_hashes(rq);
}

/* As configured, or as one who hands over everything. */
static void read_or_do_without(const char *dir)
{
	config_stamp(dir, &stamp);
	const char *wrong = instance_read(&self, dir);
	if (wrong) {
		log_line("SE2", wrong, NULL);
		self.ring.count = 0;
		config_parse(S(""), &self.config);
		self.config.dir = dir;
	}
	instance_log(&self);
}

static _Noreturn void work(const struct worker_place *place, const char *dir)
{
	read_or_do_without(dir);
	self.with_site = true;
	int directory = process_enter(dir);
	instance_confine(&self, directory, true);
	const struct http_rules rules = instance_rules(&self);
	const struct worker_calls calls = {
		.rules = &rules, .answer = work_answer, .refuse = work_refuse, .is_slow = work_is_slow,
		.is_current = work_is_current, .settle = store_commit_batch, .leave = store_leave, .forget = store_close,
	};
	store_stay(dir);
	worker_run(place, &calls);
	exit(0);
}

/* ---- the starter ------------------------------------------------------- */

static const char *data_dir;

/* What SIGHUP asks of the files, before workers that do well are ended for it. */
static bool usable(void)
{
	static struct instance next;
	size_t mark = arena_mark();
	const char *wrong = instance_read(&next, data_dir);
	wipe(&next.ring, sizeof next.ring);
	if (wrong)
		log_line("SE3", "goes on as it was: ", wrong, NULL);
	arena_back(mark);
	return !wrong;
}

struct slice serve(int argc, char **argv, const char **dir)
{
	struct listener l;
	struct listen_options asked = read_arguments(argc, argv, dir);
	data_dir = config_dir(*dir);
	process_become_owner(data_dir);
	const char *wrong = instance_read(&self, data_dir);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "SE4", wrong, NULL);
	instance_log(&self);
	wipe(&self.ring, sizeof self.ring);
	listen_and_serve(&asked, usable, &l);
	if (l.role == LISTEN_WORKER)
		work(&l.place, data_dir);
	return l.early;
}
