#!/usr/bin/env bash
# What a promotion waits for and what it refuses: a source that was written to, by name; sessions in the
# way, by name; users at work, who see nothing but a short wait.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_sql source postgres -c 'CREATE DATABASE people' -c 'CREATE DATABASE other'
pg_sql source people -o /dev/null <<'SQL' || die "the source"
CREATE TABLE accounts (id integer PRIMARY KEY, balance bigint NOT NULL, words text);
INSERT INTO accounts SELECT n, 0, repeat('new ', 20) FROM generate_series(1, 5000) n;
CREATE TABLE history (id serial PRIMARY KEY, account integer NOT NULL REFERENCES accounts, amount integer);
CREATE SEQUENCE numbers;
SQL
pg_sql target postgres -c 'CREATE DATABASE people'
pg_sql target people -o /dev/null <<'SQL' || die "the target"
CREATE TABLE accounts (id integer PRIMARY KEY, balance bigint NOT NULL, words text);
INSERT INTO accounts SELECT n, 0, 'old' FROM generate_series(1, 5000) n;
CREATE TABLE history (id serial PRIMARY KEY, account integer NOT NULL REFERENCES accounts, amount integer);
SQL
pg_ends people

# ---- the source ----

expect 0 run shop "${ends[@]}" --stop-after verified
pg_sql source people -c "UPDATE accounts SET balance = 7 WHERE id = 7"
expect 5 promote shop
one_error
says 'written to since.*table (public\.)?accounts'
says_not 'table (public[.])?history changed'
phase_is shop verified
pg_sql source people -c "UPDATE accounts SET balance = 0 WHERE id = 7"
expect 0 stage shop --again --table accounts
expect 0 verify shop
pg_sql source people -o /dev/null -c "SELECT nextval('numbers')"
expect 5 promote shop
one_error
says 'sequence (public\.)?numbers'
expect 0 stage shop --again
expect 0 verify shop
pg_sql source other -c 'CREATE TABLE elsewhere AS SELECT 1 AS n' # moves the server's horizon
pg_sql source people -c 'ANALYZE'

# ---- sessions in the way ----

pg_sql target people -o /dev/null -c "SET application_name = 'the reader'; BEGIN; SELECT count(*) FROM accounts; SELECT pg_sleep(6)" &
reader=$!
until [ "$(pg_sql target people -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'the reader'")" = 1 ]; do sleep 0.1; done
expect 3 promote shop --promote-deadline 2s --lock-timeout 100
one_error
says 'nothing differs'
says '"the reader"'
says_not 'pg_sleep'
phase_is shop verified
expect 0 promote shop --promote-deadline 60s
says_not 'read again' # it was compared a moment ago
phase_is shop promoted
wait $reader
expect 0 rollback shop --yes
phase_is shop rolled_back

# ---- users at work ----

[ -x "${pg_bin[target]}/pgbench" ] || { echo "no pgbench: users at work are left out"; exit 0; }
cat >"$TMPDIR/work.sql" <<'SQL'
\set id random(1, 5000)
BEGIN;
SELECT balance FROM public.accounts WHERE id = :id;
UPDATE public.accounts SET balance = balance + 1 WHERE id = :id;
INSERT INTO public.history (account, amount) VALUES (:id, 1);
COMMIT;
SQL
expect 0 run shop --stop-after verified
pg_bench() { # SECONDS
    pg_tool target pgbench -n -f "$TMPDIR/work.sql" -c 4 -j 2 -T "$1" "$(pg_uri target people)"
}
pg_bench 12 >"$TMPDIR/bench.out" 2>"$TMPDIR/bench.err" &
bench=$!
sleep 1
expect 0 promote shop
says 'others waited'
sleep 1
expect 0 rollback shop --yes
says 'rows when it was promoted'
wait $bench || { cat "$TMPDIR/bench.err" "$TMPDIR/bench.out"; die "users at work saw an error"; }
! grep -qiE 'error|aborted' "$TMPDIR/bench.err" || { cat "$TMPDIR/bench.err"; die "users at work saw an error"; }
grep -E 'number of transactions|failed' "$TMPDIR/bench.out"
[ "$(pg_sql target people -c "SELECT (SELECT sum(balance) FROM accounts) = (SELECT count(*) FROM history)")" = t ] || die "a write was torn"
expect 0 finish shop --yes
echo "what is waited for is named, and nobody is harmed"
