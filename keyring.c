/*
 * keyring: see keyring.h for what each function promises.
 *
 * The file is text, one key a line. Its bytes are wiped from memory once they are read.
 */
#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define KEY_FILE "latchkey.key"
/* What helps where no key is left: a verb that needs none. */
#define LOST "; restore it, or latchkey key rotate --epoch makes one, and everybody signs in again"
enum { KEY_FILE_ROOM = 1024 };   /* LIMIT_KEYS lines of at most 95 bytes */

size_t keyring_find(const struct keyring *ring, struct slice kid)
{
	size_t i = 0;
	while (i < ring->count && !slice_is(slice_of(ring->key[i].kid), kid))
		i++;
	return i;
}

static bool ring_has(const struct keyring *ring, const char *kid)
{
	return keyring_find(ring, slice_of(kid)) < ring->count;
}

/* Eight lower-case hexadecimal digits. parse_id() takes sixteen, so it is given them twice. */
static bool read_kid(struct slice text, char kid[KID_LENGTH + 1])
{
	uint64_t number;
	char twice[2 * KID_LENGTH];
	if (text.n != KID_LENGTH)
		return false;
	memcpy(twice, text.p, KID_LENGTH);
	memcpy(twice + KID_LENGTH, text.p, KID_LENGTH);
	memcpy(kid, text.p, KID_LENGTH);
	return parse_id((struct slice){ twice, sizeof twice }, &number);
}

static const char *key_line(struct slice line, struct keyring *ring)
{
	if (ring->count == LIMIT_KEYS)
		return "more keys than are allowed";
	struct key *key = &ring->key[ring->count];
	*key = (struct key){ .created_at = 0 };
	if (!read_kid(slice_cut(&line, ' '), key->kid)
		|| !parse_number(slice_cut(&line, ' '), 0, INT64_MAX, &key->created_at)
		|| !parse_hex(line, key->master, KEY_SIZE))
		return "is not of the form: kid created_at key, in 8, decimal and 64 hexadecimal digits";
	if (ring_has(ring, key->kid))
		return "has a kid for the second time";
	ring->count++;
	return NULL;
}

static const char *key_lines(struct slice text, struct keyring *out)
{
	const char *wrong = NULL;
	out->count = 0;
	for (int64_t line = 1; !wrong && text.n; line++) {
		wrong = key_line(slice_cut(&text, '\n'), out);
		if (wrong)
			wrong = text_join(KEY_FILE ":", dec(line), ": ", wrong, NULL);
	}
	return wrong || out->count ? wrong : KEY_FILE ": holds no key" LOST;
}

/* The file may be a link, as secrets are that others look after: what counts is the file behind it. */
static const char *key_text(const char *path, struct slice *text)
{
	struct stat st = { .st_mode = 0 };
	const char *wrong = NULL;
	char *room = arena(LIMIT_CONF + 2);
	int fd = open(path, O_RDONLY | O_NONBLOCK), error = 0;
	if (fd < 0)
		error = errno;
	else if ((void)fstat(fd, &st), !S_ISREG(st.st_mode))
		wrong = KEY_FILE ": is not a file";
	else if (st.st_mode & 077)
		wrong = KEY_FILE ": others than its owner can read it (chmod 600)";
	else
		error = file_read_open(fd, room, LIMIT_CONF, text);
	close(fd);
	return error ? text_join(KEY_FILE ": ", strerror(error), error == ENOENT ? LOST : "", NULL) : wrong;
}

const char *keyring_read(const char *dir, struct keyring *out)
{
	struct slice text = SLICE_NONE;
	const char *wrong = key_text(path_in(dir, KEY_FILE), &text);
	if (wrong)
		return wrong;
	wrong = key_lines(text, out);
	wipe((void *)(uintptr_t)text.p, text.n);
	return wrong;
}

/* The buffer has its full size from the start. If it grew, a copy of the keys would be left in memory. */
static void show_keys(struct buf *b, const struct keyring *ring)
{
	*b = (struct buf){ arena(KEY_FILE_ROOM), 0, KEY_FILE_ROOM };
	for (size_t i = 0; i < ring->count; i++) {
		const struct key *key = &ring->key[i];
		buf_s(b, key->kid);
		buf_c(b, ' ');
		buf_int(b, key->created_at);
		buf_c(b, ' ');
		buf_hex_bytes(b, key->master, KEY_SIZE);
		buf_c(b, '\n');
	}
}

/* A file in a link's place would hide the one that somebody else looks after. */
static void refuse_link(const char *path)
{
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		fail(ERROR_STORE_UNAVAILABLE, "KR2", KEY_FILE " is a link; change the file that it points to", NULL);
}

void keyring_write(const char *dir, const struct keyring *ring)
{
	struct buf text;
	refuse_link(path_in(dir, KEY_FILE));
	show_keys(&text, ring);
	bool good = file_replace(dir, KEY_FILE, buf_slice(&text));
	wipe(text.p, text.room);
	if (!good)
		fail(ERROR_STORE_UNAVAILABLE, "KR1", KEY_FILE " can't be written: ", strerror(errno), NULL);
}

/* ---- changes ------------------------------------------------------------ */

static bool insert(struct keyring *ring, size_t i, const struct key *key)
{
	if (ring->count == LIMIT_KEYS || ring_has(ring, key->kid))
		return false;
	memmove(&ring->key[i + 1], &ring->key[i], (ring->count - i) * sizeof ring->key[0]);
	ring->key[i] = *key;
	ring->count++;
	return true;
}

static void date_after(struct key *key, int64_t time)
{
	if (key->created_at <= time)
		key->created_at = time + 1;
}

/* Staged keys are dated anew, so that they stay the ones that are dated after the first. */
bool keyring_add(struct keyring *ring, const struct key *key)
{
	struct key fresh = *key;
	if (ring->count)
		date_after(&fresh, ring->key[0].created_at - 1);
	for (size_t i = 1; i < ring->count; i++)
		if (keyring_is_staged(ring, i))
			date_after(&ring->key[i], fresh.created_at);
	return insert(ring, 0, &fresh);
}

bool keyring_stage(struct keyring *ring, const struct key *key)
{
	struct key fresh = *key;
	date_after(&fresh, ring->key[0].created_at);
	return insert(ring, 1, &fresh);
}

void keyring_remove(struct keyring *ring, size_t i)
{
	ring->count--;
	memmove(&ring->key[i], &ring->key[i + 1], (ring->count - i) * sizeof ring->key[0]);
}

void keyring_use(struct keyring *ring, size_t i, int64_t time)
{
	struct key key = ring->key[i];
	key.created_at = time;
	keyring_remove(ring, i);
	keyring_add(ring, &key);
}

bool keyring_is_staged(const struct keyring *ring, size_t i)
{
	return ring->key[i].created_at > ring->key[0].created_at;
}

int64_t keyring_signed_until(const struct keyring *ring, size_t i)
{
	size_t next = i;
	if (i == 0 || keyring_is_staged(ring, i))
		return 0;
	do
		next--;
	while (keyring_is_staged(ring, next));
	return ring->key[next].created_at;
}

struct slice keyring_names(const struct keyring *ring)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < ring->count; i++) {
		buf_s(&b, i ? " " : "");
		buf_s(&b, ring->key[i].kid);
	}
	return buf_slice(&b);
}
