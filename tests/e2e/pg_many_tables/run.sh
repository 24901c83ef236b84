#!/usr/bin/env bash
# 2,000 tables: killed in the middle, resumed, verified; rolled back in batches.
# label: soak
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair max_locks_per_transaction=512
PG_TABLES=2000 pg_fixture pg_many.sql
pg_remember
started=$SECONDS
STOPOVER_FAULT=kill:1500:postgres.chunk_commit expect 137 run many "${ends[@]}" --stop-after verified --jobs 4
expect 0 run many --stop-after verified --jobs 4
echo "2,000 tables in $((SECONDS - started)) s"
pg_verified many
started=$SECONDS
expect 0 rollback many
expect 0 finish many --yes
pg_nothing_left
echo "rolled back in $((SECONDS - started)) s"
