/*
 * admin: the operator's command line. Words and options become one call of
 * one verb; the table of verbs is the usage text, the help and the dispatch.
 */
#ifndef ADMIN_H
#define ADMIN_H

/*
 * Runs `latchkey VERB …`. Returns the exit code: 0 done, 1 refused or a
 * negative answer, 100 wrong usage, 111 the system (which may also end the
 * process, by fail()).
 */
int admin_main(int argc, char **argv);

#endif
