/*
 * client_test: lines of latchkey.clients, redirect URIs, secrets, and what one wrong line harms.
 */
#include "client.h"

#include "base/file.h"
#include "derive.h"
#include "t.h"

#include <setjmp.h>
#include <sys/stat.h>

#define HASH "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"    /* of "test" */

static char dir[] = "/tmp/client_test.XXXXXX";
static jmp_buf failed;
static enum error failure;

static void remember(enum error e)
{
	failure = e;
	longjmp(failed, 1);
}

static void put(const char *text)
{
	unlink(path_in(dir, CLIENT_FILE));
	if (text)
		ok(file_replace(dir, CLIENT_FILE, slice_of(text)), "a file");
}

static enum error find(const char *id, struct client *out)
{
	static size_t mark;
	if (mark)
		arena_back(mark);
	mark = arena_mark();
	on_fail(remember);
	failure = ERROR_NONE;
	if (setjmp(failed) == 0)
		return client_find(dir, slice_of(id), out);
	return failure;
}

/* ---- lines ------------------------------------------------------------- */

static const struct { const char *line, *wrong; } lines[] = {
	{ "a " HASH " https://a.example/cb", NULL },
	{ "a\t" HASH "  https://a.example/cb \t http://127.0.0.1/cb", NULL },
	{ "A.b_c-9 public,api org.example.app:/cb", NULL },
	{ "tv public,device", NULL },
	{ "api " HASH ",introspect", NULL },
	{ "all " HASH ",device,api,introspect,once,es256,nopkce,iss,noretry,factor,group=staff https://a.example/cb", NULL },
	{ "a public https://a.example", NULL },
	{ "a public https://a.example:8443/x?y=z", NULL },
	{ "a public https://[2001:db8::1]/x", NULL },
	{ "a public http://[::1]:5000/x", NULL },
	{ "a public http://localhost", NULL },
	{ "a public http://127.0.0.1?x", NULL },
	{ "a public https://a.example?x", NULL },
	{ "a public https://a.example/\177", "redirect URI is" },
	{ "a public :cb", "redirect URI is" },
	{ "a public ~a.b:cb", "redirect URI is" },
	{ "a public a.b:", "redirect URI is" },
	{ "a public a/b.c:d", "redirect URI is" },
	{ "a public com.example.app:anything", NULL },
	{ "latchkey public https://a.example/cb", "name" },
	{ "a/b public https://a.example/cb", "name" },
	{ "abcdefghijabcdefghijabcdefghijabc public https://a.example/cb", "name" },
	{ "a", "second word" },
	{ "a https://a.example/cb", "second word" },
	{ "a publik https://a.example/cb", "second word" },
	{ "a public,,api https://a.example/cb", "second word" },
	{ "a sha256:12 https://a.example/cb", "second word" },
	{ "a sha1:00 https://a.example/cb", "second word" },
	{ "a public,group= https://a.example/cb", "second word" },
	{ "a public,group=a/b https://a.example/cb", "second word" },
	{ "a " HASH ",public https://a.example/cb", "either" },
	{ "a api https://a.example/cb", "either" },
	{ "a public,introspect", "want a secret" },
	{ "a public,nopkce https://a.example/cb", "want a secret" },
	{ "a public", "no redirect URI" },
	{ "a public http://a.example/cb", "redirect URI is" },
	{ "a public https:///cb", "redirect URI is" },
	{ "a public https://:80/cb", "redirect URI is" },
	{ "a public https://user@a.example/cb", "redirect URI is" },
	{ "a public https://a.example@evil.example/cb", "redirect URI is" },
	{ "a public https://a.example\\.evil.example/cb", "redirect URI is" },
	{ "a public https://*.example/cb", "redirect URI is" },
	{ "a public https://a.example/cb#x", "redirect URI is" },
	{ "a public https://a.example/c,b", "redirect URI is" },
	{ "a public https://a.example/\xc3\xa9", "redirect URI is" },
	{ "a public http://127.0.0.1.evil.example/cb", "redirect URI is" },
	{ "a public http://localhost@evil.example/cb", "redirect URI is" },
	{ "a public http://localhost:/cb", "redirect URI is" },
	{ "a public http://localhost:123456/cb", "redirect URI is" },
	{ "a public http://127.0.0.2/cb", "redirect URI is" },
	{ "a public javascript:alert(1)", "redirect URI is" },
	{ "a public data:text/html", "redirect URI is" },
	{ "a public 1.b:/cb", "redirect URI is" },
	{ "a public A.b:/cb", "redirect URI is" },
	{ "a public org.example.app:", "redirect URI is" },
	{ "a public org.example.app", "redirect URI is" },
	{ "a public a.b:1 a.b:2 a.b:3 a.b:4 a.b:5 a.b:6 a.b:7 a.b:8 a.b:9", "at most 8" },
	{ "a public https://a.example/cb\r", "redirect URI is" },
};

static void one_line(void)
{
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct client c;
		const char *wrong = client_read(slice_of(lines[i].line), &c);
		bool as_wanted = lines[i].wrong ? wrong && strstr(wrong, lines[i].wrong) : !wrong;
		ok(as_wanted, "%s: %s", lines[i].line, wrong ? wrong : "good");
	}
	char text[700] = "a public https://a.example/";
	struct client c;
	size_t n = strlen(text);
	memset(text + n, 'x', 512 - (n - 9));
	text[9 + 512] = '\0';
	is_str(client_read(slice_of(text), &c), NULL, "a URI of 512 bytes");
	strcat(text, "x");
	ok(client_read(slice_of(text), &c) != NULL, "and no longer one");
}

/* What is written is what was read. */
static void written_again(void)
{
	static const char *const good[] = {
		"a " HASH " https://a.example/cb\n", "all " HASH ",device,api,introspect,once,es256,nopkce,iss,noretry,factor,group=staff a.b:c http://[::1]/x\n",
		"tv public,device\n", "g public,group=it's+me@x a.b:c\n",
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct client c;
		struct buf b = { 0 };
		struct slice line = slice_of(good[i]);
		line.n--;
		is_str(client_read(line, &c), NULL, "reads: %s", good[i]);
		client_write(&b, &c);
		is_str(slice_text(buf_slice(&b)), good[i], "and writes it so");
	}
}

static void flags(void)
{
	struct client c;
	client_read(S("all " HASH ",device,api,introspect,once,es256,nopkce,iss,noretry,factor,group=staff https://a.example/cb"), &c);
	is_int(c.flags, CLIENT_DEVICE | CLIENT_API | CLIENT_INTROSPECT | CLIENT_ONCE | CLIENT_ES256 | CLIENT_NOPKCE | CLIENT_ISS | CLIENT_NORETRY | CLIENT_FACTOR, "each flag is its own");
	is_str(slice_text(c.group), "staff", "the group");
	client_read(S("tv public,device"), &c);
	is_int(c.flags, CLIENT_PUBLIC | CLIENT_DEVICE, "and without a secret");
}

/* ---- URIs -------------------------------------------------------------- */

#define LONG "https://a.example/cb http://127.0.0.1:8400/cb http://localhost http://[::1]/x?y=1 org.example.app:/cb"
static const struct { const char *uri; bool fits; } uris[] = {
	{ "https://a.example/cb", true },
	{ "https://a.example/cb/", false },
	{ "https://a.example/c", false },
	{ "https://a.example/CB", false },
	{ "https://A.example/cb", false },
	{ "https://a.example:443/cb", false },
	{ "https://a.example/cb?x=1", false },
	{ "https://a.example/cb#x", false },
	{ "https://a.example/%63b", false },
	{ "https://a.example/x/../cb", false },
	{ "https://a.example@evil.example/cb", false },
	{ "http://a.example/cb", false },
	{ "", false },
	{ "http://127.0.0.1/cb", true },
	{ "http://127.0.0.1:8400/cb", true },
	{ "http://127.0.0.1:1/cb", true },
	{ "http://127.0.0.1:65535/cb", true },
	{ "http://127.0.0.1:123456/cb", false },
	{ "http://127.0.0.1:/cb", false },
	{ "http://127.0.0.1:80x/cb", false },
	{ "http://127.0.0.1:80@evil.example/cb", false },
	{ "http://127.0.0.1:80:80/cb", false },
	{ "http://127.0.0.1.evil.example/cb", false },
	{ "http://127.0.0.1:80/cb?x", false },
	{ "http://localhost/cb", false },
	{ "http://localhost", true },
	{ "http://localhost:3000", true },
	{ "http://localhost:3000/", false },
	{ "http://[::1]:3000/x?y=1", true },
	{ "http://[::1]/x?y=2", false },
	{ "https://127.0.0.1/cb", false },
	{ "org.example.app:/cb", true },
	{ "org.example.app:/cb/", false },
};

static void redirect_uris(void)
{
	struct client c;
	is_str(client_read(S("a public " LONG), &c), NULL, "a client of all kinds");
	for (size_t i = 0; i < sizeof uris / sizeof *uris; i++)
		is_int(client_uri_fits(&c, slice_of(uris[i].uri)), uris[i].fits, "%s", uris[i].uri);
	ok(client_uri_is_native(S("http://localhost/x")) && client_uri_is_native(S("a.b:c")) && !client_uri_is_native(S("https://a/")), "native ones");
}

/* ---- the file ---------------------------------------------------------- */

static void secrets(void)
{
	struct client c;
	client_read(S("a " HASH " https://a.example/cb"), &c);
	ok(client_secret_fits(&c, S("test")), "the secret");
	ok(!client_secret_fits(&c, S("Test")) && !client_secret_fits(&c, S("")), "and no other");
	client_read(S("a public a.b:c"), &c);
	ok(!client_secret_fits(&c, S("test")) && !client_secret_fits(&c, S("")), "a public client has none");
}

static void finding(void)
{
	struct client c = { .number = 0 };
	put(NULL);
	ok(!client_any(dir), "no file: no client");
	is_int(find("a", &c), ERROR_NOT_FOUND, "and none is found");
	put("");
	ok(!client_any(dir), "an empty one: none");
	put("# nobody\n\n  \n");
	ok(!client_any(dir), "a comment: none");
	put("# ours\n\n  a public a.b:c\r\nb " HASH " https://b.example/cb \n\nc public,device");
	ok(client_any(dir), "three clients");
	is_int(find("b", &c), ERROR_NONE, "one is found");
	is_int(c.number, 1, "and its number");
	is_str(slice_text(c.uris[0]), "https://b.example/cb", "its URI");
	is_int(find("c", &c), ERROR_NONE, "the last one has no line end");
	is_int(find("a", &c), ERROR_STORE_UNAVAILABLE, "a wrong line is our trouble, and no other client's");
	is_int(find("d", &c), ERROR_NOT_FOUND, "there is no other");
	is_int(find("#", &c), ERROR_NOT_FOUND, "a comment is none");
	is_int(find("", &c), ERROR_NOT_FOUND, "nor is nothing");
	is_int(client_numbered(dir, 2, &c), ERROR_NONE, "one by its number");
	is_str(slice_text(c.id), "c", "which is the third");
	is_int(client_numbered(dir, 3, &c), ERROR_NOT_FOUND, "there is no fourth");
	put(NULL);
	mkdir(path_in(dir, CLIENT_FILE), 0700);
	ok(client_any(dir), "what can't be read may name some");
	is_int(find("a", &c), ERROR_STORE_UNAVAILABLE, "and is our trouble");
	rmdir(path_in(dir, CLIENT_FILE));
}

static const char *all(const char *text, size_t *count)
{
	static struct client list[CLIENTS_MOST];
	return client_all(slice_of(text), list, count);
}

static void judged(void)
{
	size_t count;
	struct buf b = { 0 };
	is_str(all("# x\na public a.b:c\n\nb public,device\n", &count), NULL, "all lines");
	is_int(count, 2, "two clients");
	is_str(all("a public a.b:c\n\n# x\na public,device\n", &count), "latchkey.clients:4: a client of that name is there already", "a name twice");
	is_str(all("a public a.b:c\nb public\n", &count), "latchkey.clients:2: it has no redirect URI", "a wrong line is named by its number");
	for (int i = 0; i < 33; i++) {
		buf_s(&b, "c");
		buf_int(&b, i);
		buf_s(&b, " public,device\n");
		if (i == 31)
			is_str(all(slice_text(buf_slice(&b)), &count), NULL, "32 clients");
	}
	is_str(all(slice_text(buf_slice(&b)), &count), "latchkey.clients:33: at most 32 clients can be named", "and no more");
}

static const struct { const char *issuer, *audience; bool good; } options_of[] = {
	{ "https://a.example/api/auth", "latchkey", true },
	{ "https://a.example", "latchkey", true },
	{ "http://127.0.0.1:8080/api/auth", "latchkey", true },
	{ "http://localhost/api/auth", "x", true },
	{ "latchkey", "latchkey", false },
	{ "http://a.example/api/auth", "latchkey", false },
	{ "https://a.example/", "latchkey", false },
	{ "https://a.example/x?y", "latchkey", false },
	{ "https://a.example/x#y", "latchkey", false },
	{ "https://a@b.example/x", "latchkey", false },
	{ "https://a.example", "https://a.example", false },
	{ "https://a.example", "tv", false },
};

static void options_beside(void)
{
	struct client c;
	client_read(S("tv public,device"), &c);
	for (size_t i = 0; i < sizeof options_of / sizeof *options_of; i++) {
		struct config config = { .issuer = slice_of(options_of[i].issuer), .audience = slice_of(options_of[i].audience) };
		is_int(client_options_wrong(&config, &c, 1) == NULL, options_of[i].good, "issuer %s, audience %s", options_of[i].issuer, options_of[i].audience);
		is_str(client_options_wrong(&config, &c, 0), NULL, "which nobody minds while there is no client");
	}
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	one_line();
	written_again();
	flags();
	redirect_uris();
	secrets();
	finding();
	judged();
	options_beside();
	unlink(path_in(dir, CLIENT_FILE));
	rmdir(dir);
	return done_testing();
}
