/*
 * http_lines: see http_lines.h for what each function promises.
 */
#include "http_lines.h"

#include <string.h>

/* RFC 9112, 2.2: one empty line may come before a request. Some clients send it behind the body of the last one. */
enum { EMPTY_LINE = 2 };        /* bytes */

/* ---- where the head ends ----------------------------------------------- */

static enum error end_line(struct http_at *s)
{
	if (s->length == 0 && s->lines == 0) {
		s->cr = false;
		return s->at == EMPTY_LINE ? ERROR_NONE : ERROR_BAD_REQUEST;
	}
	s->done = s->length == 0;
	s->length = 0;
	s->cr = false;
	s->lines++;
	return ERROR_NONE;
}

/* How many bytes at the beginning are text: by eight as long as none of them can be anything else. */
static size_t text_span(struct slice s)
{
	uint64_t word = 0;
	size_t n = 0;
	for (; s.n - n >= sizeof word; n += sizeof word) {
		memcpy(&word, s.p + n, sizeof word);
		if (word_has_less(word, ' ') || word_has(word, 0x7f))
			break;
	}
	while (n < s.n && head_is_text(s.p[n]))
		n++;
	return n;
}

/* A byte that is no text, or after a CR. */
static enum error scan_byte(struct http_at *s, char c)
{
	if (s->cr)
		return c == '\n' ? end_line(s) : ERROR_BAD_REQUEST;
	s->cr = c == '\r';
	return s->cr ? ERROR_NONE : ERROR_BAD_REQUEST;
}

enum error lines_scan(struct http_at *at, struct slice in)
{
	const struct slice seen = { in.p, in.n < LIMIT_HEAD ? in.n : LIMIT_HEAD };
	enum error e = ERROR_NONE;
	while (!e && !at->done && at->at < seen.n) {
		size_t text = at->cr ? 0 : text_span(slice_from(seen, at->at));
		at->at += text;
		at->length += text;
		if (text == 0)
			e = scan_byte(at, seen.p[at->at++]);
	}
	if (e || at->done || at->at < LIMIT_HEAD)
		return e;
	return at->lines ? ERROR_HEADERS_TOO_LARGE : ERROR_URI_TOO_LONG;
}

/* ---- what it says ------------------------------------------------------ */

/* RFC 9112, 2.3; a higher minor version is answered as 1.1 (RFC 9110, 2.5). */
static enum error parse_version(struct head *h)
{
	struct slice v = h->version;
	if (v.n != 8 || !slice_starts(v, S("HTTP/")) || !is_digit(v.p[5]) || v.p[6] != '.' || !is_digit(v.p[7]))
		return ERROR_BAD_REQUEST;
	h->rq.wire.minor_zero = v.p[7] == '0';
	return v.p[5] == '1' ? ERROR_NONE : ERROR_VERSION;
}

/* Length of "http://" or "https://", whatever its case; 0: another scheme. */
static size_t scheme_length(struct slice target)
{
	struct slice rest = target, scheme = slice_cut(&rest, ':');
	if (!slice_starts(rest, S("//")))
		return 0;
	return slice_is_nocase(scheme, S("http")) || slice_is_nocase(scheme, S("https")) ? scheme.n + 3 : 0;
}

/* Cuts scheme and authority off an absolute-form target. */
static bool cut_authority(struct head *h, struct slice *target)
{
	struct slice name;
	size_t scheme = scheme_length(*target), n = 0;
	*target = slice_from(*target, scheme);
	while (n < target->n && target->p[n] != '/' && target->p[n] != '?')
		n++;
	h->authority = (struct slice){ target->p, n };
	*target = slice_from(*target, n);
	return scheme && http_split_host(h->authority, &name);
}

/*
 * RFC 9112, 3.2: origin-form; absolute-form; "*", of OPTIONS alone. The
 * authority-form belongs to CONNECT, which isn't served.
 */
static enum error parse_target(struct head *h, struct slice target)
{
	bool star = h->rq.method == METHOD_OPTIONS && slice_is(target, S("*"));
	if (!head_is_printable(target))
		return ERROR_BAD_REQUEST;
	if (!star && !slice_starts(target, S("/")) && !cut_authority(h, &target))
		return ERROR_BAD_REQUEST;
	h->rq.query = target;
	h->rq.path = slice_cut(&h->rq.query, '?');
	if (h->rq.path.n == 0)
		h->rq.path = S("/");
	return ERROR_NONE;
}

/* RFC 9112, 3: three words with single spaces between them. */
static enum error parse_request_line(struct head *h, struct slice line)
{
	h->version = line;
	h->method = slice_cut(&h->version, ' ');
	struct slice target = slice_cut(&h->version, ' ');
	if (!head_is_token(h->method))
		return ERROR_BAD_REQUEST;
	h->rq.method = head_method(h->method);
	enum error e = parse_version(h);
	return e ? e : parse_target(h, target);
}

/* RFC 9112, 5: no space before the colon; a folded line has no name at all. */
static enum error parse_header(struct head *h, struct slice line)
{
	struct slice value = line, name = slice_cut(&value, ':');
	if (!head_is_token(name) || !value.p)
		return ERROR_BAD_REQUEST;
	value = slice_trim(value);
	for (size_t i = 0; i < HEAD_FIELDS; i++)
		if (slice_is_nocase(name, head_fields[i].name)) {
			struct slice *place = head_place(h, &head_fields[i]);
			if (place->p)
				return head_join(h, i, place, value);
			*place = value;
			return ERROR_NONE;
		}
	return ERROR_NONE;
}

/* Lines that lines_scan() took: each ends with CRLF, the last is empty. */
static enum error parse_lines(struct head *h, struct slice lines)
{
	enum error e = parse_request_line(h, slice_cut(&lines, '\r'));
	while (!e) {
		struct slice rest = slice_from(lines, 1), line = slice_cut(&rest, '\r');
		if (line.n == 0)
			break;
		e = parse_header(h, line);
		lines = rest;
	}
	return e;
}

enum error lines_parse(struct head *h, struct slice lines, const struct http_rules *rules, int64_t *length)
{
	enum error e = parse_lines(h, slice_from(lines, *lines.p == '\r' ? EMPTY_LINE : 0));
	head_split_mount(&h->rq, rules->base_path);
	enum error checked = head_check(h, rules, length);
	return e ? e : checked;
}
