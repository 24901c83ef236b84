/*
 * Plans tables and reads chunks, each by one COPY.
 *
 *      +---------+  connect, import   +--------+  begin: COPY   +---------+
 *      | nothing | -----------------> | pinned | -------------> | reading |
 *      +---------+                    +--------+ <------------- +---------+
 *         ^  any failure, end() half-way   |      the end: import again
 *         +--------------------------------+
 *
 *  P1  Nothing that was read counts before the snapshot has been imported once more after the last
 *      row: that proves that the holder's locks outlived the reading. Without them a TRUNCATE could
 *      have emptied the table under the eyes of a snapshot that still works (trap 3). read() says
 *      STATUS_DONE, plan() and probe() STATUS_OK, only after that. The import after a chunk comes in
 *      one message with its COPY: the server runs it when it has read the last row.
 *  P2  The import ends the transaction before, so a reader keeps no locks on what it has read: the
 *      server's lock table need not hold every table once per reader.
 *  P3  A connection that has carried a large row is closed after it: libpq never gives its buffer
 *      back (I9).
 *  P4  Of the readers of a source one at a time reads a chunk of large rows, until then.
 */
#include "engine/connect/postgres/reader.h"
#include "engine/connect/postgres/large_rows.h"

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/chunks.h"
#include "engine/connect/postgres/copy_rows.h"
#include "engine/connect/postgres/prober.h"
#include "engine/connect/postgres/relation.h"

enum {
    BLOCK_KEPT_BYTES = 4 * BLOCK_TARGET_BYTES, /* more is given back */
    LARGE_ROW_BYTES = 8 * 1024 * 1024,
};

typedef struct PgReader {
    Reader base;
    PgHold *hold;
    PgConnection *connection; /* NULL while there is none */
    bool is_pinned;           /* in a transaction that has imported the snapshot */
    bool is_reading;          /* a COPY is under way */
    bool is_done;             /* its last row has come, and P1 holds */
    bool is_large;            /* P4 */
    CopyRows rows;
    Text block;
    Block pending; /* a large row that did not fit the block before it; in libpq's memory */
} PgReader;

/* ---- the connection ---- */

static void disconnect(PgReader *reader)
{
    pg_close(reader->connection);
    reader->connection = NULL;
    reader->is_pinned = false;
    reader->is_reading = false;
}

/* After any failure, and when reading is given up: whatever is open ends. */
static void let_go(PgReader *reader)
{
    reader->is_pinned = false;
    reader->is_reading = false;
    if (reader->connection)
        pg_reset(reader->connection);
    if (reader->connection && !pg_is_usable(reader->connection))
        disconnect(reader);
}

static Status import(PgReader *reader, Error *err)
{
    reader->is_pinned = false;
    TRY(pg_hold_import(reader->hold, reader->connection, err));
    reader->is_pinned = true;
    return STATUS_OK;
}

/*
 * The planner looks into functions behind indexes and statistics of what it reads, and their bodies may
 * name things without a schema: they need the path that they have for others. The server's own
 * names come first.
 */
static Status connect_reader(PgReader *reader, Error *err)
{
    static const char path_sql[] =
        "select pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog',"
        " nullif(s.reset_val, '')), false) from pg_catalog.pg_settings s"
        " where s.name = 'search_path'";
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_connect(reader->hold->address, PG_SOURCE, reader->hold->application_name, &connection,
                   err));
    TRY(pg_query(connection, path_sql, &rows, err));
    reader->connection = TAKE(connection);
    return STATUS_OK;
}

static Status pin(PgReader *reader, Error *err)
{
    if (atomic_load(&reader->hold->is_lost))
        return pg_hold_lost(reader->hold, err);
    if (reader->connection && !pg_is_usable(reader->connection))
        disconnect(reader);
    if (reader->is_pinned)
        return STATUS_OK;
    if (!reader->connection)
        TRY(connect_reader(reader, err));
    return import(reader, err);
}

/* ---- planning ---- */

static Status plan_pinned(PgReader *reader, Table *table, uint64_t chunk_bytes, Plan *plan,
                          Error *err)
{
    TRY(pin(reader, err));
    pg_set_interruptible(reader->connection, true);
    Status status = pg_plan_chunks(reader->connection, table, chunk_bytes, plan, err);
    pg_set_interruptible(reader->connection, false);
    TRY(status);
    return import(reader, err); /* P1 */
}

static Status reader_plan_table(Reader *base, Table *table, uint64_t chunk_bytes, Plan *plan,
                                Error *err)
{
    PgReader *reader = (PgReader *)base;
    TRY(fault_before("postgres.plan", err));
    Status status = plan_pinned(reader, table, chunk_bytes, plan, err);
    if (status < 0)
        let_go(reader);
    return status;
}

/* ---- reading ---- */

static void reader_end_chunk(Reader *base)
{
    PgReader *reader = (PgReader *)base;
    if (reader->is_reading)
        let_go(reader);
    if (reader->connection && reader->rows.largest > LARGE_ROW_BYTES)
        disconnect(reader); /* P3 */
    large_rows_leave(pg_address_large_rows(reader->hold->address), &reader->is_large);
    reader->is_done = false;
    reader->pending = (Block){0};
    reader->rows.largest = 0;
    copy_rows_release(&reader->rows);
    text_release(&reader->block);
}

static Status begin_chunk(PgReader *reader, const Table *table, const Chunk *chunk, Error *err)
{
    AUTO_PG_RELATION PgRelation relation = {0};
    AUTO_TEXT Text sql = {0};
    TRY(pg_relation_read(table, false, &relation, err));
    TRY(pin(reader, err));
    TRY(pg_relation_append_copy(&sql, &relation, chunk, pg_server_encoding(reader->connection),
                                err));
    TRY(pg_hold_append_import(reader->hold, &sql, err)); /* P1 */
    reader->is_reading = true;
    copy_rows_begin(&reader->rows, table->format);
    return pg_copy_out(reader->connection, text_string(&sql), err);
}

static Status reader_begin_chunk(Reader *base, const Table *table, const Chunk *chunk, Error *err)
{
    PgReader *reader = (PgReader *)base;
    reader_end_chunk(base);
    TRY(fault_before("postgres.begin", err));
    TRY(large_rows_enter(pg_address_large_rows(reader->hold->address), table, &reader->is_large,
                         err)); /* P4 */
    Status status = begin_chunk(reader, table, chunk, err);
    if (status < 0) {
        let_go(reader);
        large_rows_leave(pg_address_large_rows(reader->hold->address), &reader->is_large);
    }
    return status;
}

static Status finish_copy(PgReader *reader, Error *err)
{
    TRY(copy_rows_end(&reader->rows, err));
    reader->is_reading = false;
    reader->is_done = true; /* P1: pg_copy_read() has seen the end of the whole message */
    return STATUS_OK;
}

/* The rows of the next message, perhaps none. STATUS_DONE after the last one. */
static Status next_rows(PgReader *reader, Block *ret, Error *err)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    *ret = (Block){0};
    if (reader->is_done)
        return STATUS_DONE;
    Status status = pg_copy_read(reader->connection, &data, &size, err);
    TRY(status);
    if (status == STATUS_DONE) {
        TRY(finish_copy(reader, err));
        return STATUS_DONE;
    }
    return copy_rows_take(&reader->rows, data, size, ret, err);
}

/* Small rows are put together; a large one goes as its own block, from where libpq has it. */
static Status fill_block(PgReader *reader, Block *ret, Error *err)
{
    uint64_t rows = 0;
    while (reader->block.size < BLOCK_TARGET_BYTES) {
        Block some = {0};
        Status status = next_rows(reader, &some, err);
        TRY(status);
        if (status == STATUS_DONE)
            break;
        if (some.size >= BLOCK_TARGET_BYTES) {
            reader->pending = some;
            break;
        }
        if (some.rows > 0)
            text_append_bytes(&reader->block, some.data, some.size);
        rows += some.rows;
    }
    *ret = (Block){
        .data = (const uint8_t *)reader->block.data, .size = reader->block.size, .rows = rows};
    return STATUS_OK;
}

static Status read_block(PgReader *reader, Block *ret, Error *err)
{
    Block block = {0};
    if (!reader->is_reading && !reader->is_done)
        return error_set(err, STATUS_FAILED, "no chunk is being read");
    if (reader->block.capacity > BLOCK_KEPT_BYTES)
        text_release(&reader->block);
    text_clear(&reader->block);
    if (reader->pending.rows == 0)
        TRY(fill_block(reader, &block, err));
    if (block.rows == 0) {
        block = reader->pending;
        reader->pending = (Block){0};
    }
    if (block.rows == 0)
        return STATUS_DONE;
    *ret = block;
    return STATUS_OK;
}

/* Was it the COPY that failed, or the import behind it? */
static Status blame_import(PgReader *reader, Status status, Error *err)
{
    Error lost = {0};
    if (!pg_hold_may_be_lost(err) || pin(reader, &lost) >= 0 ||
        !atomic_load(&reader->hold->is_lost))
        return status;
    *err = lost;
    return STATUS_FAILED;
}

static Status reader_read_block(Reader *base, Block *ret, Error *err)
{
    PgReader *reader = (PgReader *)base;
    TRY(fault_before("postgres.read", err));
    Status status = read_block(reader, ret, err);
    if (status >= 0)
        return status;
    let_go(reader);
    return blame_import(reader, status, err);
}

/* ---- probing, for the prober's sake ---- */

static Status pin_for_probe(void *context, PgConnection **ret, Error *err)
{
    PgReader *reader = context;
    Status status = pin(reader, err);
    if (status < 0)
        let_go(reader);
    else
        *ret = reader->connection;
    return status;
}

static Status prove_probe(void *context, Status status, size_t largest_row, Error *err)
{
    PgReader *reader = context;
    if (status >= 0)
        status = import(reader, err); /* P1 */
    if (status < 0)
        let_go(reader);
    if (reader->connection && largest_row > LARGE_ROW_BYTES)
        disconnect(reader); /* P3 */
    return status;
}

static LargeRows *large_rows_of_source(void *context)
{
    PgReader *reader = context;
    if (reader->is_large && !reader->is_reading)
        reader_end_chunk(&reader->base); /* else it would wait for itself */
    return pg_address_large_rows(reader->hold->address);
}

static const PgProberSide reader_side = {
    .begin = pin_for_probe, .end = prove_probe, .large_rows = large_rows_of_source};

/* ---- lifecycle ---- */

static void reader_free_all(Reader *base)
{
    PgReader *reader = (PgReader *)base;
    reader_end_chunk(base);
    prober_free(reader->base.prober);
    pg_close(reader->connection);
    free(reader);
}

static const ReaderOps reader_ops = {
    .plan = reader_plan_table,
    .begin = reader_begin_chunk,
    .read = reader_read_block,
    .end = reader_end_chunk,
    .free = reader_free_all,
};

Status pg_reader_new(PgHold *hold, Reader **ret, Error *err)
{
    if (!hold->snapshot || atomic_load(&hold->is_lost))
        return pg_hold_lost(hold, err);
    PgReader *reader = xcalloc(1, sizeof(*reader));
    reader->base.ops = &reader_ops;
    reader->hold = hold;
    reader->base.prober = pg_prober_new(&reader_side, reader);
    *ret = &reader->base;
    return STATUS_OK;
}
