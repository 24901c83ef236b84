/*
 * What is undone is found in the ledger alone: stopover.task says what waits for what, and
 * stopover.object what each task has made. So it needs no plan, names nothing that is not ours (I3),
 * and serves the writer as well as a claim that finds unlogged tables empty.
 */
#include "engine/connect/postgres/reset.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/undo_objects.sql.h"
#include "engine/connect/postgres/undone_tasks.sql.h"
#include "engine/connect/postgres/writer.h"

static Status find_tasks(PgConnection *connection, const RunIdentity *identity, uint32_t table_id,
                         char **ret, Error *err)
{
    const SqlValue values[] = {
        {.name = "table", .number = table_id},
        {.name = "create", .number = TASK_CREATE},
        {.name = "fkey", .number = TASK_FOREIGN_KEY},
        {.name = "trigger", .number = TASK_TRIGGER},
        {.name = "sequence", .number = TASK_SEQUENCE},
        {.name = "statistics", .number = TASK_STATISTICS},
    };
    AUTO_TEXT Text sql = {0};

    sql_fill(&sql, undone_tasks_sql, identity, values, sizeof(values) / sizeof(values[0]));
    return pg_query_text(connection, text_string(&sql), ret, err);
}

/* RESTRICT throughout: what somebody else has hung on it stops us. */
static Status append_drops(PgConnection *connection, const RunIdentity *identity, const char *tasks,
                           Text *sql, Error *err)
{
    const SqlValue value = {.name = "tasks", .text = tasks};
    AUTO_TEXT Text query = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    sql_fill(&query, undo_objects_sql, identity, &value, 1);
    TRY(pg_query(connection, text_string(&query), &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        if (!pg_is_null(rows, i, 0))
            text_append_format(sql, "%s;\n", pg_value(rows, i, 0));
    }
    return STATUS_OK;
}

static Status refuse_foreign_table(const char *relation, Error *err)
{
    Status status =
        error_kind(err, ERROR_REFUSED, "the target has a table %s that we did not make", relation);

    error_hint(err, "Rename or drop it if it is not needed, then run the same command again.");
    return status;
}

/*
 * Privileges come last, and an owner may have taken rights from himself: he takes them again. The
 * task that sets them is undone with every table.
 */
static void append_rights(Text *sql, const char *relation, const char *owner)
{
    text_append_format(sql, "grant all on table %s to ", relation);
    quote_identifier(sql, owner);
    text_append(sql, ";\n");
}

static Status append_truncate(PgConnection *connection, const RunIdentity *identity,
                              const char *relation, Text *sql, Error *err)
{
    const SqlValue value = {.name = "relation", .text = relation};
    AUTO_TEXT Text query = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    sql_fill(&query,
             "select c.relkind = 'p', exists (select 1 from stopover.object o"
             " where o.run = :run and o.attempt = :attempt and o.object_oid = c.oid"
             " and o.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass),"
             " pg_catalog.has_table_privilege(c.relowner, c.oid, 'insert')"
             " and pg_catalog.has_table_privilege(c.relowner, c.oid, 'truncate'),"
             " pg_catalog.pg_get_userbyid(c.relowner)"
             " from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass(:relation)",
             identity, &value, 1);
    TRY(pg_query(connection, text_string(&query), &rows, err));
    if (pg_row_count(rows) == 0)
        return STATUS_OK;
    if (!pg_is_true(rows, 0, 1)) /* I3 */
        return refuse_foreign_table(relation, err);
    if (!pg_is_true(rows, 0, 2))
        append_rights(sql, relation, pg_value(rows, 0, 3));
    text_append_format(sql, "truncate %s%s;\n", pg_is_true(rows, 0, 0) ? "" : "only ", relation);
    return STATUS_OK;
}

static void append_deletes(Text *sql, const RunIdentity *identity, uint32_t table_id,
                           const char *tasks)
{
    static const char deletes_sql[] =
        "delete from stopover.object where run = :run and attempt = :attempt"
        " and task = any (:tasks::bigint[]);\n"
        "delete from stopover.task where run = :run and attempt = :attempt"
        " and task_id = any (:tasks::bigint[]);\n"
        "delete from stopover.chunk where run = :run and attempt = :attempt and table_id = :table";
    const SqlValue values[] = {{.name = "tasks", .text = tasks},
                               {.name = "table", .number = table_id}};

    sql_fill(sql, deletes_sql, identity, values, 2);
}

Status reset_empty(PgConnection *connection, const RunIdentity *identity, uint32_t table_id,
                   const char *relation, Error *err)
{
    AUTO_FREE_MEMORY char *tasks = NULL;
    AUTO_TEXT Text sql = {0};

    TRY(find_tasks(connection, identity, table_id, &tasks, err));
    TRY(append_drops(connection, identity, tasks, &sql, err));
    TRY(append_truncate(connection, identity, relation, &sql, err));
    append_deletes(&sql, identity, table_id, tasks);
    return pg_run(connection, text_string(&sql), err);
}

Status pg_writer_reset_table(Writer *base, const Plan *plan, const Table *table, Error *err)
{
    PgWriter *writer = pg_writer(base);

    (void)plan; /* the ledger knows what was done for it */
    TRY(lost_sessions_end(&writer->target->lost, writer->connection, &writer->identity, err));

    Status status = pg_ledger_begin(writer->connection, &writer->identity, err);

    if (status >= 0)
        status =
            reset_empty(writer->connection, &writer->identity, table->id, table->staged_name, err);
    return pg_writer_end(writer, status, "postgres.reset", err);
}
