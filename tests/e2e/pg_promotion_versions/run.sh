#!/usr/bin/env bash
# Servers of other majors as targets that are in use: promoted, used, taken back, promoted again, finished.
# label: soak
# timeout: 3600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
. "$STOPOVER_SUPPORT/pg_versions.sh"

live_in() { # before 18 the parts that a key has on partitions are never marked as validated
    pg_live "$1" people | sed -E '/^constraint\|outside.of_events\|.*fkey[12]\|/s/ NOT VALID\|f\|/|t|/'
}

equal_in() { # TARGET: without what lies beside
    pg_sql "$1" postgres -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS alone' -c 'CREATE DATABASE alone TEMPLATE people'
    pg_read "$1" alone -c "SELECT format('DROP SCHEMA %I CASCADE;', nspname) FROM pg_namespace
        WHERE nspname IN ('stopover', 'outside', 'Out Side') OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'" >drop.sql
    PGOPTIONS='-c client_min_messages=warning' pg_sql "$1" alone -o /dev/null -f drop.sql \
        -c 'DROP FUNCTION IF EXISTS app.beside(); DROP TABLE IF EXISTS public.beside' || die "a copy of $1"
    pg_equal "$1" alone control || die "what is live in $1 is not the source"
}

in_use() { # TARGET: which has the functions and publications of 15 only from there on
    if [ "${pg_major[$1]}" -ge 15 ]; then
        pg_sql "$1" people -o /dev/null -f "$STOPOVER_DATA/pg_people_outside.sql" || die "the target $1"
        return
    fi
    pg_sql "$1" people -o /dev/null -f "$STOPOVER_DATA/pg_people_target.sql" || die "the target $1"
    pg_sql "$1" people -o /dev/null <<'SQL' || die "what depends on $1"
SET client_min_messages = error;
CREATE VIEW outside.codes WITH (security_barrier) AS SELECT code, factor FROM public.a_lookup;
CREATE TABLE outside.uses (code text CONSTRAINT to_code REFERENCES public.a_lookup, n integer, label text DEFAULT public.factor_of('c1')::text);
INSERT INTO outside.uses VALUES ('c1', 1), ('c2', 2);
CREATE PUBLICATION told FOR TABLE public.a_lookup;
CREATE RULE copied AS ON DELETE TO outside.uses WHERE old.n > 2000 DO ALSO DELETE FROM public.a_lookup WHERE code = old.code;
ALTER TABLE outside.stays ENABLE ROW LEVEL SECURITY;
CREATE POLICY known ON outside.stays USING (what IN (SELECT l.code FROM public.a_lookup l));
GRANT SELECT ON public.a_lookup TO people_reader;
SQL
}

used_in() { # TARGET
    [ "$(pg_sql "$1" people -c "SELECT bool_and(factor > 0) FROM outside.codes")" = t ] || die "a view in $1 shows what was"
    ! pg_sql "$1" people -c "INSERT INTO outside.uses (code) VALUES ('none')" 2>/dev/null || die "a key in $1 does not hold"
    [ "$(pg_sql "$1" people -c "SELECT bool_and(convalidated) FROM pg_constraint WHERE conname = 'to_code'")" = t ] || die "a key in $1 is not valid"
    [ "$(pg_sql "$1" people -c "SELECT prrelid::regclass FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
        WHERE pubname = 'told' AND prrelid::regclass::text <> 'outside.uses'")" = a_lookup ] || die "a publication in $1 tells of what was"
    [ "$(pg_sql "$1" people -c "SELECT has_table_privilege('people_reader', 'public.a_lookup', 'select')")" = t ] || die "a grant in $1 was lost"
}

story() { # SOURCE TARGET
    local -a both
    pg_major_roles "$2"
    pg_sql "$2" postgres -c 'CREATE DATABASE people'
    pg_control "$1" people "$2" control || die "the control copy"
    in_use "$2"
    live_in "$2" >live.before
    both=(--from "$(pg_uri "$1" people)" --to "$(pg_uri "$2" people)")
    # a backup of what is replaced is read with the client programs of the target's version
    if [ "${pg_major[$2]}" -gt "$pg_dump_major" ]; then
        expect 5 run "$2" "${both[@]}"
        one_error
        says 'pg_dump of PostgreSQL'
        says '--no-archive'
        both+=(--no-archive)
    fi
    expect 0 run "$2" "${both[@]}" --jobs 2
    phase_is "$2" promoted
    equal_in "$2"
    used_in "$2"
    expect 0 rollback "$2" --yes
    live_in "$2" >live.after
    cmp live.before live.after || { diff live.before live.after | cut -c1-300 | head -20; die "$2 is not as before"; }
    expect 0 run "$2"
    expect 0 finish "$2" --yes
    equal_in "$2"
    used_in "$2"
    [ -z "$(pg_read "$2" people -c "SELECT nspname FROM pg_namespace WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'")" ] || die "something is left in $2"
    echo "PostgreSQL ${pg_major[$1]} into ${pg_major[$2]}: there and back"
}

for major in ${MAJORS:-12 13 14 16 17 18}; do
    pg_major_start "target$major" "$major"
    from=$((major < pg_dump_major ? major : pg_dump_major))
    pg_is_running "source$from" || { pg_major_start "source$from" "$from" && pg_major_fixture "source$from" people; }
    story "source$from" "target$major"
    pg_stop "target$major"
done
