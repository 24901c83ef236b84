#!/usr/bin/env bash
# Functions that overflow, share static state, or start a shell are not called. Comments and strings
# may name them.
set -u
. "$(dirname "$0")/files.sh"
banned='strcpy|strcat|sprintf|vsprintf|strtok|atoi|gmtime|localtime|system|popen|gets'
found=$(repository_files '*.c' '*.h' | xargs -r -d '\n' awk -f tests/lint/strip_c.awk |
    grep -E "(^|[^A-Za-z0-9_.>])($banned)[[:space:]]*\\(")
[ -z "$found" ] || { printf 'banned call: %s\n' "$found"; exit 1; }
