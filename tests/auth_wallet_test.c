/*
 * auth_wallet_test: the calls for wallets, asked through route_answer() on a real store with a clock of the test's own, by wallets of the
 * test's (purse.h).
 */
#include "auth_wallet.h"

#include "auth_case.h"
#include "dpop.h"
#include "proof.h"
#include "purse.h"
#include "ticket.h"
#include "totp.h"

/* What an app would parse of the answer: JSON's escapes of a line's end alone. */
static const char *lines(const char *text)
{
	char *out = arena(strlen(text) + 1), *to = out;
	for (; *text; text++) {
		bool end = text[0] == '\\' && text[1] == 'n';
		*to++ = end ? '\n' : *text;
		text += end;
	}
	return out;
}

/* ---- who there is ------------------------------------------------------ */

static struct user named(const char *name)
{
	struct user u = { .id = 0 };
	store_open(dir, 5);
	store_user_named(slice_of(name), &u);
	store_close();
	return u;
}

static uint64_t own_id;
static void disable_own(void) { store_user_disable(own_id, true); }
static void enable_own(void) { store_user_disable(own_id, false); }

static const char *kept;
static void write_keys(void) { store_user_keys_set(user, slice_of(kept)); }
static void read_keys(void) { kept = strdup(slice_text(store_user_keys(user))); }

/* ---- the wallet -------------------------------------------------------- */

static const char *signature(const struct purse *p, const char *text)
{
	return purse_sign(p, slice_of(lines(text)));
}

static const char *challenge(const struct purse *p)
{
	post("/wallet/challenge", text_join("{\"chain\":\"", p->chain, "\",\"address\":\"", p->address, "\"}", NULL));
	return member("message");
}

/* The body that shows a text with its signature, and more. */
static const char *shown(const struct purse *p, const char *text, const char *signed_by, const char *more)
{
	return text_join("{\"chain\":\"", p->chain, "\",\"address\":\"", p->address, "\",\"message\":\"", text, "\",\"signature\":\"", signed_by, "\"", more, "}", NULL);
}

static void sign_in(const struct purse *p, const char *more)
{
	const char *text = challenge(p);
	post("/wallet/login", shown(p, text, signature(p, text), more));
}

/* ---- tests ------------------------------------------------------------- */

static void challenges(void)
{
	const char *text = challenge(&stellar);
	expect(200, NULL, "a text to sign");
	ok(slice_starts(slice_of(lines(text)), S("auth.example wants you to sign in with your Stellar account:\n" STELLAR "\n")), "for that wallet");
	ok(strstr(body(), "\"expires_in\":300"), "for five minutes");
	static const char *const bad[] = { "{}", "{\"chain\":\"stellar\"}", "{\"chain\":\"stellar\",\"address\":\"G\"}",
		"{\"chain\":\"ethereum\",\"address\":\"" STELLAR "\"}", "{\"chain\":\"solana\",\"address\":\"" STELLAR "\"}", "{\"chain\":1,\"address\":\"" STELLAR "\"}" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		post("/wallet/challenge", bad[i]);
		expect(400, "invalid_request", "no text for %s", bad[i]);
	}
}

static void without_signup(void)
{
	config.signup = false;
	sign_in(&stellar, "");
	expect(401, "invalid_credentials", "nobody is made where signup is off");
	is_int(last_event(dir).event, EVENT_LOGIN_FAILED, "which the trail has");
	config.signup = true;
}

static void first_time(void)
{
	const char *text = challenge(&stellar), *by = signature(&stellar, text), *show = shown(&stellar, text, by, ",\"device\":\"phone\"");
	post("/wallet/login", show);
	expect(200, NULL, "a wallet's first sign-in makes its user");
	is_int(last_event(dir).event, EVENT_USER_ADDED, "in the trail");
	struct user own = named("stellar:" STELLAR);
	ok(own.id != 0, "who is called by its address");
	char *refresh = member("refresh_token");
	access_token = member("access_token");
	call(METHOD_GET, "/me", NULL);
	ok(strstr(body(), "\"username\":\"stellar:" STELLAR "\""), "and is told so: %s", body());
	post("/wallet/login", show);
	expect(200, NULL, "the same once more, whose answer was lost");
	ok(strcmp(refresh, member("refresh_token")) == 0, "is the same session");
	own_id = own.id;
	in_store(disable_own);
	post("/wallet/login", show);
	expect(400, "challenge_invalid", "but not while its user is disabled");
	in_store(enable_own);
	post("/refresh", text_join("{\"refresh_token\":\"", refresh, "\"}", NULL));
	expect(200, NULL, "which is refreshed as any");
	post("/wallet/login", show);
	expect(400, "challenge_invalid", "then the text is used up");
	post("/login", "{\"username\":\"stellar:" STELLAR "\",\"password\":\"correct horse\"}");
	expect(401, "invalid_credentials", "no password opens it");
	sign_in(&stellar, "");
	expect(200, NULL, "it signs in again");
	is_int(last_event(dir).event, EVENT_LOGIN, "as the user that is there");
	ok(named("stellar:" STELLAR).id == own.id, "who is the same");
	sign_in(&solana, ",\"cookie\":true");
	ok(rp.status == 200 && named("solana:" SOLANA).id, "the other chain's, in cookie mode: %d", rp.status);
	text = challenge(&solana);
	rq.peer = SLICE_NONE;
	post("/wallet/login", shown(&solana, text, signature(&solana, text), ""));
	expect(200, NULL, "who has no address signs in, too");
}

/* ---- bound to a key (RFC 9449) -------------------------------------------- */

static void post_by(const struct prover *p, const char *text)
{
	rq.dpop = slice_of(prover_proof(p, ORIGIN "/api/auth/wallet/login", slice_text(dpop_nonce(&ring.key[0], clock_now))));
	post("/wallet/login", text);
}

static void bound(void)
{
	const struct prover mine = prover(1), other = prover(2);
	const char *text = challenge(&stellar), *show = shown(&stellar, text, signature(&stellar, text), "");
	rq.dpop = S("x");
	post("/wallet/login", show);
	expect(400, "invalid_dpop_proof", "what is no proof");
	rq.dpop = slice_of(prover_forged(prover_proof(&mine, ORIGIN "/api/auth/wallet/login", slice_text(dpop_nonce(&ring.key[0], clock_now)))));
	post("/wallet/login", show);
	expect(400, "invalid_dpop_proof", "one that its key didn't sign");
	post_by(&mine, show);
	expect(200, NULL, "with a proof");
	char *refresh = member("refresh_token");
	post_by(&mine, show);
	expect(200, NULL, "the same again, whose answer was lost");
	is_str(member("refresh_token"), refresh, "is the same");
	post_by(&other, show);
	expect(400, "challenge_invalid", "by another key it isn't");
	post_by(&mine, shown(&stellar, text, signature(&stellar, "another"), ""));
	expect(401, "invalid_credentials", "nor with another signature, by that key");
	post("/refresh", text_join("{\"refresh_token\":\"", refresh, "\"}", NULL));
	expect(400, "invalid_dpop_proof", "its token is worth nothing without the key");
}

static void refused(void)
{
	const char *text = challenge(&stellar), *by = signature(&stellar, text);
	post("/wallet/login", shown(&stellar, text, signature(&stellar, "another"), ""));
	expect(401, "invalid_credentials", "a signature of another text");
	post("/wallet/login", shown(&stellar, text, "AAAA", ""));
	expect(401, "invalid_credentials", "none");
	post("/wallet/login", shown(&solana, text, by, ""));
	expect(400, "challenge_invalid", "a text for another wallet");
	post("/wallet/login", shown(&stellar, text_join(text, " ", NULL), by, ""));
	expect(400, "challenge_invalid", "a text that isn't ours");
	clock_now += 300;
	post("/wallet/login", shown(&stellar, text, by, ""));
	expect(400, "challenge_invalid", "one that has expired");
	clock_now -= 300;
	sign_in(&stellar, ",\"username\":\"alice\"");
	expect(401, "invalid_credentials", "a wallet that isn't that user's");
	sign_in(&stellar, ",\"username\":\"nobody\"");
	expect(401, "invalid_credentials", "nor anybody's of that name");
	own_id = named("stellar:" STELLAR).id;
	in_store(disable_own);
	sign_in(&stellar, "");
	expect(401, "invalid_credentials", "a user who is disabled");
	config.wallets = S("solana:mainnet");
	sign_in(&stellar, "");
	expect(400, "invalid_request", "a chain that is no longer listed");
	config.wallets = SLICE_NONE;
	sign_in(&stellar, "");
	expect(404, "not_found", "no wallets at all");
	config.wallets = S("stellar:pubnet solana:mainnet");
}

static void sign_in_by_solana(void) { sign_in(&solana, ""); }

/* Whatever becomes of the clock, or of the client, while a wallet signs in: nobody gets in by it, and nothing is written. */
static void meanwhile(void)
{
	is_int(count_stops(sign_in_by_solana), 2, "the clock is looked at before and after the signature is");
	int64_t events = last_event(dir).id;
	const char *text = challenge(&solana), *show = shown(&solana, text, signature(&solana, text), "");
	nobody_waits(&rq);
	post("/wallet/login", show);
	expect(408, "request_timeout", "nobody waits for the answer");
	is_int(last_event(dir).id, events, "nothing of that is in the trail");
	post("/wallet/login", show);
	expect(200, NULL, "control: the same, for somebody who waits");
	post("/wallet/login", shown(&solana, text, signature(&solana, "another"), ""));
	expect(400, "challenge_invalid", "another signature of the same text is none");
}

static const char *link_to(const struct purse *p, const char *token, const char *more)
{
	const char *text = challenge(p), *show = shown(p, text, signature(p, text), more);
	access_token = token;
	post("/wallet", show);
	return show;
}

static const char *to_link, *token_to_link;
static void link_once_more(void)
{
	access_token = token_to_link;
	post("/wallet", to_link);
}

static void linking(void)
{
	const char *token = sign_in_by_password();
	const char *show = link_to(&solana, token, ",\"label\":\"my purse\"");
	expect(201, NULL, "a wallet is linked to a user");
	is_int(last_event(dir).event, EVENT_PASSKEY_ADDED, "in the trail");
	char *id = member("id");
	access_token = token;
	post("/wallet", show);
	ok(rp.status == 201 && strcmp(id, member("id")) == 0, "the same once more has nothing to do");
	sign_in(&solana, ",\"username\":\"alice\"");
	expect(200, NULL, "it signs her in by her name");
	access_token = member("access_token");
	call(METHOD_GET, "/me", NULL);
	ok(strstr(body(), "\"username\":\"alice\""), "as herself");
	sign_in(&solana, "");
	ok(rp.status == 200 && last_event(dir).user == named("solana:" SOLANA).id, "and its own user without a name");
	post("/wallet", show);
	expect(401, "token_missing", "who isn't signed in links nothing");
	in_store(read_keys);
	ok(strstr(kept, " my purse\n"), "it is called as she calls it");
	link_to(&stellar, token, "");
	const char *hers = kept;
	in_store(read_keys);
	ok(rp.status == 201 && strstr(kept, " GBXF…CP7L\n"), "and one without a name by the ends of its address");
	kept = hers;
	in_store(write_keys);
	link_to(&stellar, token, ",\"label\":\"a\\nb\"");
	expect(400, "invalid_request", "a label of two lines");
	access_token = token;
	const char *text = challenge(&stellar);
	access_token = token;
	post("/wallet", shown(&stellar, text, signature(&stellar, "another"), ""));
	expect(401, "invalid_credentials", "a wrong signature");
	access_token = token;
	post("/wallet", shown(&(struct purse){ "solana", STELLAR, solana.secret }, text, "AAAA", ""));
	expect(400, "invalid_request", "an address of another chain");
	access_token = token;
	post("/wallet", shown(&stellar, "another", signature(&stellar, "another"), ""));
	expect(400, "challenge_invalid", "a text that isn't ours");
	text = challenge(&stellar);
	show = shown(&stellar, text, signature(&stellar, text), "");
	nobody_waits(&rq);
	access_token = token;
	post("/wallet", show);
	expect(408, "request_timeout", "nobody waits for the answer");
	to_link = show;
	token_to_link = token;
	is_int(count_stops(link_once_more), 2, "the clock stops before and after the signature is looked at");
	in_store(write_keys);
	clock_now += 601;
	link_to(&stellar, token, "");
	expect(403, "reauth_required", "ten minutes after the sign-in");
}

/* ---- in place of a password ------------------------------------------------ */

static const char *own_token;
static struct totp own_factor;
static void give_factor(void) { store_user_factor_set(own_id, totp_seal(&ring.key[0], own_id, &own_factor)); }

/* A call of the user who has no password. */
static void own_call(enum method m, const char *path, const char *body)
{
	access_token = own_token;
	call(m, path, body);
}

static void enrol(void) { own_call(METHOD_POST, "/totp", "{}"); }

static const struct { enum method method; const char *path; } confirmed[] = { { METHOD_POST, "/totp" }, { METHOD_POST, "/totp/off" }, { METHOD_DELETE, "/me" } };

static void expect_all(const char *body, int status, const char *code, const char *when)
{
	for (size_t i = 0; i < sizeof confirmed / sizeof *confirmed; i++) {
		own_call(confirmed[i].method, confirmed[i].path, body);
		expect(status, code, "%s, %s", confirmed[i].path, when);
	}
}

/* Who has no password has signed in a moment ago in its place; and shows his code, if he has a factor. */
static void without_password(void)
{
	own_token = sign_in_by_password();
	expect_all("{}", 400, "invalid_request", "where there is a password and it is missing");
	ok(strstr(body(), "password: "), "names it: %s", body());
	own_id = named("stellar:" STELLAR).id;
	in_store(enable_own);
	sign_in(&stellar, "");
	own_token = member("access_token");
	clock_now += 601;
	expect_all("{}", 403, "reauth_required", "ten minutes after the sign-in");
	expect_all("{\"password\":\"correct horse\"}", 403, "reauth_required", "with a password that nobody has");
	clock_now -= 1;
	is_int(count_stops(enrol), 2, "the clock is looked at");
	enrol();
	expect(200, NULL, "a second factor within ten minutes");
	struct ticket_enrol made;
	const struct work w = { .config = &config, .ring = &ring, .time = clock_now };
	ok(ticket_open_enrol(&w, slice_of(member("ticket")), &made) == ERROR_NONE && made.claims.amr == AMR_WALLET, "whose ticket tells what was shown");
	own_factor = (struct totp){ .secret = { 2 }, .enrolled_at = clock_now };
	in_store(give_factor);
	own_call(METHOD_POST, "/totp/off", "{}");
	expect(401, "code_required", "who has one shows a code");
	own_call(METHOD_DELETE, "/me", "{\"code\":\"AAAAA-AAAAA\"}");
	expect(401, "invalid_credentials", "a right one");
	own_call(METHOD_POST, "/totp/off", text_join("{\"code\":\"", slice_text(totp_recovery(own_factor.secret, 0)), "\"}", NULL));
	expect(204, NULL, "and it is gone");
	own_call(METHOD_DELETE, "/me", "{}");
	ok(rp.status == 204 && named("stellar:" STELLAR).id == 0, "and so is he, when he asks for it");
}

/* ---- a second factor ------------------------------------------------------ */

static struct totp factor;
static void add_factor(void) { store_user_factor_set(user, totp_seal(&ring.key[0], user, &factor)); }
static void drop_factor(void) { store_user_factor_set(user, SLICE_NONE); }
static void into_group(void) { store_user_profile(user, &(struct profile){ .groups = S("staff") }); }
static void out_of_group(void) { store_user_profile(user, &(struct profile){ .groups = S("") }); }

static const char *with_code(unsigned recovery)
{
	return text_join(",\"username\":\"alice\",\"code\":\"", slice_text(totp_recovery(factor.secret, recovery)), "\"", NULL);
}

/* A wallet is one factor: what is asked for beside a password is asked for beside its signature, and only after that. */
static void second_factor(void)
{
	const char *alice = ",\"username\":\"alice\"", *text, *by;
	link_to(&solana, sign_in_by_password(), "");
	expect(201, NULL, "a wallet of hers");
	factor = (struct totp){ .secret = { 1 }, .enrolled_at = clock_now };
	in_store(add_factor);
	text = challenge(&solana);
	by = signature(&solana, text);
	post("/wallet/login", shown(&solana, text, signature(&solana, "another"), with_code(0)));
	expect(401, "invalid_credentials", "a code without the signature");
	post("/wallet/login", shown(&solana, text, by, alice));
	expect(401, "code_required", "the signature without a code");
	post("/wallet/login", shown(&solana, text, by, ",\"username\":\"alice\",\"code\":\"AAAAA-AAAAA\""));
	expect(401, "invalid_credentials", "a wrong code");
	is_int(last_event(dir).class, CLASS_FACTOR, "which is told from a wrong signature in the trail");
	post("/wallet/login", shown(&solana, text, by, with_code(0)));
	expect(200, NULL, "that text with a code");
	char *refresh = member("refresh_token");
	post("/wallet/login", shown(&solana, text, by, with_code(0)));
	ok(rp.status == 200 && strcmp(refresh, member("refresh_token")) == 0, "the same again is the same session");
	post("/wallet/login", shown(&solana, text, by, alice));
	expect(400, "challenge_invalid", "but not without the code");
	sign_in(&solana, with_code(0));
	expect(401, "invalid_credentials", "which has counted");
	in_store(drop_factor);
	config.factor_groups = S("staff");
	in_store(into_group);
	sign_in(&solana, alice);
	expect(403, "factor_required", "who must have a second factor and has none");
	in_store(out_of_group);
	sign_in(&solana, alice);
	expect(200, NULL, "control: who needs none");
	config.factor_groups = SLICE_NONE;
}

static void code_throttled(void)
{
	int asked_for = 0, wrong = 0;
	in_store(add_factor);
	patient = false;
	size_t mark = arena_mark();
	for (int i = 0; i < 40; i++, arena_back(mark)) {
		sign_in(&solana, ",\"username\":\"alice\"");
		asked_for += rp.status == 401 && strstr(body(), "code_required");
	}
	is_int(asked_for, 40, "the signature alone is no try");
	for (int i = 0; i < 40; i++, arena_back(mark)) {
		sign_in(&solana, ",\"username\":\"alice\",\"code\":\"AAAAA-AAAAA\"");
		wrong += rp.status == 401;
	}
	is_int(wrong, 5, "a wrong code is");
	boot_now += 60;
	sign_in(&solana, with_code(1));
	expect(200, NULL, "a right one a minute later");
	patient = true;
	boot_now += DAY;
	in_store(drop_factor);
}

static void throttled(void)
{
	int refusals = 0;
	patient = false;
	size_t mark = arena_mark();
	for (int i = 0; i < 60; i++, arena_back(mark)) {
		const char *text = challenge(&solana);
		post("/wallet/login", shown(&solana, text, "AAAA", ""));
		refusals += rp.status == 429;
	}
	ok(refusals > 20, "who goes on trying has to wait: %d of 60", refusals);
	patient = true;
	boot_now += DAY;
}

int main(void)
{
	static const struct dialect *const dialects[] = { &auth_dialect, &wallet_dialect, NULL };
	begin_case("issuer=" ORIGIN "/api/auth\nwallets=stellar:pubnet solana:mainnet\nsignup=on\n", dialects);
	static void (*const parts[])(void) = { challenges, without_signup, first_time, meanwhile, bound, linking, second_factor, code_throttled, refused, throttled, without_password };
	size_t mark = arena_mark();
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		parts[i]();
		arena_back(mark);
		rp = (struct reply){ 0 };
	}
	return end_case();
}
