#!/bin/sh
# order.sh: which functions a request runs, as a script for the linker: `make order` writes tools/order.ld by it. First those of a verify, then those
# that a site session's verify, /me, a refresh and one that comes again add. They stand together at the executable's beginning. A process for each
# request touches few pages so: the kernel maps sixteen of the page cache around each that is touched first, and all of them count as its memory.
#
# The names are the compiler's, without what it appends to a copy that it has cut or specialized. What another compiler names
# otherwise, or has put into its caller, stands where it stood without this.
. "$(dirname "$0")/lib.sh"
PRODUCT=$LATCHKEY NAMED=${NAMED:-$BENCH/latchkey}

# ran NAME COMMAND...: what that request ran, as names in $TMP/NAME.
ran() {
    name=$1
    shift
    LATCHKEY=$NAMED
    WRAP="$(command -v valgrind) --tool=callgrind --callgrind-out-file=$TMP/profile --log-file=$TMP/log"
    "$@" >"$TMP/answer"
    LATCHKEY=$PRODUCT WRAP=''
    case $(verdict <"$TMP/answer") in 200* | 204*) ;; *) die "$name: $(verdict <"$TMP/answer")" ;; esac
    sed -nE "s/^c?fn=\([0-9]+\) ([A-Za-z_][A-Za-z0-9_]*).*/\1/p" "$TMP/profile" | sort -u >"$TMP/$name"
    [ -s "$TMP/$name" ] || die "$name: no names in what valgrind found"
}

data "$TMP/data"
signed_in
site=$(ask POST /signin "username=demo&password=correct+horse" CONTENT_TYPE=application/x-www-form-urlencoded HTTPS=on HTTP_HOST=nas.example \
    HTTP_SEC_FETCH_SITE=same-origin | sed -n 's/^Set-Cookie: \(__Host-latchkey-door-[^;]*\);.*/\1/p')
ran verify with_token "$ACCESS" GET /verify
ran site ask GET /verify '' HTTPS=on HTTP_COOKIE="$site"
ran me with_token "$ACCESS" GET /me
ran refresh refresh "$TOKEN" one
ran again refresh "$TOKEN" one
cat "$TMP/site" "$TMP/me" "$TMP/refresh" "$TMP/again" | sort -u >"$TMP/rest"
echo '/* What a request runs stands together: bench/order.sh, by which `make order` wrote this, says why. */'
echo 'SECTIONS { .text : {'
{ cat "$TMP/verify"; comm -13 "$TMP/verify" "$TMP/rest"; } | sed 's/.*/*(.text.& .text.&.*)/'
echo '} } INSERT AFTER .init;'
