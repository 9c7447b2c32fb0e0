/*
 * Who asks in the dialect of OAuth, and its tickets. The first byte says what the rest is:
 *
 *	b  an Authorization header, a line end, and a form: who is found by them is who is found by a second reading, and nobody else
 *	c  edits of a good authorization code, three bytes each (place, byte): opened if and only if they change nothing
 *	d  edits of a good device code
 *	t  a ticket: opened by nobody
 *	o  how old a code and a device code are, in seconds: opened until they expire
 */
#include "fuzz.h"
#include "config.h"
#include "oauth/oauth.h"
#include "oauth/party.h"
#include "ticket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const bool fuzz_starves = true;

/* The secrets are "test" and "???", whose base64 has a slash. */
static const char clients[] =
	"web sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 https://web.example/cb\n"
	"odd sha256:a03b221c6c6eae7122ca51695d456d5222e524889136394944b2f9763b483615 https://odd.example/cb\n"
	"app public http://127.0.0.1/cb\n";

static struct config config;
static struct keyring ring = { { { "00c0ffee", 1, { 1, 2, 3 } } }, 1 };
static struct work w;
static char dir[] = "/tmp/lk-fuzz.XXXXXX", file[64];

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

/* ---- who asks, read once more ------------------------------------------ */

static int digit_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Bit by bit. */
static bool decoded(struct slice text, struct slice *out)
{
	char *bytes = arena(text.n + 1);
	size_t bits = 0;
	memset(bytes, 0, text.n + 1);
	while (text.n && text.p[text.n - 1] == '=')
		text.n--;
	for (size_t i = 0; i < text.n; i++)
		for (int bit = 5; bit >= 0; bit--, bits++) {
			int digit = digit_of(text.p[i]);
			if (digit < 0)
				return false;
			bytes[bits / 8] = (char)((unsigned char)bytes[bits / 8] | ((unsigned)digit >> bit & 1) << (7 - bits % 8));
		}
	*out = (struct slice){ bytes, bits / 8 };
	return bits % 8 < 6 && bytes[bits / 8] == 0;
}

static const char *known(struct slice id, struct slice secret)
{
	static const struct { const char *id, *secret; } all[] = { { "web", "test" }, { "odd", "???" }, { "app", "" } };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (slice_is(id, slice_of(all[i].id)) && slice_is(secret, slice_of(all[i].secret)))
			return NULL;
	return "invalid_client";
}

/* What is wrong; NULL: nothing. */
static const char *reference(struct slice authorization, const struct oauth *o)
{
	struct slice text = slice_from(authorization, 5), both, id, secret;
	bool basic = authorization.n >= 5 && strncasecmp(authorization.p, "Basic", 5) == 0 && (text.n == 0 || *text.p == ' ');
	if (!basic)
		return known(o->client_id.p ? o->client_id : S(""), o->client_secret.p ? o->client_secret : S(""));
	if (!decoded(slice_trim(text), &both))
		return "invalid_client";
	const char *colon = memchr(both.p, ':', both.n);
	if (!colon || !http_decode((struct slice){ both.p, (size_t)(colon - both.p) }, &id) || !http_decode(slice_from(both, (size_t)(colon - both.p) + 1), &secret))
		return "invalid_client";
	if (o->client_secret.n || (o->client_id.p && !slice_is(o->client_id, id)))
		return "invalid_request";
	return known(id, secret);
}

static bool was_asked;

static enum error ask(struct call *c)
{
	struct oauth *o = party_own(c);
	const char *want = reference(c->rq->authorization, o);
	enum error e = party_require(c);
	was_asked = true;
	HOLDS((e == ERROR_NONE) == (want == NULL) && (e == ERROR_NONE || slice_is(slice_of(o->error), slice_of(want))));
	HOLDS((e == ERROR_NONE) == (o->client.id.n != 0) && o->shown == (e == ERROR_NONE && !(o->client.flags & CLIENT_PUBLIC)));
	return e == ERROR_NONE ? ERROR_INVALID_REQUEST : e;
}

static const struct member members[] = {
	{ "client_id", MEMBER_TEXT, false, LIMIT_BODY, offsetof(struct oauth, client_id) },
	{ "client_secret", MEMBER_TEXT, false, LIMIT_BODY, offsetof(struct oauth, client_secret) }, { NULL, MEMBER_FLAG, false, 0, 0 }
};
static const struct route routes[] = { { METHOD_POST, "/token", ACCESS_NONE, members, PACE_QUICK, ask } };

/* What is answered is JSON, and says how a client can show itself where it tried that. */
static void asks(struct slice in)
{
	struct dialect d = oauth_dialect;
	struct slice authorization = slice_cut(&in, '\n');
	struct request rq = { .method = METHOD_POST, .below = true, .https = true, .mount = S("/auth"), .path = S("/token"), .host = S("id.example"),
		.authorization = authorization, .content_type = S("application/x-www-form-urlencoded"), .body = in };
	struct reply rp = { 0 };
	struct json j;
	struct slice error;
	d.routes = routes;
	d.count = 1;
	was_asked = false;
	route_answer(&d, &config, &ring, &rq, ERROR_NONE, &rp);
	HOLDS(rp.status == 400 || rp.status == 401);
	HOLDS(json_read(buf_slice(&rp.body), &j) == JSON_VALID && json_string(&j, "error", &error) == JSON_FOUND);
	bool asked = memmem(rp.head.p, rp.head.n, "WWW-Authenticate: Basic", 23) != NULL;
	HOLDS(asked == (rp.status == 401 && was_asked && authorization.n >= 5 && strncasecmp(authorization.p, "Basic", 5) == 0 && (authorization.n == 5 || authorization.p[5] == ' ')));
}

/* ---- tickets ----------------------------------------------------------- */

static struct slice code_at(int64_t time)
{
	const struct user user = { .id = 7, .name = S("alice"), .password = S("$argon2id$x") };
	w.time = time;
	return ticket_make_code(&w, &ring, &(struct code_claims){ .sid = 5, .sub = 7, .cid = S("web"), .uri = ticket_digest(S("https://web.example/cb")),
		.ch = ticket_digest(S("v")), .scope = SCOPE_OPENID, .nonce = S("n"), .at = time, .amr = AMR_PASSWORD }, &user);
}

static struct slice device_code_at(int64_t time)
{
	w.time = time;
	return ticket_make_device(&w, &ring, &(struct device_claims){ .cid = S("tv"), .scope = 1, .uc = S("BCDFGHJKLMNP") });
}

static bool opens(struct slice text, bool device, bool *expired)
{
	struct ticket_code code;
	struct ticket_device d = { .expired = false };
	bool good = device ? ticket_open_device(&w, text, &d) == ERROR_NONE : ticket_open_code(&w, text, &code) == ERROR_NONE;
	*expired = d.expired;
	return good;
}

static void edited(struct slice edits, bool device)
{
	bool expired;
	struct slice good = device ? device_code_at(now()) : code_at(now());
	char *text = slice_text(good);
	for (; edits.n > 2; edits = slice_from(edits, 3))
		text[((uint8_t)edits.p[0] * 256u + (uint8_t)edits.p[1]) % good.n] = edits.p[2];
	struct slice ticket = { text, good.n };
	HOLDS(opens(ticket, device, &expired) == slice_is(ticket, good) && !expired);
	HOLDS(!opens(ticket, !device, &expired));
}

/* The clock may go on between the two looks. */
static bool is_nearly(int64_t age, int64_t end)
{
	return age < end && age + 5 >= end;
}

static void aged(struct slice digits)
{
	int64_t age;
	bool expired;
	if (!parse_number(digits, 0, 2000, &age))
		return;
	bool good = opens(code_at(now() - age), false, &expired);
	HOLDS(good == (age < TICKET_CODE_SECONDS) || is_nearly(age, TICKET_CODE_SECONDS));
	HOLDS(opens(device_code_at(now() - age), true, &expired));
	HOLDS(expired == (age >= TICKET_DEVICE_SECONDS) || is_nearly(age, TICKET_DEVICE_SECONDS));
}

void fuzz_one(struct slice in)
{
	bool expired;
	if (in.n == 0)
		return;
	struct slice rest = slice_from(in, 1);
	if (*in.p == 'b')
		asks(rest);
	else if (*in.p == 'c' || *in.p == 'd')
		edited(rest, *in.p == 'd');
	else if (*in.p == 't')
		HOLDS(!opens(rest, false, &expired) && !opens(rest, true, &expired));
	else if (*in.p == 'o')
		aged(rest);
}
