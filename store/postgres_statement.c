/*
 * postgres_statement: every SQL statement that a request or a verb runs, and how values get in and out.
 *
 * Rules: all SQL is in the table below, or in the schema (postgres_upkeep.c); values are arguments; both travel in binary.
 * Numbers are bigint, the same 64 bits as here. Columns whose bytes need not be UTF-8 are bytea; user names and
 * passwords' hashes are text.
 *
 * A session that is read to be changed is locked (FOR UPDATE). What changes several rows takes them in the order of their ids
 * where it can: two hosts that lock the same rows the other way round would wait for one another.
 */
#include "store/postgres.h"

#include <string.h>

#define USERS_WHERE "SELECT id,name,password,subscription,created_at,disabled,profile FROM users WHERE "
#define SESSIONS_WHERE "SELECT id,\"user\",ctr,br,idem,rotated_at,created_at,expires_at,ended_at,why,cookie,device,agent,ip,strays,client FROM session WHERE "
#define BOTH_WHERE "SELECT s.id,s.\"user\",ctr,br,idem,rotated_at,s.created_at,expires_at,ended_at,why,cookie,device,agent,ip,strays,client," \
	"u.id,name,password,subscription,u.created_at,disabled,profile FROM session s LEFT JOIN users u ON u.id=s.\"user\" WHERE "
#define AUDITS_WHERE "SELECT id,time,event,\"user\",session,ip,class,distance,client FROM audit WHERE "

const char *const pg_sql[SQL__MAX] = {
	[SQL_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
	[SQL_LATER] = "SET LOCAL synchronous_commit TO off",
	/* The answer comes before that of COMMIT, which may wait for a standby: then this process is the one to be cancelled. */
	[SQL_NOW] = "SELECT pg_backend_pid(), set_config('synchronous_commit','on',true)",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_VERSION] = "SELECT version,readable_from FROM meta",
	/* Of each connection, in one round trip: what it meets there, and what the server does where this end of it is gone or stands still. */
	[SQL_EXAMINE] = "SELECT version,readable_from,set_config('idle_in_transaction_session_timeout',$1,false),set_config('tcp_keepalives_idle','10',false),"
		"set_config('tcp_keepalives_interval','5',false),set_config('tcp_keepalives_count','3',false) FROM meta",
	[SQL_HAS_TABLES] = "SELECT to_regclass('meta') IS NOT NULL, to_regclass('session') IS NOT NULL OR to_regclass('users') IS NOT NULL",
	[SQL_UPGRADE_LOCK] = "SELECT pg_advisory_xact_lock(1280009593)",
	[SQL_VERSION_SET] = "UPDATE meta SET version=$1",
	[SQL_META_ADD] = "INSERT INTO meta(version,readable_from,mark,seen) VALUES($1,$1,0,0)",
	[SQL_CANCEL] = "SELECT pg_cancel_backend($1::int)",
	[SQL_SYNCHRONOUS] = "SELECT current_setting('synchronous_standby_names')::bytea, (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync','quorum'))",
	[SQL_CONNECTIONS] = "SELECT current_setting('max_connections')::bigint, (SELECT count(*) FROM pg_stat_activity WHERE backend_type='client backend')",
	[SQL_LAG] = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(),replay_lsn)::bigint AS behind,application_name FROM pg_stat_replication"
		" WHERE replay_lsn IS NOT NULL ORDER BY behind DESC LIMIT 1",
	[SQL_FRONT] = "INSERT INTO front(name,version,kids,clock,seen_at) VALUES($1,$2,$3,$4,extract(epoch FROM clock_timestamp())::bigint)"
		" ON CONFLICT(name) DO UPDATE SET version=excluded.version,kids=excluded.kids,clock=excluded.clock,seen_at=excluded.seen_at"
		" WHERE front.seen_at<=excluded.seen_at-30 OR front.kids<>excluded.kids OR front.version<>excluded.version",
	[SQL_FRONTS_SWEEP] = "DELETE FROM front WHERE seen_at<extract(epoch FROM clock_timestamp())-604800",
	[SQL_FRONTS] = "SELECT name,version,kids,clock-seen_at,extract(epoch FROM clock_timestamp())::bigint-seen_at FROM front ORDER BY name LIMIT 64",
	[SQL_CLOCK] = "SELECT extract(epoch FROM clock_timestamp())::bigint",
	[SQL_SERVER] = "SELECT current_setting('server_version')::bytea",
	[SQL_USER_NAMED] = USERS_WHERE "lower(name)=lower($1)",
	[SQL_USER_NEAR] = "SELECT * FROM((" USERS_WHERE "lower(name)>=lower($1) ORDER BY lower(name) LIMIT 1) UNION ALL"
		" (" USERS_WHERE "true ORDER BY lower(name) LIMIT 1)) AS near LIMIT 1",
	[SQL_USER] = USERS_WHERE "id=$1",
	[SQL_USER_ADD] = "INSERT INTO users(id,name,password,subscription,created_at,disabled,profile) VALUES($1,$2,$3,$4,$5,$6,$7) ON CONFLICT DO NOTHING",
	[SQL_USER_PASSWORD] = "UPDATE users SET password=$2 WHERE id=$1",
	[SQL_USER_RENAME] = "UPDATE users SET name=$2 WHERE id=$1 AND NOT EXISTS(SELECT 1 FROM users WHERE lower(name)=lower($2) AND id<>$1)",
	[SQL_USER_SUBSCRIPTION] = "UPDATE users SET subscription=$2 WHERE id=$1",
	[SQL_USER_PROFILE] = "UPDATE users SET profile=$2 WHERE id=$1",
	[SQL_USER_FACTOR] = "SELECT factor FROM users WHERE id=$1",
	[SQL_USER_FACTOR_LOCK] = "SELECT factor FROM users WHERE id=$1 FOR UPDATE",
	[SQL_USER_FACTOR_SET] = "UPDATE users SET factor=$2 WHERE id=$1",
	[SQL_USER_KEYS] = "SELECT keys FROM users WHERE id=$1",
	[SQL_USER_KEYS_LOCK] = "SELECT keys FROM users WHERE id=$1 FOR UPDATE",
	[SQL_USER_KEYS_SET] = "UPDATE users SET keys=$2 WHERE id=$1",
	[SQL_USER_DISABLE] = "UPDATE users SET disabled=$2 WHERE id=$1",
	[SQL_USER_DELETE] = "DELETE FROM users WHERE id=$1",
	[SQL_USER_DELETE_SESSIONS] = "DELETE FROM session WHERE \"user\"=$1",
	[SQL_USERS] = USERS_WHERE "lower(name)>lower($1) ORDER BY lower(name) LIMIT $2",
	[SQL_SESSION] = SESSIONS_WHERE "id=$1",
	[SQL_SESSION_LOCK] = SESSIONS_WHERE "id=$1 FOR UPDATE",
	[SQL_BOTH] = BOTH_WHERE "s.id=$1",
	[SQL_BOTH_LOCK] = BOTH_WHERE "s.id=$1 FOR UPDATE OF s",
	[SQL_EXPECT] = BOTH_WHERE "s.id=ANY($1) ORDER BY s.id FOR UPDATE OF s",
	[SQL_SESSION_ADD] = "INSERT INTO session(id,\"user\",ctr,br,idem,rotated_at,created_at,expires_at,ended_at,why,cookie,device,agent,ip,strays,client)"
		" VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)",
	[SQL_SESSION_ROTATE] = "UPDATE session SET ctr=$2,br=$3,idem=$4,rotated_at=$5,strays=$6 WHERE id=$1",
	[SQL_ROTATE_ALL] = "UPDATE session SET ctr=n.ctr,br=n.br,idem=n.idem,rotated_at=n.rotated_at,strays=n.strays"
		" FROM unnest($1,$2,$3,$4,$5,$6) AS n(id,ctr,br,idem,rotated_at,strays) WHERE session.id=n.id",
	[SQL_SESSION_MOVE] = "UPDATE session SET agent=$2,ip=$3 WHERE id=$1",
	[SQL_SESSION_END] = "UPDATE session SET ended_at=$2,why=$3 WHERE id=$1 AND ended_at=0",
	[SQL_SESSIONS_END] = "UPDATE session SET ended_at=$2,why=$3 WHERE id IN (SELECT id FROM session WHERE \"user\"=$1 AND ended_at=0 AND id<>$4"
		" ORDER BY id FOR UPDATE) AND ended_at=0",
	[SQL_SESSIONS_END_SSO] = "UPDATE session SET ended_at=$2,why=$3 WHERE id IN (SELECT id FROM session WHERE \"user\"=$1 AND ended_at=0 AND (cookie&$4)<>0"
		" ORDER BY id FOR UPDATE) AND ended_at=0",
	[SQL_SESSIONS_SLICE] = "SELECT id FROM session WHERE id>$1 ORDER BY id LIMIT 1 OFFSET $2",
	[SQL_SESSIONS_END_ALL] = "UPDATE session SET ended_at=$1,why=$2 WHERE ended_at=0 AND id>$3 AND id<=$4",
	[SQL_SESSIONS_SURPLUS] = "UPDATE session SET ended_at=$2,why=$3 WHERE id IN (SELECT id FROM session WHERE \"user\"=$1 AND ended_at=0"
		" AND client=$5 ORDER BY rotated_at DESC LIMIT 64 OFFSET $4-1) AND ended_at=0",
	[SQL_SESSIONS_BURY] = "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE \"user\"=$1 AND ended_at<>0"
		" AND client=$4 ORDER BY ended_at DESC LIMIT 64 OFFSET $2) AND ($4='' OR created_at<=$3)",
	[SQL_SESSIONS_USED] = SESSIONS_WHERE "\"user\"=$1 AND ended_at=0"
		" AND (rotated_at<$2 OR (rotated_at=$2 AND id>$3)) ORDER BY rotated_at DESC,id LIMIT $4",
	[SQL_SESSIONS] = SESSIONS_WHERE "id>$1 AND \"user\"=$3 ORDER BY id LIMIT $2",
	[SQL_SESSIONS_ALL] = SESSIONS_WHERE "id>$1 ORDER BY id LIMIT $2",
	[SQL_SWEEP] = "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE id>=$1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)"
		" AND created_at<=$5 AND (rotated_at<=$3 OR (expires_at<>0 AND expires_at<=$4) OR (client<>'' AND ctr=1 AND idem=0 AND rotated_at<=$4))",
	[SQL_MARK] = "SELECT mark,seen FROM meta",
	[SQL_MARK_RAISE] = "UPDATE meta SET mark=greatest(mark,$1),seen=greatest(seen,$2)",
	[SQL_MARK_SET] = "UPDATE meta SET mark=$1,seen=$2",
	[SQL_AUDIT_ADD] = "INSERT INTO audit(time,event,\"user\",session,ip,class,distance,client) VALUES($1,$2,$3,$4,$5,$6,$7,$8)",
	[SQL_AUDIT_ADD_ALL] = "INSERT INTO audit(time,event,\"user\",session,ip,class,distance,client) SELECT * FROM unnest($1,$2,$3,$4,$5,$6,$7,$8)",
	/* From a random place on: each row is looked at as often as any other, whatever lies before it. */
	[SQL_AUDIT_SWEEP] = "DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id,time,event FROM audit"
		" WHERE id>=(SELECT min(id)+floor(random()*(max(id)-min(id)))::bigint FROM audit) ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) AS few"
		" WHERE time<$1 AND (time<$2 OR $4>>event::int&1=1))",
	[SQL_TRAIL] = "SELECT event,count(*),min(time) FROM audit GROUP BY event",
	[SQL_AUDITS] = AUDITS_WHERE "id<$1 ORDER BY id DESC LIMIT $2",
	[SQL_AUDITS_OF] = AUDITS_WHERE "id<$1 AND \"user\"=$3 ORDER BY id DESC LIMIT $2",
	[SQL_AUDITS_AFTER] = AUDITS_WHERE "id>$1 ORDER BY id LIMIT $2",
};

/* ---- in ---------------------------------------------------------------- */

/* PostgreSQL's numbers of its types, which never change. */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OID_BYTEA_ARRAY = 1001, OID_INT8_ARRAY = 1016 };

static struct args *add(struct args *a, Oid type, const char *value, size_t length)
{
	int i = a->count++;
	a->type[i] = type;
	a->value[i] = value ? value : "";
	a->length[i] = (int)length;
	a->format[i] = 1;
	return a;
}

static void write_number(char *at, int64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (char)((uint64_t)value >> (8 * (bytes - 1 - i)));
}

struct args *arg_int(struct args *a, int64_t value)
{
	char *at = a->number[a->count];
	write_number(at, value, 8);
	return add(a, OID_INT8, at, 8);
}

struct args *arg_text(struct args *a, struct slice s)
{
	return add(a, OID_TEXT, s.p, s.n ? strnlen(s.p, s.n) : 0);
}

struct args *arg_bytes(struct args *a, struct slice s)
{
	return add(a, OID_BYTEA, s.p, s.n);
}

/* One dimension, no NULL in it, counted from 1. */
static struct buf begin_array(Oid type, size_t n)
{
	struct buf b = { 0 };
	const int64_t head[] = { 1, 0, type, (int64_t)n, 1 };
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		write_number(buf_more(&b, 4), head[i], 4);
	return b;
}

struct args *arg_ints(struct args *a, const int64_t *value, size_t n)
{
	struct buf b = begin_array(OID_INT8, n);
	for (size_t i = 0; i < n; i++) {
		char *at = buf_more(&b, 12);
		write_number(at, 8, 4);
		write_number(at + 4, value[i], 8);
	}
	return add(a, OID_INT8_ARRAY, b.p, b.n);
}

struct args *arg_bytes_each(struct args *a, const struct slice *value, size_t n)
{
	struct buf b = begin_array(OID_BYTEA, n);
	for (size_t i = 0; i < n; i++) {
		write_number(buf_more(&b, 4), (int64_t)value[i].n, 4);
		buf_add(&b, value[i]);
	}
	return add(a, OID_BYTEA_ARRAY, b.p, b.n);
}

/* ---- out --------------------------------------------------------------- */

/* A number of 1, 2, 4 or 8 bytes: boolean, smallint, integer, bigint. */
int64_t col_int(int row, int column)
{
	const unsigned char *at = (const unsigned char *)PQgetvalue(pg_answer, row, column);
	int n = PQgetlength(pg_answer, row, column);
	uint64_t value = n > 0 && n < 8 && (at[0] & 0x80) ? UINT64_MAX : 0;
	for (int i = 0; i < n; i++)
		value = value << 8 | at[i];
	return (int64_t)value;
}

int64_t col_number(int row, int column)
{
	const int64_t most = INT64_C(1) << 60;
	int64_t value = col_int(row, column);
	return value > most ? most : value < -most ? -most : value;
}

int col_enum(int row, int column, int unknown)
{
	int64_t value = col_int(row, column);
	return value >= 0 && value < unknown ? (int)value : unknown;
}

struct slice col_bytes(int row, int column, size_t max)
{
	size_t n = (size_t)PQgetlength(pg_answer, row, column);
	return arena_copy((struct slice){ PQgetvalue(pg_answer, row, column), n < max ? n : max });
}
