/*
 * json_test: what is JSON, what it means, and what is written.
 *
 * Every text is read where its last byte stands against a page that nobody
 * may touch, so a byte read behind the slice ends the test.
 */
#include "json.h"
#include "t.h"

#include <limits.h>

/* The verdict, and that *out stays as it was on any other than JSON_VALID. */
static enum json_verdict verdict(struct slice text)
{
	const struct json_mark *const nowhere = (const void *)&text;
	struct json j = { .text = { "untouched", 4711 }, .mark = nowhere, .marks = 4711 };
	size_t mark = arena_mark();
	enum json_verdict v = json_read(at_edge(text), &j);
	if (v != JSON_VALID && !(j.text.n == 4711 && j.mark == nowhere && j.marks == 4711))
		ok(false, "a refused text leaves *out alone: %.*s", (int)text.n, text.p);
	arena_back(mark);
	return v;
}

static struct json read_ok(struct slice text)
{
	struct json j = { .marks = 0 };
	ok(json_read(text, &j) == JSON_VALID, "valid: %.*s", (int)text.n, text.p);
	return j;
}

#define T(literal) { "" literal, sizeof(literal) - 1 }

/* ---- valid ------------------------------------------------------------- */

static const struct slice valid[] = {
	T("{}"), T("[]"), T("0"), T("-0"), T("true"), T("false"), T("null"), T("\"\""), T("\"x\""),
	T(" \t\r\n[ \t\r\n] \t\r\n"), T("{ \"a\" : 1 , \"b\" : [ ] }"), T(" 1 "), T("\n\"x\"\n"),
	T("[1]"), T("[-1]"), T("[-0]"), T("[0.5]"), T("[-0.0]"), T("[10]"), T("[1e1]"), T("[1E1]"), T("[1e+1]"),
	T("[1e-1]"), T("[1E-01]"), T("[0e0]"), T("[0e+1]"), T("[1.50e007]"), T("[123456789012345678901234567890]"),
	T("[1e999]"), T("[-1e-999]"), T("[1.0000000000000000000000000000000000001]"),
	T("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), T("[\"\\u0000\"]"), T("[\"\\u00e9\\u00E9\"]"), T("[\"\\ud83d\\ude00\"]"),
	T("[\"\\uDBFF\\uDFFF\"]"), T("[\"\\uD800\\uDC00\"]"), T("[\"\\ud7ff\\ue000\\uffff\\uFFFE\"]"), T("[\"\x7f\"]"),
	T("[\"\xc2\x80\"]"), T("[\"\xe0\xa0\x80\"]"), T("[\"\xed\x9f\xbf\xee\x80\x80\"]"), T("[\"\xf0\x90\x80\x80\"]"),
	T("[\"\xf4\x8f\xbf\xbf\"]"), T("[\"\xe2\x80\xa8\xe2\x80\xa9\"]"), T("[\"\xef\xbb\xbf\"]"), T("[\"/* // */\"]"),
	T("[\"\\\\u0000\"]"), T("[\"\\\\\"]"), T("[\"a\",\"a\"]"), T("[null,true,false,1,\"\",[],{}]"),
	T("[[],[[]],[[],[]]]"), T("[{},{\"a\":{}}]"), T("{\"\":0}"), T("{\"a\":\"a\"}"), T("{\"a\":{\"a\":{\"a\":1}}}"),
	T("[{\"a\":1},{\"a\":1}]"), T("{\"a\":[\"b\",\"b\"],\"b\":1}"), T("{\"x\":{\"a\":1},\"y\":{\"a\":1},\"a\":2}"),
	T("{\"a\":1,\"A\":2,\"a \":3,\"\\u0000\":4,\"\":5,\"a\\u0000\":6}"), T("{\"\\\"\":1,\"\\\\\":2}"),
	T("{\"a\":[],\"b\":{},\"c\":[1],\"d\":{\"e\":[{}]}}"),
};

static void test_valid(void)
{
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
		is_int(verdict(valid[i]), JSON_VALID, "valid %zu", i);
}

/* ---- malformed --------------------------------------------------------- */

static const struct slice malformed[] = {
	/* nothing, or not one value */
	T(""), T(" "), T("\n"), T("{}{}"), T("{} {}"), T("[][]"), T("1 2"), T("1,2"), T("{},"), T(",{}"), T("[]]"), T("{}}"),
	T("[],"), T("\"a\"x"), T("{\"a\":1}#"), T("{}#{}"), T("{\"a\":1}//"), T("{\"a\":1}/**/"), T("true false"), T("[] x"),
	/* brackets */
	T("["), T("]"), T("{"), T("}"), T("[["), T("[}"), T("{]"), T("[1}"), T("{\"a\":1]"), T("[{]"), T("[{}"), T("{[]}"),
	T("[1"), T("[\"a\""), T("[[]"), T("{\"a\":[}"), T("({})"), T("<>"), T("[<null>]"), T("[\x0d"), T("{\"a\":{}"),
	/* commas and colons */
	T("[,]"), T("[1,]"), T("[,1]"), T("[1,,2]"), T("[1,,]"), T("[\"\",]"), T("[1 2]"), T("[1:2]"), T("[\"a\":1]"),
	T("[1\n2]"), T("[\"a\" \"b\"]"), T("[3[4]]"), T("[{}{}]"), T("[1;2]"), T("{,}"), T("{\"a\"}"), T("{\"a\":}"),
	T("{\"a\",1}"), T("{\"a\" 1}"), T("{:1}"), T("{\"a\"::1}"), T("{\"a\":1,}"), T("{\"a\":1,,\"b\":2}"),
	T("{,\"a\":1}"), T("{\"a\":1 \"b\":2}"), T("{\"a\":1:2}"), T("{\"a\":1,\"b\"}"), T("{\"a\":\"b\":\"c\"}"),
	T("{\"a\"=1}"), T("{\"a\":1;}"), T("{\"a\" \"b\"}"), T("{\"a\":,\"b\":1}"), T("[:]"), T("{\"a\":1,3}"),
	/* names */
	T("{a:1}"), T("{'a':1}"), T("{1:1}"), T("{null:1}"), T("{true:1}"), T("{[]:1}"), T("{{}:1}"), T("{\"a:1}"),
	T("{\"\\uD800\":1}"), T("{\"\\x\":1}"), T("{\"a\\\":1}"), T("{\xff:1}"), T("{null:null,null:null}"), T("{*}"),
	/* names twice */
	T("{\"a\":1,\"a\":1}"), T("{\"a\":1,\"b\":2,\"a\":3}"), T("{\"a\":1,\"\\u0061\":1}"), T("{\"\\u0061\":1,\"a\":1}"),
	T("{\"\":1,\"\":1}"), T("[{\"a\":1,\"a\":1}]"), T("{\"x\":{\"a\":1,\"a\":1}}"), T("[[],[{\"y\":[],\"y\":{}}]]"),
	T("{\"\\/\":1,\"/\":1}"), T("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}"), T("{\"a\":{\"b\":[1]},\"a\":null}"),
	T("{\"\\n\":1,\"\\u000A\":1}"), T("{\"a\\u0000\":1,\"a\\u0000\":1}"), T("{\"\\\"\":1,\"\\u0022\":1}"),
	/* words */
	T("t"), T("tru"), T("truu"), T("True"), T("TRUE"), T("truex"), T("true1"), T("[truth]"), T("[tru"), T("f"), T("fals"),
	T("[fals]"), T("False"), T("nul"), T("[nul]"), T("NULL"), T("nulll"), T("nil"), T("undefined"), T("[nul"), T("n"),
	T("NaN"), T("[NaN]"), T("[-NaN]"), T("Infinity"), T("[Infinity]"), T("[-Infinity]"), T("[+Inf]"), T("abc"), T("['a']"),
	T("[true\x00]"), T("[`a`]"), T("[a"), T("*"), T("[*]"), T("{\"a\":tru}"), T("[\\n]"), T("[u0031]"), T("\\u0031"),
	/* numbers */
	T("-"), T("+1"), T("[+1]"), T("[++1]"), T("[--1]"), T("[-]"), T("[- 1]"), T("[01]"), T("[-01]"), T("[00]"), T("[012]"),
	T("[1.]"), T("[-1.]"), T("[.1]"), T("[-.1]"), T("[.]"), T("[1..2]"), T("[1.2.3]"), T("[0.e1]"), T("[1.e1]"), T("[.e1]"),
	T("[1e]"), T("[1E]"), T("[1e+]"), T("[1e-]"), T("[1e+-1]"), T("[1ee1]"), T("[1e1.5]"), T("[0e]"), T("[0e+]"), T("[1e 1]"),
	T("[e1]"), T("[0x1]"), T("[0x]"), T("[0b1]"), T("[0o7]"), T("[1_000]"), T("[1 000]"), T("[1,000"), T("[1a]"), T("[1f]"),
	T("[1L]"), T("[-a]"), T("[-1x]"), T("[0.1.2]"), T("[0.3e]"), T("[0.3e+]"), T("[1.0e]"), T("[1/2]"), T("[1*2]"),
	T("[\xef\xbc\x91]"), T("[1\xe5]"), T("[1e1\xe5]"), T("[-foo]"), T("[1\x00]"), T("1."), T("1e"), T("[9.e+]"), T("[2.e-3]"),
	T("{\"a\":01}"), T("{\"a\":1.}"), T("[-2.]"), T("[1+2]"), T("[0xabc]"), T("[\xd9\xa1]"),
	/* strings */
	T("\""), T("\"a"), T("'a'"), T("a\""), T("[\"]"), T("[\"\"\"]"), T("[\"a"), T("\"\\"), T("\"\\\""), T("[\"\\\"]"),
	T("[\"\\a\"]"), T("[\"\\v\"]"), T("[\"\\0\"]"), T("[\"\\1\"]"), T("[\"\\x41\"]"), T("[\"\\'\"]"), T("[\"\\ \"]"), T("[\"\\U0041\"]"),
	T("[\"\\N\"]"), T("[\"\\\n\"]"), T("[\"\\\x00\"]"), T("[\"\\\xc3\xa9\"]"), T("[\"\\\\\\\"]"), T("[\\\"a\"]"), T("[\"a\\"),
	T("[\"\\u\"]"), T("[\"\\u0\"]"), T("[\"\\u00\"]"), T("[\"\\u004\"]"), T("[\"\\u004g\"]"), T("[\"\\ug041\"]"), T("[\"\\u 041\"]"),
	T("[\"\\u-041\"]"), T("[\"\\u+041\"]"), T("[\"\\u004"), T("[\"\\u0041"), T("\"\\u"), T("\"\\u1"), T("\"\\u12"), T("\"\\u123"),
	T("[\"\\u{41}\"]"), T("[\"\\u00\x00" "1\"]"),
	/* surrogates without a pair */
	T("[\"\\uD800\"]"), T("[\"\\uDBFF\"]"), T("[\"\\uDC00\"]"), T("[\"\\uDFFF\"]"), T("[\"\\uDC00\\uD800\"]"), T("[\"\\uDC00\\uDC00\"]"), T("[\"\\uDFFF\\uDFFF\"]"), T("[\"\\uD800a\"]"),
	T("[\"\\uD800\\uD800\"]"), T("[\"\\uD800\\u0041\"]"), T("[\"\\uD800\\uE000\"]"), T("[\"\\uD800\\n\"]"), T("[\"\\uD800\\\"]"),
	T("[\"\\uD800\\u\"]"), T("[\"\\uD800\\uD\"]"), T("[\"\\uD800\\uDC0\"]"), T("[\"\\uD800\\uDC0x\"]"), T("[\"\\uD800\\uDBFF\\uDFFF\"]"),
	T("[\"\\uD83D\\uDE00\\uDE00\"]"), T("[\"\\uD800"), T("[\"\\uD800\\"), T("[\"\\uD800\\u"), T("[\"\\uD800\\uDC0"), T("[\"\\uD800\\UDC00\"]"),
	/* control bytes */
	T("[\"\x00\"]"), T("[\"\x01\"]"), T("[\"\x1f\"]"), T("[\"\t\"]"), T("[\"\n\"]"), T("[\"\r\"]"), T("[\"\x08\"]"), T("[\"\x0c\"]"),
	T("{\"a\n\":1}"), T("[\"a\x00z\"]"), T("{\"a\x00\":1}"), T("[\"new\nline\"]"),
	/* space that isn't */
	T("\x0c[]"), T("[\x0c]"), T("[\x0b]"), T("[\x00]"), T("[]\x00"), T("{}\x00{}"), T("\x00"), T("[\xc2\xa0]"), T("[\xe2\x80\xa8]"),
	T("[\xe2\x81\xa0]"), T("[\xe3\x80\x80]"), T("\xef\xbb\xbf{}"), T("\xef\xbb\xbf"), T("{}\xef\xbb\xbf"), T("[\x7f]"), T("[\x1f]"), T("[\x85]"),
	/* comments */
	T("/**/[]"), T("[/**/]"), T("[]/**/"), T("[1,/*a*/2]"), T("//\n[]"), T("[1//\n]"), T("#\n[]"), T("[1#]"), T("{/*a*/\"a\":1}"), T("/"),
	/* not UTF-8 */
	T("\xff"), T("[\xff]"), T("[\"\xff\"]"), T("[\"\xfe\"]"), T("[\"\x80\"]"), T("[\"\xbf\"]"), T("[\"\xc0\xaf\"]"), T("[\"\xc0\x80\"]"),
	T("[\"\xc1\xbf\"]"), T("[\"\xc3\"]"), T("[\"\xc3\x28\"]"), T("[\"\xc3\xa9\xa9\"]"), T("[\"\xe0\x80\x80\"]"), T("[\"\xe0\x9f\xbf\"]"),
	T("[\"\xe2\x82\"]"), T("[\"\xe2\x28\xa1\"]"), T("[\"\xed\xa0\x80\"]"), T("[\"\xed\xbf\xbf\"]"), T("[\"\xed\xa0\xbd\xed\xb8\x80\"]"),
	T("[\"\xf0\x80\x80\x80\"]"), T("[\"\xf0\x8f\xbf\xbf\"]"), T("[\"\xf0\x9f\x98\"]"), T("[\"\xf4\x90\x80\x80\"]"), T("[\"\xf5\x80\x80\x80\"]"),
	T("[\"\xf8\x88\x80\x80\x80\"]"), T("[\"\xfc\x84\x80\x80\x80\x80\"]"), T("\"\xc3"), T("\"\xe2\x82"), T("\"\xf0\x9f\x98"),
	T("\xe9"), T("[\"\xe9\"]"), T("[\xc3\xa9]"), T("\xc3\xa9"),
	/* other encodings and other languages */
	T("\xff\xfe[\x00]\x00"), T("\xfe\xff\x00[\x00]"), T("[\x00]\x00"), T("\x00[\x00]"), T("+/v8-"), T("a=1"), T("<a/>"), T("---\na: 1"),
	T("{\"a\": @1}"), T("$"), T("(1)"), T("[1n]"), T("[1,...]"), T("b\"a\""), T("r\"a\""), T("[/a/]"), T("new Date()"), T("{\"a\":-}"),
};

static void test_malformed(void)
{
	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
		is_int(verdict(malformed[i]), JSON_MALFORMED, "malformed %zu", i);
	is_int(verdict(SLICE_NONE), JSON_MALFORMED, "no text at all");
	struct json j;
	is_int(json_read((struct slice){ guard("", 0), (size_t)INT_MAX + 1 }, &j), JSON_MALFORMED,
		"longer than an int can count, refused unread");
}

/* ---- limits ------------------------------------------------------------ */

static void repeat(struct buf *b, const char *text, int times)
{
	while (times-- > 0)
		buf_s(b, text);
}

/* open × depth, middle, close × depth */
static enum json_verdict nested(const char *open, const char *middle, const char *close, int depth)
{
	size_t mark = arena_mark();
	struct buf b = { 0 };
	repeat(&b, open, depth);
	buf_s(&b, middle);
	repeat(&b, close, depth);
	enum json_verdict v = verdict(buf_slice(&b));
	arena_back(mark);
	return v;
}

static void test_depth(void)
{
	is_int(nested("[", "", "]", LIMIT_DEPTH), JSON_VALID, "arrays as deep as allowed");
	is_int(nested("[", "", "]", LIMIT_DEPTH + 1), JSON_MALFORMED, "arrays one deeper");
	is_int(nested("[", "1", "]", LIMIT_DEPTH), JSON_VALID, "a scalar is no level");
	is_int(nested("{\"a\":", "1", "}", LIMIT_DEPTH), JSON_VALID, "objects as deep as allowed");
	is_int(nested("{\"a\":", "1", "}", LIMIT_DEPTH + 1), JSON_MALFORMED, "objects one deeper");
	is_int(nested("{\"a\":[", "{}", "]}", LIMIT_DEPTH / 2), JSON_MALFORMED, "an empty object is a level");
	is_int(nested("{\"a\":[", "0", "]}", LIMIT_DEPTH / 2), JSON_VALID, "mixed, as deep as allowed");
	is_int(nested("[", "", "]", 10000), JSON_MALFORMED, "ten thousand deep");
	is_int(nested("[", "", "", 60000), JSON_MALFORMED, "sixty thousand open brackets");
	is_int(nested("[[[[[[[[[[[[[[[],", "[]", "]]]]]]]]]]]]]]", 1), JSON_VALID, "depth goes down again after a bracket");
}

/* An array of so many values in all, the array included. */
static struct slice array_of(int values, const char *item, const char *end)
{
	struct buf b = { 0 };
	buf_c(&b, '[');
	for (int i = 1; i < values; i++) {
		if (i > 1)
			buf_c(&b, ',');
		buf_s(&b, item);
	}
	buf_s(&b, end);
	return buf_slice(&b);
}

static struct slice object_of(int members, const char *end)
{
	struct buf b = { 0 };
	for (int i = 0; i < members; i++) {
		buf_s(&b, i ? ",\"" : "{\"");
		buf_int(&b, i);
		buf_s(&b, "\":0");
	}
	buf_s(&b, end);
	return buf_slice(&b);
}

static void test_tokens(void)
{
	static const char *const items[] = { "0", "true", "\"\"", "[]", "{}" };
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		is_int(verdict(array_of(LIMIT_TOKENS, items[i], "]")), JSON_VALID, "as many %s as allowed", items[i]);
		is_int(verdict(array_of(LIMIT_TOKENS + 1, items[i], "]")), JSON_TOO_MANY, "one %s more", items[i]);
		is_int(verdict(array_of(LIMIT_TOKENS + 1, items[i], "")), JSON_MALFORMED, "one %s more, but not JSON", items[i]);
	}
	is_int(verdict(object_of(LIMIT_TOKENS / 2 - 1, ",\"x\":{}}")), JSON_TOO_MANY, "names count");
	is_int(verdict(object_of(LIMIT_TOKENS / 2 - 1, "}")), JSON_VALID, "as many members as allowed");
	is_int(verdict(object_of(LIMIT_TOKENS / 2 - 1, ",\"0\":0}")), JSON_TOO_MANY, "too many comes before a name twice");
	is_int(verdict(array_of(5000, "[]", "]")), JSON_TOO_MANY, "five thousand");
}

/* ---- meaning ----------------------------------------------------------- */

static const struct { const char *text; struct slice bytes; } strings[] = {
	{ "\"\"", T("") },
	{ "\"a\"", T("a") },
	{ "\"null\"", T("null") },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", T("\"\\/\b\f\n\r\t") },
	{ "\"\\u0000\"", T("\0") },
	{ "\"a\\u0000b\"", T("a\0b") },
	{ "\"\\u0041\\u00e9\\u20AC\"", T("A\xc3\xa9\xe2\x82\xac") },
	{ "\"\xc3\xa9\\u00e9\"", T("\xc3\xa9\xc3\xa9") },
	{ "\"\\ud83d\\ude00\"", T("\xf0\x9f\x98\x80") },
	{ "\"\\ud800\\udc00\\udbff\\udfff\"", T("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
	{ "\"\\\\u0041\"", T("\\u0041") },
	{ "\"\\\\\\u0041\"", T("\\A") },
	{ "\"{\\\"v\\\":1}\"", T("{\"v\":1}") },
};

static const struct { const char *text; int64_t min, max; enum json_found found; int64_t value; } integers[] = {
	{ "0", 0, 9, JSON_FOUND, 0 },
	{ "9", 0, 9, JSON_FOUND, 9 },
	{ "10", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "4", 5, 9, JSON_WRONG_TYPE, 0 },
	{ "-1", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "-1", -1, 9, JSON_FOUND, -1 },
	{ "-2", -1, 9, JSON_WRONG_TYPE, 0 },
	{ "-12", -12, -12, JSON_FOUND, -12 },
	{ "-0", -9, 9, JSON_WRONG_TYPE, 0 },
	{ "1.0", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "1e0", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "1E2", 0, 999, JSON_WRONG_TYPE, 0 },
	{ "1e999", INT64_MIN, INT64_MAX, JSON_WRONG_TYPE, 0 },
	{ "-1.5", -9, 9, JSON_WRONG_TYPE, 0 },
	{ "9223372036854775807", INT64_MIN, INT64_MAX, JSON_FOUND, INT64_MAX },
	{ "9223372036854775808", INT64_MIN, INT64_MAX, JSON_WRONG_TYPE, 0 },
	{ "18446744073709551617", INT64_MIN, INT64_MAX, JSON_WRONG_TYPE, 0 },
	{ "-9223372036854775807", INT64_MIN, INT64_MAX, JSON_FOUND, -INT64_MAX },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, JSON_WRONG_TYPE, 0 },
	{ "\"1\"", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "\"-1\"", -9, 9, JSON_WRONG_TYPE, 0 },
	{ "\"\"", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "true", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "[1]", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "{\"v\":1}", 0, 9, JSON_WRONG_TYPE, 0 },
	{ "null", 0, 9, JSON_ABSENT, 0 },
};

static const struct { const char *text; enum json_found found; bool value; } bools[] = {
	{ "true", JSON_FOUND, true },
	{ "false", JSON_FOUND, false },
	{ "\"true\"", JSON_WRONG_TYPE, false },
	{ "\"false\"", JSON_WRONG_TYPE, false },
	{ "0", JSON_WRONG_TYPE, false },
	{ "1", JSON_WRONG_TYPE, false },
	{ "[true]", JSON_WRONG_TYPE, false },
	{ "null", JSON_ABSENT, false },
};

/* {"u":[0], "v": value, "w":{"v":"inner"}} against the forbidden page. */
static struct json around(const char *value_text)
{
	struct buf b = { 0 };
	buf_s(&b, "{\"u\":[0], \"v\": ");
	buf_s(&b, value_text);
	buf_s(&b, " ,\"w\":{\"v\":\"inner\"}}");
	return read_ok(at_edge(buf_slice(&b)));
}

static void test_strings(void)
{
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		struct json j = around(strings[i].text);
		struct slice got = SLICE_NONE, raw = SLICE_NONE;
		is_int(json_string(&j, "v", &got), JSON_FOUND, "string %s", strings[i].text);
		is_mem(got.p, got.n, strings[i].bytes.p, strings[i].bytes.n, "bytes of %s", strings[i].text);
		ok(json_raw(&j, "v", &raw) == JSON_FOUND && slice_is(raw, slice_of(strings[i].text)), "raw %s", strings[i].text);
	}
}

static void test_integers(void)
{
	for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
		struct json j = around(integers[i].text);
		int64_t got = 4711;
		is_int(json_int(&j, "v", integers[i].min, integers[i].max, &got), integers[i].found, "integer %s", integers[i].text);
		is_int(got, integers[i].found == JSON_FOUND ? integers[i].value : 4711, "value of %s", integers[i].text);
	}
}

static void test_bools(void)
{
	for (size_t i = 0; i < sizeof bools / sizeof *bools; i++)
		for (int before = 0; before < 2; before++) {
			struct json j = around(bools[i].text);
			bool got = before;
			is_int(json_bool(&j, "v", &got), bools[i].found, "bool %s", bools[i].text);
			is_int(got, bools[i].found == JSON_FOUND ? bools[i].value : before, "value of %s", bools[i].text);
		}
}

static void test_wrong_types(void)
{
	static const char *const others[] = { "0", "-1.5e3", "true", "false", "[]", "[\"a\"]", "{}", "{\"v\":\"a\"}" };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct json j = around(others[i]);
		struct slice s = SLICE_NONE, raw = SLICE_NONE;
		ok(json_string(&j, "v", &s) == JSON_WRONG_TYPE && !s.p, "%s is no string", others[i]);
		ok(json_raw(&j, "v", &raw) == JSON_FOUND && slice_is(raw, slice_of(others[i])), "raw %s", others[i]);
	}
}

static bool all_absent(struct json j, const char *name)
{
	struct slice s = SLICE_NONE;
	int64_t n = 4711;
	bool b = true;
	return json_string(&j, name, &s) == JSON_ABSENT && json_raw(&j, name, &s) == JSON_ABSENT && !s.p &&
		json_int(&j, name, 0, 9, &n) == JSON_ABSENT && n == 4711 && json_bool(&j, name, &b) == JSON_ABSENT && b;
}

static void test_names(void)
{
	struct slice s;
	int64_t n = 0;
	ok(all_absent(around("null"), "v"), "null is absent");
	ok(all_absent(around("1"), "x"), "another name is absent");
	ok(all_absent(around("1"), ""), "the empty name is absent");
	ok(all_absent(around("1"), "inner"), "a value is no name");
	ok(all_absent(read_ok(S("{}")), "v"), "an empty object has nothing");
	ok(all_absent(read_ok(S("[{\"v\":1}]")), "v"), "an array has no members");
	ok(all_absent(read_ok(S("[\"v\",1]")), "v"), "items of an array are no members");
	ok(all_absent(read_ok(S("\"v\"")), "v"), "nor has a string");
	ok(all_absent(read_ok(S("17")), "v"), "nor has a number");
	ok(all_absent(read_ok(S("{\"w\":{\"v\":1}}")), "v"), "a member's member is not the object's");
	ok(all_absent(read_ok(S("{\"w\":\"v\",\"x\":1}")), "v"), "a value that reads like the name");
	struct json j = read_ok(S("{\"\\u0076\":5,\"\":6,\"a\\u0000\":7,\"\\ud83d\\ude00\":8}"));
	ok(json_int(&j, "v", 0, 9, &n) == JSON_FOUND && n == 5, "a name is compared after unescaping");
	ok(json_int(&j, "", 0, 9, &n) == JSON_FOUND && n == 6, "the empty name");
	ok(json_int(&j, "a", 0, 9, &n) == JSON_ABSENT, "a NUL does not end a name");
	ok(json_int(&j, "\xf0\x9f\x98\x80", 0, 9, &n) == JSON_FOUND && n == 8, "a name beyond the first plane");
	j = read_ok(S("{\"s\":{\"a\":[1,{\"b\":2}],\"c\":\"d\"},\"t\":1}"));
	ok(json_raw(&j, "s", &s) == JSON_FOUND && slice_is(s, S("{\"a\":[1,{\"b\":2}],\"c\":\"d\"}")), "raw of an object");
	ok(json_int(&j, "t", 0, 9, &n) == JSON_FOUND && n == 1, "a member behind a deep one");
}

static void test_lists(void)
{
	static const struct { const char *value, *joined; } lists[] = {
		{ "[]", "" }, { "[\"a\"]", "a" }, { " [ \"a\" , \"b c\" ,\"\\u00e4\"] ", "a,b c,\xc3\xa4" },
		{ "[\"\"]", NULL }, { "[\"a,b\"]", NULL }, { "[\"a\",\"\\u002c\"]", NULL }, { "[\"a\",1]", NULL }, { "[null]", NULL },
		{ "[\"a\",[\"b\"]]", NULL }, { "[[\"a\"],\"b\"]", NULL }, { "[{\"a\":\"b\"}]", NULL }, { "{\"a\":\"b\"}", NULL }, { "\"a\"", NULL }, { "1", NULL },
	};
	struct slice s;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct json j = around(lists[i].value);
		enum json_found found = json_list(&j, "v", &s);
		if (lists[i].joined)
			ok(found == JSON_FOUND && slice_is(s, slice_of(lists[i].joined)), "the list %s", lists[i].value);
		else
			is_int(found, JSON_WRONG_TYPE, "no list of texts: %s", lists[i].value);
	}
	struct json j = around("null");
	ok(json_list(&j, "v", &s) == JSON_ABSENT && json_list(&j, "x", &s) == JSON_ABSENT, "a list that isn't there");
}

static void test_is_object(void)
{
	static const char *const objects[] = { "{}", " {} ", "{\"a\":[]}" };
	static const char *const others[] = { "[]", "[{}]", "1", "\"{}\"", "null", "true", " 1 " };
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
		struct json j = read_ok(slice_of(objects[i]));
		ok(json_is_object(&j), "an object: %s", objects[i]);
		ok(slice_is(json_object_or_null(slice_of(objects[i])), slice_of(objects[i])), "as it stands");
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct json j = read_ok(slice_of(others[i]));
		ok(!json_is_object(&j), "no object: %s", others[i]);
		ok(slice_is(json_object_or_null(slice_of(others[i])), S("null")), "is null");
	}
}

static void test_not_json(void)
{
	static const char *const texts[] = { "", "{", "{}}", "{\"a\":1,\"a\":2}", "x", "{\"a\":\"\xff\"}" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ok(slice_is(json_object_or_null(slice_of(texts[i])), S("null")), "null: %s", texts[i]);
	ok(slice_is(json_object_or_null(SLICE_NONE), S("null")), "null: none");
}

/* ---- every cut, every byte --------------------------------------------- */

static const struct slice whole = T("{\"n\":[0,-1.5e+3,1E9],\"s\":\"a\\u00e9\\ud83d\\ude00\\n\xc3\xa9\xe2\x82\xac\",\"w\":[true,false,null],\"o\":{\"\":{}}}");

static void test_prefixes(void)
{
	int taken = 0;
	for (size_t n = 0; n < whole.n; n++)
		taken += verdict((struct slice){ whole.p, n }) != JSON_MALFORMED;
	is_int(taken, 0, "no prefix of a text is a text");
	is_int(verdict(whole), JSON_VALID, "the whole is");
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
		if (strchr("[{\"", valid[i].p[0]))
			for (size_t n = 0; n + 1 < valid[i].n; n++)
				taken += verdict((struct slice){ valid[i].p, n }) != JSON_MALFORMED;
	is_int(taken, 0, "nor is one of the valid table");
}

/* Reads all that a text may hold: every getter must stay inside it. */
static int use(struct slice text)
{
	static const char *const names[] = { "n", "s", "w", "o", "" };
	struct json j;
	struct slice s;
	int64_t n;
	bool b;
	if (json_read(text, &j) != JSON_VALID)
		return 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (json_string(&j, names[i], &s) == JSON_FOUND && !slice_is_utf8(s))
			ok(false, "a string that isn't UTF-8");
		if (json_raw(&j, names[i], &s) == JSON_FOUND && (s.p < text.p || s.p + s.n > text.p + text.n))
			ok(false, "a raw value outside the text");
		json_int(&j, names[i], 0, 9, &n);
		json_bool(&j, names[i], &b);
	}
	return 1;
}

static void test_replaced(void)
{
	char *p = guard(whole.p, whole.n);
	struct slice copy = { p, whole.n };
	int taken = 0;
	size_t mark = arena_mark();
	for (size_t i = 0; i < whole.n; i++) {
		for (int c = 0; c < 256; c++) {
			p[i] = (char)c;
			taken += use(copy);
			arena_back(mark);
		}
		p[i] = whole.p[i];
	}
	ok(taken > (int)whole.n, "every byte replaced by every other: %d still JSON, none strays", taken);
}

static void test_shuffled(void)
{
	static const char tokens[][8] = { "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "null", "\\", "\"", " ", "\"\\u00" };
	unsigned seed = 1;
	int taken = 0;
	size_t mark = arena_mark();
	for (int round = 0; round < 40000; round++) {
		struct buf b = { 0 };
		buf_c(&b, "[{"[round & 1]);
		for (seed = seed * 1103515245u + 12345u; b.n < 2 + (seed >> 16) % 12;) {
			seed = seed * 1103515245u + 12345u;
			buf_s(&b, tokens[(seed >> 16) % (sizeof tokens / sizeof *tokens)]);
		}
		taken += use(at_edge(buf_slice(&b)));
		arena_back(mark);
	}
	ok(taken > 0, "tokens in any order: %d JSON, none strays", taken);
}

/* ---- writing ----------------------------------------------------------- */

static const struct { struct slice bytes, text; } quoted[] = {
	{ T(""), T("\"\"") },
	{ T("a"), T("\"a\"") },
	{ T("\"\\/"), T("\"\\\"\\\\/\"") },
	{ T("\b\f\n\r\t"), T("\"\\b\\f\\n\\r\\t\"") },
	{ T("\0\x01\x0b\x1f\x7f"), T("\"\\u0000\\u0001\\u000b\\u001f\x7f\"") },
	{ T("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), T("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"") },
	{ T("\xff"), T("\"\xef\xbf\xbd\"") },
	{ T("\x80z"), T("\"\xef\xbf\xbdz\"") },
	{ T("\xc3"), T("\"\xef\xbf\xbd\"") },
	{ T("\xc3z"), T("\"\xef\xbf\xbdz\"") },
	{ T("\xe2\x82"), T("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ T("\xf0\x9f\x98"), T("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ T("\xf8\x88\x80\x80\x80"), T("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ T("\xc0\xaf"), T("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ T("\xed\xa0\x80"), T("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ T("\xc3\xa9\xc3"), T("\"\xc3\xa9\xef\xbf\xbd\"") },
};

static void test_quote(void)
{
	for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++) {
		struct buf b = { 0 };
		json_quote(&b, at_edge(quoted[i].bytes));
		is_mem(b.p, b.n, quoted[i].text.p, quoted[i].text.n, "quoted %zu", i);
		is_int(verdict(buf_slice(&b)), JSON_VALID, "quoted %zu is JSON", i);
	}
	struct buf b = { 0 };
	json_quote(&b, SLICE_NONE);
	is_mem(b.p, b.n, "\"\"", 2u, "no bytes, no text");
}

/* RFC 3629, 3, written out: what put_utf8 of json.c is held against. */
static void add_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_c(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_c(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_c(b, (char)(0xe0 | c >> 12));
		} else {
			buf_c(b, (char)(0xf0 | c >> 18));
			buf_c(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_c(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_c(b, (char)(0x80 | (c & 0x3f)));
}

static void add_escaped(struct buf *b, uint32_t c)
{
	char text[16];
	if (c < 0x10000)
		snprintf(text, sizeof text, c & 1 ? "\\u%04x" : "\\u%04X", (unsigned)c);
	else
		snprintf(text, sizeof text, "\\u%04x\\u%04X", (unsigned)(0xd800 + ((c - 0x10000) >> 10)), (unsigned)(0xdc00 + (c & 0x3ff)));
	buf_s(b, text);
}

/* 64 code points at a time, for speed. */
static bool block_survives(uint32_t from)
{
	struct buf bytes = { 0 }, escaped = { 0 }, text = { 0 }, again = { 0 };
	struct slice got = SLICE_NONE, spelled = SLICE_NONE;
	struct json j;
	for (uint32_t c = from; c < from + 64; c++) {
		add_utf8(&bytes, c);
		add_escaped(&escaped, c);
	}
	buf_s(&text, "{\"e\":\"");
	buf_add(&text, buf_slice(&escaped));
	buf_s(&text, "\",\"q\":");
	json_quote(&text, buf_slice(&bytes));
	buf_c(&text, '}');
	if (json_read(at_edge(buf_slice(&text)), &j) != JSON_VALID || json_string(&j, "q", &got) != JSON_FOUND ||
		json_string(&j, "e", &spelled) != JSON_FOUND)
		return false;
	json_quote(&again, got);
	struct slice q = SLICE_NONE;
	return slice_is(got, buf_slice(&bytes)) && slice_is(spelled, buf_slice(&bytes)) && json_raw(&j, "q", &q) == JSON_FOUND &&
		slice_is(q, buf_slice(&again));
}

static void test_identity(void)
{
	int lost = 0;
	size_t mark = arena_mark();
	for (uint32_t c = 0; c < 0x110000; c += 64) {
		if (c < 0xd800 || c >= 0xe000)
			lost += !block_survives(c);
		arena_back(mark);
	}
	is_int(lost, 0, "every code point: quoted, read, quoted again, and read from its \\u");
}

static void (*const tests[])(void) = {
	test_valid, test_malformed, test_depth, test_tokens, test_strings, test_integers, test_bools, test_wrong_types,
	test_names, test_lists, test_is_object, test_not_json, test_prefixes, test_replaced, test_shuffled, test_quote, test_identity,
};

/* ---- the writer -------------------------------------------------------- */

static void writes(void)
{
	struct buf b = { 0 };
	struct jw w = { .out = &b };
	jw_open(&w, '{');
	jw_text(&w, "text", S("a\"b"));
	jw_int(&w, "int", -7);
	jw_open(jw_name(&w, "list"), '[');
	jw_id(&w, NULL, 0xabc);
	jw_bool(&w, true);
	jw_bool(&w, false);
	jw_null(&w);
	jw_open(&w, '{');
	jw_close(&w);
	jw_open(&w, '[');
	jw_close(&w);
	jw_close(&w);
	jw_list(&w, "none", SLICE_NONE);
	jw_list(&w, "two", S("a,b\"c"));
	jw_raw(jw_name(&w, "raw"), S("{\"x\":1}"));
	jw_plain(&w, "plain", S("a.b.c"));
	jw_close(&w);
	is_str(slice_text(buf_slice(&b)), "{\"text\":\"a\\\"b\",\"int\":-7,\"list\":[\"0000000000000abc\",true,false,null,{},[]],"
		"\"none\":[],\"two\":[\"a\",\"b\\\"c\"],\"raw\":{\"x\":1},\"plain\":\"a.b.c\"}", "each kind of value, with its commas");
	is_int(w.depth, 0, "nothing is left open");
}

/* ---- memory ------------------------------------------------------------ */

/* A body that is one name of escapes, as long as a body may be: however many members are asked for, nothing is built that stays. */
static void looks_up_for_nothing(void)
{
	struct buf body = { 0 };
	struct slice text;
	struct json j;
	buf_s(&body, "{\"\\u0061\\u006c\\u006c");
	while (body.n < LIMIT_BODY - 4)
		buf_c(&body, 'a');
	buf_s(&body, "\":1}");
	size_t before = arena_mark();
	is_int(json_read(buf_slice(&body), &j), JSON_VALID, "one long name is JSON");
	size_t read = arena_mark();
	ok(read - before < 1024, "to read it %zu bytes are enough", read - before);
	for (int i = 0; i < 100; i++)
		is_int(json_string(&j, "password", &text), JSON_ABSENT, "and isn't the one that is looked for");
	is_int(arena_mark() - read, 0, "a hundred look-ups leave nothing behind");
}

int main(void)
{
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		size_t mark = arena_mark();
		tests[i]();
		arena_back(mark);
	}
	writes();
	looks_up_for_nothing();
	return done_testing();
}
