/*
 * Tasks: a schema statement, the ledger's row and what it created, in one transaction and one
 * message: on a long way each message costs what a small index costs. The row comes first, so that a task that was done already fails before its statement
 * runs; its epoch is looked up under the fence (L2) and null, which the column refuses, when it is
 * not ours. So nothing has to be asked before, and only a failure is looked into.
 */
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/created.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/writer.h"

/* Enough for most indexes to be sorted in memory or in few runs; all workers may use it at once. A
 * higher setting of the server, role or database stays. */
#define MEMORY_SETTING "set local maintenance_work_mem = '128MB';\n"

static bool needs_memory(const Task *task)
{
    return task->task_class == TASK_INDEX || task->task_class == TASK_CONSTRAINT ||
           task->task_class == TASK_FOREIGN_KEY;
}

static void append_list(Text *text, const Task *task)
{
    text_append(text, "{");
    for (size_t i = 0; i < task->after_count; i++)
        text_append_format(text, "%s%u", i == 0 ? "" : ",", task->after[i]);
    text_append(text, "}");
}

static void append_row(Text *sql, const RunIdentity *identity, const Task *task)
{
    static const char row_sql[] =
        "insert into stopover.task (run, attempt, task_id, class, name, table_id, other_table_id,"
        " object_id, after_lower, waits_for, epoch) values (:run, :attempt, :task, :class, :name,"
        " :table, :other_table, :object, :after_lower, :waits_for, (select r.epoch"
        " from stopover.run r where r.run = :run and r.attempt = :attempt and r.epoch = :epoch"
        " for share));\n";
    AUTO_TEXT Text waits_for = {0};

    append_list(&waits_for, task);

    const SqlValue values[] = {
        {.name = "task", .number = task->id},
        {.name = "class", .number = task->task_class},
        {.name = "name", .text = task->name != NULL ? task->name : ""},
        {.name = "table", .number = task->table_id},
        {.name = "other_table", .number = task->other_table_id},
        {.name = "object", .number = task->object_id},
        {.name = "after_lower", .text = task->after_lower ? "t" : "f"},
        {.name = "waits_for", .text = text_string(&waits_for)},
    };

    sql_fill(sql, row_sql, identity, values, sizeof(values) / sizeof(values[0]));
}

/* A few seconds of a lock are nothing beside what a task takes: others only read our schemas. */
static void append_task(Text *sql, const PgWriter *writer, const Task *task)
{
    text_append(sql, "begin;\nset local lock_timeout = '5min';\n");
    if (writer->lacks_memory && needs_memory(task))
        text_append(sql, MEMORY_SETTING);
    append_row(sql, &writer->identity, task);
    text_append_format(sql, "%s\n;\n", task->statement);
    created_append(sql, &writer->identity, task);
    text_append(sql, ";\ncommit");
}

/* Done already is fine; else says whether it is the epoch that stood in the way. */
static Status explain_failure(PgWriter *writer, const Task *task, Status status, bool *ret_done,
                              Error *err)
{
    Error other = {0};
    Status epoch = STATUS_OK;

    *ret_done = false;
    if (strncmp(err->sqlstate, "23", 2) != 0)
        return status;
    TRY(pg_ledger_has_task(writer->connection, &writer->identity, task, ret_done, err));
    if (*ret_done)
        return STATUS_OK;
    epoch = ledger_check_epoch(writer->connection, &writer->identity, &other);
    if (epoch >= 0)
        return status;
    *err = other;
    return epoch;
}

Status pg_writer_end(PgWriter *writer, Status status, const char *point, Error *err)
{
    if (status >= 0)
        status = fault_before(point, err);
    if (status >= 0)
        status = pg_run(writer->connection, "commit", err);
    if (status < 0) {
        pg_reset(writer->connection);
        return status;
    }
    return fault_after(point, err);
}

Status pg_writer_run_task(Writer *base, const Task *task, const Table *table, Error *err)
{
    PgWriter *writer = pg_writer(base);
    AUTO_TEXT Text sql = {0};
    bool is_done = false;

    (void)table; /* its name is in the statement */
    TRY(lost_sessions_end(&writer->target->lost, writer->connection, &writer->identity, err));
    TRY(fault_before("postgres.task", err));
    append_task(&sql, writer, task);
    pg_set_interruptible(writer->connection, true);

    Status status = pg_run(writer->connection, text_string(&sql), err);

    pg_set_interruptible(writer->connection, false);
    if (status >= 0)
        return fault_after("postgres.task", err);
    pg_reset(writer->connection);
    status = explain_failure(writer, task, status, &is_done, err);
    if (is_done)
        error_clear(err);
    return status;
}

Status pg_writer_forget_task(Writer *base, const Task *task, Error *err)
{
    PgWriter *writer = pg_writer(base);
    const SqlValue id = {.name = "task", .number = task->id};
    AUTO_TEXT Text sql = {0};

    TRY(lost_sessions_end(&writer->target->lost, writer->connection, &writer->identity, err));
    sql_fill(&sql,
             "delete from stopover.task"
             " where run = :run and attempt = :attempt and task_id = :task",
             &writer->identity, &id, 1);

    Status status = pg_ledger_begin(writer->connection, &writer->identity, err);

    if (status >= 0)
        status = pg_run(writer->connection, text_string(&sql), err);
    return pg_writer_end(writer, status, "postgres.forget", err);
}
