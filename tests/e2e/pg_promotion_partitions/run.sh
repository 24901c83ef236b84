#!/usr/bin/env bash
# Partitions in the hundreds, some of them elsewhere and some that only one side has, over older ones, in
# another database of the same server, which has other tables in the same schema.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_start target max_locks_per_transaction=128
parts() { # DATABASE FROM TO SCHEMA VALUE
    pg_sql target postgres -c "CREATE DATABASE $1"
    pg_sql target "$1" -o /dev/null <<SQL || die "the tables of $1"
CREATE SCHEMA $4;
CREATE TABLE public.days (day integer NOT NULL, words text, id bigserial, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE INDEX days_words ON public.days (words);
DO \$\$ BEGIN FOR i IN $2..$3 LOOP
    EXECUTE format('CREATE TABLE %s.day_%s PARTITION OF public.days FOR VALUES FROM (%s) TO (%s)', CASE WHEN i % 3 = 0 THEN '$4' ELSE 'public' END, i, i, i + 1);
END LOOP; END \$\$;
CREATE TABLE public.days_rest PARTITION OF public.days DEFAULT PARTITION BY RANGE (id);
CREATE TABLE public.days_rest_all PARTITION OF public.days_rest DEFAULT;
INSERT INTO public.days SELECT $2 + g % ($3 - $2 + 2), '$5' FROM generate_series(1, 3000) g;
ANALYZE;
SQL
}
parts source 1 300 elsewhere new
parts live 101 400 elsewhere old
pg_sql target live -o /dev/null <<'SQL' || die "what lies beside"
CREATE TABLE public.beside (day integer, id bigint, note text, FOREIGN KEY (day, id) REFERENCES public.days);
CREATE VIEW public.all_days AS SELECT day, words FROM public.days;
CREATE TABLE public.also (id integer PRIMARY KEY);
INSERT INTO public.also VALUES (1), (2);
SQL
pg_control target source target control || die "the control copy"
ends=(--from "$(pg_uri target source)" --to "$(pg_uri target live)")
marks() { # before 18 the parts that a key has on partitions are never marked as validated
    pg_live target live | sed -E '/^constraint\|public.beside\|.*REFERENCES (public|elsewhere).day/s/( NOT VALID)?\|[tf]\|/|t|/'
}
marks >before.live

# in the way: a view over a partition that the source does not have
pg_sql target live -c 'CREATE VIEW public.one_day AS SELECT day FROM public.day_400'
expect 5 plan "${ends[@]}"
says 'view public.one_day'
pg_sql target live -c 'DROP VIEW public.one_day'

expect 0 run shop "${ends[@]}" --jobs 3
grep 'were locked' err
phase_is shop promoted
same() {
    pg_sql target postgres -c 'DROP DATABASE IF EXISTS alone' -c 'CREATE DATABASE alone TEMPLATE live'
    pg_sql target alone -o /dev/null -c 'SET client_min_messages = warning' -c 'DROP VIEW public.all_days; DROP TABLE public.beside, public.also'
    pg_equal target alone control || die "what is live is not the source"
}
same
[ "$(pg_sql target live -c 'SELECT count(*), min(words) FROM all_days')" = '3000|new' ] || die "the view shows what was"
pg_sql target live -c 'INSERT INTO beside SELECT day, id FROM days ORDER BY random() LIMIT 500' || die "the key does not find partitions"
! pg_sql target live -c 'INSERT INTO beside VALUES (400, 1)' 2>/dev/null || die "the key finds what was"
[ "$(pg_sql target live -c "SELECT count(*) FROM pg_class WHERE relname = 'day_400' AND relnamespace::regnamespace::text ~ '_retired_'")" = 1 ] || die "a partition of the target stayed"
pg_sql target live -c 'DELETE FROM beside'
expect 0 rollback shop --yes
grep 'were locked' err
marks >after.live
cmp before.live after.live || { diff before.live after.live | cut -c1-300 | head; die "not as before"; }
expect 0 run shop
expect 0 finish shop --yes
same
[ -z "$(pg_read target live -c "SELECT nspname FROM pg_namespace WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'")" ] || die "something is left"
echo "hundreds of partitions, there and back"
