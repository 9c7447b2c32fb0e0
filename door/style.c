/*
 * style: see style.h.
 *
 * The colour stands in the sheet and not in the page, whose policy forbids styles in it.
 */
#include "door/style.h"

#include "serve/www.h"

enum { BRIGHT = 179 };          /* thousandths of white's luminance: there black and white are equally easy to read */

/* What a channel of sRGB adds to the luminance, in millionths of white's: a cubic that is within 0.002 of the curve. */
static int64_t light_of(int64_t channel)
{
	int64_t x = channel * 1000 / 255;
	return x * (12523 + x * (682171 + x * 305306 / 1000) / 1000) / 1000;
}

/* WCAG 2.2, "relative luminance". */
bool style_black_on(int64_t colour)
{
	int64_t light = 2126 * light_of(colour >> 16 & 255) + 7152 * light_of(colour >> 8 & 255) + 722 * light_of(colour & 255);
	return light / 10000000 > BRIGHT;
}

static void put_colour(struct buf *b, int64_t colour)
{
	const uint8_t bytes[] = { (uint8_t)(colour >> 16), (uint8_t)(colour >> 8), (uint8_t)colour };
	buf_hex_bytes(b, bytes, sizeof bytes);
}

/* Of door_files[]: sorted by name. */
enum { SHEET, SCRIPT };

/* An etag is a word in quotes. */
static struct slice address_of(const struct www_file *f)
{
	struct slice tag = slice_of(f->etag);
	struct buf b = { 0 };
	buf_s(&b, f->name);
	buf_c(&b, '?');
	buf_add(&b, (struct slice){ tag.p + 1, tag.n - 2 });
	return buf_slice(&b);
}

struct slice style_sheet(void)
{
	return address_of(&door_files[SHEET]);
}

struct slice style_script(void)
{
	return address_of(&door_files[SCRIPT]);
}

struct slice style_brand(const struct config *config)
{
	struct buf b = { 0 };
	buf_s(&b, "brand.css?");
	put_colour(&b, config->brand_color);
	return buf_slice(&b);
}

static void begin(struct reply *rp, const struct www_file *f)
{
	rp->status = 200;
	rp->type = f->type;
	rp->cache = "public, max-age=31536000, immutable";
}

static void answer_file(struct reply *rp, const struct www_file *f)
{
	begin(rp, f);
	reply_header(rp, "Content-Encoding", "gzip", NULL);
	buf_add(&rp->body, (struct slice){ (const char *)f->data, f->size });
}

void style_answer_sheet(struct reply *rp)
{
	answer_file(rp, &door_files[SHEET]);
}

void style_answer_script(struct reply *rp)
{
	answer_file(rp, &door_files[SCRIPT]);
}

void style_answer_brand(const struct config *config, struct reply *rp)
{
	begin(rp, &door_files[SHEET]);
	buf_s(&rp->body, ":root{--brand:#");
	put_colour(&rp->body, config->brand_color);
	buf_s(&rp->body, style_black_on(config->brand_color) ? ";--on-brand:#000}\n" : ";--on-brand:#fff}\n");
}
