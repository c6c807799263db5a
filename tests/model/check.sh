#!/usr/bin/env bash
# Checks the models exhaustively with Spin: the true ones hold, and each rule that is taken out breaks the property that it
# is there for.
# shellcheck disable=SC2317  # xargs calls functions
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'END'
Usage: tests/model/check.sh [--large] [--only NAME] [--story NAME] [--jobs N]

  --large   the larger sizes too: minutes to hours, up to 12 GB of memory
  --only    one row of the table, or all that begin so
  --story   tells how that row fails, step by step

Prints a line "ok …" or "not ok …" for each row, then the table.
END
}

# NAME MODEL EXPECTED OPTION…: EXPECTED is "holds", "ends" (no cycle of states at all: every run comes to its end, where the
# monitor looks), or the property that must be found broken.
#   I1 chain and exactly once; I3 no wrong deactivation; I4 older over newer; SETTLED: I4 and I6, all finished and Learn Amp is
#   not N; I5 offset without outcome
rows() {
    cat <<'END'
together                  consumer holds   -DTOGETHER -DVERSIONS=3 -DCRASHES=1 -DUNANSWERED=1
together_moves            consumer holds   -DTOGETHER -DVERSIONS=3 -DMOVES=1 -DUNANSWERED=1 -DNOTICES
together_rejected         consumer holds   -DTOGETHER -DVERSIONS=3 -DUNANSWERED=1 -DTRANSIENT=1 -DBAD=1
together_replayed         consumer holds   -DTOGETHER -DVERSIONS=3 -DREPLAYS=1 -DUNANSWERED=1
together_four             consumer holds   -DTOGETHER -DVERSIONS=4 -DUNANSWERED=1 -DNOTICES
two_processes             consumer holds   -DMOVING -DVERSIONS=3 -DUNANSWERED=1
two_processes_killed      consumer holds   -DMOVING -DVERSIONS=2 -DUNANSWERED=1 -DCRASHES=1
two_processes_moves       consumer holds   -DMOVING -DVERSIONS=2 -DUNANSWERED=1 -DMOVES=1
apart                     consumer holds   -DAPART -DVERSIONS=2 -DUNANSWERED=1 -DBAD=1
together_ends             consumer ends    -DTOGETHER -DVERSIONS=3 -DUNANSWERED=1
two_processes_ends        consumer ends    -DMOVING -DVERSIONS=2 -DUNANSWERED=1
producers_end             producer ends    -DMOVES=2 -DCHANGES=1
no_S1                     consumer holds   -DTOGETHER -DVERSIONS=3 -DUNANSWERED=1 -DNO_S1
no_S1_set_aside           consumer holds   -DTOGETHER -DVERSIONS=3 -DUNANSWERED=1 -DREPLAYS=1 -DNO_S1_ASIDE
no_S5_version             consumer holds   -DTOGETHER -DVERSIONS=3 -DUNANSWERED=1 -DNO_S5_VERSION
no_S5_set_aside           consumer holds   -DTOGETHER -DVERSIONS=3 -DUNANSWERED=1 -DCRASHES=1 -DNO_S5_ASIDE
no_S1_exception           consumer SETTLED -DMOVING -DVERSIONS=3 -DUNANSWERED=1 -DMOVES=1 -DMOVES_OF=OTHER -DNO_S1_EXCEPTION
no_S2_created_gone        consumer SETTLED -DMOVING -DVERSIONS=2 -DUNANSWERED=1 -DNO_S2_CREATED_GONE
no_S2_deactivated_employed consumer SETTLED -DMOVING -DVERSIONS=3 -DUNANSWERED=1 -DNO_S2_DEACTIVATED_EMPLOYED
no_S2_hand_over           consumer SETTLED -DTOGETHER -DVERSIONS=2 -DBAD=1 -DNO_S2_HAND_OVER
no_S3                     consumer I3      -DMOVING -DVERSIONS=3 -DNO_S3
no_S4                     consumer SETTLED -DMOVING -DVERSIONS=2 -DNO_S4
no_S6                     consumer SETTLED -DMOVING -DVERSIONS=3 -DNO_S6
no_hold                   consumer I4      -DTOGETHER -DVERSIONS=3 -DUNANSWERED=1 -DNO_HOLD
no_unclean_wait           consumer SETTLED -DTOGETHER -DVERSIONS=3 -DCRASHES=1 -DNO_UNCLEAN_WAIT
no_start_barrier          consumer I4      -DTOGETHER -DVERSIONS=2 -DCRASHES=1 -DNO_START_BARRIER
no_uncommitted_end        consumer SETTLED -DMOVING -DVERSIONS=3 -DNO_UNCOMMITTED_END
no_mark_at_drain          consumer SETTLED -DMOVING -DVERSIONS=2 -DUNANSWERED=1 -DMOVES=1 -DNO_MARK_AT_DRAIN
no_tier_wait              consumer SETTLED -DMOVING -DVERSIONS=2 -DUNANSWERED=1 -DMOVES=1 -DNO_TIER_WAIT
no_session_wait           consumer SETTLED -DMOVING -DVERSIONS=2 -DUNANSWERED=1 -DMOVES=1 -DNO_SESSION_WAIT
no_memory                 consumer I4      -DTOGETHER -DVERSIONS=3 -DUNANSWERED=1 -DMOVES=1 -DNOTICES -DNO_MEMORY
no_outcome_first          consumer I5      -DTOGETHER -DVERSIONS=2 -DCRASHES=1 -DNO_I5
producers                 producer holds
no_captured_metadata      producer I1      -DNO_CAPTURED_METADATA
no_offset                 producer I1      -DNO_OFFSET
no_wait_for_committed     producer I1      -DNO_WAIT_FOR_COMMITTED
no_high_watermark         producer I1      -DNO_HIGH_WATERMARK
no_table_wait             producer I1      -DNO_TABLE_WAIT
no_order_of_takeover      producer I1      -DNO_ORDER
no_follow                 producer I1      -DNO_FOLLOW
no_catch_up               producer I1      -DNO_CATCH_UP
END
    if [ $large = no ]; then return; fi
    cat <<'END'
large_together            consumer holds   -DTOGETHER -DVERSIONS=4 -DCRASHES=1 -DUNANSWERED=1
large_two_processes_moves consumer holds   -DMOVING -DVERSIONS=3 -DUNANSWERED=1 -DMOVES=1
large_apart               consumer holds   -DAPART -DVERSIONS=3
large_producers           producer holds   -DPRODUCERS=3 -DCRASHES=0
END
}

# What Spin says when the property is broken.
said() {
    case $1 in
    I1) echo 'assertion violated \((before\[p\]==last|saw\[p\]!=last)' ;;
    I3) echo 'assertion violated .*n_employed' ;;
    I4) echo 'assertion violated .*newest_effect' ;;
    I5) echo 'assertion violated .*finished\[' ;;
    SETTLED) echo 'assertion violated \(+user' ;;
    esac
}

# In words, as the printf of the models cannot choose any.
in_words() {
    sed -nE -e 's/^ +//' \
        -e '/^(process|producer|group|HR|Learn|lane|replay|dlq)/!d' \
        -e 's/lane 0/created/; s/lane 1/deactivated/; s/lane 2/updated/; s/, record / /' \
        -e 's/^producer: ([0-9]) is 0/producer: publishes \1, hired/; s/^producer: ([0-9]) is 1/producer: publishes \1, left/' \
        -e 's/^producer: ([0-9]) is 2/producer: publishes \1, changed/; s/^producer: ([0-9]) is 3/producer: publishes \1, forgotten/' \
        -e 's/, offsets [01]$//; s/, marked 0$//; s/, marked 1$/ and marked/' -e p
}

tell() {
    local name=$1 model=$2
    shift 3
    (cd "$scratch/$name" && spin -k "$model.pml.trail" "$@" "$models/$model.pml" 2>&1) | in_words
}

# Prints: RESULT NAME STATES SECONDS, and for a failure why.
check_one() {
    local name=$1 model=$2 expected=$3 folder=$scratch/$1 log states seconds result=ok why="" kind=-DSAFETY option=""
    if [ "$expected" = ends ]; then kind=-DNP option=-l; fi
    shift 3
    mkdir -p "$folder"
    log=$folder/pan.log
    (
        cd "$folder"
        spin "$@" -a "$models/$model.pml" >spin.log 2>&1 &&
            gcc -O1 -w "$kind" -DNOCLAIM -DVECTORSZ=1024 -o pan pan.c >>spin.log 2>&1
    ) || { echo "failed $name 0 0 Spin or gcc refuses the model: $(tail -n 1 "$folder/spin.log")" && return; }
    (cd "$folder" && ./pan ${option:+"$option"} -m1000000 -w22 >pan.log 2>&1) || true
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$log" | head -n 1)
    seconds=$(sed -n 's/^pan: elapsed time \([0-9.]*\).*/\1/p' "$log")
    if [ "$expected" = holds ] || [ "$expected" = ends ]; then
        grep -q 'errors: 0' "$log" || { result=failed why=$(grep -m 1 '^pan:1' "$log" || echo "no result"); }
        # A search that was cut short proves nothing.
        if grep -qE 'too small|not completed|out of memory|reached -DMEMLIM|Warning' "$log"; then
            result=failed why="the search was cut short"
        fi
    elif ! grep -qE "^pan:1: $(said "$expected")" "$log"; then
        result=failed why="expected $expected to be broken; $(grep -m 1 '^pan:1' "$log" || echo "it holds")"
    fi
    echo "$result $name ${states:-0} ${seconds:-0} $why"
}

large=no only="" story="" jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
    --large) large=yes ;;
    --only) only=${2:?--only needs a name} && shift ;;
    --story) story=${2:?--story needs a name} only=$2 && shift ;;
    --jobs) jobs=${2:?--jobs needs a number} && shift ;;
    -h | --help) usage && exit 0 ;;
    *) echo "check.sh: unknown option $1; try --help" >&2 && exit 2 ;;
    esac
    shift
done
command -v spin >/dev/null || { echo "check.sh: no spin: run deploy/install.sh test" >&2 && exit 1; }
models=$PWD
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-model.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export models scratch
export -f check_one said

rows | awk -v only="$only" 'index($1, only) == 1' >"$scratch/rows"
[ -s "$scratch/rows" ] || { echo "check.sh: no row begins with $only" >&2 && exit 2; }
failed=0
# What takes longest stands first in the table.
while read -r result name states seconds why; do
    printf '%-28s %12s %8s\n' "$name" "$states" "$seconds" >>"$scratch/table"
    expected=$(awk -v name="$name" '$1 == name {print $3}' "$scratch/rows")
    case $expected in
    holds) what="$name: every property holds" ;;
    ends) what="$name: every run ends" ;;
    *) what="$name: $expected is found broken" ;;
    esac
    if [ "$result" = ok ]; then
        echo "ok $what"
    else
        echo "not ok $what: $why"
        failed=1
    fi
done < <(xargs -P "$jobs" -L 1 bash -c 'check_one "$@"' check_one <"$scratch/rows")
echo
printf '%-28s %12s %8s\n' row states seconds
sort "$scratch/table"
if [ -n "$story" ]; then
    echo
    # shellcheck disable=SC2046  # the row's words
    tell $(head -n 1 "$scratch/rows")
fi
exit $failed
