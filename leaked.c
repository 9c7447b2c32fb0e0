/*
 * leaked: see leaked.h.
 */
#include "leaked.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define LEAKED_FILE "latchkey.leaked"

/* The list, and a part of it: longer than any password, so that a line that is cut off is none. */
struct list {
	int fd;
	int64_t size;
	char part[2 * LIMIT_PASSWORD_MAX];
};

/* Not a link: behind the sandbox nothing would be there. */
static bool open_list(const char *dir, struct list *l)
{
	struct stat st = { 0 };
	l->fd = open(path_in(dir, LEAKED_FILE), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (l->fd < 0)
		return false;
	fstat(l->fd, &st);
	bool good = S_ISREG(st.st_mode);
	l->size = st.st_size;
	if (!good) {
		close(l->fd);
		errno = EINVAL;
	}
	return good;
}

/* What is read from there on; empty where nothing can be read. */
static struct slice read_part(struct list *l, int64_t at, size_t most)
{
	ssize_t n = pread(l->fd, l->part, most < sizeof l->part ? most : sizeof l->part, (off_t)at);
	return (struct slice){ l->part, n > 0 ? (size_t)n : 0 };
}

/* Where the line begins that goes over `at`, but not before `from`, which is where a line begins. */
static int64_t line_start(struct list *l, int64_t from, int64_t at)
{
	int64_t back = at - (int64_t)sizeof l->part;
	back = back > from ? back : from;
	struct slice before = read_part(l, back, (size_t)(at - back));
	while (before.n && before.p[before.n - 1] != '\n')
		before.n--;
	return back + (int64_t)before.n;
}

static int compare(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static bool find(struct list *l, struct slice password)
{
	int64_t from = 0, to = l->size;
	while (from < to) {
		int64_t at = line_start(l, from, from + (to - from) / 2);
		struct slice rest = read_part(l, at, sizeof l->part);
		struct slice line = slice_cut(&rest, '\n');
		int order = compare(line, password);
		if (order == 0)
			return true;
		if (order < 0)
			from = at + (int64_t)line.n + 1;
		else
			to = at;
	}
	return false;
}

bool leaked_has(const char *dir, struct slice password)
{
	struct list l;
	char small[LIMIT_PASSWORD_MAX];
	if (password.n > sizeof small || !open_list(dir, &l))
		return false;
	for (size_t i = 0; i < password.n; i++)
		small[i] = (char)(password.p[i] >= 'A' && password.p[i] <= 'Z' ? password.p[i] + ('a' - 'A') : password.p[i]);
	bool found = find(&l, (struct slice){ small, password.n });
	wipe(small, sizeof small);
	close(l.fd);
	return found;
}

/* ---- for check ------------------------------------------------------------ */

static const char *line_wrong(struct slice line, struct slice before)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '\r' || (line.p[i] >= 'A' && line.p[i] <= 'Z'))
			return " has a capital or ends in CR";
	return before.p && compare(before, line) >= 0 ? " isn't behind the one before it" : NULL;
}

/* The whole list is mapped: who cuts it off meanwhile ends the check, and no request. */
static const char *lines_wrong(const struct list *l, int64_t *lines)
{
	const char *wrong = NULL;
	struct slice before = SLICE_NONE;
	void *all = mmap(NULL, (size_t)l->size, PROT_READ, MAP_PRIVATE, l->fd, 0);
	if (all == MAP_FAILED)
		return l->size ? strerror(errno) : NULL;
	for (struct slice rest = { all, (size_t)l->size }; rest.n && !wrong;) {
		struct slice line = slice_cut(&rest, '\n');
		wrong = line_wrong(line, before);
		before = line;
		++*lines;
	}
	munmap(all, (size_t)l->size);
	return wrong ? text_join("line ", dec(*lines), wrong, NULL) : NULL;
}

const char *leaked_wrong(const char *dir, int64_t *lines)
{
	struct list l;
	*lines = 0;
	if (!open_list(dir, &l))
		return errno == ENOENT ? NULL : text_join(LEAKED_FILE ": ", strerror(errno), NULL);
	const char *wrong = lines_wrong(&l, lines);
	close(l.fd);
	return wrong ? text_join(LEAKED_FILE ": ", wrong, NULL) : NULL;
}
