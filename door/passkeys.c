/*
 * passkeys: see passkeys.h.
 *
 * A challenge stands in the page: it costs no store, and a browser asks for no other. It is good for five minutes; who takes longer is
 * told so, by a page with another one.
 */
#include "door/passkeys.h"

#include "base/base64.h"
#include "config.h"
#include "keys.h"
#include "signature.h"
#include "signin.h"
#include "signin_passkey.h"
#include "ticket.h"

bool passkeys_are_on(const struct call *c)
{
	return passkey_rp_id(c->work.config).p != NULL;
}

static struct slice letters(struct slice bytes)
{
	struct buf b = { 0 };
	base64url_add(&b, bytes);
	return buf_slice(&b);
}

static bool decode(struct slice text, struct slice *out)
{
	*out = SLICE_NONE;
	return !text.p || base64url_read(text, out);
}

static bool read_shown(const struct call *c, struct shown *out)
{
	const struct door *d = frame_own(c);
	*out = (struct shown){ .about = NULL };
	return decode(d->client_data, &out->client_data) && decode(d->data, &out->data) && decode(d->id, &out->id)
		&& decode(d->signature, &out->signature) && decode(d->handle, &out->user_handle);
}

/* ---- signing in -------------------------------------------------------- */

void passkeys_write_button(struct call *c, struct page *p, const char *class, struct slice label)
{
	if (passkeys_are_on(c))
		PAGE_FILL(p, "<button class=\"{1}\" type=\"button\" data-challenge=\"{2}\" data-rp=\"{3}\" hidden>{4}</button>",
			slice_of(class), letters(ticket_make_passkey(&c->work, 0)), passkey_rp_id(c->work.config), label);
}

enum error passkeys_show(struct call *c, const struct origin *how, struct proven *proven)
{
	struct door *d = frame_own(c);
	uint64_t caller = d->caller.user.id;
	struct shown shown;
	if (!passkeys_are_on(c))
		return ERROR_NOT_FOUND;
	if (!read_shown(c, &shown))
		return ERROR_INVALID_REQUEST;
	if (caller && !slice_is(shown.user_handle, signin_user_handle(caller)))
		return ERROR_INVALID_CREDENTIALS;
	return signin_by_passkey(&c->work, &shown, how, &d->grant, proven);
}

/* ---- the account ------------------------------------------------------- */

void passkeys_write_add(struct call *c, struct page *p)
{
	if (!passkeys_are_on(c))
		return;
	const struct user *u = &frame_own(c)->caller.user;
	PAGE_FILL(p, "<form class=\"stack\" method=\"post\" action=\"account\" hidden><input type=\"hidden\" name=\"do\" value=\"add\">\n"
		"<label>{passkey_label}<input name=\"label\" maxlength=\"64\" autocomplete=\"off\"></label>\n"
		"<button type=\"button\" data-challenge=\"{1}\" data-rp=\"{2}\" data-user=\"{3}\" data-name=\"{4}\" data-algorithms=\"{5}\" hidden>{passkey_add}</button></form>\n",
		letters(ticket_make_passkey(&c->work, u->id)), passkey_rp_id(c->work.config), letters(signin_user_handle(u->id)), u->name, signature_algorithms());
}

enum error passkeys_add(struct call *c)
{
	struct door *d = frame_own(c);
	struct shown shown;
	uint64_t number;
	if (!passkeys_are_on(c))
		return ERROR_NOT_FOUND;
	if (!read_shown(c, &shown) || !keys_label_ok(d->label))
		return ERROR_INVALID_REQUEST;
	return signin_add_passkey(&c->work, &d->caller, &(struct owner){ SLICE_NONE, SLICE_NONE }, &shown, d->label, &number);
}
