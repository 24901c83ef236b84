#!/usr/bin/env bash
# No marks for later in the sources: what is to be done is done, or is an issue.
set -u
. "$(dirname "$0")/files.sh"
found=$(repository_files '*.c' '*.h' '*.sh' 'tools/test' 'tools/demo' 'tools/coverage' |
    xargs -r -d '\n' grep -nwE 'T[O]DO|F[I]XME|X[X]X' /dev/null)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
