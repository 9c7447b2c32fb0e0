/*
 * gone.h: a request of a client that has closed its connection meanwhile.
 */
#ifndef LK_GONE_H
#define LK_GONE_H

#include "http_request.h"

#include <stdlib.h>
#include <unistd.h>

static void nobody_waits(struct request *rq)
{
	int ends[2];
	if (pipe(ends))
		exit(2);
	close(ends[0]);
	rq->wire = (struct wire){ .face = FACE_HTTP, .client = ends[1], .read_at = 1 };
}

#endif
