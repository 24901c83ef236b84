#!/usr/bin/env bash
# A table too large to be compared whole: the sample finds a share of bad rows above its bound, and
# every missing, extra or moved key, be it one of a million.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sqlite3 -batch a.db <<'SQL'
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
INSERT INTO t SELECT i, 'row ' || i FROM n;
SQL
expect 0 run m --from sqlite:a.db --to sqlite:b.db --stop-after verified
says 'at most 0.0[01][0-9]* % of rows can be bad, at 99 %'
t=$(oracle_names b.db | grep '^t_staging_')
cp b.db b.staged
cp -a home home.staged
try() { # EXIT SQL
    rm -rf home b.db
    cp -a home.staged home
    cp b.staged b.db
    sqlite3 -batch b.db "$2" || die "$2"
    expect "$1" verify m
    echo "exit $1: $2"
}
try 0 "SELECT 1"
try 4 "UPDATE $t SET a = 'bad' WHERE id % 500 = 77" # 0.2 % of the rows, clustered or not
try 4 "UPDATE $t SET a = 'bad' WHERE id BETWEEN 100000 AND 100600"
try 4 "DELETE FROM $t WHERE id = 123456"
try 4 "INSERT INTO $t VALUES (300001, 'extra')"
try 4 "UPDATE $t SET id = 400000 WHERE id = 123456"
try 4 "UPDATE $t SET a = 'bad' WHERE id = 1"      # an edge is looked at always
try 4 "UPDATE $t SET a = 'bad' WHERE id = 300000" # and so is the other
