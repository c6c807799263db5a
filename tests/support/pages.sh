#!/usr/bin/env bash
# The pages that a program writes from its own tables: written again, or with --check compared with what is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=${RC_BIN:-build/bin}

# Where it lies, and what prints it.
pages=(
    "docs/configuration.md:rollcall-producer config --reference"
)

code=0
for entry in "${pages[@]}"; do
    page=${entry%%:*}
    read -r -a command <<<"${entry#*:}"
    if [ "${1:-}" != --check ]; then
        "$bin/${command[0]}" "${command[@]:1}" >"$page.part" && mv "$page.part" "$page"
        echo "wrote $page"
    elif "$bin/${command[0]}" "${command[@]:1}" | diff -u "$page" - ; then
        echo "$page is fresh"
    else
        echo "$page is not what ${command[*]} prints: run tests/support/pages.sh" >&2
        code=1
    fi
done
exit $code
