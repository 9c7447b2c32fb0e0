/*
 * base64: both alphabets of RFC 4648 without padding, in their only spelling.
 *
 * Reading takes only what writing would give: no padding, no other letter, unused bits zero. So one byte string has
 * one text, and no bit of a token can be flipped unseen.
 */
#ifndef BASE64_H
#define BASE64_H

#include "base/base.h"

/* base64url (RFC 4648, 5), as tokens have it. Writing appends to b; what is read lies in the arena. */
void base64url_add(struct buf *b, struct slice bytes);
bool base64url_read(struct slice text, struct slice *out);

/* The standard alphabet (RFC 4648, 4), as stored passwords have it. Reads exactly n bytes, in a time that depends on
 * n alone: a stored hash is a secret. False on any other text; then out holds nothing of use. */
void base64_add(struct buf *b, struct slice bytes);
bool base64_read(struct slice text, uint8_t *out, size_t n);

#endif
