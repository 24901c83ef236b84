#!/usr/bin/env bash
# Every shell script of ours passes shellcheck.
set -u
. "$(dirname "$0")/files.sh"
command -v shellcheck >/dev/null || { echo "skipped: shellcheck is not installed"; exit 77; }
repository_files '*.sh' 'tools/test' 'tools/demo' 'tools/coverage' '.ci/run' |
    xargs -r -d '\n' shellcheck --shell=bash --exclude=SC1090,SC1091 --severity=warning
