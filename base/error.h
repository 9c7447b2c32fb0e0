/*
 * error: the errors that latchkey tells, and fail().
 *
 * There are two kinds of error. What the client did wrong is a value of enum
 * error, and functions return it. What went wrong here (I/O, SQLite, memory)
 * is fail(), which doesn't return.
 */
#ifndef ERROR_H
#define ERROR_H

#include <stdbool.h>

/* The vocabulary: the table of docs/api.md. */
enum error {
	ERROR_NONE,
	ERROR_BAD_REQUEST,          /* HTTP itself is malformed: 400 invalid_request */
	ERROR_INVALID_JSON,
	ERROR_INVALID_REQUEST,
	ERROR_CHALLENGE_INVALID,    /* of a passkey or a second factor: the ticket is worth nothing */
	ERROR_CODE_INVALID,         /* of OAuth: an authorization or device code that is worth nothing */
	ERROR_DEVICE_PENDING,       /* of OAuth: nobody has answered the user code yet (RFC 8628, 3.5) */
	ERROR_DEVICE_DENIED,
	ERROR_DEVICE_EXPIRED,
	ERROR_INVALID_DPOP_PROOF,   /* RFC 9449, 5; of a bound session: none, or by another key */
	ERROR_USE_DPOP_NONCE,       /* RFC 9449, 8 */
	ERROR_INVALID_CREDENTIALS,
	ERROR_CODE_REQUIRED,        /* the password was right, a second factor is wanted */
	ERROR_TOKEN_MISSING,
	ERROR_TOKEN_INVALID,
	ERROR_TOKEN_EXPIRED,
	ERROR_REFRESH_INVALID,
	ERROR_REFRESH_EXPIRED,
	ERROR_REFRESH_REUSED,
	ERROR_SESSION_REVOKED,
	ERROR_LINK_INVALID,
	ERROR_LINK_EXPIRED,
	ERROR_LINK_USED,
	ERROR_CROSS_SITE,
	ERROR_INSECURE_ORIGIN,      /* cookie mode by plain HTTP */
	ERROR_SIGNUP_DISABLED,
	ERROR_INSUFFICIENT_SCOPE,   /* an access token of a client of OAuth, where that opens nothing */
	ERROR_NOT_IN_GROUP,         /* of /verify?group= */
	ERROR_REAUTH_REQUIRED,      /* who signed in long ago shows his password for it */
	ERROR_FACTOR_REQUIRED,      /* the user must set up a second factor first */
	ERROR_NOT_FOUND,
	ERROR_METHOD_NOT_ALLOWED,
	ERROR_REQUEST_TIMEOUT,
	ERROR_USERNAME_TAKEN,
	ERROR_CREDENTIAL_KNOWN,
	ERROR_CREDENTIAL_LIMIT,     /* keys.h */
	ERROR_LENGTH_REQUIRED,      /* a body was announced, and the web server hands on no length of it: 411 */
	ERROR_BODY_TOO_LARGE,
	ERROR_URI_TOO_LONG,
	ERROR_UNSUPPORTED_MEDIA_TYPE,
	ERROR_WEAK_PASSWORD,
	ERROR_RATE_LIMITED,
	ERROR_HEADERS_TOO_LARGE,
	ERROR_INTERNAL,
	ERROR_NOT_IMPLEMENTED,      /* a Transfer-Encoding other than chunked */
	ERROR_BUSY,
	ERROR_STORE_FULL,
	ERROR_STORE_UNAVAILABLE,
	ERROR_UNSETTLED,            /* the store or memory failed after a COMMIT */
	ERROR_CLOCK_UNSET,
	ERROR_VERSION,              /* HTTP of another major version: 505 */
	ERROR__MAX
};

struct error_info {
	int status;
	const char *code;      /* the contract's, stable */
	const char *message;   /* one sentence for people; it tells nothing of the inside */
	int retry_after;       /* seconds; 0: no Retry-After */
};

extern const struct error_info errors[ERROR__MAX];

/*
 * Our own fault: logs the line (log.h says how), passes the error to the
 * handler of on_fail(), and ends the process when that returns. main's handler
 * sends the error instead of the half-built reply. A failure inside the
 * handler ends the process at once. Exit code: 111.
 */
_Noreturn void fail(enum error e, const char *site, ...) __attribute__((sentinel));
/* Sets the handler, or none (NULL). A handler that leaves by longjmp sets itself again before. */
void on_fail(void (*handler)(enum error e));
/* The handler is at work: base.c then gives it the memory that is kept for it. */
bool fail_is_handled(void);

#endif
