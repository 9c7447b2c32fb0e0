/*
 * device: see device.h.
 */
#include "door/device.h"

#include <string.h>

/* A word of a User-Agent, and what people call it. The first that is found counts: browsers claim to be those below them. */
struct sign { const char *word, *name; };

static const struct sign browsers[] = {
	{ "Edg", "Edge" }, { "OPR/", "Opera" }, { "SamsungBrowser", "Samsung Internet" }, { "FxiOS", "Firefox" }, { "Firefox", "Firefox" },
	{ "CriOS", "Chrome" }, { "Chrome", "Chrome" }, { "Safari", "Safari" }, { NULL, NULL }
};
static const struct sign systems[] = {
	{ "Windows", "Windows" }, { "Android", "Android" }, { "iPhone", "iPhone" }, { "iPad", "iPad" }, { "CrOS", "ChromeOS" },
	{ "Mac OS X", "macOS" }, { "Linux", "Linux" }, { NULL, NULL }
};

static struct slice find(const struct sign *sign, struct slice agent)
{
	while (sign->word && !memmem(agent.p, agent.n, sign->word, strlen(sign->word)))
		sign++;
	return slice_of(sign->name);
}

/* "curl" of "curl/8.5.0". */
static struct slice first_word(struct slice agent)
{
	struct slice word = slice_cut(&agent, ' ');
	return slice_cut(&word, '/');
}

struct slice device_name(const struct page *p, const struct session *s)
{
	struct slice agent = { s->agent.p ? s->agent.p : "", s->agent.n };
	struct slice browser = find(browsers, agent), system = find(systems, agent);
	if (s->device.n)
		return s->device;
	if (browser.n && system.n)
		return page_filled(p, WORD_browser_on, (const struct slice[]){ browser, system }, 2);
	if (browser.n || system.n)
		return browser.n ? browser : system;
	return agent.n ? first_word(agent) : page_word(p, WORD_unknown_device);
}
