/* Any file that a CGI server names as a script: it counts if and only if its first line names latchkey. */
#include "config.h"
#include "fuzz.h"
#include "script.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const bool fuzz_starves = false;   /* the file that it opened would stay open */

static char path[64];
static int fd = -1;

static void gone(void)
{
	unlink(path);
}

void fuzz_start(void)
{
	snprintf(path, sizeof path, "%s/lk-script.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	fd = mkstemp(path);
	HOLDS(fd >= 0 && setenv("SCRIPT_FILENAME", path, 1) == 0 && atexit(gone) == 0);
}

/* `#!`, anything, then the name as a whole word or the end of a path, and blanks. */
static bool names_latchkey(struct slice in)
{
	size_t end = 0, begin = 0;
	while (end < in.n && in.p[end] != '\n')
		end++;
	while (begin < end && (in.p[begin] == ' ' || in.p[begin] == '\t'))
		begin++;
	while (end > begin && (in.p[end - 1] == ' ' || in.p[end - 1] == '\t'))
		end--;
	/* The file's own first two bytes are what the kernel looks at. */
	return begin == 0 && end >= 11 && memcmp(in.p, "#!", 2) == 0 && memcmp(in.p + end - 8, "latchkey", 8) == 0
		&& (in.p[end - 9] == '/' || in.p[end - 9] == ' ');
}

static void options_hold(struct slice text)
{
	struct config c, again;
	HOLDS(config_parse(SLICE_NONE, &c) == NULL);
	again = c;
	const char *refusal = config_override(text, &c);
	if (refusal) {
		HOLDS(strncmp(refusal, "script:", 7) == 0);
		return;
	}
	HOLDS(strcmp(c.dir, ".") == 0 || *c.dir == '/');
	HOLDS(config_override(text, &again) == NULL && strcmp(c.dir, again.dir) == 0);
	for (size_t i = 0; i < options_count; i++)
		HOLDS(slice_is(option_value(&c, i), option_value(&again, i)));
}

void fuzz_one(struct slice in)
{
	struct slice text = { "untouched", 9 };
	HOLDS(ftruncate(fd, 0) == 0 && pwrite(fd, in.p, in.n, 0) == (ssize_t)in.n);
	const char *refusal = script_find(path, &text);
	if (in.n > LIMIT_CONF) {
		HOLDS(!refusal == !(in.p[0] == '#' && in.p[1] == '!'));
		return;
	}
	HOLDS(!refusal && !text.p == !names_latchkey(in));
	if (text.p) {
		HOLDS(slice_is(text, in));
		options_hold(text);
	}
}
