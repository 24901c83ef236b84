#include "engine/connect/sqlite/schema.h"

#include <string.h>

#include "engine/base/memory.h"

void schema_release(Schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        free(schema->rows[i].type);
        free(schema->rows[i].name);
        free(schema->rows[i].table);
        free(schema->rows[i].sql);
    }
    free(schema->rows);
    free(schema->by_name);
    free(schema->by_table);
    *schema = (Schema){0};
}

SchemaRow *schema_add(Schema *schema, const SchemaRow *row)
{
    GROW(schema->rows, schema->count, schema->capacity);

    SchemaRow *copy = &schema->rows[schema->count++];

    *copy = (SchemaRow){.rowid = row->rowid,
                        .type = xstrdup(row->type),
                        .name = xstrdup(row->name),
                        .table = xstrdup(row->table),
                        .sql = xstrdup(row->sql),
                        .is_ours = row->is_ours};
    return copy;
}

bool row_is(const SchemaRow *row, const char *type)
{
    return row != NULL && strcmp(row->type, type) == 0;
}

bool row_is_virtual(const SchemaRow *row)
{
    return row_is(row, "table") && row->sql != NULL &&
           sqlite3_strnicmp(row->sql, "create virtual", 14) == 0;
}

bool row_is_internal(const SchemaRow *row)
{
    return row_is(row, "table") && sqlite3_strnicmp(row->name, "sqlite_", 7) == 0;
}

static int compare_names(bool is_trigger, const char *name, const SchemaRow *row)
{
    bool other = row_is(row, "trigger");

    return is_trigger != other ? (int)is_trigger - (int)other : sqlite3_stricmp(name, row->name);
}

static int order_by_name(const void *a, const void *b)
{
    const SchemaRow *row = *(SchemaRow *const *)a;
    const SchemaRow *other = *(SchemaRow *const *)b;

    return compare_names(row_is(row, "trigger"), row->name, other);
}

static int order_by_table(const void *a, const void *b)
{
    const SchemaRow *row = *(SchemaRow *const *)a;
    const SchemaRow *other = *(SchemaRow *const *)b;
    int order = sqlite3_stricmp(row->table, other->table);

    return order != 0 ? order : (row > other) - (row < other);
}

void schema_index(Schema *schema)
{
    size_t size = (schema->count + 1) * sizeof(SchemaRow *);

    schema->by_name = xrealloc(schema->by_name, size);
    schema->by_table = xrealloc(schema->by_table, size);
    for (size_t i = 0; i < schema->count; i++)
        schema->by_name[i] = schema->by_table[i] = &schema->rows[i];
    qsort(schema->by_name, schema->count, sizeof(SchemaRow *), order_by_name);
    qsort(schema->by_table, schema->count, sizeof(SchemaRow *), order_by_table);
}

Status schema_load(Db *db, Schema *ret, Error *err)
{
    AUTO_SCHEMA Schema schema = {0};
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    const char *action = "read the schema";
    Status status = STATUS_OK;

    TRY(db_prepare(db, "select rowid, type, name, tbl_name, sql from sqlite_schema order by rowid",
                   &query, action, err));
    while ((status = db_step(db, query, action, err)) == STATUS_OK) {
        const char *type = db_column_text(query, 1);
        const char *name = db_column_text(query, 2);
        const char *table = db_column_text(query, 3);
        const char *sql = db_column_text(query, 4);

        if (type == NULL || name == NULL || table == NULL)
            return error_set(err, STATUS_INVALID, "the schema of \"%s\" has a row without a name",
                             db->path);
        /* SQLite's row has text only; writing through the const is what the copy avoids. */
        AUTO_FREE_MEMORY char *type_copy = xstrdup(type);
        AUTO_FREE_MEMORY char *name_copy = xstrdup(name);
        AUTO_FREE_MEMORY char *table_copy = xstrdup(table);
        AUTO_FREE_MEMORY char *sql_copy = xstrdup(sql);

        (void)schema_add(&schema, &(SchemaRow){.rowid = sqlite3_column_int64(query, 0),
                                               .type = type_copy,
                                               .name = name_copy,
                                               .table = table_copy,
                                               .sql = sql_copy});
    }
    TRY(status);
    schema_index(&schema);
    *ret = schema;
    schema = (Schema){0};
    return STATUS_OK;
}

static SchemaRow *find(const Schema *schema, bool is_trigger, const char *name)
{
    size_t low = 0;
    size_t high = schema->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(is_trigger, name, schema->by_name[middle]);

        if (order == 0)
            return schema->by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

SchemaRow *schema_find(const Schema *schema, const char *name)
{
    return find(schema, false, name);
}

SchemaRow *schema_find_trigger(const Schema *schema, const char *name)
{
    return find(schema, true, name);
}

/* The first position whose table is not before (or, after = true, is behind) this one. */
static size_t bound_of_table(const Schema *schema, const char *table, bool after)
{
    size_t low = 0;
    size_t high = schema->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = sqlite3_stricmp(schema->by_table[middle]->table, table);

        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

SchemaRow *const *schema_of_table(const Schema *schema, const char *table, size_t *ret_count)
{
    size_t first = bound_of_table(schema, table, false);

    *ret_count = bound_of_table(schema, table, true) - first;
    return schema->by_table + first;
}

static bool row_is_live(const SchemaRow *row)
{
    return !row->is_ours && !row_is_internal(row);
}

size_t schema_count_live_tables(const Schema *schema)
{
    size_t count = 0;

    for (size_t i = 0; i < schema->count; i++)
        count += row_is(&schema->rows[i], "table") && row_is_live(&schema->rows[i]);
    return count;
}

void schema_fingerprint(const Schema *schema, char ret[SHA256_HEX_SIZE])
{
    AUTO_TEXT Text text = {0};

    for (size_t i = 0; i < schema->count; i++) {
        const SchemaRow *row = schema->by_name[i];

        if (!row_is_live(row))
            continue;
        /* With the NULs: no two lists of rows give the same bytes. */
        text_append_bytes(&text, row->type, strlen(row->type) + 1);
        text_append_bytes(&text, row->name, strlen(row->name) + 1);
        text_append_bytes(&text, row->table, strlen(row->table) + 1);
        if (row->sql != NULL)
            text_append(&text, row->sql);
        text_append_bytes(&text, "", 1);
    }
    sha256_hex(text_string(&text), text.size, ret);
}

bool schema_has_table(Db *db, const char *name)
{
    return sqlite3_table_column_metadata(db->handle, "main", name, NULL, NULL, NULL, NULL, NULL,
                                         NULL) == SQLITE_OK;
}
