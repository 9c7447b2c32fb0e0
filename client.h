/*
 * client: one line of latchkey.clients: a program that people sign in to by OAuth 2 (RFC 6749), as the operator named it.
 *
 *     grafana sha256:4b1f…e0,group=staff https://grafana.example/login/generic_oauth
 *     app     public,api                 org.example.app:/cb http://127.0.0.1/cb
 *     tv      public,device
 *
 * A line has an id, words between commas (a secret's hash or `public`, flags, `group=NAME`), and redirect URIs. Blank lines and
 * lines that begin with # count for nothing. The file is read where a client is asked for and nowhere else, and no line is judged but
 * the one that is looked for: so one that is wrong harms no other client. `latchkey check` judges all.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "base/base.h"
#include "config.h"

enum {
	CLIENT_PUBLIC = 1,      /* it has no secret (RFC 6749, 2.1) */
	CLIENT_DEVICE = 2,      /* it may use the device grant (RFC 8628) */
	CLIENT_API = 4,         /* its access tokens are for option audience: an app of one's own */
	CLIENT_INTROSPECT = 8,  /* it may ask about access tokens (RFC 7662) */
	CLIENT_ONCE = 16,       /* it gets no refresh token */
	CLIENT_ES256 = 32,      /* its id_tokens are signed with ES256, not RS256 */
	CLIENT_NOPKCE = 64,     /* it may leave out code_challenge, and nonce too */
	CLIENT_ISS = 128,       /* it is told `iss` at its redirect URI (RFC 9207) */
	CLIENT_NORETRY = 256,   /* its sessions have no retry_window */
	CLIENT_FACTOR = 512     /* for who has signed in with a second factor or a passkey alone */
};

enum {
	CLIENT_ID_MOST = 32,            /* bytes */
	CLIENT_URIS = 8,
	CLIENT_URI_MOST = 512,          /* bytes */
	CLIENTS_MOST = 32,
	CLIENT_SECRET_LENGTH = 40,      /* hexadecimal digits: 160 bits, which need no slow hash */
	CLIENT_HASH = 32                /* bytes of SHA-256 */
};

#define CLIENT_FILE "latchkey.clients"
#define CLIENT_TOO_MANY "at most 32 clients can be named"

struct client {
	struct slice id;
	unsigned flags;
	struct slice group;             /* whose members alone may sign in; empty: everybody */
	uint8_t secret[CLIENT_HASH];
	bool has_secret;
	struct slice uris[CLIENT_URIS];
	size_t uri_count;
	size_t number;                  /* its place in the file, from 0, among the lines of clients */
};

/* Whether any client is named; also where the file can't be read: then who asks for one is told so. Opens nothing else. */
bool client_any(const char *dir);
/*
 * The client of that id. ERROR_NOT_FOUND: there is none. Where the file can't be read, or the line of this client isn't good, that is
 * fail(ERROR_STORE_UNAVAILABLE): no client is told that it is unknown by a fault of ours. Slices in the arena.
 */
enum error client_find(const char *dir, struct slice id, struct client *out);
/* The same by its number. */
enum error client_numbered(const char *dir, size_t number, struct client *out);

/*
 * Whether a redirect URI is one of the client's: byte for byte (RFC 9700, 4.1.3), but that http on 127.0.0.1, [::1] and localhost may
 * have any port (RFC 8252, 7.3).
 */
bool client_uri_fits(const struct client *c, struct slice uri);
/* Whether any program of the person's own device can listen there: loopback, or a private scheme (RFC 8252, 8.6). */
bool client_uri_is_native(struct slice uri);
/* Whether the secret is the client's; never of a client without one. In a time that depends on the secret's length alone. */
bool client_secret_fits(const struct client *c, struct slice secret);

/* ---- for verbs --------------------------------------------------------- */

/* Makes *out a client of that id, of which nothing else is said. NULL, or what is wrong with the id: it has 1 to CLIENT_ID_MOST bytes of
 * A-Z a-z 0-9 . _ -, and isn't `latchkey`, which is the app API. Borrows it. */
const char *client_begin(struct slice id, struct client *out);
/* Reads a line that is one of a client, with its line end or without. NULL, or what is wrong with it. Borrows the line. */
const char *client_read(struct slice line, struct client *out);
/* The words of a line that are between commas, into *out. NULL, or what is wrong. */
const char *client_read_words(struct slice words, struct client *out);
/* A redirect URI into *out. NULL, or what is wrong. */
const char *client_add_uri(struct slice uri, struct client *out);
/* What no word by itself shows: a client with a secret and without, or with nothing that it could do. NULL, or what is wrong. */
const char *client_wrong(const struct client *c);
/* The line of a client, with its line end. */
void client_write(struct buf *b, const struct client *c);
/* The words of its flags, between commas. */
void client_write_flags(struct buf *b, const struct client *c);
/* The whole file; empty where it isn't there. 0, or an errno value. */
int client_file(const char *dir, struct slice *text);
/* Cuts the next line of a client off *text, with its line end in *line, and its first word in *id. What stands between them is
 * skipped. False: there is none. */
bool client_next(struct slice *text, struct slice *line, struct slice *id);
/* All clients of a file. NULL, or what is wrong with one of them, by its line's number. */
const char *client_all(struct slice text, struct client out[CLIENTS_MOST], size_t *count);
/* The one of that id, of the list; NULL: it isn't there. */
struct client *client_among(struct client *list, size_t count, struct slice id);
/* NULL, or what is wrong with the options issuer and audience beside these clients: an id_token must never pass for an access token. */
const char *client_options_wrong(const struct config *config, struct client *list, size_t count);

#endif
