#!/usr/bin/env bash
# PostgreSQL: promote, rollback, a new attempt and finish, each named fault point first and last: kill.
# label: soak
# timeout: 3600
set -u
. "$STOPOVER_SUPPORT/pg_promotion_matrix.sh"
pg_matrix_promotion kill
