/*
 * style: the look of the pages: door.css, with the operator's colour before it.
 */
#ifndef STYLE_H
#define STYLE_H

#include "config.h"
#include "http_reply.h"

/* The sheet's address, relative to a page: another one whenever its text is another, so a browser may keep it. In the arena. */
const char *style_address(const struct config *config);
/* Answers a request for it. */
void style_answer(const struct config *config, struct reply *rp);

/* Whether text on that colour (0xRRGGBB) is to be black; else white. The one of the two that is easier to read has a contrast of 4.5
 * at least (WCAG 2.2, 1.4.3), whatever the colour. */
bool style_black_on(int64_t colour);

#endif
