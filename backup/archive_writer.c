/*
 * A writer of an archive has a part of its own, which it begins with its first chunk.
 *
 *   begin    the part is there
 *   write    rows are gathered to segments, and these added to the part
 *   commit   the part is synced (A1), then the ledger says that the chunk is there
 *   abort    what was added to the part since the last commit is taken back
 *
 * W1  What the ledger may say is not taken back: after a commit without an answer the ledger is asked
 *     first, and a part of which it cannot tell is left to archive_settle().
 */
#include <string.h>

#include "backup/archive_target.h"
#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/flow/rows.h"

enum {
    FULL_BYTES = SEGMENT_BYTES / 2, /* gathered in memory: half of what a segment may have */
};

typedef struct ArchiveWriter {
    Writer base;
    char *folder;
    RunIdentity identity;
    ArchiveLedger *ledger;
    PartWriter *part; /* NULL while there is none */
    bool in_doubt;    /* W1 */
    bool is_writing;  /* between begin and commit or abort */
    const Table *table;
    const Chunk *chunk;
    Text table_folder;
    Text rows; /* of the segment that is gathered */
    uint64_t row_count;
    SegmentList segments; /* of this chunk */
    Text name;
} ArchiveWriter;

static ArchiveWriter *own(Writer *writer)
{
    return (ArchiveWriter *)writer; /* base is its first member */
}

/* ---- the part ---- */

static Status begin_part(ArchiveWriter *writer, Error *err)
{
    uint32_t number = 0;

    if (writer->part != NULL)
        return STATUS_OK;
    TRY(archive_ledger_new_part(writer->ledger, &writer->identity, &number, err));
    return part_writer_open(writer->folder, number, clock_wall_us() / 1000000, &writer->part, err);
}

static void leave_part(ArchiveWriter *writer)
{
    part_writer_free(TAKE(writer->part)); /* archive_settle() ends it */
    writer->in_doubt = false;
}

static Status seal_part(ArchiveWriter *writer, Error *err)
{
    PartSummary summary = {0};
    Status status = part_writer_seal(writer->part, &summary, err);

    leave_part(writer);
    TRY(status);
    return archive_ledger_seal_part(writer->ledger, &writer->identity, &summary, err);
}

/* ---- segments ---- */

static Status add_segment(ArchiveWriter *writer, const void *data, size_t size, uint64_t rows,
                          Error *err)
{
    Segment *segment = segment_list_add(&writer->segments);
    PartEntry entry = {0};

    *segment = (Segment){.part = part_writer_number(writer->part),
                         .table_id = writer->table->id,
                         .chunk = writer->chunk->number,
                         .number = (uint32_t)writer->segments.count,
                         .kind = SEGMENT_ROWS,
                         .raw = size,
                         .rows = rows};
    text_clear(&writer->name);
    segment_name(text_string(&writer->table_folder), segment, &writer->name);
    TRY(fault_before("archive.segment", err));
    TRY(part_writer_add(writer->part, text_string(&writer->name), data, size,
                        segment_level(writer->table), &entry, err));
    segment->offset = entry.offset;
    segment->stored = entry.stored;
    memcpy(segment->sha256, entry.sha256, sizeof(segment->sha256));
    return STATUS_OK;
}

static Status end_segment(ArchiveWriter *writer, Error *err)
{
    if (writer->row_count == 0)
        return STATUS_OK;
    TRY(add_segment(writer, writer->rows.data, writer->rows.size, writer->row_count, err));
    text_clear(&writer->rows);
    writer->row_count = 0;
    return STATUS_OK;
}

/* Rows that fit no segment together with others: one by one. */
static Status write_large(ArchiveWriter *writer, const Block *block, Error *err)
{
    size_t at = 0;

    while (at < block->size) {
        size_t size = 0;

        TRY(row_next(writer->table->format, block->data + at, block->size - at, &size, err));
        if (writer->rows.size + size > FULL_BYTES)
            TRY(end_segment(writer, err));
        if (size > FULL_BYTES) {
            TRY(add_segment(writer, block->data + at, size, 1, err));
        } else {
            text_append_bytes(&writer->rows, block->data + at, size);
            writer->row_count++;
        }
        at += size;
    }
    return STATUS_OK;
}

/* ---- a chunk ---- */

static void abort_chunk(Writer *base)
{
    ArchiveWriter *writer = own(base);
    Error ignored = {0};
    uint64_t counts = 0;

    text_clear(&writer->rows);
    writer->row_count = 0;
    writer->segments.count = 0;
    if (!writer->is_writing)
        return;
    writer->is_writing = false;
    if (writer->part == NULL)
        return;
    if (writer->in_doubt) { /* W1 */
        bool is_known = archive_ledger_part_bytes(writer->ledger, part_writer_number(writer->part),
                                                  &counts, &ignored) >= 0;

        if (is_known && counts == part_writer_bytes(writer->part)) {
            part_writer_keep(writer->part);
            writer->in_doubt = false;
            return;
        }
        if (!is_known) {
            leave_part(writer);
            return;
        }
        writer->in_doubt = false;
    }
    if (part_writer_back(writer->part, &ignored) < 0)
        leave_part(writer);
}

static Status begin_chunk(Writer *base, const Table *table, const Chunk *chunk, Error *err)
{
    ArchiveWriter *writer = own(base);

    abort_chunk(base);
    TRY(fault_before("archive.begin", err));
    TRY(begin_part(writer, err));
    writer->table = table;
    writer->chunk = chunk;
    writer->is_writing = true;
    text_clear(&writer->table_folder);
    segment_folder(table, &writer->table_folder);
    return STATUS_OK;
}

static Status write_block(Writer *base, const Block *block, Error *err)
{
    ArchiveWriter *writer = own(base);

    TRY(fault_before("archive.write", err));
    if (block->size > FULL_BYTES)
        return write_large(writer, block, err);
    if (writer->rows.size + block->size > FULL_BYTES)
        TRY(end_segment(writer, err));
    text_append_bytes(&writer->rows, block->data, block->size);
    writer->row_count += block->rows;
    return STATUS_OK;
}

static Status commit_chunk(Writer *base, const ChunkResult *result, Error *err)
{
    ArchiveWriter *writer = own(base);

    TRY(end_segment(writer, err));
    if (writer->segments.count > 0) {
        TRY(fault_before("archive.sync", err));
        TRY(part_writer_sync(writer->part, err)); /* A1 */
    }
    writer->in_doubt = writer->segments.count > 0;
    TRY(archive_ledger_add(writer->ledger, &writer->identity, writer->chunk, result,
                           &writer->segments, part_writer_number(writer->part),
                           part_writer_bytes(writer->part), err));
    writer->in_doubt = false;
    writer->is_writing = false;
    part_writer_keep(writer->part);
    writer->segments.count = 0;
    return part_writer_bytes(writer->part) < PART_BYTES ? STATUS_OK : seal_part(writer, err);
}

/* ---- the rest ---- */

static Status run_task(Writer *writer, const Task *task, const Table *table, Error *err)
{
    (void)writer;
    (void)table;
    return error_set(err, STATUS_FATAL, "an archive runs no statements: %s", task->name);
}

static Status find_chunk(Writer *base, const Chunk *chunk, bool *ret_found, ChunkResult *ret,
                         Error *err)
{
    return archive_ledger_find_chunk(own(base)->ledger, chunk, ret_found, ret, err);
}

static Status reset_table(Writer *base, const Plan *plan, const Table *table, Error *err)
{
    ArchiveWriter *writer = own(base);

    (void)plan;
    return archive_ledger_reset_table(writer->ledger, &writer->identity, table->id, err);
}

static Status forget_task(Writer *writer, const Task *task, Error *err)
{
    (void)writer;
    (void)task;
    (void)err;
    return STATUS_OK; /* there are none */
}

/* Whatever fails here is done by archive_settle(). */
static void free_writer(Writer *base)
{
    ArchiveWriter *writer = own(base);
    Error ignored = {0};

    abort_chunk(base);
    if (writer->part != NULL && part_writer_entries(writer->part) > 0)
        (void)seal_part(writer, &ignored);
    leave_part(writer);
    archive_ledger_free(writer->ledger);
    segment_list_release(&writer->segments);
    text_release(&writer->table_folder);
    text_release(&writer->rows);
    text_release(&writer->name);
    free(writer->folder);
    free(writer);
}

static const WriterOps writer_ops = {
    .begin = begin_chunk,
    .write = write_block,
    .commit = commit_chunk,
    .abort = abort_chunk,
    .run_task = run_task,
    .find_chunk = find_chunk,
    .reset_table = reset_table,
    .forget_task = forget_task,
    .free = free_writer,
};

Status archive_open_writer(ArchiveTarget *target, const RunIdentity *identity, Writer **ret,
                           Error *err)
{
    AUTO_FREE_MEMORY char *folder = archive_folder(target);
    AUTO_FREE(archive_ledger_free) ArchiveLedger *ledger = NULL;
    ArchiveWriter *writer = NULL;

    TRY(archive_ledger_open(folder, &ledger, err));
    writer = xcalloc(1, sizeof(*writer));
    *writer = (ArchiveWriter){.base = {.ops = &writer_ops},
                              .folder = TAKE(folder),
                              .identity = *identity,
                              .ledger = TAKE(ledger)};
    *ret = &writer->base;
    return STATUS_OK;
}
