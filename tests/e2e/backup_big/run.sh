#!/usr/bin/env bash
# Rows larger than a segment, and many small ones: backed up and restored exactly, in bounded memory.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sqlite3 big.db <<'SQL' || die "the source"
CREATE TABLE blobs (id INTEGER PRIMARY KEY, data BLOB);
INSERT INTO blobs VALUES (1, x'00'), (2, randomblob(20000000)), (3, NULL), (4, zeroblob(30000000)), (5, randomblob(8388608)), (6, x'ff');
CREATE TABLE rows (id INTEGER PRIMARY KEY, a TEXT, b REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
INSERT INTO rows SELECT i, printf('row %d of many, %s', i, hex(randomblob(20))), i / 7.0 FROM n;
CREATE TABLE empty (id INTEGER PRIMARY KEY);
SQL
expect_within 4 30000 0 backup create big --from sqlite:big.db
expect 0 backup verify big
expect_within 4 30000 0 backup restore big --to sqlite:again.db
expect 0 finish restore-big --yes
for table in blobs rows empty; do
    sqlite3 again.db "ATTACH 'big.db' AS b" \
        "SELECT count(*) FROM (SELECT * FROM $table EXCEPT SELECT * FROM b.$table)" \
        "SELECT count(*) FROM (SELECT * FROM b.$table EXCEPT SELECT * FROM $table)" | tr -d '\n' | grep -qx 00 || die "$table differs"
done
echo "rows of any size are backed up"
