#!/usr/bin/env bash
# A PostgreSQL promotion that waits for a file: upkeep and other databases do not end the wait, servers
# that restart meanwhile do not either; a source that differs does, and what came between in the target
# is seen when the file is there.
# timeout: 300
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
for side in source target; do
    pg_sql $side postgres -c 'CREATE DATABASE people'
    pg_sql $side people -o /dev/null <<SQL || die "$side"
CREATE TABLE orders (id serial PRIMARY KEY, words text);
INSERT INTO orders (words) SELECT '$side' FROM generate_series(1, 100);
SQL
done
pg_ends people

live() { # WORDS
    [ "$(pg_sql target people -c "SELECT DISTINCT words FROM orders")" = "$1" ] || die "what is live is not of the $1"
}

begin() { # COMMAND...: in the background, until it waits
    "$STOPOVER" "$@" >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null &
    driver=$!
    for _ in $(seq 200); do
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
    ! grep -qE 'Sanitizer|runtime error' "$TMPDIR/err" || die "sanitizer"
}

still_waits() { # SECONDS
    sleep "$1"
    kill -0 $driver 2>/dev/null || die "it does not wait any more"
}

# upkeep is compared and passed over; a source that restarts is asked again, a target too
begin run shop "${ends[@]}" --when-file go
pg_sql source people -c 'ANALYZE orders' -c 'CREATE DATABASE other'
for _ in $(seq 150); do
    ! grep -q 'nothing differs' "$TMPDIR/err" || break
    sleep 0.1
done
says 'nothing differs'
pg_stop source
still_waits 11
says 'asked again'
pg_launch source
pg_restart target
still_waits 6
live target
touch go
ended 0
phase_is shop promoted
live source
expect 0 rollback shop --yes
live target

# the source differs: said while there is time
rm go
begin run shop --when-file go
pg_sql source people -c "UPDATE orders SET words = 'newer' WHERE id = 1"
ended 5
one_error
says 'while waiting for the file .*written to since.*orders'
says_not 'newer'
phase_is shop verified
expect 0 stage shop --again
expect 0 verify shop
pg_sql source people -c "UPDATE orders SET words = 'source'"
expect 0 stage shop --again
expect 0 verify shop

# the target got something in the way meanwhile: refused when the file is there, nothing has changed
begin promote shop
pg_sql target people -o /dev/null -c 'CREATE MATERIALIZED VIEW summary AS SELECT count(*) FROM orders'
touch go
ended 5
says 'summary'
phase_is shop verified
live target
pg_sql target people -c 'DROP MATERIALIZED VIEW summary'
expect 0 promote shop
live source
expect 0 finish shop --yes
echo "it waits through upkeep and restarts, and for nothing that is lost"
