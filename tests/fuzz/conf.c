/* Any latchkey.conf: it is refused with its line, or every option reads back as it is shown. */
#include "config.h"
#include "fuzz.h"

#include <string.h>

const bool fuzz_starves = true;

static int64_t lines(struct slice text)
{
	int64_t n = 1;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* How many lines name an option. */
static int named(struct slice text, const char *name)
{
	int count = 0;
	while (text.p) {
		struct slice line = slice_cut(&text, '\n'), value = slice_trim(slice_cut(&line, '#'));
		count += slice_is(slice_trim(slice_cut(&value, '=')), slice_of(name));
	}
	return count;
}

/* "latchkey.conf:LINE: what", in printable ASCII. */
static bool names_line(const char *refusal, int64_t most)
{
	struct slice rest = slice_of(refusal), file = slice_cut(&rest, ':'), line = slice_cut(&rest, ':');
	int64_t number;
	for (const char *c = refusal; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return slice_is(file, S("latchkey.conf")) && parse_number(line, 1, most, &number) && rest.n > 1;
}

static void add_option(struct buf *b, const struct config *c, size_t i)
{
	buf_s(b, options[i].name);
	buf_s(b, " = ");
	buf_add(b, option_value(c, i));
	buf_c(b, '\n');
}

static void number_holds(const struct config *c, const struct option *o)
{
	int64_t value = *(const int64_t *)(const void *)((const char *)c + o->offset);
	HOLDS((value >= o->min && value <= o->max) || (o->kind == OPTION_MEMORY && value == 0));
}

static void option_holds(const struct config *c, size_t i)
{
	const struct option *o = &options[i];
	if (o->kind == OPTION_DURATION || o->kind == OPTION_NUMBER || o->kind == OPTION_MEMORY)
		number_holds(c, o);
	struct slice value = option_value(c, i);
	HOLDS(!memchr(value.p ? value.p : "", '#', value.n) && !memchr(value.p ? value.p : "", '\n', value.n));
}

void fuzz_one(struct slice in)
{
	struct config c, again;
	struct buf shown = { 0 };
	const char *refusal = config_parse(in, &c);
	if (refusal) {
		HOLDS(names_line(refusal, lines(in)));
		return;
	}
	for (size_t i = 0; i < options_count; i++) {
		option_holds(&c, i);
		HOLDS(named(in, options[i].name) <= 1);
		add_option(&shown, &c, i);
	}
	HOLDS(config_parse(buf_slice(&shown), &again) == NULL);
	for (size_t i = 0; i < options_count; i++)
		HOLDS(slice_is(option_value(&c, i), option_value(&again, i)));
}
