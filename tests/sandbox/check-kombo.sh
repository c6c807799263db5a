#!/usr/bin/env bash
# Is the sandbox's Kombo like the real one? Asks Kombo's own client, and Prism with Kombo's own description.
# The programs are taken from RC_BIN (default build/bin); npm packages are installed once into a cache.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${RC_BIN:-$here/../../build/bin}
version=$(cksum <"$here/contract/package.json" | cut -d' ' -f1)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall/contract-$version

for tool in node npm; do
    command -v $tool >/dev/null || { echo "check-kombo.sh: $tool is missing; deploy/install.sh test installs it" >&2 && exit 1; }
done

mkdir -p "$cache"
# The lock outlives no run, and keeps two runs from installing into one another.
exec 8>"$cache/.lock"
flock 8
if [ ! -e "$cache/.installed" ]; then
    cp "$here/contract/package.json" "$cache/"
    npm install --prefix "$cache" --no-audit --no-fund --loglevel=error >&2
    touch "$cache/.installed"
fi
flock -u 8

scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-contract.XXXXXX")
sandbox=""
finish() {
    local code=$?
    trap - EXIT
    if [ -n "$sandbox" ]; then kill "$sandbox" 2>/dev/null || true; wait "$sandbox" 2>/dev/null || true; fi
    rm -rf "$scratch"
    exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

"$bin/rollcall-sandbox" --people 700 --seed 11 --quirks --ready-file "$scratch/ready.json" >"$scratch/sandbox.log" 2>&1 &
sandbox=$!
until [ -e "$scratch/ready.json" ]; do
    kill -0 "$sandbox" 2>/dev/null || { cat "$scratch/sandbox.log" >&2 && exit 1; }
    sleep 0.05
done

cp "$here/contract/check.mjs" "$cache/"
cd "$cache"
node check.mjs "$scratch/ready.json" "$here/contract/kombo-hris.openapi.json"
