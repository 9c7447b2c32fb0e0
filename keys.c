/*
 * keys: see keys.h.
 */
#include "keys.h"

#include "base/base64.h"
#include "derive.h"

bool keys_label_ok(struct slice label)
{
	for (size_t i = 0; i < label.n; i++)
		if ((uint8_t)label.p[i] < ' ' || label.p[i] == 0x7f)
			return false;
	return label.n <= KEYS_LABEL && slice_is_utf8(label);
}

static bool read_line(struct slice line, struct user_key *k)
{
	k->kind = slice_cut(&line, ' ');
	struct slice id = slice_cut(&line, ' '), key = slice_cut(&line, ' '), counter = slice_cut(&line, ' ');
	struct slice flags = slice_cut(&line, ' '), created = slice_cut(&line, ' ');
	k->label = line;
	return line.p && k->kind.n && base64url_read(id, &k->id) && k->id.n && k->id.n <= KEYS_ID && base64url_read(key, &k->key)
		&& parse_number(counter, 0, UINT32_MAX, &k->counter) && parse_number(flags, 0, UINT8_MAX, &k->flags)
		&& parse_number(created, 0, INT64_MAX, &k->created_at) && keys_label_ok(k->label);
}

static void put_line(struct buf *b, const struct user_key *k)
{
	buf_add(b, k->kind);
	buf_c(b, ' ');
	base64url_add(b, k->id);
	buf_c(b, ' ');
	base64url_add(b, k->key);
	for (const int64_t *n = (const int64_t[]){ k->counter, k->flags, k->created_at, -1 }; *n >= 0; n++) {
		buf_c(b, ' ');
		buf_int(b, *n);
	}
	buf_c(b, ' ');
	buf_add(b, k->label);
	buf_c(b, '\n');
}

bool keys_next(struct slice *rest, struct user_key *out)
{
	while (rest->n)
		if (read_line(slice_cut(rest, '\n'), out))
			return true;
	return false;
}

uint64_t keys_number(const struct user_key *k)
{
	uint8_t hash[DERIVE_MAC];
	derive_sha256(k->id, hash);
	return derive_get64(hash);
}

bool keys_find(struct slice keys, const char *kind, struct slice id, struct user_key *out)
{
	while (keys_next(&keys, out))
		if (slice_is(out->kind, slice_of(kind)) && slice_is(out->id, id))
			return true;
	return false;
}

/* The lines, but for the one that `skip` says something of: in its place is `k`, or nothing where that is NULL. */
static bool rewrite(struct slice keys, bool (*skip)(const struct user_key *, const void *), const void *arg, const struct user_key *k,
	struct slice *out)
{
	struct buf b = { 0 };
	bool found = false;
	while (keys.n) {
		struct user_key old;
		struct slice line = slice_cut(&keys, '\n');
		bool hit = !found && read_line(line, &old) && skip(&old, arg);
		found |= hit;
		if (hit && k)
			put_line(&b, k);
		if (hit)
			continue;
		buf_add(&b, line);
		buf_c(&b, '\n');
	}
	*out = buf_slice(&b);
	return found;
}

static bool has_number(const struct user_key *k, const void *number)
{
	return keys_number(k) == *(const uint64_t *)number;
}

static bool is_same(const struct user_key *k, const void *other)
{
	const struct user_key *o = other;
	return slice_is(k->kind, o->kind) && slice_is(k->id, o->id);
}

static size_t count_lines(struct slice keys)
{
	size_t n = 0;
	for (; keys.n; n++)
		(void)slice_cut(&keys, '\n');
	return n;
}

enum error keys_add(struct slice keys, const struct user_key *k, struct slice *out)
{
	struct buf b = { 0 };
	if (rewrite(keys, is_same, k, NULL, out))
		return ERROR_CREDENTIAL_KNOWN;
	buf_add(&b, *out);
	put_line(&b, k);
	*out = buf_slice(&b);
	return count_lines(*out) <= KEYS_MOST && out->n <= KEYS_BYTES ? ERROR_NONE : ERROR_CREDENTIAL_LIMIT;
}

bool keys_remove(struct slice keys, uint64_t number, struct slice *out)
{
	return rewrite(keys, has_number, &number, NULL, out);
}

void keys_replace(struct slice keys, const struct user_key *k, struct slice *out)
{
	(void)rewrite(keys, is_same, k, k, out);
}
