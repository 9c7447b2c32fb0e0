#!/bin/sh
# latchkey stats: each figure is what was done here, in all three forms; Prometheus's text format is read by rules of its own.
# needs: python3
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
tmpdir
data "$TMP/data"

# --- what is counted: one more of each thing that is done
printf '%s\n' "$PASSWORD" | verb user add more >/dev/null
printf '%s\n' "$PASSWORD" | verb user add third >/dev/null
verb user disable third >/dev/null
signed_in && signed_in && signed_in
refresh "$TOKEN" one >"$TMP/answer"
verb session revoke "$(verb session list --json demo | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')" >/dev/null
verb key rotate >/dev/null
verb stats --json >"$TMP/json"
figure() { python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for n in sys.argv[2:]: v = v.get(n, 0)
print(v)' "$TMP/json" "$@"; }
while read -r want words; do
    # shellcheck disable=SC2086  # a list
    is "$(figure $words)" "$want" "$words"
done <<END
3 users
1 users_disabled
2 sessions
2 sessions_used_day
1 sessions_over
2 keys
3 events_day user_added
3 events_day login
1 events_day refresh
1 events_day revoke
1 events_day key_added
0 events_day reuse
$(verb audit --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))') events_total
END
bytes=$(figure store_bytes)
is "$bytes" "$(cat "$DATA/latchkey.db" "$DATA/latchkey.db-wal" "$DATA/latchkey.lock" 2>/dev/null | wc -c)" 'the bytes are those of the files'
ok 'the time is now' test $(($(date +%s) - $(figure timestamp_seconds))) -lt 600
ok 'the new key signs since now' test $(($(date +%s) - $(figure key_timestamp_seconds))) -lt 600

# --- the other forms say the same
verb stats >"$TMP/table"
verb stats --prometheus >"$TMP/prometheus"
python3 - "$TMP" >"$TMP/read" <<'END'
import json, re, sys
top = sys.argv[1]
want = json.load(open(top + '/json'))
day = want.pop('events_day')
flat = {**want, **{'events_day ' + k: v for k, v in day.items()}}
def same(form, found):
    moved = ('timestamp_seconds', 'store_bytes')
    wrong = [n for n in flat if n not in moved and found.get(n) != flat[n]]
    print(form, 'same' if not wrong else wrong)
table = {}
for line in open(top + '/table').readlines()[1:]:
    name, value = re.match(r'(events_day \S+|\S+) +(-?\d+) ', line).groups()
    table[name] = int(value)
same('table', table)
# The text format: HELP, TYPE, then the samples of that name, each name once, each line ended.
text, found, kind, seen = open(top + '/prometheus').read(), {}, None, set()
assert text.endswith('\n')
for line in text.splitlines():
    m = re.fullmatch(r'# HELP (latchkey_[a-z_]+) [^\\\n]+', line)
    if m:
        assert m.group(1) not in seen
        seen.add(m.group(1)); name = m.group(1); kind = None; continue
    m = re.fullmatch(r'# TYPE (\S+) (counter|gauge)', line)
    if m:
        assert m.group(1) == name and kind is None
        kind = m.group(2)
        assert (kind == 'counter') == name.endswith('_total'); continue
    m = re.fullmatch(r'(latchkey_[a-z_]+)(?:\{event="([a-z_]+)"\})? (\d+)', line)
    assert m and m.group(1) == name and kind, line
    key = name[len('latchkey_'):] + (' ' + m.group(2) if m.group(2) else '')
    assert key not in found
    found[key] = int(m.group(3))
same('prometheus', found)
print('never', found['events_day reuse'])
END
is "$(paste -sd ' ' "$TMP/read")" 'table same prometheus same never 0' 'table and Prometheus form have the same figures, and an event that never happened is 0'

# --- more than a page of users
verb user export | python3 -c 'import json, sys
demo = next(u for u in map(json.loads, sys.stdin) if u["username"] == "demo")
for i in range(130): print(json.dumps({"username": "user%d" % i, "hash": demo["hash"]}))' >"$TMP/users"
verb user import <"$TMP/users" >"$TMP/said" 2>&1
is "$? $(verb stats --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["users"])')" '0 133' 'users of several pages'
# --- the trail reaches further back than a day; nothing there at all
[ "$LK_B" != pg ] || done_testing   # what another program writes there is SQLite's
/usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE audit SET time = time - 200000 WHERE id <= 3")
db.commit()' "$DATA/latchkey.db"
total=$(figure events_total)
verb stats --json >"$TMP/json"
is "$(figure events_day user_added) $(($(figure events_total) - total))" '0 1' 'what is older than a day is in no figure of the last day'
logins=$(figure events_day login)
/usr/bin/python3 -c 'import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
first = db.execute("SELECT max(id) FROM audit").fetchone()[0] + 1
db.executemany("INSERT INTO audit(id, time, event, user, session, ip) VALUES(?, ?, 1, 0, 0, \"\")", [(first + i, int(time.time())) for i in range(250)])
db.commit()' "$DATA/latchkey.db"
verb stats --json >"$TMP/json"
is "$(figure events_day login)" $((logins + 250)) 'events of several pages'
lk_init "$TMP/empty"
"$LATCHKEY" stats --json --dir "$TMP/empty" >"$TMP/json"
is "$(figure users) $(figure sessions) $(figure events_total) $(figure keys)" '0 0 0 1' 'an empty directory'
is "$(verb stats --json --prometheus >/dev/null 2>&1; echo $?)" 0 'of two forms the last word is Prometheus'"'"'s'
nok 'no data directory' "$LATCHKEY" stats --dir "$TMP/nothing"
done_testing
