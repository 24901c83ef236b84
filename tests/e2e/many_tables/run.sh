#!/usr/bin/env bash
# 10,000 tables: memory stays bounded, status stays quick while the run is on, and it resumes.
# label: soak
# timeout: 1800
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
{
    echo 'PRAGMA synchronous = OFF; BEGIN;'
    for ((i = 1; i <= 10000; i++)); do
        echo "CREATE TABLE table_$i (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
            CREATE INDEX index_$i ON table_$i (b); INSERT INTO table_$i VALUES (1, 'x$i', $i), (2, 'y', 2);"
    done
    echo 'COMMIT;'
} | sqlite3 -batch a.db || die "source"
ends=(--from sqlite:a.db --to sqlite:b.db)

STOPOVER_FAULT=kill:4000:writer.commit expect_within 2 1 137 run many "${ends[@]}"
size=$(stat -c %s home/migrations/many/journal.db)
echo "journal: $size bytes"
expect_within 4 1 0 run many &
for _ in $(seq 20); do
    sleep 0.5
    timeout 2 "$STOPOVER" status many --json >status.out || die "status takes longer than 2 s"
done
wait $! || exit 1
phase_is many promoted
expect_within 2 1 0 rollback many --yes
expect_within 2 1 0 finish many --yes
expect_within 2 1 0 run many
expect_within 2 1 0 finish many --yes
oracle_sql a.db "SELECT group_concat(name || sql) FROM (SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)" >a.schema
oracle_sql b.db "SELECT group_concat(name || sql) FROM (SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)" >b.schema
cmp a.schema b.schema || die "the schemas differ"
sqlite3 a.db .dump | sort | sha256sum >a.sum
sqlite3 b.db .dump | sort | sha256sum >b.sum
cmp a.sum b.sum || die "the contents differ"
