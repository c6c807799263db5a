#!/usr/bin/env bash
# The sandbox's Kombo against Kombo's own client and Kombo's own description.
exec bash "$(dirname "${BASH_SOURCE[0]}")/../sandbox/check-kombo.sh"
