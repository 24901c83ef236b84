#!/usr/bin/env bash
# What is staged becomes live in an empty target and in one that holds other things under the same
# names, is used, is taken back, is promoted once more, and finished without a trace.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair wal_level=logical
pg_fixture pg_people.sql


kept() { # ROLE...: the roles of the schemas that are kept
    local found
    found=$(pg_read target people -c "SELECT DISTINCT substring(nspname, '_(staging|retired|undone)_[0-9a-f]{6}\$') FROM pg_namespace
        WHERE nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}\$' AND EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = pg_namespace.oid) ORDER BY 1" | tr '\n' ' ')
    [ "$found" = "$*${*:+ }" ] || die "kept: $found, not: $*"
}

nothing_of_ours() {
    local left
    left=$(pg_read target people -c "SELECT nspname FROM pg_namespace
        WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'")
    [ -z "$left" ] || die "left in the target: $left"
}

# ---- an empty target ----

expect 0 run shop "${ends[@]}" --jobs 3 --chunk-size 64KiB
phase_is shop promoted
pg_equal target people control_people || die "what is live is not the source"
expect 0 run shop
says 'nothing to do'
expect 0 rollback shop --yes
phase_is shop rolled_back
kept undone
[ -z "$(pg_read target people -c "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace AND NOT EXISTS
    (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')")" ] || die "something is live after the way back"
expect 0 run shop
phase_is shop promoted
pg_equal target people control_people || die "what is live the second time is not the source"
expect 0 finish shop --yes
says 'undone'
nothing_of_ours
pg_equal target people control_people || die "what is live after finish is not the source"
expect 0 forget shop --yes

# ---- one that is in use ----

pg_sql target postgres -c 'DROP DATABASE people' -c 'CREATE DATABASE people'
pg_sql target people -o /dev/null -f "$STOPOVER_DATA/pg_people_target.sql" || die "the target"
pg_sql target people -o /dev/null <<'SQL' || die "what depends on it"
CREATE VIEW outside.codes AS SELECT code, factor FROM public.a_lookup;
CREATE TABLE outside.uses (code text REFERENCES public.a_lookup, n integer);
INSERT INTO outside.uses VALUES ('c1', 1), ('c2', 2);
CREATE PUBLICATION told FOR TABLE public.a_lookup;
GRANT SELECT ON public.a_lookup TO people_reader;
SQL
pg_remember
expect 0 run full "${ends[@]}" --jobs 3
says 'live tables were locked for'
phase_is full promoted
kept retired
pg_equal target people control_people || die "what is live is not the source"
[ "$(pg_sql target people -c "SELECT count(*) FROM outside.codes WHERE factor > 0")" -gt 0 ] || die "the view shows what was"
pg_sql target people -c "INSERT INTO outside.uses SELECT code, 3 FROM public.a_lookup LIMIT 1" || die "the key does not find what is live"
! pg_sql target people -c "INSERT INTO outside.uses VALUES ('no such code', 4)" 2>/dev/null || die "the key does not hold"
[ "$(pg_sql target people -c "SELECT prrelid::regclass FROM pg_publication_rel")" = a_lookup ] || die "the publication tells of what was"
[ "$(pg_sql target people -c "SELECT has_table_privilege('people_reader', 'public.a_lookup', 'select')")" = t ] || die "a grant was lost"
pg_sql target people -c "DELETE FROM outside.uses WHERE n = 3"

expect 0 rollback full --yes
phase_is full rolled_back
kept undone
pg_untouched
expect 0 run full
phase_is full promoted
pg_equal target people control_people || die "what is live the second time is not the source"
expect 5 finish full
one_error
says 'schema public_retired_[0-9a-f]{6}: goes \(retired\): [0-9]+ tables?, about [0-9,]+ rows?, [0-9.]+ [KM]iB'
says 'no rollback is possible then'
expect 0 finish full --yes
says 'dropped \(retired\)'
nothing_of_ours
pg_equal target people control_people || die "what is live after finish is not the source"
echo "promotion, the way back, and the end hold"
