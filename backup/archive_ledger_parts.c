/*
 * Parts and segments in the ledger.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup/archive_ledger_inside.h"
#include "engine/base/memory.h"

#define SEGMENT_COLUMNS "part, offset, table_id, chunk, number, kind, stored, raw, rows, sha256"

void archive_part_list_release(ArchivePartList *list)
{
    free(list->items);
    *list = (ArchivePartList){0};
}

void segment_list_release(SegmentList *list)
{
    free(list->items);
    *list = (SegmentList){0};
}

Segment *segment_list_add(SegmentList *list)
{
    GROW(list->items, list->count, list->capacity);
    list->items[list->count] = (Segment){0};
    return &list->items[list->count++];
}

/* ---- parts ---- */

static Status new_part(ArchiveLedger *ledger, uint32_t *ret, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(
        ledger,
        "insert into part(number) select coalesce(max(number), 0) + 1 from part"
        " returning number",
        &query, err));
    TRY(archive_query_step(&query, err));
    *ret = (uint32_t)archive_query_number(&query, 0);
    return archive_query_run(&query, err);
}

Status archive_ledger_new_part(ArchiveLedger *ledger, const RunIdentity *identity,
                               uint32_t *ret_number, Error *err)
{
    uint32_t number = 0;

    TRY(archive_transaction_begin(ledger, identity, err));
    TRY(archive_transaction_end(ledger, "archive.new_part", new_part(ledger, &number, err), err));
    if (number > PART_MAX_NUMBER)
        return error_set(err, STATUS_FAILED, "the archive has too many parts");
    *ret_number = number;
    return STATUS_OK;
}

static Status put_sealed(ArchiveLedger *ledger, const PartSummary *part, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(
        ledger,
        "update part set sealed = 1, bytes = ?2, raw_bytes = ?3, entries = ?4,"
        " sha256 = ?5 where number = ?1",
        &query, err));
    archive_query_bind(&query, part->number);
    archive_query_bind(&query, part->bytes);
    archive_query_bind(&query, part->raw_bytes);
    archive_query_bind(&query, part->entries);
    archive_query_bind_text(&query, part->sha256);
    return archive_query_run(&query, err);
}

Status archive_ledger_seal_part(ArchiveLedger *ledger, const RunIdentity *identity,
                                const PartSummary *part, Error *err)
{
    TRY(archive_transaction_begin(ledger, identity, err));
    return archive_transaction_end(ledger, "archive.seal_part", put_sealed(ledger, part, err), err);
}

static Status drop_part(ArchiveLedger *ledger, uint32_t number, Error *err)
{
    AUTO_FREE_MEMORY char *sql = xasprintf("delete from part where number = %" PRIu32, number);

    return archive_execute(ledger, sql, err);
}

Status archive_ledger_forget_part(ArchiveLedger *ledger, uint32_t number, Error *err)
{
    TRY(archive_transaction_begin(ledger, NULL, err));
    return archive_transaction_end(ledger, "archive.forget_part", drop_part(ledger, number, err),
                                   err);
}

static void read_part(const ArchiveQuery *query, ArchivePart *ret)
{
    *ret = (ArchivePart){
        .summary = {.number = (uint32_t)archive_query_number(query, 0),
                    .bytes = archive_query_number(query, 2),
                    .raw_bytes = archive_query_number(query, 3),
                    .entries = archive_query_number(query, 4)},
        .is_sealed = archive_query_number(query, 1) != 0,
        .live = archive_query_number(query, 6),
    };
    (void)snprintf(ret->summary.sha256, sizeof(ret->summary.sha256), "%s",
                   archive_query_text(query, 5));
}

Status archive_ledger_parts(ArchiveLedger *ledger, ArchivePartList *ret, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(ledger,
                              "select number, sealed, bytes, raw_bytes, entries, sha256,"
                              " (select count(*) from segment where segment.part = part.number)"
                              " from part order by number",
                              &query, err));
    for (;;) {
        Status status = archive_query_step(&query, err);

        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        GROW(ret->items, ret->count, ret->capacity);
        read_part(&query, &ret->items[ret->count++]);
    }
}

Status archive_ledger_part_bytes(ArchiveLedger *ledger, uint32_t number, uint64_t *ret, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};
    Status status = STATUS_OK;

    TRY(archive_query_prepare(ledger, "select bytes from part where number = ?1", &query, err));
    archive_query_bind(&query, number);
    status = archive_query_step(&query, err);
    TRY(status);
    *ret = status == STATUS_OK ? archive_query_number(&query, 0) : 0;
    return STATUS_OK;
}

/* ---- segments ---- */

static Status put_segment(ArchiveQuery *query, const Segment *segment, Error *err)
{
    archive_query_bind(query, segment->part);
    archive_query_bind(query, segment->offset);
    archive_query_bind(query, segment->table_id);
    archive_query_bind(query, segment->chunk);
    archive_query_bind(query, segment->number);
    archive_query_bind(query, segment->kind);
    archive_query_bind(query, segment->stored);
    archive_query_bind(query, segment->raw);
    archive_query_bind(query, segment->rows);
    archive_query_bind_blob(query, segment->sha256, sizeof(segment->sha256));
    return archive_query_run(query, err);
}

static Status put_segments(ArchiveLedger *ledger, const SegmentList *segments, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(ledger,
                              "insert into segment(" SEGMENT_COLUMNS
                              ") values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                              &query, err));
    for (size_t i = 0; i < segments->count; i++)
        TRY(put_segment(&query, &segments->items[i], err));
    return STATUS_OK;
}

static Status put_chunk(ArchiveLedger *ledger, const Chunk *chunk, const ChunkResult *result,
                        Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};
    char digest[33];

    digest_format(&result->digest, digest);
    TRY(archive_query_prepare(ledger,
                              "insert into chunk(table_id, number, rows, digest, bytes)"
                              " values (?1, ?2, ?3, ?4, ?5)",
                              &query, err));
    archive_query_bind(&query, chunk->table_id);
    archive_query_bind(&query, chunk->number);
    archive_query_bind(&query, result->digest.rows);
    archive_query_bind_text(&query, digest);
    archive_query_bind(&query, result->bytes);
    return archive_query_run(&query, err);
}

static Status put_bytes(ArchiveLedger *ledger, uint32_t part, uint64_t bytes, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(ledger, "update part set bytes = ?2 where number = ?1", &query, err));
    archive_query_bind(&query, part);
    archive_query_bind(&query, bytes);
    return archive_query_run(&query, err);
}

static Status add(ArchiveLedger *ledger, const Chunk *chunk, const ChunkResult *result,
                  const SegmentList *segments, uint32_t part, uint64_t part_bytes, Error *err)
{
    if (chunk != NULL)
        TRY(put_chunk(ledger, chunk, result, err));
    if (segments->count == 0)
        return STATUS_OK;
    TRY(put_segments(ledger, segments, err));
    return put_bytes(ledger, part, part_bytes, err);
}

Status archive_ledger_add(ArchiveLedger *ledger, const RunIdentity *identity, const Chunk *chunk,
                          const ChunkResult *result, const SegmentList *segments, uint32_t part,
                          uint64_t part_bytes, Error *err)
{
    TRY(archive_transaction_begin(ledger, identity, err));
    return archive_transaction_end(
        ledger, "archive.commit", add(ledger, chunk, result, segments, part, part_bytes, err), err);
}

static Status read_segments(ArchiveQuery *query, SegmentList *ret, Error *err)
{
    for (;;) {
        Segment *segment = NULL;
        Status status = archive_query_step(query, err);

        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        segment = segment_list_add(ret);
        *segment = (Segment){
            .part = (uint32_t)archive_query_number(query, 0),
            .offset = archive_query_number(query, 1),
            .table_id = (uint32_t)archive_query_number(query, 2),
            .chunk = (uint32_t)archive_query_number(query, 3),
            .number = (uint32_t)archive_query_number(query, 4),
            .kind = (SegmentKind)archive_query_number(query, 5),
            .stored = archive_query_number(query, 6),
            .raw = archive_query_number(query, 7),
            .rows = archive_query_number(query, 8),
        };
        if (sqlite3_column_bytes(query->statement, 9) != SHA256_SIZE)
            return error_set(err, STATUS_FATAL, "the ledger \"%s\" holds a malformed hash",
                             query->ledger->path);
        memcpy(segment->sha256, sqlite3_column_blob(query->statement, 9), SHA256_SIZE);
    }
}

Status archive_ledger_table(ArchiveLedger *ledger, uint32_t table_id, SegmentList *ret, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(ledger,
                              "select " SEGMENT_COLUMNS
                              " from segment where table_id = ?1 and chunk > 0"
                              " order by table_id, chunk, number",
                              &query, err));
    archive_query_bind(&query, table_id);
    return read_segments(&query, ret, err);
}

Status archive_ledger_part_segments(ArchiveLedger *ledger, uint32_t part, SegmentList *ret,
                                    Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(
        ledger, "select " SEGMENT_COLUMNS " from segment where part = ?1 order by offset", &query,
        err));
    archive_query_bind(&query, part);
    return read_segments(&query, ret, err);
}

Status archive_ledger_has_head(ArchiveLedger *ledger, uint32_t table_id, bool *ret, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};
    Status status = STATUS_OK;

    TRY(archive_query_prepare(ledger, "select 1 from segment where table_id = ?1 and chunk = 0",
                              &query, err));
    archive_query_bind(&query, table_id);
    status = archive_query_step(&query, err);
    TRY(status);
    *ret = status == STATUS_OK;
    return STATUS_OK;
}

static Status move(ArchiveLedger *ledger, uint32_t old_part, const SegmentList *now,
                   const PartSummary *part, Error *err)
{
    AUTO_FREE_MEMORY char *sql = xasprintf("delete from segment where part = %" PRIu32, old_part);

    TRY(archive_execute(ledger, sql, err));
    TRY(put_segments(ledger, now, err));
    TRY(put_sealed(ledger, part, err));
    return drop_part(ledger, old_part, err);
}

Status archive_ledger_move(ArchiveLedger *ledger, const RunIdentity *identity, uint32_t old_part,
                           const SegmentList *now, const PartSummary *part, Error *err)
{
    TRY(archive_transaction_begin(ledger, identity, err));
    return archive_transaction_end(ledger, "archive.move", move(ledger, old_part, now, part, err),
                                   err);
}
