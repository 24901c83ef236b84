#!/usr/bin/env bash
# The same source into newer majors: staged and verified; and what a newer source needs is said.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
. "$STOPOVER_SUPPORT/pg_fetch.sh"
pg_start source
pg_sql source postgres -c 'CREATE DATABASE people'
pg_sql source people -o /dev/null -f "$STOPOVER_DATA/pg_people.sql" || die "the source"
for version in 17.10.0-beta.17 18.4.0-beta.17; do
    pg_newer_server "$version" || { echo "skipped: no PostgreSQL ${version%%.*}"; exit 77; }
    target=target${version%%.*}
    pg_start "$target" prefix="$pg_prefix"
    pg_sql "$target" postgres -c 'CREATE ROLE people_reader' -c 'CREATE DATABASE people'
    pg_control source people "$target" control || die "the control copy"
    pg_live "$target" people >live.before
    name=to${version%%.*}
    expect 0 run "$name" --from "$(pg_uri source people)" --to "$(pg_uri "$target" people)" --stop-after verified --chunk-size 256KiB
    phase_is "$name" verified
    pg_staged_equal "$target" people control || die "the staged copy in $target is not equal"
    pg_live "$target" people >live.after
    cmp live.before live.after || die "what is live has changed"
    expect 0 rollback "$name"
    expect 0 finish "$name" --yes
    echo "PostgreSQL ${version%%.*} as a target"
done

# the other way round, pg_dump of the newer version is missing: said before anything is done
expect 5 run back --from "$(pg_uri target18 people)" --to "$(pg_uri source postgres)"
one_error
says 'pg_dump'
says '18'
