#include "engine/connect/postgres/ledger.h"

#include <inttypes.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_fill.h"

/* ---- the fence (L2) ---- */

static const char fence_sql[] = "select 1 from stopover.run"
                                " where run = :run and attempt = :attempt and epoch = :epoch";

static Status query_fence(PgConnection *connection, const RunIdentity *identity, const char *before,
                          const char *after, Error *err)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    text_append(&sql, before);
    sql_fill(&sql, fence_sql, identity, NULL, 0);
    text_append(&sql, after);
    TRY(pg_query(connection, text_string(&sql), &rows, err));
    if (pg_row_count(rows) == 1)
        return STATUS_OK;

    Status status =
        error_kind(err, ERROR_LOCKED, "another process has taken over migration \"%s\" since",
                   identity->migration);

    error_hint(err, "Let that process go on; nothing was changed by this one.");
    return status;
}

Status pg_fence(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    return query_fence(connection, identity, "", " for share", err);
}

Status pg_ledger_begin(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    return query_fence(connection, identity, "begin; set local lock_timeout = '60s'; ",
                       " for share", err);
}

Status ledger_check_epoch(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    return query_fence(connection, identity, "", "", err);
}

/* ---- reading ---- */

static Status read_result(const PgRows *rows, size_t row, unsigned column, ChunkResult *ret,
                          Error *err)
{
    if (!digest_parse(pg_value(rows, row, column + 2), pg_unsigned(rows, row, column),
                      &ret->digest))
        return error_set(err, STATUS_INVALID, "the records in the target hold a malformed digest");
    ret->bytes = pg_unsigned(rows, row, column + 1);
    return STATUS_OK;
}

static Status query(PgConnection *connection, const RunIdentity *identity, const char *sql,
                    const SqlValue *values, size_t count, PgRows **ret, Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, identity, values, count);
    return pg_query(connection, text_string(&text), ret, err);
}

static Status read_chunks(PgConnection *connection, const RunIdentity *identity,
                          const LedgerSink *sink, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(connection, identity,
              "select table_id, number, rows, bytes, digest from stopover.chunk"
              " where run = :run and attempt = :attempt order by table_id, number",
              NULL, 0, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        ChunkResult result = {0};

        TRY(read_result(rows, i, 2, &result, err));
        TRY(sink->chunk(sink->context, (uint32_t)pg_unsigned(rows, i, 0),
                        (uint32_t)pg_unsigned(rows, i, 1), &result, err));
    }
    return STATUS_OK;
}

Status pg_ledger_read(PgConnection *connection, const RunIdentity *identity, const LedgerSink *sink,
                      Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(read_chunks(connection, identity, sink, err));
    TRY(query(connection, identity,
              "select task_id from stopover.task"
              " where run = :run and attempt = :attempt order by task_id",
              NULL, 0, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        TRY(sink->task(sink->context, (uint32_t)pg_unsigned(rows, i, 0), err));
    return STATUS_OK;
}

Status pg_ledger_find_chunk(PgConnection *connection, const RunIdentity *identity,
                            const Chunk *chunk, bool *ret_found, ChunkResult *ret, Error *err)
{
    const SqlValue values[] = {{.name = "table", .number = chunk->table_id},
                               {.name = "number", .number = chunk->number}};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    ChunkResult result = {0};

    TRY(query(connection, identity,
              "select rows, bytes, digest from stopover.chunk where run = :run"
              " and attempt = :attempt and table_id = :table and number = :number",
              values, 2, &rows, err));
    if (pg_row_count(rows) > 0) {
        TRY(read_result(rows, 0, 0, &result, err));
        *ret = result;
    }
    *ret_found = pg_row_count(rows) > 0;
    return STATUS_OK;
}

Status pg_ledger_has_task(PgConnection *connection, const RunIdentity *identity, const Task *task,
                          bool *ret, Error *err)
{
    const SqlValue id = {.name = "task", .number = task->id};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(connection, identity,
              "select 1 from stopover.task"
              " where run = :run and attempt = :attempt and task_id = :task",
              &id, 1, &rows, err));
    *ret = pg_row_count(rows) > 0;
    return STATUS_OK;
}
