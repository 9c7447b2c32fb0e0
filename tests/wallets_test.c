/*
 * wallets_test: wallets on the pages of the door: a user who has no password signs in, shows a code or sets one up, goes on to clients and devices, and does
 * on his account what asks others for a password. Each refusal has its control.
 */
#include "door/wallets.h"

#include "door_case.h"

#include "keys.h"
#include "purse.h"
#include "trail.h"

#include "page_codes.h"

static char ticket[2048];

/* ---- forms ------------------------------------------------------------- */

/* As post(), of a text in the arena, which a call takes back. */
static void send(const char *path, const char *text)
{
	static char kept[8192];
	snprintf(kept, sizeof kept, "%s", text);
	post(path, kept);
}

static const char *escaped(const char *text)
{
	struct buf b = { 0 };
	for (; *text; text++)
		buf_s(&b, *text == '+' ? "%2B" : *text == '/' ? "%2F" : *text == '=' ? "%3D" : (const char[]){ *text, '\0' });
	return slice_text(buf_slice(&b));
}

/* The text that a host with that issuer writes for a wallet. */
static struct slice text_by(const char *issuer, const struct purse *p)
{
	struct config its = config;
	const struct work w = { .config = &its, .ring = &ring, .time = clock_now };
	struct wallet wallet;
	its.issuer = slice_of(issuer);
	wallet_find(config.wallets, slice_of(p->chain), slice_of(p->address), &wallet);
	return wallet_text(&w, &ring, &wallet, random_id());
}

static const char *shown_as(const char *chain, const char *address, struct slice text, const char *signature, const char *more)
{
	struct buf b = { 0 };
	base64url_add(&b, text);
	return strdup(text_join("id=", chain, ":", address, "&data=", slice_text(buf_slice(&b)), "&signature=", escaped(signature), more, NULL));
}

/* What the page's script sends, with more behind it. Lives on. */
static const char *shown(const struct purse *p, const char *more)
{
	struct slice text = text_by("https://example.test/auth", p);
	return shown_as(p->chain, p->address, text, purse_sign(p, text), more);
}

static struct user named(const char *name)
{
	struct user u = { .id = 0 };
	store_open(dir, 5);
	store_user_named(slice_of(name), &u);
	store_close();
	u.name = slice_of(strdup(name));
	return u;
}

/* The session that began last. */
static struct session newest(void)
{
	struct session s = { .id = 0 };
	uint64_t id = last_event(dir).session;
	store_open(dir, 5);
	store_session(id, &s);
	store_close();
	return s;
}

static size_t count_sessions(void)
{
	struct session list[LIMIT_LIST];
	store_open(dir, 5);
	size_t n = store_sessions(0, 0, list);
	store_close();
	return n;
}

static uint64_t changed;
static const char *written;
static void in_store(void (*change)(void))
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	change();
	store_commit();
	store_close();
}
static void write_keys(void) { store_user_keys_set(changed, slice_of(written)); }
static void write_groups(void) { store_user_profile(changed, &(struct profile){ .groups = slice_of(written) }); }

/* Another user's key list: a row of this wallet, as keys.h writes it. */
static const char *row_of(const struct purse *p)
{
	struct slice out = SLICE_NONE;
	struct wallet wallet;
	wallet_find(config.wallets, slice_of(p->chain), slice_of(p->address), &wallet);
	keys_add(SLICE_NONE, &(struct user_key){ .kind = slice_of(p->chain), .id = { (const char *)wallet.key, WALLET_KEY }, .created_at = 1 }, &out);
	return strdup(slice_text(out));
}

static void keep_ticket(void)
{
	const char *at = strstr(body(), "name=\"shown\" value=\"");
	at = at ? at + 20 : "";
	snprintf(ticket, sizeof ticket, "%.*s", (int)strcspn(at, "\""), at);
}

static bool asks_for_code(void) { return rp.status == 403 && in_body("name=\"second\"") && in_body("name=\"shown\"") && !in_body("type=\"password\""); }

/* ---- tests ------------------------------------------------------------- */

static void pages(void)
{
	get("/signin");
	ok(in_body("data-chain=\"stellar\" hidden>Sign in with Stellar<") && in_body("data-chain=\"solana\" hidden>Sign in with Solana<"), "a hidden button for each chain");
	ok(in_head("; connect-src 'self'"), "and the page may ask for a text");
	get("/link");
	ok(!in_head("connect-src"), "another page may not");
	struct slice kept = config.wallets;
	config.wallets = SLICE_NONE;
	get("/signin");
	ok(!in_body("data-chain") && !in_head("connect-src"), "where no chain is named there is neither");
	send("/signin", shown(&stellar, ""));
	is_int(rp.status, 404, "nor is a wallet taken");
	config.wallets = kept;
}

static void signs_in(void)
{
	config.signup = false;
	send("/signin", shown(&stellar, ""));
	ok(rp.status == 403 && in_body("That one doesn&#39;t sign you in here.") && !*cookie, "nobody is made where signup is off");
	config.signup = true;
	const char *form = shown(&stellar, "&stay=true&rd=%2Fx");
	send("/signin", form);
	ok(goes_to("/x") && *cookie, "a first sign-in makes the user, and leads on");
	is_int(last_event(dir).event, EVENT_USER_ADDED, "which the trail has");
	char *first = strdup(cookie);
	ok(newest().amr == AMR_WALLET && newest().ctr == 0 && !newest().brief, "it is a site session, by a wallet");
	send("/signin", form);
	ok(goes_to("/x") && strcmp(first, cookie) == 0 && count_sessions() == 1, "the same form once more, whose answer was lost, is the same session");
	get("/account");
	ok(rp.status == 200 && in_body("stellar:" STELLAR) && in_body("<h2>Wallets</h2>"), "it opens the account");
	send("/account", "do=others");
	ok(goes_to("account?done=others"), "which ends all that there was before");
	send("/signin", form);
	ok(rp.status == 400 && in_body("took too long"), "then the form is worth nothing");
	send("/signin", shown(&solana, "&rd=https%3A%2F%2Fevil.example%2F"));
	ok(goes_to("account") && newest().brief, "another chain's; without a tick the browser forgets it, and a strange address isn't gone to");
	free(first);
}

/* Refused, and no session; after it the same with nothing wrong. */
static void refused(const char *form, int status, const char *what)
{
	size_t before = count_sessions();
	*cookie = '\0';
	send("/signin", form);
	ok(rp.status == status && !*cookie && count_sessions() == before, "%s: %d", what, rp.status);
	send("/signin", shown(&stellar, ""));
	ok(goes_to("account") && *cookie, "control: without it, signed in");
}

static void attacks(void)
{
	const char *good = shown(&stellar, "");
	rq.sec_fetch_site = S("cross-site");
	refused(good, 403, "a form of another site");
	rq.sec_fetch_site = SLICE_NONE;
	rq.origin = S("https://evil.example");
	refused(good, 403, "one whose browser says its origin alone");
	struct slice text = text_by("https://evil.example/auth", &stellar);
	refused(shown_as("stellar", STELLAR, text, purse_sign(&stellar, text), ""), 400, "a text for another place");
	text = text_by("https://example.test/auth", &solana);
	refused(shown_as("stellar", STELLAR, text, purse_sign(&stellar, text), ""), 400, "a text for another wallet");
	text = text_by("https://example.test/auth", &stellar);
	refused(shown_as("stellar", STELLAR, text, purse_sign(&solana, text), ""), 403, "a signature by another key");
	text = text_by("https://example.test/auth", &stellar);
	refused(shown_as("solana", STELLAR, text, purse_sign(&stellar, text), ""), 400, "the address of another chain");
	text = text_by("https://example.test/auth", &stellar);
	refused(shown_as("stellar", STELLAR, text, "", "x"), 403, "what is no signature");
	refused("id=stellar:" STELLAR "&data=AA==&signature=x", 400, "what is no base64url");
	refused("id=&data=&signature=x", 400, "nothing at all");
	good = shown(&stellar, "");
	clock_now += 300;
	refused(good, 400, "a text that is five minutes old");
	refused(shown(&stellar, "&username=alice"), 403, "in the name of a user whom it isn't linked to");
	changed = named("alice").id;
	written = row_of(&stellar);
	in_store(write_keys);
	send("/signin", shown(&stellar, "&username=alice"));
	ok(goes_to("account") && newest().user == changed, "control: who has it linked");
	written = "";
	in_store(write_keys);
}

static void throttled(void)
{
	struct slice text = text_by("https://example.test/auth", &stellar);
	const char *wrong = shown_as("stellar", STELLAR, text, purse_sign(&solana, text), "");
	boot_stands = true;
	rp.status = 0;
	for (int i = 0; i < 40 && rp.status != 429; i++) {
		rq.peer = S("198.51.100.9");
		send("/signin", wrong);
	}
	ok(rp.status == 429 && in_body("Too many tries."), "who shows wrong ones is told to wait");
	rq.peer = S("198.51.100.9");
	send("/signin", shown(&stellar, ""));
	is_int(rp.status, 429, "also with the right one");
	boot_stands = false;
	boot_now += DAY;
	send("/signin", shown(&stellar, ""));
	ok(goes_to("account"), "later it counts");
}

/* Whoever must have a factor, and has a wallet alone, sets it up before anything is granted. */
static void needs_factor(void)
{
	config.factor_groups = S("staff");
	changed = named("stellar:" STELLAR).id;
	written = "staff";
	in_store(write_groups);
	*cookie = '\0';
	send("/signin", shown(&stellar, "&stay=true&rd=%2Fx"));
	ok(asks_for_code() && in_body("data-qr") && in_body("That alone is not enough here") && !*cookie, "a factor has to be set up");
	ok(in_body("name=\"username\" value=\"stellar:" STELLAR "\"") && in_body("value=\"/x\""), "by a form that knows who he is, and where he came from");
	learn_secret();
	send("/signin", shown(&stellar, "&stay=true"));         /* at that time */
	ok(asks_for_code() && in_body("data-qr"), "another one each time");
	learn_secret();
	keep_ticket();
	send("/signin", text_join("username=alice&shown=", ticket, "&second=", code(0), NULL));
	ok(rp.status == 400 && !*cookie, "its ticket is worth nothing in another's name");
	written = "";
	const char *keys = row_of(&stellar);
	in_store(write_keys);
	send("/signin", text_join("username=stellar:" STELLAR "&shown=", ticket, "&second=", code(0), NULL));
	ok(rp.status == 400 && !*cookie, "nor once the wallet is taken away");
	written = keys;
	in_store(write_keys);
	send("/signin", shown(&stellar, "&stay=true"));
	learn_secret();
	keep_ticket();
	send("/signin", text_join("username=stellar:" STELLAR "&shown=", ticket, "&second=000000&stay=true", NULL));
	ok(asks_for_code() && in_body("data-qr"), "a wrong code shows it again");
	send("/signin", text_join("username=stellar:" STELLAR "&shown=", ticket, "&rd=%2Fx&stay=true&second=", code(0), NULL));
	ok(goes_to("/x") && *cookie, "the right one sets it up, and signs in");
	is_int(newest().amr, AMR_WALLET | AMR_OTP, "by a wallet and a code");
}

static void behind_the_wallet(void)
{
	*cookie = '\0';
	send("/signin", shown(&stellar, ""));
	ok(asks_for_code() && !in_body("data-qr") && in_body("That was right.") && !*cookie, "who has a factor is asked for its code");
	keep_ticket();
	send("/signin", text_join("username=stellar:" STELLAR "&shown=", ticket, "&second=", code(0), NULL));
	ok(asks_for_code(), "one that has counted doesn't count");
	send("/signin", text_join("username=stellar:" STELLAR "&shown=", ticket, "&second=", code(1), NULL));
	ok(goes_to("account") && newest().amr == (AMR_WALLET | AMR_OTP), "the next one does");
	clock_now += 60;
}

/* ---- the account ------------------------------------------------------- */

static void account_of_his(void)
{
	get("/account");
	ok(!in_body("type=\"password\"") && in_body("Your passkey or wallet is asked for it.") && in_body("data-chain=\"stellar\" hidden>Turn off: Stellar<"), "no field for a password: his wallet is asked");
	ok(!in_body(">Turn off: Solana<") && !in_body(">Turn off: Passkey<"), "and nothing that he doesn't have");
	ok(in_body("value=\"factor-off\"") && in_body("name=\"second\""), "the code is asked for beside it");
	send("/account", text_join("do=factor-off&second=", code(0), NULL));
	is_int(rp.status, 403, "without the wallet the factor stays on");
	send("/account", shown(&solana, text_join("&do=factor-off&second=", code(0), NULL)));
	is_int(rp.status, 403, "and by another's");
	send("/account", shown(&stellar, "&do=factor-off&second=000000"));
	is_int(rp.status, 403, "and with a wrong code");
	send("/account", shown(&stellar, "&do=factor-off"));
	ok(rp.status == 403 && in_body("That was right."), "and with none");
	char *before = strdup(cookie);
	send("/account", shown(&stellar, text_join("&do=factor-off&second=", code(0), NULL)));
	ok(goes_to("account?done=factor-off") && strcmp(before, cookie) != 0, "with both it is off, by a session of that moment");
	is_int(newest().created_at, clock_now, "so what asks for a recent sign-in may be done then");
	snprintf(cookie, sizeof cookie, "%s", before);
	get("/account");
	ok(goes_to("signin?done=over"), "the one of before has ended");
	free(before);
}

static void sets_up(void)
{
	*cookie = '\0';
	config.factor_groups = SLICE_NONE;
	send("/signin", shown(&stellar, ""));
	config.factor_groups = S("staff");
	send("/account", "do=factor");
	ok(rp.status == 403 && !in_body("data-qr"), "nothing is set up for who shows nothing");
	send("/account", shown(&stellar, "&do=factor"));
	ok(rp.status == 200 && in_body("data-qr") && in_body("value=\"factor-on\""), "who must have a factor, and was signed in before, sets one up by his wallet");
	config.factor_groups = SLICE_NONE;
	send("/account", shown(&stellar, "&do=factor"));
	ok(rp.status == 200 && in_body("data-qr"), "as does who need not");
	learn_secret();
	keep_ticket();
	send("/account", text_join("do=factor-on&shown=", ticket, "&second=", code(0), NULL));
	ok(goes_to("account?done=factor-on"), "a code turns it on");
	clock_now += 30;
	send("/account", shown(&stellar, text_join("&do=factor-off&second=", code(0), NULL)));
	ok(goes_to("account?done=factor-off"), "and off again");
}

static void adds(void)
{
	const char *form = shown(&solana, "&do=add");
	send("/account", form);
	ok(goes_to("account?done=add"), "another wallet is added");
	send("/account", form);
	ok(goes_to("account?done=add"), "sent twice, too");
	get("/account?done=add");
	ok(in_body("It signs you in from now on.") && in_body("FVen…S96Z") && in_body(">Add a wallet: Solana<"), "and listed");
	send("/signin", shown(&solana, "&username=stellar:" STELLAR));
	ok(goes_to("account") && newest().user == named("stellar:" STELLAR).id, "and signs in by the name");
	clock_now += 601;
	get("/account");
	ok(!in_body(">Add a wallet") && !in_body("value=\"forget\""), "ten minutes later nothing can be added or removed");
	send("/account", shown(&solana, "&do=add"));
	ok(rp.status == 403 && in_body("sign out and in again"), "as is said");
	send("/account", "do=add&id=x&data=AA&signature=x");
	is_int(rp.status, 400, "what is none isn't added");
}

static void leaves(void)
{
	const char *old = shown(&stellar, "");
	*cookie = '\0';
	send("/signin", old);
	ok(goes_to("account"), "signed in");
	char *with_do = strdup(text_join(old, "&do=delete", NULL));
	send("/account", with_do);
	ok(rp.status == 400 && named("stellar:" STELLAR).id, "what he has signed in by deletes nothing");
	char *here = strdup(cookie);
	*cookie = '\0';
	send("/signin", shown(&stellar, ""));
	send("/account", with_do);
	ok(rp.status == 400 && named("stellar:" STELLAR).id, "nor in another browser");
	snprintf(cookie, sizeof cookie, "%s", here);
	send("/account", "do=delete");
	is_int(rp.status, 403, "nor nothing at all");
	send("/account", "do=delete&password=x");
	is_int(rp.status, 403, "nor a password");
	const char *good = shown(&stellar, "&do=delete");
	rq.sec_fetch_site = S("cross-site");
	send("/account", good);
	ok(rp.status == 403 && named("stellar:" STELLAR).id, "nor a form of another site");
	send("/account", good);
	ok(goes_to("signin?done=deleted") && named("stellar:" STELLAR).id == 0, "the wallet does");
	get("/account");
	ok(goes_to("signin"), "and nobody is signed in");
	free(with_do);
	free(here);
}

/* Who has a password is asked for it, whatever else he has. */
static void with_a_password(void)
{
	changed = named("alice").id;
	written = row_of(&stellar);
	in_store(write_keys);
	*cookie = '\0';
	send("/signin", shown(&stellar, "&username=alice"));
	ok(goes_to("account"), "who has a password and a wallet signs in by it");
	get("/account");
	ok(in_body("type=\"password\"") && !in_body("Delete account: Stellar"), "and is asked for the password");
	send("/account", shown(&stellar, "&do=delete"));
	ok(rp.status == 400 && named("alice").id, "which the wallet doesn't stand for");
	*cookie = '\0';
}

/* ---- clients and devices ----------------------------------------------- */

#define PKCE "&response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
#define WEB "/authorize?client_id=web" PKCE
#define BANK "/authorize?client_id=bank" PKCE

static void goes_on(void)
{
	name_clients("tv public,device\nweb public https://web.example/cb\nbank public,factor https://bank.example/cb\n");
	get(WEB);
	ok(in_body("Sign in with Stellar") && in_head("connect-src 'self'"), "the page of a client has the buttons");
	size_t before = count_sessions();
	send(WEB, shown(&stellar, ""));
	ok(goes_to("https://web.example/cb?code=") && !*cookie && count_sessions() == before, "it leads back to the client, and keeps nothing");
	ok(named("stellar:" STELLAR).id, "but the user, who was made by it");
	is_int(last_event(dir).event, EVENT_USER_ADDED, "as the trail says");
	send(WEB, shown(&stellar, "&stay=true"));
	ok(goes_to("https://web.example/cb?code=") && *cookie, "who stays is signed in here, too");
	*cookie = '\0';
	send(BANK, shown(&solana, ""));
	ok(asks_for_code() && in_body("data-qr") && named("solana:" SOLANA).id, "a client that wants a factor: somebody new sets it up");
	learn_secret();
	send(BANK, shown(&solana, ""));
	learn_secret();
	keep_ticket();
	send(BANK, text_join("username=solana:" SOLANA "&shown=", ticket, "&second=", code(0), NULL));
	ok(goes_to("https://bank.example/cb?code="), "and goes on");
	send(BANK, shown(&solana, ""));
	ok(asks_for_code() && !in_body("data-qr"), "from then on the code is asked for");
	get("/device");
	ok(in_body("Sign in with Stellar") && in_head("connect-src 'self'"), "the page of devices has them");
	send("/device", shown(&stellar, "&code=x&stay=true"));
	ok(*cookie && in_body("This code is not right"), "and goes on with the code of the device");
	*cookie = '\0';
}

int main(void)
{
	set_up();
	config.wallets = S("stellar:pubnet solana:mainnet");
	pages();
	signs_in();
	attacks();
	throttled();
	needs_factor();
	behind_the_wallet();
	account_of_his();
	sets_up();
	adds();
	leaves();
	with_a_password();
	goes_on();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
