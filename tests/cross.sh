#!/bin/sh
# cross.sh FILE: what prove runs for `make CROSS=... test`. A unit test is an executable of the other
# processor, and QEMU runs it; a script is one of this machine's, and finds latchkey's stand-in in LATCHKEY.
case $(head -c 2 "$1") in
'#!') exec "$@" ;;
*) exec "$QEMU" "$@" ;;
esac
