/*
 * harden: limits what an attacker could do with this process once it runs code
 * of his. Called before the first byte of a request is read.
 */
#ifndef HARDEN_H
#define HARDEN_H

#include "base/base.h"

/*
 * Limits of the process: CPU time, memory, not dumpable (which also means: no
 * core file). SIGXFSZ is ignored, so that exceeding the operator's limit of file
 * sizes is an ordinary I/O error. memory_kib: what one password hash may take,
 * beside what everything else takes. stays: the process serves many requests, so
 * it has no limit of CPU time.
 */
void harden_limits(int64_t memory_kib, bool stays);

/*
 * The sandbox. By Landlock on Linux: no files but those below dir, and what is
 * open already. No rule comes from a file that lies below dir, or whoever runs code
 * in one request could choose what the next may open. No program executed, no TCP bind, no TCP connect but to the `count` ports, no
 * signal to other processes; no new privileges. No new process either
 * (RLIMIT_NPROC 0, which root is exempt from). On OpenBSD unveil and pledge.
 *
 * directory is dir, opened by process_enter(). False on a kernel without
 * Landlock: the rest still holds. With -DREQUIRE_LANDLOCK that is fail().
 */
bool harden(const char *dir, int directory, const uint16_t *ports, size_t count);

#endif
