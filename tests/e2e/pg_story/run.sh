#!/usr/bin/env bash
# What people really have, into an empty target and into one that already has tables of those names:
# staged, verified, said to be done, and taken back without a trace.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_fixture pg_people.sql
pg_remember

expect 0 plan "${ends[@]}"
says 'customers'
pg_nothing_left
expect 0 run shop "${ends[@]}" --dry-run
no_migration shop
pg_nothing_left

expect 0 run shop "${ends[@]}" --stop-after verified --jobs 4 --chunk-size 64KiB
pg_verified shop
[ "$(pg_sql target people -c "SELECT has_function_privilege('people_reader', p.oid, 'execute') FROM pg_proc p WHERE proname = 'secret'")" = f ] ||
    die "a REVOKE ... FROM PUBLIC was lost"
expect 0 run shop --stop-after verified
says 'nothing to do'
pg_verified shop
for command in prepare stage; do
    expect 0 "$command" shop
    says 'nothing to do'
    phase_is shop verified
done
expect 0 verify shop # looks again
pg_verified shop
expect 0 status shop
says 'verified'
expect 0 status shop --verbose
says 'customers'
expect 0 rollback shop
phase_is shop rolled_back
pg_untouched
[ -z "$(pg_id)" ] || die "staging is left after rollback"
expect 0 rollback shop
says 'nothing to do'
expect 0 finish shop --yes
pg_nothing_left
expect 0 forget shop --yes
no_migration shop

# stage by stage, into a target that holds other things under the same names; the source's extensions
# are in another schema there
pg_sql target postgres -c 'DROP DATABASE people' -c 'CREATE DATABASE people'
pg_sql target people -o /dev/null -f "$STOPOVER_DATA/pg_people_target.sql" || die "the target"
pg_sql target people -c 'CREATE SCHEMA extensions' -c 'CREATE EXTENSION citext SCHEMA extensions' \
    -c 'CREATE EXTENSION hstore SCHEMA extensions' -c 'CREATE EXTENSION pg_trgm SCHEMA extensions' -c 'CREATE EXTENSION btree_gist SCHEMA extensions'
pg_remember
extension_moved() { sed -E 's/"?extensions"?[.]/public./g'; }
expect 0 prepare full "${ends[@]}" --chunk-size 64KiB
phase_is full prepared
pg_untouched
expect 0 stage full --jobs 3
phase_is full staged
expect 0 verify full
pg_verified full people extension_moved
expect 0 stage full --again --table customers
phase_is full staged
expect 0 run full --stop-after verified
pg_verified full people extension_moved
expect 0 rollback full
pg_untouched
expect 0 run full --stop-after verified
pg_verified full people extension_moved
expect 0 rollback full
expect 0 finish full --yes
pg_nothing_left
echo "the whole story holds"
