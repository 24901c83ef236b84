/*
 * Before staging exists: do the columns, keys and results come that others use? By the plan; once they
 * are there, swap_dependents.sql asks the catalogs.
 */
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/swap_inside.h"
#include "engine/connect/postgres/swap_uses.sql.h"

enum UseColumn {
    USE_WORDS = 0,
    USE_SCHEMA,
    USE_NAME, /* of the relation or routine */
    USE_COLUMN,
    USE_TYPE,
    USE_COLLATION, /* null: its type's; of a routine "set" */
    USE_KEY,
    USE_ARGUMENTS,
};

static const char change_it[] =
    "Drop it before, and create it again once the migration is promoted; or change it so that it "
    "fits what the source has.";

/* A column, or the result of a routine: see source_shapes.sql. */
typedef struct Shape {
    char *type;      /* NULL: it is not known */
    char *collation; /* or NULL */
    bool is_known;   /* what it is a column of */
} Shape;

static void shape_release(Shape *shape)
{
    free(shape->type);
    free(shape->collation);
}

#define AUTO_SHAPE __attribute__((cleanup(shape_release)))

/* ---- what the plan says ---- */

static Status find_in_shape(const TextList *shape, const char *column, Shape *ret, Error *err)
{
    for (size_t i = 0; i < shape->count; i++) {
        AUTO_FREE(json_free) Json *item = NULL;

        TRY(json_parse(shape->items[i], &item, err));

        const char *name = json_string(json_at(item, 0));

        if (name == NULL || strcmp(name, column) != 0)
            continue;
        free(ret->type);
        ret->type = xstrdup(json_string(json_at(item, 1)));
        ret->collation = xstrdup(json_string(json_at(item, 2)));
        return STATUS_OK;
    }
    return STATUS_OK;
}

static Status find_in_table(const Table *table, const char *column, Shape *ret, Error *err)
{
    AUTO_TABLE_NOTES PgTableNotes notes = {0};

    ret->is_known = true;
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, column) == 0)
            ret->type = xstrdup(table->columns[i].type);
    }
    TRY(pg_table_notes_read(table, &notes, err));
    return find_in_shape(&notes.shape, column, ret, err);
}

static bool is_relation(const char *type)
{
    static const char *const types[] = {"TABLE", "VIEW", "MATERIALIZED VIEW", "TYPE"};

    for (size_t i = 0; type != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(type, types[i]) == 0)
            return true;
    }
    return false;
}

/* Partitioned tables, views and types. */
static Status find_in_objects(const SwapWork *work, const char *schema, const char *name,
                              const char *column, Shape *ret, Error *err)
{
    const Catalog *catalog = &work->plan->catalog;

    for (size_t i = 0; i < catalog->object_count && !ret->is_known; i++) {
        const Object *object = &catalog->objects[i];
        const PgObjectNotes *notes = &work->notes[i];

        if (!is_relation(notes->type) || notes->shape.count == 0 || object->schema == NULL ||
            strcmp(object->schema, schema) != 0 || strcmp(object->name, name) != 0)
            continue;
        ret->is_known = true;
        TRY(find_in_shape(&notes->shape, column, ret, err));
    }
    return STATUS_OK;
}

static Status find_result(const SwapWork *work, const PgRows *rows, size_t row, Shape *ret,
                          Error *err)
{
    const Catalog *catalog = &work->plan->catalog;

    for (size_t i = 0; i < catalog->object_count && !ret->is_known; i++) {
        const Object *object = &catalog->objects[i];
        const PgObjectNotes *notes = &work->notes[i];
        AUTO_FREE_MEMORY char *arguments = NULL;
        AUTO_FREE_MEMORY char *name = NULL;

        if (notes->type == NULL || strcmp(notes->type, "FUNCTION") != 0 ||
            notes->shape.count == 0 || object->schema == NULL ||
            strcmp(object->schema, pg_value(rows, row, USE_SCHEMA)) != 0)
            continue;
        TRY(swap_routine_key(work, object, notes, &name, &arguments, err));
        if (name == NULL || strcmp(name, pg_value(rows, row, USE_NAME)) != 0 ||
            strcmp(arguments, pg_value(rows, row, USE_ARGUMENTS)) != 0)
            continue;
        ret->is_known = true;
        TRY(find_in_shape(&notes->shape, "", ret, err));
    }
    return STATUS_OK;
}

/* ---- columns and results ---- */

static Status is_same_type(const SwapWork *work, const char *planned, const char *live, bool *ret,
                           Error *err)
{
    AUTO_FREE_MEMORY char *source = xasprintf("(%s)", planned);
    AUTO_FREE_MEMORY char *wanted = xasprintf("(%s)", live);
    AUTO_FREE_MEMORY char *found = NULL;

    TRY(swap_home_types(work, source, &found, err));
    *ret = strcmp(found, wanted) == 0;
    return STATUS_OK;
}

static Status fits(const SwapWork *work, const Shape *shape, const PgRows *rows, size_t row,
                   const char **ret_problem, Error *err)
{
    const char *collation = shape->collation != NULL ? shape->collation : "";
    bool is_same = false;

    *ret_problem = "the source does not have it";
    if (shape->type == NULL)
        return STATUS_OK;
    TRY(is_same_type(work, shape->type, pg_value(rows, row, USE_TYPE), &is_same, err));
    *ret_problem = !is_same ? "it is of another type in the source"
                   : strcmp(collation, pg_value(rows, row, USE_COLLATION)) != 0
                       ? "it is of another collation in the source"
                       : NULL;
    return STATUS_OK;
}

static Status check_column(const SwapWork *work, const PgRows *rows, size_t row, Error *err)
{
    const char *schema = pg_value(rows, row, USE_SCHEMA);
    const char *name = pg_value(rows, row, USE_NAME);
    const char *column = pg_value(rows, row, USE_COLUMN);
    const Table *table = catalog_find_table(&work->plan->catalog, schema, name);
    const char *problem = NULL;
    AUTO_SHAPE Shape shape = {0};

    if (table != NULL)
        TRY(find_in_table(table, column, &shape, err));
    else
        TRY(find_in_objects(work, schema, name, column, &shape, err));
    if (!shape.is_known)
        return STATUS_OK;
    TRY(fits(work, &shape, rows, row, &problem, err));
    if (problem != NULL)
        findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, row, USE_WORDS), change_it,
                     "uses column %s of %s.%s, which is replaced: %s", column, schema, name,
                     problem);
    return STATUS_OK;
}

static Status check_result(const SwapWork *work, const PgRows *rows, size_t row, Error *err)
{
    const char *problem = NULL;
    AUTO_SHAPE Shape shape = {0};

    TRY(find_result(work, rows, row, &shape, err));
    if (!shape.is_known)
        return STATUS_OK;
    TRY(fits(work, &shape, rows, row, &problem, err));
    if (problem != NULL)
        findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, row, USE_WORDS), change_it,
                     "uses %s.%s%s, which is replaced: it returns something else in the source",
                     pg_value(rows, row, USE_SCHEMA), pg_value(rows, row, USE_NAME),
                     pg_value(rows, row, USE_ARGUMENTS));
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
static bool has_key(const SwapWork *work, const Table *table, const Json *columns, bool is_primary)
{
    const Catalog *catalog = &work->plan->catalog;

    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object->table_id != table->id ||
            (object->kind != OBJECT_CONSTRAINT && object->kind != OBJECT_INDEX))
            continue;
        if (((!is_primary && strstr(object->definition, "UNIQUE ") != NULL) ||
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
    bool is_primary = !pg_is_null(rows, row, USE_COLUMN);

    TRY(json_parse(pg_value(rows, row, USE_KEY), &columns, err));
    if (has_key(work, table, columns, is_primary))
        return STATUS_OK;
    if (is_primary)
        findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, row, USE_WORDS), change_it,
                     "groups by the primary key of table %s.%s, which is replaced: the source does "
                     "not have it",
                     table->schema, table->name);
    else
        findings_add(work->findings, FINDING_REFUSAL, pg_value(rows, row, USE_WORDS), change_it,
                     "refers to table %s.%s, which is replaced: the source has no unique key over "
                     "the columns it refers to",
                     table->schema, table->name);
    return STATUS_OK;
}

static Status check_use(const SwapWork *work, const PgRows *rows, size_t row, Error *err)
{
    const Table *table = NULL;

    if (!pg_is_null(rows, row, USE_ARGUMENTS))
        return check_result(work, rows, row, err);
    if (pg_is_null(rows, row, USE_KEY))
        return check_column(work, rows, row, err);
    table = catalog_find_table(&work->plan->catalog, pg_value(rows, row, USE_SCHEMA),
                               pg_value(rows, row, USE_NAME));
    return table == NULL ? STATUS_OK : check_key(work, table, rows, row, err);
}

Status swap_check_uses(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    if (work->staged_exists)
        return STATUS_OK;
    TRY(swap_query_gone(work, swap_uses_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        TRY(check_use(work, rows, i, err));
    return STATUS_OK;
}
