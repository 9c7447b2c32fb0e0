/*
 * scope: see scope.h.
 */
#include "scope.h"

static const struct { unsigned bit; const char *word; } scopes[] = {
	{ SCOPE_OPENID, "openid" }, { SCOPE_PROFILE, "profile" }, { SCOPE_EMAIL, "email" }, { SCOPE_OFFLINE, "offline_access" }
};

struct slice scope_words(unsigned scope)
{
	struct buf b = { 0 };
	for (size_t i = 0; scope && i < sizeof scopes / sizeof *scopes; i++)
		if (scope & scopes[i].bit) {
			buf_s(&b, b.n ? " " : "");
			buf_s(&b, scopes[i].word);
		}
	return b.n ? buf_slice(&b) : S("");
}

unsigned scope_of(struct slice words)
{
	unsigned scope = 0;
	while (words.p) {
		struct slice word = slice_cut(&words, ' ');
		for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
			scope |= slice_is(word, slice_of(scopes[i].word)) ? scopes[i].bit : 0;
	}
	return scope;
}
