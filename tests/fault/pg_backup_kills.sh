#!/usr/bin/env bash
# A backup of PostgreSQL by several workers, killed again and again, each time a little later, and then
# its restore likewise: both end as if nothing had happened.
# label: soak
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_fixture pg_people.sql

# Kills by count of fault points, so that every try comes further than the one before.
until_done() { # COMMAND...
    local kills=0 status
    while :; do
        STOPOVER_FAULT=kill:$((40 + kills * 60)) "$STOPOVER" "$@" --jobs 4 --chunk-size 64KiB >out 2>err </dev/null
        status=$?
        [ $status -eq 137 ] || break
        kills=$((kills + 1))
    done
    [ $status -eq 0 ] || die "exit $status after $kills kills: $*"
    [ $kills -ge 3 ] || die "only $kills kills: $*"
    echo "$kills kills: stopover $1 $2"
}

until_done backup create people --from "$(pg_uri source people)"
expect 0 backup verify people
says 'people: whole'
[ -z "$(find "$STOPOVER_HOME/backups-in-work" -type f)" ] || die "a journal was left"
until_done backup restore people --to "$(pg_uri target people)"
phase_is restore-people promoted
expect 0 finish restore-people --yes
pg_equal target people control_people || die "after kills"
