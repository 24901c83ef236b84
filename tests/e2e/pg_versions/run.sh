#!/usr/bin/env bash
# label: soak
# timeout: 3600
# Every source that the installed pg_dump reads, into every target that is not older: staged, verified,
# compared, taken back. An older target, and a source that is too new for pg_dump, are refused.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
. "$STOPOVER_SUPPORT/pg_versions.sh"
for major in "${pg_majors[@]}"; do pg_major_start "target$major" "$major"; done
pg_sql target18 postgres -c 'CREATE DATABASE other'

refused() { # SOURCE TARGET
    local name=$1_$2
    pg_live "$2" other >live.before
    expect 5 run "$name" --from "$(pg_uri "$1" postgres)" --to "$(pg_uri "$2" other)" --stop-after verified
    one_error
    pg_live "$2" other >live.after
    cmp live.before live.after || die "a refusal changed the target"
}

for major in "${pg_majors[@]}"; do
    source=source$major
    pg_major_start "$source" "$major"
    if [ "$major" -gt "$pg_dump_major" ]; then
        refused "$source" target18
        says "pg_dump.* $major"
    else
        for fixture in small shop people shapes; do
            pg_major_fixture "$source" "$fixture"
            for target in "${pg_majors[@]}"; do
                [ "$target" -lt "$major" ] || pg_major_move "$source" "target$target" "$fixture"
            done
            pg_sql "$source" postgres -c "DROP DATABASE $fixture"
        done
        if [ "$major" -gt 12 ]; then
            older=target$((major - 1))
            pg_sql "$older" postgres -c 'CREATE DATABASE other'
            refused "$source" "$older"
            says "older than the source's $major"
        fi
    fi
    pg_stop "$source"
done
