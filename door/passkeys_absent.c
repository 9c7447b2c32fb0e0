/*
 * passkeys_absent: what the pages have in place of passkeys.c where the part `passkey` is left out. Only then does the linker take it: else
 * passkeys.o has these names before the archive in which this file lies.
 */
#include "door/passkeys.h"

bool passkeys_are_on(const struct call *c)
{
	(void)c;
	return false;
}

void passkeys_write_signin(struct call *c, struct page *p, struct slice action)
{
	(void)c, (void)p, (void)action;
}

enum error passkeys_sign_in(struct call *c)
{
	(void)c;
	return ERROR_NOT_FOUND;
}

enum error passkeys_prove(struct call *c, struct proven *out)
{
	(void)c, (void)out;
	return ERROR_NOT_FOUND;
}

void passkeys_write_add(struct call *c, struct page *p)
{
	(void)c, (void)p;
}

enum error passkeys_add(struct call *c)
{
	(void)c;
	return ERROR_NOT_FOUND;
}
