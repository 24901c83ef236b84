#!/usr/bin/env bash
# --data-only: rows into tables that the application's own migrations have made. Their structure is
# what is staged; what does not fit is said before anything is copied.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
here=$(dirname "${BASH_SOURCE[0]}")
pg_pair
pg_sql source postgres -c "CREATE DATABASE people"
pg_sql source people -f "$STOPOVER_DATA/pg_shop.sql" >/dev/null || die "the source"
pg_sql source people -f "$here/more.sql" || die "more of the source"
for database in people control_people; do
    pg_sql target postgres -c "CREATE DATABASE $database"
    pg_sql target "$database" -f "$here/prepared.sql" || die "the target"
done
pg_ends people

# the control copy: the prepared tables, filled by psql
fill() { # TABLE COLUMNS
    pg_sql source people -c "COPY (SELECT $2 FROM $1) TO STDOUT" | pg_sql target control_people -c "COPY $1 ($2) FROM STDIN"
}
pg_sql target control_people -c "TRUNCATE public.no_key RESTART IDENTITY; DROP TABLE sales.only_here; ALTER TABLE sales.lines DISABLE ROW LEVEL SECURITY"
fill sales.customers 'id, email, name'
fill sales.orders 'id, customer, state, total, placed'
fill sales.lines 'order_id, line, what'
fill public.settings 'name, value, seen_by'
fill public.no_key 'a, b'
fill public.events 'at, id, what'
fill public.by_state 'state, n'
fill 'public."Odd ""Names"" [*]"' '"a b", share, old'
pg_sql target control_people -c "SELECT setval('sales.customers_id_seq', 3000), setval('public.events_id_seq', 5000)" >/dev/null
# types, functions, views and extensions stay where they are
pg_sql target control_people -c "DROP VIEW sales.best"
pg_remember

staged_is_prepared() {
    local id
    id=$(pg_id)
    # triggers, defaults and columns use what is live: bring all names to one
    pg_schemas target people | grep _staging_ >staged.schemas
    printf 'public\nsales\n' >control.schemas
    pg_mapping staged.schemas control.schemas >map.sed || die "the names of schemas"
    pg_unquote
    for what in staged control; do
        database=people
        [ $what = staged ] || database=control_people
        pg_dumped target $database $what.schemas "$([ $what = staged ] && echo map.sed || echo control.sed)" |
            perl -0777 -ne 'print grep { !/^(TYPE|DOMAIN|FUNCTION)/ } split /^== /m' >$what.dump
        pg_contents target $database $what.schemas "$([ $what = staged ] && echo map.sed || echo control.sed)" >$what.contents
    done
    pg_same dump || die "another structure"
    # which row has which number is not known where the target gives them
    sed -i '/public.no_key/d' staged.contents control.contents
    pg_same contents || die "other rows"
    [ "$(pg_read target people -c "SELECT count(*), count(DISTINCT n), sum(a) FROM public_staging_$id.no_key")" = "3000|3000|73500" ] ||
        die "rows of no_key"
    pg_untouched
}

# a plan says what it would do and changes nothing
expect 0 plan "${ends[@]}" --data-only
says 'tables as the target has them'
says 'shared'
says 'events_2025'
says 'hold rows'
pg_nothing_left
expect 0 plan "${ends[@]}" --data-only --json
json_is '$.plan.data_only' 1

for jobs in 1 3; do
    expect 0 run m "${ends[@]}" --data-only --stop-after verified --jobs $jobs --chunk-size 64KiB
    phase_is m verified
    json_is '$.status.data_only' 1
    staged_is_prepared
    expect 0 verify m
    expect 0 rollback m
    expect 0 finish m --yes
    expect 0 forget m --yes
    pg_nothing_left
done
echo "structure of the target, rows of the source"

# interrupted and resumed, with a source that goes on
expect 0 run m "${ends[@]}" --data-only --stop-after prepared
expect 5 run m --data-only --table events
for point in postgres.adopt:1 stage.plan:1 postgres.adopt:2 run.task:1 postgres.chunk_commit:3 postgres.chunk_commit:20; do
    STOPOVER_FAULT=kill:${point#*:}:${point%:*} expect 137 run m --stop-after verified --chunk-size 64KiB --jobs 2
    pg_untouched
done
pg_sql source people -c "UPDATE sales.orders SET total = total WHERE customer = 7"
expect 0 run m --stop-after verified
phase_is m verified
staged_is_prepared
expect 0 rollback m

# a target whose tables change while they are copied
STOPOVER_FAULT=kill:20:postgres.chunk_commit expect 137 run m --stop-after verified --jobs 2
pg_sql target people -c "CREATE INDEX later ON sales.orders (total)"
expect 5 run m --stop-after verified
one_error
says "target's tables changed since copying began"
pg_sql target people -c "DROP INDEX sales.later"
expect 0 run m --stop-after verified
staged_is_prepared
expect 0 rollback m
expect 0 finish m --yes
expect 0 forget m --yes
pg_nothing_left
echo "interrupted, and with a target that changes"

# a selection; a foreign key of the target that leads out of it
expect 0 run one "${ends[@]}" --data-only --table customers --table 'Odd*' --stop-after verified
[ "$(pg_read target people -c "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text ~ '_staging_'")" = 2 ] || die "not two tables"
[ "$(pg_sql target people -c "SELECT last_value, is_called FROM sales_staging_$(pg_id).customers_id_seq")" = '3000|t' ] || die "the value of a sequence"
expect 0 rollback one
expect 0 finish one --yes

refuse() { # EXIT PATTERN ARGUMENT...
    expect "$1" run m "${ends[@]}" --data-only "${@:3}" --stop-after verified
    one_error
    says "$2"
    [ "$1" = 2 ] || expect 0 forget m --yes
    no_migration m
}

refuse 5 'of_customer.*sales.customers, which is not selected' --table orders
refuse 5 'partition of public.events, which is not selected' --table events_2023
refuse 2 'no table of the source' --table only_here
refuse 2 'exclude each other' --schema-only
refuse 2 'exclude each other' --with-owner
pg_nothing_left

# what does not fit, one at a time
mistake() { # SQL PATTERN [ARGUMENT...]
    pg_sql target postgres -c "CREATE DATABASE wrong TEMPLATE people"
    pg_sql target wrong -c "SET client_min_messages = warning" -c "$1" || die "$1"
    expect 5 run m --from "$(pg_uri source people)" --to "$(pg_uri target wrong)" --data-only "${@:3}"
    one_error
    says "$2"
    expect 0 forget m --yes
    [ -z "$(pg_schemas target wrong | grep -E 'stopover|_staging_')" ] || die "something was written"
    pg_sql target postgres -c "DROP DATABASE wrong"
    echo "refused: $2"
}
mistake 'DROP TABLE sales.lines' 'sales.lines.*no table of this name'
mistake 'DROP TABLE sales.lines; CREATE VIEW sales.lines AS SELECT 1 AS line' 'an ordinary table in the source and a view in the target'
mistake 'DROP TABLE public.events_2024; CREATE TABLE public.events_2024 (at date, id bigint, what text)' 'a partition in the source and an ordinary table'
mistake 'ALTER TABLE public.settings DROP COLUMN value' 'no column "value"'
mistake 'ALTER TABLE public.settings ADD must integer NOT NULL' '"must" must not be null'
mistake 'ALTER TABLE sales.orders DROP cents, ALTER total TYPE numeric(12, 4)' 'numeric\(12,2\) in the source and of type numeric\(12,4\)'
mistake 'ALTER TABLE public.events ALTER id TYPE integer' 'bigint in the source and of type integer'
mistake "ALTER TABLE public.no_key ALTER b TYPE sales.state USING 'new'" 'text in the source and of type sales.state'
mistake "ALTER TYPE sales.state RENAME VALUE 'paid' TO 'payed'" 'lacks labels.*"paid"'
mistake 'ALTER TABLE public."Odd ""Names"" [*]" DROP share; DROP DOMAIN public.percent; CREATE DOMAIN public.percent AS numeric(5, 1);
    ALTER TABLE public."Odd ""Names"" [*]" ADD share public.percent' 'percent.*made of something else'
mistake 'ALTER TABLE public."Odd ""Names"" [*]" ALTER twice DROP EXPRESSION' 'generated in the source and not in the target'
mistake "INSERT INTO public.events (at) VALUES ('2025-05-05')" 'events_2025.*holds rows'
mistake "DROP TABLE public.by_state; CREATE TABLE public.by_state (state sales.state, n integer) PARTITION BY LIST (n)" 'find their partition by other rules'
mistake "CREATE FUNCTION sales.n() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT count(*) FROM sales.customers';
    ALTER TABLE sales.orders ADD CONSTRAINT enough CHECK (sales.n() >= 0)" 'sales.n.*would read the live tables'
mistake "CREATE FUNCTION sales.n() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM sales.customers';
    ALTER TABLE sales.orders ADD nth bigint DEFAULT sales.n()" 'sales.n.*default nth of sales.orders needs it'

# tables of the target that we may not look at
pg_sql target postgres -c "CREATE ROLE people_app LOGIN"
expect 5 run m --from "$(pg_uri source people)" --to "$(pg_uri target people people_app)" --data-only
one_error
says "the target's user may not read"
expect 0 forget m --yes

# rows that the target's constraints do not take are found by loading
pg_sql target postgres -c "CREATE DATABASE strict TEMPLATE people"
pg_sql target strict -c "ALTER TABLE public.settings ADD CONSTRAINT few CHECK (name < 'setting 5')"
expect 1 run strict --from "$(pg_uri source people)" --to "$(pg_uri target strict)" --data-only --table settings --stop-after verified
one_error
says 'few'
says 'Mend the rows'
pg_sql source people -c "UPDATE public.settings SET name = 'a ' || name"
expect 0 run strict --stop-after verified
expect 0 rollback strict

# only between databases that speak of tables in the same way
sqlite3 a.db 'CREATE TABLE t(x)'
expect 2 run other --from sqlite:a.db --to sqlite:b.db --data-only
one_error
says 'not supported with a sqlite target'
no_migration other
expect 2 run other --from sqlite:a.db --to "$(pg_uri target people)" --data-only
one_error
no_migration other
echo "what does not fit is refused"
