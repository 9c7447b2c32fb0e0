/*
 * jwt: the kinds of token, as JWS in compact form (RFC 7515). Each kind has
 * one algorithm, each kind and key one header, and each token one spelling.
 *
 * The header is never parsed. The first segment must equal, byte for byte, the
 * one that we would write with one of our keys. So a token can't choose its
 * algorithm, and can't bring a key (jwk, jku, x5c) or an extension (crit). The
 * signature is verified before a byte of the payload is looked at (RFC 8725).
 *
 * Each use has a key of its own (derive.h). So a resource server can be given the key of access tokens: with it it can
 * neither make refresh tokens nor compute a branch.
 */
#ifndef JWT_H
#define JWT_H

#include "base/base.h"
#include "json.h"
#include "keyring.h"

enum jwt_use {
	JWT_ACCESS,     /* header typ at+jwt (RFC 9068) */
	JWT_REFRESH,    /* header typ rt+jwt */
	JWT_SITE,       /* header typ st+jwt: the cookie of a site session (session_site.h) */
	JWT_LINK,       /* header typ ln+jwt: a ticket (ticket.h) */
	JWT_CODE,       /* header typ ac+jwt: an authorization code (RFC 6749, 4.1.2), a ticket too */
	JWT_DEVICE,      /* header typ dc+jwt: a device code (RFC 8628, 3.2), the same */
	JWT_ENROL,      /* header typ te+jwt: a ticket by which a second factor is set up */
	JWT_PASSKEY,    /* header typ pk+jwt: the challenge that a passkey answers, a ticket */
	JWT_SIGNED      /* header typ at+jwt too: an access token by ES256, for option access_alg */
};

/* How far ahead of the clock an iat may lie: the tolerance of the clock's mark. */
enum { JWT_AHEAD_SECONDS = 120 };

/* {"iss","sub","aud","sid","iat","exp","jti","name"} in this order. Then, where they aren't empty, "client_id" (RFC 9068, 2.2)
 * and "scope" (2.2.3), "groups" (2.2.3.1, an array), "email", "display_name". A token with any other claim is JWT_CLAIMS; jwt.c
 * says why. `name` is the user name, which is unique and what programs go by; OpenID Connect's claim of that name is for people, and
 * is called display_name here. */
struct access_claims {
	struct slice iss, aud, name;
	uint64_t sub;   /* the user's id */
	uint64_t sid;   /* the session's id */
	int64_t iat, exp;
	uint64_t jti;
	struct slice client_id, scope;   /* empty: not there */
	struct slice groups;             /* names between commas; empty: not there */
	struct slice email, display_name;
};

/*
 * An access token by ES256 begins with "jti"; "client_id" and "scope" are there even where they are empty. Its jti is 32 digits: 128
 * bits of a MAC over the header and all that comes after it. That is what jwt_open_signed() checks, and not the signature, which would
 * take ten times as long as all else of a request: who has verified the MAC knows that the token is ours, to the byte. `jti` in the struct is
 * its first half, and isn't looked at by jwt_seal_signed().
 */

/* {"iss","sid","ctr","br","iat","exp"} in this order. Frozen: jwt.c says why. */
struct refresh_claims {
	struct slice iss;
	uint64_t sid;
	int64_t ctr;    /* rotation counter, from 1 */
	uint64_t br;    /* tells the true successor of that counter from any other */
	int64_t iat, exp;
};

/* {"sid","iat","door"} in this order. Frozen, as those of a refresh token. */
struct site_claims {
	uint64_t sid;
	int64_t iat;    /* when the lineage began; the row of the session has the same */
	int64_t door;   /* 1: the pages of the front door take it too; 0: only who asks for what lies behind */
};

/* {"iss","sub","pw","iat","exp"} in this order. */
struct link_claims {
	struct slice iss;
	uint64_t sub;   /* the user's id */
	uint64_t pw;    /* jwt_password_mark() of the password that the user had when the link was made */
	int64_t iat, exp;
};

/* Each of these in this order. */
struct code_claims {
	struct slice iss;
	uint64_t sid;           /* of the session that doesn't exist yet */
	uint64_t sub;           /* the user's id */
	struct slice cid;       /* the client's name */
	struct slice uri, ch;   /* base64url of SHA-256, 43 letters: of the redirect URI, and of the code verifier, which is the code challenge; ch may be empty */
	int64_t scope;          /* SCOPE_ */
	struct slice nonce;     /* may be empty */
	int64_t at, amr;        /* when the person signed in, Unix seconds, and how (AMR_) */
	uint64_t pw;            /* jwt_password_mark() of the password that the user had then */
	uint64_t by;            /* the session whose cookie signed in; 0: none */
	int64_t sso;            /* 1: no password was shown for it */
	int64_t st;             /* which code of the second factor was shown (totp.h); 0: none */
	int64_t iat, exp;
};
struct device_claims {
	struct slice iss, cid;
	int64_t scope;
	struct slice uc;        /* the user code, twelve letters */
	int64_t iat, exp;
};

struct enrol_claims {
	struct slice iss;
	uint64_t sub;           /* the user's id */
	struct slice key;       /* the secret in base32; empty: there is none, and the ticket shows that who he is was shown */
	int64_t amr;            /* by what (AMR_) */
	uint64_t pw;            /* jwt_password_mark() of that password, or of what he has in its place */
	int64_t iat, exp;
};

struct passkey_claims {
	struct slice iss;
	uint64_t sid;           /* of the session that doesn't exist yet */
	uint64_t sub;           /* who registers a passkey; 0: somebody signs in */
	int64_t iat, exp;
};

enum jwt_verdict {
	JWT_VALID,
	JWT_MALFORMED,  /* too long, not three segments, not canonical base64url */
	JWT_FOREIGN,    /* the header isn't one of ours: another alg, another typ, an unknown kid */
	JWT_FORGED,     /* the signature isn't right */
	JWT_CLAIMS      /* signed with our key, but not the claims of this kind: another version wrote it */
};

/* A word for each verdict, for `latchkey verify` and the log. */
const char *jwt_verdict_word(enum jwt_verdict v);

/*
 * Checks a token's header, signature and claims, in this order. The caller
 * checks iss and aud, and the times. *out is written only on JWT_VALID; its
 * slices lie in the arena. *signer (may be NULL) is the key's place in the ring.
 */
enum jwt_verdict jwt_open_access(struct slice token, const struct keyring *ring, struct access_claims *out, size_t *signer);
enum jwt_verdict jwt_open_refresh(struct slice token, const struct keyring *ring, struct refresh_claims *out, size_t *signer);
enum jwt_verdict jwt_open_site(struct slice token, const struct keyring *ring, struct site_claims *out, size_t *signer);
enum jwt_verdict jwt_open_link(struct slice token, const struct keyring *ring, struct link_claims *out, size_t *signer);
enum jwt_verdict jwt_open_code(struct slice token, const struct keyring *ring, struct code_claims *out, size_t *signer);
enum jwt_verdict jwt_open_device(struct slice token, const struct keyring *ring, struct device_claims *out, size_t *signer);
enum jwt_verdict jwt_open_enrol(struct slice token, const struct keyring *ring, struct enrol_claims *out, size_t *signer);
enum jwt_verdict jwt_open_passkey(struct slice token, const struct keyring *ring, struct passkey_claims *out, size_t *signer);

/* Whether an access token is one of a client of OAuth; those of the app API name `latchkey`, or nothing. */
bool jwt_is_clients(const struct access_claims *claims);
enum jwt_verdict jwt_open_signed(struct slice token, const struct keyring *ring, struct access_claims *out, size_t *signer);

/* Writes a token, in the arena. Equal claims and key give equal bytes. */
struct slice jwt_seal_access(const struct key *key, const struct access_claims *claims);
struct slice jwt_seal_signed(const struct key *key, const struct access_claims *claims);
struct slice jwt_seal_refresh(const struct key *key, const struct refresh_claims *claims);
struct slice jwt_seal_site(const struct key *key, const struct site_claims *claims);
struct slice jwt_seal_link(const struct key *key, const struct link_claims *claims);
struct slice jwt_seal_code(const struct key *key, const struct code_claims *claims);
struct slice jwt_seal_device(const struct key *key, const struct device_claims *claims);
struct slice jwt_seal_enrol(const struct key *key, const struct enrol_claims *claims);
struct slice jwt_seal_passkey(const struct key *key, const struct passkey_claims *claims);

/* The derived key of one kind of token, KEY_SIZE bytes. */
void jwt_derive(const struct key *key, enum jwt_use use, uint8_t out[KEY_SIZE]);
/* Writes that key as a JSON Web Key (RFC 7517): what a resource server verifies with. */
void jwt_write_jwk(struct jw *w, const struct key *key, enum jwt_use use);

/*
 * The branch of successor number ctr of session sid, when the request for it
 * had the idempotency hash idem (0: none). It is the first 8 bytes, big-endian,
 * of HMAC(K_branch, sid | ctr | idem), each as 8 bytes big-endian. K_branch is
 * derived for that use alone. Counters count from 1. With 0 the branch of a site session is asked for (idem: when its
 * lineage began); else what is asked for with 0 and below is no branch, but a number that one request of one user has
 * again when it comes again (session.c, signin.c).
 */
uint64_t jwt_branch(const struct key *key, uint64_t sid, int64_t ctr, uint64_t idem);

/* The id of an access token. It depends on nothing but its arguments, so the same
 * answer can be given twice. */
uint64_t jwt_access_id(const struct key *key, uint64_t sid, int64_t ctr, int64_t iat);

/*
 * What a ticket says of a user's password: the first 8 bytes, big-endian, of HMAC(K_pw, sub | hash), sub as 8 bytes
 * big-endian, hash as it is stored. It tells nothing of the password, and fits no later one. K_pw is derived for that use alone.
 */
uint64_t jwt_password_mark(const struct key *key, uint64_t sub, struct slice hash);

/* Sets key->kid: the first eight hexadecimal digits of the SHA-256 of the master
 * key. So two hosts with the same key give it the same kid, and a kid tells nothing
 * about its key. */
void jwt_name_key(struct key *key);
/* NULL, or a message when a key doesn't have its kid. Without this check one flipped
 * bit in the file would make us refuse every token as forged. */
const char *jwt_keys_wrong(const struct keyring *ring);

/* The hash under which an idempotency key is kept: the first 8 bytes, big-endian, of
 * SHA-256(key). Never 0. */
uint64_t jwt_idempotency(struct slice key);

#endif
