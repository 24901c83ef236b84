#!/usr/bin/env bash
# pgvector: columns, arrays, a view, functions, and indexes of both methods with their operator classes.
# With the extension in place, missing, and in another schema.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
. "$STOPOVER_SUPPORT/pg_fetch.sh"
pg_vector_server || { echo "skipped: no pgvector"; exit 77; }
pg_pair prefix="$pg_prefix"
pg_fixture pg_vector.sql
pg_remember
# shellcheck disable=SC2034 # the oracle asks for it
pg_bodies_may_say='OPERATOR\((public|extensions)[.]<=>' # the extension's
expect 0 run kb "${ends[@]}" --stop-after verified --chunk-size 64KiB
pg_verified kb
[ "$(pg_sql target people -c 'SET enable_seqscan = off' -c "SELECT count(*) FROM (SELECT FROM kb_staging_$(pg_id).chunks ORDER BY embedding <=> (SELECT embedding FROM kb_staging_$(pg_id).chunks WHERE id = 1) LIMIT 10) x")" = 10 ] ||
    die "a search by index finds nothing"
expect 0 rollback kb
expect 0 finish kb --yes
pg_nothing_left

pg_sql target postgres -c 'DROP DATABASE people' -c 'CREATE DATABASE people'
pg_sql target people -c 'CREATE SCHEMA extensions' -c 'CREATE EXTENSION vector SCHEMA extensions'
pg_remember
moved() { sed -E 's/"?extensions"?[.]/public./g'; }
expect 0 run elsewhere "${ends[@]}" --stop-after verified --chunk-size 64KiB
pg_verified elsewhere people moved
expect 0 rollback elsewhere

# a server that has no such extension
pg_start bare
expect 5 run nowhere --from "$(pg_uri source people)" --to "$(pg_uri bare postgres)"
one_error
says 'vector'
