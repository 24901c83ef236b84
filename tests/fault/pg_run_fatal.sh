#!/usr/bin/env bash
# PostgreSQL: a run to verified, each named fault point first and last: fatal.
# label: soak
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/pg_matrix.sh"
pg_matrix_run fatal
