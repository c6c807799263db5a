#!/usr/bin/env bash
# schemas/asyncapi.yaml, which subscribers read: valid, and the same as the sources.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
modules=$(tests/support/node.sh tests/support/asyncapi)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-asyncapi.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
# Node.js looks for its modules beside the program.
cp tests/support/asyncapi/check.mjs tests/support/asyncapi/package.json "$scratch"
ln -s "$modules/node_modules" "$scratch/node_modules"
node "$scratch/check.mjs" "$PWD"
