/*
 * script: a CGI script that is its own configuration: a file that begins with
 * `#!/usr/bin/latchkey` (in any directory, by that name) and holds lines as in
 * latchkey.conf, and `dir = PATH`, the data directory. The kernel puts its name
 * into argv, but a query string can put words there, too (RFC 3875, 4.4). So
 * `argument` counts only if it is the file that SCRIPT_FILENAME names.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "base/base.h"

/*
 * Returns NULL and sets *text to the script's text, or to SLICE_NONE if argument
 * names no such script. Returns a message if it names one that can't be read or
 * that other users can write.
 */
const char *script_find(const char *argument, struct slice *text);

#endif
