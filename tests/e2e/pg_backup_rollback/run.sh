#!/usr/bin/env bash
# A migration over live tables in PostgreSQL is finished, and what it replaced comes back from the
# backup that prepare made; and single tables are backed up.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_fixture pg_shop.sql shop
pg_sql target shop <<'SQL' || die "the target"
CREATE TABLE public.settings (name text PRIMARY KEY, value text DEFAULT 'old', rank serial);
CREATE INDEX settings_by_value ON public.settings (value);
CREATE TABLE public.no_key (a integer, b text REFERENCES public.settings);
CREATE TABLE public.beside (id integer PRIMARY KEY, setting text REFERENCES public.settings);
INSERT INTO public.settings (name) SELECT 'old ' || i FROM generate_series(1, 50) i;
INSERT INTO public.no_key SELECT i, 'old ' || i FROM generate_series(1, 20) i;
SQL
rows() {
    pg_sql target shop -c 'SELECT name, value, rank FROM public.settings ORDER BY 1' \
        -c 'SELECT a, b FROM public.no_key ORDER BY 1' -c "SELECT nextval('public.settings_rank_seq') > 50"
}
rows >rows.before

expect 0 prepare shop "${ends[@]}"
says 'backup shop_[0-9TZ]+ holds what promotion will replace'
expect 0 backup list --json
name=$(sqlite3 :memory: "SELECT json_extract(readfile('out'), '\$.backups[0].name')")
json_is '$.backups[0].objects' 2
expect 0 run shop
expect 0 finish shop --yes
[ -z "$(pg_sql target shop -c "SELECT name FROM public.settings WHERE name LIKE 'old%'")" ] || die "nothing was replaced"

expect 0 rollback shop --backup "$name" --yes
phase_is back-shop promoted
rows >rows.after
cmp rows.before rows.after || die "the old rows are not back"
[ -n "$(pg_sql target shop -c "SELECT 'public.settings_by_value'::regclass")" ] || die "the index is not back"
expect 0 finish back-shop --yes

# chosen tables, from the source
expect 0 backup create orders --from "$(pg_uri source shop)" --table 'sales.*'
expect 0 backup verify orders
says 'orders: whole'

# a single table out of a backup of everything
expect 0 backup create whole --from "$(pg_uri source shop)"
before=$(pg_sql target shop -c 'SELECT * FROM public.no_key ORDER BY 1')
expect 0 backup restore whole --to "$(pg_uri target shop)" --name one --table public.settings
says '1 table'
cmp <(pg_sql target shop -c 'SELECT * FROM public.settings ORDER BY 1') \
    <(pg_sql source shop -c 'SELECT * FROM public.settings ORDER BY 1') || die "the table is not as it was backed up"
[ "$before" = "$(pg_sql target shop -c 'SELECT * FROM public.no_key ORDER BY 1')" ] || die "another table was touched"
expect 0 rollback one --yes
expect 0 finish one --yes
expect 5 backup restore whole --to "$(pg_uri target shop)" --name two --table sales.orders
one_error
says 'references a table'
expect 0 backup restore whole --to "$(pg_uri target shop)" --name three --table 'sales.*' --dry-run
says 'sales.orders'
expect 2 backup restore whole --to "$(pg_uri target shop)" --name four --table nowhere
one_error

# of a partitioned table only some partitions have namesakes; its backup is of the whole
pg_sql source postgres -c 'CREATE DATABASE parts'
pg_sql target postgres -c 'CREATE DATABASE parts'
pg_sql source parts -o /dev/null <<'SQL' || die "the source with partitions"
CREATE TABLE log (at integer, words text) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
INSERT INTO log VALUES (1, 'new');
SQL
pg_sql target parts -o /dev/null <<'SQL' || die "the target with partitions"
CREATE TABLE log (at integer, words text) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
CREATE TABLE log_2 PARTITION OF log DEFAULT;
CREATE TABLE other (a integer);
INSERT INTO log VALUES (1, 'old'), (11, 'old too');
SQL
expect 0 run parts --from "$(pg_uri source parts)" --to "$(pg_uri target parts)"
expect 0 finish parts --yes
[ "$(pg_sql target parts -c 'SELECT words FROM log')" = new ] || die "not promoted"
expect 0 backup list --json
name=$(sqlite3 :memory: "SELECT json_extract(value, '\$.name') FROM json_each(readfile('out'), '\$.backups')
    WHERE json_extract(value, '\$.name') LIKE 'parts%'")
expect 0 rollback parts --backup "$name" --yes
[ "$(pg_sql target parts -c 'SELECT words FROM log ORDER BY at' -c "SELECT count(*) FROM other")" = $'old\nold too\n0' ] ||
    die "the partitions are not back"
echo "there is a way back after the end"
