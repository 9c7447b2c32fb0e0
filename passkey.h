/*
 * passkey: what a browser or an app shows for a passkey (WebAuthn Level 3), and whether it is right.
 *
 * Two pieces come from there. Client data is JSON that the browser wrote: for what (`type`), in answer to which challenge, and on
 * whose page (`origin`). Authenticator data is bytes that the authenticator wrote: for whom (a hash of the id of the relying party,
 * that is the host), whether a person was there and proved who he is (flags), how often it has signed (counter), and, when a
 * credential is made, its id and its public key. The signature covers both.
 *
 * No CBOR is parsed. The public key comes after the credential's id in one of three fixed forms (RFC 9052, 7), compared byte for
 * byte. Extensions may follow it; attestation isn't looked at.
 *
 * Policy alone: whoever asks for it, and what is stored, is said elsewhere.
 */
#ifndef PASSKEY_H
#define PASSKEY_H

#include "base/base.h"
#include "config.h"
#include "keys.h"

enum {
	PASSKEY_CLIENT_DATA = 1024,     /* bytes at most */
	PASSKEY_AUTHENTICATOR_DATA = 1024,
	PASSKEY_SIGNATURE = 256,
	PASSKEY_KEPT = 0x1f             /* of the flags: what is kept beside a credential; the two others say what follows them */
};

enum passkey_use { PASSKEY_SIGN_IN, PASSKEY_REGISTER };        /* webauthn.get, webauthn.create */

/* The id of the relying party: option rp_id, else the host of the issuer. p NULL: the issuer is no URL, and there are no passkeys. */
struct slice passkey_rp_id(const struct config *config);

/*
 * Reads client data. Members may come in any order, and others beside them. *challenge is the one that it answers, decoded, in the
 * arena. INVALID_REQUEST: it isn't client data for that use. CROSS_SITE: another origin than the issuer's or one of
 * passkey_origins, or a frame in a page of another.
 */
enum error passkey_read_client(const struct config *config, enum passkey_use use, struct slice client_data, struct slice *challenge);

/* What authenticator data say. */
struct passkey_data {
	unsigned flags;                 /* of which passkey_fits() wants some again: struct user_key */
	int64_t counter;                /* 0: it doesn't count */
	struct slice id, key;           /* to register: of the new credential, borrowed; the key as signature_is_good() takes it */
};

/*
 * Reads authenticator data. INVALID_REQUEST: they are not of that form, are for another relying party, no person was there or he
 * didn't prove who he is, they are backed up and can't be, or the key is of another kind than signature_algorithms().
 */
enum error passkey_read_data(const struct config *config, enum passkey_use use, struct slice data, struct passkey_data *out);

/* Whether the credential can be the one that shows this: it may be backed up as before, and its counter has grown. */
bool passkey_fits(const struct user_key *k, const struct passkey_data *shown);

/* Whether the credential's key signed these two (7.2, step 21). Takes long: signature.h. */
bool passkey_signed(const struct user_key *k, struct slice data, struct slice client_data, struct slice signature);

#endif
