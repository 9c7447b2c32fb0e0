/*
 * http_reply: see http_reply.h for what each function promises.
 */
#include "http_reply.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

/* ---- what the answer is ------------------------------------------------ */

static const struct { int status; const char *reason; } reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

/* The reason phrase of a status that latchkey sends (RFC 9110, 15). */
static const char *reason_of(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

void reply_header(struct reply *rp, const char *name, ...)
{
	va_list parts;
	buf_s(&rp->head, name);
	buf_s(&rp->head, ": ");
	va_start(parts, name);
	for (const char *part; (part = va_arg(parts, const char *));)
		for (; *part; part++)
			if ((unsigned char)*part >= ' ')
				buf_c(&rp->head, *part);
	va_end(parts);
	buf_s(&rp->head, "\r\n");
}

void reply_plain(struct reply *rp, int status)
{
	*rp = (struct reply){ .status = status, .type = "text/plain" };
	buf_s(&rp->body, reason_of(status));
	buf_c(&rp->body, '\n');
}

/* IMF-fixdate (RFC 9110, 5.6.7), for which strftime() would ask the locale. */
static void write_date(struct buf *b, time_t at)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	struct tm t = { 0 };
	gmtime_r(&at, &t);
	buf_s(b, days[t.tm_wday]);
	buf_s(b, ", ");
	buf_two_digits(b, t.tm_mday);
	buf_c(b, ' ');
	buf_s(b, months[t.tm_mon]);
	buf_c(b, ' ');
	buf_int(b, t.tm_year + 1900);
	buf_c(b, ' ');
	buf_two_digits(b, t.tm_hour);
	buf_c(b, ':');
	buf_two_digits(b, t.tm_min);
	buf_c(b, ':');
	buf_two_digits(b, t.tm_sec);
	buf_s(b, " GMT");
}

/* It is written once a second, in 36 bytes at most: a year is an int. */
static void put_date(struct buf *b)
{
	static char text[40];
	static size_t n;
	static time_t written;
	time_t at = (time_t)now();
	if (n == 0 || at != written) {
		struct buf date = { 0 };
		write_date(&date, at);
		n = date.n;
		memcpy(text, date.p, n);
		written = at;
	}
	buf_add(b, (struct slice){ text, n });
}

/* CGI and SCGI get the reason too: uhttpd makes a 200 of a Status without. */
static void put_status(struct buf *b, const struct request *rq, int status)
{
	buf_s(b, rq->wire.face == FACE_HTTP ? "HTTP/1.1 " : "Status: ");
	buf_int(b, status);
	buf_c(b, ' ');
	buf_s(b, reason_of(status));
	buf_s(b, "\r\n");
	if (rq->wire.face != FACE_HTTP)
		return;
	buf_s(b, "Date: ");
	put_date(b);
	buf_s(b, rq->wire.keep ? "\r\n" : "\r\nConnection: close\r\n");
}

/* RFC 9110, 8.6 and 15.4.5: where there can be no body there is no length. */
void reply_put_head(struct buf *out, const struct request *rq, const struct reply *rp)
{
	put_status(out, rq, rp->status);
	if (rp->type) {
		buf_s(out, "Content-Type: ");
		buf_s(out, rp->type);
		buf_s(out, "\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n");
	}
	if (rp->status != 204 && rp->status != 304) {
		buf_s(out, "Content-Length: ");
		buf_int(out, (int64_t)rp->body.n);
		buf_s(out, "\r\n");
	}
	buf_add(out, buf_slice(&rp->head));
	buf_s(out, "\r\n");
}

struct slice reply_body(const struct request *rq, const struct reply *rp)
{
	bool none = rq->method == METHOD_HEAD || rp->status == 204 || rp->status == 304;
	return none ? SLICE_NONE : buf_slice(&rp->body);
}

void reply_put(struct buf *out, const struct request *rq, const struct reply *rp)
{
	reply_put_head(out, rq, rp);
	buf_add(out, reply_body(rq, rp));
}
