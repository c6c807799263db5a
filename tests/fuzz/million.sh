#!/usr/bin/env bash
# A million executions of every fuzz target, two side by side, and a table of what they found. Builds build-asan/ first unless it is there.
#   tests/fuzz/million.sh [TARGET…]      RUNS=N: another number of executions
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
runs=${RUNS:-1000000}
logs=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-million.XXXXXX")

if [ ! -f build-asan/build.ninja ]; then
    cmake -S . -B build-asan -G Ninja -DCMAKE_C_COMPILER=clang-14 -DRC_FUZZ=ON -DRC_SANITIZE=address,undefined >"$logs/build.log"
fi
if [ $# -gt 0 ]; then
    targets=("$@")
else
    mapfile -t targets < <(find tests/fuzz -name '*_fuzz.c' -printf '%f\n' | sed 's/_fuzz\.c$//' | sort)
fi
nice cmake --build build-asan --target "${targets[@]/%/_fuzz}" >>"$logs/build.log"

# One target: the corpus of the repository is read, what is new is kept beside the log.
one() {
    local target=$1 runs=$2 logs=$3 before=$SECONDS found=none log=$3/$1.log
    mkdir -p "$logs/$target"
    nice "build-asan/bin/fuzz/${target}_fuzz" -runs="$runs" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$logs/$target-" "$logs/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 </dev/null || found=$(grep -m1 -oE 'SUMMARY: .*' "$log" || echo "ended early")
    printf '| %s | %s | %d | %s | %s |\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" $((SECONDS - before)) \
        "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)" "$found"
}
export -f one
echo "| target | executions | seconds | edges | finding |"
echo "| --- | --- | --- | --- | --- |"
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c "one {} $runs $logs" | tee "$logs/table"
echo "logs, and inputs that were found: $logs" >&2
! grep -qv '| none |$' "$logs/table"
