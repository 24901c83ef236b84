/*
 * Chunks of an archive are whole segments: their bounds are places in the table's list of segments,
 * as decimal text. A resumed restore finds the same list, because a backup does not change.
 */
#include "backup/archive_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup/archive_prober.h"
#include "backup/archive_rows.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"

typedef struct ArchiveReader {
    Reader base;
    const ArchiveHold *hold;
    ArchiveRows *rows;
    bool is_reading;
} ArchiveReader;

static ArchiveReader *own(Reader *reader)
{
    return (ArchiveReader *)reader; /* base is its first member */
}

static const TableSegments *segments_of(const ArchiveHold *hold, const Table *table)
{
    return &hold->tables[table->id - 1];
}

/* ---- planning ---- */

static Bytes make_bound(size_t place, size_t count)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%zu", place);

    if (place == 0 || place == count)
        return (Bytes){0}; /* open */
    return bytes_copy(text, (size_t)size);
}

static void add_chunk(Plan *plan, const Table *table, uint32_t number,
                      const TableSegments *segments, size_t first, size_t end)
{
    Chunk *chunk = plan_add_chunk(plan);

    chunk->table_id = table->id;
    chunk->number = number;
    chunk->lower = make_bound(first, segments->count);
    chunk->upper = make_bound(end, segments->count);
    for (size_t i = first; i < end; i++)
        chunk->byte_estimate += segments->items[i].raw;
}

static Status plan_table(Reader *base, Table *table, uint64_t chunk_bytes, Plan *plan, Error *err)
{
    const TableSegments *segments = segments_of(own(base)->hold, table);
    uint32_t number = 0;
    size_t end = 0;

    TRY(fault_before("archive.plan", err));
    table->row_estimate = 0;
    table->byte_estimate = 0;
    do {
        size_t first = end;
        uint64_t bytes = 0;

        while (end < segments->count &&
               (bytes == 0 || bytes + segments->items[end].raw <= chunk_bytes)) {
            bytes += segments->items[end].raw;
            table->row_estimate += segments->items[end++].rows;
        }
        table->byte_estimate += bytes;
        add_chunk(plan, table, ++number, segments, first, end);
    } while (end < segments->count);
    return STATUS_OK;
}

/* ---- reading ---- */

static Status parse_bound(const Bytes *bound, size_t otherwise, size_t count, size_t *ret,
                          Error *err)
{
    char text[24];
    uint64_t place = 0;

    *ret = otherwise;
    if (bound->size == 0)
        return STATUS_OK;
    if (bound->size < sizeof(text)) {
        memcpy(text, bound->data, bound->size);
        text[bound->size] = '\0';
        if (parse_unsigned(text, count, &place)) {
            *ret = (size_t)place;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INVALID, "a chunk has bounds that are none of this backup");
}

static Status begin_chunk(Reader *base, const Table *table, const Chunk *chunk, Error *err)
{
    ArchiveReader *reader = own(base);
    const TableSegments *segments = segments_of(reader->hold, table);
    size_t first = 0;
    size_t end = 0;

    reader->is_reading = false;
    TRY(fault_before("archive.read_chunk", err));
    TRY(parse_bound(&chunk->lower, 0, segments->count, &first, err));
    TRY(parse_bound(&chunk->upper, segments->count, segments->count, &end, err));
    if (first > end)
        return error_set(err, STATUS_INVALID, "a chunk has bounds that are none of this backup");
    archive_rows_begin(reader->rows, table->format, segments->folder, segments->items + first,
                       end - first);
    reader->is_reading = true;
    return STATUS_OK;
}

static Status read_block(Reader *base, Block *ret, Error *err)
{
    ArchiveReader *reader = own(base);

    TRY(fault_before("archive.read", err));
    if (!reader->is_reading)
        return error_set(err, STATUS_FAILED, "no chunk is being read");
    return archive_rows_next(reader->rows, ret, NULL, err);
}

static void end_chunk(Reader *base)
{
    own(base)->is_reading = false;
}

static void free_reader(Reader *base)
{
    ArchiveReader *reader = own(base);

    prober_free(reader->base.prober);
    archive_rows_free(reader->rows);
    free(reader);
}

static const ReaderOps reader_ops = {
    .plan = plan_table,
    .begin = begin_chunk,
    .read = read_block,
    .end = end_chunk,
    .free = free_reader,
};

static Status find_in_hold(void *context, const Table *table, ArchivePlace *ret, Error *err)
{
    const ArchiveHold *hold = *(const ArchiveHold **)context;
    const TableSegments *segments = segments_of(hold, table);

    (void)err;
    *ret = (ArchivePlace){.folder = segments->folder,
                          .segments = segments->items,
                          .count = segments->count,
                          .digest = hold->digests[table->id - 1]};
    return STATUS_OK;
}

Status archive_reader_new(const ArchiveHold *hold, Reader **ret, Error *err)
{
    static const ArchivePlaces hold_places = {.find = find_in_hold};
    ArchiveReader *reader = xcalloc(1, sizeof(*reader));

    (void)err; /* files are opened as they are needed */
    reader->base.ops = &reader_ops;
    reader->hold = hold;
    reader->rows = archive_rows_new(hold->folder);
    reader->base.prober = archive_prober_new(hold->folder, &hold_places, &reader->hold);
    *ret = &reader->base;
    return STATUS_OK;
}
