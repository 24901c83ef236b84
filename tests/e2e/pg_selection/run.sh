#!/usr/bin/env bash
# Parts of a database: by table, by schema, without rows; and what hangs on what was left out.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_fixture pg_shop.sql
pg_remember

staged() { # TABLES-AND-VIEWS, sorted
    local found
    found=$(pg_read target people -c "SELECT replace(c.oid::regclass::text, '_staging_$(pg_id)', '') FROM pg_class c
        WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace::regnamespace::text ~ '_staging_[0-9a-f]{6}' ORDER BY 1" | xargs)
    [ "$found" = "$1" ] || die "staged: $found, not $1"
}

rows() { # TABLE COUNT
    local found
    found=$(pg_sql target people -c "SELECT count(*) FROM $1" | tail -1)
    [ "$found" = "$2" ] || die "$found rows in $1, not $2"
}

# every table of one schema, with the types and functions they use
expect 0 run one "${ends[@]}" --schema sales --stop-after verified
phase_is one verified
staged 'sales.best sales.by_state sales.customers sales.lines sales.orders'
rows "sales_staging_$(pg_id).lines" 12000
pg_untouched
expect 0 rollback one
expect 0 finish one --yes
pg_nothing_left

# patterns on names, and what they leave out
expect 5 run some "${ends[@]}" --table settings
one_error
says 'sales.state'
expect 0 forget some --yes
pg_nothing_left
expect 0 run some "${ends[@]}" --table 'public.no*' --stop-after verified
phase_is some verified
rows "public_staging_$(pg_id).no_key" 3000
[ -z "$(pg_schemas target people | grep sales_staging)" ] || [ -z "$(pg_read target people -c "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text ~ '^sales_staging'")" ] ||
    die "tables that were not chosen are staged"
expect 0 rollback some
expect 0 finish some --yes
pg_nothing_left
expect 0 run without "${ends[@]}" --exclude-table no_key --stop-after verified
phase_is without verified
staged 'public.settings sales.best sales.by_state sales.customers sales.lines sales.orders'
expect 0 rollback without
expect 0 finish without --yes

# a pattern that matches nothing, a foreign key that leads out of the selection
expect 2 run m "${ends[@]}" --table 'no such*'
one_error
says 'no such table|no such\*'
no_migration m
expect 2 run m "${ends[@]}" --schema 'nowhere'
one_error
no_migration m
expect 5 run m "${ends[@]}" --table lines --stop-after verified
one_error
says 'lines_order_id_fkey|orders'
expect 0 forget m --yes
pg_nothing_left

# routines stay behind when single tables are asked for: what calls one needs it in the target, and none
# there takes rows of a table that is staged
noted="CREATE FUNCTION public.noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'"
pg_sql source people -c "$noted" -c 'CREATE TRIGGER noted BEFORE INSERT ON public.no_key FOR EACH ROW EXECUTE FUNCTION public.noted()'
expect 5 run m "${ends[@]}" --table no_key --stop-after verified
one_error
says 'error: function public.noted\(\): trigger noted of table public.no_key calls it.*not in the target'
pg_nothing_left
pg_sql target people -c "$noted"
expect 0 run m --stop-after verified
expect 0 rollback m
expect 0 finish m --yes
rm -rf home
pg_sql target people -c 'DROP FUNCTION public.noted'
pg_sql source people -c 'SET client_min_messages = warning' -c 'DROP FUNCTION public.noted CASCADE' -c "CREATE FUNCTION public.good(public.no_key) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT (\$1).a IS NOT NULL'" \
    -c 'ALTER TABLE public.no_key ADD CONSTRAINT is_good CHECK (public.good(no_key))'
expect 5 run m "${ends[@]}" --table no_key --stop-after verified
one_error
says 'error: function public.good\(public.no_key\): check constraint is_good of table public.no_key calls it'
pg_nothing_left
rm -rf home
pg_sql source people -c 'SET client_min_messages = warning' -c 'DROP FUNCTION public.good CASCADE'

# structure alone
expect 0 run shape "${ends[@]}" --schema-only --stop-after verified
phase_is shape verified
rows "sales_staging_$(pg_id).lines" 0
pg_schemas target control_people >control.schemas
pg_schemas target people | grep _staging_ >staged.schemas
pg_mapping staged.schemas control.schemas >map.sed
pg_unquote
pg_dumped target people staged.schemas map.sed >staged.dump
pg_dumped target control_people control.schemas control.sed >control.dump
pg_same dump || exit 1
pg_untouched
expect 0 rollback shape
expect 0 finish shape --yes
pg_nothing_left
echo "parts are parts"
