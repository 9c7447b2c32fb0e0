/*
 * words_en: the pages in English.
 */
#include "door/words.h"

const struct language words_en = { "en", {
	[WORD_sign_in] = "Sign in",
	[WORD_sign_in_to] = "to go on to {1}",
	[WORD_user_name] = "User name",
	[WORD_password] = "Password",
	[WORD_stay] = "Stay signed in on this device",
	[WORD_signed_in_as] = "You are signed in as {1}.",
	[WORD_go_on] = "Go on",
	[WORD_your_account] = "Your account",
	[WORD_sign_out] = "Sign out",
	[WORD_sign_out_ask] = "Sign out on this device?",
	[WORD_signed_out] = "You are signed out.",
	[WORD_wrong_credentials] = "User name or password is wrong.",
	[WORD_wrong_password] = "The password is wrong.",
	[WORD_weak_password] = "Choose another password: at least 8 characters, none that many people use, and not your user name.",
	[WORD_fill_in] = "Please fill in all fields.",
	[WORD_rate_limited] = "Too many tries. Wait {1}, then try again.",
	[WORD_seconds] = "{1} s",
	[WORD_minutes] = "{1} min",
	[WORD_elsewhere] = "For your safety nothing was done: the form came from another page. Please try again here.",
	[WORD_insecure] = "Signing in needs HTTPS here: over plain HTTP a browser drops the cookie.",
	[WORD_unavailable] = "This doesn't work right now, and nothing was changed. Try again in {1}.",
	[WORD_failed] = "That didn't work.",
	[WORD_not_found] = "There is nothing here.",
	[WORD_problem] = "Something is wrong",
	[WORD_back] = "Back to sign-in",
} };
