/*
 * copy: memcpy(3), memmove(3), memcmp(3) and memchr(3), in the place of musl's on x86-64. Those take few bytes one at a time, and a
 * request is some hundred copies of a dozen bytes: they were an eighth of a worker's time.
 *
 * Up to 32 bytes are read as two pieces, from either end, which overlap where they must; all is read before any is written. What is
 * longer goes by 16 bytes, from the end at which nothing is overwritten that is still to be read.
 */
#include "base/base.h"

#include <string.h>

#if defined __x86_64__ && !defined __GLIBC__

/* So many bytes, at any address. */
typedef uint16_t two __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));
typedef uint64_t eight __attribute__((aligned(1), may_alias));
typedef uint64_t sixteen __attribute__((vector_size(16), may_alias, aligned(1)));

#define COPY_ENDS(piece) do { \
		piece first = *(const piece *)from, last = *(const piece *)(from + n - sizeof(piece)); \
		*(piece *)to = first; \
		*(piece *)(to + n - sizeof(piece)) = last; \
	} while (0)

static void copy_short(char *to, const char *from, size_t n)
{
	if (n >= 16)
		COPY_ENDS(sixteen);
	else if (n >= 8)
		COPY_ENDS(eight);
	else if (n >= 4)
		COPY_ENDS(four);
	else if (n >= 2)
		COPY_ENDS(two);
	else if (n)
		*to = *from;
}

/* Through a register that the compiler knows nothing of: it would make a call of memcpy() of the loop. */
static void copy_sixteen(char *to, const char *from)
{
	sixteen piece = *(const sixteen *)from;
	__asm__ ("" : "+x"(piece));
	*(sixteen *)to = piece;
}

void *memmove(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;
	if (n <= 32) {
		copy_short(t, f, n);
	} else if ((uintptr_t)to - (uintptr_t)from >= n) {
		sixteen last = *(const sixteen *)(f + n - 16);
		for (size_t i = 0; i < n - 16; i += 16)
			copy_sixteen(t + i, f + i);
		*(sixteen *)(t + n - 16) = last;
	} else {
		sixteen first = *(const sixteen *)f;
		for (; n > 16; n -= 16)
			copy_sixteen(t + n - 16, f + n - 16);
		*(sixteen *)t = first;
	}
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) __attribute__((alias("memmove")));

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;
	size_t i = 0;
	while (n - i >= 8 && *(const eight *)(x + i) == *(const eight *)(y + i))
		i += 8;
	while (i < n && x[i] == y[i])
		i++;
	return i < n ? x[i] - y[i] : 0;
}

void *memchr(const void *in, int c, size_t n)
{
	const unsigned char *p = in, *end = p + n;
	while (end - p >= 8 && !word_has(*(const eight *)p, (unsigned char)c))
		p += 8;
	while (p < end && *p != (unsigned char)c)
		p++;
	return p < end ? (void *)(uintptr_t)p : NULL;
}

#endif
