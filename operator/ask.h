/*
 * ask: what the operator types or pipes in. Secrets come this way and never
 * by argv, which every user of the host can read.
 */
#ifndef ASK_H
#define ASK_H

#include "base/base.h"

/* Whether stdin is a terminal. Then a person is asked, and what is typed isn't shown. */
bool ask_is_terminal(void);
/*
 * Reads one line of at most max bytes from stdin, into the arena, without its
 * end: LF, or CR and LF as programs on Windows write it. Not a byte after the
 * line is read. On a terminal the prompt is shown. False when there is no line
 * or it is longer; a read error is fail(ERROR_INTERNAL).
 */
bool ask_line(const char *prompt, size_t max, struct slice *out);
/* The same, without white space around it. */
bool ask_word(const char *prompt, size_t max, struct slice *out);
/* Reads all of stdin, into pages of its own: max may be far more than what comes. False when it is more. */
bool ask_all(size_t max, struct slice *out);

#endif
