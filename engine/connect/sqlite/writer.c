/*
 * The Writer of a SQLite target: one connection, one transaction at a time. Tables and rows go to
 * staging names only; each effect commits with its row in the ledger (I1, L1 in ledger.c).
 *
 *   idle --begin--> writing --commit--> idle       run_task, reset_table, forget_task: idle to idle
 *                      `------abort---> idle       after any failure: idle, nothing has changed
 */
#include <assert.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/layout.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/connect/sqlite/sql_text.h"
#include "engine/connect/sqlite/target_state.h"
#include "engine/flow/codec.h"
#include "engine/flow/names.h"

typedef struct SqliteWriter {
    Writer base;
    Db *db;
    RunIdentity identity;
    DbStatement *insert; /* of insert_table; kept for the next chunk of the same table */
    char *insert_table;  /* its staged name */
    size_t field_count;
    const Table *table; /* while writing, borrowed; NULL when idle */
    const Chunk *chunk;
    uint64_t rows; /* written in this chunk */
} SqliteWriter;

static SqliteWriter *own(Writer *writer)
{
    return (SqliteWriter *)writer; /* base is its first member */
}

static void forget_insert(SqliteWriter *writer)
{
    db_finalize(writer->insert);
    free(writer->insert_table);
    writer->insert = NULL;
    writer->insert_table = NULL;
}

/*
 * OR ABORT: a table's own ON CONFLICT REPLACE or IGNORE would drop rows without a word.
 */
static Status prepare_insert(SqliteWriter *writer, const Table *table, Error *err)
{
    AUTO_LAYOUT Layout layout = {0};
    AUTO_TEXT Text sql = {0};

    if (writer->insert != NULL && strcmp(writer->insert_table, table->staged_name) == 0)
        return STATUS_OK;
    forget_insert(writer);
    TRY(layout_read(table, &layout, err));
    text_append(&sql, "insert or abort into main.");
    quote_identifier(&sql, table->staged_name);
    text_append(&sql, "(");
    layout_append_insert(&sql, &layout);
    text_append(&sql, ") values (?");
    for (size_t i = 1; i < layout.field_count; i++)
        text_append(&sql, ", ?");
    text_append(&sql, ")");
    TRY(db_prepare(writer->db, text_string(&sql), &writer->insert, "write to a staging table",
                   err));
    writer->insert_table = xstrdup(table->staged_name);
    writer->field_count = layout.field_count;
    return STATUS_OK;
}

static void abort_chunk(Writer *base)
{
    SqliteWriter *writer = own(base);

    if (writer->insert != NULL) {
        (void)sqlite3_reset(writer->insert); /* its error was that of the step */
        (void)sqlite3_clear_bindings(writer->insert);
    }
    ledger_rollback(writer->db);
    writer->table = NULL;
    writer->chunk = NULL;
}

static Status begin(Writer *base, const Table *table, const Chunk *chunk, Error *err)
{
    SqliteWriter *writer = own(base);

    assert(writer->table == NULL);
    assert(table->format == ROW_TAGGED && table->staged_name != NULL);
    TRY(fault_before("writer.begin", err));
    TRY(ledger_begin(writer->db, &writer->identity, err));
    writer->table = table;
    writer->chunk = chunk;
    writer->rows = 0;

    Status status = prepare_insert(writer, table, err);

    if (status < 0)
        abort_chunk(base);
    return status;
}

static Status refuse_row(const SqliteWriter *writer, Error *err)
{
    return error_set(err, STATUS_FAILED, "a row for table \"%s\" does not have its %zu fields",
                     writer->table->name, writer->field_count);
}

static Status bind_row(SqliteWriter *writer, const uint8_t *row, size_t size, Error *err)
{
    RowReader reader = {0};
    Value value = {0};
    Status status = STATUS_OK;
    size_t field = 0;

    TRY(row_reader_begin(&reader, row, size, err));
    if (reader.field_count != writer->field_count)
        return refuse_row(writer, err);
    while ((status = row_reader_next(&reader, &value, err)) == STATUS_OK)
        TRY(db_bind_value(writer->db, writer->insert, (int)++field, &value, err));
    TRY(status);
    return field == writer->field_count ? STATUS_OK : refuse_row(writer, err);
}

static Status write_row(SqliteWriter *writer, const uint8_t *row, size_t size, Error *err)
{
    TRY(bind_row(writer, row, size, err));

    Status status = db_step(writer->db, writer->insert, "write a row", err);

    (void)sqlite3_reset(writer->insert); /* its error was that of the step */
    if (status < 0) {
        error_prefix(err, "table \"%s\"", writer->table->name);
        return status;
    }
    writer->rows++;
    return STATUS_OK;
}

static Status write_block(Writer *base, const Block *block, Error *err)
{
    SqliteWriter *writer = own(base);
    uint64_t rows = 0;

    assert(writer->table != NULL);
    TRY(fault_before("writer.write", err));
    for (size_t at = 0; at < block->size; rows++) {
        size_t size = 0;

        TRY(row_next(ROW_TAGGED, block->data + at, block->size - at, &size, err));
        TRY(write_row(writer, block->data + at, size, err));
        at += size;
    }
    if (rows != block->rows)
        return error_set(err, STATUS_FAILED, "a block for table \"%s\" does not hold its rows",
                         writer->table->name);
    return STATUS_OK;
}

/* What is bound points into blocks that are gone by now. */
static Status commit(Writer *base, const ChunkResult *result, Error *err)
{
    SqliteWriter *writer = own(base);

    assert(writer->table != NULL);
    (void)sqlite3_clear_bindings(writer->insert);
    if (result->digest.rows != writer->rows)
        return error_set(err, STATUS_FAILED, "a chunk of table \"%s\" has lost rows on its way",
                         writer->table->name);
    TRY(ledger_add_chunk(writer->db, &writer->identity, writer->chunk, result, err));
    TRY(fault_before("writer.commit", err));
    TRY(ledger_commit(writer->db, "commit a chunk", err));
    writer->table = NULL;
    writer->chunk = NULL;
    return fault_after("writer.commit", err);
}

static Status find_chunk(Writer *base, const Chunk *chunk, bool *ret_found, ChunkResult *ret,
                         Error *err)
{
    SqliteWriter *writer = own(base);

    return ledger_find_chunk(writer->db, &writer->identity, chunk, ret_found, ret, err);
}

/* ---- tasks ---- */

static Status refuse_taken(const SqliteWriter *writer, const char *kind, const char *name,
                           Error *err)
{
    Status status = error_kind(err, ERROR_REFUSED,
                               "database \"%s\" already has a %s \"%s\" that we did not make",
                               writer->db->path, kind, name);

    error_hint(err, "Rename or drop it if it is not needed, then run the same command again.");
    return status;
}

/* A table of SQLite's own that will exist because of us goes when we go (I3 needs the record). */
static Status note_made(SqliteWriter *writer, const char *name, Error *err)
{
    if (schema_has_table(writer->db, name))
        return STATUS_OK;
    return ledger_add_object(writer->db, &writer->identity, LEDGER_MADE, "table", name, err);
}

/* "could not make index orders_by_day" */
static Status run_statement(SqliteWriter *writer, const Task *task, Error *err)
{
    AUTO_FREE_MEMORY char *action = xasprintf("make %s", task->name);

    return db_exec(writer->db, task->statement, action, err);
}

static Status create_table(SqliteWriter *writer, const Task *task, const Table *table, Error *err)
{
    if (schema_has_table(writer->db, table->staged_name))
        return refuse_taken(writer, "table", table->staged_name, err);
    if (sql_has_keyword(task->statement, "autoincrement"))
        TRY(note_made(writer, "sqlite_sequence", err));
    TRY(run_statement(writer, task, err));
    return ledger_add_object(writer->db, &writer->identity, name_role_word(NAME_STAGING), "table",
                             table->staged_name, err);
}

static Status explain_index(const SqliteWriter *writer, const Task *task, const Table *table,
                            Error *err)
{
    if ((sqlite3_extended_errcode(writer->db->handle) & 0xff) != SQLITE_CONSTRAINT)
        return STATUS_OK;

    Status status = error_set(err, STATUS_FAILED,
                              "could not build %s on table \"%s\": rows that have arrived are not "
                              "unique",
                              task->name, table->name);

    error_hint(err, "The source's own index does not hold what it promises: run `reindex` there, "
                    "mend what it reports, and begin again.");
    return status;
}

/* The task's name is "index NAME"; the object is called by that name and our role. */
static char *staged_index(const SqliteWriter *writer, const Task *task)
{
    const char *name = strchr(task->name, ' ');

    return name_for_role(name == NULL ? task->name : name + 1, NAME_STAGING, writer->identity.id,
                         0);
}

static Status create_index(SqliteWriter *writer, const Task *task, const Table *table, Error *err)
{
    AUTO_FREE_MEMORY char *staged = staged_index(writer, task);
    Status status = run_statement(writer, task, err);

    if (status < 0) {
        TRY(explain_index(writer, task, table, err));
        return status;
    }
    return ledger_add_object(writer->db, &writer->identity, name_role_word(NAME_STAGING), "index",
                             staged, err);
}

/* ANALYZE is the only way to make SQLite's own table for them; some builds make a second one. */
static Status make_statistics_tables(SqliteWriter *writer, Error *err)
{
    bool had_samples = schema_has_table(writer->db, "sqlite_stat4");

    TRY(note_made(writer, "sqlite_stat1", err));
    if (schema_has_table(writer->db, "sqlite_stat1"))
        return STATUS_OK;
    TRY(db_exec(writer->db, "analyze sqlite_schema", "make the statistics tables", err));
    if (had_samples || !schema_has_table(writer->db, "sqlite_stat4"))
        return STATUS_OK;
    return ledger_add_object(writer->db, &writer->identity, LEDGER_MADE, "table", "sqlite_stat4",
                             err);
}

static Status run_inside(SqliteWriter *writer, const Task *task, const Table *table, Error *err)
{
    switch (task->task_class) {
    case TASK_CREATE:
        TRY(create_table(writer, task, table, err));
        break;
    case TASK_INDEX:
        TRY(create_index(writer, task, table, err));
        break;
    case TASK_STATISTICS:
        TRY(make_statistics_tables(writer, err));
        TRY(run_statement(writer, task, err));
        break;
    case TASK_CONSTRAINT:
    case TASK_FOREIGN_KEY:
    case TASK_TRIGGER:
    case TASK_VIEW:
    case TASK_SEQUENCE:
        TRY(run_statement(writer, task, err));
        break;
    }
    return ledger_add_task(writer->db, &writer->identity, task, err);
}

static Status run_task_once(SqliteWriter *writer, const Task *task, const Table *table,
                            bool *ret_ran, Error *err)
{
    bool is_done = false;

    TRY(ledger_has_task(writer->db, &writer->identity, task, &is_done, err));
    *ret_ran = !is_done;
    return is_done ? STATUS_OK : run_inside(writer, task, table, err);
}

/* The end of every short transaction here. */
static Status end_transaction(SqliteWriter *writer, Status status, const char *point, Error *err)
{
    if (status >= 0)
        status = fault_before(point, err);
    if (status < 0) {
        ledger_rollback(writer->db);
        return status;
    }
    TRY(ledger_commit(writer->db, "commit", err));
    return fault_after(point, err);
}

static Status run_task(Writer *base, const Task *task, const Table *table, Error *err)
{
    SqliteWriter *writer = own(base);
    bool ran = false;

    assert(writer->table == NULL);
    TRY(ledger_begin(writer->db, &writer->identity, err));

    Status status = run_task_once(writer, task, table, &ran, err);

    if (status >= 0 && !ran) {
        ledger_rollback(writer->db);
        return STATUS_OK;
    }
    return end_transaction(writer, status, "writer.task", err);
}

/* ---- emptying ---- */

static Status drop_staging_table(SqliteWriter *writer, const char *name, Error *err)
{
    bool is_ours = false;
    AUTO_TEXT Text sql = {0};

    if (!schema_has_table(writer->db, name))
        return STATUS_OK;
    TRY(ledger_has_object(writer->db, &writer->identity, name_role_word(NAME_STAGING), "table",
                          name, &is_ours, err));
    if (!is_ours || !name_is_ours(name)) /* I3 */
        return refuse_taken(writer, "table", name, err);
    text_append(&sql, "drop table main.");
    quote_identifier(&sql, name);
    TRY(db_exec(writer->db, text_string(&sql), "empty a staging table", err));
    return ledger_remove_object(writer->db, &writer->identity, name, err);
}

/* The indexes went with their table: so do their records. */
static Status forget_indexes(SqliteWriter *writer, const Plan *plan, const Table *table, Error *err)
{
    for (size_t i = 0; i < plan->task_count; i++) {
        const Task *task = &plan->tasks[i];

        if (task->table_id != table->id || task->task_class != TASK_INDEX)
            continue;

        AUTO_FREE_MEMORY char *staged = staged_index(writer, task);

        TRY(ledger_remove_object(writer->db, &writer->identity, staged, err));
    }
    return STATUS_OK;
}

static Status reset_table(Writer *base, const Plan *plan, const Table *table, Error *err)
{
    SqliteWriter *writer = own(base);

    assert(writer->table == NULL && table->staged_name != NULL);
    forget_insert(writer);
    TRY(ledger_begin(writer->db, &writer->identity, err));

    Status status = drop_staging_table(writer, table->staged_name, err);

    if (status >= 0)
        status = forget_indexes(writer, plan, table, err);
    if (status >= 0)
        status = ledger_forget_table(writer->db, &writer->identity, table->id, err);
    return end_transaction(writer, status, "writer.reset", err);
}

static Status forget_task(Writer *base, const Task *task, Error *err)
{
    SqliteWriter *writer = own(base);

    assert(writer->table == NULL);
    TRY(ledger_begin(writer->db, &writer->identity, err));
    return end_transaction(writer, ledger_remove_task(writer->db, &writer->identity, task, err),
                           "writer.forget", err);
}

static void free_writer(Writer *base)
{
    SqliteWriter *writer = own(base);

    abort_chunk(base);
    forget_insert(writer);
    db_free(writer->db);
    free(writer);
}

static const WriterOps writer_ops = {
    .begin = begin,
    .write = write_block,
    .commit = commit,
    .abort = abort_chunk,
    .run_task = run_task,
    .find_chunk = find_chunk,
    .reset_table = reset_table,
    .forget_task = forget_task,
    .free = free_writer,
};

Status sqlite_open_writer(SqliteTarget *target, const RunIdentity *identity, Writer **ret,
                          Error *err)
{
    /*
     * Rows come as they are in the source, which may hold some that its CHECKs refuse today. What a
     * dropped table leaves in free pages is overwritten only where that costs no write of its own.
     */
    static const char settings[] = "pragma cache_size = -8192;"
                                   "pragma ignore_check_constraints = on;"
                                   "pragma secure_delete = fast;";
    AUTO_FREE(db_free) Db *db = NULL;

    TRY(target_open_to_write(target, &db, err));
    TRY(db_exec(db, settings, "open a writer", err));

    SqliteWriter *writer = xcalloc(1, sizeof(*writer));

    writer->base.ops = &writer_ops;
    writer->db = TAKE(db);
    writer->identity = *identity;
    *ret = &writer->base;
    return STATUS_OK;
}
