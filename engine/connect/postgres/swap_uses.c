/*
 * Before staging exists: do the columns and keys come that others use? By the plan; once they are
 * there, swap_dependents.sql asks the catalogs.
 */
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/swap_inside.h"
#include "engine/connect/postgres/swap_uses.sql.h"

enum UseColumn {
    USE_WORDS = 0,
    USE_SCHEMA,
    USE_TABLE,
    USE_COLUMN,
    USE_TYPE,
    USE_KEY,
};

static const char change_it[] =
    "Drop it before, and create it again once the migration is promoted; or change it so that it "
    "fits the source's table.";

/* ---- columns ---- */

static const Column *find_column(const Table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    }
    return NULL;
}

static Status is_type(const SwapWork *work, const char *planned, const char *live, bool *ret,
                      Error *err)
{
    AUTO_FREE_MEMORY char *source = xasprintf("(%s)", planned);
    AUTO_FREE_MEMORY char *wanted = xasprintf("(%s)", live);
    AUTO_FREE_MEMORY char *found = NULL;

    TRY(swap_home_types(work, source, &found, err));
    *ret = strcmp(found, wanted) == 0;
    return STATUS_OK;
}

static Status check_column(const SwapWork *work, const Table *table, const PgRows *rows, size_t row,
                           Error *err)
{
    const Column *column = find_column(table, pg_value(rows, row, USE_COLUMN));
    bool is_same = false;

    if (column != NULL)
        TRY(is_type(work, column->type, pg_value(rows, row, USE_TYPE), &is_same, err));
    if (is_same)
        return STATUS_OK;
    findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, row, USE_WORDS), change_it,
                 "uses column %s of table %s.%s, which is replaced: %s",
                 pg_value(rows, row, USE_COLUMN), table->schema, table->name,
                 column == NULL ? "the source does not have it"
                                : "it is of another type in the source");
    return STATUS_OK;
}

/* ---- keys ---- */

static bool names_all(const char *statement, const Json *columns)
{
    for (const Json *column = json_at(columns, 0); column != NULL; column = json_next(column)) {
        if (strstr(statement, json_string(column)) == NULL)
            return false;
    }
    return true;
}

/* Roughly: what it takes for no key is none. */
static bool has_key(const SwapWork *work, const Table *table, const Json *columns)
{
    const Catalog *catalog = &work->plan->catalog;

    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object->table_id != table->id ||
            (object->kind != OBJECT_CONSTRAINT && object->kind != OBJECT_INDEX))
            continue;
        if ((strstr(object->definition, "UNIQUE ") != NULL ||
             strstr(object->definition, "PRIMARY KEY ") != NULL) &&
            names_all(object->definition, columns))
            return true;
    }
    return false;
}

static Status check_key(const SwapWork *work, const Table *table, const PgRows *rows, size_t row,
                        Error *err)
{
    AUTO_FREE(json_free) Json *columns = NULL;

    TRY(json_parse(pg_value(rows, row, USE_KEY), &columns, err));
    if (!has_key(work, table, columns))
        findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, row, USE_WORDS), change_it,
                     "refers to table %s.%s, which is replaced: the source has no unique key over "
                     "the columns it refers to",
                     table->schema, table->name);
    return STATUS_OK;
}

/* Tables without rows of their own (partitioned ones) have no columns in the plan: seen later. */
Status swap_check_uses(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    if (work->staged_exists)
        return STATUS_OK;
    TRY(swap_query_gone(work, swap_uses_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        const Table *table = catalog_find_table(&work->plan->catalog, pg_value(rows, i, USE_SCHEMA),
                                                pg_value(rows, i, USE_TABLE));

        if (table == NULL)
            continue;
        if (pg_is_null(rows, i, USE_KEY))
            TRY(check_column(work, table, rows, i, err));
        else
            TRY(check_key(work, table, rows, i, err));
    }
    return STATUS_OK;
}
