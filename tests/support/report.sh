# Counting and telling, for tests/run.sh. Sourced: uses its $logs and $scratch.
# shellcheck shell=bash disable=SC2154

started=$SECONDS
part=""
part_started=0
used=0 part_used=0
part_passed=0 part_failed=0 part_skipped=0
total_passed=0 total_failed=0 total_skipped=0
table=""
failures=""

clock() { printf '%d:%02d' $((($1) / 60)) $((($1) % 60)); }

progress() { printf '[%5s] %-11s %s\n' "$(clock $((SECONDS - started)))" "$part" "$*"; }

# Sets `used`: seconds of processors that all that was waited for has taken; Kafka, which outlives its starter, is not in it. (A subshell
# would ask for its own.)
take_used() {
    times >"$scratch/times"
    used=$(awk 'NR == 2 {gsub(/[ms]/, " "); print int($1 * 60 + $2 + $3 * 60 + $4)}' "$scratch/times")
}

begin() {
    part=$1
    part_started=$SECONDS
    take_used
    part_used=$used
    part_passed=0 part_failed=0 part_skipped=0
}

# count PASSED FAILED SKIPPED: what one program or tool found, within the part that is under way.
count() {
    part_passed=$((part_passed + $1))
    part_failed=$((part_failed + $2))
    part_skipped=$((part_skipped + $3))
}

pass() {
    count 1 0 0
    progress "ok: $*"
}

skip() {
    count 0 0 1
    progress "skipped: $*"
}

# fail WHAT [LOG [EXCERPT]]: the end of it is shown here, for those who see nothing but this output.
fail() {
    count 0 1 0
    progress "FAILED: $1"
    if [ -n "${2:-}" ]; then
        tail -n 40 "${3:-$2}" | cut -c1-400 | sed 's/^/          /'
        progress "the whole log: ${2#"$root"/}"
    fi
    failures+="  $part: $1"$'\n'
}

# fail_part WHAT [LOG]: the part could not be run at all.
fail_part() {
    fail "$@"
    end_part
}

end_part() {
    if [ "$part" = "" ] || [ $((part_passed + part_failed + part_skipped)) = 0 ]; then
        part=""
        return
    fi
    take_used
    table+=$(printf '  %-12s %7d %7d %8d %8s %8s' "$part" $part_passed $part_failed $part_skipped "$(clock $((SECONDS - part_started)))" "$(clock $((used - part_used)))")$'\n'
    total_passed=$((total_passed + part_passed))
    total_failed=$((total_failed + part_failed))
    total_skipped=$((total_skipped + part_skipped))
    part=""
}

# run_ctest BUILD LABELS LOG [ARGUMENT…]: counts the single checks of each program.
run_ctest() {
    local build=$1 labels=$2 log=$logs/$3 totals=$scratch/totals passed failed skipped
    shift 3
    # ctest's own exit code says less than the lines: a failed program is in them.
    ctest --test-dir "$build" -V -L "^($labels)\$" "$@" 2>&1 </dev/null | tee "$log" |
        awk -v totals="$totals" -f tests/support/ctest_results.awk || true
    read -r passed failed skipped <"$totals"
    if [ $((passed + failed + skipped)) = 0 ] && ! grep -q 'No tests were found' "$log"; then fail "ctest ran nothing" "$log"; fi
    count "$passed" "$failed" "$skipped"
    if [ "$failed" -gt 0 ]; then
        failures+=$(sed -n 's/^ *[0-9]*\/[0-9]* Test *#[0-9]*: \([^ ]*\) .*\*\*\*\([A-Z][A-Za-z ]*[a-z]\).*/\1 (\2)/p' "$log" |
            grep -v '(Skipped)' | sed "s|^|  $part: |; s|\$|, see ${log#"$root"/}|")$'\n'
    fi
    progress "$passed passed, $failed failed, $skipped skipped"
}

# count_script NAME LOG CODE SECONDS: a script is one test, or as many as it prints lines that begin with "ok ", "not ok " or "skip ".
count_script() {
    local name=$1 log=$2 code=$3 passed failed skipped
    passed=$(grep -c '^ok ' "$log" || true)
    failed=$(grep -c '^not ok ' "$log" || true)
    skipped=$(grep -c '^skip ' "$log" || true)
    grep -E '^(ok|not ok|skip) ' "$log" | cut -c1-150 | sed 's/^/  /' || true
    if [ "$code" = 0 ] && [ $((passed + failed + skipped)) = 0 ]; then passed=1; fi
    count "$passed" "$failed" "$skipped"
    # An end that no line explains is a failure of its own.
    if [ "$code" != 0 ] && [ "$failed" = 0 ]; then
        fail "$name (exit code $code)" "$log"
    elif [ "$failed" != 0 ]; then
        count 0 -1 0
        fail "$name: $failed of its tests" "$log"
    else
        progress "$name: $passed passed, $skipped skipped ($4 s)"
    fi
}

finish() {
    local code=$?
    trap - EXIT
    trap '' INT TERM
    if [ "$part" != "" ]; then
        if [ "$code" != 0 ]; then fail "interrupted"; fi
        end_part
    fi
    end_scripts
    stop_kafka
    take_used
    rm -rf "$scratch"
    echo
    printf '  %-12s %7s %7s %8s %8s %8s\n' part passed failed skipped time cpu
    printf '%s' "$table"
    printf '  %-12s %7d %7d %8d %8s %8s\n' all $total_passed $total_failed $total_skipped "$(clock $((SECONDS - started)))" "$(clock "$used")"
    if [ -n "$failures" ]; then printf '\nWhat failed (logs are in build/test-logs/):\n%s' "$failures"; fi
    printf '\n%d passed, %d failed, %d skipped\n' $total_passed $total_failed $total_skipped
    if [ $total_failed -gt 0 ]; then exit 1; fi
    if [ $total_passed = 0 ] && [ "$code" = 0 ]; then code=1; fi
    exit $code
}
