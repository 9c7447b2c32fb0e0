/*
 * leaked_test: latchkey.leaked, found by halving, beside a search from its beginning to its end.
 */
#include "leaked.h"

#include "base/file.h"
#include "t.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char dir[] = "/tmp/leaked_test.XXXXXX";
enum { MANY = 3000 };
static char *words[MANY];
static size_t count;

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put(const char *text, size_t n)
{
	const char *path = path_in(dir, "latchkey.leaked");
	unlink(path);
	FILE *f = fopen(path, "w");
	fwrite(text, 1, n, f);
	fclose(f);
}

static bool has(const char *password)
{
	size_t mark = arena_mark();
	bool found = leaked_has(dir, slice_of(password));
	arena_back(mark);
	return found;
}

static const char *wrong(int64_t *lines)
{
	return leaked_wrong(dir, lines);
}

/* Words of 1 to 1024 bytes, most of them short, in order. */
static char *make_list(size_t *n)
{
	unsigned seed = 7;
	char *text = malloc((size_t)MANY * 1100), *at = text;
	for (count = 0; count < MANY; count++) {
		size_t length = count % 97 == 0 ? 900 + count % 125 : 1 + count % 15;
		char *word = malloc(length + 16);
		for (size_t i = 0; i < length; i++) {
			seed = seed * 1103515245 + 12345;
			word[i] = "abcdefghij0123456789 \xc3\xa9z"[seed / 65536 % 24];
		}
		snprintf(word + length - (length > 4 ? 4 : 0), 16, "%04zu", count);
		words[count] = word;
	}
	qsort(words, MANY, sizeof words[0], by_bytes);
	for (size_t i = 0; i < MANY; i++)
		at += sprintf(at, "%s\n", words[i]);
	*n = (size_t)(at - text);
	return text;
}

static void many(void)
{
	size_t n, found = 0, others = 0;
	int64_t lines;
	char *text = make_list(&n);
	put(text, n);
	is_str(wrong(&lines), NULL, "a list as it must be");
	is_int(lines, MANY, "of many lines");
	for (size_t i = 0; i < MANY; i++) {
		char other[1100];
		found += has(words[i]);
		snprintf(other, sizeof other, "%s!", words[i]);
		others += has(other);
		snprintf(other, sizeof other, "%.*s", (int)strlen(words[i]) - 1, words[i]);
		others += has(other) && bsearch(&(char *){ other }, words, MANY, sizeof words[0], by_bytes) == NULL;
	}
	is_int(found, MANY, "each of its passwords is found");
	is_int(others, 0, "and none that is a byte longer or shorter");
	put(text, n - 1);
	ok(has(words[MANY - 1]) && has(words[0]), "the last line needs no end");
	free(text);
}

static void small(void)
{
	int64_t lines;
	unlink(path_in(dir, "latchkey.leaked"));
	ok(!has("correct horse"), "without a list nothing is on it");
	ok(wrong(&lines) == NULL && lines == 0, "and nothing is wrong");
	put("", 0);
	ok(!has("correct horse") && wrong(&lines) == NULL && lines == 0, "nor with an empty one");
	put("correct horse\n", 14);
	ok(has("correct horse") && has("Correct HORSE"), "case is nothing");
	ok(!has("correct hors") && !has("correct horsf") && !has("correct hors}") && !has("[orrect horse") && !has(""), "all else counts");
	char longest[LIMIT_PASSWORD_MAX + 1];
	memset(longest, 'x', sizeof longest);
	ok(!leaked_has(dir, (struct slice){ longest, sizeof longest }), "what is too long to be a password isn't looked for");
	char line[4096];
	memset(line, 'm', sizeof line);
	static const char first[] = { 'a', 'a', 'a', '\n' }, last[] = { '\n', 'z', 'z', 'z', '\n' };
	memcpy(line, first, sizeof first);
	memcpy(line + sizeof line - sizeof last, last, sizeof last);
	put(line, sizeof line);
	ok(has("aaa") && has("zzz") && !has("mmm"), "a line that is longer than any password hides no other");
}

static void wrong_lists(void)
{
	static const struct { const char *text, *message; } lists[] = {
		{ "b\na\n", "latchkey.leaked: line 2 isn't behind the one before it" },
		{ "a\na\n", "latchkey.leaked: line 2 isn't behind the one before it" },
		{ "a\nb\nbB\n", "latchkey.leaked: line 3 has a capital or ends in CR" },
		{ "a\r\nb\r\n", "latchkey.leaked: line 1 has a capital or ends in CR" },
		{ "\na\nZ", "latchkey.leaked: line 3 has a capital or ends in CR" },
		{ "a\n[\n", "latchkey.leaked: line 2 isn't behind the one before it" },
		{ "a\nab\nb\n\xc3\xa9\n", NULL },
	};
	int64_t lines;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		put(lists[i].text, strlen(lists[i].text));
		is_str(wrong(&lines), lists[i].message, "list %zu", i);
	}
	const char *path = path_in(dir, "latchkey.leaked");
	unlink(path);
	mkdir(path, 0700);
	is_str(wrong(&lines), "latchkey.leaked: Invalid argument", "a directory");
	ok(!has("a"), "has no password");
	rmdir(path);
	ok(symlink("elsewhere", path) == 0 && !has("a"), "nor has a link");
	is_str(wrong(&lines), text_join("latchkey.leaked: ", strerror(ELOOP), NULL), "which is told");
	unlink(path);
}

static void look_without_room(void *unused)
{
	int64_t lines;
	(void)unused;
	setrlimit(RLIMIT_AS, &(struct rlimit){ 1, 1 });
	const char *said = wrong(&lines);
	exit(said && strcmp(said + strlen("latchkey.leaked: "), strerror(ENOMEM)) == 0 ? 0 : 1);
}

/* The list is mapped whole where it is checked. */
static void no_room(void)
{
	if (is_variant("cross"))
		return;
	put("a\nb\n", 4);
	wrong(&(int64_t){ 0 });
	is_int(dies(look_without_room, NULL), 0, "a list that has no room in memory is told");
	unlink(path_in(dir, "latchkey.leaked"));
}

int main(void)
{
	if (!mkdtemp(dir))
		return 2;
	small();
	many();
	wrong_lists();
	no_room();
	rmdir(dir);
	return done_testing();
}
