#!/bin/sh
# latchkey by SCGI, on the socket that HTTP has too: the table that inetd.t runs, and what is no SCGI.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/faces.sh
. "$(dirname "$0")/faces.sh"
# shellcheck disable=SC2034  # faces.sh reads it
FACE=scgi method=''
setup

# hostile NAME BYTES [-e]: so are bytes as they are.
hostile() {
    raw "$2" "${3-}"
    same "$1"
}
C=CONTENT_LENGTH=0
S=SCGI=1

bad_http
lies 'no variable' ''
lies 'no method' '' $C $S $H
lies 'a length that is not the first' '' $S $C $G $H
lies 'no length' '' $S $G $H
lies 'an empty length' '' CONTENT_LENGTH= $S $G $H
lies 'two lengths' '' $C $S $G $H $C
lies 'two unlike lengths' '{}' CONTENT_LENGTH=2 $S $P $L $J CONTENT_LENGTH=20
lies 'two lengths in one' '{}' 'CONTENT_LENGTH=2, 2' $S $P $L $J
lies 'a signed length' '{}' CONTENT_LENGTH=+2 $S $P $L $J
lies 'a negative length' '{}' CONTENT_LENGTH=-2 $S $P $L $J
lies 'a hexadecimal length' '{}' CONTENT_LENGTH=0x2 $S $P $L $J
lies 'a length with a space' '{}' 'CONTENT_LENGTH=2 2' $S $P $L $J
lies 'no version' '' $C $G $H
lies 'another version' '' $C SCGI=2 $G $H
lies 'two versions' '' $C $S $S $G $H
lies 'two methods' '' $C $S $G $P $H
lies 'two Authorization' '' $C $S $G $H 'HTTP_AUTHORIZATION=Bearer a' 'HTTP_AUTHORIZATION=Bearer b'
lies 'two Authorization, one of them empty' '' $C $S $G $H HTTP_AUTHORIZATION= 'HTTP_AUTHORIZATION=Bearer b'
lies 'a variable without a name' '' $C $S $G $H =x
lies 'a header with a line break' '' $C $S $G $H "HTTP_USER_AGENT=a
b"
lies 'a path with a space' '' $C $S $G 'PATH_INFO=/health '
lies 'a path without a slash' '' $C $S $G PATH_INFO=health
lies 'a whole path that is a URL' '' $C $S $G REQUEST_URI=http://a/api/auth/health
lies 'a script that would end a cookie path' '' $C $S $G $H 'SCRIPT_NAME=/x; Domain=evil.example'
hostile 'a length of zero' '0:,'
hostile 'a length with a zero before it' '024:CONTENT_LENGTH\00000\0000SCGI\00001\0000,'
hostile 'a length without a colon' '24 CONTENT_LENGTH\00000\0000SCGI\00001\0000,'
hostile 'a length that is too short' '9:CONTENT_LENGTH\00000\0000SCGI\00001\0000,'
hostile 'no comma' '24:CONTENT_LENGTH\00000\0000SCGI\00001\0000;'
hostile 'no NUL at the end' '42:CONTENT_LENGTH\00000\0000SCGI\00001\0000REQUEST_METHOD\0000GET,'
hostile 'a name alone' '38:CONTENT_LENGTH\00000\0000SCGI\00001\0000REQUEST_METHOD,'
hostile 'HTTP behind a digit' '1GET /api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n'
hostile 'the end within the length' '24' -e
hostile 'the end within the headers' '24:CONTENT_LENGTH\00000\0000SCGI' -e
hostile 'the end before the comma' '24:CONTENT_LENGTH\00000\0000SCGI\00001\0000' -e
hostile 'the end within the body' '74:CONTENT_LENGTH\00009\0000SCGI\00001\0000REQUEST_METHOD\0000POST\0000PATH_INFO\0000/login\0000SCRIPT_NAME\0000\0000,{}' -e

refusal '411 Length Required' length_required "The length of the body didn't come through; send Content-Length."
lies 'raw chunks' '2' $C $S $P $L $J HTTP_TRANSFER_ENCODING=chunked
refusal '400 Bad Request' invalid_request "username: It has 1 to 254 bytes of A-Z a-z 0-9 . _ @ + - '."
lies 'chunks that the web server has decoded' '{}' CONTENT_LENGTH=2 $S $P $L $J HTTP_TRANSFER_ENCODING=chunked
refusal '413 Content Too Large' body_too_large 'The body is larger than 16 KiB.'
lies 'a length over the limit' '{}' CONTENT_LENGTH=16385 $S $P $L $J
lies 'a length of 2^64 + 2' '{}' CONTENT_LENGTH=18446744073709551618 $S $P $L $J
refusal '431 Request Header Fields Too Large' headers_too_large "The request's headers are too large."
hostile 'a netstring over its limit' '40961:'
hostile 'a netstring of 2^64 + 24' '18446744073709551640:CONTENT_LENGTH\00000\0000SCGI\00001\0000,'
hostile 'a length without an end' '11111111111111111111111111111111'
lies 'headers over their limit' '' $C $S $G $H "HTTP_X=$(printf '%41000s' x)"
refusal '404 Not Found' not_found 'There is nothing here.'
lies 'no path' '' $C $S $G
lies 'a path beside the mount' '' $C $S $G DOCUMENT_URI=/health
lies 'a path that only begins as the mount does' '' $C $S $G REQUEST_URI=/api/authentic/health
lies 'a mount that is spelt otherwise' '' $C $S $G REQUEST_URI=/api%2fauth/health
lies 'a question mark that was decoded' '' $C $S $G 'DOCUMENT_URI=/api/auth/health?x'
refusal '400 Bad Request' invalid_request "username: It has 1 to 254 bytes of A-Z a-z 0-9 . _ @ + - '."
lies 'more than the length' '{}{}' CONTENT_LENGTH=2 $S $P $L $J

answer '200 OK' '{"data":{"status":"ok","time":TIME}}'
lies 'the least' '' $C $S $G $H
lies 'what nginx sends if not told otherwise' '' $C $S $G 'REQUEST_URI=/api/auth//./health?x' 'QUERY_STRING=x' DOCUMENT_URI=/api/auth/health
lies 'what Apache sends' '' $C $S $G SCRIPT_NAME=/api/auth/health 'REQUEST_URI=/api/auth/health?x' QUERY_STRING=x
lies 'what lighttpd sends' '' $C $S $G SCRIPT_NAME=/auth $H REQUEST_URI=/auth/health
lies 'variables of others, twice' '' $C $S $G $H HTTP_VIA=a HTTP_VIA=b HTTP_PROXY=http://evil.example
lies 'empty variables' '' $C $S $G $H SCRIPT_NAME= QUERY_STRING= HTTP_HOST= HTTP_EXPECT= REMOTE_ADDR= HTTPS= REQUEST_URI= DOCUMENT_URI=
lies 'an address that is none' '' $C $S $G $H 'REMOTE_ADDR=me; rm'
answer '200 OK' "$(pair_body 1)"
lies 'cookies of two headers' "$ALICE" "CONTENT_LENGTH=${#ALICE}" $S $P $L $J HTTP_COOKIE=a=b HTTP_COOKIE=c=d

# --- our own fault, before a byte was read
mv "$DIR/latchkey.conf" "$DIR/kept"
echo 'no such option' >"$DIR/latchkey.conf"
scgi '' $C $S $G $H
is "$(head -n 1 "$TMP/out" | tr -d '\r')" 'Status: 503 Service Unavailable' 'what is wrong with the configuration is said by SCGI too'
mv "$DIR/kept" "$DIR/latchkey.conf"

# --- who the client is, as it is written down
ip_of() { # TRUSTED VARIABLE...
    sed -i "s|^trusted_proxies.*|trusted_proxies = $1|" "$DIR/latchkey.conf"
    shift
    scgi "$ALICE" "CONTENT_LENGTH=${#ALICE}" $S $P $L $J "$@"
    access=$(member access_token) id=$(sed -n 's/.*"session":{"id":"\([0-9a-f]*\)".*/\1/p' "$TMP/out")
    scgi '' $C $S $G PATH_INFO=/sessions "HTTP_AUTHORIZATION=Bearer $access"
    tr '{' '\n' <"$TMP/out" | sed -n "/\"id\":\"$id\"/s/.*\"ip\":\"*\([^\",]*\)\"*,.*/\1/p"
}
is "$(ip_of '' REMOTE_ADDR=192.0.2.7)" '' 'whoever may connect can name an address: it counts for nothing'
is "$(ip_of 127.0.0.1 REMOTE_ADDR=127.0.0.1 HTTP_X_FORWARDED_FOR=192.0.2.7)" '' 'nor does one that would be trusted'
is "$(ip_of unix REMOTE_ADDR=192.0.2.7 HTTP_X_FORWARDED_FOR=6.6.6.6)" 192.0.2.7 'unless sockets of this host are trusted'
is "$(ip_of unix REMOTE_ADDR=2001:DB8:0:0:0:0:0:7)" 2001:db8::7 'in IPv6 too'
is "$(ip_of 'unix 10.0.0.0/8' REMOTE_ADDR=10.0.0.1 HTTP_X_FORWARDED_FOR=6.6.6.6,203.0.113.1,10.9.9.9)" 203.0.113.1 'through a proxy before the server'

same_cases
done_testing
