/*
 * codes.h: a time at which the codes of a second factor can be told apart. They have six digits: two of the steps around now have the same code
 * once in some hundred thousand secrets, and that of one step is 000000, which tests show for a wrong one.
 */
#ifndef LK_CODES_H
#define LK_CODES_H

#include "totp.h"

enum { STEP_SECONDS = 30, STEPS_APART = 24 };

static bool codes_apart(const uint8_t *secret, int64_t first)
{
	uint32_t code[STEPS_APART];
	for (int i = 0; i < STEPS_APART; i++) {
		code[i] = totp_number(secret, first + i);
		for (int before = 0; before < i; before++)
			if (code[i] == code[before])
				return false;
		if (code[i] == 0 || code[i] == 123456)
			return false;
	}
	return true;
}

/* That time or a later one: ten minutes from then on, and a minute and a half before, no two steps have the same code. */
static int64_t when_codes_differ(const uint8_t *secret, int64_t time)
{
	while (!codes_apart(secret, time / STEP_SECONDS - 3))
		time += STEP_SECONDS;
	return time;
}

#endif
