#!/usr/bin/env bash
# Ctrl-C, SIGTERM, a closed terminal and `stop` end cleanly and resume; a second run is refused.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sqlite3 -batch a.db <<'SQL'
CREATE TABLE t (id INTEGER PRIMARY KEY, payload TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
INSERT INTO t SELECT i, hex(randomblob(30)) FROM n;
CREATE INDEX t_payload ON t (payload);
SQL
begin() { # NAME: starts a slow run in the background and waits until it copies
    rm -f b.db
    "$STOPOVER" run "$1" --from sqlite:a.db --to sqlite:b.db --chunk-size 64KiB --max-rate 500KiB \
        >bg.out 2>bg.err </dev/null &
    driver=$!
    for _ in $(seq 100); do
        "$STOPOVER" status "$1" --json >out 2>/dev/null &&
            [ "$(sqlite3 :memory: "SELECT json_extract(readfile('out'), '\$.status.progress.chunks_done') > 0")" = 1 ] &&
            return
        sleep 0.1
    done
    cat bg.err
    die "$1 does not copy"
}
stopped() { # NAME
    wait $driver
    status=$?
    [ $status -eq 3 ] || { cat bg.out bg.err; die "$1: exit $status instead of 3"; }
    grep -q "stopover run $1" bg.out bg.err || { cat bg.out bg.err; die "$1: does not say how to go on"; }
    phase_is "$1" prepared
    expect 0 run "$1" --max-rate 0
    phase_is "$1" promoted
    expect 0 finish "$1" --yes
    oracle_equal a.db b.db "$1" || exit 1
}

for signal in INT TERM HUP; do
    begin "s$signal"
    kill -$signal $driver
    stopped "s$signal"
    echo "SIG$signal: stopped and resumed"
done

begin command
expect 11 run command
one_error
says "$driver"
expect 11 rollback command --yes
expect 11 forget command --yes
expect 0 status command
says 'running|driver'
expect 0 stop command
says 'prepared'
stopped command
expect 0 stop command
says 'not running|nothing'
echo "stop: stopped and resumed"

# the terminal is closed: nobody reads any more
rm -f b.db
(
    "$STOPOVER" run closed --from sqlite:a.db --to sqlite:b.db --chunk-size 64KiB --max-rate 2MiB 2>&1
    echo $? >closed.exit
) </dev/null | head -c 1 >closed.out
for _ in $(seq 200); do
    [ -e closed.exit ] && break
    sleep 0.1
done
expect 0 run closed --max-rate 0
phase_is closed promoted
expect 0 finish closed --yes
oracle_equal a.db b.db "closed output" || exit 1

# a second signal ends at once, and that is safe too
begin twice
kill -INT $driver
kill -INT $driver 2>/dev/null
wait $driver
expect 0 run twice --max-rate 0
expect 0 finish twice --yes
oracle_equal a.db b.db "two signals" || exit 1
echo "every stop is clean"
