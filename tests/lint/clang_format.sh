#!/usr/bin/env bash
# Every .c and .h is formatted as .clang-format says. To mend: clang-format -i FILE
set -u
. "$(dirname "$0")/files.sh"
tool=$(llvm_tool clang-format) || exit 77
repository_files '*.c' '*.h' | xargs -r -d '\n' "$tool" --dry-run -Werror
