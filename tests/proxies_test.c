/*
 * proxies_test: a proxy that isn't trusted is told of once, and remembered until it is.
 */
#include "proxies.h"
#include "t.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

static char dir[64];
static struct config config;

static void configure(const char *trusted)
{
	config_parse(slice_of(trusted), &config);
	config.dir = dir;
}

static void note(void *peer)
{
	proxies_note(&config, slice_of(peer));
	proxies_note(&config, S("10.0.0.9"));
}

static void put(const char *text)
{
	const char *path = path_in(dir, "proxy");
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ok(fd >= 0 && write_all(fd, slice_of(text)), "a mark of '%s'", text);
	close(fd);
}

static const char *noted(void)
{
	const char *peer = proxies_noted(&config);
	return peer ? peer : "nobody";
}

static void test_once(void)
{
	char first[] = "127.0.0.1", other[] = "10.0.0.7", local[] = "";
	configure("");
	is_str(noted(), "nobody", "nobody is told of yet");
	is_int(dies(note, first), 0, "a proxy that isn't trusted");
	is_str(t_err, "latchkey: PX1: clients' addresses come from 127.0.0.1, which trusted_proxies does not name: all of them look like one client\n",
		"is told of, once in a process");
	is_int(dies(note, other), 0, "another one, by another process");
	is_str(t_err, "", "isn't: one line says what to do");
	is_str(noted(), "127.0.0.1", "the first is remembered");
	configure("trusted_proxies = 10.0.0.0/8");
	is_str(noted(), "127.0.0.1", "while others are trusted");
	configure("trusted_proxies = 127.0.0.1");
	is_str(noted(), "nobody", "until it is");
	unlink(path_in(dir, "proxy"));
	is_int(dies(note, local), 0, "a proxy on a socket of this host");
	is_str(noted(), "unix", "has the name that trusted_proxies gives it");
	configure("trusted_proxies = unix");
	is_str(noted(), "nobody", "and is trusted by it");
}

static void test_marks(void)
{
	static const char *const marks[] = { "", "nonsense", "127.0.0.1 ", "127.0.0.1\n127.0.0.2",
		"1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111" };
	configure("");
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		put(marks[i]);
		is_str(noted(), "nobody", "says nothing");
	}
	put("10.0.0.1");
	ok(rename(path_in(dir, "proxy"), path_in(dir, "real")) == 0 && symlink("real", path_in(dir, "proxy")) == 0, "a link");
	is_str(noted(), "nobody", "isn't followed");
	unlink(path_in(dir, "real"));
	unlink(path_in(dir, "proxy"));
}

int main(void)
{
	char peer[] = "127.0.0.1";
	snprintf(dir, sizeof dir, "/tmp/lk-proxies.XXXXXX");
	if (!mkdtemp(dir))
		return 2;
	test_once();
	test_marks();
	rmdir(dir);
	is_int(dies(note, peer), 0, "where no mark can be made");
	is_str(t_err, "", "nothing is said: it would be said each time");
	is_str(noted(), "nobody", "and nobody is remembered");
	return done_testing();
}
