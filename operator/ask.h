/*
 * ask: what the operator types or pipes in. Secrets come this way and never
 * by argv, which every user of a host can read.
 */
#ifndef ASK_H
#define ASK_H

#include "base/base.h"

/* Whether stdin is a terminal: then a person is asked, without echo. */
bool ask_is_terminal(void);
/*
 * One line, without its end, of at most max bytes, in the arena; not a byte
 * behind it is taken from stdin. On a terminal the prompt stands before it.
 * False when there is none or it is longer; what can't be read is fail().
 */
bool ask_line(const char *prompt, size_t max, struct slice *out);
/* All of stdin, at most max bytes. False when it is more. */
bool ask_all(size_t max, struct slice *out);

#endif
