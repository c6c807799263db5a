#!/usr/bin/env bash
# Prints where promtool is: what is installed, else out of Debian's package, unpacked once into the user's cache. It is not installed,
# because that would start a Prometheus on this machine.
set -euo pipefail

if command -v promtool; then exit 0; fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall
home=$cache/prometheus

download() { (cd "$1" && apt-get -q download prometheus) >&2; }

mkdir -p "$cache"
(
    flock 8
    if [ ! -d "$home" ]; then
        rm -rf "$home.part"
        mkdir "$home.part"
        if ! download "$home.part"; then
            # The lists of packages are old, or not there.
            as_root=""
            if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
            $as_root apt-get -q -o DPkg::Lock::Timeout=300 update >&2
            download "$home.part"
        fi
        dpkg-deb --fsys-tarfile "$home.part"/prometheus_*.deb | tar -x -C "$home.part" ./usr/bin/promtool
        rm "$home.part"/prometheus_*.deb
        mv "$home.part" "$home"
    fi
) 8>"$cache/prometheus.lock"
echo "$home/usr/bin/promtool"
