/*
 * instance: one latchkey, of a data directory: its configuration and keys, its sandbox, and what it answers. The
 * same for a process that has one request, and for a worker that has many.
 */
#ifndef INSTANCE_H
#define INSTANCE_H

#include "base/base.h"
#include "config.h"
#include "http.h"
#include "keyring.h"

struct instance {
	struct config config;
	struct keyring ring;
	struct slice script;            /* lines that go over those of latchkey.conf: of CGI alone */
	bool with_site;                 /* `serve` alone serves www/ */
	bool demo;                      /* the demo among it: `serve --demo` */
};

/* Reads the two files of dir. NULL, or what is wrong with them; then nothing but `script`, `with_site` and `demo` is of use. */
const char *instance_read(struct instance *i, const char *dir);
/* Logs from now on where its configuration says. */
void instance_log(const struct instance *i);
/* Limits and sandbox (harden.h): of a process that stays, or of one that may hash one password. directory is that of
 * process_enter(). */
void instance_confine(const struct instance *i, int directory, bool stays);
/* The whole answer to a request, or to one that is refused with e. */
void instance_answer(const struct instance *i, const struct request *rq, enum error e, struct reply *rp);
/* Whether the answer takes long: not for a process that others wait for. */
/* The session of the first refresh token of ours among the bytes of a request, read or not; 0: none. */
uint64_t instance_names(const struct instance *i, struct slice bytes);
bool instance_is_slow(const struct instance *i, const struct request *rq);
/* What a face needs to know of the configuration. Borrows. */
struct http_rules instance_rules(const struct instance *i);

#endif
