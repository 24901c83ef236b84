/*
 * Event triggers of the target: they run at our statements, in our transactions, also while live tables
 * are locked, and may refuse what we do or change what we make. What their functions do cannot be seen;
 * that they are there can.
 */
#include "engine/base/memory.h"
#include "engine/connect/postgres/preflight_parts.h"
#include "engine/connect/postgres/target_watchers.sql.h"

static void add_watcher(const Preflight *preflight, const PgRows *rows, size_t row)
{
    bool is_of_extension = !pg_is_null(rows, row, 4);
    bool is_choosy = !pg_is_null(rows, row, 2);
    AUTO_FREE_MEMORY char *object = xasprintf("event trigger %s", pg_value(rows, row, 0));

    findings_add(
        preflight->findings, is_of_extension ? FINDING_NOTE : FINDING_WARNING, object,
        is_of_extension
            ? NULL
            : "If it does more than watch, disable it meanwhile (ALTER EVENT TRIGGER ... DISABLE), "
              "also for a rollback and finish; its function must name tables with their schemas.",
        "runs %s in the target whenever we change its schema (%s%s%s)%s%s", pg_value(rows, row, 3),
        pg_value(rows, row, 1), is_choosy ? ": " : "", is_choosy ? pg_value(rows, row, 2) : "",
        is_of_extension ? "; it belongs to extension " : "",
        is_of_extension ? pg_value(rows, row, 4) : "");
}

Status preflight_watchers(const Preflight *preflight, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(preflight->connection, target_watchers_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        add_watcher(preflight, rows, i);
    return STATUS_OK;
}
