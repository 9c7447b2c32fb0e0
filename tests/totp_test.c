/*
 * totp_test: the second factor: RFC 6238's vectors, what is stored, which codes count and how often; and by the policy's own calls setting one
 * up, signing in with it, taking it away. On a real store, with a clock of the test's own.
 */
#include "totp.h"

#include "clock.h"
#include "codes.h"
#include "config.h"
#include "factor.h"
#include "password.h"
#include "session_client.h"
#include "signin.h"
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "throttle.h"
#include "ticket.h"
#include "dir.h"
#include "t.h"

#include <sys/stat.h>

enum { DAY = 86400, CHEAP = 8 };
#define PASSWORD S("correct horse")

static struct config config;
static struct keyring ring;
static char dir[64];
static int64_t clock_now, boot_now;
static enum clock_witness witness = CLOCK_KERNEL;
static struct user u;
static struct caller caller;

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }
static enum clock_witness fake_witness(void) { return witness; }

static struct work new_work(void)
{
	return (struct work){ .config = &config, .ring = &ring, .peer = S("192.0.2.7"), .time = clock_now };
}

/* ---- codes ------------------------------------------------------------- */

static const uint8_t *rfc_secret = (const uint8_t *)"12345678901234567890";

/* RFC 6238, appendix B, of SHA-1; its eight digits end in the six of ours. */
static void vectors(void)
{
	static const struct { int64_t time; uint32_t code; } rows[] = {
		{ 59, 94287082 }, { 1111111109, 7081804 }, { 1111111111, 14050471 }, { 1234567890, 89005924 }, { 2000000000, 69279037 },
		{ 20000000000, 65353130 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		is_int(totp_number(rfc_secret, rows[i].time / 30), rows[i].code % 1000000, "the code of %jd", (intmax_t)rows[i].time);
}

/* RFC 4648, 10 has no text of 20 bytes: the letters are those of base32(1). */
static void letters(void)
{
	static const char *const none[] = { "", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQG", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1",
		"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ=" };
	uint8_t back[TOTP_SECRET];
	is_str(slice_text(totp_letters(rfc_secret)), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "a secret in base32");
	ok(totp_secret(S("GEZDGNBVGY3TQOJQgezdgnbvgy3tqojq"), back) && same_bytes(back, rfc_secret, TOTP_SECRET), "and back, in small letters too");
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		ok(!totp_secret(slice_of(none[i]), back), "no secret: %s", none[i]);
	ok(!totp_secret((struct slice){ "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ", 32 }, back), "nor with a NUL");
	is_str(slice_text(totp_uri(S("GEZ"), S("My place"), S("a:b@c"))), "otpauth://totp/My%20place:a%3ab%40c?secret=GEZ&issuer=My%20place", "the URI of a QR code");
}

static bool is_recovery(struct slice code)
{
	bool good = code.n == 11 && code.p[5] == '-';
	for (size_t i = 0; i < code.n; i++)
		good &= i == 5 || (code.p[i] >= 'a' && code.p[i] <= 'z') || (code.p[i] >= '2' && code.p[i] <= '7');
	return good;
}

/* All differ; the second group is of other bits than the first. */
static void recovery_codes(void)
{
	for (unsigned i = 0; i < TOTP_RECOVERY; i++) {
		struct slice code = totp_recovery(rfc_secret, i);
		ok(is_recovery(code) && !slice_is(code, totp_recovery(rfc_secret, (i + 1) % TOTP_RECOVERY)), "recovery code %u", i);
	}
	/* printf "recovery\\0" | openssl dgst -sha1 -hmac 12345678901234567890 -binary | base32 */
	is_str(slice_text(totp_recovery(rfc_secret, 0)), "dhm3t-nsqcb", "one by another program");
}

static void stored(void)
{
	struct totp t = { .enrolled_at = 1700000000, .last = 56666666, .spent = 0x2a5 }, out;
	struct keyring other = { .count = 1, .key = { { .kid = "deadbeef", .master = { 9 } } } };
	size_t signer = 9;
	memcpy(t.secret, rfc_secret, TOTP_SECRET);
	struct slice bytes = totp_seal(&ring.key[1], 7, &t);
	is_int((int64_t)bytes.n, 46, "what is stored");
	ok(!memmem(bytes.p, bytes.n, rfc_secret, TOTP_SECRET), "doesn't show the secret");
	ok(totp_open(&ring, 7, bytes, &out, &signer) == TOTP_FOUND && signer == 1 && same_bytes(out.secret, rfc_secret, TOTP_SECRET) && out.last == t.last
		&& out.spent == t.spent && out.enrolled_at == t.enrolled_at, "and is read again");
	ok(totp_open(&ring, 8, bytes, &out, NULL) == TOTP_FOUND && !same_bytes(out.secret, rfc_secret, TOTP_SECRET), "another user's row shows another secret");
	is_int(totp_open(&ring, 7, SLICE_NONE, &out, NULL), TOTP_NONE, "nothing is none");
	is_int(totp_open(&other, 7, bytes, &out, NULL), TOTP_LOST, "a key that is gone is not none");
	is_int(totp_open(&ring, 7, slice_from(bytes, 1), &out, NULL), TOTP_LOST, "nor are bytes that are too few");
}

static struct slice code_at(const uint8_t *secret, int64_t step)
{
	char text[8];
	snprintf(text, sizeof text, "%06u", totp_number(secret, step));
	return arena_copy(slice_of(text));
}

/* Steps away from now: whether the code counts, for who used the code of `last` steps away before (9: none). */
static void drift(void)
{
	static const struct { int away, last; bool counts; } rows[] = {
		{ 0, 9, true }, { -1, 9, true }, { 1, 9, true }, { -2, 9, false }, { 2, 9, false }, { 0, 0, false }, { 1, 0, true }, { -1, 0, false },
		{ 0, -1, true }, { 0, 1, false }, { 1, 1, false },
	};
	struct work w = new_work();
	int64_t now = clock_now / 30, proof;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct totp t = { .last = rows[i].last == 9 ? 0 : now + rows[i].last };
		memcpy(t.secret, rfc_secret, TOTP_SECRET);
		enum error e = totp_judge(&w, &t, code_at(rfc_secret, now + rows[i].away), &proof);
		is_int(e, rows[i].counts ? ERROR_NONE : ERROR_INVALID_CREDENTIALS, "a code %d steps away, after %d", rows[i].away, rows[i].last);
		if (e == ERROR_NONE)
			ok(proof == now + rows[i].away && totp_spend(&t, proof) && !totp_spend(&t, proof) && t.last == proof, "is spent once");
	}
}

static void typed(void)
{
	struct totp t = { .last = 0 };
	struct work w = new_work();
	int64_t proof;
	memcpy(t.secret, rfc_secret, TOTP_SECRET);
	struct slice code = code_at(rfc_secret, clock_now / 30), third = totp_recovery(rfc_secret, 2);
	char capitals[32];
	snprintf(capitals, sizeof capitals, " %.3s-%.3s ", code.p, code.p + 3);
	is_int(totp_judge(&w, &t, slice_of(capitals), &proof), ERROR_NONE, "blanks and hyphens don't count");
	for (size_t i = 0; i < third.n; i++)
		capitals[i] = (char)(third.p[i] >= 'a' ? third.p[i] - 'a' + 'A' : third.p[i]);
	is_int(totp_judge(&w, &t, (struct slice){ capitals, third.n }, &proof), ERROR_NONE, "nor do capitals");
	ok(proof == 3 && totp_spend(&t, proof) && !totp_spend(&t, proof) && t.spent == 4, "a recovery code is spent once");
	is_int(totp_judge(&w, &t, third, &proof), ERROR_INVALID_CREDENTIALS, "and then counts no more");
	is_int(totp_judge(&w, &t, totp_recovery(rfc_secret, 3), &proof), ERROR_NONE, "another does");
	static const char *const none[] = { "", "12345", "1234567", "12345a", "1a2345", "12+456", "aaaaaaaaaa", "aaaaaaaaaaa", "123456789012345678901234567890" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		is_int(totp_judge(&w, &t, slice_of(none[i]), &proof), ERROR_INVALID_CREDENTIALS, "no code: \"%s\"", none[i]);
	ok(!totp_spend(&t, 0) && !totp_spend(&t, -1), "nothing is no proof");
	w.trust = CLOCK_DOUBTFUL;
	is_int(totp_judge(&w, &t, code, &proof), ERROR_CLOCK_UNSET, "while the clock is doubted, no code is called wrong");
	is_int(totp_judge(&w, &t, totp_recovery(rfc_secret, 3), &proof), ERROR_NONE, "a recovery code needs no clock");
}

/* ---- a user's ---------------------------------------------------------- */

static struct work work;
static struct grant grant;
static uint8_t secret[TOTP_SECRET];

static enum error end(enum error e)
{
	password_slot_leave();
	store_close();
	return e;
}

static enum error sign_in(struct slice code, struct slice key)
{
	work = new_work();
	return end(signin_by_password(&work, u.name, PASSWORD, &(struct origin){ .idempotency = key, .factor.code = code }, &grant));
}

static struct slice now_code(void) { return code_at(secret, clock_now / 30); }

static void open_work(void)
{
	work = new_work();
	caller.confirmed = 0;           /* another request */
	session_clock(&work);
}

static struct audit last_event(void)
{
	struct audit a[LIMIT_LIST];
	store_open(dir, 5);
	size_t n = store_audits(u.id, 0, 1, a);
	store_close();
	return n ? a[0] : (struct audit){ 0 };
}

static struct slice factor_now(void)
{
	store_open(dir, 5);
	struct slice bytes = store_user_factor(u.id);
	store_close();
	return bytes;
}

static enum error set_bytes(void *bytes)
{
	store_user_factor_set(u.id, *(struct slice *)bytes);
	return ERROR_NONE;
}

static void set_factor(struct slice bytes)
{
	store_open(dir, 5);
	store_run(DURABLE_NOW, set_bytes, &bytes);
	store_close();
}

static struct enrolment made;

static enum error begin(struct slice password)
{
	open_work();
	return end(factor_begin(&work, &caller, password, &made));
}

static bool is_gone;
static bool ask_gone(const void *client) { (void)client; return is_gone; }

static enum error confirm(struct slice ticket, struct slice code)
{
	open_work();
	work.is_gone = ask_gone;
	return end(factor_confirm(&work, &caller, ticket, code));
}

static enum error off(struct slice password, struct slice code)
{
	open_work();
	return end(factor_off(&work, &caller, password, code));
}

static void set_up(void)
{
	is_int(sign_in(SLICE_NONE, SLICE_NONE), ERROR_NONE, "without a factor no code is wanted");
	caller = (struct caller){ .claims = { .sub = u.id, .sid = grant.session.id, .iat = clock_now, .exp = clock_now + 900 }, .session = grant.session, .user = grant.user };
	is_int(sign_in(S("000000"), SLICE_NONE), ERROR_NONE, "and one that is sent is nobody's business");
	is_int(begin(S("wrong")), ERROR_INVALID_CREDENTIALS, "to set one up needs the password");
	is_int(begin(PASSWORD), ERROR_NONE, "with it one is made");
	ok(factor_now().n == 0, "and nothing is stored");
	ok(totp_secret(made.secret, secret) && slice_is(made.recovery[9], totp_recovery(secret, 9)), "secret and recovery codes are shown");
	clock_now = when_codes_differ(secret, clock_now);
	is_int(confirm(S("no ticket"), now_code()), ERROR_CHALLENGE_INVALID, "no ticket");
	is_int(confirm(made.ticket, S("000000")), ERROR_INVALID_CREDENTIALS, "a wrong code");
	is_int(confirm(made.ticket, SLICE_NONE), ERROR_CODE_REQUIRED, "none");
	is_int(confirm(made.ticket, made.recovery[0]), ERROR_INVALID_CREDENTIALS, "a recovery code, which shows nothing of the app");
	clock_now += TICKET_ENROL_SECONDS + 1;
	is_int(confirm(made.ticket, now_code()), ERROR_CHALLENGE_INVALID, "an hour later the ticket is worth nothing");
	clock_now -= TICKET_ENROL_SECONDS + 1;
	is_gone = true;
	is_int(confirm(made.ticket, now_code()), ERROR_REQUEST_TIMEOUT, "a client that has gone");
	is_gone = false;
	uint64_t sid = caller.claims.sid;
	caller.claims.sid = 77;
	is_int(confirm(made.ticket, now_code()), ERROR_TOKEN_INVALID, "a session that isn't there");
	caller.claims.sid = sid;
	ok(factor_now().n == 0 && last_event().event != EVENT_TOTP_ON, "nothing of that set it up");
	is_int(confirm(made.ticket, now_code()), ERROR_NONE, "the right code does");
	ok(factor_now().n > 0 && last_event().event == EVENT_TOTP_ON, "which the trail has");
	is_int(confirm(made.ticket, now_code()), ERROR_NONE, "the same once more has the same answer");
	is_int(confirm(made.ticket, code_at(secret, clock_now / 30 + 1)), ERROR_CREDENTIAL_KNOWN, "another code doesn't");
	is_int(begin(PASSWORD), ERROR_CREDENTIAL_KNOWN, "and there is no second factor");
	struct enrolment another;
	enrol_make(&work, &u, AMR_PASSWORD, &another);
	is_int(confirm(another.ticket, now_code()), ERROR_CREDENTIAL_KNOWN, "whichever ticket is shown");
}

static void sign_in_with(void)
{
	struct slice before = factor_now();
	is_int(sign_in(SLICE_NONE, SLICE_NONE), ERROR_CODE_REQUIRED, "the password alone");
	is_int(sign_in(now_code(), SLICE_NONE), ERROR_INVALID_CREDENTIALS, "the code that set it up has counted");
	ok(last_event().event == EVENT_LOGIN_FAILED && last_event().class == CLASS_FACTOR, "the trail knows that it was the code");
	ok(slice_is(factor_now(), before), "nothing was changed");
	clock_now += 30;
	is_int(sign_in(now_code(), S("a key")), ERROR_NONE, "the next one");
	uint64_t first = grant.session.id;
	ok(grant.session.amr == (AMR_PASSWORD | AMR_OTP), "the session knows how");
	is_int(sign_in(now_code(), SLICE_NONE), ERROR_INVALID_CREDENTIALS, "counts once");
	is_int(sign_in(now_code(), S("a key")), ERROR_NONE, "but for the same request");
	ok(grant.session.id == first, "which begins no other session");
	is_int(sign_in(made.recovery[4], SLICE_NONE), ERROR_NONE, "a recovery code");
	is_int(sign_in(made.recovery[4], SLICE_NONE), ERROR_INVALID_CREDENTIALS, "counts once, too");
}

/* For a code of OAuth it is judged when the person signs in, and spent where that is redeemed. */
static enum error settle(void *proof)
{
	return totp_settle(&work, u.id, *(int64_t *)proof);
}

static enum error settle_now(int64_t proof)
{
	open_work();
	return end(store_run(DURABLE_NOW, settle, &proof));
}

static void trouble(void)
{
	struct slice good = factor_now();
	char bytes[LIMIT_FACTOR];
	memcpy(bytes, good.p, good.n);
	bytes[0] = 'x';
	set_factor((struct slice){ bytes, good.n });
	is_int(sign_in(now_code(), SLICE_NONE), ERROR_STORE_UNAVAILABLE, "a factor that no key opens is our trouble, and not none");
	is_int(sign_in(SLICE_NONE, SLICE_NONE), ERROR_STORE_UNAVAILABLE, "whatever is shown");
	is_int(confirm(made.ticket, now_code()), ERROR_STORE_UNAVAILABLE, "no other takes its place");
	is_int(settle_now(5), ERROR_STORE_UNAVAILABLE, "and no code of OAuth is redeemed");
	set_factor(good);
	clock_now = when_codes_differ(secret, clock_now + 60 * DAY);
	witness = CLOCK_NOBODY;
	is_int(sign_in(now_code(), SLICE_NONE), ERROR_CLOCK_UNSET, "by a doubted clock no code is judged");
	witness = CLOCK_KERNEL;
	is_int(sign_in(now_code(), SLICE_NONE), ERROR_NONE, "by a good one it is");
	caller.claims.iat = clock_now;
	caller.claims.exp = clock_now + 900;
	caller.claims.sid = grant.session.id;
}

/* A wrong code is a failed try, a missing one isn't. */
static void throttled(void)
{
	boot_now += 2 * DAY;
	for (int i = 0; i < 30; i++) {
		if (sign_in(SLICE_NONE, SLICE_NONE) != ERROR_CODE_REQUIRED)
			ok(false, "try %d without a code", i);
		boot_now += 6;
	}
	int tries = 0;
	for (; tries < 30 && sign_in(S("123 456 7"), SLICE_NONE) == ERROR_INVALID_CREDENTIALS; tries++)
		boot_now += 6;
	ok(tries > 4 && tries < 15, "after %d wrong codes one has to wait", tries);
	is_int(sign_in(SLICE_NONE, SLICE_NONE), ERROR_RATE_LIMITED, "whatever is tried then");
	boot_now += 2 * DAY;
}

static void proven(void)
{
	static struct proven p;
	struct slice before = factor_now();
	clock_now += 60;
	work = new_work();
	is_int(end(signin_prove(&work, u.name, PASSWORD, &(struct factor_shown){ .code = SLICE_NONE }, &p)), ERROR_CODE_REQUIRED, "to prove who one is needs the code");
	work = new_work();
	is_int(end(signin_prove(&work, u.name, PASSWORD, &(struct factor_shown){ .code = now_code() }, &p)), ERROR_NONE, "with it one has");
	ok(p.amr == (AMR_PASSWORD | AMR_OTP) && slice_is(factor_now(), before), "and it isn't spent yet");
	is_int(settle_now(0), ERROR_INVALID_CREDENTIALS, "who showed none when there was no factor signs in anew");
	is_int(settle_now(p.code), ERROR_NONE, "then it is");
	is_int(settle_now(p.code), ERROR_INVALID_CREDENTIALS, "once");
}

static void other_passwords(void)
{
	struct renewal renewal = { .shown = NULL };
	clock_now += 60;
	open_work();
	is_int(end(signin_change_password(&work, &caller, PASSWORD, SLICE_NONE, S("battery staple"), &renewal)), ERROR_CODE_REQUIRED, "another password needs the code");
	open_work();
	is_int(end(signin_change_password(&work, &caller, PASSWORD, S("00000"), S("battery staple"), &renewal)), ERROR_INVALID_CREDENTIALS, "the right one");
	open_work();
	is_int(end(signin_delete_user(&work, &caller, PASSWORD, SLICE_NONE)), ERROR_CODE_REQUIRED, "so does leaving");
	is_int(off(PASSWORD, SLICE_NONE), ERROR_CODE_REQUIRED, "and taking it away");
	is_int(off(PASSWORD, now_code()), ERROR_NONE, "with it");
	ok(factor_now().n == 0 && last_event().event == EVENT_TOTP_OFF, "it is gone");
	is_int(off(PASSWORD, now_code()), ERROR_NONE, "and once more");
	is_int(sign_in(SLICE_NONE, SLICE_NONE), ERROR_NONE, "the password is enough again");
	is_int(settle_now(5), ERROR_INVALID_CREDENTIALS, "a code of a factor that is gone");
}

/* Whoever must have one gets in by the ticket that he was given, and by nothing less. */
static void wanted(void)
{
	static struct proven p;
	struct enrolment e;
	config.factor_groups = S("staff,admins");
	is_int(sign_in(SLICE_NONE, SLICE_NONE), ERROR_FACTOR_REQUIRED, "who must have a factor isn't let in without");
	ok(grant.user.id == u.id, "but is known");
	enrol_make(&work, &grant.user, AMR_PASSWORD, &e);
	totp_secret(e.secret, secret);
	clock_now = when_codes_differ(secret, clock_now);
	work = new_work();
	struct origin how = { .factor = { .code = S("00000"), .ticket = e.ticket } };
	is_int(end(signin_by_password(&work, u.name, PASSWORD, &how, &grant)), ERROR_INVALID_CREDENTIALS, "nor with a wrong code");
	how.factor.ticket = S("x");
	work = new_work();
	is_int(end(signin_by_password(&work, u.name, PASSWORD, &how, &grant)), ERROR_CHALLENGE_INVALID, "nor with another ticket");
	work = new_work();
	is_int(end(signin_prove(&work, u.name, PASSWORD, &(struct factor_shown){ .code = now_code(), .ticket = e.ticket }, &p)), ERROR_NONE, "with its code he is");
	is_int(settle_now(p.code), ERROR_NONE, "and that counts for what he signs in to");
	is_int(settle_now(p.code), ERROR_INVALID_CREDENTIALS, "once");
	set_factor(SLICE_NONE);
	clock_now += 60;
	how.factor = (struct factor_shown){ .code = now_code(), .ticket = e.ticket };
	work = new_work();
	is_int(end(signin_by_password(&work, u.name, SLICE_NONE, &how, &grant)), ERROR_NONE, "the same at once with the sign-in");
	ok(grant.session.amr == (AMR_PASSWORD | AMR_OTP) && last_event().event == EVENT_LOGIN, "which is one by two factors");
	is_int(sign_in(now_code(), SLICE_NONE), ERROR_INVALID_CREDENTIALS, "its code has counted");
	config.factor_groups = S("others");
	set_factor(SLICE_NONE);
	is_int(sign_in(SLICE_NONE, SLICE_NONE), ERROR_NONE, "who is in other groups need have none");
}

/* What the page has in place of the password, once it was right. */
static void by_ticket(void)
{
	struct totp t = { .enrolled_at = clock_now };
	config.factor_groups = SLICE_NONE;
	memcpy(t.secret, secret, sizeof secret);
	set_factor(totp_seal(&ring.key[1], u.id, &t));
	is_int(sign_in(SLICE_NONE, SLICE_NONE), ERROR_CODE_REQUIRED, "the password was right");
	struct work w = new_work();
	struct user other = grant.user;
	other.password = S("$another");
	struct slice good = enrol_proof(&w, &grant.user, AMR_PASSWORD), changed = enrol_proof(&w, &other, AMR_PASSWORD);
	other = (struct user){ .id = 5, .password = u.password };
	struct slice nobodys = enrol_proof(&w, &other, AMR_PASSWORD);
	const struct { struct slice name, ticket, code; enum error e; const char *what; } rows[] = {
		{ u.name, good, SLICE_NONE, ERROR_CODE_REQUIRED, "a ticket alone signs nobody in" },
		{ u.name, good, S("000"), ERROR_INVALID_CREDENTIALS, "nor with a wrong code" },
		{ u.name, changed, now_code(), ERROR_CHALLENGE_INVALID, "nor one of another password" },
		{ u.name, nobodys, now_code(), ERROR_CHALLENGE_INVALID, "nor of nobody" },
		{ S("ben"), good, now_code(), ERROR_CHALLENGE_INVALID, "nor under another name, whose tries would count" },
		{ u.name, S(""), now_code(), ERROR_CHALLENGE_INVALID, "nor none" },
		{ u.name, good, now_code(), ERROR_NONE, "with the code it does" },
		{ u.name, good, now_code(), ERROR_INVALID_CREDENTIALS, "once" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct origin how = { .factor = { .code = rows[i].code, .ticket = rows[i].ticket } };
		work = new_work();
		is_int(end(signin_by_password(&work, rows[i].name, SLICE_NONE, &how, &grant)), rows[i].e, "%s", rows[i].what);
	}
	ok(totp_open(&ring, u.id, factor_now(), &t, NULL) == TOTP_FOUND && t.last > 0, "and it has counted");
	struct enrolment e, again;
	enrol_make(&w, &u, AMR_PASSWORD, &e);
	ok(enrol_show(&w, &u, e.ticket, &again) && slice_is(again.uri, e.uri) && slice_is(again.recovery[3], e.recovery[3]), "a factor to set up is shown again");
	ok(!enrol_show(&w, &u, good, &again) && !enrol_show(&w, &other, e.ticket, &again) && !enrol_show(&w, &u, S("x"), &again), "where there is one");
}

/* ---- all of it --------------------------------------------------------- */

static void prepare(void)
{
	if (!make_dir(&dir, "lk-totp"))
		exit(2);
	clock_now = when_codes_differ(rfc_secret, clock_build_epoch + 30 * DAY);
	boot_now = 10 * DAY;
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	config_parse(SLICE_NONE, &config);
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password.kib = CHEAP;
	config.password.passes = 1;
	ring.count = 2;
	for (uint8_t i = 0; i < 2; i++) {
		ring.key[i] = (struct key){ .created_at = 1, .master = { i } };
		jwt_name_key(&ring.key[i]);
	}
	u = (struct user){ .id = random_id(), .name = S("mara"), .created_at = clock_now, .profile.groups = S("users,admins") };
	u.password = password_hash(PASSWORD, (struct password_cost){ CHEAP, 1 });
	store_create(dir);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_commit();
	store_close();
}

int main(void)
{
	prepare();
	vectors();
	letters();
	recovery_codes();
	stored();
	drift();
	typed();
	set_up();
	sign_in_with();
	trouble();
	throttled();
	proven();
	other_passwords();
	wanted();
	by_ticket();
	static const char *const names[] = { "latchkey.db", "latchkey.db-wal", "latchkey.lock", "password.lock", "throttle", "latchkey.pgdb" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(text_join(dir, "/", names[i], NULL));
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
