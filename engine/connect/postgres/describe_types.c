/*
 * What types of columns are made of: an OBJECT_SETTING for each that is not the server's own. Its name
 * is the type's, as in Column.type; its label what it is known as everywhere; its definition a JSON object of
 * one key: {"enum": [labels]}, {"domain": base}, {"row": [attributes]}, {"base": size}...
 */
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/source_types.sql.h"

static void add_type(Describer *describer, const PgRows *rows, size_t row)
{
    Object *object = catalog_add_object(describer->catalog);
    AUTO_FREE_MEMORY char *known_as = xstrdup(pg_value(rows, row, 1));
    char type[] = "TYPE";
    const PgObjectNotes notes = {
        .type = type, .order = (uint32_t)describer->dump.count + object->id, .label = known_as};
    object->kind = OBJECT_SETTING;
    object->name = xstrdup(pg_value(rows, row, 0));
    object->definition = xstrdup(pg_value(rows, row, 2));
    object->private_data = pg_object_notes_write(&notes);
}

Status describe_types(Describer *describer, Error *err)
{
    AUTO_FREE(json_free) Json *oids = json_array();
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    for (size_t i = 0; i < describer->relations.count; i++) {
        AUTO_FREE_MEMORY char *oid = xasprintf("%u", describer->relations.items[i].oid);
        if (describer->relations.items[i].table_id)
            json_add_string(oids, oid);
    }
    AUTO_FREE_MEMORY char *list = json_print(oids, false);
    const char *const parameters[] = {list};
    TRY(pg_query_bound(describer->connection, source_types_sql, parameters, 1, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++)
        add_type(describer, rows, row);
    return STATUS_OK;
}
