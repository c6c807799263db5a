#!/usr/bin/env bash
# Runs a Python program of the tests: python.sh FILE ARGUMENT…, with tests/support on its path and with what requirements.txt names,
# which is installed once into a virtual environment of the user's cache.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall
environment=$cache/python-$(sha256sum "$here/requirements.txt" | cut -c1-12)

mkdir -p "$cache"
(
    flock 8
    if [ ! -d "$environment" ]; then
        rm -rf "$environment.part"
        python3 -m venv "$environment.part"
        "$environment.part/bin/python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt" >&2
        mv "$environment.part" "$environment"
    fi
) 8>"$cache/python.lock"

# Not the environment's own interpreter by its scripts: they hold the path from before it was moved.
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$environment/bin/python" "$@"
