-- sqlite.lua: the sessions of nginx's Lua in SQLite, a row each, by prepared statements through LuaJIT's FFI: lua-sql-sqlite3
-- prepares none. One worker, so one connection; a refresh is one UPDATE that returns the user, a transaction of its own.
local ffi = require 'ffi'
ffi.cdef [[
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
int sqlite3_open(const char *name, sqlite3 **db);
int sqlite3_exec(sqlite3 *db, const char *sql, void *each, void *context, char **message);
int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int length, sqlite3_stmt **statement, const char **tail);
int sqlite3_bind_int64(sqlite3_stmt *statement, int at, long long value);
int sqlite3_step(sqlite3_stmt *statement);
int sqlite3_reset(sqlite3_stmt *statement);
const char *sqlite3_column_text(sqlite3_stmt *statement, int column);
const char *sqlite3_errmsg(sqlite3 *db);
]]
local sqlite = ffi.load(os.getenv('SQLITE_LIBRARY'))
local OK, ROW, DONE, MONTH = 0, 100, 101, 30 * 86400
local db, turn, drop
local store = {}

local function check(status, wanted)
	if status ~= wanted then
		error(ffi.string(sqlite.sqlite3_errmsg(db)))
	end
end

local function prepare(sql)
	local statement = ffi.new('sqlite3_stmt *[1]')
	check(sqlite.sqlite3_prepare_v2(db, sql, -1, statement, nil), OK)
	return statement[0]
end

-- Once in the worker.
function store.open()
	local opened = ffi.new('sqlite3 *[1]')
	local status = sqlite.sqlite3_open(os.getenv('PEER_DIR') .. '/lua.db', opened)
	db = opened[0]
	check(status, OK)
	check(sqlite.sqlite3_exec(db, 'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000', nil, nil, nil), OK)
	turn = prepare('UPDATE session SET generation = generation + 1, expires_at = ?3 + 2592000 WHERE id = ?1 AND generation = ?2 AND expires_at > ?3 RETURNING user')
	drop = prepare('DELETE FROM session WHERE id = ?1')
end

local function integer(text)
	return ffi.cast('long long', tonumber(text))
end

local function bind(statement, ...)
	for i = 1, select('#', ...) do
		check(sqlite.sqlite3_bind_int64(statement, i, integer((select(i, ...)))), OK)
	end
end

function store.rotate(session, generation)
	bind(turn, session, generation, ngx.time())
	local status, user = sqlite.sqlite3_step(turn), nil
	if status == ROW then
		user = ffi.string(sqlite.sqlite3_column_text(turn, 0))
		-- The row is committed with the statement's end, which is before the answer.
		check(sqlite.sqlite3_step(turn), DONE)
	end
	check(sqlite.sqlite3_reset(turn), OK)
	if status == DONE then
		bind(drop, session)
		check(sqlite.sqlite3_step(drop), DONE)
		check(sqlite.sqlite3_reset(drop), OK)
	end
	return user
end

return store
