/*
 * frame: what the pages share: what is kept of a call, who is signed in, the frame around a page, the fields to sign in by, what went
 * wrong in words, and whether a form is one of these pages'.
 */
#ifndef FRAME_H
#define FRAME_H

#include "door/page.h"
#include "enrol.h"
#include "route.h"
#include "session.h"

struct authorize;

/* What this dialect keeps of one call: the members of its form, and who is signed in. */
struct door {
	struct slice username, password, next, key, action, session, ticket, code;
	struct slice sent_rd, rd;       /* the form's, and where it leads back to: judged, of /signin alone */
	struct slice second;            /* a code of the second factor; p NULL: none */
	struct slice shown;             /* a ticket that the password was right (enrol.h); p NULL: none */
	struct slice id, client_data, data, signature, handle, label;   /* of a passkey or a wallet (means.h), in base64url but the label */
	bool stay;
	bool wanted;                    /* of /authorize: the client is for who has shown a second factor */
	bool chosen;                    /* a password by a link, just now */
	enum word refused;              /* what ERROR_INVALID_REQUEST and NOT_FOUND are called here; 0: as elsewhere */
	struct caller caller;           /* of /account, and of who is signed in; user.id 0: nobody */
	struct grant grant;
	struct enrolment made;          /* of /account: a factor that is being set up; ticket.p NULL: none */
	struct page page;
	struct authorize *asked;        /* of /authorize: what the client asks for */
};
static inline struct door *frame_own(const struct call *c)
{
	return c->own;
}

/* Which script a page has: none; that of links and buttons; the same, which may ask this host for a wallet's text. */
enum frame_script { SCRIPT_NONE, SCRIPT_ALONE, SCRIPT_ASKS };

/* A page begun. */
struct frame {
	int status;
	enum word title;
	enum frame_script script;
	bool opened;                    /* it may be in a window that a client opened and waits for */
	struct slice form_to;           /* page_begin()'s */
};
struct page *frame_begin(struct call *c, const struct frame *f);

/* Sends the browser to a page, by GET (303). */
enum error frame_see_other(struct call *c, const char *page);

/* Whether a form comes from one of these pages. */
bool frame_is_own_form(const struct request *rq);

/* Who is signed in by a cookie of the door: frame_own(c)->caller, whose user.id stays 0 where nobody is. Opens the store where there is
 * a cookie. The error is gate_admit()'s. */
enum error frame_admit(struct call *c);
/* The caller is who has signed in a moment ago: frame_own(c)->grant. */
void frame_signed_in(struct call *c);
/* Whether that error of frame_admit(), or of what comes after it, says that nobody is signed in. */
bool frame_is_nobody(enum error e);

/* What a form to sign in shows of a second factor. */
struct factor_shown frame_factor(const struct call *c);

/* Writes the fields of a form to sign in: key, name, password, staying; once the password was right, the field for a code in place of the last two,
 * and where a second factor is to be set up, that (frame_write_enrolment()). key: the same form once more, by a browser that lost the
 * answer, begins no second session. name: what the name's field has where nothing was sent. e: what went wrong with the form before. */
void frame_write_fields(struct call *c, struct page *p, struct slice name, enum error e);

/* Writes a second factor that is to be set up: the QR code, the key, the recovery codes. The script of links draws the first. */
void frame_write_enrolment(struct page *p, const struct enrolment *e);

/* Ends a row of a list: with a button, called by `word`, that asks the account to do `action` to `id`, whose name a reader is told; NULL: without. */
void frame_end_row(struct page *p, const char *action, enum word word, uint64_t id, struct slice name);
/* Writes what went wrong, in words; nothing for ERROR_NONE, nor where a code is asked for. */
void frame_write_wrong(struct call *c, struct page *p, enum error e);
/* The status of a page that says so. */
int frame_status(enum error e);

#endif
