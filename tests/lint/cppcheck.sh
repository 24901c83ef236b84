#!/usr/bin/env bash
# cppcheck over the production sources; its findings per file are kept in the build folder.
# timeout: 900
set -u
. "$(dirname "$0")/files.sh"
# Other releases judge differently, so there the check is skipped.
if ! cppcheck --version 2>/dev/null | grep -qx 'Cppcheck 2\.10'; then
    echo "skipped: cppcheck 2.10 is not installed"
    exit 77
fi
cache=$BUILD_DIR/lint-cache/cppcheck
mkdir -p "$cache"
list=$cache.files
production_sources >"$list"
[ -s "$list" ] || exit 0
# Leaks are left to ASan and clang-tidy, because cppcheck does not know the cleanup attribute;
# incorrectLogicOperator, because it misreads hexadecimal floating constants; readdirCalled, because
# readdir is safe here and its replacement is deprecated.
cppcheck --file-list="$list" --quiet -j 2 --cppcheck-build-dir="$cache" --error-exitcode=1 \
    --enable=warning,performance,portability --inline-suppr --std=c11 --library=posix --library=gnu \
    --library=tests/lint/cppcheck.cfg --suppress=memleak --suppress=resourceLeak \
    --suppress=incorrectLogicOperator --suppress=readdirCalled \
    -D_GNU_SOURCE -DFAULT_POINTS -I . -I "$BUILD_DIR/generated" \
    --suppress=missingInclude --suppress=missingIncludeSystem --template=gcc
