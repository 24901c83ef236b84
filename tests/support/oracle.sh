# shellcheck shell=bash
# The oracle: says what a SQLite file holds, by the sqlite3 program alone, never by code under test.
#   oracle_content FILE             schema and rows in a stable order, exact to the bit
#   oracle_expect SOURCE OUT        makes the database OUT that the target of tests/data/everything_*.sql
#                                   must equal after the promotion of SOURCE
#   oracle_equal A B WHAT           fails with the difference when the two contents differ
#   oracle_names FILE               names of all tables, views, indexes and triggers

oracle_sql() { # FILE SQL
    sqlite3 -batch -noheader "file:$1?mode=ro" "$2"
}

# A query for each table that prints its rows. quote() would cut text at a NUL and round reals, so
# values are given by type and bytes. The row address is content where it can be named.
oracle_row_queries() { # FILE
    oracle_sql "$1" "
WITH tables AS (
    SELECT l.name, '\"' || replace(l.name, '\"', '\"\"') || '\"' AS quoted,
           l.wr = 0 AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(l.name) WHERE lower(name) = 'rowid') AS addressed
    FROM pragma_table_list l
    WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'),
columns AS (
    SELECT t.name, t.quoted, t.addressed, c.cid, '\"' || replace(c.name, '\"', '\"\"') || '\"' AS quoted_column
    FROM tables t, pragma_table_xinfo(t.name) c ORDER BY t.name, c.cid)
SELECT 'SELECT ' || quote(name) || ' || ''|'' || ' ||
       CASE WHEN addressed THEN 'printf(''%d'', rowid) || ''|'' || ' ELSE '' END ||
       group_concat('typeof(' || quoted_column || ') || '':'' || CASE typeof(' || quoted_column ||
           ') WHEN ''real'' THEN printf(''%!.26g'', ' || quoted_column || ') WHEN ''null'' THEN '''' ELSE hex(' ||
           quoted_column || ') END', ' || ''|'' || ') ||
       ' FROM ' || quoted || ' ORDER BY 1;'
FROM columns GROUP BY name ORDER BY name"
}

oracle_content() { # FILE
    {
        cat <<'SQL'
SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'
    OR name LIKE 'sqlite\_autoindex%' ESCAPE '\' ORDER BY type, name;
SELECT 'user_version', user_version FROM pragma_user_version;
SELECT 'application_id', application_id FROM pragma_application_id;
SELECT 'integrity', integrity_check FROM pragma_integrity_check;
SQL
        oracle_sql "$1" "
SELECT 'SELECT ''sequence'', name, typeof(seq), seq FROM sqlite_sequence ORDER BY name;'
FROM sqlite_schema WHERE name = 'sqlite_sequence';
SELECT 'SELECT ''stat'', tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx, stat;'
FROM sqlite_schema WHERE name = 'sqlite_stat1';"
        oracle_row_queries "$1"
    } | sqlite3 -batch -noheader "file:$1?mode=ro"
}

oracle_names() { # FILE
    oracle_sql "$1" "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
}

# The source's statements and rows, by ATTACH, so that no value passes through text.
oracle_add() { # SOURCE OUT
    sqlite3 -batch "$2" <<SQL || return 1
.bail on
PRAGMA foreign_keys = OFF;
ATTACH 'file:$1?mode=ro' AS s;
.output $2.1
SELECT sql || ';' FROM s.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid;
SELECT sql || ';' FROM s.sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid;
.output
.read $2.1
.output $2.2
WITH columns AS (
    SELECT t.name, '"' || replace(t.name, '"', '""') || '"' AS quoted,
           '"' || replace(c.name, '"', '""') || '"' AS quoted_column,
           t.wr = 0 AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(t.name) WHERE lower(name) = 'rowid') AS addressed
    FROM pragma_table_list t, pragma_table_xinfo(t.name) c
    WHERE t.schema = 's' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND c.hidden = 0)
SELECT 'INSERT INTO main.' || quoted || ' (' || CASE WHEN addressed THEN 'rowid, ' ELSE '' END ||
       group_concat(quoted_column, ', ') || ') SELECT ' || CASE WHEN addressed THEN 'rowid, ' ELSE '' END ||
       group_concat(quoted_column, ', ') || ' FROM s.' || quoted || ';'
FROM columns GROUP BY name;
.output
.read $2.2
DELETE FROM sqlite_sequence WHERE name <> 'outside_counter';
INSERT INTO sqlite_sequence SELECT * FROM s.sqlite_sequence;
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 SELECT * FROM s.sqlite_stat1;
.output $2.3
SELECT sql || ';' FROM s.sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY rowid;
.output
.read $2.3
SQL
    rm -f "$2".[123]
}

oracle_expect() { # SOURCE OUT
    rm -f "$2"
    sqlite3 -batch "$2" <"$STOPOVER_DATA/everything_outside.sql" &&
        oracle_add "$1" "$2" &&
        sqlite3 -batch "$2" <"$STOPOVER_DATA/everything_outside_triggers.sql"
}

oracle_equal() { # A B WHAT
    oracle_content "$1" >"$1.content"
    oracle_content "$2" >"$2.content"
    if ! cmp -s "$1.content" "$2.content"; then
        echo "FAILED: $3: $1 and $2 differ:"
        diff "$1.content" "$2.content" | cut -c1-300 | head -40
        return 1
    fi
}
