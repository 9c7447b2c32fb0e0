/*
 * device: what a session is called for people: "Firefox on Linux".
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "door/page.h"
#include "store.h"

/* The user's own name for it; else what its User-Agent says of browser and system; else the agent's first word, or that it
 * isn't known. May lie in the arena. */
struct slice device_name(const struct page *p, const struct session *s);

#endif
