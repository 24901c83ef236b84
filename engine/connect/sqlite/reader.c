/*
 * Plans tables and reads chunks in key order, one row and one block in memory at a time.
 */
#include "engine/connect/sqlite/reader.h"

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/chunks.h"
#include "engine/connect/sqlite/layout.h"
#include "engine/connect/sqlite/prober.h"
#include "engine/connect/sqlite/range.h"

enum {
    BLOCK_KEPT_BYTES = 4 * BLOCK_TARGET_BYTES, /* a huge row's room is given back after it */
};

typedef struct SqliteReader {
    Reader base;
    Db *db;
    GiveBack give_back;
    void *context;
    /* Between begin and end: */
    DbStatement *statement;
    char *action; /* "read table orders" */
    Layout layout;
    Bytes lower; /* bound to the statement */
    Bytes upper;
    Text block;
    bool is_done;
} SqliteReader;

static void reader_end_chunk(Reader *base)
{
    SqliteReader *reader = (SqliteReader *)base;
    db_finalize(reader->statement);
    reader->statement = NULL;
    free(reader->action);
    reader->action = NULL;
    layout_release(&reader->layout);
    bytes_release(&reader->lower);
    bytes_release(&reader->upper);
    text_release(&reader->block);
}

static Status reader_plan_table(Reader *base, Table *table, uint64_t chunk_bytes, Plan *plan,
                                Error *err)
{
    SqliteReader *reader = (SqliteReader *)base;
    TRY(fault_before("reader.plan", err));
    db_stop_on_request(reader->db, true);
    Status status = sqlite_plan_chunks(reader->db, table, chunk_bytes, plan, err);
    db_stop_on_request(reader->db, false);
    if (status < 0)
        error_prefix(err, "could not plan table \"%s\"", table->name);
    return status;
}

static Status begin_chunk(SqliteReader *reader, const Table *table, const Chunk *chunk, Error *err)
{
    AUTO_TEXT Text sql = {0};
    TRY(layout_read(table, &reader->layout, err));
    reader->action = xasprintf("read table %s", table->name);
    reader->lower = bytes_copy(chunk->lower.data, chunk->lower.size);
    reader->upper = bytes_copy(chunk->upper.data, chunk->upper.size);
    reader->is_done = false;
    text_append(&sql, "select ");
    layout_append_select(&sql, &reader->layout);
    text_append(&sql, " from ");
    range_append_from(&sql, table->name);
    range_append_where(&sql, &reader->layout, &reader->lower, &reader->upper);
    layout_append_order(&sql, &reader->layout, false);
    TRY(db_prepare(reader->db, text_string(&sql), &reader->statement, reader->action, err));
    return range_bind(reader->db, reader->statement, &reader->layout, &reader->lower,
                      &reader->upper, err);
}

static Status reader_begin_chunk(Reader *base, const Table *table, const Chunk *chunk, Error *err)
{
    reader_end_chunk(base);
    TRY(fault_before("reader.begin", err));
    Status status = begin_chunk((SqliteReader *)base, table, chunk, err);
    if (status < 0)
        reader_end_chunk(base);
    return status;
}

static Status fill_block(SqliteReader *reader, uint64_t *ret_rows, Error *err)
{
    uint64_t rows = 0;
    while (!reader->is_done && reader->block.size < BLOCK_TARGET_BYTES) {
        Status status = db_step(reader->db, reader->statement, reader->action, err);
        TRY(status);
        if (status == STATUS_DONE) {
            reader->is_done = true;
            break;
        }
        row_append(&reader->block, reader->db, reader->statement, 0, reader->layout.field_count);
        rows++;
    }
    *ret_rows = rows;
    return STATUS_OK;
}

static Status reader_read_block(Reader *base, Block *ret, Error *err)
{
    SqliteReader *reader = (SqliteReader *)base;
    TRY(fault_before("reader.read", err));
    if (!reader->statement)
        return error_set(err, STATUS_FAILED, "no chunk is being read");
    if (reader->block.capacity > BLOCK_KEPT_BYTES)
        text_release(&reader->block);
    text_clear(&reader->block);
    uint64_t rows = 0;
    TRY(fill_block(reader, &rows, err));
    if (rows == 0)
        return STATUS_DONE;
    *ret = (Block){
        .data = (const uint8_t *)reader->block.data, .size = reader->block.size, .rows = rows};
    return STATUS_OK;
}

static void sqlite_reader_free(Reader *base)
{
    SqliteReader *reader = (SqliteReader *)base;
    reader_end_chunk(base);
    prober_free(reader->base.prober);
    reader->give_back(reader->context, reader->db);
    free(reader);
}

static const ReaderOps reader_ops = {
    .plan = reader_plan_table,
    .begin = reader_begin_chunk,
    .read = reader_read_block,
    .end = reader_end_chunk,
    .free = sqlite_reader_free,
};

Status sqlite_reader_new(Db *db, GiveBack give_back, void *context, Reader **ret, Error *err)
{
    AUTO_FREE(prober_free) Prober *prober = NULL;
    TRY(sqlite_prober_new(db, &prober, err));
    SqliteReader *reader = xcalloc(1, sizeof(*reader));
    *reader = (SqliteReader){
        .base = {.ops = &reader_ops, .prober = TAKE(prober)},
        .db = db,
        .give_back = give_back,
        .context = context,
    };
    *ret = &reader->base;
    return STATUS_OK;
}
