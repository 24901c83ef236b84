#!/usr/bin/env bash
# Readers and writers with prepared statements at work through a promotion and the way back see no error,
# also when autovacuum is in the way and their transactions lock tables in any order. Whoever else is in
# the way is waited for, or named at the end; meanwhile nobody waits behind us for longer than one try.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair autovacuum=on autovacuum_naptime=1
[ -x "${pg_bin[target]}/pgbench" ] || { echo "skipped: no pgbench"; exit 77; }
pg_sql source postgres -c 'CREATE DATABASE people'
pg_sql source people -o /dev/null <<'SQL' || die "the source"
CREATE TABLE a (id integer PRIMARY KEY, n bigint NOT NULL);
CREATE TABLE b (id integer PRIMARY KEY, n bigint NOT NULL);
CREATE TABLE c (id integer PRIMARY KEY, n bigint NOT NULL);
CREATE TABLE notes (id bigserial PRIMARY KEY, a integer REFERENCES a, number bigint);
CREATE SEQUENCE numbers;
INSERT INTO a SELECT n, 0 FROM generate_series(1, 2000) n;
INSERT INTO b SELECT n, 0 FROM generate_series(1, 2000) n;
INSERT INTO c SELECT n, 0 FROM generate_series(1, 2000) n;
CREATE MATERIALIZED VIEW sums AS SELECT sum(n) AS n FROM a;
CREATE FUNCTION bump(integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found_n bigint;
BEGIN
    UPDATE public.c SET n = n + 1 WHERE id = $1 RETURNING n INTO found_n;
    RETURN found_n;
END $$;
SQL
pg_sql target postgres -c 'CREATE DATABASE people'
pg_dump_of source people --no-owner | sed '/transaction_timeout/d' | pg_sql target people -o /dev/null || die "the target"
pg_sql target people -o /dev/null <<'SQL' || die "what lies beside"
CREATE VIEW over_a AS SELECT id, n FROM a;
CREATE TABLE beside (id bigserial PRIMARY KEY, b integer REFERENCES b, at timestamptz DEFAULT now());
SQL
pg_ends people

bench() { # NAME SECONDS CLIENTS, script on stdin: in the background; its transactions' times are logged
    cat >"$1.bench"
    pg_tool target pgbench -n -M prepared -f "$TMPDIR/$1.bench" -c "$3" -j 1 -T "$2" --log --log-prefix="$TMPDIR/$1.log" \
        "$(pg_uri target people)" >"$1.out" 2>"$1.err" &
    benches[$1]=$!
}

bench_ends() { # NAME
    wait "${benches[$1]}" || { cat "$1.err" "$1.out"; die "$1: users saw an error"; }
    ! grep -qiE 'error|aborted' "$1.err" || { cat "$1.err"; die "$1: users saw an error"; }
    grep -q 'number of failed transactions: 0 ' "$1.out" || ! grep -q 'failed transactions' "$1.out" || die "$1: transactions failed"
}

longest() { # NAME: of its transactions, in ms
    cat "$1".log.* | awk '$3 > most { most = $3 } END { printf "%d", most / 1000 }'
}

nobody_waited_longer() { # NAME MS
    local found
    found=$(longest "$1")
    echo "$1: waited for at most $found ms (may: $2)"
    [ "$found" -le "$2" ] || die "$1: somebody waited for $found ms"
}

declare -A benches=()

chmod a+rwx "$TMPDIR" # logs of pgbench, which runs as another user
slack=${SLACK_MS:-400} # of a busy machine

# ---- users at work, in any order, with autovacuum in between ----

expect 0 run shop "${ends[@]}" --stop-after verified
busy_vacuum() { # keeps a worker in b
    pg_sql target people -o /dev/null <<'SQL'
ALTER TABLE b SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0);
INSERT INTO b SELECT n, 0 FROM generate_series(10001, 60000) n;
DELETE FROM b WHERE id > 10000;
SQL
    until [ "$(pg_sql target people -c "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE a.backend_type = 'autovacuum worker' AND l.granted AND l.relation = 'b'::regclass")" -gt 0 ]; do sleep 0.1; done
}
busy_vacuum
bench writers 12 4 <<'SQL'
\set id random(1, 2000)
BEGIN;
UPDATE public.c SET n = n + 1 WHERE id = :id;
SELECT n FROM over_a WHERE id = :id;
\sleep 5 ms
UPDATE public.a SET n = n + 1 WHERE id = :id;
INSERT INTO notes (a, number) VALUES (:id, nextval('numbers'));
COMMIT;
SQL
bench slow 12 2 <<'SQL'
\set id random(1, 2000)
BEGIN;
UPDATE public.c SET n = n WHERE id = 2000 + :client_id;
\sleep 450 ms
UPDATE public.a SET n = n WHERE id = 2000 + :client_id;
COMMIT;
\sleep 300 ms
SQL
bench readers 12 2 <<'SQL'
\set id random(1, 2000)
SELECT a.n, b.n, c.n, sums.n FROM a JOIN b USING (id) JOIN c USING (id) CROSS JOIN sums WHERE id = :id;
SQL
bench others 12 2 <<'SQL'
\set id random(1, 2000)
SELECT bump(:id);
INSERT INTO beside (b) VALUES (:id);
SQL
sleep 1
expect 0 promote shop --promote-deadline 60s
says 'others waited for'
grep 'others waited' err
expect 0 rollback shop --yes --promote-deadline 60s
says 'others waited for'
grep 'others waited' err
for name in writers slow readers others; do bench_ends $name; done
nobody_waited_longer readers $((300 + slack))
[ "$(pg_sql target people -c "SELECT (SELECT count(*) FROM notes) > 0 AND (SELECT bool_and(convalidated) FROM pg_constraint WHERE contype = 'f')")" = t ] ||
    die "keys are not valid"

# ---- who does not let go ----

expect 0 run shop --stop-after verified
in_the_way() { # NAME SECONDS SQL
    pg_sql target people -o /dev/null -c "SET application_name = '$1'" -c "BEGIN; $3; SELECT pg_sleep($2); COMMIT" 2>/dev/null &
    blocker=$!
    until [ "$(pg_sql target people -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1' AND wait_event = 'PgSleep'")" = 1 ]; do sleep 0.05; done
}

third() { # SECONDS: a session that would queue
    bench third "$1" 1 <<'SQL'
\set id random(1, 2000)
SELECT a.n, b.n, c.n, sums.n FROM a JOIN b USING (id) JOIN c USING (id) CROSS JOIN sums WHERE id = :id;
\sleep 10 ms
SQL
}

given_up() { # WHO [SQL]: a clear exit 3, and nobody queued
    [ -z "${2:-}" ] || in_the_way "$1" 60 "$2"
    third 2
    expect 3 promote shop --promote-deadline 1s --lock-timeout 250
    one_error
    says "could not be locked"
    says "$1"
    says 'Nothing was changed'
    phase_is shop verified
    [ -z "${2:-}" ] || {
        pg_sql target people -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '$1'"
        wait "$blocker"
    }
    bench_ends third
    nobody_waited_longer third $((250 + slack))
    rm -f third.log.*
}

given_up 'long reader' 'SELECT count(*) FROM a'
given_up 'idle writer' 'UPDATE c SET n = n WHERE id = 1'
given_up 'manual lock' 'LOCK TABLE b IN ACCESS SHARE MODE'
given_up 'manual share' 'LOCK TABLE beside IN SHARE ROW EXCLUSIVE MODE'
given_up 'reader of sums' 'SELECT * FROM sums'
given_up 'user of numbers' "SELECT nextval('numbers')"

# a session that is idle in its transaction is named with its state
mkfifo idle.in
pg_sql target people -o /dev/null <idle.in 2>/dev/null &
idle=$!
exec 7>idle.in
echo "SET application_name = 'gone for lunch'; BEGIN; SELECT count(*) FROM a;" >&7
until [ "$(pg_sql target people -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gone for lunch' AND state = 'idle in transaction'")" = 1 ]; do sleep 0.05; done
given_up '"gone for lunch", idle in transaction'
exec 7>&-
wait $idle

# one that ends in time is waited for
in_the_way 'soon gone' 2 'SELECT count(*) FROM a'
third 5
expect 0 promote shop --promote-deadline 60s --lock-timeout 250
wait "$blocker"
expect 0 rollback shop --yes
bench_ends third
nobody_waited_longer third $((250 + slack))
rm -f third.log.*

echo "users at work see a short wait; who is in the way is named"
