#!/usr/bin/env bash
# The README of each folder of sources lists every module; that of common/ in the order of their dependencies, those of
# the programs by folder, in the same order.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

code=0
complain() {
    echo "$1/README.md: error: $2"
    code=1
}

# The headers that the tables' first cells name.
# shellcheck disable=SC2016  # back-ticks of Markdown
listed_in() { sed -n 's/^| *\(`[^|]*\) *|.*/\1/p' "$1/README.md" | grep -oE '`[a-z_0-9]+\.[ch]`' | tr -d '`'; }

for folder in common producer consumer; do
    listed=$(listed_in $folder)
    mapfile -t headers < <(find $folder -name '*.h')
    for header in "${headers[@]}"; do
        grep -qx "$(basename "$header")" <<<"$listed" || complain $folder "$(basename "$header") is not listed"
    done
    for name in $listed; do
        [ -n "$(find $folder -name "$name")" ] || complain $folder "$name is listed and not there"
    done
    repeated=$(sort <<<"$listed" | uniq -d)
    [ -z "$repeated" ] || complain $folder "listed twice: $repeated"
done

# A module and what its own files include: its header, its source, and sources named after it (tail_run.c is tail's).
declare -A place=()
number=0
for name in $(listed_in common); do place[${name%.h}]=$((number += 1)); done
for source in common/*.[ch]; do
    module=$(basename "${source%.*}")
    while [ -z "${place[$module]:-}" ] && [[ $module == *_* ]]; do module=${module%_*}; done
    [ -n "${place[$module]:-}" ] || { complain common "$(basename "$source") belongs to no module that is listed" && continue; }
    while read -r used; do
        # Files of one family (kafka*, tail*) include each other's insides.
        if [ "${used%%_*}" = "${module%%_*}" ]; then continue; fi
        if [ "${place[$used]:-0}" -gt "${place[$module]}" ]; then
            complain common "$module stands above $used, which $source includes"
        fi
    done < <(sed -n 's|^#include "common/\(.*\)\.h".*|\1|p' "$source")
done
# A program's folder includes none that stands below it.
for program in producer consumer; do
    # shellcheck disable=SC2016  # back-ticks of Markdown
    mapfile -t order < <(sed -n 's/^| \*\*`\([a-z]*\)\/`.*/\1/p' $program/README.md)
    [ "$(printf '%s\n' "${order[@]}" | sort)" = "$(find $program -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)" ] ||
        complain $program "its folders are not those that are there"
    for ((above = 0; above < ${#order[@]}; above++)); do
        for ((below = above + 1; below < ${#order[@]}; below++)); do
            found=$(grep -rl "^#include \"$program/${order[below]}/" "$program/${order[above]}" || true)
            [ -z "$found" ] || complain $program "${order[above]}/ stands above ${order[below]}/, which ${found//$'\n'/, } includes"
        done
    done
    # A command's folder includes none of another command; each is named in the README.
    for folder in "$program"/commands/*/; do
        name=$(basename "$folder")
        grep -q "^| \`$name/\`: " $program/README.md || complain $program "commands/$name/ is not listed"
        found=$(grep -rE "^#include \"$program/commands/[a-z]+/" "$folder" | grep -v "$program/commands/$name/[a-z_]*.h\"" || true)
        [ -z "$found" ] || complain $program "commands/$name/ includes another command's inside: $found"
    done
done
if [ $code = 0 ]; then echo "every module is listed"; fi
exit $code
