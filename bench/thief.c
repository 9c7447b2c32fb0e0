/*
 * thief: how soon somebody is found who has copied a refresh token, by simulation; and how many owners each rule signs out. The
 * rules are rotation.c itself, so that the tables are of what is built. docs/security.md has them.
 *
 *   thief [RUNS [SEED]]
 *
 * An owner uses his client for four hours a day, 30 days long, and it refreshes every 14 minutes, give or take five seconds. A thief
 * copies its token at a time of the first four hours. He refreshes every 14 minutes too, in the owner's hours alone, since else he
 * would be two generations ahead when the owner comes. Each of them begins a day at a time of his own. Neither sends a key.
 *
 * A lost answer: one in LOST. The client tries again with the same token after 2 s to 6 h (as likely in each octave), and for one
 * retry of five it has changed its network.
 */
#include "rotation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, DAYS = 30, PERIOD = 14 * MINUTE, HOURS = 4 * HOUR, LOST = 340, RUNS = 5000 };

static const struct rule_set {
	const char *name;
	const char *client;             /* a public client of OAuth, or the app API */
	int64_t grace, window;
	bool uncounted;                 /* as if nothing were counted */
} sets[] = {
	{ "no grace", "", 0, 0, false },
	{ "10 s (the app API)", "", 10, 0, false },
	{ "30 s (a public client, `retry_window = 0`)", "app", 10, 0, false },
	{ "10 min", "", 600, 0, false },
	{ "10 min, not counted", "", 600, 0, true },
	{ "30 s and 7b with 1 h (a public client)", "app", 10, HOUR, false },
	{ "30 s and 7b with 24 h", "app", 10, DAY, false },
	{ "30 s and 7b with 1 h, not counted", "app", 10, HOUR, true },
	{ "10 s and 7b with 1 h (the app API, `retry_window = 1h`)", "", 10, HOUR, false },
};
enum { SETS = sizeof sets / sizeof *sets };

static uint64_t rng;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static int64_t below(int64_t n)
{
	uint64_t z = rng += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (int64_t)((z ^ z >> 31) % (uint64_t)n);
}

/* ---- the server --------------------------------------------------------- */

static struct keyring ring;
static struct session row;

struct party {
	struct refresh_claims token;
	bool elsewhere;
	int64_t next;                   /* when it refreshes */
};

static struct refresh_claims token_of_row(void)
{
	return (struct refresh_claims){ .sid = row.id, .ctr = row.ctr, .br = row.br, .iat = row.rotated_at, .exp = row.rotated_at + DAYS * DAY };
}

static bool moved;                      /* the last rotation was from elsewhere */

/* What the table makes of the party's token; the successor where there is one. False: the session has ended. */
static bool refresh(const struct rule_set *set, const struct party *p, int64_t time, struct refresh_claims *out)
{
	struct rotation r = {
		.token = p->token, .client = slice_of(set->client), .place = p->elsewhere ? S("there") : S("here"), .time = time, .refresh_ttl = DAYS * DAY,
		.reuse_grace = set->grace, .retry_window = set->window, .ring = &ring, .near = p->elsewhere == moved, .known = true, .row = row,
		.user = { .id = 1 },
	};
	const struct rule *rule = rotation_judge(&r);
	if (rule->act >= ACT_REFUSE)
		return false;
	if (rule->act == ACT_ROTATE) {
		rotation_advance(&r, &ring.key[0]);
		moved = p->elsewhere;
	}
	r.row.strays += rule->act == ACT_FORGIVE;
	row = r.row;
	if (set->uncounted)
		row.strays = 0;
	*out = token_of_row();
	return true;
}

static void sign_in(const struct rule_set *set, int64_t time)
{
	row = (struct session){ .id = 5, .user = 1, .ctr = 1, .rotated_at = time, .created_at = time, .client = slice_of(set->client) };
	row.br = jwt_branch(&ring.key[0], row.id, row.ctr, row.idem);
	moved = false;
}

/* ---- the thief ---------------------------------------------------------- */

/* The next time after `time` at which a party refreshes: in the hours of a day, or at the beginning of the next day's. */
static int64_t next_after(int64_t time)
{
	int64_t next = time + PERIOD - 5 + below(11), day = time / DAY;
	return next < day * DAY + HOURS ? next : (day + 1) * DAY + below(PERIOD);
}

/* Seconds from the theft until the session ends; -1: never. */
static int64_t found_after(const struct rule_set *set, bool elsewhere)
{
	struct party owner = { .next = below(PERIOD) }, thief = { .elsewhere = elsewhere };
	int64_t theft = PERIOD + below(HOURS - 2 * PERIOD);
	sign_in(set, 0);
	owner.token = token_of_row();
	while (owner.next < theft) {
		refresh(set, &owner, owner.next, &owner.token);
		owner.next = next_after(owner.next);
	}
	thief.token = owner.token;
	thief.next = theft + below(PERIOD);
	for (;;) {
		struct party *p = owner.next < thief.next ? &owner : &thief;
		if (p->next >= DAYS * DAY)
			return -1;
		if (!refresh(set, p, p->next, &p->token))
			return p->next - theft;
		p->next = next_after(p->next);
	}
}

/* ---- an owner alone ------------------------------------------------------ */

/* Whether he is signed out within the 30 days. */
static bool is_signed_out(const struct rule_set *set)
{
	struct party owner = { .next = below(PERIOD) };
	sign_in(set, 0);
	owner.token = token_of_row();
	while (owner.next < DAYS * DAY) {
		struct refresh_claims answer;
		if (!refresh(set, &owner, owner.next, &answer))
			return true;
		if (below(LOST) != 0) {
			owner.token = answer;
			owner.elsewhere = false;
			owner.next = next_after(owner.next);
			continue;
		}
		owner.next += (int64_t)(2 * pow(2, (double)below(13400) / 1000));
		owner.elsewhere = below(5) == 0;
	}
	return false;
}

/* ---- the tables ----------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void print_time(int64_t seconds)
{
	if (seconds < 0)
		printf(" never |");
	else if (seconds < 3 * HOUR)
		printf(" %d min |", (int)((seconds + MINUTE / 2) / MINUTE));
	else
		printf(" %d h |", (int)((seconds + HOUR / 2) / HOUR));
}

static void print_found(const struct rule_set *set, bool elsewhere, int runs, int64_t *after)
{
	int found = 0;
	for (int i = 0; i < runs; i++) {
		int64_t t = found_after(set, elsewhere);
		if (t >= 0)
			after[found++] = t;
	}
	qsort(after, (size_t)found, sizeof *after, by_size);
	printf(" %d %% |", (int)(100.0 * found / runs + 0.5));
	print_time(found > runs / 2 ? after[runs / 2] : -1);
	print_time(found > runs * 95 / 100 ? after[runs * 95 / 100] : -1);
}

static void print_signed_out(const struct rule_set *set, int runs)
{
	int out = 0;
	for (int i = 0; i < runs; i++)
		out += is_signed_out(set);
	printf(" %.1f %% |\n", 100.0 * out / runs);
}

int main(int argc, char **argv)
{
	int runs = argc > 1 ? (int)strtol(argv[1], NULL, 10) : RUNS;
	int64_t *after = calloc(runs > 0 ? (size_t)runs : 1, sizeof *after);
	if (runs < 1 || !after) {
		free(after);
		return 100;
	}
	rng = argc > 2 ? strtoull(argv[2], NULL, 10) : 20261129;
	ring.count = 1;
	memset(ring.key[0].master, 9, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	printf("| rule | a thief elsewhere is found | median | p95 | in the same network, with the same agent | median | p95 | owners signed out in 30 days |\n"
		"|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < SETS; i++) {
		printf("| %s |", sets[i].name);
		print_found(&sets[i], true, runs, after);
		print_found(&sets[i], false, runs, after);
		print_signed_out(&sets[i], runs);
	}
	free(after);
	return 0;
}
