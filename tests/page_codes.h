/*
 * page_codes.h: the codes of a user who sets up a second factor on a page. Included after door_case.h.
 */
#ifndef PAGE_CODES_H
#define PAGE_CODES_H

#include "codes.h"

static uint8_t secret[TOTP_SECRET];

/* The code of now, or of so many steps away. */
static const char *code(int away)
{
	static char text[8];
	snprintf(text, sizeof text, "%06u", totp_number(secret, clock_now / 30 + away));
	return text;
}

/* From the key that is shown to be typed. */
static void learn_secret(void)
{
	const char *at = strstr(body(), "<code>");
	ok(at && totp_secret((struct slice){ at + 6, TOTP_SECRET_LETTERS }, secret), "the key is shown");
	clock_now = when_codes_differ(secret, clock_now);
}

#endif
