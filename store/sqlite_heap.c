/*
 * sqlite_heap: see sqlite_heap.h.
 *
 * All memory comes from one block of zero pages, one piece directly after the other. So few pages
 * are touched, and those that a refresh touches are asked for in one call. (SQLite's memsys5
 * touched 42 pages, this 27; each first touch of a page is a fault, 1.3 to 1.7 µs.)
 *
 * A piece that was given back serves the next request of its size. Pieces are never joined or cut:
 * the sizes that one program asks for come again.
 */
#include "store/sqlite_heap.h"

#include "base/base.h"

#include <stddef.h>
#include <string.h>

#include <sqlite3.h>

#ifndef ARENA_MALLOC

enum {
	HEAP = 4 * 1024 * 1024,      /* bytes; pages that aren't touched cost nothing */
	HEAP_STEP = 16,              /* sizes are multiples of it, the head before each piece included */
	HEAP_SMALL = 64,             /* so many sizes have a list of their own; larger pieces share one */
	HEAP_USED = 60 * 1024        /* by a refresh */
};

/* Stands before what is given out. */
struct piece {
	union { size_t size; uint64_t aligned; };       /* of all of it, this head included */
	struct piece *next;             /* where it is spare; else the caller's first bytes */
};
enum { HEAD = offsetof(struct piece, next) };

static struct {
	size_t used;
	struct piece *spare[HEAP_SMALL + 1];
	_Alignas(max_align_t) char room[HEAP];
} heap;

static size_t size_for(int n)
{
	return ((size_t)n + HEAD + HEAP_STEP - 1) / HEAP_STEP * HEAP_STEP;
}

static struct piece **spare_of(size_t size)
{
	size_t i = size / HEAP_STEP;
	return &heap.spare[i < HEAP_SMALL ? i : HEAP_SMALL];
}

static struct piece *piece_of(void *given)
{
	return (struct piece *)(void *)((char *)given - HEAD);
}

/* A large piece serves what is at least half of it. */
static struct piece *take_spare(size_t size)
{
	struct piece **at = spare_of(size);
	while (*at && ((*at)->size < size || (*at)->size / 2 > size))
		at = &(*at)->next;
	struct piece *found = *at;
	if (found)
		*at = found->next;
	return found;
}

static void *heap_take(int n)
{
	size_t size = size_for(n);
	struct piece *p = take_spare(size);
	if (!p && size > HEAP - heap.used)
		return NULL;
	if (!p) {
		p = (struct piece *)(void *)(heap.room + heap.used);
		p->size = size;
		heap.used += size;
	}
	return &p->next;
}

static void heap_give(void *given)
{
	struct piece *p = piece_of(given), **list = spare_of(p->size);
	p->next = *list;
	*list = p;
}

static int heap_size(void *given)
{
	return (int)(piece_of(given)->size - HEAD);
}

static void *heap_resize(void *given, int n)
{
	if (n <= heap_size(given))
		return given;
	void *larger = heap_take(n);
	if (larger) {
		memcpy(larger, given, (size_t)heap_size(given));
		heap_give(given);
	}
	return larger;
}

static int heap_round(int n)
{
	return (int)(size_for(n) - HEAD);
}

static int heap_start(void *unused)
{
	(void)unused;
	touch_soon(&heap, HEAP_USED);
	return SQLITE_OK;
}

static void heap_end(void *unused)
{
	(void)unused;
}

static const sqlite3_mem_methods heap_methods = {
	heap_take, heap_give, heap_resize, heap_size, heap_round, heap_start, heap_end, NULL
};

void sqlite_heap_use(void)
{
	sqlite3_config(SQLITE_CONFIG_MALLOC, &heap_methods);
}

#else

void sqlite_heap_use(void)
{
}

#endif
