#!/bin/sh
# latchkey as a CGI program: the table that inetd.t runs too, and variables that lie.
# needs: busybox lighttpd mini_httpd inetd
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/faces.sh
. "$(dirname "$0")/faces.sh"
# shellcheck disable=SC2034  # faces.sh reads it
FACE=cgi method=''
setup


bad_http
lies 'no variable' ''
lies 'no method' '' $H
lies 'an empty method' '' $H REQUEST_METHOD=
lies 'a method that is no token' '' $H 'REQUEST_METHOD=GET /x'
lies 'a path without a slash' '' $G PATH_INFO=health
lies 'a path with a space' '' $G 'PATH_INFO=/health '
lies 'a path with a line break' '' $G "PATH_INFO=/health
"
lies 'a path in UTF-8' '' $G "PATH_INFO=/$(printf '\303\251')"
lies 'a query with a space' '' $G $H 'QUERY_STRING=a b'
lies 'a script that would end a cookie path' '' $G $H 'SCRIPT_NAME=/x; Domain=evil.example'
lies 'a header with a line break' '' $G $H "HTTP_USER_AGENT=a
b"
lies 'a header with a control byte' '' $G $H "HTTP_COOKIE=$(printf 'a\033')"
lies 'a host that is none' '' $G $H HTTP_HOST=a/b
lies 'two lengths in one' '{}' $P $L $J 'CONTENT_LENGTH=2, 2'
lies 'a negative length' '{}' $P $L $J CONTENT_LENGTH=-2
lies 'a signed length' '{}' $P $L $J CONTENT_LENGTH=+2
lies 'a length with a space' '{}' $P $L $J 'CONTENT_LENGTH=2 '"$(printf '\r')"
lies 'a body that ends early' '{}' $P $L $J CONTENT_LENGTH=3
lies 'TE and CL, as busybox passes them' '0' $P $L $J CONTENT_LENGTH=5 HTTP_TRANSFER_ENCODING=chunked
refusal '411 Length Required' length_required "The length of the body didn't come through; send Content-Length."
lies 'raw chunks, as busybox passes them' '2' $P $L $J HTTP_TRANSFER_ENCODING=chunked
lies 'raw chunks beside a length of nothing' '2' $P $L $J HTTP_TRANSFER_ENCODING=chunked CONTENT_LENGTH=0
lies 'a sign-out whose body is hidden, as uhttpd passes it' '{"all":true}' $P $J PATH_INFO=/logout
lies 'a body without a length, as Apache passes it' "$ALICE" $P $L $J
lies 'an empty length' "$ALICE" $P $L $J CONTENT_LENGTH=
refusal '413 Content Too Large' body_too_large 'The body is larger than 16 KiB.'
lies 'a length over the limit' '{}' $P $L $J CONTENT_LENGTH=16385
lies 'a length of 2^64 + 2' '{}' $P $L $J CONTENT_LENGTH=18446744073709551618
refusal '400 Bad Request' invalid_request "username: It has 1 to 254 bytes of A-Z a-z 0-9 . _ @ + - '."
lies 'more than the length' '{}{}' $P $L $J CONTENT_LENGTH=2
lies 'chunks that the web server has decoded' '{}' $P $L $J CONTENT_LENGTH=2 HTTP_TRANSFER_ENCODING=chunked
lies 'no body and no type' '' $P $L
refusal '404 Not Found' not_found 'There is nothing here.'
lies 'no path' '' $G
lies 'an empty path' '' $G PATH_INFO=
lies 'a decoded slash' '' $G PATH_INFO=/me/../health

answer '200 OK' '{"data":{"status":"ok","time":TIME}}'
lies 'the least' '' $G $H
lies 'variables that are empty' '' $G $H SCRIPT_NAME= QUERY_STRING= CONTENT_LENGTH= HTTP_TRANSFER_ENCODING= HTTP_HOST= \
    HTTP_EXPECT= REMOTE_ADDR= HTTPS= SERVER_PROTOCOL=
lies 'variables of others' '' $G $H HTTP_PROXY=http://evil.example 'QUERY_STRING=--dir=/tmp' PATH_TRANSLATED=/etc/passwd
lies 'an address that is none' '' $G $H 'REMOTE_ADDR=me; rm'
lies 'a lie about the way here' '' $G $H REMOTE_ADDR=192.0.2.7 HTTP_X_FORWARDED_FOR=10.0.0.1

printf '' | clean GATEWAY_INTERFACE=CGI/1.1 $G $H "$LATCHKEY" user list >"$TMP/out" 2>"$TMP/err"
STATUS=$?
same 'argv is not looked at'
clean GATEWAY_INTERFACE=CGI/1.1 $G $H "$LATCHKEY" <&- >"$TMP/out" 2>"$TMP/err"
STATUS=$?
same 'stdin is closed'

# --- who the client is, as it is written down
ip_of() { # VARIABLE...
    cgi "$ALICE" $P $L $J CONTENT_LENGTH=${#ALICE} "$@"
    access=$(member access_token) id=$(sed -n 's/.*"session":{"id":"\([0-9a-f]*\)".*/\1/p' "$TMP/out")
    cgi '' $G PATH_INFO=/sessions "HTTP_AUTHORIZATION=Bearer $access"
    tr '{' '\n' <"$TMP/out" | sed -n "/\"id\":\"$id\"/s/.*\"ip\":\"*\([^\",]*\)\"*,.*/\1/p"
}
is "$(ip_of REMOTE_ADDR=192.0.2.7)" 192.0.2.7 'the peer'
is "$(ip_of REMOTE_ADDR=::ffff:192.0.2.7)" 192.0.2.7 'the peer by a socket for both'
is "$(ip_of REMOTE_ADDR=2001:DB8:0:0:0:0:0:7)" 2001:db8::7 'the peer by IPv6'
is "$(ip_of REMOTE_ADDR=192.0.2.7 HTTP_X_FORWARDED_FOR=203.0.113.1)" 192.0.2.7 'a proxy that is not trusted'
is "$(ip_of REMOTE_ADDR=10.0.0.1 HTTP_X_FORWARDED_FOR=6.6.6.6,203.0.113.1,10.9.9.9)" 203.0.113.1 'a proxy that is'

is "$(ip_of 'REMOTE_ADDR=[2001:db8::7]')" 2001:db8::7 'brackets, as busybox writes IPv6'
is "$(ip_of 'REMOTE_ADDR=fe80::7%br-lan')" fe80::7 'a zone'
is "$(ip_of REMOTE_ADDR=10.0.0.1 HTTP_X_FORWARDED_FOR=203.0.113.1:51234)" 203.0.113.1 'a port, as Azure writes it'
is "$(ip_of REMOTE_ADDR=10.0.0.1 'HTTP_X_FORWARDED_FOR=[2001:db8::7]:51234')" 2001:db8::7 'both'
is "$(ip_of REMOTE_ADDR=10.0.0.1 HTTP_X_FORWARDED_FOR=unknown)" '' 'what is no address is not the address of the proxy'
cgi '' $G $H REMOTE_ADDR=10.0.0.1 HTTP_X_FORWARDED_FOR=unknown
like "$(cat "$TMP/err")" 'latchkey: HH1: a proxy gives no address as the client'\''s: unknown*' 'which the log says'
cgi '' $G $H REMOTE_ADDR=me.example SERVER_SOFTWARE=some/1
like "$(cat "$TMP/err")" 'latchkey: HH1: some/1 gives no address as the client'\''s: me.example' 'with the name of the server'

# --- a proxy that is not trusted is told of, once, and by check
cgi '' $G $H REMOTE_ADDR=203.0.113.9 HTTP_X_FORWARDED_FOR=1.2.3.4
is "$(cat "$TMP/err")" '' 'what a stranger says of himself is not worth a line'
cgi '' $G $H REMOTE_ADDR=127.0.0.1 HTTP_X_FORWARDED_FOR=1.2.3.4
like "$(cat "$TMP/err")" "latchkey: PX1: clients' addresses come from 127.0.0.1, which trusted_proxies does not name: *" 'what a neighbour says is'
cgi '' $G $H REMOTE_ADDR=127.0.0.1 HTTP_X_FORWARDED_FOR=1.2.3.4
is "$(cat "$TMP/err")" '' 'once'
like "$(clean "$LATCHKEY" check --dir "$DIR" 2>&1 || :)" "*warn*proxies*clients' addresses came from 127.0.0.1*trusted_proxies = 127.0.0.1*" 'check says it, and what helps'
sed -i 's/^trusted_proxies.*/& 127.0.0.1/' "$DIR/latchkey.conf"
unlike "$(clean "$LATCHKEY" check --dir "$DIR" 2>&1 || :)" '*warn*proxies*' 'until that is done'
sed -i '/^trusted_proxies/s/ 127.0.0.1//' "$DIR/latchkey.conf"
rm "$DIR/proxy"
unlike "$(clean "$LATCHKEY" check --dir "$DIR" 2>&1 || :)" '*warn*proxies*' 'or the file is removed'

# --- Authorization by other ways
ip_of >/dev/null
answer '200 OK' "{\"data\":{$USER,$SESSION}}"
lies 'after a redirect of Apache' '' $G PATH_INFO=/me "REDIRECT_HTTP_AUTHORIZATION=Bearer $access"
lies 'in two words, as althttpd passes it' '' $G PATH_INFO=/me AUTH_TYPE=Bearer "AUTH_CONTENT=$access"

# --- who keeps Authorization from us is named in the log, once a request, and only where that may be the cause
why() { # VARIABLE...: what is logged where no token came
    cgi '' $G "$@"
    cat "$TMP/err"
}
like "$(why PATH_INFO=/me SERVER_SOFTWARE='Apache/2.4.66 (Debian)')" 'latchkey: HT1: *Apache/2.4.66 (Debian): say CGIPassAuth On, or *' 'Apache is named, and what helps'
like "$(why PATH_INFO=/verify SERVER_SOFTWARE=Apache)" 'latchkey: HT1: *CGIPassAuth*' 'for verify too'
like "$(why PATH_INFO=/me SERVER_SOFTWARE='busybox httpd/1.30.1')" '*take 1.31 or later*' 'a busybox of old is'
like "$(why PATH_INFO=/me AUTH_TYPE=Basic SERVER_SOFTWARE=mini_httpd/1.30)" '*mini_httpd/1.30: it passed AUTH_TYPE alone*' 'who shows that he saw one is'
is "$(why PATH_INFO=/me SERVER_SOFTWARE='busybox httpd/1.35.0')" '' 'a newer busybox is not'
is "$(why PATH_INFO=/me SERVER_SOFTWARE=lighttpd/1.4.69)" '' 'who passes it on is not'
is "$(why PATH_INFO=/me)" '' 'who says no name is not'
is "$(why PATH_INFO=/me SERVER_SOFTWARE=Apache HTTP_COOKIE=a=b)" '' 'nor for a browser with a cookie'
is "$(why PATH_INFO=/me SERVER_SOFTWARE=Apache 'HTTP_AUTHORIZATION=Basic YTpi')" '' 'nor where another scheme came through'
is "$(why PATH_INFO=/me SERVER_SOFTWARE=Apache 'HTTP_AUTHORIZATION=Bearer x')" '' 'nor for a token that is none'
is "$(why PATH_INFO=/health SERVER_SOFTWARE=Apache)" '' 'nor where none is needed'
# mini_httpd and thttpd give a program the answer's own pipe as stderr.
like "$(clean GATEWAY_INTERFACE=CGI/1.1 $G PATH_INFO=/me SERVER_SOFTWARE=Apache "$LATCHKEY" 2>&1 | head -n 1)" 'Status: 401*' \
    'no line of the log is in an answer'

same_cases
done_testing
