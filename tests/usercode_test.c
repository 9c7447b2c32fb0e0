/*
 * usercode_test: user codes: what one says, who can make one, until when it is good, and how it may be typed.
 */
#include "oauth/usercode.h"

#include "base/file.h"
#include "jwt.h"
#include "ticket.h"
#include "t.h"

#include <fcntl.h>
#include <unistd.h>

#define HASH "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char dir[] = "/tmp/lk-usercode.XXXXXX";
static struct config config;
static struct keyring ring;
static struct work w;

static void put_clients(const char *text)
{
	const char *path = path_in(dir, CLIENT_FILE);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || !write_all(fd, slice_of(text)) || close(fd))
		exit(2);
}

static void televisions(void)
{
	put_clients("web " HASH " https://a.example/cb\ntv public,device\n");
}

static void name_keys(uint8_t first, size_t count)
{
	ring.count = count;
	for (size_t i = 0; i < count; i++) {
		ring.key[i] = (struct key){ .created_at = 1, .master = { (uint8_t)(first + i) } };
		jwt_name_key(&ring.key[i]);
	}
}

static struct usercode said;
static enum error open_code(struct slice letters)
{
	size_t mark = arena_mark();
	enum error e = usercode_open(&w, letters, &said);
	arena_back(mark);
	return e;
}

static struct client client_of(const char *id)
{
	struct client c;
	if (client_find(dir, slice_of(id), &c) != ERROR_NONE)
		exit(2);
	return c;
}

static struct slice keep(struct slice letters)
{
	static char kept[8][USERCODE_LETTERS];
	static int next;
	char *p = kept[next++ % 8];
	memcpy(p, letters.p, USERCODE_LETTERS);
	return (struct slice){ p, USERCODE_LETTERS };
}

static void what_it_says(void)
{
	struct client tv = client_of("tv");
	struct slice code = keep(usercode_make(&w, &tv, SCOPE_OPENID | SCOPE_OFFLINE)), other = keep(usercode_make(&w, &tv, 0));
	ok(code.n == 12 && !slice_is(code, other), "two codes differ: %.12s, %.12s", code.p, other.p);
	is_int(open_code(code), ERROR_NONE, "a code opens");
	ok(said.scope == (SCOPE_OPENID | SCOPE_OFFLINE) && said.key == &ring.key[0] && !said.elsewhere, "with its scope");
	uint64_t session = said.session;
	ok(session == usercode_session(&ring.key[0], code, w.time) && session && session <= INT64_MAX, "the device knows the same session");
	ok(open_code(other) == ERROR_NONE && said.session != session, "another code is another session");
	w.peer = S("192.0.2.8");
	ok(open_code(code) == ERROR_NONE && said.elsewhere && said.session == session, "typed in another network: it says so");
	w.peer = S("");
	ok(open_code(code) == ERROR_NONE && !said.elsewhere, "where the network isn't known it says nothing");
	w.peer = S("192.0.2.7");
	w.hidden = true;
	ok(open_code(code) == ERROR_NONE && !said.elsewhere, "nor behind a front that hides it");
	w.hidden = false;
	name_keys(0, 2);
	ok(open_code(code) == ERROR_NONE && said.key == &ring.key[1] && said.session == session, "an older key opens it still, and it is the same session");
}

/*
 * The check of a code has six bits: what isn't meant for it fits one code in 64. Of 640 codes that is ten, and less than once in 10^12 runs sixty.
 */
static bool fits_by_chance(unsigned fits)
{
	return fits < 60;
}

/* How many of 640 codes of the client tv open after change(). */
static unsigned opened_after(void (*before)(void), void (*change)(void))
{
	unsigned opened = 0;
	size_t mark = arena_mark();
	for (int i = 0; i < 640; i++, arena_back(mark)) {
		before();
		struct client tv = client_of("tv");
		struct slice code = usercode_make(&w, &tv, 0);
		change();
		opened += usercode_open(&w, code, &said) == ERROR_NONE;
	}
	return opened;
}

static void by_key_1(void)
{
	name_keys(1, 1);
}

static void by_key_5(void)
{
	name_keys(5, 1);
}

/* Six bits fit one key in 64, and yet each code belongs to the key that made it, whatever keys come and go. */
static void keys(void)
{
	struct client tv = client_of("tv");
	size_t mark = arena_mark();
	unsigned foreign = 0, right = 0;
	ok(fits_by_chance(opened_after(by_key_1, by_key_5)), "a key that is gone opens no more than chance does");
	is_int((int)opened_after(by_key_1, by_key_1), 640, "the control: its own key opens each");
	for (int i = 0; i < 400; i++, arena_back(mark)) {
		name_keys(0, 2);
		struct slice code = usercode_make(&w, &tv, 0);
		name_keys(1, 1);
		foreign += usercode_open(&w, code, &said) == ERROR_NONE;
		code = usercode_make(&w, &tv, 0);               /* by key 1; then key 0 is put before it, and 2 is staged */
		name_keys(0, 3);
		ring.key[2].created_at = 2;
		right += usercode_open(&w, code, &said) == ERROR_NONE && said.key == &ring.key[1];
	}
	is_int(foreign, 0, "none of 400 codes fits another key that was there");
	is_int(right, 400, "nor is taken for one of a key that came later");
	name_keys(1, 1);
}

static void networks(void)
{
	struct client tv = client_of("tv");
	w.peer = S("2001:db8:1:2::1");
	struct slice code = keep(usercode_make(&w, &tv, 0));
	w.peer = S("2001:db8:1:2:3:4:5:6");
	ok(open_code(code) == ERROR_NONE && !said.elsewhere, "a /64 is one network");
	w.peer = S("2001:db8:1:3::1");
	ok(open_code(code) == ERROR_NONE && said.elsewhere, "its neighbour another");
	w.peer = S("");
	code = keep(usercode_make(&w, &tv, 0));
	w.peer = S("192.0.2.7");
	ok(open_code(code) == ERROR_NONE && !said.elsewhere, "a code of nobody knows where is from no other network");
}

static void until_when(void)
{
	struct client tv = client_of("tv");
	int64_t start = w.time;
	for (int from = 0; from < 1200; from += 599) {
		w.time = start + from;
		struct slice code = keep(usercode_make(&w, &tv, 0));
		uint64_t session = usercode_session(&ring.key[0], code, w.time);
		w.time += 599;
		ok(open_code(code) == ERROR_NONE && said.session == session, "ten minutes long it is good, whenever they begin");
		w.time += 602;
		ok(open_code(code) != ERROR_NONE || said.session != session, "twenty later it isn't, or is another's");
	}
	w.time = start;
}

static void boxes_and_cars(void)
{
	put_clients("box public,device\ncar public,device\n");
}

static void other_clients(void)
{
	struct client tv = client_of("tv");
	struct slice code = keep(usercode_make(&w, &tv, 0));
	ok(fits_by_chance(opened_after(televisions, boxes_and_cars)), "a client that took the place of another is taken for it by chance alone");
	put_clients("web " HASH " https://a.example/cb\ntv public https://a.example/cb\n");
	is_int(open_code(code), ERROR_CODE_INVALID, "a client that may no longer use the device grant");
	put_clients("web " HASH " https://a.example/cb\n");
	is_int(open_code(code), ERROR_CODE_INVALID, "one that is gone");
	televisions();
	is_int(open_code(code), ERROR_NONE, "control: as it was");
}

static void typed(void)
{
	static const struct { const char *text, *letters; } cases[] = {
		{ "BCDFGHJKLMNP", "BCDFGHJKLMNP" }, { "bcdf-ghjk-lmnp", "BCDFGHJKLMNP" }, { " BCDF GHJK\tLMNP. ", "BCDFGHJKLMNP" },
		{ "B-C-D-F-G-H-J-K-L-M-N-P", "BCDFGHJKLMNP" }, { "", NULL }, { "BCDFGHJKLMN", NULL }, { "BCDFGHJKLMNPP", NULL }, { "BCDFGHJKLMNA", NULL },
		{ "BCDFGHJKLMNPBCDFGHJKLMNPBCDFGHJKLMNP", NULL }, { "yyyyyyyyyyyy", NULL }, { "0123456789", NULL }, { "{BCDF[GHJK`LMNP@", "BCDFGHJKLMNP" },
	};
	struct slice letters;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = usercode_typed(slice_of(cases[i].text), &letters);
		ok(good == (cases[i].letters != NULL) && (!good || slice_is(letters, slice_of(cases[i].letters))), "typed as \"%s\"", cases[i].text);
	}
	is_str(slice_text(usercode_shown(S("BCDFGHJKLMNP"))), "BCDF-GHJK-LMNP", "shown in groups");
	is_int(open_code(S("ZZZZZZZZZZZZ")), ERROR_CODE_INVALID, "more than 51 bits");
	is_int(open_code(S("BCD")), ERROR_CODE_INVALID, "a short one");
}

/* Of codes with one letter changed, and of any letters, no more open than six bits of a MAC let by. */
static void typing_errors(void)
{
	struct client tv = client_of("tv");
	int opened = 0, tries = 0;
	for (int n = 0; n < 20; n++) {
		struct slice code = keep(usercode_make(&w, &tv, 0));
		char text[USERCODE_LETTERS];
		for (int i = 0; i < USERCODE_LETTERS; i++)
			for (const char *c = "BCDFGHJKLMNPQRSTVWXZ"; *c; c++) {
				memcpy(text, code.p, sizeof text);
				text[i] = *c;
				if (*c == code.p[i])
					continue;
				tries++;
				opened += open_code((struct slice){ text, sizeof text }) == ERROR_NONE;
			}
	}
	ok(opened * 32 < tries, "%d of %d typing errors aren't found", opened, tries);
	ok(opened > 0, "the check can tell");
}

int main(void)
{
	if (config_parse(SLICE_NONE, &config) || !mkdtemp(dir)) {
		printf("Bail out! no directory\n");
		return 2;
	}
	config.dir = dir;
	w = (struct work){ .config = &config, .ring = &ring, .peer = S("192.0.2.7"), .time = 1800000000 };
	name_keys(1, 1);
	televisions();
	what_it_says();
	keys();
	networks();
	until_when();
	other_clients();
	typed();
	typing_errors();
	unlink(path_in(dir, CLIENT_FILE));
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
