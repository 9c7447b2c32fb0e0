/*
 * second_test: the pages with a second factor: the code behind the password at /signin, /authorize and /device, a factor that must be set up first,
 * and the account's own part. What a code is worth: totp_test.
 */
#include "door_case.h"

#include "page_codes.h"

static char shown[2048];

/* What a hidden field of the answer has; kept until the next call of this. */
static const char *field(const char *name)
{
	const char *at = strstr(body(), text_join("name=\"", name, "\" value=\"", NULL));
	at = at ? strstr(at, "value=\"") + 7 : "";
	snprintf(shown, sizeof shown, "%.*s", (int)strcspn(at, "\""), at);
	return shown;
}

static bool asks_for_code(void) { return in_body("name=\"second\"") && in_body("name=\"shown\"") && !in_body("type=\"password\""); }

static void form(const char *path, const char *rest)
{
	char text[4096];
	snprintf(text, sizeof text, "username=alice&shown=%s&%s", shown, rest);
	post(path, text);
}

static void sign_in(void) { post("/signin", "username=alice&password=correct+horse&stay=true"); }

static void set_up_at_account(void)
{
	sign_in();
	ok(goes_to("account"), "signed in");
	get("/account");
	ok(in_body("value=\"factor\"") && !in_body("data-qr"), "the account has a part for it");
	post("/account", "do=factor&password=wrong");
	ok(rp.status == 403 && in_body("The password is wrong."), "which asks for the password");
	post("/account", "do=factor&password=correct+horse");
	ok(rp.status == 200 && in_body("data-qr=\"otpauth://totp/") && in_body("<script") && in_body(" open>"), "then it shows a QR code");
	learn_secret();
	char last[16];
	snprintf(last, sizeof last, "%s", slice_text(totp_recovery(secret, 9)));
	ok(in_body(last), "and the recovery codes");
	field("shown");
	form("/account", "do=factor-on&second=000000");
	ok(rp.status == 403 && in_body("data-qr=\"otpauth://") && in_body("That code is wrong") && in_body(last), "a wrong code: all of it is shown again");
	shown[0] ^= 1;
	form("/account", "do=factor-on&second=123456");
	ok(rp.status == 400 && !in_body("data-qr") && in_body("took too long"), "a ticket that is none");
	shown[0] ^= 1;
	form("/account", text_join("do=factor-on&second=", code(0), NULL));
	ok(goes_to("account?done=factor-on"), "the right one turns it on");
	get("/account?done=factor-on");
	ok(in_body("The second factor is on.") && in_body("value=\"factor-off\"") && in_body("Second factor turned on"), "which the page says");
	post("/account", "do=factor&password=correct+horse");
	ok(rp.status == 409, "there is no other one beside it");
}

static void behind_the_password(void)
{
	*cookie = '\0';
	post("/signin?rd=%2Fx", "username=alice&password=wrong&rd=%2Fx&key=k");
	ok(in_body("type=\"password\"") && !in_body("name=\"second\""), "a wrong password asks for no code");
	post("/signin", "username=alice&password=correct+horse&rd=%2Fx&key=k");
	ok(rp.status == 403 && asks_for_code() && in_body("That was right.") && in_body("value=\"/x\"") && in_body("value=\"k\""), "the right one does");
	ok(*cookie == '\0', "and signs nobody in");
	field("shown");
	form("/signin", "stay=false&second=000000&rd=%2Fx&key=k");
	ok(rp.status == 403 && asks_for_code() && in_body("That code is wrong") && in_body("value=\"false\""), "a wrong code: the same again");
	field("shown");
	form("/signin", text_join("stay=false&second=", code(0), NULL));
	ok(asks_for_code(), "as one that has counted");
	form("/signin", text_join("stay=false&rd=%2Fx&second=", code(1), NULL));
	ok(goes_to("/x") && *cookie, "the next one signs in");
	post("/signin", "username=alice&shown=x&second=123456");
	ok(in_body("type=\"password\"") && in_body("took too long"), "a ticket that is none: from the start");
	post("/signin", "username=alice");
	ok(rp.status == 400 && in_body("type=\"password\""), "neither password nor ticket");
	clock_now += 60;
}

static void other_forms(void)
{
	*cookie = '\0';
	name_clients("tv public,device\nweb public https://web.example/cb\n");
	static const char query[] = "/authorize?client_id=web&response_type=code&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
	post(query, "username=alice&password=correct+horse");
	ok(rp.status == 403 && asks_for_code(), "/authorize asks for the code, too");
	field("shown");
	form(query, text_join("second=", code(0), NULL));
	ok(goes_to("https://web.example/cb?code="), "and goes on with it");
	post(query, "username=alice&password=correct+horse&stay=true");
	field("shown");
	form(query, text_join("stay=true&second=", code(1), NULL));
	ok(goes_to("https://web.example/cb?code=") && *cookie, "also where the browser stays signed in");
	clock_now += 90;
	*cookie = '\0';
	post("/device", "code=x&username=alice&password=correct+horse");
	ok(asks_for_code() && in_body("name=\"code\" value=\"x\""), "/device asks for it, and keeps the device's code");
	field("shown");
	form("/device", text_join("code=x&stay=true&second=", code(0), NULL));
	ok(*cookie && in_body("This code is not right"), "and goes on with that");
	clock_now += 60;
}

static void away(void)
{
	post("/account", "do=password&password=correct+horse&next=battery+staple");
	ok(rp.status == 403 && in_body("That was right."), "another password needs the code");
	post("/account", "do=factor-off&password=correct+horse&second=000000");
	ok(rp.status == 403 && in_body("The password or the code is wrong."), "as does to turn it off");
	form("/account", text_join("do=factor-off&password=correct+horse&second=", code(0), NULL));
	ok(goes_to("account?done=factor-off"), "with it that is done");
	*cookie = '\0';
	sign_in();
	ok(goes_to("account"), "the password is enough again");
	*cookie = '\0';
}

/* Whoever must have one sets it up by the same form, before anything is granted. */
static void needed(void)
{
	static struct user u;
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_named(S("alice"), &u);
	store_user_profile(u.id, &(struct profile){ .groups = S("admins") });
	store_commit();
	store_close();
	config.factor_groups = S("admins");
	sign_in();
	ok(rp.status == 403 && asks_for_code() && in_body("That alone is not enough here") && in_body("data-qr"), "who must have a factor is shown one");
	ok(*cookie == '\0', "and isn't signed in");
	learn_secret();
	field("shown");
	form("/signin", "stay=true&second=000000");
	ok(rp.status == 403 && asks_for_code() && in_body("data-qr") && in_body("That code is wrong"), "a wrong code shows it again");
	form("/signin", text_join("stay=true&second=", code(0), NULL));
	ok(goes_to("account") && *cookie, "the right one sets it up and signs in");
	*cookie = '\0';
	sign_in();
	ok(asks_for_code() && !in_body("data-qr"), "from then on the code is asked for");
}

/* A client that wants it, of a user who need have none elsewhere. */
static void wanted_by_client(void)
{
	static const char query[] = "/authorize?client_id=bank&response_type=code&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
	char text[4096];
	config.factor_groups = SLICE_NONE;
	*cookie = '\0';
	add_user("bob");
	name_clients("bank public,factor https://bank.example/cb\n");
	post("/signin", "username=bob&password=correct+horse");
	ok(goes_to("account"), "a password is enough to sign in");
	get(query);
	ok(rp.status == 200 && in_body("type=\"password\""), "but not for this client");
	post(query, "username=bob&password=correct+horse");
	ok(asks_for_code() && in_body("data-qr"), "for which a factor is set up");
	learn_secret();
	field("shown");
	snprintf(text, sizeof text, "username=bob&stay=true&shown=%s&second=%s", shown, code(0));
	post(query, text);
	ok(goes_to("https://bank.example/cb?code="), "and shown");
	get(query);
	ok(goes_to("https://bank.example/cb?code="), "which the session knows from then on");
}

int main(void)
{
	set_up();
	set_up_at_account();
	behind_the_password();
	other_forms();
	away();
	needed();
	wanted_by_client();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
