/*
 * config: latchkey.conf, read once.
 *
 * The conf file is text: `name = value`, `#` comments, blank lines. An
 * unknown name, a name given twice, a value out of range is an error with its
 * line number: nothing is guessed. The file may be absent.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/address.h"
#include "base/base.h"

enum audit_where {
	AUDIT_TABLE,    /* rows in the database, at most audit_max */
	AUDIT_SYSLOG,   /* stderr/syslog lines alone: no flash writes */
	AUDIT_BOTH,
	AUDIT_OFF
};

/* How /verify names what it tells of a user. */
enum identity_headers {
	HEADERS_X_AUTH,     /* X-Auth-User (the id), X-Auth-Name (the user name), … */
	HEADERS_REMOTE,     /* Remote-User (the user name), … */
	HEADERS_X_WEBAUTH   /* X-WEBAUTH-USER (the user name), … */
};

enum access_alg {
	ACCESS_HS256,
	ACCESS_ES256
};

struct config {
	const char *dir;                /* the data directory, NUL-terminated */
	int64_t access_ttl;             /* seconds */
	int64_t refresh_ttl;            /* seconds: idle window, sliding */
	int64_t session_ttl;            /* seconds from sign-in; 0: no end */
	int64_t reuse_grace;            /* seconds */
	int64_t retry_window;           /* seconds; -1: an hour for public clients of OAuth, and none for the app API */
	struct slice issuer, audience;
	struct slice rp_id;             /* of passkeys; empty: the issuer's host */
	struct slice passkey_origins;   /* words between single spaces, beside the issuer's own */
	struct slice wallets;           /* words chain:network between single spaces; empty: none */
	enum access_alg access_alg;
	struct slice base_path;         /* mount point where latchkey parses HTTP itself */
	bool signup;
	bool gotrue;                    /* the calls of supabase-js */
	struct slice cors_origins;      /* words between single spaces */
	struct networks trusted_proxies;
	enum audit_where audit;
	bool audit_refresh;
	int64_t audit_max;              /* rows */
	int64_t audit_keep;             /* seconds: the same for latchkey-pg */
	int64_t sessions_max;           /* of a user */
	bool access_cookie, insecure_cookie;
	enum identity_headers identity_headers;
	struct slice factor_groups;     /* names between commas: who is in one of them signs in with a second factor alone */
	struct slice email_domain;      /* of the addresses of users who have none of their own; empty: they have none */
	struct slice cookie_domain;     /* empty: the access cookie is the host's alone */
	struct password_cost_option { int64_t kib, passes; } password; /* 0: by the host's RAM */
	int64_t password_jobs;
	struct slice brand;             /* what the pages call the place: UTF-8 */
	int64_t brand_color;            /* 0xRRGGBB */
	struct slice store;             /* where latchkey-pg has its data; empty: in dir */
	struct slice backup_made;       /* a file that each backup makes anew; empty: nobody says */
	struct slice throttle_dir;      /* empty: /run/latchkey where it can be written, else dir */
};

/* How an option's value is written, and with that what its field is. */
enum option_kind {
	OPTION_DURATION,  /* int64_t seconds: 30s 15m 12h 30d, or 0 */
	OPTION_WINDOW,    /* the same, or -1: auto */
	OPTION_NUMBER,    /* int64_t */
	OPTION_MEMORY,    /* int64_t KiB: 512k 19m, or 0 whatever min says */
	OPTION_SWITCH,    /* bool: on off */
	OPTION_AUDIT,     /* enum audit_where: table syslog both off */
	OPTION_HEADERS,   /* enum identity_headers: x-auth remote x-webauth */
	OPTION_ALG,       /* enum access_alg: HS256 ES256 */
	OPTION_NAME,      /* slice: one word that can stand in a JSON string as it is */
	OPTION_GROUPS,    /* slice: names between commas, or nothing */
	OPTION_MOUNT,     /* slice: a path, without its trailing slash */
	OPTION_STORE,     /* slice: one word, or nothing; store/upkeep.h */
	OPTION_DIRECTORY, /* slice: an absolute path, or nothing */
	OPTION_HOST,      /* slice: a host's name, or nothing */
	OPTION_ORIGINS,   /* slice: words */
	OPTION_WALLETS,   /* slice: words */
	OPTION_CALLERS,   /* the same, where an app of Android may stand, too: android:apk-key-hash:… */
	OPTION_NETWORKS,  /* networks: words */
	OPTION_TEXT,      /* slice: UTF-8 for people */
	OPTION_COLOR,     /* int64_t 0xRRGGBB: six hexadecimal digits */
	OPTION_KIND__MAX
};

/* One row of the option table: the one place where an option is named. */
struct option {
	const char *name;
	enum option_kind kind;
	size_t offset;                  /* of its field in struct config */
	int64_t min, max;               /* of a value, or the most bytes of a word */
	const char *fallback;           /* the default, as it would be written in the file */
	const char *meaning;            /* one line */
};
extern const struct option options[];
extern const size_t options_count;
/* The value of options[i], as it would be written in the file; in the arena. */
struct slice option_value(const struct config *c, size_t i);

/*
 * The data directory: `given` (--dir) or LATCHKEY_DIR or /var/lib/latchkey.
 * Returned text is NUL-terminated; borrows.
 */
const char *config_dir(const char *given);
/* What to say of a data directory that can't be opened, or looked up; errno says why. In the arena. */
const char *config_no_dir(const char *dir);

/*
 * Reads dir/latchkey.conf. Returns NULL, or a message in the arena that names the
 * line and the option; *out then holds nothing of use.
 */
const char *config_read(const char *dir, struct config *out);
/* The same from text, for tests and for `latchkey check`. */
const char *config_parse(struct slice text, struct config *out);

/* Identifies a state of the two files: they are unchanged if its bytes are equal. All zeros for a file that isn't there. Where a file's
 * time would not tell of another change, no two stamps are equal: that is for a second or two. */
struct config_stamp { int64_t inode[2], size[2], changed[2], nanoseconds[2]; };
void config_stamp(const char *dir, struct config_stamp *out);

/* Applies the lines of a script to *c; they may set c->dir. Returns NULL, or a
 * message as config_read() does. */
const char *config_override(struct slice script, struct config *c);

/* The directory of the throttle table and of the slots for hashing: as the option
 * says, else /run/latchkey if it can be written, else the data directory. */
const char *config_throttle_dir(const struct config *c);

/* A duration as options spell it (30s 15m 12h 30d, 0): its seconds. */
bool config_duration(struct slice text, int64_t *seconds);

/* True when origin is listed in c->cors_origins (exact bytes). */
bool config_origin_listed(const struct config *c, struct slice origin);

#endif
