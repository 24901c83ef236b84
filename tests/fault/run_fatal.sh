#!/usr/bin/env bash
# A whole migration, each named fault point first and last: fatal.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
matrix_whole_run fatal
