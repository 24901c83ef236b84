/*
 * Routines that something on a selected table calls and that are not migrated themselves: the target
 * must have them, and they must be able to take rows of what is staged.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/preflight_parts.h"
#include "engine/connect/postgres/retarget.h"

#define REMEDY_WHOLE                                                                               \
    "migrate whole schemas with --schema instead of single tables, or drop what calls it."

typedef struct Need {
    const char *what; /* "index by_rate" */
    const char *schema;
    const char *name;
    const char *types;
} Need;

static char *routine_name(const Need *need)
{
    return xasprintf("function %s.%s(%s)", need->schema, need->name, need->types);
}

/* A staged table has another row type: no function of the target takes it. */
static Status takes_staged_rows(const Preflight *preflight, const Need *need, bool *ret, Error *err)
{
    AUTO_FREE_MEMORY char *drop = xasprintf("DROP FUNCTION nobody.nothing(%s);", need->types);
    AUTO_TEXT Text mapped = {0};

    TRY(retarget(preflight->map->forward, drop, &mapped, NULL, err));
    *ret = false;
    for (size_t i = 0; i < preflight->map->staging.count; i++)
        *ret = *ret || strstr(text_string(&mapped), preflight->map->staging.items[i]) != NULL;
    return STATUS_OK;
}

/* By the number of its arguments: types of extensions may have other names in the target. */
static Status is_there(const Preflight *preflight, const Need *need, bool *ret, Error *err)
{
    const char *parameters[] = {need->schema, need->name, need->types};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query_bound(preflight->connection,
                       "select 1 from pg_catalog.pg_proc p join pg_catalog.pg_namespace n"
                       " on n.oid = p.pronamespace where n.nspname = $1 and p.proname = $2"
                       " and p.pronargs = case $3 when '' then 0 else"
                       " pg_catalog.array_length(pg_catalog.string_to_array($3, ','), 1) end",
                       parameters, 3, &rows, err));
    *ret = pg_row_count(rows) > 0;
    return STATUS_OK;
}

static Status check_need(const Preflight *preflight, const char *table, const Need *need,
                         Error *err)
{
    AUTO_FREE_MEMORY char *object = routine_name(need);
    bool takes_rows = false;
    bool exists = false;

    TRY(takes_staged_rows(preflight, need, &takes_rows, err));
    TRY(is_there(preflight, need, &exists, err));
    if (takes_rows)
        findings_add(
            preflight->findings, FINDING_REFUSAL, object, "Have it migrated, too: " REMEDY_WHOLE,
            "%s of table %s calls it, it takes a type that is migrated, and is not migrated "
            "itself",
            need->what, table);
    else if (!exists)
        findings_add(preflight->findings, FINDING_REFUSAL, object,
                     "Create it there first; or " REMEDY_WHOLE,
                     "%s of table %s calls it, it is not migrated itself, and is not in the target",
                     need->what, table);
    return STATUS_OK;
}

static Status check_table(const Preflight *preflight, const Table *table, Error *err)
{
    AUTO_TABLE_NOTES PgTableNotes notes = {0};
    AUTO_FREE_MEMORY char *name = table_display_name(table);

    TRY(pg_table_notes_read(table, &notes, err));
    for (size_t i = 0; i < notes.needs.count; i += NEED_PARTS) {
        char *const *parts = notes.needs.items + i;
        const Need need = {parts[0], parts[1], parts[2], parts[3]};

        TRY(check_need(preflight, name, &need, err));
    }
    return STATUS_OK;
}

Status preflight_routines(const Preflight *preflight, Error *err)
{
    for (size_t i = 0; i < preflight->catalog->table_count; i++)
        TRY(check_table(preflight, &preflight->catalog->tables[i], err));
    return STATUS_OK;
}
