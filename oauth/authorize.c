/*
 * authorize: see authorize.h.
 */
#include "oauth/authorize.h"

#include "http_request.h"
#include "redirect.h"
#include "scope.h"
#include "ticket.h"

/* ---- parameters -------------------------------------------------------- */

enum parameter {
	CLIENT_ID, REDIRECT_URI, RESPONSE_TYPE, RESPONSE_MODE, SCOPE, STATE, NONCE, CHALLENGE, METHOD, PROMPT, MAX_AGE, LOGIN_HINT,
	REQUEST, REQUEST_URI, PARAMETERS
};

static const struct { const char *name; size_t most; } parameters[PARAMETERS] = {
	[CLIENT_ID] = { "client_id", CLIENT_ID_MOST },
	[REDIRECT_URI] = { "redirect_uri", CLIENT_URI_MOST },
	[RESPONSE_TYPE] = { "response_type", AUTHORIZE_QUERY_MOST },
	[RESPONSE_MODE] = { "response_mode", AUTHORIZE_QUERY_MOST },
	[SCOPE] = { "scope", AUTHORIZE_QUERY_MOST },
	[STATE] = { "state", AUTHORIZE_STATE_MOST },
	[NONCE] = { "nonce", AUTHORIZE_NONCE_MOST },
	[CHALLENGE] = { "code_challenge", 43 },
	[METHOD] = { "code_challenge_method", AUTHORIZE_QUERY_MOST },
	[PROMPT] = { "prompt", AUTHORIZE_QUERY_MOST },
	[MAX_AGE] = { "max_age", AUTHORIZE_QUERY_MOST },
	[LOGIN_HINT] = { "login_hint", LIMIT_USERNAME },
	[REQUEST] = { "request", AUTHORIZE_QUERY_MOST },
	[REQUEST_URI] = { "request_uri", AUTHORIZE_QUERY_MOST },
};

/* What was sent. A value that is empty counts as none (RFC 6749, 3.1). */
struct sent {
	struct slice value[PARAMETERS];         /* p NULL: none; of a bad one n is 0 */
	bool bad[PARAMETERS];           /* twice, broken, or too long */
	const struct client *client;
	unsigned scope;
};

static enum parameter parameter_named(struct slice name)
{
	int i = 0;
	while (i < PARAMETERS && !slice_is(name, slice_of(parameters[i].name)))
		i++;
	return (enum parameter)i;
}

static void take(struct sent *s, struct slice raw_name, struct slice raw)
{
	struct slice name, value = SLICE_NONE;
	enum parameter i = http_decode(raw_name, &name) ? parameter_named(name) : PARAMETERS;
	if (i == PARAMETERS || raw.n == 0)
		return;
	bool good = http_decode(raw, &value) && value.n <= parameters[i].most && s->value[i].p == NULL;
	s->bad[i] |= !good;
	s->value[i] = good ? value : S("");
}

static void take_all(struct sent *s, struct slice query)
{
	while (query.p) {
		struct slice value = slice_cut(&query, '&'), name = slice_cut(&value, '=');
		take(s, name, value);
	}
}

static bool is_there(const struct sent *s, enum parameter i)
{
	return s->value[i].n != 0;
}

static bool prompts(const struct sent *s, struct slice word)
{
	struct slice words = s->value[PROMPT];
	bool found = false;
	while (words.p && !found)
		found = slice_is(slice_cut(&words, ' '), word);
	return found;
}

/* ---- what may be wrong with it ----------------------------------------- */

static bool any_is_bad(const struct sent *s)
{
	bool bad = false;
	for (int i = 0; i < PARAMETERS; i++)
		bad |= s->bad[i];
	return bad;
}

static bool has_request(const struct sent *s)
{
	return s->value[REQUEST].p != NULL;
}

static bool has_request_uri(const struct sent *s)
{
	return s->value[REQUEST_URI].p != NULL;
}

static bool has_no_type(const struct sent *s)
{
	return !is_there(s, RESPONSE_TYPE);
}

static bool has_other_type(const struct sent *s)
{
	return !slice_is(s->value[RESPONSE_TYPE], S("code"));
}

static bool has_other_mode(const struct sent *s)
{
	return is_there(s, RESPONSE_MODE) && !slice_is(s->value[RESPONSE_MODE], S("query"));
}

/* What a code carries, and an id_token gives back: printable, and nothing that JSON would write as an escape. */
static bool has_bad_nonce(const struct sent *s)
{
	return !slice_printable(s->value[NONCE], "\"\\");
}

/* Of a challenge without a method the method is `plain` (RFC 7636, 4.3), which protects from nothing that a browser's history tells. */
static bool has_bad_challenge(const struct sent *s)
{
	if (!is_there(s, CHALLENGE))
		return is_there(s, METHOD);
	return s->value[CHALLENGE].n != 43 || !slice_made_of(s->value[CHALLENGE], "-_") || !slice_is(s->value[METHOD], S("S256"));
}

/* Without a challenge or a nonce a stolen code can be put into somebody else's sign-in (RFC 9700, 2.1.1). */
static bool lacks_challenge(const struct sent *s)
{
	bool by_nonce = (s->scope & SCOPE_OPENID) && is_there(s, NONCE);
	if (is_there(s, CHALLENGE))
		return false;
	return (s->client->flags & CLIENT_PUBLIC) || !(by_nonce || (s->client->flags & CLIENT_NOPKCE));
}

static bool is_none_and_more(const struct sent *s)
{
	return prompts(s, S("none")) && !slice_is(s->value[PROMPT], S("none"));
}

static bool has_bad_age(const struct sent *s)
{
	int64_t age;
	return is_there(s, MAX_AGE) && !parse_number(s->value[MAX_AGE], 0, INT32_MAX, &age);
}

/* The first that fits is what the client is told. */
static const struct { bool (*is_wrong)(const struct sent *s); const char *error; } rules[] = {
	{ has_request,       "request_not_supported" },
	{ has_request_uri,   "request_uri_not_supported" },
	{ any_is_bad,        "invalid_request" },
	{ has_no_type,       "invalid_request" },
	{ has_other_type,    "unsupported_response_type" },
	{ has_other_mode,    "invalid_request" },
	{ has_bad_nonce,     "invalid_request" },
	{ has_bad_challenge, "invalid_request" },
	{ lacks_challenge,   "invalid_request" },
	{ is_none_and_more,  "invalid_request" },
	{ has_bad_age,       "invalid_request" },
};

static const char *judge(const struct sent *s)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].is_wrong(s))
			return rules[i].error;
	return NULL;
}

/* ---- reading ----------------------------------------------------------- */

/* The redirect URI may be left out where there is one alone. */
static bool find_uri(const struct sent *s, struct authorize *out)
{
	if (s->bad[REDIRECT_URI] || out->client.uri_count == 0)
		return false;
	out->redirect_uri = is_there(s, REDIRECT_URI) ? s->value[REDIRECT_URI] : out->client.uris[0];
	return is_there(s, REDIRECT_URI) ? client_uri_fits(&out->client, out->redirect_uri) : out->client.uri_count == 1;
}

static struct slice if_any(struct slice value)
{
	return value.n ? value : SLICE_NONE;
}

static void settle(struct sent *s, struct authorize *out)
{
	s->client = &out->client;
	s->scope = scope_of(s->value[SCOPE]);
	out->native = (out->client.flags & CLIENT_PUBLIC) && client_uri_is_native(out->redirect_uri);
	out->error = judge(s);
	out->state = if_any(s->value[STATE]);
	out->nonce = if_any(s->value[NONCE]);
	out->challenge = if_any(s->value[CHALLENGE]);
	out->hint = if_any(s->value[LOGIN_HINT]);
	out->scope = s->scope;
	out->silent = prompts(s, S("none"));
	out->max_age = -1;
	(void)parse_number(s->value[MAX_AGE], 0, INT32_MAX, &out->max_age);
	out->anew = prompts(s, S("login")) || prompts(s, S("select_account")) || out->max_age == 0;
}

enum error authorize_read(const struct config *config, struct slice query, struct authorize *out)
{
	struct sent s = { .scope = 0 };
	if (!client_any(config->dir))
		return ERROR_NOT_FOUND;
	if (query.n > AUTHORIZE_QUERY_MOST)
		return ERROR_INVALID_REQUEST;
	take_all(&s, query);
	if (s.bad[CLIENT_ID] || client_find(config->dir, s.value[CLIENT_ID], &out->client) != ERROR_NONE || !find_uri(&s, out))
		return ERROR_INVALID_REQUEST;
	settle(&s, out);
	return ERROR_NONE;
}

/* ---- what comes next --------------------------------------------------- */

static enum authorize_next tell(struct authorize *a, const char *error)
{
	a->error = error;
	return AUTHORIZE_ERROR;
}

static bool is_old(const struct authorize *a, const struct authentication *proof, int64_t time)
{
	return a->max_age >= 0 && time - proof->at > a->max_age;
}

static bool lacks_factor(const struct authorize *a, const struct authentication *proof)
{
	return a->client.flags & CLIENT_FACTOR && !session_is_strong(proof->amr);
}

enum authorize_next authorize_next(struct authorize *a, const struct authentication *proof, int64_t time)
{
	bool form = proof->user == NULL || (proof->sso && (a->anew || is_old(a, proof, time))) || lacks_factor(a, proof);
	if (a->error)
		return AUTHORIZE_ERROR;
	if (form)
		return a->silent ? tell(a, "login_required") : AUTHORIZE_FORM;
	if (!session_admits(a->client.group, proof->user))
		return tell(a, "access_denied");
	if (!(a->native && proof->sso))
		return AUTHORIZE_CODE;
	return a->silent ? tell(a, "interaction_required") : AUTHORIZE_ALLOW;
}

/* ---- the way back ------------------------------------------------------ */

static const char *address_with(const struct config *config, const struct authorize *a, const char *name, const char *value)
{
	struct slice rest = a->redirect_uri;
	(void)slice_cut(&rest, '?');
	bool iss = a->client.flags & CLIENT_ISS;
	return text_join(slice_text(a->redirect_uri), rest.p ? "&" : "?", name, "=", value,
		a->state.n ? "&state=" : "", slice_text(redirect_escaped(a->state)),
		iss ? "&iss=" : "", iss ? slice_text(redirect_escaped(config->issuer)) : "", NULL);
}

const char *authorize_with_code(const struct work *w, const struct authorize *a, const struct authentication *proof)
{
	const struct code_claims what = { .sid = proof->sid ? proof->sid : random_id(), .sub = proof->user->id, .cid = a->client.id, .uri = ticket_digest(a->redirect_uri),
		.ch = a->challenge, .scope = a->scope, .nonce = a->nonce, .at = proof->at, .amr = proof->amr, .by = proof->by, .sso = proof->sso,
		.st = proof->code };
	return address_with(w->config, a, "code", slice_text(ticket_make_code(w, w->ring, &what, proof->user)));
}

const char *authorize_with_error(const struct config *config, const struct authorize *a)
{
	return address_with(config, a, "error", a->error);
}

bool authorize_follows(const struct authorize *a)
{
	struct slice rest = a->redirect_uri, scheme = slice_cut(&rest, ':');
	return (slice_is(scheme, S("https")) || slice_is(scheme, S("http"))) && !slice_starts(rest, S("//["));
}
