#!/usr/bin/env bash
# cppcheck over the production sources; its findings per file are kept in the build folder.
# timeout: 900
set -u
. "$(dirname "$0")/files.sh"
command -v cppcheck >/dev/null || { echo "skipped: cppcheck is not installed"; exit 77; }
cache=$BUILD_DIR/lint-cache/cppcheck
mkdir -p "$cache"
list=$cache.files
production_sources >"$list"
[ -s "$list" ] || exit 0
cppcheck --file-list="$list" --quiet -j 2 --cppcheck-build-dir="$cache" --error-exitcode=1 \
    --enable=warning,performance,portability --inline-suppr --std=c11 --library=posix --library=gnu \
    -D_GNU_SOURCE -DFAULT_POINTS -I . -I "$BUILD_DIR/generated" \
    --suppress=missingInclude --suppress=missingIncludeSystem --template=gcc
