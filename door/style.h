/*
 * style: the files beside the pages: the sheet door.css, the operator's colour, which is a sheet of its own, and the script of links.
 */
#ifndef STYLE_H
#define STYLE_H

#include "config.h"
#include "http_reply.h"

/* Where they are, relative to a page: another address whenever the text is another, so that a browser may keep it. In the arena. */
struct slice style_sheet(void);
struct slice style_brand(const struct config *config);
struct slice style_script(void);
/* Answer a request for them. Sheet and script are kept and sent compressed (gzip), which every browser takes. */
void style_answer_sheet(struct reply *rp);
void style_answer_script(struct reply *rp);
void style_answer_brand(const struct config *config, struct reply *rp);

/* Whether text on that colour (0xRRGGBB) is to be black; else white. The one of the two that is easier to read has a contrast of 4.5
 * at least (WCAG 2.2, 1.4.3), whatever the colour. */
bool style_black_on(int64_t colour);

#endif
