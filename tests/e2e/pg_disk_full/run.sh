#!/usr/bin/env bash
# The target's disk is full: exit 3 with the remedy, nothing lost; with space, the same command completes.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
mkdir -p small
# the scenario needs a file system of its own, which only root can have
[ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=24m,mode=777 tmpfs "$TMPDIR/small" 2>/dev/null || {
    echo "skipped: no small file system can be mounted"
    exit 77
}
unmount() {
    pg_cleanup
    umount "$TMPDIR/small"
}
trap 'ended=$?; unmount; (exit $ended); pg_on_exit' EXIT
pg_start source
pg_start target
pg_fixture pg_people.sql
pg_folder "$TMPDIR/small/space"
pg_sql target postgres -c "CREATE TABLESPACE small LOCATION '$TMPDIR/small/space'" -c "ALTER DATABASE people SET TABLESPACE small"
pg_remember
expect 3 run m "${ends[@]}" --stop-after verified --retry-for 2s --jobs 2
one_error
says 'disk|space'
phase_is m prepared
pg_untouched
expect 3 run m --stop-after verified --retry-for 1s
one_error
mount -o remount,size=400m "$TMPDIR/small"
expect 0 run m --stop-after verified
pg_verified m
expect 0 rollback m
expect 0 finish m --yes
pg_nothing_left
pg_sql target postgres -c "ALTER DATABASE people SET TABLESPACE pg_default"
echo "a full disk is waited for"
