/*
 * log: one line for the operator.
 *
 * A line must be possible when memory isn't, so it is built on the stack, and
 * this file uses nothing of the rest of base/.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes "latchkey: SITE: parts…" to stderr, cut at 1 KiB. Bytes that could
 * forge a line or drive a terminal are written as '?'. site is a short code,
 * unique in the source, so that a line of the log leads to a line of C. The
 * parts are const char *, the last one NULL. No token, password or key may
 * be one of them. A line that can't be written is lost.
 */
void log_line(const char *site, ...) __attribute__((sentinel));
/* The same for a function that was called with the parts. */
void log_parts(const char *site, va_list parts);

/*
 * From now on a line goes to `to`, which has room bytes (at least 1), is NUL-terminated and holds the
 * newest line alone, without "latchkey: ". NULL: lines go where they went before.
 */
void log_divert(char *to, size_t room);
/* From now on lines go to the system's logger (/dev/log). When there is none they go where they went before. */
void log_to_syslog(void);
/* From now on lines begin with the time, in UTC; not those of the system's logger, which has its own. */
void log_with_time(void);
/*
 * For a process whose stderr may be the client's connection. The first line
 * finds out; if it is, lines go to the system's logger, or nowhere when
 * there is none.
 */
void log_not_to_client(void);

#endif
