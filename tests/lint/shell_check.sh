#!/usr/bin/env bash
# Every shell script of ours passes shellcheck. It does not follow what is sourced (SC1090, SC1091), so it
# cannot know the variables that come from there (SC2154).
set -u
. "$(dirname "$0")/files.sh"
command -v shellcheck >/dev/null || { echo "skipped: shellcheck is not installed"; exit 77; }
repository_files '*.sh' 'tools/test' 'tools/demo' 'tools/coverage' '.ci/run' |
    xargs -r -d '\n' shellcheck --shell=bash --exclude=SC1090,SC1091,SC2154 --severity=warning
