/*
 * import: `latchkey user import`: users with their hashes, from another program or from `latchkey user export`.
 *
 * One user a line, in any of three forms; blank lines, lines that begin with `#` and the line `username,hash` are
 * passed over:
 *
 *     name:hash                             htpasswd
 *     name,hash                             CSV; either may be in double quotes
 *     {"username":"name","hash":"…"}        JSON, with more members: see read_json_user()
 *
 * All of the input is read, and each line is looked at, before the store is opened: nobody waits for a pipe, and the
 * operator is told of every bad line at once. Then either all users are added or none.
 */
#include "operator/verbs.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "json.h"
#include "operator/ask.h"
#include "password.h"
#include "profile.h"
#include "session.h"

enum { IMPORT_MAX = 16 << 20 };     /* bytes; a user has about 150 */

const char *user_hash_problem(struct slice hash)
{
	const char *kind = password_kind(hash);
	if (password_storable(hash))
		return NULL;
	return kind ? text_join("no sign-in could compare this hash (", kind, "): latchkey(8) says which it can", NULL)
		: "this is no password hash of a known kind";
}

/* ---- the three forms ------------------------------------------------------ */

static bool read_json_profile(const struct json *j, struct profile *p)
{
	return json_list(j, "groups", &p->groups) != JSON_WRONG_TYPE && json_string(j, "email", &p->email) != JSON_WRONG_TYPE
		&& json_string(j, "name", &p->name) != JSON_WRONG_TYPE;
}

/* Members that may be left out: id (16 hexadecimal digits), created_at, disabled, groups, email, name, subscription. Others are
 * passed over. */
static bool read_json_user(struct slice line, struct user *u)
{
	struct json j;
	struct slice id;
	if (json_read(line, &j) != JSON_VALID || json_string(&j, "username", &u->name) != JSON_FOUND
		|| json_string(&j, "hash", &u->password) != JSON_FOUND)
		return false;
	enum json_found has_id = json_string(&j, "id", &id);
	return (has_id == JSON_ABSENT || (has_id == JSON_FOUND && parse_id(id, &u->id)))
		&& json_int(&j, "created_at", 0, INT64_MAX, &u->created_at) != JSON_WRONG_TYPE
		&& json_bool(&j, "disabled", &u->disabled) != JSON_WRONG_TYPE && read_json_profile(&j, &u->profile)
		&& (json_raw(&j, "subscription", &u->subscription) != JSON_FOUND || user_subscription_ok(u->subscription));
}

/* A CSV field, without its quotes. No name and no hash has a quote in it. */
static struct slice cut_field(struct slice *rest)
{
	if (!slice_starts(*rest, S("\"")))
		return slice_cut(rest, ',');
	*rest = slice_from(*rest, 1);
	struct slice field = slice_cut(rest, '"');
	slice_cut(rest, ',');
	return field;
}

static bool read_pair(struct slice line, struct user *u)
{
	size_t colon = slice_span(line, "._@+-'");   /* a name's end, be it one or not: htpasswd has no quotes */
	bool htpasswd = colon < line.n && line.p[colon] == ':';
	u->name = htpasswd ? slice_cut(&line, ':') : cut_field(&line);
	u->password = htpasswd ? line : cut_field(&line);
	return u->password.n > 0;
}

/* NULL, or what is wrong with the line. */
static const char *read_user(struct slice line, struct user *u)
{
	*u = (struct user){ .id = 0 };
	bool json = slice_starts(line, S("{"));
	if (json ? !read_json_user(line, u) : !read_pair(line, u))
		return json ? "not a JSON object with a username and a hash, or one of its members is of the wrong kind"
			: "neither name:hash nor name,hash";
	if (!session_username_ok(u->name))
		return user_name_rule;
	const char *wrong = profile_wrong(&u->profile);
	return wrong ? wrong : user_hash_problem(u->password);
}

/* ---- the lines ------------------------------------------------------------ */

struct lines { struct slice rest; int64_t number; };

/* The next line that holds a user, without white space around it. */
static bool next_line(struct lines *l, struct slice *line)
{
	while (l->rest.n) {
		*line = slice_cut(&l->rest, '\n');
		line->n -= line->n && line->p[line->n - 1] == '\r';
		*line = slice_trim(*line);
		l->number++;
		if (line->n && line->p[0] != '#' && !slice_is(*line, S("username,hash")))
			return true;
	}
	return false;
}

int ask_users(struct verb_call *c)
{
	struct lines l = { .number = 0 };
	struct slice line;
	struct user u;
	bool good = true;
	if (!ask_all(IMPORT_MAX, &c->input))
		return verb_no(c, "more than 16 MiB at once");
	if (slice_starts(c->input, S("\xef\xbb\xbf")))   /* a byte order mark, as programs on Windows write it */
		c->input = slice_from(c->input, 3);
	l.rest = c->input;
	while (next_line(&l, &line)) {
		size_t mark = arena_mark();
		const char *wrong = read_user(line, &u);
		if (wrong)
			log_line(c->verb, "line ", dec(l.number), ": ", wrong, NULL);
		good = good && wrong == NULL;
		arena_back(mark);
	}
	return good ? VERB_DONE : verb_no(c, "no user was added");
}

int verb_user_import(struct verb_call *c)
{
	struct lines l = { .rest = c->input };
	struct slice line;
	struct user u;
	int64_t added = 0;
	for (size_t mark = arena_mark(); next_line(&l, &line); arena_back(mark), added++) {
		(void)read_user(line, &u);
		u.id = u.id ? u.id : random_id();
		u.created_at = u.created_at ? u.created_at : c->work.time;
		if (!store_user_add(&u))
			return verb_refuse(c, text_join("no user was added; line ", dec(l.number), ": name or id is taken: ", NULL), u.name);
	}
	c->work.note.count = added;
	if (added)
		audit_note(&c->work, EVENT_USERS_IMPORTED, 0, 0);
	return verb_done_count(c, added, " users added");
}
