#!/usr/bin/env bash
# One table of 20 million rows, and rows of 50 MB: memory stays bounded, kill and resume.
# label: soak
# timeout: 3600
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sqlite3 -batch a.db <<'SQL' || die "source"
PRAGMA synchronous = OFF;
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000000)
INSERT INTO t SELECT i, 'row number ' || i, i % 1000, i / 3.0 FROM n;
CREATE INDEX t_b ON t (b);
SQL
STOPOVER_FAULT=kill:70:writer.commit expect_within 2 1 137 run big --from sqlite:a.db --to sqlite:b.db
expect_within 4 1 0 run big
timeout 2 "$STOPOVER" status big >status.out || die "status takes longer than 2 s"
phase_is big promoted
expect_within 2 1 0 finish big --yes
query='SELECT count(*), sum(id), sum(length(a)), sum(b), total(c), sum(id * (b + 1)) FROM t'
[ "$(oracle_sql a.db "$query")" = "$(oracle_sql b.db "$query")" ] || die "the contents differ"
oracle_sql a.db 'SELECT * FROM t' | sha256sum >a.sum
oracle_sql b.db 'SELECT * FROM t' | sha256sum >b.sum
cmp a.sum b.sum || die "the contents differ"
[ "$(oracle_sql b.db 'PRAGMA integrity_check')" = ok ] || die "the index is not the table's"
rm -f a.db b.db

sqlite3 -batch a.db <<'SQL' || die "wide source"
CREATE TABLE wide (id INTEGER PRIMARY KEY, b BLOB, t TEXT);
INSERT INTO wide VALUES (1, randomblob(25000000), hex(zeroblob(12500000))), (2, randomblob(25000000), 'x');
SQL
expect_within 2 51200 0 run wide --from sqlite:a.db --to sqlite:b.db
expect 0 finish wide --yes
oracle_equal a.db b.db "wide rows" || exit 1
