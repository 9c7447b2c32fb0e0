#!/bin/sh
# A database of 0.1.0 under this program: refused with the way on, brought up to date by `init --upgrade`, and nobody is signed
# out. It is made of a present one: 0.1.0's schema stands below as it was released, and holds what that version knew of each row.
# needs: python3
. "$(dirname "$0")/lib.sh"
not_in cross 'the same files and the same SQL'
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir

# as_0.1.0 [STATEMENT]: $DATA's database, as that version would have written it.
as_of_0_1_0() {
    /usr/bin/python3 - "$DATA/latchkey.db" "${1-}" <<'END'
import os, sqlite3, sys
path, more = sys.argv[1:]
tables = {
    "user": "id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE, password, subscription, created_at, disabled",
    "session": "id INTEGER PRIMARY KEY, user, ctr, br, idem, rotated_at, created_at, expires_at, ended_at, why, cookie, device, agent, ip",
    "audit": "id INTEGER PRIMARY KEY, time, event, user, session, ip, class, distance",
}
new, old = sqlite3.connect(path + ".0.1.0", isolation_level=None), sqlite3.connect(path)
for line in "page_size=512", "journal_mode=WAL", "application_id=1280009593", "user_version=1":
    new.execute("PRAGMA " + line)
for name, columns in tables.items():
    new.execute(f"CREATE TABLE {name}({columns})")
    words = [column.split()[0] for column in columns.split(", ")]
    for row in old.execute(f"SELECT {','.join(words)} FROM {name}"):
        new.execute(f"INSERT INTO {name} VALUES({','.join('?' * len(row))})", row)
new.execute("CREATE INDEX session_user ON session(user)")
if more:
    new.execute(more)
new.close(), old.close()
for end in "", "-wal":
    os.path.exists(path + end) and os.remove(path + end)
os.rename(path + ".0.1.0", path)
os.chmod(path, 0o600)
END
}

data "$TMP/data" 'reuse_grace = 0'
one='' two='' three=''
for name in one two three; do
    signed_in
    eval "$name=\$TOKEN"
done
after=$(refresh "$two" mine)
access=$(printf '%s' "$after" | member access_token)
ask POST /logout "{\"refresh_token\":\"$three\"}" >/dev/null
before=$(verb audit --json)
cp -a "$DATA" "$TMP/present"
as_of_0_1_0

is "$(refresh "$one" 2>"$TMP/log" | verdict)" '503 store_unavailable' 'a database of 0.1.0: nothing is answered from it'
like "$(cat "$TMP/log")" '*has schema version 1, this program has *; run latchkey init --upgrade*' 'and the log says what to do'
like "$(verb init --upgrade)" 'schema version *, was 1' 'which does it'
like "$(verb init --upgrade)" 'schema version *, was *' 'and again changes nothing'
is "$(verb check --json | grep -c '"status":"fail"')" 0 'check finds nothing'
is "$(verb audit --json)" "$before" 'the trail is as it was'
is "$(refresh "$one" | verdict)" 200 'a session goes on'
is "$(refresh "$two" mine | member refresh_token)" "$(printf '%s' "$after" | member refresh_token)" 'a lost answer is given again'
is "$(refresh "$three" | verdict)" '401 session_revoked' 'who signed out is out'
is "$(with_token "$access" GET /sessions | grep -o '"id"' | grep -c .)" 2 'the others are listed'
is "$(login | verdict)" 200 'and one can sign in'

# --- what it would find: a step that loses something
cp -a "$TMP/present/." "$DATA"
as_of_0_1_0 'UPDATE session SET idem=0'
verb init --upgrade >"$TMP/out"
is "$(refresh "$two" mine 2>/dev/null | verdict)" '503 store_unavailable' 'control: a column that is lost is seen'
done_testing
