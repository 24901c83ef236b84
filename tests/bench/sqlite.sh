#!/usr/bin/env bash
# SQLite to SQLite, against what one would do by hand, alternating in one run:
#   tests/bench/sqlite.sh PROGRAM [ROWS] [ROUNDS]
# PROGRAM is a release build of stopover. Prints the median seconds of each way and its ratio to ours.
set -euo pipefail
program=$(realpath "${1:?usage: tests/bench/sqlite.sh PROGRAM [ROWS] [ROUNDS]}")
rows=${2:-2000000}
rounds=${3:-5}
here=$(mktemp -d "${TMPDIR:-/tmp}/stopover-bench.XXXXXX")
trap 'rm -rf "$here"' EXIT
cd "$here"
export STOPOVER_HOME=$here/home

sqlite3 -batch source.db <<SQL
PRAGMA synchronous = OFF;
CREATE TABLE narrow (id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
INSERT INTO narrow SELECT i, 'row number ' || i, i % 1000, i / 3.0 FROM n;
CREATE INDEX narrow_b ON narrow (b);
CREATE TABLE wide (id TEXT PRIMARY KEY, body TEXT, vector BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows / 50)
INSERT INTO wide SELECT hex(randomblob(16)), hex(randomblob(200)), randomblob(1024) FROM n;
SQL

stopover_run() { # LEVEL
    "$program" run bench --from sqlite:source.db --to sqlite:target.db --verify "$1" --quiet >/dev/null 2>&1
}
ours_sample() { stopover_run sample; }
ours_count() { stopover_run count; }
ours_none() { stopover_run none; }
# as durable as ours, in transactions of about the size of a chunk
insert_select() {
    sqlite3 -batch target.db "ATTACH 'file:source.db?mode=ro' AS s" \
        "CREATE TABLE narrow (id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c REAL)" \
        "INSERT INTO narrow SELECT * FROM s.narrow" "CREATE INDEX narrow_b ON narrow (b)" \
        "CREATE TABLE wide (id TEXT PRIMARY KEY, body TEXT, vector BLOB)" "INSERT INTO wide SELECT * FROM s.wide"
}
dump_pipe() { sqlite3 -batch source.db .dump | sqlite3 -batch target.db; }
vacuum_into() { sqlite3 -batch source.db "VACUUM INTO 'target.db'"; }

ways=(ours_sample ours_count ours_none insert_select dump_pipe vacuum_into)
for ((round = 0; round < rounds; round++)); do
    for way in "${ways[@]}"; do
        rm -rf target.db* home
        sync
        started=$EPOCHREALTIME
        $way
        ended=$EPOCHREALTIME
        awk -v a="$started" -v b="$ended" 'BEGIN { printf "%.3f\n", b - a }' >>"$way.times"
    done
done
median() { sort -n "$1.times" | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'; }
ours=$(median ours_sample)
printf '%-16s %10s %10s %10s %14s\n' way median least most 'ours_sample / way'
for way in "${ways[@]}"; do
    printf '%-16s %10.2f %10.2f %10.2f %14.2f\n' "$way" "$(median "$way")" "$(sort -n "$way.times" | head -1)" \
        "$(sort -n "$way.times" | tail -1)" "$(awk -v o="$ours" -v w="$(median "$way")" 'BEGIN { print o / w }')"
done
echo "source: $(($(stat -c %s source.db) / 1000000)) MB, $rows narrow and $((rows / 50)) wide rows, $rounds rounds"
