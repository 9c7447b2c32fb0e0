/*
 * client: see client.h.
 */
#include "client.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "derive.h"

/* In the order of their values. */
static const char *const flag_words[] = {
	"public", "device", "api", "introspect", "once", "es256", "nopkce", "iss", "noretry", "factor", NULL
};

#define SECRET_WORD "sha256:"
#define GROUP_WORD "group="

/* ---- one line ---------------------------------------------------------- */

/* Cuts the next word off *rest; words lie between spaces and tabs. Empty: there is none. */
static struct slice next_word(struct slice *rest)
{
	size_t n = 0;
	*rest = slice_trim(*rest);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	struct slice word = { rest->p, n };
	*rest = slice_from(*rest, n);
	return word;
}

const char *client_begin(struct slice id, struct client *out)
{
	*out = (struct client){ .id = id };
	bool good = id.n <= CLIENT_ID_MOST && slice_made_of(id, "._-") && !slice_is(id, S("latchkey"));
	return good ? NULL : "a client's name has 1 to 32 bytes of A-Z a-z 0-9 . _ -, and isn't latchkey";
}

static bool set_flag(struct slice word, struct client *out)
{
	for (unsigned i = 0; flag_words[i]; i++)
		if (slice_is(word, slice_of(flag_words[i]))) {
			out->flags |= 1U << i;
			return true;
		}
	return false;
}

static bool set_secret(struct slice word, struct client *out)
{
	if (!slice_starts(word, S(SECRET_WORD)) || !parse_hex(slice_from(word, S(SECRET_WORD).n), out->secret, CLIENT_HASH))
		return false;
	out->has_secret = true;
	return true;
}

/* As profile.c has the name of a group. */
static bool set_group(struct slice word, struct client *out)
{
	struct slice group = slice_from(word, S(GROUP_WORD).n);
	if (!slice_starts(word, S(GROUP_WORD)) || !slice_made_of(group, "._@+-'"))
		return false;
	out->group = group;
	return true;
}

const char *client_read_words(struct slice words, struct client *out)
{
	while (words.p) {
		struct slice word = slice_cut(&words, ',');
		if (!set_flag(word, out) && !set_secret(word, out) && !set_group(word, out))
			return "the second word must have, between commas: sha256:HASH or public, and flags: "
				"device api introspect once es256 nopkce iss noretry factor group=NAME";
	}
	return NULL;
}

const char *client_wrong(const struct client *c)
{
	bool public = c->flags & CLIENT_PUBLIC;
	if (public == c->has_secret)
		return "it has either a secret or the flag public";
	if (public && c->flags & (CLIENT_INTROSPECT | CLIENT_NOPKCE))
		return "introspect and nopkce want a secret";
	if (c->uri_count == 0 && !(c->flags & (CLIENT_DEVICE | CLIENT_INTROSPECT)))
		return "it has no redirect URI";
	return NULL;
}

const char *client_read(struct slice line, struct client *out)
{
	line = slice_cut(&line, '\n');
	const char *wrong = client_begin(next_word(&line), out);
	if (!wrong)
		wrong = client_read_words(next_word(&line), out);
	for (struct slice uri; !wrong && (uri = next_word(&line)).n;)
		wrong = client_add_uri(uri, out);
	return wrong ? wrong : client_wrong(out);
}

void client_write_flags(struct buf *b, const struct client *c)
{
	const char *between = "";
	for (unsigned i = 0; flag_words[i]; i++)
		if (c->flags >> i & 1) {
			buf_s(b, between);
			buf_s(b, flag_words[i]);
			between = ",";
		}
}

static void write_words(struct buf *b, const struct client *c)
{
	if (c->has_secret) {
		buf_s(b, SECRET_WORD);
		buf_hex_bytes(b, c->secret, CLIENT_HASH);
		buf_s(b, c->flags ? "," : "");
	}
	client_write_flags(b, c);
	if (c->group.n) {
		buf_s(b, "," GROUP_WORD);
		buf_add(b, c->group);
	}
}

void client_write(struct buf *b, const struct client *c)
{
	buf_add(b, c->id);
	buf_c(b, ' ');
	write_words(b, c);
	for (size_t i = 0; i < c->uri_count; i++) {
		buf_c(b, ' ');
		buf_add(b, c->uris[i]);
	}
	buf_c(b, '\n');
}

/* ---- redirect URIs ----------------------------------------------------- */

/* What stands behind scheme and host where it is http on this very host; p NULL where it isn't. A port isn't cut off. */
static struct slice behind_loopback(struct slice uri)
{
	static const char *const hosts[] = { "http://127.0.0.1", "http://[::1]", "http://localhost", NULL };
	for (size_t i = 0; hosts[i]; i++)
		if (slice_starts(uri, slice_of(hosts[i])))
			return slice_from(uri, slice_of(hosts[i]).n);
	return SLICE_NONE;
}

/* Cuts a port off: a colon and 1 to 5 digits. */
static struct slice without_port(struct slice rest)
{
	size_t n = 1;
	while (n < rest.n && n <= 5 && is_digit(rest.p[n]))
		n++;
	return slice_starts(rest, S(":")) && n > 1 ? slice_from(rest, n) : rest;
}

static bool is_loopback(struct slice uri)
{
	struct slice rest = behind_loopback(uri);
	if (!rest.p)
		return false;
	rest = without_port(rest);
	return rest.n == 0 || *rest.p == '/' || *rest.p == '?';
}

/* A scheme that an app made its own, by the name of a domain (RFC 8252, 7.1). */
static bool is_private(struct slice uri)
{
	struct slice rest = uri, scheme = slice_cut(&rest, ':');
	bool small = scheme.n && scheme.p[0] >= 'a' && scheme.p[0] <= 'z';
	return small && rest.n && slice_made_of(scheme, ".-+") && memchr(scheme.p, '.', scheme.n);
}

/* A host and perhaps a port: nobody's name before an @, nothing that a browser would take for another host. */
static bool is_https(struct slice uri)
{
	struct slice rest = slice_from(uri, S("https://").n);
	size_t n = slice_span(rest, ".-_:[]");
	return slice_starts(uri, S("https://")) && n > 0 && *rest.p != ':' && (n == rest.n || rest.p[n] == '/' || rest.p[n] == '?');
}

/* Visible ASCII without what ends an attribute or is no part of a URI (RFC 3986, appendix A), and without * # and commas. */
static bool is_plain(struct slice uri)
{
	return slice_printable(uri, " \"<>\\^`{|}*#,");
}

const char *client_add_uri(struct slice uri, struct client *out)
{
	if (out->uri_count == CLIENT_URIS)
		return "a client has at most 8 redirect URIs";
	if (uri.n > CLIENT_URI_MOST || !is_plain(uri) || !(is_https(uri) || is_loopback(uri) || is_private(uri)))
		return "a redirect URI is https://HOST..., http on 127.0.0.1, [::1] or localhost, or a private scheme with a dot (org.example.app:/cb), "
			"of at most 512 bytes, without * # and commas";
	out->uris[out->uri_count++] = uri;
	return NULL;
}

bool client_uri_is_native(struct slice uri)
{
	return !slice_starts(uri, S("https://"));
}

/* Both are http on the same loopback host, and the same but for the port. */
static bool fits_loopback(struct slice own, struct slice uri)
{
	struct slice rest = behind_loopback(own), other = behind_loopback(uri);
	if (!rest.p || !other.p || own.n - rest.n != uri.n - other.n || memcmp(own.p, uri.p, own.n - rest.n) != 0)
		return false;
	return slice_is(without_port(rest), without_port(other));
}

bool client_uri_fits(const struct client *c, struct slice uri)
{
	bool fits = false;
	for (size_t i = 0; i < c->uri_count && !fits; i++)
		fits = slice_is(c->uris[i], uri) || fits_loopback(c->uris[i], uri);
	return fits;
}

/* ---- secrets ----------------------------------------------------------- */

bool client_secret_fits(const struct client *c, struct slice secret)
{
	uint8_t hash[CLIENT_HASH];
	derive_sha256(secret, hash);
	return c->has_secret && same_bytes(hash, c->secret, CLIENT_HASH);
}

/* ---- the file ---------------------------------------------------------- */

int client_file(const char *dir, struct slice *text)
{
	*text = S("");
	int error = file_read(path_in(dir, CLIENT_FILE), LIMIT_CONF, text);
	return error == ENOENT ? 0 : error;
}

bool client_next(struct slice *text, struct slice *line, struct slice *id)
{
	while (text->n) {
		line->p = text->p;
		struct slice words = slice_cut(text, '\n');
		line->n = words.n + (text->p != NULL);
		*id = next_word(&words);
		if (id->n && *id->p != '#')
			return true;
	}
	return false;
}

bool client_any(const char *dir)
{
	struct slice text, line, id;
	return client_file(dir, &text) != 0 || client_next(&text, &line, &id);
}

/* Nobody is refused for what is wrong here. */
static _Noreturn void unreadable(const char *why)
{
	fail(ERROR_STORE_UNAVAILABLE, "CL1", CLIENT_FILE ": ", why, "; see latchkey check", NULL);
}

/* The line of the client that has the id, where there is one, or else the number. */
static enum error find(const char *dir, struct slice id, size_t number, struct client *out)
{
	struct slice text, line, first;
	int error = client_file(dir, &text);
	if (error)
		unreadable(strerror(error));
	for (size_t i = 0; client_next(&text, &line, &first); i++) {
		if (id.p ? !slice_is(first, id) : i != number)
			continue;
		const char *wrong = client_read(line, out);
		if (wrong)
			unreadable(wrong);
		out->number = i;
		return ERROR_NONE;
	}
	return ERROR_NOT_FOUND;
}

enum error client_find(const char *dir, struct slice id, struct client *out)
{
	return client_begin(id, out) ? ERROR_NOT_FOUND : find(dir, id, 0, out);
}

enum error client_numbered(const char *dir, size_t number, struct client *out)
{
	return find(dir, SLICE_NONE, number, out);
}

/* ---- all of them ------------------------------------------------------- */

struct client *client_among(struct client *list, size_t count, struct slice id)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(list[i].id, id))
			return &list[i];
	return NULL;
}

/* The number of the line that begins there. */
static const char *line_number(struct slice text, const char *at)
{
	int64_t number = 1;
	for (const char *p = text.p; p < at; p++)
		number += *p == '\n';
	return dec(number);
}

const char *client_all(struct slice text, struct client out[CLIENTS_MOST], size_t *count)
{
	struct slice rest = text, line, id;
	for (*count = 0; client_next(&rest, &line, &id); ++*count) {
		struct client c;
		const char *wrong = client_read(line, &c);
		if (!wrong && *count == CLIENTS_MOST)
			wrong = CLIENT_TOO_MANY;
		if (!wrong && client_among(out, *count, id))
			wrong = "a client of that name is there already";
		if (wrong)
			return text_join(CLIENT_FILE ":", line_number(text, line.p), ": ", wrong, NULL);
		out[*count] = c;
		out[*count].number = *count;
	}
	return NULL;
}

const char *client_options_wrong(const struct config *config, struct client *list, size_t count)
{
	struct slice issuer = config->issuer;
	if (count == 0)
		return NULL;
	if (!(is_https(issuer) || is_loopback(issuer)) || !is_plain(issuer) || memchr(issuer.p, '?', issuer.n) || issuer.p[issuer.n - 1] == '/')
		return "option issuer must be the URL of the mount, without a slash at its end: https://HOST/api/auth";
	if (slice_is(config->audience, issuer) || client_among(list, count, config->audience))
		return "option audience must be neither the issuer nor a client's name: an id_token would pass for an access token";
	return NULL;
}
