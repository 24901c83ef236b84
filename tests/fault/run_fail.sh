#!/usr/bin/env bash
# A whole migration, each named fault point first and last: fail.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
matrix_whole_run fail
