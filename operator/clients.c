/*
 * clients: `latchkey client …`, which keep latchkey.clients (client.h). The lines of other clients, and comments, stay as they are.
 *
 * The file is changed first, then its event is written: a file can't be rolled back. `client remove` ends the client's sessions, since
 * a later client of that name would inherit them; where it was cut off in between, it is run again.
 */
#include "operator/verbs.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "client.h"
#include "derive.h"
#include "sign.h"
#include "store/upkeep.h"

/* The file, and the clients in it. */
struct named {
	struct slice text;
	struct client list[CLIENTS_MOST + 1];
	size_t count;
};

/* What is wrong with it must be mended first. */
static bool read_named(struct verb_call *c, struct named *n)
{
	int error = client_file(c->dir, &n->text);
	const char *wrong = error ? text_join(CLIENT_FILE ": ", strerror(error), NULL) : client_all(n->text, n->list, &n->count);
	if (wrong)
		(void)verb_no(c, wrong);
	return wrong == NULL;
}

static struct client *find_named(struct named *n, struct slice id)
{
	return client_among(n->list, n->count, id);
}

/* The file with the line of that client in the place of the one that it had, or at the end; line empty: without it. */
static void write_file(struct verb_call *c, const struct named *n, struct slice id, struct slice line)
{
	struct buf b = { 0 };
	struct slice rest = n->text, old, first;
	const char *kept = rest.p;
	while (client_next(&rest, &old, &first)) {
		if (!slice_is(first, id))
			continue;
		buf_add(&b, (struct slice){ kept, (size_t)(old.p - kept) });
		buf_add(&b, line);
		kept = old.p + old.n;
		line = S("");
	}
	buf_add(&b, (struct slice){ kept, (size_t)(n->text.p + n->text.n - kept) });
	if (b.n && b.p[b.n - 1] != '\n')
		buf_c(&b, '\n');
	buf_add(&b, line);
	if (!file_replace(c->dir, CLIENT_FILE, buf_slice(&b)))
		fail(ERROR_STORE_UNAVAILABLE, "CL2", CLIENT_FILE " can't be written: ", strerror(errno), NULL);
}

static enum error write_note(void *call)
{
	struct verb_call *c = call;
	audit_note(&c->work, c->work.note.event, 0, 0);
	return ERROR_NONE;
}

/* Writes the line, and the event. */
static void change_file(struct verb_call *c, const struct named *n, struct slice id, struct slice line, enum event event)
{
	write_file(c, n, id, line);
	c->work.note.event = event;
	store_run(DURABLE_NOW, write_note, c);
}

/* A new secret, which is shown this once. */
static struct slice make_secret(struct client *client)
{
	uint8_t bytes[CLIENT_SECRET_LENGTH / 2];
	struct buf b = { 0 };
	random_bytes(bytes, sizeof bytes);
	buf_hex_bytes(&b, bytes, sizeof bytes);
	derive_sha256(buf_slice(&b), client->secret);
	client->has_secret = true;
	return buf_slice(&b);
}

static struct slice line_of(const struct client *client)
{
	struct buf b = { 0 };
	client_write(&b, client);
	return buf_slice(&b);
}

/* ---- add ---------------------------------------------------------------- */

/* The client that the operands describe: a name, then URIs, which have a colon, and words between commas. */
static const char *read_operands(const struct verb_call *c, struct client *out)
{
	const char *wrong = client_begin(c->operand[0], out);
	for (size_t i = 1; i < c->operands && !wrong; i++)
		wrong = c->operand[i].n && memchr(c->operand[i].p, ':', c->operand[i].n) ? client_add_uri(c->operand[i], out)
			: client_read_words(c->operand[i], out);
	return wrong;
}

/* Most clients take id_tokens by RS256 alone until they are told. It takes long on a router, so others have the store's turn meanwhile. */
static void make_keys(struct verb_call *c)
{
	struct keyring ring;
	verb_ring(c->dir, &ring);
	if (sign_has_rsa(c->dir, &ring))
		return;
	store_close();
	verb_publish(c->dir, &ring, true);
	store_open(c->dir, VERB_WAIT);
}

int verb_client_add(struct verb_call *c)
{
	struct named n;
	struct client client;
	struct slice secret = S("");
	make_keys(c);
	if (!read_named(c, &n))
		return VERB_REFUSED;
	const char *wrong = read_operands(c, &client);
	if (!wrong && !(client.flags & CLIENT_PUBLIC))
		secret = make_secret(&client);
	if (!wrong)
		wrong = client_wrong(&client);
	if (!wrong && n.count == CLIENTS_MOST)
		wrong = CLIENT_TOO_MANY;
	if (!wrong && find_named(&n, client.id))
		wrong = "a client of that name is there already: latchkey client remove takes it away";
	n.list[n.count] = client;
	if (!wrong)
		wrong = client_options_wrong(&c->conf, n.list, n.count + 1);
	if (wrong)
		return verb_no(c, wrong);
	change_file(c, &n, client.id, line_of(&client), EVENT_CLIENT_ADDED);
	return secret.n ? verb_done(c, "", secret) : verb_done(c, "named a client without a secret: ", client.id);
}

/* ---- secret -------------------------------------------------------------- */

int verb_client_secret(struct verb_call *c)
{
	struct named n;
	if (!read_named(c, &n))
		return VERB_REFUSED;
	struct client *client = find_named(&n, c->operand[0]);
	if (!client)
		return verb_refuse(c, "no such client: ", c->operand[0]);
	if (client->flags & CLIENT_PUBLIC)
		return verb_no(c, "a public client has no secret");
	struct slice secret = make_secret(client);
	change_file(c, &n, client->id, line_of(client), EVENT_CLIENT_SECRET);
	return verb_done(c, "", secret);
}

/* ---- remove -------------------------------------------------------------- */

/* How far the end of a client's sessions has come. */
struct ending {
	struct verb_call *c;
	struct slice id;
	uint64_t after, last;           /* the last session of the page before, and of this one */
	size_t rows;                    /* of this page */
	int64_t more, ended;            /* on this page, and before */
};

static enum error end_page(void *ending)
{
	struct ending *e = ending;
	struct session page[LIMIT_LIST];
	e->rows = store_sessions(0, e->after, page);
	e->last = e->rows ? page[e->rows - 1].id : e->after;
	e->more = 0;
	for (size_t i = 0; i < e->rows; i++)
		if (slice_is(page[i].client, e->id))
			e->more += store_session_end(page[i].id, ENDED_REVOKED, e->c->work.time);
	return ERROR_NONE;
}

/* Page by page: between two of them others have their turn. */
static int64_t end_sessions(struct verb_call *c, struct slice id)
{
	struct ending e = { .c = c, .id = id, .rows = LIMIT_LIST };
	while (e.rows == LIMIT_LIST) {
		size_t mark = arena_mark();
		store_open(c->dir, VERB_WAIT);
		store_run(DURABLE_NOW, end_page, &e);
		store_settle();
		store_close();
		arena_back(mark);
		e.after = e.last;
		e.ended += e.more;
	}
	return e.ended;
}

int verb_client_remove(struct verb_call *c)
{
	struct named n;
	struct slice id = c->operand[0];
	if (!read_named(c, &n))
		return VERB_REFUSED;
	bool there = find_named(&n, id) != NULL;
	if (there)
		write_file(c, &n, id, S(""));
	int64_t ended = end_sessions(c, id);
	if (!there && !ended)
		return verb_refuse(c, "no such client: ", id);
	store_open(c->dir, VERB_WAIT);
	c->work.note = (struct audit){ .event = EVENT_CLIENT_REMOVED, .count = ended };
	store_run(DURABLE_NOW, write_note, c);
	return verb_done_count(c, ended, " sessions ended");
}

/* ---- list ---------------------------------------------------------------- */

/* A list of none is empty, and isn't missing. */
static struct slice list_of(const struct buf *b)
{
	return b->n ? buf_slice(b) : S("");
}

static void print_client(struct rows *r, const struct client *client)
{
	struct buf uris = { 0 }, flags = { 0 };
	client_write_flags(&flags, client);
	for (size_t i = 0; i < client->uri_count; i++) {
		buf_s(&uris, i ? "," : "");
		buf_add(&uris, client->uris[i]);
	}
	rows_open(r);
	rows_text(r, "name", 12, client->id);
	rows_flag(r, "secret", client->has_secret);
	rows_list(r, "flags", 12, list_of(&flags));
	rows_text(r, "group", 8, client->group);
	rows_list(r, "redirect_uris", 0, list_of(&uris));
	rows_close(r);
}

int verb_client_list(struct verb_call *c)
{
	struct named n;
	struct rows r;
	if (!read_named(c, &n))
		return VERB_REFUSED;
	rows_begin(&r, verb_form(c));
	if (rows_heading(&r))
		print_client(&r, &(struct client){ .flags = 0 });
	for (size_t i = 0; i < n.count; i++)
		print_client(&r, &n.list[i]);
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}
