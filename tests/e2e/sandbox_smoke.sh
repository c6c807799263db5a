#!/usr/bin/env bash
# The sandbox as a program.
exec bash "$(dirname "${BASH_SOURCE[0]}")/../sandbox/smoke.sh"
