/*
 * error: see error.h for what each function promises.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/log.h"

/* docs/api.md 3; tests/docs.t compares. */
const struct error_info errors[ERROR__MAX] = {
	[ERROR_NONE] = { 200, "ok", "", 0 },
	[ERROR_BAD_REQUEST] = { 400, "invalid_request", "The request is not valid HTTP.", 0 },
	[ERROR_INVALID_JSON] = { 400, "invalid_json", "The body is not valid JSON.", 0 },
	[ERROR_INVALID_REQUEST] = { 400, "invalid_request", "Something in the request is missing or not allowed.", 0 },
	[ERROR_CHALLENGE_INVALID] = { 400, "challenge_invalid", "This challenge is none of ours, has expired, or was used.", 0 },
	[ERROR_CODE_INVALID] = { 400, "code_invalid", "The code is not valid: another client's, expired, used, or none of ours.", 0 },
	[ERROR_DEVICE_PENDING] = { 400, "authorization_pending", "Nobody has answered the user code yet.", 0 },
	[ERROR_DEVICE_DENIED] = { 400, "access_denied", "A person said no, or the session was ended.", 0 },
	[ERROR_DEVICE_EXPIRED] = { 400, "expired_token", "The device code has expired.", 0 },
	[ERROR_INVALID_DPOP_PROOF] = { 400, "invalid_dpop_proof", "The proof of possession is not valid, or is missing for a session that is bound to a key.", 0 },
	[ERROR_USE_DPOP_NONCE] = { 400, "use_dpop_nonce", "The proof of possession needs the nonce of header DPoP-Nonce.", 0 },
	[ERROR_INVALID_CREDENTIALS] = { 401, "invalid_credentials", "User name or password is wrong.", 0 },
	[ERROR_CODE_REQUIRED] = { 401, "code_required", "The password is right; a code of the second factor is needed, too.", 0 },
	[ERROR_TOKEN_MISSING] = { 401, "token_missing", "An access token is needed.", 0 },
	[ERROR_TOKEN_INVALID] = { 401, "token_invalid", "The access token is not valid.", 0 },
	[ERROR_TOKEN_EXPIRED] = { 401, "token_expired", "The access token has expired.", 0 },
	[ERROR_REFRESH_INVALID] = { 401, "refresh_invalid", "The refresh token is not valid.", 0 },
	[ERROR_REFRESH_EXPIRED] = { 401, "refresh_expired", "The session has expired.", 0 },
	[ERROR_REFRESH_REUSED] = { 401, "refresh_reused", "The refresh token was used before; the session has been ended.", 0 },
	[ERROR_SESSION_REVOKED] = { 401, "session_revoked", "The session has been ended.", 0 },
	[ERROR_LINK_INVALID] = { 401, "link_invalid", "This link is none of ours.", 0 },
	[ERROR_LINK_EXPIRED] = { 401, "link_expired", "This link has expired; ask for another one.", 0 },
	[ERROR_LINK_USED] = { 401, "link_used", "This link has been used, or the password was changed since it was made.", 0 },
	[ERROR_CROSS_SITE] = { 403, "cross_site", "This request may not come from another site.", 0 },
	[ERROR_INSECURE_ORIGIN] = { 403, "insecure_origin", "Over plain HTTP a browser drops the cookie: HTTPS is needed.", 0 },
	[ERROR_SIGNUP_DISABLED] = { 403, "signup_disabled", "New accounts can't be made here.", 0 },
	[ERROR_INSUFFICIENT_SCOPE] = { 403, "insufficient_scope", "The access token of this client does not open this.", 0 },
	[ERROR_NOT_IN_GROUP] = { 403, "not_in_group", "This is for members of another group.", 0 },
	[ERROR_REAUTH_REQUIRED] = { 403, "reauth_required", "This needs the password, or a sign-in within the last ten minutes.", 0 },
	[ERROR_FACTOR_REQUIRED] = { 403, "factor_required", "A second factor is needed here; set one up on the page first.", 0 },
	[ERROR_NOT_FOUND] = { 404, "not_found", "There is nothing here.", 0 },
	[ERROR_METHOD_NOT_ALLOWED] = { 405, "method_not_allowed", "This method is not allowed here.", 0 },
	[ERROR_REQUEST_TIMEOUT] = { 408, "request_timeout", "The request did not arrive in time, or its client has gone; nothing was changed.", 0 },
	[ERROR_USERNAME_TAKEN] = { 409, "username_taken", "This user name is taken.", 0 },
	[ERROR_CREDENTIAL_KNOWN] = { 409, "credential_known", "This is registered already.", 0 },
	[ERROR_CREDENTIAL_LIMIT] = { 409, "credential_limit", "No more can be registered; remove one that is no longer used.", 0 },
	[ERROR_LENGTH_REQUIRED] = { 411, "length_required", "The length of the body didn't come through; send Content-Length.", 0 },
	[ERROR_BODY_TOO_LARGE] = { 413, "body_too_large", "The body is larger than 16 KiB.", 0 },
	[ERROR_URI_TOO_LONG] = { 414, "uri_too_long", "The request line is too long.", 0 },
	[ERROR_UNSUPPORTED_MEDIA_TYPE] = { 415, "unsupported_media_type", "The body must be application/json.", 0 },
	[ERROR_WEAK_PASSWORD] = { 422, "weak_password", "The password must have 8 to 1024 bytes, no control character among them, and be neither common nor the user's name.", 0 },
	[ERROR_RATE_LIMITED] = { 429, "rate_limited", "Too many tries; wait a moment.", 1 },
	[ERROR_HEADERS_TOO_LARGE] = { 431, "headers_too_large", "The request's headers are too large.", 0 },
	[ERROR_INTERNAL] = { 500, "internal", "Something went wrong here.", 0 },
	[ERROR_NOT_IMPLEMENTED] = { 501, "not_implemented", "This transfer coding is not supported.", 0 },
	[ERROR_BUSY] = { 503, "busy", "Too much is going on; try again.", 1 },
	[ERROR_STORE_FULL] = { 503, "store_full", "There is no room to write; nothing was changed.", 60 },
	[ERROR_STORE_UNAVAILABLE] = { 503, "store_unavailable", "The store can't be used right now; nothing was changed.", 10 },
	[ERROR_UNSETTLED] = { 503, "store_unavailable", "Something failed here at the very end; what was asked for may have been done.", 10 },
	[ERROR_CLOCK_UNSET] = { 503, "clock_unset", "The clock here isn't set yet; nothing was changed.", 30 },
	[ERROR_VERSION] = { 505, "http_version", "Only HTTP/1.0 and HTTP/1.1 are spoken here.", 0 },
};

static void (*handler)(enum error e);
static bool failing;

void on_fail(void (*new_handler)(enum error e))
{
	handler = new_handler;
	failing = false;
}

bool fail_is_handled(void)
{
	return failing;
}

_Noreturn void fail(enum error e, const char *site, ...)
{
	va_list parts;
	va_start(parts, site);
	log_parts(site, parts);
	va_end(parts);
	if (!failing && handler) {
		failing = true;
		handler(e);
	}
	exit(111);
}
