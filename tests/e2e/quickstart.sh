#!/usr/bin/env bash
# The first command, as a newcomer runs it: every step is shown, nothing is left behind, not even after an interrupt; --keep and --stop.
# shellcheck disable=SC2317  # functions are called by verdict
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
quickstart=$root/deploy/quickstart.sh

scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-quickstart-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
# A space, and another working directory: both are somebody's.
export TMPDIR="$scratch/a folder"
mkdir "$TMPDIR"
cd "$TMPDIR"
code=0
out=$scratch/out

# verdict NAME COMMAND…: one line a test.
verdict() {
    local name=$1
    shift
    if "$@"; then echo "ok $name"; else
        echo "not ok $name"
        code=1
        sed 's/^/# /' "$out"
    fi
}

says() { grep -q -E -- "$1" "$out"; }
# Whoever has the folder in the command line; the pattern is in a file so that grep does not find itself.
printf '%s' "$TMPDIR" >"$scratch/pattern"
runs() { grep -q -s -a -F -f "$scratch/pattern" /proc/[0-9]*/cmdline; }
nothing_is_left() { ! runs && [ -d "$TMPDIR" ] && [ -z "$(ls -A "$TMPDIR")" ]; }

ended=0
"$quickstart" --people 30 >"$out" 2>&1 || ended=$?
verdict "quickstart ends well" test $ended = 0
verdict "quickstart announces a joiner" says '^created +Ada Lovelace .* new hire, Analyst'
verdict "quickstart invites a joiner" says '^Ada Lovelace +Invite pending +Analyst'
verdict "quickstart shows a promotion" says '^profile-updated .* job title: .* → Lead '
verdict "quickstart shows a move" says '^team-changed .* team .* → '
verdict "quickstart shows a renamed team" says 'is now called Moonshots'
verdict "quickstart renames a team at Learn Amp once" says '^Moonshots +[0-9]+ +1$'
verdict "quickstart shows a leaver" says ' Deactivated '
verdict "quickstart shows a rehire" says '^created .* rehire, Advisor'
verdict "quickstart ends with Learn Amp equal to HR" says '^Learn Amp equals HR in every field'
verdict "quickstart leaves nothing behind" nothing_is_left

"$quickstart" --people 30 >"$out" 2>&1 &
pid=$!
until says '^A joiner' || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
kill -TERM $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
verdict "quickstart leaves nothing behind when it is interrupted" nothing_is_left

if [ -e "$root/build/quickstart.kept" ]; then echo "skip quickstart --keep: somebody keeps one" && exit $code; fi
"$quickstart" --people 30 --keep >"$out" 2>&1 || code=1
verdict "quickstart --keep leaves it running" runs
verdict "quickstart --keep says how to end it" says 'quickstart.sh --stop'
verdict "quickstart --keep names the status page" says 'The status page, in a browser: http://127.0.0.1:'
"$quickstart" --stop >"$out" 2>&1 || code=1
verdict "quickstart --stop ends all of it" nothing_is_left
exit $code
