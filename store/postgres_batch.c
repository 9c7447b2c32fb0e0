/*
 * postgres_batch: a batch of a worker, as few statements.
 *
 * A worker tells which sessions its batch will ask for. They are read with their users and locked by one statement, in the order of their
 * ids: so two hosts whose batches have the same two rows don't wait for one another. Rotations and audit rows are kept, and written
 * by a statement each, with the commit or before whatever is asked next: what is asked sees what was written.
 */
#include "store/postgres.h"

#include "store/upkeep.h"

#include <string.h>

enum { BATCH = STORE_EXPECTS, IP_MAX = 64 };

/* ---- what is read ------------------------------------------------------ */

PGresult *pg_expected_rows;
static struct { uint64_t id; bool good; } expected[BATCH];
static int rows;

void pg_expected_forget(void)
{
	PQclear(pg_expected_rows);
	pg_expected_rows = NULL;
	rows = 0;
}

void store_expect(const uint64_t *id, size_t n)
{
	int64_t numbers[BATCH];
	struct args a = { 0 };
	size_t mark = arena_mark(), count = 0;
	if (state_in_transaction())
		return;
	pg_expected_forget();
	for (; count < n && count < BATCH; count++)
		numbers[count] = (int64_t)id[count];
	pg_begin_batch();
	int64_t found = pg_ask(SQL_EXPECT, arg_ints(&a, numbers, count));
	arena_back(mark);
	for (rows = 0; rows < found && rows < BATCH; rows++) {
		expected[rows].id = (uint64_t)col_int(rows, 0);
		expected[rows].good = true;
	}
	pg_expected_rows = pg_answer;
	pg_answer = NULL;
}

int pg_expected(uint64_t id)
{
	for (int i = 0; i < rows; i++)
		if (expected[i].id == id)
			return expected[i].good ? i : -1;
	return -1;
}

void pg_expected_changed(uint64_t id)
{
	for (int i = 0; i < rows; i++)
		if (expected[i].id == id)
			expected[i].good = false;
}

/* ---- what is written --------------------------------------------------- */

enum { ROTATE_COLUMNS = 6, AUDIT_NUMBERS = 6 };
static int64_t rotations[ROTATE_COLUMNS][BATCH];
static size_t rotation_count;
static int64_t audits[AUDIT_NUMBERS][BATCH];       /* time, event, user, session, class, number */
static struct slice audit_ip[BATCH], audit_client[BATCH];
static char ip_bytes[BATCH][IP_MAX], client_bytes[BATCH][LIMIT_CLIENT];
static size_t audit_count;

static struct slice keep(struct slice s, char *at, size_t room)
{
	size_t n = s.n < room ? s.n : room;
	if (n)
		memcpy(at, s.p, n);
	return (struct slice){ at, n };
}

/* The place of a session's rotation: of two in one batch the later one counts. */
static size_t place_of(uint64_t id)
{
	size_t i = 0;
	while (i < rotation_count && (uint64_t)rotations[0][i] != id)
		i++;
	return i;
}

bool pg_batch_rotate(const struct session *s)
{
	if (!state_in_batch() || state_is_vain())
		return state_is_vain();
	size_t at = place_of(s->id);
	if (at == BATCH) {
		pg_batch_write();
		at = 0;
	}
	const int64_t numbers[ROTATE_COLUMNS] = { (int64_t)s->id, s->ctr, (int64_t)s->br, (int64_t)s->idem, s->rotated_at, s->strays };
	for (size_t i = 0; i < ROTATE_COLUMNS; i++)
		rotations[i][at] = numbers[i];
	rotation_count += at == rotation_count;
	return true;
}

bool pg_batch_audit(const struct audit *row, int64_t number)
{
	if (!state_in_batch() || state_is_vain())
		return state_is_vain();
	if (audit_count == BATCH)
		pg_batch_write();
	const size_t at = audit_count++;
	const int64_t numbers[AUDIT_NUMBERS] = { row->time, row->event, (int64_t)row->user, (int64_t)row->session, row->class, number };
	for (size_t i = 0; i < AUDIT_NUMBERS; i++)
		audits[i][at] = numbers[i];
	audit_ip[at] = keep(row->ip, ip_bytes[at], IP_MAX);
	audit_client[at] = keep(row->client, client_bytes[at], LIMIT_CLIENT);
	return true;
}

/* One row is written as it is: a statement over arrays takes PostgreSQL half as long again. */
static void put_ints(struct args *a, const int64_t *value, size_t n)
{
	if (n > 1)
		arg_ints(a, value, n);
	else
		arg_int(a, *value);
}

static void put_bytes(struct args *a, const struct slice *value, size_t n)
{
	if (n > 1)
		arg_bytes_each(a, value, n);
	else
		arg_bytes(a, *value);
}

static void write_rotations(void)
{
	struct args a = { 0 };
	const size_t n = rotation_count;
	rotation_count = 0;
	for (size_t i = 0; i < ROTATE_COLUMNS; i++)
		put_ints(&a, rotations[i], n);
	pg_queue(n > 1 ? SQL_ROTATE_ALL : SQL_SESSION_ROTATE, &a);
}

static void write_audits(void)
{
	struct args a = { 0 };
	const size_t n = audit_count;
	audit_count = 0;
	for (size_t i = 0; i < 4; i++)
		put_ints(&a, audits[i], n);
	put_bytes(&a, audit_ip, n);
	put_ints(&a, audits[4], n);
	put_ints(&a, audits[5], n);
	put_bytes(&a, audit_client, n);
	pg_queue(n > 1 ? SQL_AUDIT_ADD_ALL : SQL_AUDIT_ADD, &a);
}

void pg_batch_write(void)
{
	size_t mark = arena_mark();
	if (rotation_count)
		write_rotations();
	if (audit_count)
		write_audits();
	arena_back(mark);
}

void pg_batch_forget(void)
{
	pg_expected_forget();
	rotation_count = audit_count = 0;
}
