/*
 * The tables of the catalog: which relations carry rows, their columns, keys and formats.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"
#include "engine/connect/postgres/source_columns.sql.h"
#include "engine/connect/postgres/source_partitioning.sql.h"
#include "engine/flow/names.h"

/* The columns of source_columns.sql. */
enum {
    COLUMN_TABLE,
    COLUMN_NAME,
    COLUMN_TYPE,
    COLUMN_IS_GENERATED,
    COLUMN_KEY_POSITION,
    COLUMN_IS_TEXT,
    COLUMN_HAS_REG,
};

/* ---- what is loaded through its root (trap 15) ---- */

static int compare_oids(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* The topmost partitioned table, the relation itself or above it, whose partitions cannot be told
 * in advance; 0 for none. */
static uint32_t find_root(const SourceRelations *relations, const SourceRelation *relation,
                          const uint32_t *unsure, size_t count)
{
    uint32_t root = 0;
    for (const SourceRelation *at = relation; at; at = source_relations_parent(relations, at)) {
        if (count > 0 && bsearch(&at->oid, unsure, count, sizeof(*unsure), compare_oids))
            root = at->oid;
    }
    return root;
}

Status describe_roots(Describer *describer, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_query(describer->connection, source_partitioning_sql, &rows, err));
    size_t count = pg_row_count(rows);
    AUTO_FREE_MEMORY uint32_t *unsure = xcalloc(count + 1, sizeof(*unsure));
    for (size_t row = 0; row < count; row++)
        unsure[row] = (uint32_t)pg_unsigned(rows, row, 0);
    for (size_t i = 0; i < describer->relations.count; i++) {
        SourceRelation *relation = &describer->relations.items[i];
        if (source_relation_is_table(relation))
            relation->root = find_root(&describer->relations, relation, unsure, count);
    }
    return STATUS_OK;
}

static bool carries_rows(const SourceRelation *relation)
{
    if (relation->is_unfilled)
        return false;
    return relation->kind == 'r' ? relation->root == 0
                                 : relation->kind == 'p' && relation->root == relation->oid;
}

/* ---- tables ---- */

static void refuse_bad_name(Describer *describer, const char *what, const char *name)
{
    Error bad = {0};
    if (name_check(what, name, &bad) != STATUS_OK)
        findings_add(describer->findings, FINDING_REFUSAL, NULL,
                     "Rename it in the source, or leave its table out with --exclude-table.", "%s",
                     bad.message);
}

static void add_table(Describer *describer, SourceRelation *relation, const char *definition)
{
    Table *table = catalog_add_table(describer->catalog);
    table->schema = xstrdup(relation->schema);
    table->name = xstrdup(relation->name);
    table->definition = xstrdup(definition);
    table->key = KEY_PHYSICAL;
    table->format = ROW_PG_BINARY;
    relation->table_id = table->id;
    refuse_bad_name(describer, "schema", table->schema);
    refuse_bad_name(describer, "table", table->name);
}

/* In the order of the dump, which is the same for the same schema. */
static void add_tables(Describer *describer)
{
    for (size_t i = 0; i < describer->dump.count; i++) {
        DumpEntry *entry = &describer->dump.entries[i];
        SourceRelation *relation =
            entry->class_oid == CLASS_RELATION && strcmp(entry->type, "TABLE") == 0
                ? source_relations_find(&describer->relations, entry->oid)
                : NULL;
        if (!relation || !relation->is_selected || !carries_rows(relation))
            continue;
        add_table(describer, relation, entry->text);
        describer_notes(describer, entry)->is_carried = true;
    }
}

static Status check_all_there(Describer *describer, Error *err)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        SourceRelation *relation = &describer->relations.items[i];
        if (!relation->is_selected || !source_relation_is_table(relation))
            continue;
        if (relation->root && relation->root != relation->oid) {
            const SourceRelation *root =
                source_relations_find(&describer->relations, relation->root);
            relation->table_id = root ? root->table_id : 0;
        }
        if (carries_rows(relation) && relation->table_id == 0)
            return error_set(err, STATUS_FAILED, "pg_dump wrote nothing about table \"%s.%s\"",
                             relation->schema, relation->name);
    }
    return STATUS_OK;
}

/* As a JSON array: of all Tables, or of all ordinary tables whose rows a Table carries. */
static char *list_oids(const Describer *describer, bool leaves)
{
    AUTO_TEXT Text text = {0};
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        bool is_listed = leaves ? relation->kind == 'r' : carries_rows(relation);
        if (relation->table_id && is_listed)
            text_append_format(&text, "%s%u", text.size ? "," : "[", relation->oid);
    }
    text_append(&text, text.size ? "]" : "[]");
    return text_take(&text);
}

static Table *table_of_row(const Describer *describer, const PgRows *rows, size_t row)
{
    const SourceRelation *relation =
        source_relations_find(&describer->relations, (uint32_t)pg_unsigned(rows, row, 0));
    return relation && relation->table_id ? catalog_table(describer->catalog, relation->table_id)
                                          : NULL;
}

/* Its text names what stands there, its bytes an OID that is somebody else's in the target: neither
 * can be bound to what is being staged (trap 22). */
static void refuse_reg_column(Describer *describer, const Table *table, const Column *column)
{
    AUTO_FREE_MEMORY char *object = xasprintf("table %s.%s", table->schema, table->name);
    findings_add(describer->findings, FINDING_REFUSAL, object,
                 "Leave the table out with --exclude-table, or keep names as text in that column.",
                 "column \"%s\" holds references to objects of the database (%s)", column->name,
                 column->type);
}

static void add_column(Describer *describer, Table *table, const PgRows *rows, size_t row)
{
    Column *column = table_add_column(table);
    column->name = xstrdup(pg_value(rows, row, COLUMN_NAME));
    column->type = xstrdup(pg_value(rows, row, COLUMN_TYPE));
    column->is_generated = pg_is_true(rows, row, COLUMN_IS_GENERATED);
    column->key_position = (unsigned)pg_unsigned(rows, row, COLUMN_KEY_POSITION);
    refuse_bad_name(describer, "column", column->name);
    if (column->is_generated)
        return;
    if (!pg_is_null(rows, row, COLUMN_IS_TEXT) && !pg_is_true(rows, row, COLUMN_IS_TEXT))
        return;
    table->format = ROW_PG_TEXT;
    if (pg_is_true(rows, row, COLUMN_HAS_REG))
        refuse_reg_column(describer, table, column);
}

static Status add_columns(Describer *describer, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_FREE_MEMORY char *oids = list_oids(describer, false);
    const char *const parameters[] = {oids};
    TRY(pg_query_bound(describer->connection, source_columns_sql, parameters, 1, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        Table *table = table_of_row(describer, rows, row);
        if (table)
            add_column(describer, table, rows, row);
    }
    return STATUS_OK;
}

/* relpages says 0 for tables never looked at (trap 22): bytes come from the files. */
static Status estimate_sizes(Describer *describer, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_FREE_MEMORY char *oids = list_oids(describer, true);
    const char *const parameters[] = {oids};
    TRY(pg_query_bound(
        describer->connection,
        "select c.oid, greatest(c.reltuples, 0)::bigint, pg_table_size(c.oid) from pg_class c"
        " where c.oid in (select json_array_elements_text($1::json)::oid) order by c.oid",
        parameters, 1, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        Table *table = table_of_row(describer, rows, row);
        if (!table)
            continue;
        table->row_estimate += pg_unsigned(rows, row, 1);
        table->byte_estimate += pg_unsigned(rows, row, 2);
    }
    return STATUS_OK;
}

Status describe_tables(Describer *describer, Error *err)
{
    add_tables(describer);
    TRY(check_all_there(describer, err));
    TRY(add_columns(describer, err));
    return estimate_sizes(describer, err);
}

Status describe_row_tables(Describer *describer, Error *err)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        SourceRelation *relation = &describer->relations.items[i];
        if (relation->is_selected && source_relation_is_table(relation) && carries_rows(relation))
            add_table(describer, relation, "");
    }
    TRY(check_all_there(describer, err));
    TRY(add_columns(describer, err));
    TRY(estimate_sizes(describer, err));
    describe_row_notes(describer);
    return STATUS_OK;
}
