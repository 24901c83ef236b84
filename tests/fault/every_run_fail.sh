#!/usr/bin/env bash
# A whole migration, every single fault point: fail.
# label: soak
# timeout: 3600
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
MATRIX=every matrix_whole_run fail
