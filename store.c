/*
 * store: what every store has in common: the words for its numbers, and how a
 * transaction ends. What is kept, and how, is in store/, one store for each
 * executable (Makefile, STORE).
 */
#include "store.h"

#include "store/engine.h"

const char *const ended_words[ENDED__MAX] = {
	[ENDED_NOT] = "live", [ENDED_LOGOUT] = "logout", [ENDED_REVOKED] = "revoked",
	[ENDED_REUSE] = "reuse", [ENDED_FORK] = "fork", [ENDED_PASSWORD] = "password",
	[ENDED_DISABLED] = "disabled", [ENDED_REPLACED] = "replaced", [ENDED_UNKNOWN] = "unknown",
};

const char *const event_words[EVENT__MAX] = {
	[0] = "none", [EVENT_LOGIN] = "login", [EVENT_LOGIN_FAILED] = "login_failed",
	[EVENT_REFRESH] = "refresh", [EVENT_REUSE] = "reuse", [EVENT_FORK] = "fork",
	[EVENT_ROLLFORWARD] = "rollforward", [EVENT_LOGOUT] = "logout", [EVENT_REVOKE] = "revoke",
	[EVENT_PASSWORD_CHANGED] = "password_changed", [EVENT_USER_ADDED] = "user_added",
	[EVENT_USER_DISABLED] = "user_disabled", [EVENT_USER_ENABLED] = "user_enabled",
	[EVENT_USER_DELETED] = "user_deleted", [EVENT_KEY_ADDED] = "key_added",
	[EVENT_KEY_RETIRED] = "key_retired", [EVENT_EPOCH] = "epoch", [EVENT_KEY_USED] = "key_used",
	[EVENT_REPLAY] = "replay", [EVENT_USER_RENAMED] = "user_renamed",
	[EVENT_USERS_IMPORTED] = "users_imported", [EVENT_CLOCK] = "clock",
	[EVENT_RESTORED] = "restored", [EVENT_USER_CHANGED] = "user_changed", [EVENT_LINK_MADE] = "link_made",
	[EVENT_RATE_LIMITED] = "rate_limited",
	[EVENT_LINK_USED] = "link_used", [EVENT_CLIENT_ADDED] = "client_added",
	[EVENT_CLIENT_REMOVED] = "client_removed", [EVENT_CLIENT_SECRET] = "client_secret",
	[EVENT_TOTP_ON] = "totp_on", [EVENT_TOTP_OFF] = "totp_off",
	[EVENT_PASSKEY_ADDED] = "passkey_added", [EVENT_PASSKEY_REMOVED] = "passkey_removed",
	[EVENT_UNKNOWN] = "unknown",
};

const char *const class_words[CLASS__MAX] = {
	[CLASS_NONE] = "none", [CLASS_LATE] = "late", [CLASS_RIVAL] = "rival", [CLASS_OLD] = "old", [CLASS_SHARED] = "shared",
	[CLASS_CODE] = "code", [CLASS_SSO] = "sso", [CLASS_FACTOR] = "factor", [CLASS_UNKNOWN] = "unknown",
};

bool event_has_count(enum event event)
{
	static const enum event counting[] = { EVENT_LOGIN, EVENT_LOGOUT, EVENT_REVOKE, EVENT_PASSWORD_CHANGED, EVENT_USER_DISABLED,
		EVENT_EPOCH, EVENT_USERS_IMPORTED, EVENT_LINK_USED,
		EVENT_CLIENT_REMOVED };
	for (size_t i = 0; i < sizeof counting / sizeof *counting; i++)
		if (counting[i] == event)
			return true;
	return false;
}

const char *const share_words[SHARE__MAX] = {
	[SHARE_REFRESH] = "refresh", [SHARE_FAILED] = "login_failed, rate_limited", [SHARE_SIGNIN] = "login, logout",
	[SHARE_KEPT] = "all others",
};

/* What isn't named here is kept, as events of later versions are. */
enum share event_share(enum event event)
{
	static const struct { enum event event; enum share share; } shares[] = {
		{ EVENT_REFRESH, SHARE_REFRESH }, { EVENT_ROLLFORWARD, SHARE_REFRESH }, { EVENT_LOGIN_FAILED, SHARE_FAILED },
		{ EVENT_RATE_LIMITED, SHARE_FAILED },
		{ EVENT_LOGIN, SHARE_SIGNIN }, { EVENT_LOGOUT, SHARE_SIGNIN },
	};
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
		if (shares[i].event == event)
			return shares[i].share;
	return SHARE_KEPT;
}

/* What work says of a state that it hasn't seen to the end counts for nothing: store_again(). */
enum error store_run(enum durability d, enum error (*work)(void *), void *arg)
{
	enum error e;
	do {
		store_begin(d);
		e = work(arg);
	} while (store_again());
	if (e == ERROR_NONE)
		store_commit();
	else
		store_rollback();
	return e;
}
