#!/bin/sh
# patient.sh COMMAND...: runs it, and says every ten seconds that it still runs, with the last line that it
# wrote to $PATIENT_LOG if that is set; on file descriptor $PATIENT_FD (1). Ends as the command does.
set -u
"$@" &
pid=$!
trap 'kill "$pid" 2>/dev/null' INT TERM
(
    waited=0
    # Small steps: who waits for the command doesn't wait for this.
    while sleep 1 >/dev/null 2>&1 && kill -0 "$pid" 2>/dev/null; do
        waited=$((waited + 1))
        [ $((waited % 10)) -ne 0 ] || printf '  ... %d s  %s\n' "$waited" \
            "$([ -z "${PATIENT_LOG-}" ] || tail -c 400 "$PATIENT_LOG" | tr '\r' '\n' | grep . | tail -n 1 | cut -c 1-90)" >&"${PATIENT_FD-1}"
    done
) &
watcher=$!
wait "$pid"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
