/*
 * proxies: see proxies.h for what each function promises.
 */
#include "proxies.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/address.h"
#include "base/file.h"

enum { NAME_MAX_BYTES = 64 };   /* of an address, with room */

static const char *mark_of(const struct config *c)
{
	return path_in(c->dir, "proxy");
}

/* Whoever makes the file is the one that logs. Where it can't be made nothing is said: sign-in has more to say about that. */
void proxies_note(const struct config *c, struct slice peer)
{
	static bool noted;
	const char *name = peer.n ? slice_text(peer) : "unix";
	if (noted)
		return;
	noted = true;
	int fd = open(mark_of(c), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)write_all(fd, slice_of(name));
	close(fd);
	log_line("PX1", "clients' addresses come from ", name, ", which trusted_proxies does not name: all of them look like one client", NULL);
}

const char *proxies_noted(const struct config *c)
{
	struct network peer;
	char name[NAME_MAX_BYTES];
	int fd = open(mark_of(c), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof name);
	if (fd >= 0)
		close(fd);
	struct slice text = { name, n > 0 ? (size_t)n : 0 };
	return network_parse(text, &peer) && !networks_hold(&c->trusted_proxies, &peer.base) ? slice_text(text) : NULL;
}
