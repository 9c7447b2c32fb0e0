/*
 * choose: see choose.h.
 */
#include "door/choose.h"

void choose_begin(struct page *p)
{
	PAGE_ADD(p, "<div class=\"door\"><form class=\"card stack\" method=\"post\" action=\"link\">\n<h1>{choose_password}</h1>\n");
}

void choose_end(struct page *p, struct slice ticket)
{
	PAGE_FILL(p, "<label>{your_link}<input name=\"ticket\" value=\"{1}\" autocomplete=\"off\" required></label>\n"
		"<label>{new_password}<input name=\"next\" type=\"password\" autocomplete=\"new-password\" required></label>\n"
		"<p class=\"soft\">{change_password_why}</p>\n"
		"<button class=\"main\">{choose_password}</button>\n</form></div>\n", ticket);
}

struct slice choose_ticket(struct slice sent)
{
	struct slice rest = slice_trim(sent), all = rest;
	(void)slice_cut(&rest, '#');
	return slice_starts(rest, S("link=")) ? slice_from(rest, S("link=").n) : all;
}
