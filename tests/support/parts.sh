# The parts of tests/run.sh, one function each. Sourced: uses its $root, $logs, $scratch and $fuzz_seconds.
# shellcheck shell=bash disable=SC2154  # these come from run.sh and report.sh

jobs=$(nproc)
# Tests on a broker wait for it, for polls and for time-outs far more than they compute: so many at once.
waiting_jobs=$((jobs * 2))
kafka_dir=""

# build FOLDER OPTION…: configures once, builds what changed. Two folders of one name never hold different options.
build() {
    local folder=$1 log=$logs/$1.log
    shift
    if [ -n "${built[$folder]:-}" ]; then return "${built[$folder]}"; fi
    local before=$SECONDS
    if cmake -S . -B "$folder" -G Ninja "$@" >"$log" 2>&1 </dev/null && cmake --build "$folder" >>"$log" 2>&1 </dev/null; then
        built[$folder]=0
        progress "built in $folder/ ($((SECONDS - before)) s)"
    else
        built[$folder]=1
        # ninja goes on with other jobs after the first error: the tail alone may not show it.
        grep -E -A6 'error:|CMake Error' "$log" | head -n 40 >"$scratch/errors" || true
        [ -s "$scratch/errors" ] || tail -n 25 "$log" >"$scratch/errors"
        fail "the build in $folder/" "$log" "$scratch/errors"
        return 1
    fi
}
declare -A built=()

# The newest clang that is there, 14 (Debian 12's) before others: its formatter is the one that the sources agree with.
clang_tool() {
    local version
    for version in -14 "" -19 -18 -17 -16 -15; do
        if command -v "$1$version" >/dev/null; then echo "$1$version" && return; fi
    done
    return 1
}

# With AddressSanitizer, UndefinedBehaviorSanitizer and the fuzzers' hooks: one build for both parts, and clang's warnings of all sources.
build_sanitized() {
    local clang
    clang=$(clang_tool clang) || { fail "no clang: run deploy/install.sh test"; return 1; }
    build build-asan -DCMAKE_C_COMPILER="$clang" -DRC_FUZZ=ON -DRC_SANITIZE=address,undefined
}

# One broker and one registry for the whole run: the parts that need them share it, each test with topics of its own.
need_kafka() {
    if [ -n "$kafka_dir" ]; then return; fi
    local addresses
    if ! addresses=$(deploy/kafka.sh start --dir "$scratch/kafka" --registry 2>"$logs/kafka.log" </dev/null 9>&-); then
        fail "Kafka did not start" "$logs/kafka.log"
        return 1
    fi
    kafka_dir=$scratch/kafka
    set -a
    eval "$addresses"
    set +a
    progress "Kafka is at $RC_TEST_KAFKA, the registry at $RC_TEST_REGISTRY"
}

# (In a trap a bare "return" gives the status from before it.)
stop_kafka() {
    if [ -z "$kafka_dir" ]; then return 0; fi
    cp "$kafka_dir"/*.log "$logs" 2>/dev/null || true
    deploy/kafka.sh stop --dir "$kafka_dir" --delete || true
}

# by_size FILE…: the largest first, as those mostly take the longest.
by_size() { find "$@" -printf '%s %p\n' | sort -rn | cut -d' ' -f2-; }

# scripts KIND: those of tests/KIND, the longest first.
scripts() {
    local known
    known=$(find tests/"$1" -maxdepth 1 -name quickstart.sh -o -maxdepth 1 -name kombo_faults.py)
    { echo "$known" && by_size tests/"$1" -maxdepth 1 '(' -name '*.sh' -o -name '*.py' ')'; } | awk 'NF && !seen[$0]++'
}

has_tests() { compgen -G "tests/$1/*_test.c" >/dev/null || compgen -G "tests/$1/*.sh" >/dev/null || compgen -G "tests/$1/*.py" >/dev/null; }

part_unit() {
    build build || return 0
    run_ctest build 'unit|corpus' unit.log -j "$jobs"
    run_scripts build unit
}

part_model() {
    local log=$logs/model.log code=0 before=$SECONDS
    bash tests/model/check.sh --jobs "$jobs" >"$log" 2>&1 </dev/null 9>&- || code=$?
    count_script model/check.sh "$log" $code $((SECONDS - before))
}

part_integration() { part_with_kafka integration; }
part_e2e() { part_with_kafka e2e; }
part_fault() { part_with_kafka fault; }

part_with_kafka() {
    has_tests "$1" || return 0
    build build && need_kafka || return 0
    if compgen -G "tests/$1/*_test.c" >/dev/null; then run_ctest build "$1" "$1.log" -j "$waiting_jobs"; fi
    run_scripts build "$1"
}

# Left out when the scripts run again with sanitizers: the quickstart makes its own build; of asyncapi, subscribers and kombo_contract the
# point is what others make of our files, not our code; and the minute that schedule waits for is in unit tests of the same code.
unsanitized=" quickstart asyncapi subscribers kombo_contract schedule "

# run_scripts BUILD KIND: the scripts beside the programs of Check, several at once; each has topics, ports and folders of its own.
run_scripts() {
    local build=$1 kind=$2 script base log run
    for script in $(scripts "$kind"); do
        base=$(basename "$script")
        if [ "$build" = build-asan ] && [[ $unsanitized = *" ${base%.*} "* ]]; then continue; fi
        if [ ${#running[@]} -ge "$waiting_jobs" ]; then take_script; fi
        log=$logs/$build-$kind-${base%.*}.log
        run=bash
        if [[ $script = *.py ]]; then run=tests/support/python.sh; fi
        RC_BIN=$root/$build/bin timeout -k 10 900 $run "$script" >"$log" 2>&1 </dev/null 9>&- &
        running[$!]="$kind/$base $SECONDS $log"
    done
    while [ ${#running[@]} -gt 0 ]; do take_script; done
}

declare -A running=() # scripts by process id

# Waits for one of them, and counts it.
take_script() {
    local code=0 pid name before log
    wait -n -p pid "${!running[@]}" || code=$?
    read -r name before log <<<"${running[$pid]}"
    unset "running[$pid]"
    count_script "$name" "$log" $code $((SECONDS - before))
}

# What runs in the background is not ended by the interrupt that ends the run.
end_scripts() {
    if [ ${#running[@]} = 0 ]; then return 0; fi
    kill "${!running[@]}" 2>/dev/null || true
    wait "${!running[@]}" 2>/dev/null || true
}

part_sanitizers() {
    build_sanitized || return 0
    need_kafka || return 0
    # Slower code, the same limits: Check's and those that the tests set themselves are stretched.
    export CK_TIMEOUT_MULTIPLIER=4
    export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
    run_ctest build-asan unit sanitizers-unit.log -j "$jobs"
    run_ctest build-asan integration sanitizers-integration.log -j "$waiting_jobs"
    run_scripts build-asan e2e
    unset CK_TIMEOUT_MULTIPLIER ASAN_OPTIONS UBSAN_OPTIONS
}

# Without a fork first: that is ten times as fast. Tests that expect a signal, or a fresh process each, need the fork, which then decides.
valgrind_one() {
    local name log checks fork forks="no yes" code=0
    name=$(basename "$1" .c)
    log=$logs/valgrind-$name.log
    if grep -q raise_signal "$1"; then forks=yes; fi
    for fork in $forks; do
        code=0
        CK_FORK=$fork CK_TIMEOUT_MULTIPLIER=10 CK_VERBOSITY=normal timeout -k 10 600 \
            valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \
            "build/bin/unit/$name" >"$log" 2>&1 </dev/null || code=$?
        if [ $code = 0 ]; then break; fi
    done
    checks=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\),.*/\1/p' "$log" | awk '{sum += $1} END {print sum + 0}')
    if [ $code = 0 ]; then echo "ok $name $checks"; else echo "failed $name $code"; fi
}

part_valgrind() {
    build build || return 0
    local result name number
    has_tests unit || return 0
    export -f valgrind_one
    export logs
    while read -r result name number; do
        if [ "$result" = ok ]; then
            count "$number" 0 0
        else
            fail "$name (exit code $number)" "$logs/valgrind-$name.log"
        fi
    done < <(by_size tests/unit -name '*_test.c' -not -name 'sandbox_*' | xargs -P "$waiting_jobs" -I{} bash -c 'valgrind_one {}')
    progress "$part_passed passed, $part_failed failed"
}

part_fuzz() {
    local result name runs seconds
    compgen -G 'tests/fuzz/*_fuzz.c' >/dev/null || return 0
    build_sanitized || return 0
    local -a targets=(tests/fuzz/*_fuzz.c)
    # As many rounds as it takes, each with one target a core.
    seconds=$((fuzz_seconds / ((${#targets[@]} + jobs - 1) / jobs)))
    if [ $seconds -lt 2 ]; then seconds=2; fi
    export -f fuzz_one
    export logs scratch
    while read -r result name runs; do
        if [ "$result" = ok ]; then
            pass "$name: $runs inputs in $seconds s"
        else
            fail "$name: an input broke it, kept in build/test-logs/ (add it to tests/fuzz/corpus/${name%_fuzz}/)" "$logs/fuzz-$name.log"
        fi
    done < <(printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c "fuzz_one {} $seconds")
}

fuzz_one() {
    local seconds=$2 name
    name=$(basename "$1" .c)
    # New inputs go to the first folder, which is thrown away; the second is the repository's.
    mkdir -p "$scratch/corpus/$name"
    local -a folders=("$scratch/corpus/$name")
    if [ -d "tests/fuzz/corpus/${name%_fuzz}" ]; then folders+=("tests/fuzz/corpus/${name%_fuzz}"); fi
    if "build-asan/bin/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$logs/$name-" "${folders[@]}" >"$logs/fuzz-$name.log" 2>&1 </dev/null; then
        echo "ok $name $(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/fuzz-$name.log")"
    else
        echo "failed $name 0"
    fi
}

part_image() {
    if [ "$(id -u)" != 0 ]; then skip "the image: building it without an engine needs root" && return 0; fi
    if bash deploy/image.sh >"$logs/image.log" 2>&1 </dev/null 9>&-; then
        pass "both programs start in the image"
    else
        fail "deploy/image.sh" "$logs/image.log"
    fi
}

# tool NAME COMMAND…: one check of lint.
tool() {
    local name=$1 log=$logs/lint-$1.log
    shift
    if "$@" 2>&1 </dev/null | sed 's/\x1b\[[0-9;]*m//g' >"$log"; then
        pass "$name"
    else
        # The findings without the paths that lead to them.
        grep -E 'error:|warning:' "$log" >"$scratch/findings" || cp "$log" "$scratch/findings"
        fail "$name" "$log" "$scratch/findings"
    fi
}

# versioned NAME TOOL VERSION COMMAND…: what these find differs from version to version; that of Debian 12 counts.
versioned() {
    local name=$1 tool=$2 version=$3
    shift 3
    if "$tool" --version 2>/dev/null | grep -qE " $version(\.|\$)"; then
        tool "$name" "$@"
    else
        skip "$name: version $version is not there, and others find other things"
    fi
}

part_lint() {
    build build || return 0
    # gcc looks through more calls at -O3 and warns of what it sees there: of what is shipped, and of the sandbox.
    build build-release -DCMAKE_BUILD_TYPE=Release -DRC_TESTS=OFF -DRC_SANDBOX=ON && pass "no warning at -O3"
    local -a sources scripts
    mapfile -t sources < <(find common producer consumer tests -name '*.[ch]' | sort)
    mapfile -t scripts < <(find deploy tests .ci -name '*.sh' -o -path .ci/run | sort)

    tool shellcheck shellcheck -x "${scripts[@]}"
    tool generated-pages bash tests/support/pages.sh --check
    tool links bash tests/support/links.sh
    tool modules bash tests/support/modules.sh
    tool command-lines python3 tests/support/command_lines.py
    tool deploy-files bash tests/support/python.sh tests/deploy/deploy_files.py
    versioned clang-format clang-format-14 14 clang-format-14 --dry-run -Werror "${sources[@]}"
    versioned cppcheck cppcheck '2\.10' cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,performance,portability \
        --suppressions-list=tests/support/cppcheck.supp --library=tests/support/cppcheck.cfg \
        -D_GNU_SOURCE -DRC_VERSION='""' -I . -j "$jobs" common producer consumer tests
    # The analyzer's shallow mode: a third of the time, the same findings here.
    versioned clang-tidy clang-tidy-14 14 run-clang-tidy-14 -quiet -p build -j "$jobs" -extra-arg=-Wno-unknown-warning-option \
        -extra-arg=-Xclang -extra-arg=-analyzer-config -extra-arg=-Xclang -extra-arg=mode=shallow \
        "$root/(common|producer|consumer|tests)/.*\\.c\$"
}
