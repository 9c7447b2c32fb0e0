/*
 * base64: both alphabets of RFC 4648 without padding, in their only spelling.
 *
 * Only a text that we would write is read: no padding, no other letter, unused bits zero. So each byte string has one
 * text, and every flipped bit of a token is noticed.
 */
#ifndef BASE64_H
#define BASE64_H

#include "base/base.h"

/* base64url (RFC 4648, 5), as tokens have it. base64url_add() appends to b. *out of base64url_read() lies in the arena, and is
 * untouched when the text is refused. */
void base64url_add(struct buf *b, struct slice bytes);
bool base64url_read(struct slice text, struct slice *out);

/* The standard alphabet (RFC 4648, 4), as stored passwords have it. Reads exactly n bytes, in a time that depends on
 * n alone: a stored hash is a secret. False on any other text; then out holds nothing of use. */
void base64_add(struct buf *b, struct slice bytes);
bool base64_read(struct slice text, uint8_t *out, size_t n);

#endif
