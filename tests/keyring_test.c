/*
 * keyring_test: latchkey.key, read and written.
 */
#include "keyring.h"

#include "base/file.h"
#include "t.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char dir[] = "/tmp/keyring_test.XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
	const char *path = path_in(dir, name);
	unlink(path);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

#define HEX64 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define LOST "; restore it, or latchkey key rotate --epoch makes one, and everybody signs in again"
#define HEX62 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"

static struct key key_numbered(int n)
{
	struct key key = { .created_at = 1000 + n };
	snprintf(key.kid, sizeof key.kid, "%08x", (unsigned)n);
	memset(key.master, n, KEY_SIZE);
	return key;
}

static void test_keys_there_and_back(void)
{
	struct keyring ring = { .count = 0 }, again;
	for (int n = 1; n <= LIMIT_KEYS; n++) {
		struct key key = key_numbered(n);
		ok(keyring_add(&ring, &key), "key %d is added", n);
		ok(!keyring_add(&ring, &key), "but once");
		keyring_write(dir, &ring);
		ok(keyring_read(dir, &again) == NULL, "a ring of %d is read", n);
		is_int(again.count, n, "all of it");
		is_str(again.key[0].kid, key.kid, "the newest first");
		ok(again.key[0].created_at == 1000 + n && memcmp(again.key[0].master, key.master, KEY_SIZE) == 0, "whole");
	}
	is_str(again.key[LIMIT_KEYS - 1].kid, "00000001", "the oldest last");
	struct key more = key_numbered(LIMIT_KEYS + 1);
	ok(!keyring_add(&ring, &more), "no room for one more");
	struct stat st;
	ok(stat(path_in(dir, "latchkey.key"), &st) == 0 && (st.st_mode & 0777) == 0600, "mode 0600");
	ok(access(path_in(dir, "latchkey.key.new"), F_OK) != 0, "no temporary file stays");
}

static void test_key_modes(void)
{
	struct keyring ring;
	static const struct { mode_t mode; bool good; } modes[] = {
		{ 0600, true }, { 0400, true }, { 0640, false }, { 0604, false }, { 0620, false }, { 0601, false }, { 0644, false },
	};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		put("latchkey.key", "0011aaff 5 " HEX64 "\n", modes[i].mode);
		is_str(keyring_read(dir, &ring), modes[i].good ? NULL : "latchkey.key: others than its owner can read it (chmod 600)",
			"mode %o", (unsigned)modes[i].mode);
	}
	unlink(path_in(dir, "latchkey.key"));
	is_str(keyring_read(dir, &ring), "latchkey.key: No such file or directory" LOST, "no key file");
	mkdir(path_in(dir, "latchkey.key"), 0700);
	is_str(keyring_read(dir, &ring), "latchkey.key: is not a file", "a directory");
	rmdir(path_in(dir, "latchkey.key"));
}

static void write_into(void *where)
{
	struct keyring ring = { .count = 1, .key = { key_numbered(1) } };
	keyring_write(where, &ring);
}

/* The file behind it is judged, and never hidden by another. */
static void test_link(void)
{
	struct keyring ring;
	const char *real = path_in(dir, "real");
	put("real", "0011aaff 5 " HEX64 "\n", 0600);
	ok(symlink("real", path_in(dir, "latchkey.key")) == 0 && keyring_read(dir, &ring) == NULL, "a link to a good file is as good");
	ok(chmod(real, 0640) == 0 && keyring_read(dir, &ring) != NULL, "to one that others can read isn't");
	ok(chmod(real, 0400) == 0 && keyring_read(dir, &ring) == NULL, "nobody need be able to write it");
	is_int(dies(write_into, dir), 111, "a link isn't replaced");
	ok(strstr(t_err, "KR2: latchkey.key is a link") != NULL, "which is said");
	unlink(real);
	ok(keyring_read(dir, &ring) != NULL, "a link to nothing is no key");
	unlink(path_in(dir, "latchkey.key"));
}

static void test_key_lines(void)
{
	static const char form[] = "latchkey.key:1: is not of the form: kid created_at key, in 8, decimal and 64 hexadecimal digits";
	static const struct { const char *text, *message; } files[] = {
		{ "0011aaff 5 " HEX64, NULL },
		{ "0011aaff 0 " HEX64 "\n", NULL },
		{ "", "latchkey.key: holds no key" LOST },
		{ "\n", form },
		{ "0011AAFF 5 " HEX64, form },
		{ "0011aaf 5 " HEX64, form },
		{ "0011aaff0 5 " HEX64, form },
		{ "0011aafg 5 " HEX64, form },
		{ "0011aaff -5 " HEX64, form },
		{ "0011aaff  5 " HEX64, form },
		{ "0011aaff 5 " HEX64 " ", form },
		{ "0011aaff 5 " HEX64 "\r\n", form },
		{ "0011aaff 5 " HEX62, form },
		{ "0011aaff 5 " HEX64 "00", form },
		{ "0011aaff 5 ", form },
		{ "0011aaff 5", form },
		{ "0011aaff", form },
		{ "# a comment", form },
		{ "0011aaff 5 " HEX64 "\n0011aaff 6 " HEX64, "latchkey.key:2: has a kid for the second time" },
		{ "0011aaff 5 " HEX64 "\n\n", "latchkey.key:2: is not of the form: kid created_at key, in 8, decimal and 64 hexadecimal digits" },
	};
	struct keyring ring;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		put("latchkey.key", files[i].text, 0600);
		is_str(keyring_read(dir, &ring), files[i].message, "key file %zu", i);
	}
}

static void test_too_many_keys(void)
{
	char text[LIMIT_CONF] = "";
	struct keyring ring;
	for (int n = 1; n <= LIMIT_KEYS + 1; n++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%08x %d " HEX64 "\n", (unsigned)n, n);
	put("latchkey.key", text, 0600);
	is_str(keyring_read(dir, &ring), "latchkey.key:9: more keys than are allowed", "nine keys");
}

static void test_write_failures(void)
{
	char there[] = "/tmp/keyring_test.none/there";
	is_int(dies(write_into, there), 111, "a directory that isn't there ends the process");
	ok(strstr(t_err, "KR1") && !strstr(t_err, "0101"), "and no key is in the log: %s", t_err);
	mkdir(path_in(dir, "blocked"), 0700);
	mkdir(path_in(dir, "blocked/latchkey.key"), 0700);
	is_int(dies(write_into, path_in(dir, "blocked")), 111, "so does a rename that fails");
	mkdir(path_in(dir, "taken"), 0700);
	mkdir(path_in(dir, "taken/latchkey.key.new"), 0700);
	is_int(dies(write_into, path_in(dir, "taken")), 111, "and a temporary name that is taken");
	put("latchkey.key.new", "left over", 0600);
	is_int(dies(write_into, dir), 0, "but not what a crash left behind");
}

/* The n-th call from now on fails; 0: none. */
static int fsyncs_left, closes_left;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_close(int fd);
int __wrap_close(int fd);

static bool is_due(int *left, int error)
{
	if (*left == 0 || --*left != 0)
		return false;
	errno = error;
	return true;
}

int __wrap_fsync(int fd)
{
	return is_due(&fsyncs_left, EIO) ? -1 : __real_fsync(fd);
}

/* It is closed whatever is said. */
int __wrap_close(int fd)
{
	int code = __real_close(fd);
	return is_due(&closes_left, EDQUOT) ? -1 : code;
}

/* Files may not grow, until gcov writes its own. */
static void write_without_room(enum error e)
{
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	exit(e == ERROR_STORE_UNAVAILABLE ? 111 : 1);
}

static void write_in_a_full_file(void *where)
{
	on_fail(write_without_room);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, RLIM_INFINITY });
	write_into(where);
}

/* Whatever fails, the key that was there stays, or the new one is in its place, and the caller is told. */
static void test_each_failure(void)
{
	static const struct { int fsyncs, closes; bool replaced; int error; const char *name; } cases[] = {
		{ 1, 0, false, EIO, "the file's sync" }, { 0, 1, false, EDQUOT, "its close" },
		{ 2, 0, true, EIO, "the directory's sync" },
	};
	struct keyring ring;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		put("latchkey.key", "0011aaff 5 " HEX64 "\n", 0600);
		fsyncs_left = cases[i].fsyncs;
		closes_left = cases[i].closes;
		is_int(dies(write_into, dir), 111, "%s fails", cases[i].name);
		fsyncs_left = closes_left = 0;
		ok(strstr(t_err, text_join("KR1: latchkey.key can't be written: ", strerror(cases[i].error), NULL)) != NULL, "which is said");
		ok(keyring_read(dir, &ring) == NULL && (strcmp(ring.key[0].kid, "0011aaff") != 0) == cases[i].replaced, "and a whole key is there");
	}
	put("latchkey.key", "0011aaff 5 " HEX64 "\n", 0600);
	is_int(dies(write_in_a_full_file, dir), 111, "no room");
	ok(keyring_read(dir, &ring) == NULL && strcmp(ring.key[0].kid, "0011aaff") == 0, "and the key that was there is there");
}

static void test_find(void)
{
	struct keyring ring = { .count = 2, .key = { key_numbered(2), key_numbered(1) } };
	is_int(keyring_find(&ring, S("00000002")), 0, "the first key is found");
	is_int(keyring_find(&ring, S("00000001")), 1, "and the last");
	is_int(keyring_find(&ring, S("00000003")), 2, "none has that name");
	is_int(keyring_find(&ring, S("0000000")), 2, "nor half a name");
}

/* The kids of a ring and until when each signed: "2* 1:1002". A star: staged. */
static const char *ring_text(const struct keyring *ring)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < ring->count; i++) {
		int64_t until = keyring_signed_until(ring, i);
		buf_s(&b, i ? " " : "");
		buf_s(&b, ring->key[i].kid + KID_LENGTH - 1);
		buf_s(&b, keyring_is_staged(ring, i) ? "*" : "");
		buf_s(&b, until ? ":" : "");
		buf_s(&b, until ? dec(until) : "");
	}
	return slice_text(buf_slice(&b));
}

static void add_dated(struct keyring *ring, bool (*add)(struct keyring *, const struct key *), int n, int64_t time)
{
	struct key key = key_numbered(n);
	key.created_at = time;
	ok(add(ring, &key), "key %d", n);
	keyring_write(dir, ring);
	ok(keyring_read(dir, ring) == NULL, "the file tells all");
}

static void test_which_signed_when(void)
{
	struct keyring ring = { .count = 0 };
	add_dated(&ring, keyring_add, 1, 100);
	is_str(ring_text(&ring), "1", "the only key signs");
	add_dated(&ring, keyring_add, 2, 200);
	is_str(ring_text(&ring), "2 1:200", "the next one ends its time");
	add_dated(&ring, keyring_stage, 3, 200);
	is_str(ring_text(&ring), "2 3* 1:200", "a staged one doesn't, in the same second neither");
	add_dated(&ring, keyring_stage, 4, 150);
	add_dated(&ring, keyring_add, 5, 300);
	is_str(ring_text(&ring), "5 2:300 4* 3* 1:200", "staged ones stay so when another comes before them");
	keyring_use(&ring, 3, 400);
	is_str(ring_text(&ring), "3 5:400 2:300 4* 1:200", "one that is used signs");
	keyring_use(&ring, 4, 500);
	is_str(ring_text(&ring), "1 3:500 5:400 2:300 4*", "and so does one that signed before");
	keyring_use(&ring, 4, 450);
	is_str(ring_text(&ring), "4 1:500 3:500 5:400 2:300", "a clock that was put back dates nothing before what was there");
	keyring_remove(&ring, 2);
	is_str(ring_text(&ring), "4 1:500 5:500 2:300", "who is left signed at least as long");
	struct key key = key_numbered(4);
	ok(!keyring_stage(&ring, &key), "no kid is staged twice");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 2;
	static void (*const tests[])(void) = {
		test_keys_there_and_back, test_key_modes, test_link, test_key_lines, test_too_many_keys, test_write_failures, test_each_failure, test_find,
		test_which_signed_when,
	};
	size_t mark = arena_mark();
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		tests[i]();
		arena_back(mark);
	}
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	ok(system(command) == 0, "cleaned up");
	return done_testing();
}
