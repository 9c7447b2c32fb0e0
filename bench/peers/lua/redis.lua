-- redis.lua: the sessions of nginx's Lua in Redis, a hash each, turned by a script in Redis itself, so that nobody comes in between.
-- Connections are kept, to a unix socket. Redis has appended a command to its file before it answers it; appendfsync says how
-- soon the disk has it.
local redis = require 'nginx.redis'
local store = {}
local TURN = [[
local row = redis.call('HMGET', KEYS[1], 'generation', 'user')
if not row[1] then return false end
if row[1] ~= ARGV[1] then redis.call('DEL', KEYS[1]) return false end
redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('EXPIRE', KEYS[1], 2592000)
return row[2]
]]
local sha

function store.open() end

local function connect()
	local client = redis:new()
	client:set_timeout(5000)
	assert(client:connect('unix:' .. os.getenv('PEER_DIR') .. '/redis.sock'))
	return client
end

function store.rotate(session, generation)
	local client = connect()
	sha = sha or assert(client:script('load', TURN))
	local user = assert(client:evalsha(sha, 1, 's:' .. session, generation))
	client:set_keepalive(60000, 128)
	return user ~= ngx.null and user or nil
end

return store
