#!/usr/bin/env bash
# Every header compiles alone, with fault points and without.
set -u
. "$(dirname "$0")/files.sh"

check() {
    local faults
    for faults in "" -DFAULT_POINTS; do
        # shellcheck disable=SC2086 # empty means no option
        printf '#include "%s"\n' "$1" |
            ${CC:-cc} -std=gnu11 -D_GNU_SOURCE $faults -I. -isystem "$BUILD_DIR/generated" \
                -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -fsyntax-only -x c - ||
            { echo "$1: does not compile alone"; return 1; }
    done
}

export -f check
repository_files '*.h' | xargs -r -d '\n' -P 2 -n 1 bash -c 'check "$1"' check
