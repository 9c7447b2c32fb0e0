/*
 * site: see site.h.
 *
 * The page's own policy (Content-Security-Policy) allows nothing but this
 * origin's script, style and requests: a demo that holds tokens must be an
 * example of how to hold them.
 */
#include "serve/site.h"

#include "http.h"
#include "serve/www.h"

static const struct { const char *name, *value; } headers[] = {
	{ "Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
		" img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
};

/* All that isn't the demo's is the client's. */
static const struct www_file *file_named(struct slice name, bool demo)
{
	for (size_t i = 0; i < www_count; i++)
		if (slice_is(name, slice_of(www_files[i].name)))
			return demo || slice_starts(name, S("session")) ? &www_files[i] : NULL;
	return NULL;
}

/* RFC 9110, 13.1.2: a list, or "*"; a front that compresses makes tags weak. */
static bool has_tag(struct slice list, struct slice tag)
{
	while (list.p) {
		struct slice one = slice_trim(slice_cut(&list, ','));
		if (slice_is(one, S("*")) || slice_is(slice_starts(one, S("W/")) ? slice_from(one, 2) : one, tag))
			return true;
	}
	return false;
}

static void send_file(const struct request *rq, struct reply *rp, const struct www_file *file)
{
	bool known = has_tag(rq->if_none_match, slice_of(file->etag));
	rp->status = known ? 304 : 200;
	if (!known) {
		rp->type = file->type;
		reply_header(rp, "Content-Encoding", "gzip", NULL);
		buf_add(&rp->body, (struct slice){ (const char *)file->data, file->size });
	}
	reply_header(rp, "ETag", file->etag, NULL);
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		reply_header(rp, headers[i].name, headers[i].value, NULL);
}

static void send_to_account(const struct request *rq, struct reply *rp)
{
	rp->status = 303;
	reply_header(rp, "Location", slice_text(rq->mount), "/account", NULL);
}

void site_answer(const struct request *rq, bool demo, struct reply *rp)
{
	bool root = slice_is(rq->path, S("/"));
	const struct www_file *file = file_named(root ? S("index.html") : slice_from(rq->path, 1), demo);
	if (file == NULL && !root) {
		reply_plain(rp, 404);
	} else if (rq->method != METHOD_GET && rq->method != METHOD_HEAD) {
		reply_plain(rp, 405);
		reply_header(rp, "Allow", "GET, HEAD", NULL);
	} else if (file == NULL) {
		send_to_account(rq, rp);
	} else {
		send_file(rq, rp, file);
	}
	/* A page may be kept, and is asked for again with its ETag; an error may not be kept. */
	reply_header(rp, "Cache-Control", rp->status < 400 ? "no-cache" : "no-store", NULL);
}
