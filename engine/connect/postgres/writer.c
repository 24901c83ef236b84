/*
 * The Writer of a PostgreSQL target: one connection, one transaction at a time.
 *
 *   idle --begin--> copying --commit--> idle       run_task, reset_table, forget_task: idle to idle
 *                      `------abort---> idle       after any failure: idle, nothing has changed
 *
 *  W1  A chunk's ledger row is the first thing its transaction writes. The row of a duplicate, also
 *      of one whose transaction has not ended yet, collides with it before any row is sent.
 *  W2  The row is refused (null in a column that has none) when the epoch is another one (L2), or the
 *      table is not one of ours (I3).
 *  W3  What a lost connection had begun may live on in the server. Before anything is asked or
 *      repeated, its process is ended and gone: then the ledger's answer holds.
 *  W4  A commit is on disk when it is acknowledged (session.sql sees to that): the driver records it
 *      (I2) and does not ask again, not even after the server has crashed.
 */
#include "engine/connect/postgres/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/begin_chunk.sql.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/writer_look.sql.h"

/* Source: PostgreSQL manual, "COPY", "Binary Format". */
static const char binary_header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
static const char binary_trailer[] = "\377\377";

/* ---- begin ---- */

/* One chunk has all of it: then the table is emptied and filled in one transaction, and its rows
 * arrive frozen. An empty one is not worth a new file. */
static Status can_freeze(const Table *table, const Chunk *chunk, bool *ret, Error *err)
{
    AUTO_TABLE_NOTES PgTableNotes notes = {0};

    *ret = false;
    if (chunk->lower.size > 0 || chunk->upper.size > 0 || chunk->byte_estimate == 0)
        return STATUS_OK;
    TRY(pg_table_notes_read(table, &notes, err));
    *ret = notes.kind == 'r';
    return STATUS_OK;
}

static void append_columns(Text *sql, const Table *table)
{
    const char *joint = "";

    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].is_generated)
            continue;
        text_append(sql, joint);
        quote_identifier(sql, table->columns[i].name);
        joint = ", ";
    }
}

static void append_copy(Text *sql, const PgWriter *writer, const Table *table, bool freeze)
{
    AUTO_TEXT Text columns = {0};

    append_columns(&columns, table);
    if (freeze)
        text_append_format(sql, "truncate only %s;\n", table->staged_name);
    text_append_format(sql, "copy %s", table->staged_name);
    if (columns.size > 0) /* else it has none at all: rows without values */
        text_append_format(sql, " (%s)", text_string(&columns));
    text_append_format(sql, " from stdin with (format %s%s, encoding ",
                       table->format == ROW_PG_BINARY ? "binary" : "text",
                       freeze ? ", freeze" : "");
    pg_quote_literal(sql, pg_server_encoding(writer->connection));
    text_append(sql, ")");
}

static Status explain_refusal(PgWriter *writer, const Table *table, Error *err)
{
    TRY(ledger_check_epoch(writer->connection, &writer->identity, err));

    Status status = error_kind(err, ERROR_REFUSED, "the target has a table %s that we did not make",
                               table->staged_name);

    error_hint(err, "Rename or drop it if it is not needed, then begin again.");
    return status;
}

/* The statements that come before the COPY fail for one of W1 and W2. */
static Status explain_failure(PgWriter *writer, const Table *table, Status status, Error *err)
{
    pg_reset(writer->connection);
    if (strcmp(err->sqlstate, "23502") == 0)
        return explain_refusal(writer, table, err);
    if (strcmp(err->sqlstate, "23505") != 0)
        return status;
    return error_set(err, STATUS_RETRY, "the target holds this chunk already");
}

static Status send_begin(PgWriter *writer, const Table *table, const Chunk *chunk, bool freeze,
                         Error *err)
{
    const SqlValue values[] = {
        {.name = "table", .number = chunk->table_id},
        {.name = "number", .number = chunk->number},
        {.name = "relation", .text = table->staged_name},
    };
    AUTO_TEXT Text sql = {0};

    sql_fill(&sql, begin_chunk_sql, &writer->identity, values, 3);
    append_copy(&sql, writer, table, freeze);

    Status status = pg_copy_in(writer->connection, text_string(&sql), err);

    return status < 0 ? explain_failure(writer, table, status, err) : STATUS_OK;
}

static void abort_chunk(Writer *base)
{
    PgWriter *writer = pg_writer(base);

    pg_reset(writer->connection);
    writer->table = NULL;
    writer->chunk = NULL;
}

static Status begin(Writer *base, const Table *table, const Chunk *chunk, Error *err)
{
    PgWriter *writer = pg_writer(base);
    bool freeze = false;

    assert(writer->table == NULL && table->staged_name != NULL);
    assert(table->format == ROW_PG_BINARY || table->format == ROW_PG_TEXT);
    TRY(fault_before("postgres.begin", err));
    TRY(lost_sessions_end(&writer->target->lost, writer->connection, &writer->identity, err));
    TRY(can_freeze(table, chunk, &freeze, err));
    TRY(send_begin(writer, table, chunk, freeze, err));
    writer->table = table;
    writer->chunk = chunk;

    Status status =
        table->format != ROW_PG_BINARY
            ? STATUS_OK
            : pg_copy_write(writer->connection, binary_header, sizeof(binary_header) - 1, err);

    if (status < 0)
        abort_chunk(base);
    return status;
}

static Status write_block(Writer *base, const Block *block, Error *err)
{
    PgWriter *writer = pg_writer(base);

    assert(writer->table != NULL);
    TRY(fault_before("postgres.write", err));
    return pg_copy_write(writer->connection, block->data, block->size, err);
}

/* ---- commit ---- */

static Status finish_copy(PgWriter *writer, const ChunkResult *result, Error *err)
{
    uint64_t rows = 0;

    if (writer->table->format == ROW_PG_BINARY)
        TRY(pg_copy_write(writer->connection, binary_trailer, sizeof(binary_trailer) - 1, err));
    TRY(pg_copy_finish(writer->connection, &rows, err));
    if (rows == result->digest.rows)
        return STATUS_OK;

    Status status =
        error_set(err, STATUS_FATAL, "%" PRIu64 " rows were sent, but %s has taken %" PRIu64,
                  result->digest.rows, writer->table->staged_name, rows);

    error_hint(err,
               "Nothing of this chunk was kept. Look for a trigger or rule on the staging table "
               "that is not ours.");
    return status;
}

static Status commit_ledger(PgWriter *writer, const ChunkResult *result, Error *err)
{
    static const char commit_sql[] =
        "update stopover.chunk set rows = :rows, bytes = :bytes, digest = :digest,"
        " done_at = pg_catalog.clock_timestamp() where run = :run and attempt = :attempt"
        " and table_id = :table and number = :number;\n"
        "commit";
    char digest[33];
    const SqlValue values[] = {
        {.name = "rows", .number = result->digest.rows},
        {.name = "bytes", .number = result->bytes},
        {.name = "digest", .text = digest},
        {.name = "table", .number = writer->chunk->table_id},
        {.name = "number", .number = writer->chunk->number},
    };
    AUTO_TEXT Text sql = {0};

    digest_format(&result->digest, digest);
    sql_fill(&sql, commit_sql, &writer->identity, values, sizeof(values) / sizeof(values[0]));
    return pg_run(writer->connection, text_string(&sql), err);
}

static Status commit(Writer *base, const ChunkResult *result, Error *err)
{
    PgWriter *writer = pg_writer(base);

    assert(writer->table != NULL);
    TRY(finish_copy(writer, result, err));
    TRY(fault_before("postgres.chunk_commit", err));
    TRY(commit_ledger(writer, result, err));
    writer->table = NULL;
    writer->chunk = NULL;
    return fault_after("postgres.chunk_commit", err);
}

static Status find_chunk(Writer *base, const Chunk *chunk, bool *ret_found, ChunkResult *ret,
                         Error *err)
{
    PgWriter *writer = pg_writer(base);

    TRY(lost_sessions_end(&writer->target->lost, writer->connection, &writer->identity, err));
    return pg_ledger_find_chunk(writer->connection, &writer->identity, chunk, ret_found, ret, err);
}

/* ---- opening ---- */

static void free_writer(Writer *base)
{
    PgWriter *writer = pg_writer(base);

    if (!pg_is_usable(writer->connection)) /* W3 */
        lost_sessions_add(&writer->target->lost, pg_backend(writer->connection));
    pg_close(writer->connection); /* a transaction that is open is given up with it */
    free(writer);
}

static const WriterOps writer_ops = {
    .begin = begin,
    .write = write_block,
    .commit = commit,
    .abort = abort_chunk,
    .run_task = pg_writer_run_task,
    .find_chunk = find_chunk,
    .reset_table = pg_writer_reset_table,
    .forget_task = pg_writer_forget_task,
    .free = free_writer,
};

/* Trap 20. The driver believes what it has recorded; only the next claim can mend it. */
static Status refuse_lost_rows(const char *relation, Error *err)
{
    Status status = error_set(err, STATUS_FAILED,
                              "the server was restarted, and the rows of unlogged table %s may "
                              "be gone",
                              relation);

    err->kind = ERROR_WAITING;
    error_hint(err, "Run the same command again: it looks whether they are there, and copies them "
                    "again if not.");
    return status;
}

static Status look(PgWriter *writer, Error *err)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    sql_fill(&sql, writer_look_sql, &writer->identity, NULL, 0);
    TRY(pg_query(writer->connection, text_string(&sql), &rows, err));
    writer->lacks_memory = pg_is_true(rows, 0, 0);
    return pg_is_null(rows, 0, 1) ? STATUS_OK : refuse_lost_rows(pg_value(rows, 0, 1), err);
}

Status pg_writer_open(PgTarget *target, const RunIdentity *identity, Writer **ret, Error *err)
{
    AUTO_FREE_MEMORY char *name = pg_application_name(identity, "writer");
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    PgWriter *writer = NULL;

    TRY(fault_before("postgres.open_writer", err));
    TRY(pg_connect(target->address, PG_TARGET, name, &connection, err));
    writer = xcalloc(1, sizeof(*writer));
    writer->base.ops = &writer_ops;
    writer->target = target;
    writer->connection = TAKE(connection);
    writer->identity = *identity;

    Status status = look(writer, err);

    if (status < 0) {
        free_writer(&writer->base);
        return status;
    }
    *ret = &writer->base;
    return STATUS_OK;
}
