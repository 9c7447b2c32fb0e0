/*
 * Any text, judged by json.c and by json_reference.h: the same verdict, and of each member the same meaning. Its bytes
 * as a string, quoted, are JSON that means them.
 */
#include "fuzz.h"
#include "json_reference.h"

#include <errno.h>
#include <stdlib.h>

const bool fuzz_starves = true;

/* As json_int(): a literal without fraction or exponent that int64_t holds. */
static bool is_integer(struct slice text, int64_t *value)
{
	size_t minus = text.n && text.p[0] == '-';
	for (size_t i = minus; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	errno = 0;
	*value = strtoll(slice_text(text), NULL, 10);
	return errno == 0 && *value != INT64_MIN && !(minus && *value == 0);
}

static void number_holds(const struct json *j, const char *name, const struct reference_member *m)
{
	int64_t n = 4711, want = 0;
	enum json_found found = json_int(j, name, -INT64_MAX, INT64_MAX, &n);
	bool integer = m->kind == '0' && is_integer(m->text, &want);
	HOLDS(found == (m->kind == 'n' ? JSON_ABSENT : integer ? JSON_FOUND : JSON_WRONG_TYPE));
	HOLDS(n == (integer ? want : 4711));
	if (integer && want < INT64_MAX)
		HOLDS(json_int(j, name, want + 1, INT64_MAX, &n) == JSON_WRONG_TYPE && json_int(j, name, want, want, &n) == JSON_FOUND);
}

static void member_holds(const struct json *j, const struct reference_member *m)
{
	const char *name = slice_text(m->name);
	struct slice s = SLICE_NONE, raw = SLICE_NONE;
	bool b = false, word = m->kind == 't' || m->kind == 'f';
	if (memchr(name, '\0', m->name.n))
		return;     /* can't be asked for */
	enum json_found other = m->kind == 'n' ? JSON_ABSENT : JSON_WRONG_TYPE;
	HOLDS(json_string(j, name, &s) == (m->kind == '"' ? JSON_FOUND : other) && slice_is(s, m->kind == '"' ? m->bytes : SLICE_NONE));
	HOLDS(json_bool(j, name, &b) == (word ? JSON_FOUND : other) && b == (m->kind == 't'));
	number_holds(j, name, m);
	HOLDS(json_raw(j, name, &raw) == (m->kind == 'n' ? JSON_ABSENT : JSON_FOUND));
	if (m->kind != 'n') {
		struct json part;
		HOLDS(raw.p == m->text.p && raw.n == m->text.n);
		HOLDS(json_read(raw, &part) == JSON_VALID && json_is_object(&part) == (m->kind == '{'));
	}
}

/* The members put together anew: the same members. */
static void rewritten_holds(const struct reference *r)
{
	static struct reference again;
	struct buf b = { 0 };
	struct json j;
	for (size_t i = 0; i < r->members; i++) {
		buf_c(&b, i ? ',' : '{');
		json_quote(&b, r->member[i].name);
		buf_c(&b, ':');
		buf_add(&b, r->member[i].text);
	}
	buf_s(&b, r->members ? "}" : "{}");
	HOLDS(json_read(buf_slice(&b), &j) == JSON_VALID);
	reference_read(buf_slice(&b), &again);
	HOLDS(again.members == r->members);
	for (size_t i = 0; i < r->members; i++)
		HOLDS(slice_is(again.member[i].name, r->member[i].name) && slice_is(again.member[i].text, r->member[i].text));
}

static void quoted_holds(struct slice in)
{
	static struct reference r;
	struct buf b = { 0 };
	struct json j;
	json_quote(&b, in);
	HOLDS(json_read(buf_slice(&b), &j) == JSON_VALID);
	reference_read(buf_slice(&b), &r);
	HOLDS(r.verdict == JSON_VALID && r.kind == '"' && (slice_is(r.bytes, in) || !reference_is_utf8(in)));
}

void fuzz_one(struct slice in)
{
	static struct reference want;
	struct json j;
	reference_read(in, &want);
	enum json_verdict got = json_read(in, &j);
	HOLDS(got == want.verdict);
	if (got == JSON_VALID && want.kind == '{') {
		for (size_t i = 0; i < want.members; i++)
			member_holds(&j, &want.member[i]);
		rewritten_holds(&want);
	}
	HOLDS(got != JSON_VALID || json_is_object(&j) == (want.kind == '{'));
	quoted_holds(in);
}
