#!/usr/bin/env bash
# timeout: 300
# From a server before 14, which cannot read a table by ranges of its places, into the newest: large
# tables are cut by their keys. The other way round is refused.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
. "$STOPOVER_SUPPORT/pg_versions.sh"
pg_major_start source 13
pg_major_start target 18
pg_major_fixture source people
pg_major_roles target
pg_sql source people -o /dev/null <<'SQL' || die "more tables"
CREATE TABLE public.by_number (id bigint PRIMARY KEY, body text);
INSERT INTO public.by_number SELECT n * 3, repeat('body ', 20) FROM generate_series(1, 20000) n;
DELETE FROM public.by_number WHERE id % 5 = 0;
CREATE TABLE public.by_text (key text COLLATE "C", n integer, PRIMARY KEY (key, n));
INSERT INTO public.by_text SELECT CASE WHEN n < 9000 THEN '' ELSE E'it''s "\\' || lpad(n::text, 7) END, n FROM generate_series(1, 20000) n;
CREATE TABLE public.by_uuid (id uuid PRIMARY KEY, body text);
INSERT INTO public.by_uuid SELECT md5(n::text)::uuid, 'body' FROM generate_series(1, 20000) n;
CREATE TABLE public.by_other (id text COLLATE "en-x-icu" PRIMARY KEY);
INSERT INTO public.by_other SELECT n::text FROM generate_series(1, 20000) n;
CREATE TABLE public.in_parts (at date, shade public.color, PRIMARY KEY (at, shade)) PARTITION BY HASH (shade);
CREATE TABLE public.in_parts_0 PARTITION OF public.in_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.in_parts_1 PARTITION OF public.in_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO public.in_parts SELECT '2020-01-01'::date + n, (enum_range(NULL::public.color))[n % 6 + 1] FROM generate_series(1, 20000) n;
SQL
pg_chunk_size=64KiB pg_major_move source target people --jobs 4

chunks_are() { # TABLE CONDITION
    [ "$(sqlite3 home/migrations/pieces/journal.db "SELECT count(*) $2 FROM plan_chunk c
        JOIN plan_table t ON t.id = c.table_id WHERE t.name = '$1'")" = 1 ] || die "$1: not $2 chunks"
}

pg_sql target postgres -c 'CREATE DATABASE people'
expect 0 run pieces --from "$(pg_uri source people)" --to "$(pg_uri target people)" --stop-after verified --jobs 2 --chunk-size 64KiB
chunks_are by_number '> 10'
chunks_are by_text '> 5'
chunks_are in_parts '> 5'
chunks_are by_uuid '== 4'
chunks_are by_other '== 1'

pg_sql target postgres -c 'CREATE DATABASE empty'
pg_sql source postgres -c 'CREATE DATABASE empty'
expect 5 run back --from "$(pg_uri target empty)" --to "$(pg_uri source empty)"
one_error
says 'older|pg_dump'
