# Sourced by tools/test and tools/demo: what a Debian machine (12 or newer) needs, and how to get it.
#   setup_packages "${BUILD_PACKAGES[@]}" "${SERVER_PACKAGES[@]}"
# installs what is missing with apt-get, as root or with sudo, and does nothing when all is there.
# An entry "a|b" is satisfied by either; an entry "?a" is wished for, but may fail.
# shellcheck shell=bash disable=SC2034

BUILD_PACKAGES=(
    build-essential cmake ninja-build pkg-config git
    libsqlite3-dev libpq-dev libarchive-dev libzstd-dev libcjson-dev libssl-dev libxxhash-dev
)
SERVER_PACKAGES=(postgresql sqlite3)
TEST_PACKAGES=(
    libcmocka-dev clang clang-tidy clang-format cppcheck shellcheck zstd jq openssl
    'libclang-rt-14-dev|?libclang-rt-dev'
)
BENCH_PACKAGES=('?pgcopydb') # to be compared with; tests/bench goes without it

# Is one of the alternatives installed?
has_package() {
    local name
    local -a names
    IFS='|' read -ra names <<<"$1"
    for name in "${names[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "${name#\?}" 2>/dev/null)" != installed ] || return 0
    done
    return 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "setup: packages are missing, and neither root nor sudo is at hand to install them" >&2
        return 1
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 \
        install -y -q --no-install-recommends "$@"
}

# The package to ask apt for: the last alternative, without its mark
package_to_install() {
    local name=${1##*|}
    echo "${name#\?}"
}

setup_packages() {
    local entry
    local -a needed=() wished=()
    for entry in "$@"; do
        if has_package "$entry"; then continue; fi
        case $entry in
            *\?*) wished+=("$(package_to_install "$entry")") ;;
            *) needed+=("$(package_to_install "$entry")") ;;
        esac
    done
    [ $((${#needed[@]} + ${#wished[@]})) -gt 0 ] || return 0

    echo "setup: installing ${needed[*]} ${wished[*]}"
    as_root apt-get -o Acquire::Retries=3 update -q || echo "setup: apt-get update failed; going on" >&2
    for entry in "${wished[@]}"; do
        apt_install "$entry" || echo "setup: $entry is not to be had; going on without it" >&2
    done
    if [ ${#needed[@]} -gt 0 ] && ! apt_install "${needed[@]}"; then
        echo "setup: could not install: ${needed[*]}" >&2
        return 1
    fi
}
