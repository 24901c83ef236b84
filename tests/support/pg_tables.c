#include "tests/support/pg_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/postgres.h"

/* A line for each column: name|type|generated|position in the primary key. */
static char *ask_columns(PgCluster *cluster, const char *database, const char *relation)
{
    AUTO_TEXT Text sql = {0};

    text_append(&sql, "select string_agg(concat_ws('|', a.attname, "
                      "format_type(a.atttypid, a.atttypmod), a.attgenerated <> '', "
                      "coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)), E'\\n' "
                      "order by a.attnum) from pg_attribute a "
                      "left join pg_index i on i.indrelid = a.attrelid and i.indisprimary "
                      "where a.attnum > 0 and not a.attisdropped and a.attrelid = ");
    pg_quote_literal(&sql, relation);
    text_append(&sql, "::regclass");
    return pg_cluster_ask(cluster, database, text_string(&sql));
}

static char *ask_leaves(PgCluster *cluster, const char *database, const char *relation)
{
    AUTO_TEXT Text sql = {0};

    text_append(&sql, "select string_agg(format('%I.%I', n.nspname, c.relname), E'\\n' "
                      "order by c.oid) filter (where p.level > 0) from pg_partition_tree(");
    pg_quote_literal(&sql, relation);
    text_append(&sql, ") p join pg_class c on c.oid = p.relid "
                      "join pg_namespace n on n.oid = c.relnamespace where p.isleaf");
    return pg_cluster_ask(cluster, database, text_string(&sql));
}

static void add_column(Table *table, char *line)
{
    char *rest = line;
    Column *column = table_add_column(table);
    const char *position = NULL;

    column->name = xstrdup(strsep(&rest, "|"));
    column->type = xstrdup(strsep(&rest, "|"));
    column->is_generated = *strsep(&rest, "|") == 't';
    position = strsep(&rest, "|");
    column->key_position = (unsigned)strtoul(position == NULL ? "0" : position, NULL, 10);
}

static void add_notes(Table *table, PgCluster *cluster, const char *database, const char *relation)
{
    AUTO_TABLE_NOTES PgTableNotes notes = {.kind = 'r'};
    AUTO_FREE_MEMORY char *leaves = ask_leaves(cluster, database, relation);
    char *rest = leaves;

    for (char *leaf = strsep(&rest, "\n"); leaf != NULL; leaf = strsep(&rest, "\n")) {
        text_list_add(&notes.leaves, leaf);
    }
    if (notes.leaves.count > 0)
        notes.kind = 'p';
    table->private_data = pg_table_notes_write(&notes);
}

Table *pg_tables_add(Catalog *catalog, PgCluster *cluster, const char *database, const char *schema,
                     const char *name, RowFormat format)
{
    AUTO_FREE_MEMORY char *relation = pg_qualified(schema, name);
    AUTO_FREE_MEMORY char *columns = ask_columns(cluster, database, relation);
    char *rest = columns;
    Table *table = catalog_add_table(catalog);

    table->schema = xstrdup(schema);
    table->name = xstrdup(name);
    table->key = KEY_PHYSICAL;
    table->format = format;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
        add_column(table, line);
    add_notes(table, cluster, database, relation);
    return table;
}

void pg_held_open(PgHeld *held, PgCluster *cluster, const char *database)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};

    *held = (PgHeld){0};
    if (uri_parse(pg_cluster_uri(cluster, database), &uri, &err) < 0 ||
        postgres_open_source(uri, &held->source, &err) < 0 ||
        source_hold(held->source, NULL, 1, &held->snapshot, &err) < 0 ||
        source_open_reader(held->source, &held->reader, &err) < 0)
        fail_msg("%s (%s)", err.message, err.hint);
}

void pg_held_release(PgHeld *held)
{
    reader_free(held->reader);
    source_free(held->source);
    snapshot_release(&held->snapshot);
    *held = (PgHeld){0};
}
