#!/usr/bin/env bash
# --schema-only: structure without rows, through all stages, and back; it is recorded, and rows
# written meanwhile are no reason to refuse the promotion, but a changed structure is.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sample_databases

content() { # FILE: tables with rows, and all names
    oracle_names "$1"
    oracle_sql "$1" "SELECT 'SELECT ''' || replace(name, '''', '''''') || ''', count(*) FROM \"' || replace(name, '\"', '\"\"') || '\";'
        FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name" |
        sqlite3 -batch "file:$1?mode=ro"
}

# expected: the tables of the source, empty; what is in the target alone stays as it is
cp expected.db empty.db
oracle_sql a.db "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'" |
    while IFS= read -r table; do
        sqlite3 -batch empty.db "PRAGMA foreign_keys = OFF; DELETE FROM \"${table//\"/\"\"}\""
    done

expect 0 plan --from sqlite:a.db --to sqlite:b.db --schema-only
says 'structure only, no rows'
expect 0 run m --from sqlite:a.db --to sqlite:b.db --schema-only --stop-after staged
says 'staged: [0-9]+ tables, structure only, no rows'
says_not 'chunks? copied'
expect 0 stage m
says 'nothing to do'

# the option is recorded: leaving it out changes nothing, giving it later is refused
expect 0 verify m
says 'verified: [0-9]+ tables: structure only, no rows'
expect 0 status m
says 'structure only, no rows'
expect 0 run other --from sqlite:a.db --to sqlite:c.db --stop-after prepared
expect 5 run other --from sqlite:a.db --to sqlite:c.db --schema-only
says 'was prepared without --schema-only'
one_error
expect 5 run other --with-owner
says 'was prepared without --with-owner'

# rows do not count, structure does
cp a.db a.kept
sqlite3 -batch a.db "PRAGMA foreign_keys = OFF; CREATE TABLE later(x)"
expect 5 promote m
says 'structure of the source changed'
one_error
sqlite3 -batch a.db "DROP TABLE later"
expect 0 promote m
says 'promoted: [0-9]+ tables, structure only, no rows'
says_not 'unverified'
content empty.db >wanted
content b.db | grep -vE '_retired_|stopover_' >found
diff wanted found || die "the structure without rows"
expect 0 rollback m --yes
expect 0 finish m --yes
oracle_equal b.before b.db "rollback of a structure" || exit 1

# killed at any step it goes on, also without verification
cp a.kept a.db
rm -rf home b.db
cp b.before b.db
for point in target.claim stage.plan run.task run.record target.promote.swap promote.record; do
    STOPOVER_FAULT=kill:1:$point "$STOPOVER" run m --from sqlite:a.db --to sqlite:b.db --schema-only \
        --verify none >out 2>err </dev/null
done
expect 0 run m
content b.db | grep -vE '_retired_|stopover_' >found
diff wanted found || die "the structure after interruptions"
expect 0 status m --json
json_is '$.status.schema_only' 1
