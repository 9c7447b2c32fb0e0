#!/bin/sh
# run.sh TARGET...: fuzzes each for SECONDS_EACH (60), from its corpus, then keeps of all inputs the fewest that reach
# as much (libFuzzer's -set_cover_merge). One line a target at the end: executions, and the edges and features it reached.
# An input that breaches something is left in build/fuzz/found/, and the target isn't packed.
set -eu
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-60}
work=build/fuzz/corpus
found=build/fuzz/found
export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0:quarantine_size_mb=64"
mkdir -p "$work" "$found"
bad=0
for target; do
    program=build/fuzz/fuzz/$target log=build/fuzz/$target.log pack=tests/fuzz/corpus/$target
    rm -rf "${work:?}/$target" "${work:?}/$target.min"
    mkdir -p "$work/$target" "$work/$target.min"
    [ ! -e "$pack" ] || "$program" --unpack "$work/$target" <"$pack"
    grep "^$target " tests/fuzz/seeds | while read -r _ input; do
        number=$((${number-100} + 1))
        printf '%b' "$input" >"$work/$target/own-$number"
    done
    case $target in sequence | database) longest=512 ;; http | scgi | cgi) longest=6000 ;; *) longest=2500 ;; esac
    echo "fuzz: $target for $seconds s"
    if ! nice -n 10 "$program" -max_total_time="$seconds" -max_len=$longest -timeout=20 -close_fd_mask=3 -print_final_stats=1 \
        -use_value_profile=1 -dict=tests/fuzz/words -artifact_prefix="$found/$target-" "$work/$target" </dev/null >"$log" 2>&1; then
        tail -n 30 "$log"
        bad=$((bad + 1))
        continue
    fi
    nice -n 10 "$program" -set_cover_merge=1 -max_len=$longest -close_fd_mask=3 "$work/$target.min" "$work/$target" </dev/null >"$log.merge" 2>&1 ||
        { tail -n 30 "$log.merge"; bad=$((bad + 1)); continue; }
    find "$work/$target.min" -type f | LC_ALL=C sort | xargs "$program" --pack >"$pack.new"
    mv "$pack.new" "$pack"
    printf '%s\texecutions %s\tedges %s\tfeatures %s\tinputs %s\n' "$target" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
        "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)" "$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)" \
        "$(find "$work/$target.min" -type f | wc -l)"
done
exit "$bad"
