#!/usr/bin/env bash
# An autovacuum that prevents wraparound does not give way: it is named, users do not wait, and once it is
# done the same command promotes.
# label: soak
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair autovacuum=off autovacuum_naptime=1 autovacuum_freeze_max_age=100000
[ -x "${pg_bin[target]}/pgbench" ] || { echo "skipped: no pgbench"; exit 77; }
pg_sql source postgres -c 'CREATE DATABASE people'
pg_sql source people -o /dev/null -c 'CREATE TABLE b (id integer PRIMARY KEY, n bigint)' \
    -c 'INSERT INTO b SELECT n, 1 FROM generate_series(1, 2000) n'
pg_sql target postgres -c 'CREATE DATABASE people'
pg_sql target people -o /dev/null -c 'CREATE TABLE b (id integer PRIMARY KEY, n bigint)' \
    -c 'ALTER TABLE b SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)' \
    -c 'INSERT INTO b SELECT n, 0 FROM generate_series(1, 90000) n'
pg_ends people
expect 0 run shop "${ends[@]}" --stop-after verified
echo 'SELECT txid_current()' >xids.sql
chmod a+rwx "$TMPDIR" # logs of pgbench, which runs as another user
pg_tool target pgbench -n -c 4 -t 27000 -f "$TMPDIR/xids.sql" "$(pg_uri target people)" >bench.out 2>&1 || die "using up transactions"
for database in postgres template1; do pg_sql target "$database" -c 'VACUUM (FREEZE)'; done
pg_sql target postgres -c "UPDATE pg_database SET datallowconn = true WHERE datname = 'template0'"
pg_sql target template0 -c 'VACUUM (FREEZE)'
pg_sql target postgres -c 'ALTER SYSTEM SET autovacuum = on' -c 'SELECT pg_reload_conf()' -o /dev/null
for ((tries = 0; tries < 600; tries++)); do
    wraparound=$(pg_sql target people -c "SELECT pid FROM pg_stat_activity JOIN pg_locks l USING (pid) WHERE backend_type = 'autovacuum worker'
        AND query LIKE '%b (to prevent wraparound)' AND l.granted AND l.relation = 'b'::regclass")
    [ -z "$wraparound" ] || break
    sleep 0.1
done
[ -n "$wraparound" ] || die "no vacuum against wraparound came"
echo 'SELECT n FROM b WHERE id = 7' >read.sql
pg_tool target pgbench -n -M prepared -f "$TMPDIR/read.sql" -c 1 -T 7 --log --log-prefix="$TMPDIR/reads" "$(pg_uri target people)" >bench.out 2>&1 &
bench=$!
expect 3 promote shop --promote-deadline 4s
one_error
says "server process $wraparound"
says 'autovacuum that prevents wraparound'
says 'Nothing was changed'
phase_is shop verified
wait $bench || { cat bench.out; die "a reader saw an error"; }
most=$(cat reads.* | awk '$3 > most { most = $3 } END { printf "%d", most / 1000 }')
echo "a reader waited for at most $most ms"
[ "$most" -lt 500 ] || die "a reader waited for $most ms"
pg_sql target postgres -c 'ALTER SYSTEM SET autovacuum = off' -c 'SELECT pg_reload_conf()' -o /dev/null
pg_sql target people -o /dev/null -c "SELECT pg_terminate_backend($wraparound)"
pg_sql target people -o /dev/null -c 'ALTER TABLE b RESET (autovacuum_vacuum_cost_delay, autovacuum_vacuum_cost_limit)' -c 'VACUUM (FREEZE) b'
expect 0 promote shop --promote-deadline 60s
[ "$(pg_sql target people -c 'SELECT sum(n) FROM b')" = 2000 ] || die "what is live is not the source"
expect 0 finish shop --yes
echo "a vacuum against wraparound is let through"
