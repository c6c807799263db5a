#!/usr/bin/env bash
# Installs what is missing from Debian's own packages (Debian 12 and 13). With nothing missing it takes no time and needs no rights.
set -euo pipefail

usage() {
    cat <<'END'
Usage: deploy/install.sh [build] [test] [image] [--check]

  build    what the programs and the sandbox need to build and run (the default)
  test     what tests/run.sh needs besides: clang, valgrind, Spin, Java and Maven for a real Kafka, Node.js, Python, Chromium, linters,
           kubectl and systemd for what they check
  image    what deploy/image.sh needs: buildah and debootstrap

  --check  install nothing; say what is missing, and exit 1 if anything is
END
}

# One package a word. After a colon: a command that will do in its place, wherever it came from.
build_packages="gcc libc6-dev cmake ninja-build pkgconf:pkg-config ca-certificates tzdata curl:curl jq:jq kcat:kcat
    librdkafka-dev libcurl4-openssl-dev libavro-dev libjansson-dev liblmdb-dev libmicrohttpd-dev
    libyaml-dev libssl-dev uuid-dev libuv1-dev libxxhash-dev check"
image_packages="buildah:buildah debootstrap:debootstrap"

# Debian 12 has clang 14, with which the sources are formatted; elsewhere the distribution's own takes its place; kubectl has another
# name there.
test_packages() {
    local clang="" kubectl=kubectl
    if [ "$(release)" = bookworm ]; then clang=-14 kubectl=kubernetes-client; fi
    echo "clang$clang clang-format$clang clang-tidy$clang libclang-rt${clang:--19}-dev
        cppcheck:cppcheck shellcheck:shellcheck valgrind:valgrind spin:spin git:git procps:ps
        default-jre-headless:java maven:mvn nodejs:node npm:npm python3:python3 python3-venv:python3
        $kubectl:kubectl systemd:systemd-analyze"
}

release() {
    # shellcheck source=/dev/null
    (. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
}

# Prints those of its arguments that are not there.
missing_of() {
    local entry package command
    local -A installed=()
    while read -r package; do installed[$package]=1; done < <(
        # shellcheck disable=SC2016  # dpkg-query's own format
        dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
    for entry in "$@"; do
        package=${entry%%:*}
        command=${entry#"$package"}
        command=${command#:}
        [ -z "${installed[$package]:-}" ] || continue
        if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
        echo "$package"
    done
}

main() {
    local check=no wanted="" argument
    for argument in "$@"; do
        case $argument in
        build) wanted+=" $build_packages" ;;
        test) wanted+=" $build_packages $(test_packages)" ;;
        image) wanted+=" $image_packages" ;;
        --check) check=yes ;;
        -h | --help) usage && exit 0 ;;
        *) echo "install.sh: $argument: no such set of packages" >&2 && usage >&2 && exit 2 ;;
        esac
    done
    [ -n "$wanted" ] || wanted=$build_packages
    command -v dpkg-query >/dev/null || { echo "install.sh: this is no Debian: install the equivalents of: $wanted" >&2; exit 1; }

    local missing
    # shellcheck disable=SC2086  # a list of words
    missing=$(missing_of $wanted | sort -u | tr '\n' ' ')
    missing=${missing% }
    if [ -z "$missing" ]; then return 0; fi
    if [ $check = yes ]; then echo "missing: $missing" && exit 1; fi

    local as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "install.sh: as root, run: apt-get install $missing" >&2; exit 1; }
        as_root=sudo
    fi
    echo "installing: $missing"
    local log
    log=$(mktemp)
    # shellcheck disable=SC2064  # the path as it is now
    trap "rm -f '$log'" EXIT
    # Several installations may start at once (the suite and the quickstart): wait for the lock instead of failing.
    local apt="apt-get -q -y -o DPkg::Lock::Timeout=300"
    # shellcheck disable=SC2086
    if ! { $as_root $apt update &&
        $as_root env DEBIAN_FRONTEND=noninteractive $apt install --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
        tail -n 25 "$log" >&2
        echo "install.sh: apt-get failed; its last words are above. Check the network and /etc/apt/sources.list*" >&2
        exit 1
    fi
}

main "$@"
