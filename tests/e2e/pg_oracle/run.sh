#!/usr/bin/env bash
# The oracle itself: a control copy whose schemas are renamed like staging equals its source, and any
# change to it is noticed. The program under test has no part in this.
set -u
. "$STOPOVER_SUPPORT/postgres.sh"
. "$STOPOVER_SUPPORT/pg_oracle.sh"

die() {
    echo "FAILED: $*" >&2
    exit 1
}

pg_start server
pg_sql server postgres -c 'CREATE DATABASE people'
pg_sql server people -o /dev/null -f "$STOPOVER_DATA/pg_people.sql" || die "the data"
pg_control server people server control || die "the control copy"
pg_control server people server staged || die "a second copy"
pg_equal server staged control || die "two control copies differ"

pg_sql server staged -o /dev/null <<'SQL' || die "could not rename"
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|information_schema' LOOP
        EXECUTE format('ALTER SCHEMA %I RENAME TO %I', name, left(name, 48) || '_staging_abc123');
    END LOOP;
    CREATE SCHEMA public;
    CREATE SCHEMA app;
    FOR name IN SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' LOOP
        EXECUTE format('ALTER EXTENSION %I SET SCHEMA public', name);
    END LOOP;
END $$;
SQL
! pg_staged_equal server staged control >"$TMPDIR/said" || die "bodies that name live schemas were not noticed"
grep -q 'bodies and search paths' "$TMPDIR/said" || die "not for this reason"
pg_sql server staged -o /dev/null <<'SQL' || die "could not rewrite the bodies"
UPDATE pg_proc SET prosrc = regexp_replace(prosrc, '\m(public|app|users)\.', '\1_staging_abc123.', 'g'),
    proconfig = (SELECT array_agg(regexp_replace(regexp_replace(c, '\m(public|app|users)\M', '\1_staging_abc123, \1', 'g'),
        '"Sales Dept"', '"Sales Dept_staging_abc123", "Sales Dept"')) FROM unnest(proconfig) c)
WHERE pronamespace::regnamespace::text ~ '_staging_';
SQL
pg_staged_equal server staged control || die "a faithful copy is not taken for one"

notices() { # SQL
    pg_sql server postgres -c 'CREATE DATABASE changed TEMPLATE staged' && pg_sql server changed -o /dev/null -c "$1" || die "could not: $1"
    ! pg_staged_equal server changed control >"$TMPDIR/said" 2>&1 || die "not noticed: $1"
    grep -q '^FAILED' "$TMPDIR/said" || die "no reason: $1"
    pg_sql server postgres -c 'DROP DATABASE changed'
}

notices "UPDATE public_staging_abc123.no_key SET b = b || ' ' WHERE ctid = '(0,1)'"
notices "DELETE FROM public_staging_abc123.no_key WHERE ctid = '(0,1)'"
notices "INSERT INTO public_staging_abc123.nothing SELECT"
notices "SELECT setval('app_staging_abc123.backwards', -7)"
notices "DROP INDEX public_staging_abc123.customers_trigrams"
notices "ALTER TABLE public_staging_abc123.documents ENABLE TRIGGER always"
notices "DROP POLICY mine ON app_staging_abc123.accounts_rls"
notices "COMMENT ON FUNCTION public_staging_abc123.add_tax(numeric, numeric[]) IS NULL"
notices "UPDATE public_staging_abc123.a_lookup SET factor = factor + 1 WHERE code = 'c5'"
notices "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public_staging_abc123.by_factor'::regclass"
notices "ALTER TYPE app_staging_abc123.state ADD VALUE 'lost'"
notices "DROP CAST (app_staging_abc123.state AS integer)"
notices "ALTER TABLE public_staging_abc123.customers ALTER name SET STATISTICS 10"
notices "CREATE VIEW app_staging_abc123.extra AS SELECT 1"
notices "CREATE TABLE app.live (id integer PRIMARY KEY);
    ALTER TABLE app_staging_abc123.\"user\" ADD FOREIGN KEY (\"group\") REFERENCES app.live NOT VALID"
notices "REFRESH MATERIALIZED VIEW app_staging_abc123.not_filled"

# an index whose entries were made by the live function
notices "DROP INDEX public_staging_abc123.by_factor;
    CREATE FUNCTION public.factor_of(text) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT -1.0';
    CREATE INDEX by_factor ON public_staging_abc123.indexed_by_function (public.factor_of(code))"
notices "DROP INDEX public_staging_abc123.by_factor;
    UPDATE pg_proc SET prosrc = 'SELECT -1.0' WHERE oid = 'public_staging_abc123.factor_of(text)'::regprocedure;
    CREATE INDEX by_factor ON public_staging_abc123.indexed_by_function (public_staging_abc123.factor_of(code));
    UPDATE pg_proc SET prosrc = 'SELECT factor FROM public_staging_abc123.a_lookup WHERE code = wanted'
    WHERE oid = 'public_staging_abc123.factor_of(text)'::regprocedure"
echo "the oracle notices"
