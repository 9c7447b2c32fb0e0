/*
 * What anybody may ask of the pages of OAuth. The first byte says what the rest is:
 *
 *	q  the query of /authorize: nobody is sent to an address that isn't the client's, nothing of the query ends a header, no public
 *	   client gets a code without a challenge, and none is given silently to a program of the device
 *	u  a user code as it was typed: twelve letters of the alphabet or none; what opens stands for one session alone
 *	e  edits of a good user code, two bytes each (place, letter): what opens isn't the session of the good one
 */
#include "fuzz.h"
#include "config.h"
#include "jwt.h"
#include "oauth/authorize.h"
#include "oauth/usercode.h"
#include "ticket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const bool fuzz_starves = true;

#define HASH "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
static const char clients[] =
	"web " HASH " https://web.example/cb https://web.example/cb2?x=1\n"
	"app public org.example.app:/cb http://127.0.0.1/cb http://[::1]/cb https://app.example/cb\n"
	"one " HASH ",iss,nopkce https://one.example/cb\n"
	"tv public,device\n";
#define ALPHABET "BCDFGHJKLMNPQRSTVWXZ"

static struct config config;
static struct keyring ring = { { { "00c0ffee", 1, { 1, 2, 3 } } }, 1 };
static struct work w;
static char dir[] = "/tmp/lk-fuzz.XXXXXX", file[64];
static struct user user = { .id = 7, .name = { "alice", 5 }, .password = { "$argon2id$x", 11 } };

static void clean_up(void)
{
	unlink(file);
	rmdir(dir);
}

void fuzz_start(void)
{
	HOLDS(config_parse(S("issuer = https://id.example/auth\n"), &config) == NULL && mkdtemp(dir));
	config.dir = dir;
	strcat(strcat(strcpy(file, dir), "/"), CLIENT_FILE);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	HOLDS(fd >= 0 && write(fd, clients, sizeof clients - 1) == (ssize_t)sizeof clients - 1 && close(fd) == 0);
	atexit(clean_up);
	w = (struct work){ .config = &config, .ring = &ring, .peer = S("192.0.2.7") };
}

/* ---- /authorize -------------------------------------------------------- */

static void address_holds(const struct authorize *a, const char *url)
{
	struct slice u = slice_of(url), rest = slice_from(u, a->redirect_uri.n);
	HOLDS(slice_starts(u, a->redirect_uri) && (*rest.p == '?' || *rest.p == '&'));
	for (size_t i = 0; i < u.n; i++)
		HOLDS(u.p[i] > ' ' && u.p[i] <= '~' && !strchr("\"<>\\#", u.p[i]));
}

static void code_holds(struct authorize *a, const struct authentication *proof)
{
	const char *url = authorize_with_code(&w, a, proof);
	struct slice rest = slice_of(strstr(url, "code=") + 5);
	struct ticket_code code;
	struct slice text = slice_cut(&rest, '&');
	address_holds(a, url);
	HOLDS(text.n <= 1024 && ticket_open_code(&w, text, &code) == ERROR_NONE);
	HOLDS(slice_is(code.claims.nonce, a->nonce) && slice_is(code.claims.ch, a->challenge) && slice_is(code.claims.cid, a->client.id));
	HOLDS(!(a->client.flags & CLIENT_PUBLIC) || a->challenge.n == 43);
	HOLDS(a->challenge.n || (a->client.flags & CLIENT_NOPKCE) || (a->nonce.n && (a->scope & SCOPE_OPENID)));
}

static void query_holds(struct slice query)
{
	struct authorize a = { .max_age = 0 };
	const struct authentication nobody = { .user = NULL }, cookie = { .user = &user, .at = w.time - 60, .amr = 1, .by = 5, .sso = true };
	enum error e = authorize_read(&config, query, &a);
	HOLDS(e == ERROR_NONE || e == ERROR_INVALID_REQUEST);
	if (e != ERROR_NONE)
		return;
	HOLDS(client_uri_fits(&a.client, a.redirect_uri) && a.state.n <= AUTHORIZE_STATE_MOST && slice_is_utf8(a.state));
	for (size_t i = 0; !a.error && i < a.nonce.n; i++)
		HOLDS(a.nonce.p[i] >= ' ' && a.nonce.p[i] <= '~' && a.nonce.p[i] != '"' && a.nonce.p[i] != '\\');
	enum authorize_next next = authorize_next(&a, &cookie, w.time);
	HOLDS(next != AUTHORIZE_CODE || (!a.native && !a.error && !a.anew));
	HOLDS(!a.silent || next == AUTHORIZE_CODE || next == AUTHORIZE_ERROR);
	if (next == AUTHORIZE_CODE || next == AUTHORIZE_ALLOW)
		code_holds(&a, &cookie);
	next = authorize_next(&a, &nobody, w.time);
	HOLDS(next == (a.silent || a.error ? AUTHORIZE_ERROR : AUTHORIZE_FORM));
	a.error = a.error ? a.error : "access_denied";
	address_holds(&a, authorize_with_error(&config, &a));
}

/* ---- user codes -------------------------------------------------------- */

static void typed_holds(struct slice typed)
{
	struct slice letters, again;
	struct usercode code;
	if (!usercode_typed(typed, &letters))
		return;
	HOLDS(letters.n == USERCODE_LETTERS);
	for (size_t i = 0; i < letters.n; i++)
		HOLDS(memchr(ALPHABET, letters.p[i], sizeof ALPHABET - 1));
	HOLDS(usercode_typed(usercode_shown(letters), &again) && slice_is(letters, again));
	if (usercode_open(&w, letters, &code) == ERROR_NONE)
		HOLDS((code.client.flags & CLIENT_DEVICE) && code.scope < 16 && code.session && code.session <= INT64_MAX && code.key == &ring.key[0]);
}

static void edited_holds(struct slice edits)
{
	struct client tv;
	struct usercode good, code;
	HOLDS(client_find(dir, S("tv"), &tv) == ERROR_NONE);
	struct slice letters = usercode_make(&w, &tv, 5);
	HOLDS(usercode_open(&w, letters, &good) == ERROR_NONE && good.scope == 5 && slice_is(good.client.id, S("tv")));
	HOLDS(good.session == usercode_session(&ring.key[0], letters, w.time));
	char *text = slice_text(letters);
	for (; edits.n > 1; edits = slice_from(edits, 2))
		text[(uint8_t)edits.p[0] % USERCODE_LETTERS] = ALPHABET[(uint8_t)edits.p[1] % (sizeof ALPHABET - 1)];
	struct slice other = { text, USERCODE_LETTERS };
	if (usercode_open(&w, other, &code) == ERROR_NONE)
		HOLDS((code.session == good.session) == slice_is(other, letters));
}

void fuzz_one(struct slice in)
{
	if (in.n == 0)
		return;
	w.time = now();
	struct slice rest = slice_from(in, 1);
	if (*in.p == 'q')
		query_holds(rest);
	else if (*in.p == 'u')
		typed_holds(rest);
	else if (*in.p == 'e')
		edited_holds(rest);
}
