#!/bin/sh
# latchkey as inetd starts it: raw bytes on a socket, the whole answer compared.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/faces.sh
. "$(dirname "$0")/faces.sh"
# shellcheck disable=SC2034  # faces.sh reads it
FACE=http method=''
setup

# --- what only a socket can be sent

# hostile NAME BYTES [-e]: is refused as $WANT says.
hostile() {
    raw "$2" "${3-}"
    same "$1"
}
G='GET /api/auth/health HTTP/1.1\r\n'
P='POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'

bad_http
hostile 'bare LF' 'GET /api/auth/health HTTP/1.1\nHost: a\n\n'
hostile 'bare LF in a header' "${G}Host: a\r\nX: b\nContent-Length: 5\r\n\r\n"
hostile 'bare CR in a header' "${G}Host: a\r\nX: b\rc\r\n\r\n"
hostile 'CR CR LF' "${G}Host: a\r\r\n\r\n"
hostile 'NUL in a header' "${G}Host: a\r\nX: b\0000c\r\n\r\n"
hostile 'NUL in the path' 'GET /api/auth/health\0000 HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'ESC in a header' "${G}Host: a\r\nX: \0033[2J\r\n\r\n"
hostile 'a folded line' "${G}Host: a\r\nX: b\r\n c\r\n\r\n"
hostile 'a folded request line' "${G} Host: a\r\n\r\n"
hostile 'a space before a colon' "${G}Host : a\r\n\r\n"
hostile 'a header without a colon' "${G}Host: a\r\nX\r\n\r\n"
hostile 'a header without a name' "${G}Host: a\r\n: x\r\n\r\n"
hostile 'no Host' "${G}\r\n"
hostile 'two Hosts' "${G}Host: a\r\nHost: a\r\n\r\n"
hostile 'an empty Host' "${G}Host:\r\n\r\n"
hostile 'a Host that is none' "${G}Host: a/b\r\n\r\n"
hostile 'two Content-Length' "${P}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"
hostile 'two unlike Content-Length' "${P}Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}"
hostile 'a list of Content-Length' "${P}Content-Length: 2, 2\r\n\r\n{}"
hostile 'a signed Content-Length' "${P}Content-Length: +2\r\n\r\n{}"
hostile 'a negative Content-Length' "${P}Content-Length: -2\r\n\r\n{}"
hostile 'a hexadecimal Content-Length' "${P}Content-Length: 0x2\r\n\r\n{}"
hostile 'an empty Content-Length' "${P}Content-Length:\r\n\r\n{}"
hostile 'CL and TE' "${P}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
hostile 'TE and CL' "${P}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"
hostile 'two Transfer-Encoding' "${P}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
hostile 'chunks in 1.0' "POST /api/auth/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
hostile 'a chunk longer than its size' "${P}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"
hostile 'two Authorization' "${G}Host: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"
hostile 'two spaces' 'GET  /api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'a tab for a space' 'GET\t/api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'a space in the path' 'GET /api/auth/health x HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'UTF-8 in the path' 'GET /api/auth/\0303\0251 HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'no version' 'GET /api/auth/health\r\n\r\n'
hostile 'a version in small letters' 'GET /api/auth/health http/1.1\r\nHost: a\r\n\r\n'
hostile 'two empty lines first' "\r\n\r\n${G}Host: a\r\n\r\n"
hostile 'a target without a slash' 'GET api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'a target of another scheme' 'GET ftp://a/api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'a target with a user' 'GET http://u@a/api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'CONNECT' 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'a TLS client' '\0026\0003\0001\0002\0000\0001\0000\0001\0374\0003\0003'
hostile 'a head that ends early' "${G}Host: a\r\n" -e
hostile 'a body that ends early' "${P}Content-Length: 9\r\n\r\n{}" -e

refusal '505 HTTP Version Not Supported' http_version 'Only HTTP/1.0 and HTTP/1.1 are spoken here.'
hostile 'the preface of HTTP/2' 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
hostile 'HTTP/0.9' 'GET /api/auth/health HTTP/0.9\r\n\r\n'
refusal '501 Not Implemented' not_implemented 'This transfer coding is not supported.'
hostile 'another coding than chunks' "${P}Transfer-Encoding: gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
refusal '413 Content Too Large' body_too_large 'The body is larger than 16 KiB.'
hostile 'a body that is not sent' "${P}Content-Length: 16385\r\n\r\n"
hostile 'a chunk of 2^64 + 2' "${P}Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n"
hostile 'a length of 2^64 + 2' "${P}Content-Length: 18446744073709551618\r\n\r\n{}"
hostile 'a body too large that is waited for' "${P}Expect: 100-continue\r\nContent-Length: 99999\r\n\r\n"
refusal '431 Request Header Fields Too Large' headers_too_large "The request's headers are too large."
hostile 'a head over its limit' "${G}Host: a\r\n$(printf '%42s' '' | sed "s/ /A: $(printf '%999s' x | tr ' ' x)\\\\r\\\\n/g")\r\n"
hostile 'a header without an end' "${G}Host: $(printf '%40960s' x | tr ' ' x)"
refusal '414 URI Too Long' uri_too_long 'The request line is too long.'
hostile 'a line without an end' "$(printf '%40961s' x | tr ' ' x)"
refusal '404 Not Found' not_found 'There is nothing here.'
hostile 'beside the mount' 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'a mount with more letters' 'GET /api/authentic/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'an encoded mount' 'GET /api%2fauth/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'another spelling of the mount' 'GET /api//auth/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'OPTIONS of everything' 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'

# --- what is good, though unusual
answer '200 OK' '{"data":{"status":"ok","time":TIME}}'
hostile 'HTTP/1.0 without Host' 'GET /api/auth/health HTTP/1.0\r\n\r\n'
hostile 'a higher minor version' 'GET /api/auth/health HTTP/1.7\r\nHost: a\r\n\r\n'
hostile 'the absolute form' 'GET HTTP://other.example/api/auth/health?x HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'an empty line first' "\r\n${G}Host: a\r\n\r\n"
hostile '1000 headers' "${G}Host: a\r\n$(printf '%999s' '' | sed 's/ /A: b\\r\\n/g')\r\n"
hostile 'header names in any case' "${G}hOST: a\r\n\r\n"
hostile 'a second request is not answered' "${G}Host: a\r\n\r\n${G}Host: a\r\n\r\n"
hostile 'a body that is not looked at' "${G}Host: a\r\nContent-Length: 3\r\n\r\nabc"
answer '200 OK' "$(pair_body 1)"
hostile 'cookies in two lines' "${P}Cookie: a=b\r\nCookie: c=d\r\nContent-Length: ${#ALICE}\r\n\r\n$ALICE"
hostile 'a body in chunks' "${P}Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n${ALICE%"${ALICE#?????}"}\r\n$(printf '%x' $((${#ALICE} - 5)))\r\n${ALICE#?????}\r\n0\r\nA: b\r\n\r\n"
hostile 'a second request behind chunks is not answered' "${P}Transfer-Encoding: chunked\r\n\r\n$(printf '%x' ${#ALICE})\r\n$ALICE\r\n0\r\n\r\n${G}Host: a\r\n\r\n"

raw "${P}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"'{}'
like "$(head -n 1 "$TMP/out")" 'HTTP/1.1 400 *' 'no interim answer where the body is there'
# The body comes when the interim answer is there, or, where none comes, with the deadline of the request.
mkfifo "$TMP/waits"
rm -f "$TMP/out"
clean "$TMP/plug" "$LATCHKEY" <"$TMP/waits" >"$TMP/out" 2>"$TMP/err" &
exec 5>"$TMP/waits"
printf '%b' "${P}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n" >&5
eventually test -s "$TMP/out"
printf '{}' >&5
exec 5>&-
wait $!
is "$(tr -d '\r' <"$TMP/out" | sed -n '1,3p' | tr '\n' '|')" 'HTTP/1.1 100 Continue||HTTP/1.1 400 Bad Request|' 'an interim answer where it is waited for'
raw '' -e
is "$(cat "$TMP/out" "$TMP/err")$STATUS" 0 'who says nothing is answered nothing'
"$LATCHKEY" >"$TMP/out" 2>&1 <&-
is "$? $(head -n 1 "$TMP/out")" '100 latchkey: usage: a verb is needed' 'without a fd 0 it is nobody that asks'
"$LATCHKEY" >"$TMP/out" 2>&1 </dev/null
is "$? $(head -n 1 "$TMP/out")" '100 latchkey: usage: a verb is needed' 'nor by one that is no socket'

same_cases
done_testing
