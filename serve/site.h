/*
 * site: the embedded files of www/, served by `latchkey serve` outside the
 * mount point. A name is looked up exactly; there is no path to walk. The demo's
 * are there by --demo alone; without it "/" leads to the user's own page.
 */
#ifndef SITE_H
#define SITE_H

#include "base/base.h"

struct request;
struct reply;

/* Answers a request for a file of www/, "/" being index.html; 404 where there
 * is none, 405 for other methods than GET and HEAD. */
void site_answer(const struct request *rq, bool demo, struct reply *rp);

#endif
