/*
 * A table that was read again (I5) leaves its first rows behind in the parts. People who restore
 * with tar alone would load them, too: so such a part is written anew without them.
 */
#include <string.h>

#include "backup/archive_target.h"
#include "backup/part_reader.h"
#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"

static Status copy_content(PartReader *reader, PartWriter *writer, Error *err)
{
    for (;;) {
        const void *data = NULL;
        size_t size = 0;
        Status status = part_reader_read(reader, &data, &size, err);

        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        TRY(part_writer_write(writer, data, size, err));
    }
}

static Status copy_entry(PartReader *reader, PartWriter *writer, const Table *table,
                         Segment *segment, Error *err)
{
    PartEntry entry = {.offset = segment->offset, .stored = segment->stored, .raw = segment->raw};
    AUTO_TEXT Text folder = {0};
    AUTO_TEXT Text name = {0};

    memcpy(entry.sha256, segment->sha256, sizeof(entry.sha256));
    segment_folder(table, &folder);
    segment_name(text_string(&folder), segment, &name);
    TRY(part_reader_begin(reader, &entry, text_string(&name), err));
    TRY(part_writer_begin(writer, text_string(&name), segment->raw, segment_level(table), err));
    TRY(copy_content(reader, writer, err));
    TRY(part_writer_end(writer, &entry, err));
    segment->part = part_writer_number(writer);
    segment->offset = entry.offset;
    segment->stored = entry.stored;
    return STATUS_OK;
}

static Status copy_part(const char *folder, uint32_t number, PartWriter *writer,
                        SegmentList *segments, const Catalog *catalog, Error *err)
{
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;
    AUTO_TEXT Text path = {0};

    text_append_format(&path, "%s/", folder);
    part_path(number, &path);
    TRY(part_reader_open(text_string(&path), &reader, err));
    for (size_t i = 0; i < segments->count; i++) {
        Segment *segment = &segments->items[i];

        TRY(stop_check(err));
        TRY(copy_entry(reader, writer, catalog_table(catalog, segment->table_id), segment, err));
    }
    return STATUS_OK;
}

static Status write_anew(const char *folder, ArchiveLedger *ledger, const RunIdentity *identity,
                         const Catalog *catalog, uint32_t number, Error *err)
{
    AUTO_FREE(part_writer_free) PartWriter *writer = NULL;
    AUTO_SEGMENTS SegmentList segments = {0};
    PartSummary summary = {0};
    uint32_t next = 0;

    TRY(archive_ledger_part_segments(ledger, number, &segments, err));
    TRY(archive_ledger_new_part(ledger, identity, &next, err));
    TRY(part_writer_open(folder, next, clock_wall_us() / 1000000, &writer, err));
    TRY(copy_part(folder, number, writer, &segments, catalog, err));
    TRY(part_writer_seal(writer, &summary, err));
    return archive_ledger_move(ledger, identity, number, &segments, &summary, err);
}

/* The ledger does not know it any more: a crash before it was removed leaves a stray file, which the
 * next call removes. */
static Status remove_part(const char *folder, uint32_t number, Error *err)
{
    PartSummary ignored = {0};

    return part_repair(folder, number, 0, &ignored, err);
}

/* Files of numbers that the ledger has given out, and does not know any more. */
static Status remove_strays(const char *folder, const ArchivePartList *parts, Error *err)
{
    uint32_t last = parts->count > 0 ? parts->items[parts->count - 1].summary.number : 0;
    size_t at = 0;

    for (uint32_t number = 1; number < last; number++) {
        if (parts->items[at].summary.number == number) {
            at++;
            continue;
        }
        TRY(remove_part(folder, number, err));
    }
    return STATUS_OK;
}

Status archive_compact(const char *folder, ArchiveLedger *ledger, const RunIdentity *identity,
                       const Catalog *catalog, Error *err)
{
    AUTO_ARCHIVE_PARTS ArchivePartList parts = {0};
    AUTO_ARCHIVE_PARTS ArchivePartList left = {0};

    TRY(archive_ledger_parts(ledger, &parts, err));
    for (size_t i = 0; i < parts.count; i++) {
        const ArchivePart *part = &parts.items[i];
        uint32_t number = part->summary.number;

        if (part->live == part->summary.entries)
            continue;
        TRY(fault_before("archive.compact", err));
        if (part->live > 0)
            TRY(write_anew(folder, ledger, identity, catalog, number, err));
        else
            TRY(archive_ledger_forget_part(ledger, number, err));
        TRY(remove_part(folder, number, err));
    }
    TRY(archive_ledger_parts(ledger, &left, err));
    return remove_strays(folder, &left, err);
}
