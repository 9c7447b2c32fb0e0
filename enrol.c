/*
 * enrol: see enrol.h.
 */
#include "enrol.h"

#include "config.h"
#include "store.h"
#include "ticket.h"

static void show(const struct work *w, const struct user *u, const uint8_t secret[TOTP_SECRET], struct enrolment *out)
{
	out->secret = totp_letters(secret);
	out->uri = totp_uri(out->secret, w->config->brand, u->name);
	for (unsigned i = 0; i < TOTP_RECOVERY; i++)
		out->recovery[i] = totp_recovery(secret, i);
}

/* What a ticket ends with. */
static struct slice held_by(const struct user *u, int64_t amr)
{
	return amr & AMR_PASSWORD ? u->password : store_user_keys(u->id);
}

static struct slice make_ticket(const struct work *w, const struct user *u, unsigned amr, struct slice letters)
{
	return ticket_make_enrol(w, &(struct enrol_claims){ .sub = u->id, .key = letters, .amr = amr }, held_by(u, amr));
}

bool enrol_fits(const struct ticket_enrol *ticket, const struct user *u)
{
	return ticket_enrol_fits(ticket, u->id, held_by(u, ticket->claims.amr));
}

void enrol_make(const struct work *w, const struct user *u, unsigned amr, struct enrolment *out)
{
	uint8_t secret[TOTP_SECRET];
	random_bytes(secret, sizeof secret);
	show(w, u, secret, out);
	out->ticket = make_ticket(w, u, amr, out->secret);
	wipe(secret, sizeof secret);
}

struct slice enrol_proof(const struct work *w, const struct user *u, unsigned amr)
{
	return make_ticket(w, u, amr, SLICE_NONE);
}

bool enrol_show(const struct work *w, const struct user *u, struct slice ticket, struct enrolment *out)
{
	uint8_t secret[TOTP_SECRET];
	struct ticket_enrol t;
	if (ticket_open_enrol(w, ticket, &t) != ERROR_NONE || !enrol_fits(&t, u) || !totp_secret(t.claims.key, secret))
		return false;
	show(w, u, secret, out);
	out->ticket = ticket;
	wipe(secret, sizeof secret);
	return true;
}

/* What a user has is his; the same one is no other, by whichever code it became his. */
static enum error compare(const struct work *w, const struct totp *has, struct totp *made, struct slice code, int64_t *proof)
{
	made->spent = has->spent;
	if (!same_bytes(has->secret, made->secret, TOTP_SECRET))
		return ERROR_CREDENTIAL_KNOWN;
	enum error e = totp_judge(w, made, code, proof);
	return e == ERROR_NONE && *proof != has->last ? ERROR_CREDENTIAL_KNOWN : e;
}

static void keep(struct work *w, uint64_t user, struct totp *made, bool spend, int64_t proof)
{
	if (spend)
		(void)totp_spend(made, proof);
	store_user_factor_set(user, totp_seal(&w->ring->key[0], user, made));
	store_must_last();
	audit_note(w, EVENT_TOTP_ON, user, 0);
}

enum error enrol_accept(struct work *w, const struct user *u, struct slice ticket, struct slice code, bool spend, int64_t *proof)
{
	struct totp made = { .enrolled_at = w->time }, has;
	struct ticket_enrol t;
	enum error e = ticket_open_enrol(w, ticket, &t);
	if (e == ERROR_NONE && (!enrol_fits(&t, u) || !totp_secret(t.claims.key, made.secret)))
		e = ERROR_CHALLENGE_INVALID;
	if (e != ERROR_NONE || code.p == NULL)
		return e == ERROR_NONE ? ERROR_CODE_REQUIRED : e;
	enum totp_found found = totp_open(w->ring, u->id, store_user_factor(u->id), &has, NULL);
	if (found == TOTP_LOST)
		return ERROR_STORE_UNAVAILABLE;
	e = found == TOTP_FOUND ? compare(w, &has, &made, code, proof) : totp_judge(w, &made, code, proof);
	if (e == ERROR_NONE && *proof <= TOTP_RECOVERY)         /* it is the app that has to show that it works */
		e = ERROR_INVALID_CREDENTIALS;
	if (e == ERROR_NONE && found == TOTP_NONE)
		keep(w, u->id, &made, spend, *proof);
	wipe(&made, sizeof made);
	wipe(&has, sizeof has);
	return e;
}
