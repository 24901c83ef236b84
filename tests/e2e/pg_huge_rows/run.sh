#!/usr/bin/env bash
# Rows of 100 MB, read by several workers at once, in all formats: memory stays within its bound.
# label: soak
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_sql source postgres -c 'CREATE DATABASE people'
pg_sql target postgres -c 'CREATE DATABASE people'
pg_sql source people <<'SQL'
CREATE TABLE texts (id integer PRIMARY KEY, body text);
ALTER TABLE texts ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE bytes (id integer PRIMARY KEY, body bytea);
ALTER TABLE bytes ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TYPE mood AS ENUM ('good');
CREATE TABLE as_text (id integer PRIMARY KEY, mood mood, body text); -- a type of people: text format
ALTER TABLE as_text ALTER COLUMN body SET STORAGE EXTERNAL;
INSERT INTO texts SELECT n, repeat(chr(96 + n), 100 * 1024 * 1024) FROM generate_series(1, 10) n;
INSERT INTO bytes SELECT n, convert_to(repeat(chr(96 + n), 100 * 1024 * 1024), 'UTF8') FROM generate_series(1, 10) n;
INSERT INTO as_text SELECT n, 'good', repeat(chr(96 + n), 100 * 1024 * 1024) FROM generate_series(1, 10) n;
SQL
pg_ends people
expect_within 4 $((100 * 1024)) 0 run m "${ends[@]}" --stop-after verified --chunk-size 64KiB
says 'verified: 3 tables, 30 rows'
rm "$TMPDIR/peak"
expect_within 4 $((100 * 1024)) 0 stage m --again
expect_within 1 $((100 * 1024)) 0 verify m
echo "huge rows fit"
