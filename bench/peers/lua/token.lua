-- token.lua: the tokens of both stores. A refresh token is "session.generation.mac"; who presents a right mac with a
-- generation that is past has a copy. The HMAC is the libcrypto's that nginx is linked with.
local ffi = require 'ffi'
ffi.cdef [[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_length, const unsigned char *text, size_t length, unsigned char *out, unsigned int *out_length);
]]
local base64 = require 'ngx.base64'
local encode, format, match = base64.encode_base64url, string.format, ngx.re.match

local ACCESS_SECRET, REFRESH_SECRET = 'access secret of at least thirty-two bytes', 'refresh secret of at least thirty-two bytes'
local HEAD = encode('{"alg":"HS256","typ":"JWT"}')
local sha256, digest = ffi.C.EVP_sha256(), ffi.new('unsigned char[32]')
local token = {}

local function mac(secret, text)
	ffi.C.HMAC(sha256, secret, #secret, text, #text, digest, nil)
	return encode(ffi.string(digest, 32))
end

function token.refresh(session, generation)
	local text = format('%s.%s', session, generation)
	return text .. '.' .. mac(REFRESH_SECRET, text)
end

-- Its session and generation, as text; nothing where it is forged.
function token.read(body)
	local found = match(body, [[^\s*\{\s*"refreshToken"\s*:\s*"(([0-9]{1,15})\.([0-9]{1,15}))\.([A-Za-z0-9_-]{43})"\s*\}\s*$]], 'jo')
	-- What is compared are macs of macs, so that the time tells nothing.
	if not found or mac(REFRESH_SECRET, mac(REFRESH_SECRET, found[1])) ~= mac(REFRESH_SECRET, found[4]) then
		return
	end
	return found[2], found[3]
end

function token.access(user, session)
	local now = ngx.time()
	local signed = HEAD .. '.' .. encode(format('{"sub":"%s","sid":%s,"iat":%d,"exp":%d}', user, session, now, now + 900))
	return signed .. '.' .. mac(ACCESS_SECRET, signed)
end

-- The whole of a request: rotate(session, generation) gives the user, or nothing where the token is spent.
function token.serve(rotate)
	ngx.req.read_body()
	local session, generation = token.read(ngx.req.get_body_data() or '')
	local user = session and rotate(session, generation)
	ngx.header.content_type = 'application/json'
	if not user then
		ngx.status = 401
		return ngx.print('{"error":"invalid token"}')
	end
	local answer = format('{"accessToken":"%s","refreshToken":"%s"}', token.access(user, session), token.refresh(session, format('%d', generation + 1)))
	ngx.header.content_length = #answer
	ngx.print(answer)
end

return token
