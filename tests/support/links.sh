#!/usr/bin/env bash
# Every file that a page of ours links to is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

code=0
while IFS=: read -r page target; do
    target=${target%%#*}
    if [ -n "$target" ] && [ ! -e "$(dirname "$page")/$target" ]; then
        echo "$page: error: links to $target, which is not there"
        code=1
    fi
done < <(find . -name '*.md' -not -path './build*' -print0 | xargs -0 grep -oHE '\]\([^):]+\)' | sed -E 's/:\]\((.*)\)$/:\1/')
exit $code
