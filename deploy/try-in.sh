#!/usr/bin/env bash
# Tries a command of this repository in an empty Debian: a minimal system in a folder, with nothing but packages to reach.
set -euo pipefail

usage() {
    cat <<'END'
Usage: deploy/try-in.sh bookworm|trixie [--keep | --prepare] [COMMAND…]

  COMMAND    what to run there, in a copy of this tree; deploy/quickstart.sh if none is given
  --keep     leave the system's folder, and say where it is
  --prepare  only make the empty system, and print the path of its archive

Needs root, debootstrap and about 2 GB under $TMPDIR. The empty system and the packages it downloads are kept in
${XDG_CACHE_HOME:-~/.cache}/rollcall for the next time.
END
}

die() {
    echo "try-in.sh: $*" >&2
    exit 1
}

keep=no
prepare=no
release=${1:-}
case $release in
bookworm | trixie) shift ;;
-h | --help) usage && exit 0 ;;
*) usage >&2 && exit 2 ;;
esac
case ${1:-} in
--keep) keep=yes && shift ;;
--prepare) prepare=yes && shift ;;
esac
[ $# -gt 0 ] || set -- bash deploy/quickstart.sh
[ "$(id -u)" = 0 ] || die "needs root: debootstrap and chroot do"
command -v debootstrap >/dev/null || die "no debootstrap: run deploy/install.sh image"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall
empty=$cache/debian-$release.tar
debs=$cache/debian-$release-packages
mkdir -p "$debs/partial"
system=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-$release.XXXXXX")

clean_up() {
    if [ $keep = yes ]; then
        echo "the system is in $system"
    else
        rm -rf --one-file-system "$system"
    fi
}
trap clean_up EXIT

# Debian's debootstrap of the release before does not know the next one by name; both are made alike.
if [ ! -f "$empty" ]; then
    echo "making an empty Debian ($release)" >&2
    script=/usr/share/debootstrap/scripts/$release
    [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
    debootstrap --variant=minbase "$release" "$system" "" "$script" >"$cache/debootstrap.log" 2>&1 || {
        tail -n 20 "$cache/debootstrap.log" >&2
        die "debootstrap failed; the whole log is $cache/debootstrap.log"
    }
    rm -rf "$system"/var/cache/apt/archives/*.deb
    tar -C "$system" --one-file-system -cf "$empty.part" .
    mv "$empty.part" "$empty"
fi
if [ $prepare = yes ]; then echo "$empty" && exit 0; fi
if [ ! -e "$system/bin" ]; then tar -C "$system" -xf "$empty"; fi

mkdir -p "$system/root/rollcall"
(cd "$root" && git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - --ignore-failed-read) |
    tar -C "$system/root/rollcall" -xf -
cp /etc/resolv.conf /etc/hosts "$system/etc/"

# Mounts and processes live in namespaces of their own and end with them, whatever happens here.
# shellcheck disable=SC2016  # expanded inside
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin unshare --mount --pid --fork --kill-child bash -c '
    set -e
    system=$1 debs=$2
    shift 2
    mount -t proc proc "$system/proc"
    mount --rbind /dev "$system/dev"
    mount --make-rslave "$system/dev"
    mount -t tmpfs tmpfs "$system/tmp"
    mount --bind "$debs" "$system/var/cache/apt/archives"
    exec chroot "$system" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        TERM="${TERM:-dumb}" bash -c "cd /root/rollcall && exec \"\$@\"" command "$@"
' in-debian "$system" "$debs" "$@"
