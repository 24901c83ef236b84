#!/usr/bin/env bash
# A whole migration, each fault point: kill.
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
matrix_begin
matrix_run kill promoted run shop "${matrix_ends[@]}" --jobs 1 --chunk-size 4KiB --retry-for 30s
