#!/usr/bin/env bash
# The second command: installs, builds, and runs every test, or the parts that are named.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=tests/support/report.sh
. tests/support/report.sh
# shellcheck source=tests/support/parts.sh
. tests/support/parts.sh

all_parts="unit model integration e2e fault sanitizers valgrind fuzz lint image"

usage() {
    cat <<'END'
Usage: tests/run.sh [PART…] [--fuzz-seconds N] [--no-install]

Without a PART, all of them, in this order:
  unit         the modules, one program each, and the inputs the fuzzers once found
  model        the protocol as models, checked exhaustively; each rule taken out must be missed (tests/model/README.md)
  integration  the modules that need a broker, on a real Kafka and a real schema registry (deploy/kafka.sh)
  e2e          both programs as they are installed, against the sandbox and the real Kafka
  fault        the same while programs are killed, stopped and cut off
  sanitizers   unit, integration and e2e again, built with AddressSanitizer and UndefinedBehaviorSanitizer
  valgrind     unit again under valgrind
  fuzz         every parser's fuzzer, one minute in all (--fuzz-seconds N: another time); built with clang
  lint         formatting, warnings at -O3, clang-tidy, cppcheck, shellcheck, generated pages, links and command lines in them,
               files of deploy/
  image        the container image, built and started without an engine (root only)

Logs are kept in build/test-logs/. The last line counts single tests; the exit code is 1 if any failed.
END
}

parts=""
install=yes
fuzz_seconds=60
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --no-install) install=no ;;
    --fuzz-seconds)
        fuzz_seconds=${2:?--fuzz-seconds needs a number}
        shift
        ;;
    -*) echo "run.sh: unknown option $1; try --help" >&2 && exit 2 ;;
    *)
        case " $all_parts " in *" $1 "*) ;; *) echo "run.sh: no part $1; there are: $all_parts" >&2 && exit 2 ;; esac
        parts+=" $1"
        ;;
    esac
    shift
done

mkdir -p build
# A second run in the same tree would mix up both: build folders, logs.
exec 9>build/.tests.lock
flock -n 9 || { echo "run.sh: another run is under way in $root" >&2; exit 1; }
logs=$root/build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-tests.XXXXXX")
# What a test that was killed left behind goes with the rest.
export TMPDIR=$scratch
trap finish EXIT
trap 'exit 130' INT TERM

if [ $install = yes ]; then
    begin install
    if ! bash deploy/install.sh build test; then
        fail_part "the packages could not be installed"
        exit 1
    fi
    progress "everything is there"
fi

for part in ${parts:-$all_parts}; do
    begin "$part"
    "part_$part"
    end_part
done
