#!/usr/bin/env bash
# The source is written to between an interruption and the next run, and between verify and promote.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sample_databases
for mode in delete wal; do
    rm -rf home b.db a.db
    cp a.before a.db
    cp b.before b.db
    sqlite3 a.db "PRAGMA journal_mode = $mode" >mode.out

    # after a part was copied: what changed is copied again, what did not is kept, and it says which
    STOPOVER_FAULT=kill:4:writer.commit expect 137 run m --from sqlite:a.db --to sqlite:b.db --jobs 1 --chunk-size 4KiB
    sqlite3 a.db "UPDATE prices SET cents = cents + 1; INSERT INTO users (email) VALUES ('late@example.org')
        RETURNING 1; DELETE FROM log WHERE rowid = -5" >write.out
    oracle_expect a.db expected.db || die "expected"
    expect 0 run m
    phase_is m promoted
    expect 0 finish m --yes
    oracle_equal expected.db b.db "$mode: changed while copying" || exit 1

    # after everything was verified: promote refuses, accepts when told, --again brings the new state
    rm -rf home b.db
    cp b.before b.db
    expect 0 run m --from sqlite:a.db --to sqlite:b.db --stop-after verified
    cp a.db a.verified
    [ ! -e a.db-wal ] || cp a.db-wal a.verified-wal
    sqlite3 a.db "UPDATE users SET name = 'newer' WHERE id = 3"
    expect 5 run m
    one_error
    says 'written to since'
    phase_is m verified
    expect 0 stage m --again --table users
    expect 0 run m
    phase_is m promoted
    [ "$(oracle_sql b.db 'SELECT name FROM users WHERE id = 3')" = newer ] || die "the new state is not there"
    expect 0 finish m --yes
    oracle_expect a.db expected.db || die "expected"
    oracle_equal expected.db b.db "$mode: --again" || exit 1

    rm -rf home b.db
    cp b.before b.db
    expect 0 run m --from sqlite:a.db --to sqlite:b.db --stop-after verified
    sqlite3 a.db "UPDATE users SET name = 'newest' WHERE id = 3"
    expect 0 run m --accept-stale-source
    phase_is m promoted
    [ "$(oracle_sql b.db 'SELECT name FROM users WHERE id = 3')" = newer ] || die "not the state of the snapshot"
    expect 0 finish m --yes

    # a changed structure is refused, with the way on
    rm -rf home b.db
    cp b.before b.db
    STOPOVER_FAULT=kill:3:writer.commit expect 137 run m --from sqlite:a.db --to sqlite:b.db --jobs 1
    sqlite3 a.db "CREATE TABLE added_$mode (x)"
    expect 5 run m
    one_error
    expect 0 rollback m
    expect 0 run m
    phase_is m promoted
    expect 0 finish m --yes
    oracle_expect a.db expected.db || die "expected"
    oracle_equal expected.db b.db "$mode: a new table" || exit 1
done
echo "no state is mixed with another"
