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

/* An etag is a word in quotes. */
const char *style_address(const struct config *config)
{
	struct buf b = { 0 };
	struct slice tag = slice_of(door_files[0].etag);
	buf_s(&b, "door.css?");
	buf_add(&b, (struct slice){ tag.p + 1, tag.n - 2 });
	put_colour(&b, config->brand_color);
	return slice_text(buf_slice(&b));
}

void style_answer(const struct config *config, struct reply *rp)
{
	const struct www_file *sheet = &door_files[0];
	rp->status = 200;
	rp->type = sheet->type;
	rp->cache = "public, max-age=31536000, immutable";
	buf_s(&rp->body, ":root{--brand:#");
	put_colour(&rp->body, config->brand_color);
	buf_s(&rp->body, style_black_on(config->brand_color) ? ";--on-brand:#000}\n" : ";--on-brand:#fff}\n");
	buf_add(&rp->body, (struct slice){ (const char *)sheet->data, sheet->size });
}
