/*
 * http_head: see http_head.h for what each function promises, and http.c for
 * what is refused.
 */
#include "http_head.h"

#include <string.h>

/* ---- the fields -------------------------------------------------------- */

/*
 * Everything that is read of a request but the request line. Proxies append
 * lines of X-Forwarded-For (RFC 9110, 5.3) and split cookies on their way from
 * HTTP/2 (RFC 9113, 8.2.3), so these are joined. Of two variables for one place
 * the first that isn't empty counts: Apache renames some on an internal
 * redirect, and nginx sends the whole path by SCGI unless it is told otherwise.
 */
#define AT(member) offsetof(struct head, member)
#define WORD(text) { (text), sizeof(text) - 1 }

static const struct head_field fields[] = {
	{ WORD("Host"),              WORD("HTTP_HOST"),              AT(rq.host),            NULL },
	{ WORD("Authorization"),     WORD("HTTP_AUTHORIZATION"),     AT(rq.authorization),   NULL },
	{ WORD("Content-Type"),      WORD("CONTENT_TYPE"),           AT(rq.content_type),    NULL },
	{ WORD("Cookie"),            WORD("HTTP_COOKIE"),            AT(rq.cookie),          "; " },
	{ WORD("Origin"),            WORD("HTTP_ORIGIN"),            AT(rq.origin),          NULL },
	{ WORD("User-Agent"),        WORD("HTTP_USER_AGENT"),        AT(rq.user_agent),      NULL },
	{ WORD("Idempotency-Key"),   WORD("HTTP_IDEMPOTENCY_KEY"),   AT(rq.idempotency_key), NULL },
	{ WORD("Sec-Fetch-Site"),    WORD("HTTP_SEC_FETCH_SITE"),    AT(rq.sec_fetch_site),  NULL },
	{ WORD("Access-Control-Request-Method"), WORD("HTTP_ACCESS_CONTROL_REQUEST_METHOD"), AT(rq.request_method), NULL },
	{ WORD("Referer"),           WORD("HTTP_REFERER"),           AT(rq.referer),         NULL },
	{ WORD("Accept-Language"),   WORD("HTTP_ACCEPT_LANGUAGE"),   AT(rq.accept_language), ", " },
	{ WORD("If-None-Match"),     WORD("HTTP_IF_NONE_MATCH"),     AT(rq.if_none_match),   ", " },
	{ WORD("Content-Length"),    WORD("CONTENT_LENGTH"),         AT(content_length),     NULL },
	{ WORD("Transfer-Encoding"), WORD("HTTP_TRANSFER_ENCODING"), AT(transfer_encoding),  NULL },
	{ WORD("Connection"),        WORD("HTTP_CONNECTION"),        AT(connection),         ", " },
	{ WORD("Expect"),            WORD("HTTP_EXPECT"),            AT(expect),             NULL },
	{ WORD("X-Forwarded-For"),   WORD("HTTP_X_FORWARDED_FOR"),   AT(forwarded_for),      ", " },
	{ WORD("X-Forwarded-Proto"), WORD("HTTP_X_FORWARDED_PROTO"), AT(forwarded_proto),    ", " },
	{ WORD("Accept"),            WORD("HTTP_ACCEPT"),            AT(rq.accept),          ", " },
	{ WORD("DPoP"),              WORD("HTTP_DPOP"),              AT(rq.dpop),            NULL },
	{ WORD("Sec-Fetch-Mode"),    WORD("HTTP_SEC_FETCH_MODE"),    AT(rq.sec_fetch_mode),  ", " },
	/* Two of them are no method, host or address. */
	{ WORD("X-Forwarded-Method"), WORD("HTTP_X_FORWARDED_METHOD"), AT(rq.forwarded_method), ", " },
	{ WORD("X-Forwarded-Host"),  WORD("HTTP_X_FORWARDED_HOST"),  AT(rq.forwarded_host),  ", " },
	{ WORD("X-Forwarded-Uri"),   WORD("HTTP_X_FORWARDED_URI"),   AT(rq.forwarded_uri),   ", " },
	{ WORD("X-Original-URL"),    WORD("HTTP_X_ORIGINAL_URL"),    AT(rq.original_url),    ", " },
	/* No header has an empty name, so from here on variables alone find their row. */
	{ WORD(""), WORD("REDIRECT_HTTP_AUTHORIZATION"), AT(rq.authorization), NULL },
	{ WORD(""), WORD("AUTH_TYPE"),       AT(auth_type),    NULL },
	{ WORD(""), WORD("AUTH_CONTENT"),    AT(auth_content), NULL },
	{ WORD(""), WORD("REQUEST_METHOD"),  AT(method),       NULL },
	{ WORD(""), WORD("SCRIPT_NAME"),     AT(rq.mount),     NULL },
	{ WORD(""), WORD("PATH_INFO"),       AT(rq.path),      NULL },
	{ WORD(""), WORD("QUERY_STRING"),    AT(rq.query),     NULL },
	{ WORD(""), WORD("SERVER_PROTOCOL"), AT(version),      NULL },
	{ WORD(""), WORD("REMOTE_ADDR"),     AT(rq.peer),      NULL },
	{ WORD(""), WORD("HTTPS"),           AT(https),        NULL },
	{ WORD(""), WORD("SERVER_SOFTWARE"), AT(rq.server),    NULL },
	/* From here on SCGI alone. */
	{ WORD(""), WORD("DOCUMENT_URI"),    AT(rq.path),      NULL },
	{ WORD(""), WORD("REQUEST_URI"),     AT(rq.path),      NULL },
	{ WORD(""), WORD("SCGI"),            AT(scgi),         NULL }
};
_Static_assert(sizeof fields / sizeof *fields == HEAD_FIELDS, "http_head.h says how many there are");
const struct head_field *const head_fields = fields;

struct slice *head_place(struct head *h, const struct head_field *f)
{
	return (struct slice *)(void *)((char *)h + f->place);
}

/* The buffer stays, for a third one. */
enum error head_join(struct head *h, size_t i, struct slice *value, struct slice more)
{
	struct buf *b = &h->joined[i];
	if (!head_fields[i].joint)
		return ERROR_BAD_REQUEST;
	if (b->n == 0)
		buf_add(b, *value);
	buf_s(b, head_fields[i].joint);
	buf_add(b, more);
	*value = buf_slice(b);
	return ERROR_NONE;
}

/* ---- classes of bytes -------------------------------------------------- */

bool head_is_token(struct slice s)
{
	return slice_made_of(s, "!#$%&'*+-.^_`|~");
}

bool head_is_printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] > '~')
			return false;
	return true;
}

/* ---- the client -------------------------------------------------------- */

/* Once in a process: an operator whose web server names no address finds out why all clients are one. */
static void tell_no_address(const struct head *h, struct slice text)
{
	static bool told;
	if (told)
		return;
	told = true;
	log_line("HH1", h->rq.server.n ? slice_text(h->rq.server) : "a proxy", " gives no address as the client's: ", slice_text(text), NULL);
}

/*
 * Sets *a to a peer as a socket, a server or a proxy names it. What is no address is none: the proxy's own would make one
 * client of all of its clients. Where there is no text *a stays.
 */
static void take_peer(const struct head *h, struct slice text, struct address *a)
{
	if (text.n == 0 || address_parse_peer(text, a))
		return;
	a->kind = slice_is(text, HEAD_PEER_UNIX) ? ADDRESS_UNIX : ADDRESS_NONE;
	if (a->kind == ADDRESS_NONE)
		tell_no_address(h, text);
}

/* Who sent the request to this program, or by SCGI to the web server, if that is trusted. */
static struct address find_sender(const struct head *h, const struct networks *trusted)
{
	struct address a = { .kind = ADDRESS_NONE };
	take_peer(h, h->rq.wire.face == FACE_CGI ? h->rq.peer : h->connected, &a);
	if (h->rq.wire.face == FACE_SCGI && networks_hold(trusted, &a))
		take_peer(h, h->rq.peer, &a);
	return a;
}

/* What is said of a guarded request is the word of who asks this program, not of a client behind it. */
static void find_guarded(struct head *h, const struct networks *trusted)
{
	struct request *rq = &h->rq;
	struct address a = { .kind = ADDRESS_NONE };
	if (!rq->forwarded_method.p && !rq->forwarded_host.p && !rq->forwarded_uri.p && !rq->original_url.p)
		return;
	take_peer(h, rq->wire.face == FACE_CGI ? rq->peer : h->connected, &a);
	if (!networks_hold(trusted, &a))
		rq->forwarded_method = rq->forwarded_host = rq->forwarded_uri = rq->original_url = SLICE_NONE;
}

/*
 * Each hop of X-Forwarded-For was written by the one to its right, so it is
 * believed as long as that one is trusted, and the first that isn't trusted is
 * the client. What the nearest hop wrote is taken as the server's word. At another
 * that is no address the last one that was known stays: so nobody can choose the
 * address that latchkey takes him for.
 */
void head_find_peer(struct head *h, const struct networks *trusted)
{
	find_guarded(h, trusted);
	struct address a = find_sender(h, trusted);
	struct slice rest = h->forwarded_for;
	const bool is_trusted = networks_hold(trusted, &a);
	h->rq.forwarded = h->forwarded_for.p || h->forwarded_proto.p;
	const bool names_client = h->forwarded_for.n || (h->rq.wire.face == FACE_SCGI && h->rq.peer.n);
	h->rq.hidden = names_client && !is_trusted && address_is_neighbour(&a);
	if (h->forwarded_proto.p && is_trusted)
		h->rq.https |= slice_is_nocase(slice_trim(slice_cut_last(&h->forwarded_proto, ',')), S("https"));
	struct slice nearest = slice_trim(slice_cut_last(&rest, ','));
	if (is_trusted)
		take_peer(h, nearest, &a);
	while (nearest.n && rest.p && networks_hold(trusted, &a))
		if (!address_parse_peer(slice_trim(slice_cut_last(&rest, ',')), &a))
			break;
	h->rq.peer = address_text(&a);
}

/* ---- the mount --------------------------------------------------------- */

struct slice head_without_slash(struct slice s)
{
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

void head_split_mount(struct request *rq, struct slice base_path)
{
	rq->mount = head_without_slash(base_path);
	rq->sent = rq->path;
	struct slice rest = slice_from(rq->path, rq->mount.n);
	rq->below = rq->path.n && slice_starts(rq->path, rq->mount) && (rest.n == 0 || *rest.p == '/');
	if (rq->below)
		rq->path = rest.n ? rest : S("/");
}

/* ---- the checks -------------------------------------------------------- */

/* RFC 9112, 3.2 and 3.2.2: the target's authority counts more than Host. */
static enum error check_host(struct head *h)
{
	struct slice name, *host = &h->rq.host;
	bool needed = h->rq.wire.face == FACE_HTTP && !h->rq.wire.minor_zero;
	if (host->p ? !http_split_host(*host, &name) : needed) {
		*host = SLICE_NONE;
		return ERROR_BAD_REQUEST;
	}
	if (h->authority.p)
		*host = h->authority;
	return ERROR_NONE;
}

static enum error parse_length(struct slice s, int64_t *length)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return ERROR_BAD_REQUEST;
	if (s.n == 0)
		return ERROR_BAD_REQUEST;
	return parse_number(s, 0, LIMIT_BODY, length) ? ERROR_NONE : ERROR_BODY_TOO_LARGE;
}

/* RFC 9112, 6.1 to 6.3. In HTTP/1.0 there are no chunks. */
static enum error length_of_coding(const struct head *h, int64_t *length)
{
	if (h->content_length.p || h->rq.wire.minor_zero)
		return ERROR_BAD_REQUEST;
	*length = LENGTH_CHUNKS;
	return slice_is_nocase(h->transfer_encoding, S("chunked")) ? ERROR_NONE : ERROR_NOT_IMPLEMENTED;
}

/*
 * RFC 3875, 4.1.2: the web server has taken the coding off, and CONTENT_LENGTH says what is left. One that doesn't say it
 * leaves a body unseen; taken for none, a sign-out would end nothing. By SCGI the length always comes.
 */
static bool is_body_unseen(const struct head *h, int64_t length)
{
	bool untold = h->rq.wire.face == FACE_CGI && h->rq.method == METHOD_POST && !h->content_length.p;
	return length <= 0 && (h->transfer_encoding.n || (untold && h->rq.content_type.n));
}

static enum error check_length(const struct head *h, int64_t *length)
{
	*length = LENGTH_NONE;
	if (h->rq.wire.face == FACE_HTTP && h->transfer_encoding.p)
		return length_of_coding(h, length);
	enum error e = h->content_length.p ? parse_length(h->content_length, length) : ERROR_NONE;
	if (!e && h->rq.wire.face != FACE_HTTP && is_body_unseen(h, *length))
		e = ERROR_LENGTH_REQUIRED;
	return e;
}

/* RFC 6750, 2.2: a form without any other credential, which may have one in it. */
static bool is_lone_form(const struct request *rq)
{
	return rq->method == METHOD_POST && !rq->authorization.n && !rq->cookie.n
		&& http_media_type(rq, S("application/x-www-form-urlencoded"));
}

/* A body that is none of ours isn't waited for, so that a length without a body does no harm; the connection ends. */
static enum error check_body(struct head *h, const struct http_rules *rules, int64_t *length)
{
	enum error e = check_length(h, length);
	if (e == ERROR_BAD_REQUEST || !rules->ignores_body || !rules->ignores_body(&h->rq))
		return e;
	if (!e && *length > 0 && is_lone_form(&h->rq))
		return e;
	h->rq.wire.unread = h->rq.wire.face != FACE_CGI && (e || (*length != LENGTH_NONE && *length != 0));
	*length = LENGTH_NONE;
	return ERROR_NONE;
}

enum method head_method(struct slice word)
{
	int m = METHOD_GET;
	while (m < METHOD_OTHER && !slice_is(word, slice_of(method_words[m])))
		m++;
	return (enum method)m;
}

enum error head_check(struct head *h, const struct http_rules *rules, int64_t *length)
{
	head_find_peer(h, &rules->trusted_proxies);
	enum error e = check_host(h);
	if (!e)
		e = check_body(h, rules, length);
	if (!e && h->expect.n && !slice_is_nocase(h->expect, S("100-continue")))
		e = ERROR_BAD_REQUEST;
	/* An empty header counts as an absent one: among variables they can't be told apart. */
	for (size_t i = 0; i < HEAD_FIELDS; i++)
		if (head_place(h, &head_fields[i])->n == 0)
			*head_place(h, &head_fields[i]) = SLICE_NONE;
	return e;
}
