#!/bin/sh
# suites.sh DIR [NAME...]: runs the scripts of suites that nobody here wrote (DIR/NAME.sh) on this checkout. They expect json.c, jwt.c and a
# base.c with all that every room stands on in one folder, so they are given such a view of it: build/flat. A verdict of the HTTP corpora
# that no longer holds on purpose is a line of tests/suites.changed, with the reason; a line without a case is an error.
set -eu
cd "$(dirname "$0")/.."
top=$PWD
suites=$(cd "$1" && pwd)
shift
# shellcheck disable=SC2046  # a list
[ $# -gt 0 ] || set -- $(cd "$suites" && printf '%s\n' *.sh | sed 's/\.sh$//')
rm -rf build/flat
mkdir -p build/flat
for file in *.c *.h base operator serve store latchkey deps docs tests; do ln -s "$top/$file" build/flat/; done
{ for file in base/*.c; do echo "#include \"$file\""; done; } >build/flat/base.c
rm -rf build/suites
cp -r "$suites" build/suites
chmod -R u+w build/suites
python3 - tests/suites.changed build/suites/http_corpora.json.gz <<'P'
import gzip, json, sys
cases, unused = json.load(gzip.open(sys.argv[2])), []
for line in open(sys.argv[1]):
    if line.startswith("#"): continue
    verdict, name, reason = line.rstrip("\n").split("\t")
    found = [c for c in cases if f"{c['suite']}: {c['name']}" == name and verdict not in c["want"]]
    if not found or not reason: unused.append(name)
    for c in found: c["want"].append(verdict)
with gzip.open(sys.argv[2], "wt") as out: json.dump(cases, out)
sys.exit("suites.changed: no such case: " + "; ".join(unused) if unused else 0)
P
for name; do
    echo "suites: $name"
    sh "build/suites/$name.sh" "$top/build/flat"
done
