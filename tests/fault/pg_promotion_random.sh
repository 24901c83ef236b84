#!/usr/bin/env bash
# PostgreSQL: promote, rollback, run and finish with the program, its session, the server and the link
# killed at random moments.
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/pg_promotion_kills.sh"
pg_promotion_kills 3
