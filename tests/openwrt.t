#!/bin/sh
# openwrt.t: the recipe without OpenWrt. Its Makefile is evaluated and run by make, with stand-ins for
# rules.mk and package.mk that do what OpenWrt's do with these names; its scripts run against stand-ins too.
# needs: curl shellcheck
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: builds nothing for another processor: its recipe's stand-in takes musl-gcc
tmpdir
cd "$TOP/packaging/openwrt" || exit 1

mkdir -p "$TMP/include"
: >"$TMP/rules.mk"
cat >"$TMP/include/package.mk" <<'EOF'
INSTALL_DIR := install -d -m 755
INSTALL_BIN := install -m 755
INSTALL_DATA := install -m 644
define BuildPackage
all: $(1)
$(1):
	$$(call Package/$(1)/install,$(OUT)/$(1))
endef
compile:
	$(Build/Compile)
show:
	@echo '$(PKG_VERSION) $(PKG_SOURCE) $(notdir $(PKG_BUILD_DIR))'
all:
EOF
mkdir "$TMP/build"
version=$("$LATCHKEY" version | cut -d' ' -f2)
ln -s "$TOP" "$TMP/build/latchkey-$version"
recipe() {
    make --no-print-directory TOPDIR="$TMP" INCLUDE_DIR="$TMP/include" BUILD_DIR="$TMP/build" OUT="$TMP/out" \
        TARGET_CC=musl-gcc TARGET_AR=ar HOSTCC=gcc "$@"
}
is "$(recipe show)" "$version latchkey-$version-with-deps.tar.xz latchkey-$version" 'its version and names are those of make dist'
dry=$(recipe -n compile 2>&1)
is "$?" 0 'its compile step is one that our Makefile takes'
for variable in B NEED CC AR HOSTCC; do
    case $dry in
    *" $variable="*) ok "the Makefile knows $variable" grep -qE "\\\$\\($variable\\)" "$TOP/Makefile" ;;
    *) fail "the recipe gives $variable" ;;
    esac
done
ok 'its install steps run' recipe all
is "$(cd "$TMP/out" && find . -type f -printf '%P %m\n' | LC_ALL=C sort | tr '\n' ';')" \
    'latchkey-serve/etc/init.d/latchkey 755;latchkey/etc/uci-defaults/50-latchkey 755;latchkey/lib/upgrade/keep.d/latchkey 644;latchkey/usr/bin/latchkey 755;latchkey/www/cgi-bin/latchkey 755;' \
    'these files lie where OpenWrt looks for them'
ok 'the executable is ours' cmp "$TMP/out/latchkey/usr/bin/latchkey" "$LATCHKEY"

# --- the scripts, with /etc/latchkey and the program elsewhere
for f in defaults cgi init; do
    sed -e "s|/etc/latchkey|$TMP/etc|g; s|/usr/bin/latchkey|$LATCHKEY|g; s|/var/run/latchkey|$TMP/run|g" \
        -e "s|--owner latchkey|--owner $(id -un)|; s|latchkey:latchkey|$(id -un):$(id -gn)|" "files/latchkey.$f" >"$TMP/$f"
done
ok 'the first boot makes the data directory' sh "$TMP/defaults"
ok 'which is there' test -e "$TMP/etc/latchkey.db"
ok 'the second leaves it alone' sh "$TMP/defaults"
is "$("$LATCHKEY" config --dir "$TMP/etc" | awk '$1 == "throttle_dir" { print $2 }')" "$TMP/run" 'the throttle table is kept off the flash'
like "$(env -i GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET SCRIPT_NAME=/cgi-bin/latchkey PATH_INFO=/health sh "$TMP/cgi" </dev/null)" \
    'Status: 200 OK*"status":"ok"*' 'uhttpd would have its answer'
is "$(stat -c %a "$TMP/run")" 700 'there is a place for the throttle table'
nok 'and nothing is wrong that latchkey check would know, but warnings' sh -c '"$0" check --dir "$1" | grep "^fail"' "$LATCHKEY" "$TMP/etc"
rm -r "$TMP/run"
cat >"$TMP/rc" <<'EOF'
procd_open_instance() { :; }
procd_close_instance() { :; }
procd_set_param() { printf '%s\n' "$*"; }
EOF
params=$(sh -ec '. "$1"; . "$2"; start_service; echo "procd $USE_PROCD, at $START"' sh "$TMP/rc" "$TMP/init")
is "$?" 0 'the init script runs'
like "$params" "*command $LATCHKEY serve 127.0.0.1:8080*user latchkey*procd 1, at 90" 'and tells procd what to do'
is "$(stat -c %a "$TMP/run")" 700 'it makes that place, too'
ok 'shellcheck has nothing to say' shellcheck -s dash files/latchkey.cgi files/latchkey.defaults files/latchkey.init

# --- what the listener is told is what it takes
port=$(free_port)
LATCHKEY_DIR=$TMP/etc start listener "$LATCHKEY" serve "127.0.0.1:$port"
wait_port "$port"
is "$(curl -s -o "$TMP/body" -w '%{http_code}' "http://127.0.0.1:$port/api/auth/health")" 200 'it listens with that environment'
done_testing
