#!/bin/sh
# uhttpd runs this as root; latchkey becomes the owner of its directory before it reads a byte.
# The throttle table lies in RAM, which is empty after a boot.
run=/var/run/latchkey
[ -d $run ] || { mkdir $run && chmod 700 $run && chown latchkey:latchkey $run; }
LATCHKEY_DIR=/etc/latchkey exec /usr/bin/latchkey
