/*
 * The ledger's rows of chunks and tasks: what has arrived and what was done (L1 in ledger.c).
 */
#include "engine/connect/sqlite/ledger_query.h"

static void read_result(DbStatement *query, int column, ChunkResult *ret, bool *ret_valid)
{
    uint64_t rows = (uint64_t)sqlite3_column_int64(query, column);
    const char *digest = db_column_text(query, column + 2);

    ret->bytes = (uint64_t)sqlite3_column_int64(query, column + 1);
    *ret_valid = digest != NULL && digest_parse(digest, rows, &ret->digest);
}

static Status refuse_digest(const Db *db, Error *err)
{
    return error_set(err, STATUS_INVALID, "the records in \"%s\" hold a malformed digest",
                     db->path);
}

static Status read_chunks(Db *db, const RunIdentity *identity, const LedgerSink *sink, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    Status status = STATUS_OK;

    TRY(ledger_prepare(db, identity,
                       "select table_id, chunk, rows, bytes, digest from stopover_chunk"
                       " where run = ?1 and attempt = ?2 order by table_id, chunk",
                       &query, err));
    while ((status = db_step(db, query, "read the ledger", err)) == STATUS_OK) {
        ChunkResult result = {0};
        bool is_valid = false;

        read_result(query, 2, &result, &is_valid);
        if (!is_valid)
            return refuse_digest(db, err);
        TRY(sink->chunk(sink->context, (uint32_t)sqlite3_column_int64(query, 0),
                        (uint32_t)sqlite3_column_int64(query, 1), &result, err));
    }
    return status < 0 ? status : STATUS_OK;
}

Status ledger_read(Db *db, const RunIdentity *identity, const LedgerSink *sink, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    Status status = STATUS_OK;

    TRY(read_chunks(db, identity, sink, err));
    TRY(ledger_prepare(db, identity,
                       "select task_id from stopover_task where run = ?1 and attempt = ?2"
                       " order by task_id",
                       &query, err));
    while ((status = db_step(db, query, "read the ledger", err)) == STATUS_OK)
        TRY(sink->task(sink->context, (uint32_t)sqlite3_column_int64(query, 0), err));
    return status < 0 ? status : STATUS_OK;
}

Status ledger_add_chunk(Db *db, const RunIdentity *identity, const Chunk *chunk,
                        const ChunkResult *result, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *insert = NULL;
    char digest[33];

    digest_format(&result->digest, digest);
    TRY(ledger_prepare(
        db, identity,
        "insert into stopover_chunk(run, attempt, table_id, chunk, rows, bytes, digest)"
        " values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &insert, err));
    ledger_bind_integer(insert, 3, chunk->table_id);
    ledger_bind_integer(insert, 4, chunk->number);
    ledger_bind_integer(insert, 5, result->digest.rows);
    ledger_bind_integer(insert, 6, result->bytes);
    ledger_bind_text(insert, 7, digest);
    return ledger_run(db, insert, err);
}

Status ledger_find_chunk(Db *db, const RunIdentity *identity, const Chunk *chunk, bool *ret_found,
                         ChunkResult *ret, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;

    TRY(ledger_prepare(db, identity,
                       "select rows, bytes, digest from stopover_chunk"
                       " where run = ?1 and attempt = ?2 and table_id = ?3 and chunk = ?4",
                       &query, err));
    ledger_bind_integer(query, 3, chunk->table_id);
    ledger_bind_integer(query, 4, chunk->number);

    Status status = db_step(db, query, "read the ledger", err);
    ChunkResult result = {0};
    bool is_valid = true;

    TRY(status);
    if (status == STATUS_OK)
        read_result(query, 0, &result, &is_valid);
    if (!is_valid)
        return refuse_digest(db, err);
    *ret_found = status == STATUS_OK;
    if (*ret_found)
        *ret = result;
    return STATUS_OK;
}

static Status prepare_task(Db *db, const RunIdentity *identity, const Task *task, const char *sql,
                           DbStatement **ret, Error *err)
{
    TRY(ledger_prepare(db, identity, sql, ret, err));
    ledger_bind_integer(*ret, 3, task->table_id);
    ledger_bind_integer(*ret, 4, task->id);
    return STATUS_OK;
}

Status ledger_add_task(Db *db, const RunIdentity *identity, const Task *task, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *insert = NULL;

    TRY(prepare_task(db, identity, task,
                     "insert into stopover_task(run, attempt, table_id, task_id)"
                     " values (?1, ?2, ?3, ?4)",
                     &insert, err));
    return ledger_run(db, insert, err);
}

Status ledger_has_task(Db *db, const RunIdentity *identity, const Task *task, bool *ret, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;

    TRY(prepare_task(db, identity, task,
                     "select 1 from stopover_task"
                     " where run = ?1 and attempt = ?2 and table_id = ?3 and task_id = ?4",
                     &query, err));

    Status status = db_step(db, query, "read the ledger", err);

    TRY(status);
    *ret = status == STATUS_OK;
    return STATUS_OK;
}

Status ledger_remove_task(Db *db, const RunIdentity *identity, const Task *task, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *remove = NULL;

    TRY(prepare_task(db, identity, task,
                     "delete from stopover_task"
                     " where run = ?1 and attempt = ?2 and table_id = ?3 and task_id = ?4",
                     &remove, err));
    return ledger_run(db, remove, err);
}

static Status run_for_table(Db *db, const RunIdentity *identity, const char *sql, uint32_t table_id,
                            Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;

    TRY(ledger_prepare(db, identity, sql, &statement, err));
    ledger_bind_integer(statement, 3, table_id);
    return ledger_run(db, statement, err);
}

Status ledger_forget_table(Db *db, const RunIdentity *identity, uint32_t table_id, Error *err)
{
    TRY(run_for_table(db, identity,
                      "delete from stopover_chunk"
                      " where run = ?1 and attempt = ?2 and table_id = ?3",
                      table_id, err));
    return run_for_table(db, identity,
                         "delete from stopover_task"
                         " where run = ?1 and attempt = ?2 and table_id = ?3",
                         table_id, err);
}

Status ledger_count_rows(Db *db, const RunIdentity *identity, uint32_t table_id, uint64_t *ret,
                         Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;

    TRY(ledger_prepare(db, identity,
                       "select coalesce(sum(rows), 0) from stopover_chunk"
                       " where run = ?1 and attempt = ?2 and table_id = ?3",
                       &query, err));
    ledger_bind_integer(query, 3, table_id);
    TRY(db_step(db, query, "read the ledger", err));
    *ret = (uint64_t)sqlite3_column_int64(query, 0);
    return STATUS_OK;
}
