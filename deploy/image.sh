#!/usr/bin/env bash
# Builds the image and starts both programs in it, with buildah alone: for machines without a container engine, and for CI.
set -euo pipefail

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
    cat <<'END'
Usage: deploy/image.sh [COMMAND…]

Builds deploy/Dockerfile on a Debian made by debootstrap (no image registry is asked) and runs `--version` of both programs
in the image, or COMMAND. Needs root. Everything is under $TMPDIR and removed at the end.
END
    exit 0
fi
case ${1:-} in -*) echo "image.sh: unknown option $1; try --help" >&2 && exit 2 ;; esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
if [ "$(id -u)" != 0 ]; then echo "image.sh: needs root: debootstrap and chroot do" >&2 && exit 1; fi
bash deploy/install.sh image

scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-image.XXXXXX")
log=$scratch/log
# No configuration or images of this machine: its own storage, no engine, no registry.
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs TMPDIR=$scratch
our_buildah() { buildah --root "$scratch/storage" --runroot "$scratch/run" "$@"; }
clean_up() {
    our_buildah rm --all >/dev/null 2>&1 || true
    rm -rf --one-file-system "$scratch"
}
trap clean_up EXIT

step() {
    echo "$1"
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        tail -n 30 "$log" >&2
        echo "image.sh: that failed; its last words are above" >&2
        exit 1
    }
}

base_image() {
    local archive container
    archive=$(bash deploy/try-in.sh trixie --prepare)
    container=$(our_buildah from scratch)
    our_buildah add -q "$container" "$archive" /
    our_buildah commit -q "$container" docker.io/library/debian:trixie-slim
    our_buildah rm "$container"
}

step "making the base image from Debian's packages" base_image
step "building deploy/Dockerfile" our_buildah bud --pull=never --format docker -t rollcall -f deploy/Dockerfile .
container=$(our_buildah from --pull=never localhost/rollcall)
echo "running in the image, as user $(our_buildah inspect --format '{{.OCIv1.Config.User}}' "$container"):"
if [ $# -gt 0 ]; then
    our_buildah run "$container" -- "$@"
else
    our_buildah run "$container" -- rollcall-producer --version
    our_buildah run "$container" -- rollcall-consumer --version
fi
