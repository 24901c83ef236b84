#!/usr/bin/env bash
# PostgreSQL: rollback, stage --again and finish, each named fault point first and last: fail.
# label: soak
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/pg_matrix.sh"
pg_matrix_afterwards fail
