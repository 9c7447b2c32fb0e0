#!/bin/sh
# lint.sh: everything that reads the code without running it. Third-party headers are not its business.
set -eu
cd "$(dirname "$0")/.."
quiet() { "$@" >build/lint.log 2>&1 || { cat build/lint.log; echo "lint: $1 is not content" >&2; exit 1; }; }
flags='-std=c11 -D_GNU_SOURCE -DLK_VERSION=__FILE__ -DLK_BUILD_EPOCH=0LL -I. -Itests'
for d in sqlite3 bearssl/inc sodium sodium/include/sodium libpq/libpq libpq/include; do flags="$flags -isystem deps/$d"; done
tests=$(find tests -maxdepth 1 -name '*_test.c')
own='./*.c base/*.c store/*.c serve/*.c operator/*.c door/*.c oauth/*.c tools/*.c bench/*.c'

echo "lint: clang's warnings"
make -s B=clang objects
make -s B=asan objects
echo "lint: gcc's warnings and analysis with glibc"
make -s B=glibc objects
echo "lint: clang-tidy"
# shellcheck disable=SC2086  # lists
quiet clang-tidy --quiet $own $tests -- $flags
echo "lint: cppcheck"
# shellcheck disable=SC2086
quiet cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --error-exitcode=1 \
    --inline-suppr --suppressions-list=tools/cppcheck.txt -D__linux__ -DLK_BUILD_EPOCH=0LL -DSQLITE_VERSION_NUMBER=3053002 -I. $own $tests
echo "lint: shellcheck"
# shellcheck disable=SC2046  # a list
shellcheck -x -P SCRIPTDIR $(find tools tests tests/fronts tests/router .ci bench bench/peers packaging -maxdepth 1 \( -name '*.sh' -o -name '*.t' -o -path .ci/run \) 2>/dev/null)
