#!/usr/bin/env bash
# A whole migration, each fault point: lose.
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
matrix_begin
matrix_run lose promoted run shop "${matrix_ends[@]}" --jobs 1 --chunk-size 4KiB --retry-for 30s
