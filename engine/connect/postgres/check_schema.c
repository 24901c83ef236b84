/*
 * What is asked, of everything the plan has made:
 *  C1  it is still there: every record of stopover.object has its object, in our schemas;
 *  C2  each table has the structure of the source's (facts.h), so indexes are valid and constraints
 *      validated as they are there;
 *  C3  sequences have the source's values, materialized views their content, indexes on them are
 *      valid;
 *  C4  nothing of it depends on a live object of a migrated name (traps 4 and 5): an index built over
 *      the old function or a foreign key to the old table would be right until the promotion.
 */
#include "engine/connect/postgres/check_schema.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/facts.h"
#include "engine/connect/postgres/gone_objects.sql.h"
#include "engine/connect/postgres/live_references.sql.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/our_objects.sql.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/staging_map.h"
#include "engine/connect/postgres/staging_work.h"

enum {
    SEQUENCES_PER_QUERY = 200,
};

static const char begin_again[] = "Run `stopover stage --again` to stage everything again.";

typedef struct Check {
    PgConnection *connection;
    const RunIdentity *identity;
    const Plan *plan;
    StagingMap map;
    Findings *findings;
} Check;

static const char *source_schema(const Check *check, const char *staging)
{
    for (size_t i = 0; i < check->map.staging.count; i++) {
        if (strcmp(check->map.staging.items[i], staging) == 0)
            return check->map.schemas.items[i];
    }
    return NULL;
}

static void __attribute__((format(printf, 3, 4)))
add_difference(const Check *check, const char *object, const char *format, ...)
{
    AUTO_TEXT Text message = {0};
    va_list arguments;

    va_start(arguments, format);
    text_append_arguments(&message, format, arguments);
    va_end(arguments);
    findings_add(check->findings, FINDING_REFUSAL, object, begin_again, "%s",
                 text_string(&message));
}

static Status query_ours(const Check *check, const char *more, const SqlValue *values, size_t count,
                         PgRows **ret, Error *err)
{
    AUTO_TEXT Text sql = {0};

    sql_fill(&sql, our_objects_sql, check->identity, NULL, 0);
    sql_fill(&sql, more, check->identity, values, count);
    return pg_query(check->connection, text_string(&sql), ret, err);
}

/* ---- C1 ---- */

static Status check_records(const Check *check, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query_ours(check, gone_objects_sql, NULL, 0, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        AUTO_FREE_MEMORY char *object =
            xasprintf("%s %s", pg_value(rows, i, 0), pg_value(rows, i, 1));

        add_difference(check, object, "is missing: somebody else has dropped or moved it");
    }
    return STATUS_OK;
}

/* ---- C2 ---- */

static Status check_table(const Check *check, const Table *table, const Facts *facts, Error *err)
{
    AUTO_TABLE_NOTES PgTableNotes notes = {0};
    AUTO_TEXT_LIST TextList differences = {0};
    AUTO_FREE_MEMORY char *name = table_display_name(table);
    const char *staging = staging_map_schema(&check->map, table->schema);
    const RelationFacts *found = facts_find(facts, staging, table->name);

    TRY(pg_table_notes_read(table, &notes, err));
    if (found == NULL) {
        add_difference(check, name, "its staging table %s is missing", table->staged_name);
        return STATUS_OK;
    }
    facts_compare(&notes.facts, &found->lines, &differences);
    for (size_t i = 0; i < differences.count; i++)
        add_difference(check, name, "%s", differences.items[i]);
    return STATUS_OK;
}

static Status check_tables(const Check *check, Error *err)
{
    AUTO_FACTS Facts facts = {0};
    const Catalog *catalog = &check->plan->catalog;

    TRY(facts_read(check->connection, &check->map.staging, check->map.back, &facts, err));
    for (size_t i = 0; i < catalog->table_count; i++)
        TRY(check_table(check, &catalog->tables[i], &facts, err));
    return STATUS_OK;
}

/* ---- C3 ---- */

static void append_sequence(const Check *check, const Object *object, Text *sql)
{
    AUTO_FREE_MEMORY char *staged =
        pg_qualified(staging_map_schema(&check->map, object->schema), object->name);

    text_append_format(sql, "%sselect %u, last_value, is_called from %s",
                       sql->size > 0 ? " union all " : "", object->id, staged);
}

static void check_sequence(const Check *check, const PgRows *rows, size_t row)
{
    const Object *object = &check->plan->catalog.objects[pg_unsigned(rows, row, 0) - 1];
    AUTO_FREE_MEMORY char *value = NULL;
    AUTO_FREE_MEMORY char *name = xasprintf("sequence %s.%s", object->schema, object->name);
    bool is_called = false;

    if (staging_sequence_value(object->definition, &value, &is_called) &&
        strcmp(value, pg_value(rows, row, 1)) == 0 && is_called == pg_is_true(rows, row, 2))
        return;
    add_difference(check, name, "its value is not the source's");
}

static Status check_some_sequences(const Check *check, Text *sql, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    if (sql->size == 0)
        return STATUS_OK;
    TRY(pg_query(check->connection, text_string(sql), &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        check_sequence(check, rows, i);
    text_clear(sql);
    return STATUS_OK;
}

/* "schema name" of all sequences in our schemas: to ask one that is not there is an error. */
static Status list_sequences(const Check *check, TextList *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query_ours(check,
                   "select (n.nspname || ' ' || c.relname) collate \"C\" from pg_catalog.pg_class c"
                   " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
                   " where c.relkind = 'S' and n.oid in (select oid from space)"
                   " order by 1",
                   NULL, 0, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        text_list_add(ret, pg_value(rows, i, 0));
    return STATUS_OK;
}

static int compare_strings(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool has_sequence(const Check *check, const TextList *there, const Object *object)
{
    AUTO_FREE_MEMORY char *key =
        xasprintf("%s %s", staging_map_schema(&check->map, object->schema), object->name);

    return there->count > 0 && bsearch(&key, there->items, there->count, sizeof(*there->items),
                                       compare_strings) != NULL;
}

static Status check_sequences(const Check *check, Error *err)
{
    const Catalog *catalog = &check->plan->catalog;
    AUTO_TEXT_LIST TextList there = {0};
    AUTO_TEXT Text sql = {0};
    size_t count = 0;

    TRY(list_sequences(check, &there, err));
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object->kind != OBJECT_SEQUENCE ||
            staging_map_schema(&check->map, object->schema) == NULL)
            continue;
        if (!has_sequence(check, &there, object)) {
            AUTO_FREE_MEMORY char *name = xasprintf("sequence %s.%s", object->schema, object->name);

            add_difference(check, name, "is missing");
            continue;
        }
        append_sequence(check, object, &sql);
        if (++count % SEQUENCES_PER_QUERY == 0)
            TRY(check_some_sequences(check, &sql, err));
    }
    return check_some_sequences(check, &sql, err);
}

static bool is_filled(const Plan *plan, const char *schema, const char *name)
{
    for (size_t i = 0; i < plan->catalog.object_count; i++) {
        const Object *object = &plan->catalog.objects[i];
        Error ignored = {0};
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};

        if (object->kind != OBJECT_VIEW || strcmp(object->name, name) != 0 ||
            strcmp(object->schema, schema) != 0)
            continue;
        if (pg_object_notes_read(object, &notes, &ignored) >= 0 &&
            strcmp(notes.type, "MATERIALIZED VIEW DATA") == 0)
            return true;
    }
    return false;
}

static Status check_views(const Check *check, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query_ours(check,
                   "select n.nspname, c.relname, c.relispopulated,"
                   " (select pg_catalog.min(x.relname::text) from pg_catalog.pg_index i"
                   " join pg_catalog.pg_class x on x.oid = i.indexrelid"
                   " where i.indrelid = c.oid and not (i.indisvalid and i.indisready))"
                   " from pg_catalog.pg_class c"
                   " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
                   " where c.relkind = 'm' and n.oid in (select oid from space) order by 1, 2",
                   NULL, 0, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        const char *schema = source_schema(check, pg_value(rows, i, 0));

        if (schema == NULL)
            continue;

        AUTO_FREE_MEMORY char *name =
            xasprintf("materialized view %s.%s", schema, pg_value(rows, i, 1));

        if (!pg_is_true(rows, i, 2) && is_filled(check->plan, schema, pg_value(rows, i, 1)))
            add_difference(check, name, "has no content");
        if (!pg_is_null(rows, i, 3))
            add_difference(check, name, "its index \"%s\" is not valid", pg_value(rows, i, 3));
    }
    return STATUS_OK;
}

/* ---- C4 ---- */

static char *dependent_name(const Check *check, const PgRows *rows, size_t row)
{
    const char *schema = source_schema(check, pg_value(rows, row, 4));
    const Table *table =
        schema == NULL ? NULL
                       : catalog_find_table(&check->plan->catalog, schema, pg_value(rows, row, 5));

    return table != NULL ? table_display_name(table) : xstrdup(pg_value(rows, row, 3));
}

static Status check_references(const Check *check, Error *err)
{
    AUTO_FREE(json_free) Json *schemas = json_array();
    AUTO_FREE_MEMORY char *text = NULL;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    for (size_t i = 0; i < check->map.schemas.count; i++)
        json_add_string(schemas, check->map.schemas.items[i]);
    text = json_print(schemas, false);

    const SqlValue value = {.name = "schemas", .text = text};

    TRY(query_ours(check, live_references_sql, &value, 1, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        const char *schema = pg_value(rows, i, 0);
        const char *name = pg_value(rows, i, 1);
        const char *target =
            name_map_find(check->map.forward, (unsigned)pg_unsigned(rows, i, 2), schema, name);

        if (target == NULL || strcmp(target, schema) == 0)
            continue; /* not migrated, or of an extension: it stays where it is */

        AUTO_FREE_MEMORY char *object = dependent_name(check, rows, i);

        add_difference(check, object, "%s depends on the live %s.%s instead of the staged one",
                       pg_value(rows, i, 3), schema, name);
    }
    return STATUS_OK;
}

/* ---- all ---- */

static Status check_all(const Check *check, Error *err)
{
    TRY(check_records(check, err));
    TRY(check_tables(check, err));
    TRY(check_sequences(check, err));
    TRY(check_views(check, err));
    return check_references(check, err);
}

static Status check_inside(Check *check, Error *err)
{
    bool exists = false;

    TRY(pg_run(check->connection, "begin isolation level repeatable read, read only", err));
    TRY(pg_control_exists(check->connection, &exists, err));
    if (!exists) {
        findings_add(check->findings, FINDING_REFUSAL, "schema stopover", begin_again,
                     "the target holds no records of this migration");
        return pg_run(check->connection, "commit", err);
    }
    TRY(staging_map_make(check->connection, check->identity, &check->plan->catalog, &check->map,
                         err));
    TRY(check_all(check, err));
    return pg_run(check->connection, "commit", err);
}

Status pg_check_schema(Stager *stager, const RunIdentity *identity, const Plan *plan,
                       Findings *findings, Error *err)
{
    Check check = {.identity = identity, .plan = plan, .findings = findings};

    TRY(pg_target_control(pg_target_of_stager(stager), &check.connection, err));

    Status status = check_inside(&check, err);

    if (status < 0)
        pg_reset(check.connection);
    staging_map_release(&check.map);
    return status;
}
