#!/usr/bin/env bash
# A promotion that waits for a file: it comes when the file does; a stop, and a source that was written
# to, end the wait, and the phase stays verified; it is remembered until the promotion.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sqlite3 -batch a.db <<'SQL'
CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT);
INSERT INTO t VALUES (1, 'new'), (2, 'new');
SQL
sqlite3 -batch b.db "CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT); INSERT INTO t VALUES (1, 'old')"
ends=(--from sqlite:a.db --to sqlite:b.db)

live() { # WORDS
    [ "$(sqlite3 b.db 'SELECT group_concat(DISTINCT words) FROM t')" = "$1" ] || die "what is live is not $1"
}

begin() { # COMMAND...: in the background, until it waits
    "$STOPOVER" "$@" >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null &
    driver=$!
    for _ in $(seq 100); do
        ! grep -q 'waits for the file' "$TMPDIR/err" || return 0
        sleep 0.1
    done
    die "it does not wait: $*"
}

ended() { # EXIT
    local status
    wait $driver
    status=$?
    [ $status -eq "$1" ] || die "exit $status instead of $1"
}

expect 2 run shop "${ends[@]}" --when-file "$TMPDIR/nowhere/go"
one_error
says 'no folder'
expect 2 run shop "${ends[@]}" --when-file go --now
no_migration shop

begin run shop "${ends[@]}" --when-file go
live old
phase_is shop verified
json_is '$.status.promotion_waits_for' "$TMPDIR/go"
expect 0 stop shop
wait $driver
[ $? -eq 3 ] || die "a stop is not exit 3"
phase_is shop verified

# whoever takes it up again waits, too, and is ended by a signal
begin run shop
kill -TERM $driver
ended 3
says 'stopover run shop'
phase_is shop verified
live old

begin promote shop
sleep 1
live old
touch go
ended 0
says 'is there: going on'
phase_is shop promoted
json_is '$.status.promotion_waits_for' ''
live new

# it is not asked for again; a file that is there already is no wait
expect 0 rollback shop --yes
live old
expect 0 run shop --stop-after verified --when-file "$TMPDIR/later"
expect 0 promote shop --now
says_not 'waits for'
live new
expect 0 rollback shop --yes
expect 0 run shop --when-file go
says_not 'waits for'
says 'is there'
live new

# the source is written to meanwhile: said at once, while there is time to copy again
expect 0 rollback shop --yes
begin run shop --when-file later
sqlite3 a.db "INSERT INTO t VALUES (3, 'newest')"
ended 5
one_error
says 'while waiting.*written to since'
phase_is shop verified
live old
expect 0 stage shop --again
touch later
expect 0 run shop
[ "$(sqlite3 b.db 'SELECT count(*) FROM t')" = 3 ] || die "the newest row is not live"
expect 0 finish shop --yes

# the copied rows stand, whatever becomes of the source
rm -f go
cp b.db a.before
expect 0 run stale --from sqlite:a.db --to sqlite:c.db --stop-after verified
sqlite3 a.db "DELETE FROM t"
begin promote stale --when-file go --accept-stale-source
sleep 6
kill -0 $driver || die "it asks a source that may be stale"
touch go
ended 0
phase_is stale promoted
echo "it waits for the file, for nothing else, and not for ever"
