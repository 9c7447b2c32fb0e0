/*
 * wallets: see wallets.h.
 *
 * A wallet says which address it has before there is a text to sign. So the page's script asks for one, at /wallet/challenge, and sends it back in a form,
 * in base64url: a form's own lines end otherwise. As `id` it sends chain and address, with a colon between.
 */
#include "door/wallets.h"

#include "base/base64.h"
#include "signin_wallet.h"

static bool read_shown(const struct call *c, struct wallet_shown *out)
{
	const struct door *d = frame_own(c);
	struct slice address = d->id, chain = slice_cut(&address, ':');
	*out = (struct wallet_shown){ .signature = d->signature };
	return wallet_find(c->work.config->wallets, chain, address, &out->wallet) && base64url_read(d->data, &out->text);
}

enum error wallets_show(struct call *c, const struct origin *how, struct proven *proven)
{
	struct door *d = frame_own(c);
	struct wallet_shown shown;
	return read_shown(c, &shown) ? signin_by_wallet(&c->work, &shown, d->username, how, &d->grant, proven) : ERROR_INVALID_REQUEST;
}

enum error wallets_add(struct call *c)
{
	struct wallet_shown shown;
	uint64_t number;
	return read_shown(c, &shown) ? signin_add_wallet(&c->work, &frame_own(c)->caller, &shown, SLICE_NONE, &number) : ERROR_INVALID_REQUEST;
}
