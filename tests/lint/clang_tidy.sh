#!/usr/bin/env bash
# clang-tidy over the production sources: one file per process, two at a time. A file that passed is
# not looked at again until it, a header of ours it includes, its compile command, or .clang-tidy changes.
# timeout: 1500
set -u
. "$(dirname "$0")/files.sh"
tool=$(llvm_tool clang-tidy) || exit 77
commands=$BUILD_DIR/compile_commands.json
cache=$BUILD_DIR/lint-cache/clang-tidy
mkdir -p "$cache"

# What $1 includes, itself first. Every folder counts as ours here, else clang leaves out what lies in
# the system ones, and with them the generated headers.
dependencies() {
    local -a folders
    mapfile -t folders < <(grep -F -- "-c $PWD/$1\"" "$commands" | head -n 1 |
        grep -oE -- '(-isystem |-I)[^ ]+' | sed -E 's/^-(isystem |I)/-I/')
    clang -std=gnu11 -D_GNU_SOURCE -DFAULT_POINTS "${folders[@]}" -MM "$1" |
        sed 's/^[^:]*://; s/\\$//' | tr -s ' ' '\n' | grep .
}

# Hash of everything the verdict on $1 depends on; never the same twice when that is not to be known
fingerprint() {
    set -o pipefail
    {
        "$tool" --version | grep version
        cat .clang-tidy
        grep -F -- "-c $PWD/$1\"" "$commands"
        dependencies "$1" | xargs -d '\n' cat || echo "$BASHPID $RANDOM"
    } | sha256sum | cut -d ' ' -f 1
}

check() {
    local passed
    passed=$cache/$(fingerprint "$1")
    [ ! -e "$passed" ] || return 0
    "$tool" -p "$BUILD_DIR" --quiet --extra-arg=-Wno-unknown-warning-option "$1" 2>"$passed.$$" &&
        touch "$passed"
    local status=$?
    grep -v 'warnings\? generated\.$\|^Suppressed \|^Use -header-filter' "$passed.$$" >&2
    rm -f "$passed.$$"
    return "$status"
}

export -f check fingerprint dependencies
export tool commands cache
production_sources | xargs -r -d '\n' -P 2 -n 1 bash -c 'check "$1"' check
status=$?
find "$cache" -type f -mtime +14 -delete
exit "$status"
