/*
 * script: see script.h.
 */
#include "script.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Of a text that begins with `#!`: a path or a last word that is our name: not a shell script, whose
 * caller can name it in the query string. */
static bool names_us(struct slice text)
{
	struct slice line = slice_trim(slice_cut(&text, '\n')), name = S("latchkey");
	if (line.n < name.n + 3)
		return false;
	struct slice end = slice_from(line, line.n - name.n - 1);
	return (*end.p == '/' || *end.p == ' ') && slice_is(slice_from(end, 1), name);
}

/* The file was opened by the name that the server gives; the argument, which
 * anybody may have written, is never opened. */
static const char *read_script(int fd, const char *argument, char *room, struct slice *text)
{
	struct stat server = { 0 }, caller;
	char begin[2];
	fstat(fd, &server);
	if (stat(argument, &caller) || server.st_dev != caller.st_dev || server.st_ino != caller.st_ino)
		return NULL;
	if (!S_ISREG(server.st_mode) || pread(fd, begin, 2, 0) != 2 || memcmp(begin, "#!", 2) != 0)
		return NULL;
	int error = file_read_open(fd, room, LIMIT_CONF, text);
	if (error)
		return text_join("script: ", strerror(error), NULL);
	if (!names_us(*text))
		*text = SLICE_NONE;
	return text->p && server.st_mode & 022 ? "script: others than its owner can write it (chmod go-w)" : NULL;
}

const char *script_find(const char *argument, struct slice *text)
{
	const char *script = getenv("SCRIPT_FILENAME");
	*text = SLICE_NONE;
	if (argument == NULL || script == NULL)
		return NULL;
	char *room = arena(LIMIT_CONF + 2);
	int fd = open(script, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	const char *wrong = read_script(fd, argument, room, text);
	close(fd);
	return wrong;
}
