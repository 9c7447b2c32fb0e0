/*
 * harden: what a broken process could still do, made little. Before the first
 * byte of a request is read.
 */
#ifndef HARDEN_H
#define HARDEN_H

#include "base/base.h"

/* Process-wide limits: CPU, data, not dumpable (so no core either); SIGXFSZ
 * ignored, so that a file size limit of the operator's is an ordinary I/O
 * error. memory is what one password hash may take beside the rest, in KiB.
 * A process that stays for many requests has no limit of CPU. */
void harden_limits(int64_t memory_kib, bool stays);

/*
 * Landlock to the data directory and, where it lies elsewhere, the directory
 * of the throttle table; no program executed, no TCP
 * bind or connect, no signal to other processes; no new privileges, no new
 * process (RLIMIT_NPROC 0, which doesn't bind root). On OpenBSD unveil and
 * pledge. A kernel without Landlock: returns false, and the caller logs it
 * once a start; with -DREQUIRE_LANDLOCK it is fail(). directory is dir, opened
 * by process_enter().
 */
bool harden(const char *dir, int directory, const char *throttle_dir);

#endif
