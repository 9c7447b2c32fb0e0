/*
 * door: the pages for people (docs/door.md).
 *
 * They work without script: each is a form, which its route answers with a redirect to a page, or with itself and what was
 * wrong. All paths are beside each other, so links are relative and hold wherever a front puts the mount.
 */
#include "door/door.h"

#include "door/page.h"
#include "door/style.h"

/* What this dialect keeps of one call. */
struct door {
	struct page page;
};

static struct door *own(const struct call *c)
{
	return c->own;
}

/* ---- pages ------------------------------------------------------------- */

static struct page *begin(struct call *c, int status, enum word title)
{
	struct page *p = &own(c)->page;
	*p = (struct page){ c->rp, words_language(c->rq->accept_language), c->work.config->brand, style_address(c->work.config), c->work.time };
	page_begin(p, status, title, SLICE_NONE);
	return p;
}

static void write_signin(struct call *c, int status)
{
	struct page *p = begin(c, status, WORD_sign_in);
	PAGE_ADD(p, "<div class=\"door\"><form class=\"card stack\" method=\"post\" action=\"signin\">\n<h1>{sign_in}</h1>\n"
		"<label>{user_name}<input name=\"username\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required autofocus></label>\n"
		"<label>{password}<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\n"
		"<label class=\"tick\"><input name=\"stay\" type=\"checkbox\" value=\"true\" checked>{stay}</label>\n"
		"<button class=\"main\">{sign_in}</button>\n</form></div>\n");
	page_end(p);
}

static enum error handle_signin(struct call *c)
{
	write_signin(c, 200);
	return ERROR_NONE;
}

static enum error handle_style(struct call *c)
{
	style_answer(c->work.config, c->rp);
	return ERROR_NONE;
}

/* ---- errors ------------------------------------------------------------ */

/* No route of this dialect asks for a credential by its row. */
static enum error admit(struct call *c)
{
	(void)c;
	return ERROR_NONE;
}

static void refuse(struct call *c, enum error e)
{
	struct page *p = begin(c, errors[e].status, WORD_problem);
	PAGE_ADD(p, "<div class=\"door\"><div class=\"card stack\"><h1>{problem}</h1>\n<p class=\"note bad\" role=\"alert\">{failed}</p>\n"
		"<p><a class=\"button\" href=\"signin\">{back}</a></p></div></div>\n");
	page_end(p);
}

static const struct route routes[] = {
	{ METHOD_GET,    "/signin",     ACCESS_NONE, NULL,             false, handle_signin },
	{ METHOD_GET,    "/door.css",   ACCESS_NONE, NULL,             false, handle_style },
};

const struct dialect door_dialect = {
	.prefix = "/",
	.routes = routes,
	.count = sizeof routes / sizeof *routes,
	.size = sizeof(struct door),
	.forms = true,
	.admit = admit,
	.refuse = refuse,
};
