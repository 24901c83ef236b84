/*
 * One attempt at a chunk:
 *
 *     begin -> read ahead -> lease a writer -> write what was read -> read, write ... -> commit
 *
 * The first block that has no room in the read-ahead is not copied: it stays with the reader, which
 * is not asked for another before it is written. So the read-ahead never grows past its limit, and
 * a row larger than it costs no second copy. Without a read-ahead that is the first block: a target
 * transaction begins when there is something to write.
 *
 * After a failed attempt nobody knows whether its commit happened: the next one begins by asking
 * the ledger (I1), through another connection when that one is in doubt.
 */
#include "engine/run/copy.h"

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"

typedef struct Copy {
    const CopyContext *context;
    ReadAhead *ahead;
    Reader *reader;
    const Table *table;
    const Chunk *chunk;
    ChunkResult result;
    uint64_t counted_bytes; /* given to the counters in this attempt */
    uint64_t counted_rows;
} Copy;

void read_ahead_release(ReadAhead *ahead)
{
    free(ahead->data);
    free(ahead->blocks);
    *ahead = (ReadAhead){0};
}

/* False when there is no room for it: it stays with its owner. */
static bool keep_block(ReadAhead *ahead, const Block *block)
{
    size_t need = ahead->size + block->size;

    if (need > COPY_READ_AHEAD)
        return false;
    if (need > ahead->capacity) {
        size_t doubled =
            ahead->capacity * 2 < COPY_READ_AHEAD ? ahead->capacity * 2 : (size_t)COPY_READ_AHEAD;

        ahead->capacity = need > doubled ? need : doubled;
        ahead->data = xrealloc(ahead->data, ahead->capacity);
    }
    GROW(ahead->blocks, ahead->block_count, ahead->block_capacity);
    ahead->blocks[ahead->block_count++] = (Block){.size = block->size, .rows = block->rows};
    memcpy(ahead->data + ahead->size, block->data, block->size);
    ahead->size = need;
    return true;
}

/* STATUS_DONE at the chunk's end. The digest and the rate are of what was read. */
static Status read_block(Copy *copy, Block *ret, Error *err)
{
    Status status = reader_read(copy->reader, ret, err);

    if (status != STATUS_OK)
        return status;
    TRY(digest_add_block(&copy->result.digest, copy->table->format, ret, err));
    copy->result.bytes += ret->size;
    throttle_take(copy->context->throttle, ret->size);
    return STATUS_OK;
}

/* STATUS_OK with a block that found no room; STATUS_DONE when the chunk is read to its end. */
static Status read_ahead(Copy *copy, Block *ret_pending, Error *err)
{
    TRY(fault_before("copy.read_ahead", err));
    TRY(reader_begin(copy->reader, copy->table, copy->chunk, err));
    for (;;) {
        Block block = {0};
        Status status = read_block(copy, &block, err);

        if (status != STATUS_OK)
            return status;
        if (copy->context->reads_ahead && keep_block(copy->ahead, &block))
            continue;
        *ret_pending = block;
        return STATUS_OK;
    }
}

static void count_moved(Copy *copy, uint64_t bytes, uint64_t rows)
{
    copy->counted_bytes += bytes;
    copy->counted_rows += rows;
    atomic_fetch_add(&copy->context->counters->bytes, bytes);
    atomic_fetch_add(&copy->context->counters->rows, rows);
}

static void take_back_counted(Copy *copy)
{
    atomic_fetch_sub(&copy->context->counters->bytes, copy->counted_bytes);
    atomic_fetch_sub(&copy->context->counters->rows, copy->counted_rows);
    copy->counted_bytes = 0;
    copy->counted_rows = 0;
}

static Status write_block(Copy *copy, Writer *writer, const Block *block, Error *err)
{
    TRY(writer_write(writer, block, err));
    count_moved(copy, block->size, block->rows);
    return STATUS_OK;
}

static Status write_ahead(Copy *copy, Writer *writer, Error *err)
{
    const uint8_t *at = copy->ahead->data;

    for (size_t i = 0; i < copy->ahead->block_count; i++) {
        Block *block = &copy->ahead->blocks[i];

        block->data = at;
        at += block->size;
        TRY(write_block(copy, writer, block, err));
    }
    return STATUS_OK;
}

/* read is STATUS_OK while the reader has more: first the pending block, then what follows it. */
static Status write_chunk(Copy *copy, Writer *writer, Status read, Block *pending, Error *err)
{
    TRY(fault_before("copy.leased", err));
    TRY(writer_begin(writer, copy->table, copy->chunk, err));
    TRY(write_ahead(copy, writer, err));
    while (read == STATUS_OK) {
        TRY(write_block(copy, writer, pending, err));
        read = read_block(copy, pending, err);
    }
    TRY(read);
    TRY(writer_commit(writer, &copy->result, err));
    return fault_after("copy.committed", err);
}

static Status attempt_reading(Copy *copy, Error *err)
{
    Block pending = {0};
    Writer *writer = NULL;
    Status status = read_ahead(copy, &pending, err);
    Status read = status;

    if (status < 0)
        return status;
    TRY(writers_lease(copy->context->writers, &writer, err));
    status = write_chunk(copy, writer, read, &pending, err);
    if (status < 0)
        writer_abort(writer);
    writers_settle(copy->context->writers, writer, status);
    return status;
}

static Status attempt(Copy *copy, Error *err)
{
    Status status = STATUS_OK;

    copy->result = (ChunkResult){0};
    copy->ahead->size = 0;
    copy->ahead->block_count = 0;
    status = attempt_reading(copy, err);
    reader_end(copy->reader);
    if (status < 0)
        take_back_counted(copy);
    return status;
}

/* Asks the ledger whether an earlier attempt arrived after all, and adopts what it says. */
static Status find_arrived(Copy *copy, bool *ret_found, Error *err)
{
    Writer *writer = NULL;
    ChunkResult result = {0};
    Status status = STATUS_OK;

    TRY(writers_lease(copy->context->writers, &writer, err));
    status = writer_find_chunk(writer, copy->chunk, ret_found, &result, err);
    writers_settle(copy->context->writers, writer, status);
    if (status < 0 || !*ret_found)
        return status;
    copy->result = result;
    count_moved(copy, result.bytes, result.digest.rows);
    return STATUS_OK;
}

static Status attempt_again(Copy *copy, Error *err)
{
    bool is_found = false;

    TRY(find_arrived(copy, &is_found, err));
    return is_found ? STATUS_OK : attempt(copy, err);
}

static void prefix_table(Error *err, const Table *table)
{
    AUTO_FREE_MEMORY char *name = table_display_name(table);

    error_prefix(err, "table \"%s\"", name);
}

Retry copy_retry(const CopyContext *context)
{
    Retry retry;

    retry_begin(&retry, context->retry_for_ms);
    retry.notice = context->notice;
    retry.is_over = &context->is_over;
    return retry;
}

Status copy_chunk(const CopyContext *context, ReadAhead *ahead, Reader *reader, const Table *table,
                  Chunk *chunk, Error *err)
{
    Copy copy = {
        .context = context, .ahead = ahead, .reader = reader, .table = table, .chunk = chunk};
    bool is_repeated = false;
    Retry retry = copy_retry(context);
    Status status = STATUS_OK;

    do {
        status = is_repeated ? attempt_again(&copy, err) : attempt(&copy, err);
        is_repeated = true;
    } while (retry_again(&retry, &status, err));
    if (status < 0) {
        prefix_table(err, table);
        return status;
    }
    chunk->bytes = copy.result.bytes;
    chunk->digest = copy.result.digest;
    return STATUS_OK;
}

static Status digest_blocks(Reader *reader, const Table *table, const Chunk *chunk, Digest *digest,
                            Error *err)
{
    TRY(reader_begin(reader, table, chunk, err));
    for (;;) {
        Block block = {0};
        Status status = reader_read(reader, &block, err);

        if (status != STATUS_OK)
            return status;
        TRY(digest_add_block(digest, table->format, &block, err));
    }
}

Status digest_chunk(Reader *reader, const Table *table, const Chunk *chunk, Digest *ret, Error *err)
{
    Digest digest = {0};
    Status status = digest_blocks(reader, table, chunk, &digest, err);

    reader_end(reader);
    if (status < 0) {
        prefix_table(err, table);
        return status;
    }
    *ret = digest;
    return STATUS_OK;
}
