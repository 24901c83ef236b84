#!/usr/bin/env bash
# 2,000 tables over 2,000 older ones, into another database of the same server: too few locks are refused
# once, before anything is copied, with a number that then does; promoted, taken back, and finished.
# label: soak
# timeout: 2400
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
tables=${TABLES:-2000}
pg_start target max_locks_per_transaction=64 autovacuum=off
make_tables() { # DATABASE VALUE
    pg_sql target postgres -c "CREATE DATABASE $1"
    pg_sql target "$1" -o /dev/null <<SQL || die "the tables of $1"
DO \$\$ BEGIN FOR i IN 1..$tables LOOP
    EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, words text UNIQUE, before integer REFERENCES t%s)', i, greatest(i - 1, 1));
    EXECUTE format('INSERT INTO t%s (words, before) SELECT %L || g, 1 FROM generate_series(1, 3) AS g', i, '$2');
    IF i % 20 = 0 THEN COMMIT; END IF;
END LOOP; END \$\$;
SQL
}
make_tables source new
make_tables live old
for database in source live; do pg_sql target $database -c 'ANALYZE'; done
ends=(--from "$(pg_uri target source)" --to "$(pg_uri target live)")
pg_remember live

for command in plan 'run shop'; do
    # shellcheck disable=SC2086
    expect 5 $command "${ends[@]}"
    one_error
    says "promotion takes [0-9]+ locks in one transaction, and the server has room for [0-9]+ \(max_locks_per_transaction = 64\)"
    says 'Set max_locks_per_transaction = [0-9]+ '
done
pg_untouched live
needed=$(sed -nE 's/^hint: .*max_locks_per_transaction = ([0-9]+) .*/\1/p' err)
echo "max_locks_per_transaction: $needed for $tables tables"
pg_restart target max_locks_per_transaction="$needed"

state() {
    pg_sql target live -c "SELECT string_agg(DISTINCT (xpath('/row/w/text()', query_to_xml(format('SELECT min(words) AS w FROM public.%I', relname), false, true, '')))[1]::text, ' ')
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ '^t[0-9]+0\$'"
}
expect 0 run shop "${ends[@]}" --jobs 2
says 'live tables were locked for'
grep 'were locked' err
phase_is shop promoted
[ "$(state)" = new1 ] || die "what is live: $(state)"
expect 0 rollback shop --yes
grep 'were locked' err
phase_is shop rolled_back
pg_untouched live
expect 0 run shop
[ "$(state)" = new1 ] || die "what is live: $(state)"
expect 0 finish shop --yes
[ -z "$(pg_read target live -c "SELECT nspname FROM pg_namespace WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'")" ] || die "something is left"
[ "$(state)" = new1 ] || die "what is live: $(state)"
echo "$tables tables, there and back"
