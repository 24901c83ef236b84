#!/usr/bin/env bash
# What people really have in PostgreSQL: backed up, proven, restored into an empty database and over
# what is live, and taken back.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_fixture pg_people.sql
pg_remember

expect 0 backup create people --from "$(pg_uri source people)" --chunk-size 64KiB
says 'complete: '
expect 0 backup verify people
says 'people: whole'
pg_stop source

expect 0 backup restore people --to "$(pg_uri target people)" --dry-run
pg_untouched
expect 0 backup restore people --to "$(pg_uri target people)"
phase_is restore-people promoted
expect 0 finish restore-people --yes
pg_equal target people control_people || die "restored into an empty database"

# over what is live, and back; one worker, small chunks
pg_sql target postgres -c 'DROP DATABASE people' -c 'CREATE DATABASE people'
pg_sql target people -o /dev/null -f "$STOPOVER_DATA/pg_people_target.sql" || die "the target"
pg_remember
expect 0 backup restore people --to "$(pg_uri target people)" --name over --jobs 1 --chunk-size 64KiB
phase_is over promoted
expect 0 rollback over --yes
expect 0 finish over --yes
pg_untouched

# by tar, zstd, cat and psql alone, as its own README.txt says it
mkdir alone
backup=$(echo "$STOPOVER_HOME"/repository/backups/*-people)
pg_sql target postgres -c 'CREATE DATABASE alone TEMPLATE template0'
(
    cd "$backup" || exit 1
    for part in data/*.tar.zst; do tar --zstd -xf "$part" -C "$TMPDIR/alone" || exit 1; done
    pg_sql target alone -o /dev/null -f schema/pre.sql || exit 1
    (cd "$TMPDIR/alone" && pg_sql target alone -f "$backup/schema/load.sql") || exit 1
    pg_sql target alone -o /dev/null -f schema/post.sql
) || die "restored by hand"
pg_equal target alone control_people || die "restored by hand"
echo "backup and restore of PostgreSQL hold"
