/*
 * hook: runs the operator's own program for an event, such as a mail or a message to a phone. For `latchkey audit --follow --exec`: never from
 * a request, never by a shell.
 */
#ifndef HOOK_H
#define HOOK_H

#include "base/base.h"

enum { HOOK_SECONDS = 10 };     /* so long a program may run */

/*
 * Runs a program, without arguments, with `event` (a line of JSON) as its standard input, and waits for its end. It has this process's
 * environment, and a process group of its own. After HOOK_SECONDS the group is killed. What goes wrong is
 * logged, under the name of the verb; nothing is tried again.
 */
void hook_run(const char *verb, const char *program, struct slice event);

#endif
