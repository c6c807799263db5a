#!/usr/bin/env bash
# node.sh FOLDER: installs what FOLDER/package.json names into the user's cache, once, and prints the folder that has node_modules.
set -euo pipefail

package=$1/package.json
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall
home=$cache/node-$(sha256sum "$package" | cut -c1-12)

mkdir -p "$cache"
(
    flock 8
    if [ ! -d "$home" ]; then
        rm -rf "$home.part"
        mkdir "$home.part"
        cp "$package" "$home.part"
        # Nothing of what is fetched runs while it is installed.
        npm install --prefix "$home.part" --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error >&2
        mv "$home.part" "$home"
    fi
) 8>"$cache/node.lock"
echo "$home"
