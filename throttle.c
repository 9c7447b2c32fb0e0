/*
 * throttle: see throttle.h for the policy.
 *
 * The table is one file of 64 KiB: rows of 8 slots of 16 bytes, read and
 * written a row at a time under one lock on the whole file. The first row is the
 * header. Each kind of key has rows of its own, so that a flood of networks
 * can't push accounts out, nor the other way round.
 *
 * A key is a keyed hash (SipHash-2-4) of kind, network and account. Its secret
 * was drawn when the table was made, so nobody can aim at a slot. In a full row
 * the slot with the fewest failures is replaced, and of those the one that ends
 * first: an attacker who wants an account's count forgotten must fail as often
 * with seven other accounts that he can't choose.
 *
 * A slot says when it ends, on the boot clock. That is a network's
 * theoretical arrival time (GCRA), or a day after an account's last failure.
 * An end that is further ahead than its kind allows is from before a reboot, or
 * garbage, and the slot counts as free.
 *
 * An attacker who guesses one account's password from many networks would lock
 * its owner out. So a network from which the user has signed in is known for a
 * month, and on it only failures from it count.
 *
 * Numbers are in the host's byte order: the file never leaves the host.
 */
#include "throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/file.h"

enum {
	PAIR_FREE = 10,              /* failures without a wait, of an account from one network */
	ACCOUNT_FREE = 100,          /* and from all networks */
	WAIT_MAX = 15 * 60,          /* s */
	FORGET = 86400,              /* s: 10 tries a day is less than one per WAIT_MAX */
	KNOWN_FOR = 30 * 86400       /* s since the last sign-in: as long as a session may lie unused */
};

/* For the lock, which is held for some microseconds: a process that holds it longer is stopped or stuck. */
enum { LOCK_SECONDS = 2 };

/* How often a network may try, by the bytes of its prefix; the first one is the network's own, of IPv4 too. */
enum { V6_NETWORK = 8, WIDTHS = 3, NETWORK_AHEAD = 60 };
static const struct { uint32_t bytes, every, burst; } widths[WIDTHS] = {
	{ V6_NETWORK, 6, 5 }, { 7, 3, 20 }, { 6, 1, 60 },        /* s between tries, tries at once; their product is NETWORK_AHEAD at most */
};

enum { SLOTS = 8, ROWS = 512, SECRET_SIZE = 16 };

struct slot {
	uint64_t key;
	uint32_t ends;               /* boot seconds */
	uint32_t failures;           /* 0 for a network, known or not; and TOLD */
};
#define TOLD (UINT32_C(1) << 31) /* of those who wait: somebody was told of it (throttle_tell()) */

struct row { struct slot slot[SLOTS]; };

struct header {
	uint8_t magic[8];
	uint8_t secret[SECRET_SIZE];
	uint8_t unused[sizeof(struct row) - 8 - SECRET_SIZE];
};

_Static_assert(sizeof(struct row) * ROWS == 65536, "the table is 64 KiB");
_Static_assert(sizeof(struct header) == sizeof(struct row), "the header is a row");

static const uint8_t magic[8] = { 'l', 'a', 't', 'c', 'h', 't', 'h', '2' };

enum kind { NETWORK, KNOWN, PAIR, ACCOUNT };

static const struct { uint32_t first, rows, ahead; } kinds[] = {
	[NETWORK] = { 1, 127, NETWORK_AHEAD },
	[KNOWN] = { 128, 128, KNOWN_FOR },
	[PAIR] = { 256, 128, FORGET },
	[ACCOUNT] = { 384, 128, FORGET },
};

int64_t (*throttle_clock)(void) = now_boot;

/* ---- keyed hash -------------------------------------------------------- */

static uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], unsigned rounds)
{
	while (rounds--) {
		v[0] += v[1]; v[1] = rotate(v[1], 13) ^ v[0]; v[0] = rotate(v[0], 32);
		v[2] += v[3]; v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3]; v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1]; v[1] = rotate(v[1], 17) ^ v[2]; v[2] = rotate(v[2], 32);
	}
}

static uint64_t little_endian(const uint8_t *p, size_t n)
{
	uint64_t value = 0;
	while (n--)
		value = value << 8 | p[n];
	return value;
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

uint64_t throttle_hash(const uint8_t secret[16], struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t left = s.n;
	uint64_t k0 = little_endian(secret, 8), k1 = little_endian(secret + 8, 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
	for (; left >= 8; left -= 8, p += 8)
		sip_word(v, little_endian(p, 8));
	sip_word(v, little_endian(p, left) | (uint64_t)s.n << 56);
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- keys -------------------------------------------------------------- */

/* The client: what the keys are made of. */
struct asker { struct slice network, account; };

/* IPv4 whole, IPv6 its /64. Empty for clients whose address isn't known. */
static struct slice network_of(struct slice ip)
{
	struct address a = { .kind = ADDRESS_NONE };
	struct slice zone = ip;
	address_parse(slice_cut(&zone, '%'), &a);       /* a zone is no part of a network */
	return arena_copy((struct slice){ (const char *)a.b, a.kind == ADDRESS_V6 ? V6_NETWORK : a.kind });
}

/* Upper and lower case of ASCII name the same account, so it has one count. */
static struct slice lower_case(struct slice s)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < s.n; i++)
		buf_c(&b, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]));
	return buf_slice(&b);
}

static struct asker asker_of(struct slice ip, struct slice account)
{
	return (struct asker){ network_of(ip), lower_case(account) };
}

static uint64_t key_of(const uint8_t secret[SECRET_SIZE], enum kind kind, const struct asker *who)
{
	struct slice network = kind == ACCOUNT ? SLICE_NONE : who->network;
	struct buf b = { 0 };
	buf_c(&b, (char)kind);
	buf_c(&b, (char)network.n);
	buf_add(&b, network);
	if (kind != NETWORK || network.n == 0)
		buf_add(&b, who->account);
	return throttle_hash(secret, buf_slice(&b));
}

/* ---- the table --------------------------------------------------------- */

struct table {
	int fd;
	bool trouble;                /* something couldn't be read or written */
	uint32_t now;
	struct header header;
};

static bool table_make(struct table *t)
{
	memcpy(t->header.magic, magic, sizeof magic);
	random_bytes(t->header.secret, SECRET_SIZE);
	return ftruncate(t->fd, 0) == 0
	    && pwrite(t->fd, &t->header, sizeof t->header, 0) == sizeof t->header
	    && ftruncate(t->fd, ROWS * sizeof(struct row)) == 0;
}

/* Reads the header; makes a new table where the file isn't one. */
static bool table_check(struct table *t, off_t size)
{
	if (size == ROWS * sizeof(struct row)
	    && pread(t->fd, &t->header, sizeof t->header, 0) == sizeof t->header
	    && memcmp(t->header.magic, magic, sizeof magic) == 0)
		return true;
	if (size != 0)
		log_line("TH1", "the throttle table was damaged and is made anew", NULL);
	return table_make(t);
}

/* It must be a regular file of this user; anything else at that name was put there by somebody. */
static bool table_ours(int fd, off_t *size)
{
	struct stat st = { 0 };
	fstat(fd, &st);
	if (S_ISREG(st.st_mode) && st.st_uid == geteuid()) {
		*size = st.st_size;
		return true;
	}
	errno = EPERM;
	return false;
}

static int held = -1;

static int table_file(const char *dir)
{
	return open(path_in(dir, "throttle"), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

void throttle_hold(const char *dir)
{
	held = table_file(dir);
}

/* Gives the lock back. */
static void let_go(int fd)
{
	if (fd >= 0 && fd == held)
		flock(fd, LOCK_UN);
	else if (fd >= 0)
		close(fd);
}

static bool table_open(struct table *t, const char *dir)
{
	off_t size;
	*t = (struct table){ .now = (uint32_t)throttle_clock() };
	t->fd = held >= 0 ? held : table_file(dir);
	if (t->fd >= 0 && lock_within(t->fd, LOCK_SECONDS) && table_ours(t->fd, &size) && table_check(t, size))
		return true;
	log_line("TH2", "no throttling: ", dir, "/throttle: ", strerror(errno), NULL);
	let_go(t->fd);
	return false;
}

static void table_close(struct table *t)
{
	let_go(t->fd);
	if (t->trouble)
		log_line("TH3", "the throttle table can't be read or written", NULL);
}

/* ---- places in the table ----------------------------------------------- */

/* A row as it was read, where it is in the file, and one slot of it. */
struct place {
	off_t at;
	struct slot *slot;
	struct row row;
};

static bool slot_live(const struct table *t, enum kind kind, const struct slot *slot)
{
	return slot->ends > t->now && slot->ends - t->now <= kinds[kind].ahead;
}

static uint32_t failures_of(const struct slot *slot)
{
	return slot->failures & ~TOLD;
}

/* How much would be lost with a slot: failures first, then time. */
static uint64_t slot_worth(const struct table *t, enum kind kind, const struct slot *slot)
{
	return slot_live(t, kind, slot) ? (uint64_t)failures_of(slot) << 32 | slot->ends : 0;
}

/* The live slot of a key, else the one that is worth least, emptied (ends 0). */
static struct slot *slot_of(const struct table *t, enum kind kind, struct row *row, uint64_t key)
{
	struct slot *least = row->slot;
	for (struct slot *slot = row->slot; slot < row->slot + SLOTS; slot++) {
		if (slot->key == key && slot_live(t, kind, slot))
			return slot;
		if (slot_worth(t, kind, slot) < slot_worth(t, kind, least))
			least = slot;
	}
	*least = (struct slot){ .key = key };
	return least;
}

static void place_find(struct table *t, enum kind kind, const struct asker *who, struct place *place)
{
	uint64_t key = key_of(t->header.secret, kind, who);
	uint64_t row = kinds[kind].first + key % kinds[kind].rows;
	*place = (struct place){ .at = (off_t)(row * sizeof(struct row)) };
	t->trouble |= pread(t->fd, &place->row, sizeof place->row, place->at) != sizeof place->row;
	place->slot = slot_of(t, kind, &place->row, key);
}

static void place_write(struct table *t, const struct place *place)
{
	t->trouble |= pwrite(t->fd, &place->row, sizeof place->row, place->at) != sizeof place->row;
}

/* ---- the policy -------------------------------------------------------- */

/* Seconds that an account waits behind a failure: 1 after the last free one, then doubled each time. */
static uint32_t wait_of(const struct slot *slot, uint32_t free)
{
	enum { DOUBLINGS = 10 };     /* 2^10 s is past WAIT_MAX */
	uint32_t over = failures_of(slot) - free, wait = over < DOUBLINGS ? UINT32_C(1) << over : WAIT_MAX;
	return wait < WAIT_MAX ? wait : WAIT_MAX;
}

/* How many of them are left. */
static int64_t failures_wait(const struct table *t, const struct slot *slot, uint32_t free)
{
	if (failures_of(slot) < free)
		return 0;
	int64_t left = (int64_t)slot->ends - FORGET + wait_of(slot, free) - t->now;
	return left > 0 ? left : 0;
}

static bool is_known(struct table *t, const struct asker *who)
{
	struct place place;
	place_find(t, KNOWN, who, &place);
	return place.slot->ends != 0;
}

/*
 * A try that is let through begins the wait anew for all others: of a hundred
 * that come at the moment when a wait is over, one is let through.
 */
static void begin_wait(struct table *t, struct place *place, uint32_t free)
{
	if (failures_of(place->slot) < free)
		return;
	place->slot->failures &= ~TOLD;
	place->slot->ends = t->now + FORGET;
	place_write(t, place);
}

/* Finds the place of a network, or of a wider one around it. */
static void network_find(struct table *t, const struct asker *who, size_t width, struct place *place)
{
	struct asker around = *who;
	if (width)
		around.network.n = widths[width].bytes;
	place_find(t, NETWORK, &around, place);
}

static size_t widths_of(const struct asker *who)
{
	return who->network.n == V6_NETWORK ? WIDTHS : 1;
}

/* Generic cell rate algorithm: a try that is let through moves the arrival time, if that isn't as far ahead as it can be. */
static void network_charge(struct table *t, const struct asker *who)
{
	struct place place;
	for (size_t i = 0; i < widths_of(who); i++) {
		network_find(t, who, i, &place);
		uint32_t next = (place.slot->ends ? place.slot->ends : t->now) + widths[i].every;
		if (next - t->now > widths[i].every * widths[i].burst)
			continue;
		place.slot->ends = next;
		place_write(t, &place);
	}
}

/* Finds that place, and how long it waits; up to 0: not at all. */
static int64_t network_left(struct table *t, const struct asker *who, size_t width, struct place *place)
{
	network_find(t, who, width, place);
	int64_t ahead = place->slot->ends ? (int64_t)place->slot->ends - t->now : 0;
	return ahead - (int64_t)(widths[width].burst - 1) * widths[width].every;
}

static int64_t network_wait(struct table *t, const struct asker *who)
{
	struct place place;
	int64_t longest = 0;
	for (size_t i = 0; i < widths_of(who); i++) {
		int64_t wait = network_left(t, who, i, &place);
		if (wait > longest && (i == 0 || !is_known(t, who)))
			longest = wait;
	}
	if (longest == 0)
		network_charge(t, who);
	return longest;
}

/* A try that is refused because of the account isn't counted against the network, nor the other way round. */
int64_t throttle_ask(const char *dir, struct slice ip, struct slice account)
{
	struct asker who = asker_of(ip, account);
	struct table t;
	struct place here, everywhere;
	if (!table_open(&t, dir))
		return 0;
	place_find(&t, PAIR, &who, &here);
	place_find(&t, ACCOUNT, &who, &everywhere);
	int64_t wait = failures_wait(&t, here.slot, PAIR_FREE), elsewhere = failures_wait(&t, everywhere.slot, ACCOUNT_FREE);
	bool known = elsewhere > wait && is_known(&t, &who);
	if (elsewhere > wait && !known)
		wait = elsewhere;
	if (wait == 0)
		wait = network_wait(&t, &who);
	if (wait == 0) {
		begin_wait(&t, &here, PAIR_FREE);
		if (!known)
			begin_wait(&t, &everywhere, ACCOUNT_FREE);
	}
	table_close(&t);
	return wait;
}

void throttle_failed(const char *dir, struct slice ip, struct slice account)
{
	struct asker who = asker_of(ip, account);
	struct table t;
	struct place place;
	if (!table_open(&t, dir))
		return;
	for (enum kind kind = PAIR; kind <= ACCOUNT; kind++) {
		place_find(&t, kind, &who, &place);
		place.slot->failures = failures_of(place.slot) + 1;
		place.slot->ends = t.now + FORGET;
		place_write(&t, &place);
	}
	table_close(&t);
}

/*
 * A try that succeeded isn't counted: a household behind one address may sign
 * in as often as it likes, and a guesser wins nothing by signing in to his own
 * account in between.
 */
static void network_refund(struct table *t, const struct asker *who)
{
	struct place place;
	for (size_t i = 0; i < widths_of(who); i++) {
		network_find(t, who, i, &place);
		if (place.slot->ends == 0)
			continue;
		place.slot->ends -= widths[i].every;
		place_write(t, &place);
	}
}

/* False where there is no count: writing the slot would push another one out. */
static bool empty_slot(struct table *t, const struct place *place)
{
	if (place->slot->ends == 0)
		return false;
	*place->slot = (struct slot){ 0 };
	place_write(t, place);
	return true;
}

static bool forgive(struct table *t, enum kind kind, const struct asker *who)
{
	struct place place;
	place_find(t, kind, who, &place);
	return empty_slot(t, &place);
}

/* True when it was known before. */
static bool become_known(struct table *t, const struct asker *who)
{
	struct place place;
	place_find(t, KNOWN, who, &place);
	bool before = place.slot->ends != 0;
	place.slot->ends = t->now + KNOWN_FOR;
	place_write(t, &place);
	return before;
}

/*
 * On a network where this user signed in before, the count of all networks
 * doesn't apply. So it isn't cleared here: that would only help whoever guesses
 * from elsewhere.
 */
void throttle_succeeded(const char *dir, struct slice ip, struct slice account)
{
	struct asker who = asker_of(ip, account);
	struct table t;
	if (!table_open(&t, dir))
		return;
	network_refund(&t, &who);
	forgive(&t, PAIR, &who);
	if (!become_known(&t, &who))
		forgive(&t, ACCOUNT, &who);
	table_close(&t);
}

void throttle_know(const char *dir, struct slice ip, struct slice account)
{
	struct asker who = asker_of(ip, account);
	struct table t;
	if (!table_open(&t, dir))
		return;
	(void)become_known(&t, &who);
	table_close(&t);
}

/* The wait that the try began is over: another one may come at once. */
static void end_wait(struct table *t, enum kind kind, const struct asker *who, uint32_t free)
{
	struct place place;
	place_find(t, kind, who, &place);
	if (failures_of(place.slot) < free)
		return;
	place.slot->ends = t->now + FORGET - wait_of(place.slot, free);
	place_write(t, &place);
}

void throttle_returned(const char *dir, struct slice ip, struct slice account)
{
	struct asker who = asker_of(ip, account);
	struct table t;
	if (!table_open(&t, dir))
		return;
	network_refund(&t, &who);
	end_wait(&t, PAIR, &who, PAIR_FREE);
	end_wait(&t, ACCOUNT, &who, ACCOUNT_FREE);
	table_close(&t);
}

/* ---- for the trail and the operator -------------------------------------- */

/* Whether this wait wasn't told of before. */
static bool tell_once(struct table *t, const struct place *place)
{
	if (place->slot->failures & TOLD)
		return false;
	place->slot->failures |= TOLD;
	place_write(t, place);
	return true;
}

bool throttle_tell(const char *dir, struct slice ip, struct slice account)
{
	static const uint32_t free[] = { [PAIR] = PAIR_FREE, [ACCOUNT] = ACCOUNT_FREE };
	struct asker who = asker_of(ip, account);
	struct table t;
	struct place place;
	bool first = false;
	if (!table_open(&t, dir))
		return false;
	for (enum kind kind = PAIR; kind <= ACCOUNT; kind++) {
		place_find(&t, kind, &who, &place);
		if (failures_wait(&t, place.slot, free[kind]))
			first |= tell_once(&t, &place);
	}
	for (size_t i = 0; i < widths_of(&who); i++)
		if (network_left(&t, &who, i, &place) > 0)
			first |= tell_once(&t, &place);
	table_close(&t);
	return first;
}

static void look_at_network(struct table *t, const struct asker *who, struct throttle_count *out)
{
	struct place place;
	for (size_t i = 0; i < widths_of(who); i++) {
		int64_t wait = network_left(t, who, i, &place);
		out->wait = wait > out->wait ? wait : out->wait;
	}
}

bool throttle_look(const char *dir, struct slice ip, struct slice account, struct throttle_count *out)
{
	struct asker who = asker_of(ip, account);
	enum kind kind = ip.p ? PAIR : ACCOUNT;
	struct table t;
	struct place place;
	*out = (struct throttle_count){ 0 };
	if (!table_open(&t, dir))
		return false;
	out->key = key_of(t.header.secret, account.p ? kind : NETWORK, &who);
	if (account.p) {
		place_find(&t, kind, &who, &place);
		out->failures = failures_of(place.slot);
		out->wait = failures_wait(&t, place.slot, kind == PAIR ? PAIR_FREE : ACCOUNT_FREE);
	} else {
		look_at_network(&t, &who, out);
	}
	table_close(&t);
	return true;
}

bool throttle_forgive(const char *dir, struct slice ip, struct slice account)
{
	struct asker who = asker_of(ip, account);
	struct table t;
	struct place place;
	bool any = false;
	if (!table_open(&t, dir))
		return false;
	if (account.p)
		any = forgive(&t, ip.p ? PAIR : ACCOUNT, &who);
	for (size_t i = 0; !account.p && i < widths_of(&who); i++) {
		network_find(&t, &who, i, &place);
		any |= empty_slot(&t, &place);
	}
	table_close(&t);
	return any;
}
