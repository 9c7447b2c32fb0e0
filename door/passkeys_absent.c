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

void passkeys_write_button(struct call *c, struct page *p, const char *class, struct slice label)
{
	(void)c, (void)p, (void)class, (void)label;
}

enum error passkeys_show(struct call *c, const struct origin *how, struct proven *proven)
{
	(void)c, (void)how, (void)proven;
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
