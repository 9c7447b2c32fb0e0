/*
 * auth_passkey_test: the calls for passkeys, asked through route_answer() on a real store with a clock of the test's own, by an
 * authenticator of the test's: a key of P-256 and a counter.
 */
#include "auth_passkey.h"

#include "auth_case.h"
#include "base/base64.h"
#include "base/file.h"
#include "client.h"
#include "derive.h"
#include "door/door.h"
#include "dpop.h"
#include "keys.h"
#include "oauth/oauth.h"
#include "passkey.h"
#include "proof.h"
#include "totp.h"

#include <bearssl_ec.h>
#include <bearssl_hash.h>

static const char *letters(struct slice bytes)
{
	struct buf b = { 0 };
	base64url_add(&b, bytes);
	return slice_text(buf_slice(&b));
}

/* ---- who there is ------------------------------------------------------ */

static void disable(void) { store_user_disable(user, true); }
static void enable(void) { store_user_disable(user, false); }
static void forget_keys(void) { store_user_keys_set(user, SLICE_NONE); }

static void set_factor(void) { store_user_factor_set(user, totp_seal(&ring.key[0], user, &(struct totp){ .secret = { 9 }, .enrolled_at = clock_now })); }
static void forget_factor(void) { store_user_factor_set(user, SLICE_NONE); }

static struct slice keys_now(void)
{
	store_open(dir, 5);
	struct slice keys = store_user_keys(user);
	store_close();
	return keys;
}

/* ---- the authenticator --------------------------------------------------- */

static struct authenticator {
	uint8_t secret[32];
	char id[17];
	uint32_t counter;
	uint8_t flags;
	const char *origin, *type, *rp_id;
	uint64_t handle;
} device;

static void new_device(int n)
{
	device = (struct authenticator){ .secret = { 1, (uint8_t)n }, .flags = 0x05, .origin = ORIGIN, .rp_id = "auth.example", .handle = user };
	snprintf(device.id, sizeof device.id, "credential-%05d", n);
}

static struct slice client_data(const char *type, const char *challenge)
{
	return slice_of(text_join("{\"type\":\"", device.type ? device.type : type, "\",\"challenge\":\"", challenge, "\",\"origin\":\"", device.origin,
		"\",\"crossOrigin\":false}", NULL));
}

static void put_data(struct buf *b, uint8_t flags)
{
	uint8_t hash[DERIVE_MAC];
	const uint8_t more[] = { flags, (uint8_t)(device.counter >> 24), (uint8_t)(device.counter >> 16), (uint8_t)(device.counter >> 8),
		(uint8_t)device.counter };
	derive_sha256(slice_of(device.rp_id), hash);
	buf_add(b, (struct slice){ (const char *)hash, sizeof hash });
	buf_add(b, (struct slice){ (const char *)more, sizeof more });
}

static struct slice registration(void)
{
	struct buf b = { 0 };
	uint8_t point[65];
	br_ec_p256_m31.mulgen(point, device.secret, sizeof device.secret, BR_EC_secp256r1);
	put_data(&b, device.flags | 0x40);
	buf_add(&b, (struct slice){ "0123456789abcdef\0\20", 18 });
	buf_add(&b, (struct slice){ device.id, 16 });
	buf_add(&b, S("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"));
	buf_add(&b, (struct slice){ (const char *)point + 1, 32 });
	buf_add(&b, S("\x22\x58\x20"));
	buf_add(&b, (struct slice){ (const char *)point + 33, 32 });
	return buf_slice(&b);
}

/* As DER: each number with a zero in front, so that it is never negative. */
static struct slice signature_of(struct slice data, struct slice client)
{
	uint8_t hash[DERIVE_MAC], raw[64];
	struct buf input = { 0 }, der = { 0 };
	const br_ec_private_key sk = { BR_EC_secp256r1, device.secret, sizeof device.secret };
	derive_sha256(client, hash);
	buf_add(&input, data);
	buf_add(&input, (struct slice){ (const char *)hash, sizeof hash });
	derive_sha256(buf_slice(&input), hash);
	br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, hash, &sk, raw);
	buf_add(&der, (struct slice){ "\x30\x46\x02\x21\0", 5 });
	buf_add(&der, (struct slice){ (const char *)raw, 32 });
	buf_add(&der, (struct slice){ "\x02\x21\0", 3 });
	buf_add(&der, (struct slice){ (const char *)raw + 32, 32 });
	return buf_slice(&der);
}

/* What was made before is given back: no text is kept for longer than a few calls. */
static void anew(void)
{
	static size_t mark;
	if (mark)
		arena_back(mark);
	else
		mark = arena_mark();
}

static char *challenge_for(const char *token)
{
	access_token = token;
	post("/passkeys/challenge", token ? "{\"register\":true}" : "{}");
	return member("challenge");
}

static const char *registration_body(const char *challenge, const char *more)
{
	return text_join("{\"client_data\":\"", letters(client_data("webauthn.create", challenge)), "\",\"authenticator_data\":\"",
		letters(registration()), "\"", more, "}", NULL);
}

static void register_with(const char *token)
{
	const char *challenge = challenge_for(token);
	access_token = token;
	post("/passkeys", registration_body(challenge, ""));
}

static const char *assertion(const char *challenge, const char *more)
{
	struct buf data = { 0 };
	char handle[8];
	put_data(&data, device.flags);
	derive_put64(handle, device.handle);
	struct slice client = client_data("webauthn.get", challenge);
	return text_join("{\"id\":\"", letters((struct slice){ device.id, 16 }), "\",\"client_data\":\"", letters(client),
		"\",\"authenticator_data\":\"", letters(buf_slice(&data)), "\",\"signature\":\"", letters(signature_of(buf_slice(&data), client)),
		"\",\"user_handle\":\"", letters((struct slice){ handle, 8 }), "\"", more, "}", NULL);
}

/* The same as the page's form has it. */
static bool stays = true;
static const char *assertion_form(const char *challenge)
{
	struct buf data = { 0 };
	char handle[8];
	put_data(&data, device.flags);
	derive_put64(handle, device.handle);
	struct slice client = client_data("webauthn.get", challenge);
	return text_join("id=", letters((struct slice){ device.id, 16 }), "&client_data=", letters(client), "&data=", letters(buf_slice(&data)),
		"&signature=", letters(signature_of(buf_slice(&data), client)), "&handle=", letters((struct slice){ handle, 8 }), "&stay=", stays ? "true" : "false", NULL);
}

static void sign_in(void)
{
	anew();
	post("/passkeys/login", assertion(challenge_for(NULL), ""));
}

/* ---- challenges ----------------------------------------------------------- */

static void challenges(void)
{
	post("/passkeys/challenge", "{}");
	expect(200, NULL, "a challenge");
	ok(strstr(body(), "\"rp_id\":\"auth.example\",\"algorithms\":[-7,-8,-257],\"expires_in\":300}}") != NULL, "and what else a browser wants");
	char *first = member("challenge");
	ok(strcmp(first, challenge_for(NULL)) != 0, "each is another");
	post("/passkeys/challenge", "{\"register\":true}");
	expect(401, "token_missing", "to register one must be signed in");
	const char *token = sign_in_by_password();
	challenge_for(token);
	expect(200, NULL, "then there is one");
	ok(strstr(body(), "\"name\":\"alice\"") != NULL, "and says for whom");
}

/* ---- registering ---------------------------------------------------------- */

static void registering(void)
{
	new_device(1);
	const char *token = sign_in_by_password(), *challenge = challenge_for(token), *text = registration_body(challenge, ",\"label\":\"Phone\"");
	access_token = token;
	post("/passkeys", text);
	expect(201, NULL, "a passkey");
	char *id = member("id");
	is_int(last_event(dir).event, EVENT_PASSKEY_ADDED, "in the trail");
	access_token = token;
	post("/passkeys", text);
	expect(201, NULL, "the same again, whose answer was lost");
	is_str(member("id"), id, "is the same");
	is_int(last_event(dir).id, 3, "and nothing was written");
	clock_now++;
	register_with(token);
	expect(409, "credential_known", "by another challenge it is known");
	access_token = token;
	call(METHOD_GET, "/passkeys", NULL);
	expect(200, NULL, "the list");
	is_str(body(), text_join("{\"data\":[{\"id\":\"", id, "\",\"kind\":\"passkey\",\"label\":\"Phone\",\"created_at\":", dec(clock_now - 1), "}]}",
		NULL), "has it");
}

static void bad_registrations(void)
{
	const char *token = sign_in_by_password(), *challenge = challenge_for(token);
	new_device(2);
	static const struct { const char *text; const char *about; } cases[] = {
		{ "{\"client_data\":\"AA==\",\"authenticator_data\":\"AA\"}", "client_data: " }, { "{\"client_data\":\"AA\"}", "authenticator_data: " },
		{ "{\"client_data\":\"AA\",\"authenticator_data\":\"A\"}", "authenticator_data: " },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		access_token = token;
		post("/passkeys", cases[i].text);
		expect(400, "invalid_request", "%s", cases[i].text);
		ok(strstr(body(), cases[i].about) != NULL, "names it");
	}
	access_token = token;
	post("/passkeys", registration_body(challenge, ",\"label\":\"a\\u0000b\""));
	expect(400, "invalid_request", "a label with a control character");
	device.flags = 0x01;
	register_with(token);
	expect(400, "invalid_request", "nobody proved who he is");
	new_device(2);
	device.origin = "https://evil.example";
	register_with(token);
	expect(403, "cross_site", "on another page");
	new_device(2);
	access_token = token;
	post("/passkeys", registration_body(challenge_for(NULL), ""));
	expect(401, "token_missing", "by nobody");
	const char *of_nobody = challenge_for(NULL);
	access_token = token;
	post("/passkeys", registration_body(of_nobody, ""));
	expect(400, "challenge_invalid", "with a challenge to sign in");
	clock_now += 300;
	access_token = token;
	post("/passkeys", registration_body(challenge, ""));
	expect(400, "challenge_invalid", "five minutes later");
	clock_now += 301;
	register_with(token);
	expect(403, "reauth_required", "ten minutes after the sign-in");
	is_int(last_event(dir).event, EVENT_LOGIN, "nothing of that is in the trail");
	challenge = challenge_for(token);
	access_token = token;
	post("/passkeys", registration_body(challenge, ",\"password\":\"wrong horse\""));
	expect(401, "invalid_credentials", "with a wrong password");
	access_token = token;
	post("/passkeys", registration_body(challenge, ",\"password\":\"correct horse\""));
	expect(201, NULL, "with the password");
	in_store(forget_keys);
}

static void limits(void)
{
	const char *token = sign_in_by_password();
	for (int i = 0; i < KEYS_MOST; i++) {
		new_device(100 + i);
		register_with(token);
		is_int(rp.status, 201, "one more");
		anew();
	}
	new_device(200);
	register_with(token);
	expect(409, "credential_limit", "no more than %d", KEYS_MOST);
	in_store(forget_keys);
}

/* ---- signing in ----------------------------------------------------------- */

static void signing_in(void)
{
	new_device(1);
	register_with(sign_in_by_password());
	expect(201, NULL, "a passkey");
	struct slice keys = keys_now();
	const char *text = assertion(challenge_for(NULL), ",\"device\":\"Phone\"");
	post("/passkeys/login", text);
	expect(200, NULL, "signs in");
	char *token = member("access_token"), *refresh = member("refresh_token");
	is_int(last_event(dir).event, EVENT_LOGIN, "in the trail");
	int64_t events = last_event(dir).id;
	ok(slice_is(keys_now(), keys), "what doesn't count costs no write");
	clock_now += 20;
	post("/passkeys/login", text);
	expect(200, NULL, "the same again, whose answer was lost");
	is_str(member("refresh_token"), refresh, "is the same session");
	is_int(last_event(dir).id, events, "and nothing was written");
	char *another = strdup(text), *handle = strstr(another, "\"user_handle\":\"") + 15;
	*handle = *handle == 'A' ? 'B' : 'A';
	post("/passkeys/login", another);
	expect(400, "challenge_invalid", "of another user it is none");
	in_store(disable);
	post("/passkeys/login", text);
	expect(400, "challenge_invalid", "nor while its user is disabled");
	in_store(enable);
	clock_now += 301;
	post("/passkeys/login", text);
	expect(400, "challenge_invalid", "nor after the end of the challenge");
	clock_now -= 301;
	access_token = token;
	call(METHOD_GET, "/me", NULL);
	expect(200, NULL, "its access token is good");
	post("/refresh", text_join("{\"refresh_token\":\"", refresh, "\",\"idempotency_key\":\"k1\"}", NULL));
	expect(200, NULL, "its refresh token, too");
	post("/passkeys/login", text);
	expect(400, "challenge_invalid", "then the same is used up");
	post("/refresh", text_join("{\"refresh_token\":\"", member("refresh_token"), "\"}", NULL));
	post("/refresh", text_join("{\"refresh_token\":\"", refresh, "\",\"idempotency_key\":\"k1\"}", NULL));
	expect(200, NULL, "which ended nothing");
}

static void cookie_mode(void)
{
	rq.origin = S(ORIGIN);
	post("/passkeys/login", assertion(challenge_for(NULL), ",\"cookie\":true,\"remember\":false"));
	expect(200, NULL, "cookie mode");
	buf_c(&rp.head, '\0');
	ok(strstr(rp.head.p, "Set-Cookie: ") && !strstr(body(), "refresh_token"), "has its token in a cookie");
}

static void form(const char *path, const char *text)
{
	rq.content_type = S("application/x-www-form-urlencoded");
	rq.sec_fetch_site = S("same-origin");
	post(path, text);
}

static void another_signature(void)
{
	char *challenge = challenge_for(NULL);
	const char *text = assertion(challenge, "");
	post("/passkeys/login", text);
	expect(200, NULL, "one assertion");
	device.counter++;
	post("/passkeys/login", assertion(challenge, ""));
	expect(400, "challenge_invalid", "another one for the same challenge");
	device.counter--;
	form("/signin", assertion_form(challenge));
	is_int(rp.status, 400, "the same, for a session of the pages");
}

/* ---- bound to a key (RFC 9449) -------------------------------------------- */

static void post_by(const struct prover *p, const char *text)
{
	rq.dpop = slice_of(prover_proof(p, ORIGIN "/api/auth/passkeys/login", slice_text(dpop_nonce(&ring.key[0], clock_now))));
	post("/passkeys/login", text);
}

static void bound(void)
{
	const struct prover mine = prover(1), other = prover(2);
	char *challenge = challenge_for(NULL);
	const char *text = assertion(challenge, "");
	rq.dpop = S("x");
	post("/passkeys/login", text);
	expect(400, "invalid_dpop_proof", "what is no proof");
	rq.dpop = slice_of(prover_forged(prover_proof(&mine, ORIGIN "/api/auth/passkeys/login", slice_text(dpop_nonce(&ring.key[0], clock_now)))));
	post("/passkeys/login", text);
	expect(400, "invalid_dpop_proof", "one that its key didn't sign");
	post_by(&mine, text);
	expect(200, NULL, "with a proof");
	char *refresh = member("refresh_token");
	post_by(&mine, text);
	expect(200, NULL, "the same again, whose answer was lost");
	is_str(member("refresh_token"), refresh, "is the same");
	post_by(&other, text);
	expect(400, "challenge_invalid", "by another key it isn't");
	post("/passkeys/login", text);
	expect(400, "challenge_invalid", "nor without one");
	device.secret[5]++;
	post_by(&mine, assertion(challenge, ""));
	device.secret[5]--;
	expect(401, "invalid_credentials", "nor by a passkey that didn't sign");
	post("/refresh", text_join("{\"refresh_token\":\"", refresh, "\"}", NULL));
	expect(400, "invalid_dpop_proof", "its token is worth nothing without the key");
}

static void bad_assertions(void)
{
	const char *text;
	clock_now++;
	device.handle++;
	sign_in();
	expect(401, "invalid_credentials", "of an unknown user");
	is_int(last_event(dir).event, EVENT_LOGIN_FAILED, "in the trail");
	device.handle--;
	device.id[0] = 'C';
	sign_in();
	expect(401, "invalid_credentials", "an unknown credential");
	device.id[0] = 'c';
	device.secret[5]++;
	sign_in();
	expect(401, "invalid_credentials", "a wrong signature");
	device.secret[5]--;
	device.flags = 0x0d;
	sign_in();
	expect(401, "invalid_credentials", "one that may be backed up at once");
	device.flags = 0x01;
	sign_in();
	expect(400, "invalid_request", "nobody proved who he is");
	ok(strstr(body(), "authenticator_data: ") != NULL, "is said");
	device.flags = 0x05;
	device.type = "webauthn.create";
	sign_in();
	expect(400, "invalid_request", "client data of a registration");
	device.type = NULL;
	device.rp_id = "example";
	sign_in();
	expect(400, "invalid_request", "for another host");
	device.rp_id = "auth.example";
	device.origin = "https://evil.example";
	sign_in();
	expect(403, "cross_site", "on another page");
	device.origin = ORIGIN;
	post("/passkeys/login", assertion("AAAA", ""));
	expect(400, "challenge_invalid", "a challenge of somebody else");
	text = assertion(challenge_for(NULL), "");
	clock_now += 300;
	post("/passkeys/login", text);
	expect(400, "challenge_invalid", "five minutes later");
	clock_now += 300;
	char *ahead = challenge_for(NULL);
	clock_now -= 300;
	post("/passkeys/login", assertion(ahead, ""));
	expect(400, "challenge_invalid", "before its challenge was made");
	text = assertion(challenge_for(NULL), "");
	post("/passkeys/login", text_join(strndup(text, (size_t)(strstr(text, ",\"user_handle\"") - text)), "}", NULL));
	expect(401, "invalid_credentials", "without a user handle");
	in_store(disable);
	sign_in();
	expect(401, "invalid_credentials", "a disabled user");
	in_store(enable);
	sign_in();
	expect(200, NULL, "after all that");
}

/* Whatever becomes of the clock, or of the client, while a passkey signs in. */
static void meanwhile(void)
{
	is_int(count_stops(sign_in), 2, "the clock is looked at before and after the signature is");
	int64_t events = last_event(dir).id;
	const char *text = assertion(challenge_for(NULL), "");
	nobody_waits(&rq);
	post("/passkeys/login", text);
	expect(408, "request_timeout", "nobody waits for the answer");
	is_int(last_event(dir).id, events, "and nothing of it is in the trail");
	post("/passkeys/login", text);
	expect(200, NULL, "control: the same, for somebody who waits");
	static const char *const members[] = { "id", "client_data", "authenticator_data", "signature", "user_handle" };
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const char *all = "{";
		for (size_t k = 0; k < sizeof members / sizeof *members; k++)
			all = text_join(all, k ? ",\"" : "\"", members[k], k == i ? "\":\"A\"" : "\":\"AA\"", NULL);
		post("/passkeys/login", text_join(all, "}", NULL));
		expect(400, "invalid_request", "%s that is no base64url", members[i]);
		ok(strstr(body(), members[i]) != NULL, "is named");
	}
}

/* One that is backed up since: that is kept, though it doesn't count. */
static void backed_up(void)
{
	struct user_key k;
	struct authenticator before = device;
	new_device(3);
	device.flags = 0x0d;
	register_with(sign_in_by_password());
	expect(201, NULL, "one that may be backed up");
	device.secret[5]++;
	register_with(sign_in_by_password());
	expect(409, "credential_known", "another key under its name is none");
	device.secret[5]--;
	device.flags = 0x1d;
	sign_in();
	expect(200, NULL, "it is backed up since");
	struct slice keys = keys_now();
	bool found = keys_find(keys, "passkey", (struct slice){ device.id, 16 }, &k);
	const char *kept = strdup(slice_text(keys));
	ok(found && k.flags == 0x1d && k.counter == 0, "which is kept");
	sign_in();
	expect(200, NULL, "once more as it is");
	ok(slice_is(keys_now(), slice_of(kept)), "it costs no write");
	device = before;
}

static void counters(void)
{
	struct user_key k;
	device.counter = 5;
	sign_in();
	expect(200, NULL, "it begins to count");
	sign_in();
	expect(401, "invalid_credentials", "it stands still: a copy");
	device.counter = 4;
	sign_in();
	expect(401, "invalid_credentials", "it went back");
	const char *text = assertion(challenge_for(NULL), "");
	post("/passkeys/login", text);
	expect(401, "invalid_credentials", "again");
	device.counter = 6;
	text = assertion(challenge_for(NULL), "");
	post("/passkeys/login", text);
	expect(200, NULL, "it goes on");
	post("/passkeys/login", text);
	expect(200, NULL, "the same again is known before its counter is judged");
	struct slice keys = keys_now();
	ok(keys_next(&keys, &k) && k.counter == 6, "kept");
}

static void throttled(void)
{
	patient = false;
	device.secret[5]++;
	for (int i = 0; i < 5; i++)
		sign_in();
	expect(401, "invalid_credentials", "five tries");
	sign_in();
	expect(429, "rate_limited", "no sixth");
	device.secret[5]--;
	boot_now += 6;
	for (int i = 0; i < 8; i++) {
		device.counter++;
		sign_in();
		expect(200, NULL, "who is right doesn't wait");
	}
	patient = true;
	boot_now += DAY;
}

/* ---- the pages ------------------------------------------------------------- */

/* The value of an attribute of the page, on the heap. */
static char *attribute(const char *name)
{
	const char *label = text_join(name, "=\"", NULL), *at = strstr(body(), label);
	return at ? strndup(at + strlen(label), strcspn(at + strlen(label), "\"")) : strdup("");
}

static bool leads_to(const char *where)
{
	buf_c(&rp.head, '\0');
	rp.head.n--;
	return rp.status == 303 && strstr(rp.head.p, text_join("Location: ", where, "\r", NULL)) != NULL;
}

/* name=value of the first cookie that the answer sets. */
static char *cookie_set(void)
{
	const char *at = strstr(rp.head.p, "Set-Cookie: ");
	return at ? strndup(at + 12, strcspn(at + 12, ";")) : strdup("");
}

static void page_signs_in(void)
{
	call(METHOD_GET, "/signin", NULL);
	char *challenge = attribute("data-challenge");
	is_str(attribute("data-rp"), "auth.example", "the page has a form for passkeys");
	device.counter++;
	const char *text = assertion_form(challenge);
	form("/signin", text);
	ok(leads_to("account"), "which signs in");
	char *first = cookie_set();
	form("/signin", text);
	ok(leads_to("account"), "the same form once more, whose answer was lost");
	is_str(cookie_set(), first, "is the same session");
	device.counter++;
	form("/signin", assertion_form(challenge));
	is_int(rp.status, 400, "another answer to the same challenge is none");
	post("/signin", text);
	is_int(rp.status, 415, "nor is anything but a form");
	rq.content_type = S("application/x-www-form-urlencoded");
	rq.sec_fetch_site = S("cross-site");
	post("/signin", text);
	is_int(rp.status, 403, "nor one of another site");
	form("/signin", "id=AA&client_data=AA==&data=AA&signature=AA");
	is_int(rp.status, 400, "nor what is no base64url");
	static const char *const fields[] = { "id", "client_data", "data", "signature", "handle" };
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		const char *all = "";
		for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
			all = text_join(all, "&", fields[k], k == i ? "=A" : "=AA", NULL);
		form("/signin", all + 1);
		is_int(rp.status, 400, "%s that is no base64url", fields[i]);
	}
	call(METHOD_GET, "/signin?rd=/app", NULL);
	device.counter++;
	text = text_join(assertion_form(attribute("data-challenge")), "&rd=/app", NULL);
	form("/signin", text);
	ok(leads_to("/app"), "by another page it goes on, to where he came from");
	cookie = cookie_set();
	form("/account", "do=others");
	ok(leads_to("account?done=others"), "he ends whatever else there is, by a new lineage");
	cookie = cookie_set();
	form("/signin", text);
	is_int(rp.status, 400, "the form of before doesn't lead into that");
}

static void page_of_account(void)
{
	call(METHOD_GET, "/account", NULL);
	char *challenge = attribute("data-challenge");
	ok(strstr(body(), "value=\"forget\"") != NULL, "the account lists it");
	is_str(attribute("data-algorithms"), "[-7,-8,-257]", "and says by which keys one may be added");
	struct authenticator kept = device;
	new_device(7);
	form("/account", text_join("do=add&label=Key&client_data=", letters(client_data("webauthn.create", challenge)), "&data=", letters(registration()),
		NULL));
	ok(leads_to("account?done=add"), "another is added");
	call(METHOD_GET, "/account", NULL);
	ok(strstr(body(), "<b>Key</b>") != NULL, "and listed, too");
	form("/account", "do=add&client_data=A&data=AA");
	is_int(rp.status, 400, "what is no base64url isn't");
	form("/account", text_join("do=add&label=a%0Ab&client_data=", letters(client_data("webauthn.create", challenge)), "&data=", letters(registration()),
		NULL));
	is_int(rp.status, 400, "nor is one with a label of two lines");
	form("/account", "do=forget&session=x");
	is_int(rp.status, 404, "no number");
	form("/account", text_join("do=forget&session=", id_text(keys_number(&(struct user_key){ .id = { device.id, 16 } })), NULL));
	ok(leads_to("account?done=forget"), "and removed");
	clock_now += 601;
	call(METHOD_GET, "/account", NULL);
	ok(!strstr(body(), "value=\"forget\"") && !strstr(body(), "data-challenge"), "ten minutes later nothing can be changed");
	cookie = NULL;
	device = kept;
}

/* ---- the pages for clients of OAuth ------------------------------------------ */

#define VERIFIER "0123456789abcdefghijklmnopqrstuvwxyz-._~ABC"
#define CH "&response_type=code&code_challenge=uboYUqpnBOR-hxVhitFnHJWVZvvO5dnnRhVNTp7LpnU&code_challenge_method=S256"
#define WEB "/authorize?client_id=web" CH
#define BANK "/authorize?client_id=bank" CH

static const char *page_challenge(const char *page)
{
	call(METHOD_GET, page, NULL);
	return attribute("data-challenge");
}

/* The code that the browser goes back with; "": it doesn't. */
static const char *code_given(void)
{
	buf_c(&rp.head, '\0');
	const char *at = strstr(rp.head.p, "?code=");
	return at ? strndup(at + 6, strcspn(at + 6, "&\r")) : "";
}

/* A form of the page, answered by the authenticator, which counts. */
static const char *shown_at(const char *page, const char *challenge)
{
	device.counter++;
	form(page, assertion_form(challenge));
	return code_given();
}

static void redeem(const char *client, const char *code)
{
	rq.content_type = S("application/x-www-form-urlencoded");
	post("/token", text_join("grant_type=authorization_code&client_id=", client, "&code_verifier=" VERIFIER "&code=", code, NULL));
}

static bool sets_cookie(void)
{
	buf_c(&rp.head, '\0');
	return strstr(rp.head.p, "Set-Cookie: ") != NULL;
}

static int64_t counter_kept(void)
{
	struct user_key k = { .counter = 0 };
	struct slice keys = keys_now();
	return keys_next(&keys, &k) ? k.counter : -1;
}

static void client_signs_in(void)
{
	const char *challenge = page_challenge(WEB);
	is_str(attribute("form class=\"stack ways\" method=\"post\" action"), "authorize?client_id=web&amp;response_type=code&amp;code_challenge="
		"uboYUqpnBOR-hxVhitFnHJWVZvvO5dnnRhVNTp7LpnU&amp;code_challenge_method=S256", "the page of a client has a form for passkeys, which is sent to it");
	stays = false;
	int64_t events = last_event(dir).id;
	const char *code = shown_at(WEB, challenge);
	ok(*code && !sets_cookie(), "it leads back, and nothing is kept in the browser");
	is_int(counter_kept(), device.counter, "the counter is written at once");
	is_int(last_event(dir).id, events, "there is no session yet");
	form(WEB, assertion_form(challenge));
	ok(rp.status == 403 && strstr(body(), "That one doesn&#39;t sign you in here") && !strstr(body(), "password is wrong"), "the same once more is refused: it counted");
	redeem("web", code);
	expect(200, NULL, "the code makes the session");
	is_int(last_event(dir).event, EVENT_LOGIN, "in the trail");
	access_token = sign_in_by_password();
	call(METHOD_GET, "/audit", NULL);
	ok(strstr(body(), "\"client\":\"web\"") != NULL, "which tells its user by which client");
	device.counter++;
	form(WEB, assertion_form(challenge));
	is_int(rp.status, 400, "then its challenge is used");
	ok(strstr(body(), "data-challenge") && strstr(body(), "name=\"password\""), "and the page has another one, and the form for a password");
	form(WEB, "id=AA&client_data=AA==&data=AA&signature=AA");
	is_int(rp.status, 400, "what is no base64url is nothing");
	form(WEB, "username=alice&password=correct+horse");
	is_int(rp.status, 303, "the password works beside it");
}

static void prove(void)
{
	anew();
	form(WEB, "username=alice&password=correct+horse");
	ok(rp.status == 303 || !*code_given(), "a code, or none: %d", rp.status);
}

/* A password that is shown for a code: trouble on the way gives none, and a hash that is made anew is what the code then fits. */
static void client_signs_in_by_password(void)
{
	is_int(count_stops(prove), 2, "the clock stops before or after the password is compared: no code");
	nobody_waits(&rq);
	form(WEB, "username=alice&password=correct+horse");
	ok(rp.status == 408 && !*code_given(), "nobody waits for the answer: none");
	config.password.passes = 2;
	form(WEB, "username=alice&password=correct+horse");
	const char *code = code_given();
	redeem("web", code);
	expect(200, NULL, "where passwords cost more since, the code fits the new hash");
	config.password.passes = 1;
}

/* Whoever has a second factor needs none beside a passkey, though a password alone is worth nothing where the code is redeemed. */
static void client_signs_in_with_factor(void)
{
	in_store(set_factor);
	const char *code = shown_at(WEB, page_challenge(WEB));
	redeem("web", code);
	expect(200, NULL, "a passkey of a user with a second factor");
	form(WEB, "username=alice&password=correct+horse");
	ok(rp.status == 403 && strstr(body(), "one-time-code"), "control: the password alone is asked for a code");
	in_store(forget_factor);
}

/* Of a passkey that doesn't count the assertion may be shown again: it stays one session. */
static void one_session(void)
{
	in_store(forget_keys);
	new_device(8);
	register_with(sign_in_by_password());
	stays = false;
	const char *challenge = page_challenge(WEB), *text = assertion_form(challenge), *json = assertion(challenge, "");
	form(WEB, text);
	const char *first = code_given();
	clock_now++;
	form("/authorize?client_id=other" CH, text);
	const char *second = code_given();
	ok(strcmp(first, second) != 0, "two codes");
	redeem("other", second);
	expect(200, NULL, "one makes the session");
	redeem("web", first);
	ok(rp.status == 400 && strstr(body(), "invalid_grant"), "the other none");
	post("/passkeys/login", json);
	expect(400, "challenge_invalid", "nor does the app's call");
	form(WEB, text);
	is_int(rp.status, 400, "nor the page once more");
	challenge = page_challenge(WEB);
	text = assertion_form(challenge);
	json = assertion(challenge, "");
	post("/passkeys/login", json);
	expect(200, NULL, "an app's session by the challenge of a page");
	form(WEB, text);
	is_int(rp.status, 400, "is no code");
}

static void client_stays(void)
{
	stays = true;
	const char *code = shown_at(WEB, page_challenge(WEB));
	ok(*code && sets_cookie(), "who stays has a session of the door");
	redeem("web", code);
	expect(200, NULL, "and the client its own");
	ok(*shown_at(BANK, page_challenge(BANK)), "a client that wants two factors takes a passkey for them");
	form(BANK, "username=alice&password=correct+horse");
	ok(rp.status == 403 && strstr(body(), "data-qr"), "control: by the password a second factor is wanted");
}

static void device_is_connected(void)
{
	rq.content_type = S("application/x-www-form-urlencoded");
	post("/device_authorization", "client_id=tv");
	const char *code = member("user_code"), *challenge = page_challenge(text_join("/device?user_code=", code, NULL));
	is_str(attribute("form class=\"stack ways\" method=\"post\" action"), "device", "the page of devices has a form for passkeys");
	device.counter++;
	const char *text = assertion_form(challenge);
	form("/device", text_join(text, "&code=", code, NULL));
	ok(rp.status == 200 && sets_cookie() && strstr(body(), "value=\"allow\"") && strstr(body(), "signed in as alice"), "signed in, and asked");
	form("/device", text_join(text, "&code=", code, "&do=allow", NULL));
	ok(rp.status == 200 && !strstr(body(), "value=\"allow\""), "the same session once more, which allows it");
	form("/device", text_join("code=", code, "&id=AA&client_data=AA&data=AA&signature=AA", NULL));
	is_int(rp.status, 400, "what is no client data signs nobody in");
	challenge = page_challenge("/device");
	device.counter++;
	form("/device", text_join(assertion_form(challenge), "&code=", NULL));
	ok(rp.status == 400 && sets_cookie() && !strstr(body(), "data-challenge"), "without a code one is signed in, and asked for it alone");
}

static void pages_of_clients(void)
{
	static const char clients[] = "web public https://web.example/cb\nother public https://other.example/cb\nbank public,factor https://bank.example/cb\ntv public,device\n";
	is_int(file_replace(dir, CLIENT_FILE, slice_of(clients)), true, "clients");
	client_signs_in();
	anew();
	client_signs_in_by_password();
	anew();
	client_signs_in_with_factor();
	anew();
	one_session();
	anew();
	client_stays();
	anew();
	device_is_connected();
	anew();
	config.issuer = S("latchkey");
	call(METHOD_GET, WEB, NULL);
	ok(!strstr(body(), "data-challenge") && strstr(body(), "name=\"password\""), "where the issuer is no URL the page of a client has no such form");
	stays = false;
	form(WEB, assertion_form("AAAA"));
	is_int(rp.status, 404, "and takes none");
	stays = true;
	config.issuer = S(ORIGIN "/api/auth");
	unlink(path_in(dir, CLIENT_FILE));
}

static const char *hash;
static void take_password(void)
{
	struct user u;
	store_user(user, &u);
	hash = strdup(slice_text(u.password));
	store_user_password(user, password_none((struct password_cost){ CHEAP, 1 }));
}
static void give_password(void) { store_user_password(user, slice_of(hash)); }

/* What an assertion for the first challenge of the account does, with that in the form. */
static const char *shown_at_account(const char *more)
{
	static char text[8192];
	anew();
	call(METHOD_GET, "/account", NULL);
	device.counter++;
	snprintf(text, sizeof text, "%s%s", assertion_form(attribute("data-challenge")), more);
	form("/account", text);
	return text;
}

/* Who has no password shows a passkey where others are asked for it. */
static void page_confirms(void)
{
	call(METHOD_GET, "/signin", NULL);
	device.counter++;
	form("/signin", assertion_form(attribute("data-challenge")));
	cookie = cookie_set();
	shown_at_account("&do=factor");
	is_int(rp.status, 400, "of who has a password it is no word for it");
	in_store(take_password);
	form("/account", "do=factor");
	is_int(rp.status, 403, "without one nothing is done");
	device.handle = user + 1;
	shown_at_account("&do=factor");
	is_int(rp.status, 403, "nor by an assertion in another's name");
	device.handle = user;
	const char *text = shown_at_account("&do=factor");
	ok(rp.status == 200 && strstr(body(), "data-qr"), "by one of his own it is");
	cookie = cookie_set();
	form("/account", text);
	ok(rp.status == 400 && !strstr(body(), "data-qr"), "once");
	clock_now += 601;
	shown_at_account("&do=factor");
	ok(rp.status == 200 && strstr(body(), "data-qr"), "however long ago he has signed in");
	in_store(give_password);
	cookie = NULL;
}

static void pages_without(void)
{
	config.issuer = S("latchkey");
	call(METHOD_GET, "/signin", NULL);
	ok(!strstr(body(), "data-challenge"), "where the issuer is no URL the page has no such form");
	form("/signin", "id=AA&client_data=AA&data=AA&signature=AA");
	is_int(rp.status, 404, "and takes none");
	form("/signin", "username=alice&password=correct+horse");
	cookie = cookie_set();
	call(METHOD_GET, "/account", NULL);
	ok(strstr(body(), "value=\"forget\"") && !strstr(body(), "data-challenge"), "the account lists what there is, and has no form to add one");
	form("/account", "do=add&client_data=AA&data=AA");
	is_int(rp.status, 404, "nor takes one");
	cookie = NULL;
	config.issuer = S(ORIGIN "/api/auth");
}

/* ---- removing, and no passkeys at all -------------------------------------- */

static void removing(void)
{
	const char *token = sign_in_by_password();
	access_token = token;
	call(METHOD_GET, "/passkeys", NULL);
	char *id = member("id");
	access_token = token;
	call(METHOD_DELETE, "/passkeys/0123456789abcdef", NULL);
	expect(404, "not_found", "another");
	access_token = token;
	call(METHOD_DELETE, "/passkeys/x", NULL);
	expect(404, "not_found", "no number");
	clock_now += 601;
	access_token = token;
	call(METHOD_DELETE, text_join("/passkeys/", id, NULL), NULL);
	expect(403, "reauth_required", "ten minutes after the sign-in");
	clock_now -= 2;
	access_token = token;
	call(METHOD_DELETE, text_join("/passkeys/", id, NULL), NULL);
	expect(204, NULL, "before that");
	is_int(last_event(dir).event, EVENT_PASSKEY_REMOVED, "in the trail");
	device.counter++;
	sign_in();
	expect(401, "invalid_credentials", "it signs nobody in any more");
}

static void without_url(void)
{
	const char *text = assertion(challenge_for(NULL), "");
	config.issuer = S("latchkey");
	const char *token = sign_in_by_password();
	post("/passkeys/challenge", "{}");
	expect(404, "not_found", "where the issuer is no URL: no challenge");
	post("/passkeys/login", text);
	expect(404, "not_found", "no sign-in");
	access_token = token;
	post("/passkeys", registration_body("AA", ""));
	expect(404, "not_found", "nothing to register");
	config.issuer = S(ORIGIN "/api/auth");
}

int main(void)
{
	static const struct dialect *const dialects[] = { &auth_dialect, &door_dialect, &oauth_dialect, &passkey_dialect, NULL };
	begin_case("issuer=" ORIGIN "/api/auth\n", dialects);
	anew();
	challenges();
	anew();
	registering();
	anew();
	bad_registrations();
	anew();
	limits();
	anew();
	signing_in();
	anew();
	cookie_mode();
	anew();
	another_signature();
	anew();
	bound();
	anew();
	bad_assertions();
	anew();
	meanwhile();
	anew();
	counters();
	anew();
	backed_up();
	anew();
	throttled();
	anew();
	page_signs_in();
	anew();
	page_of_account();
	anew();
	page_confirms();
	anew();
	pages_without();
	anew();
	pages_of_clients();
	anew();
	removing();
	anew();
	without_url();
	return end_case();
}
