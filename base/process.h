/*
 * process: what must hold of the process before it does anything else.
 */
#ifndef PROCESS_H
#define PROCESS_H

enum process_kind {
	PROCESS_OF_REQUEST,     /* one request, by CGI or inetd */
	PROCESS_STAYS           /* the listener, or an operator's verb */
};

/*
 * The first call in main(). For every kind: a client that hung up is an error
 * of write(2) and not a signal. PROCESS_STAYS also opens fds 0 to 2 and
 * makes files for their owner alone. A request's process saves those system
 * calls: process_enter() opens fds 0 to 2, and every file is created with an
 * explicit mode.
 */
void process_start(enum process_kind kind);

/*
 * Goes to work on the data directory. Opens fds 0 to 2 where they are closed:
 * a database that got one of these numbers would be written to as stderr is.
 * A process of root becomes the owner of dir for good, or else a log of the
 * database that root created would lock the web server out; nothing changes
 * when dir is root's or isn't there. When that can't be done it is
 * fail(ERROR_STORE_UNAVAILABLE).
 *
 * Returns a descriptor of dir that is good for fstat(2) and for Landlock, or
 * -1 when dir can't be opened. It stays open until the process ends.
 */
int process_enter(const char *dir);
/*
 * For the listener and the verbs, through which passwords and keys pass: from now on this process leaves no core, and others of its user can't look
 * into it. Behind process_enter(), since setuid(2) may undo it. A request's process sees to that itself (harden.h).
 */
void process_hide(void);
/* Both, for who needs no descriptor. */
void process_become_owner(const char *dir);

/*
 * Takes the environment away: returns it, and getenv(3) finds nothing from
 * then on. By CGI it is the request, so nothing but the request's own parser
 * is to look at it.
 */
char **process_take_environment(void);

#endif
