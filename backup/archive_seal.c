/*
 * The end of making an archive. In this order, each step fine to be repeated:
 *   1  parts that were left open are brought to their end; what does not count goes out of them
 *   2  tables in the binary format of COPY get their heads and tails
 *   3  index, catalog, scripts
 *   4  the manifest: from then on it is a backup, and nothing in it changes any more
 *   5  the ledger, which nobody needs then, goes
 */
#include <stdlib.h>
#include <string.h>

#include "backup/archive_scripts.h"
#include "backup/archive_target.h"
#include "backup/catalog_file.h"
#include "backup/index.h"
#include "backup/manifest.h"
#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

typedef struct Sealing {
    ArchiveTarget *target;
    const RunIdentity *identity;
    const Catalog *catalog;
    char *folder;
    ArchiveLedger *ledger;
    Intent intent;
    Manifest manifest;
} Sealing;

static void sealing_release(Sealing *sealing)
{
    archive_ledger_free(sealing->ledger);
    intent_release(&sealing->intent);
    manifest_release(&sealing->manifest);
    free(sealing->folder);
}

/* ---- 2 ---- */

static Status add_bracket(PartWriter *writer, const Table *table, SegmentKind kind,
                          SegmentList *segments, Error *err)
{
    Segment *segment = segment_list_add(segments);
    Block content = kind == SEGMENT_HEAD ? segment_head() : segment_tail();
    PartEntry entry = {0};
    AUTO_TEXT Text folder = {0};
    AUTO_TEXT Text name = {0};

    *segment = (Segment){.part = part_writer_number(writer),
                         .table_id = table->id,
                         .kind = kind,
                         .raw = content.size};
    segment_folder(table, &folder);
    segment_name(text_string(&folder), segment, &name);
    TRY(part_writer_add(writer, text_string(&name), content.data, content.size,
                        segment_level(table), &entry, err));
    segment->offset = entry.offset;
    segment->stored = entry.stored;
    memcpy(segment->sha256, entry.sha256, sizeof(segment->sha256));
    return STATUS_OK;
}

static Status add_brackets(Sealing *sealing, PartWriter *writer, SegmentList *segments, Error *err)
{
    for (size_t i = 0; i < sealing->catalog->table_count; i++) {
        const Table *table = &sealing->catalog->tables[i];
        bool has_head = false;

        if (table->format != ROW_PG_BINARY)
            continue;
        TRY(archive_ledger_has_head(sealing->ledger, table->id, &has_head, err));
        if (has_head)
            continue;
        TRY(add_bracket(writer, table, SEGMENT_HEAD, segments, err));
        TRY(add_bracket(writer, table, SEGMENT_TAIL, segments, err));
    }
    return STATUS_OK;
}

/* All of them into one part more. */
static Status write_brackets(Sealing *sealing, Error *err)
{
    AUTO_FREE(part_writer_free) PartWriter *writer = NULL;
    AUTO_SEGMENTS SegmentList segments = {0};
    PartSummary summary = {0};
    uint32_t number = 0;

    TRY(archive_ledger_new_part(sealing->ledger, sealing->identity, &number, err));
    TRY(part_writer_open(sealing->folder, number, clock_wall_us() / 1000000, &writer, err));
    TRY(add_brackets(sealing, writer, &segments, err));
    TRY(part_writer_sync(writer, err));
    TRY(archive_ledger_add(sealing->ledger, sealing->identity, NULL, NULL, &segments, number,
                           part_writer_bytes(writer), err));
    TRY(part_writer_seal(writer, &summary, err));
    return archive_ledger_seal_part(sealing->ledger, sealing->identity, &summary, err);
}

static Status complete_tables(Sealing *sealing, Error *err)
{
    for (size_t i = 0; i < sealing->catalog->table_count; i++) {
        const Table *table = &sealing->catalog->tables[i];
        bool has_head = true;

        if (table->format == ROW_PG_BINARY)
            TRY(archive_ledger_has_head(sealing->ledger, table->id, &has_head, err));
        if (!has_head)
            return write_brackets(sealing, err);
    }
    return STATUS_OK;
}

/* ---- 3 ---- */

static void add_file(Manifest *manifest, const char *path, const FileFacts *facts)
{
    ManifestFile *file = manifest_add_file(manifest);

    file->path = xstrdup(path);
    file->bytes = facts->bytes;
    memcpy(file->sha256, facts->sha256, sizeof(file->sha256));
}

static Status index_part(Sealing *sealing, IndexWriter *writer, uint32_t number, Error *err)
{
    AUTO_SEGMENTS SegmentList segments = {0};

    TRY(archive_ledger_part_segments(sealing->ledger, number, &segments, err));
    for (size_t i = 0; i < segments.count; i++) {
        AUTO_TEXT Text folder = {0};

        segment_folder(catalog_table(sealing->catalog, segments.items[i].table_id), &folder);
        TRY(index_writer_add(writer, &segments.items[i], text_string(&folder), err));
    }
    return STATUS_OK;
}

static Status write_index(Sealing *sealing, const ArchivePartList *parts, Error *err)
{
    AUTO_FREE(index_writer_free) IndexWriter *writer = NULL;
    FileFacts facts = {0};

    TRY(index_writer_open(sealing->folder, &writer, err));
    for (size_t i = 0; i < parts->count; i++)
        TRY(index_part(sealing, writer, parts->items[i].summary.number, err));
    TRY(index_writer_finish(writer, &facts, err));
    add_file(&sealing->manifest, INDEX_NAME, &facts);
    return STATUS_OK;
}

static Status write_catalog(Sealing *sealing, Error *err)
{
    FileFacts facts = {0};

    TRY(catalog_file_write(sealing->folder, sealing->catalog, &facts, err));
    add_file(&sealing->manifest, CATALOG_NAME, &facts);
    return STATUS_OK;
}

static int compare_paths(const void *left, const void *right)
{
    const ManifestFile *a = left;
    const ManifestFile *b = right;

    return strcmp(a->path, b->path);
}

/* ---- 4 ---- */

static Status describe_tables(Sealing *sealing, Error *err)
{
    for (size_t i = 0; i < sealing->catalog->table_count; i++) {
        const Table *table = &sealing->catalog->tables[i];
        ManifestObject *object = manifest_add_object(&sealing->manifest);
        ArchiveTotals totals = {0};

        TRY(archive_ledger_totals(sealing->ledger, table->id, &totals, err));
        object->schema = xstrdup(table->schema);
        object->name = xstrdup(table->name);
        object->format = table->format;
        object->digest = totals.digest;
        object->raw_bytes = totals.raw_bytes;
        object->segments = totals.segments;
    }
    return STATUS_OK;
}

static Status describe_consistency(Sealing *sealing, Error *err)
{
    TableIds again = {0};
    Status status = archive_ledger_read_again(sealing->ledger, &again, err);
    char tables[40];

    format_things(again.count, "table", tables, sizeof(tables));
    free(again.items);
    if (again.count == 0)
        sealing->manifest.consistency = xstrdup("snapshot");
    else
        sealing->manifest.consistency =
            xasprintf("snapshot; %s read again, having changed after an earlier one", tables);
    return status;
}

static Status describe(Sealing *sealing, Error *err)
{
    const ArchiveTarget *target = sealing->target;
    const Intent *intent = &sealing->intent;
    Manifest *manifest = &sealing->manifest;
    uint64_t claims = 0;

    TRY(archive_ledger_claims(sealing->ledger, &claims, err));
    manifest->backup_id = xstrdup(intent->backup_id);
    manifest->sequence = intent->sequence;
    manifest->name = xstrdup(intent->name);
    manifest->label = xstrdup(intent->label);
    manifest->kind = intent->kind;
    manifest->series = xstrdup(intent->series);
    manifest->scope = xstrdup(intent->scope);
    manifest->engine = xstrdup(target->engine);
    manifest->engine_version = xstrdup(target->scripts.version);
    manifest->encoding = xstrdup(target->scripts.encoding);
    manifest->source = xstrdup(target->source);
    manifest->source_identity = xstrdup(target->source_identity);
    manifest->snapshot = xstrdup(target->snapshot);
    manifest->snapshot_us = target->snapshot_us;
    manifest->migration = xstrdup(intent->migration);
    manifest->run = xstrdup(sealing->identity->run);
    manifest->tool_version = xstrdup(target->tool_version);
    manifest->started_us = intent->started_us;
    manifest->resumed = claims > 0 ? claims - 1 : 0;
    memcpy(manifest->catalog_fingerprint, sealing->catalog->fingerprint,
           sizeof(manifest->catalog_fingerprint));
    TRY(describe_consistency(sealing, err));
    return describe_tables(sealing, err);
}

static Status write_manifest(Sealing *sealing, Error *err)
{
    Manifest *manifest = &sealing->manifest;
    AUTO_ARCHIVE_PARTS ArchivePartList parts = {0};

    TRY(describe(sealing, err));
    TRY(archive_ledger_parts(sealing->ledger, &parts, err));
    for (size_t i = 0; i < parts.count; i++)
        *manifest_add_part(manifest) = parts.items[i].summary;
    TRY(write_index(sealing, &parts, err));
    TRY(write_catalog(sealing, err));
    TRY(archive_scripts_write(sealing->folder, sealing->catalog, &sealing->target->scripts,
                              manifest, err));
    qsort(manifest->files, manifest->file_count, sizeof(ManifestFile), compare_paths);
    manifest->completed_us = clock_wall_us();
    TRY(fault_before("archive.manifest", err));
    TRY(manifest_write(sealing->folder, manifest, err));
    return fault_after("archive.manifest", err);
}

static Status seal(Sealing *sealing, Error *err)
{
    TRY(intent_read(sealing->folder, &sealing->intent, err));
    TRY(archive_ledger_open(sealing->folder, &sealing->ledger, err));
    TRY(archive_settle(sealing->folder, sealing->ledger, err));
    TRY(archive_compact(sealing->folder, sealing->ledger, sealing->identity, sealing->catalog,
                        err));
    TRY(complete_tables(sealing, err));
    TRY(write_manifest(sealing, err));
    archive_ledger_free(TAKE(sealing->ledger));
    archive_ledger_remove(sealing->folder);
    return STATUS_OK;
}

Status archive_seal(ArchiveTarget *target, const RunIdentity *identity, const Plan *plan,
                    Error *err)
{
    __attribute__((cleanup(sealing_release)))
    Sealing sealing = {.target = target, .identity = identity, .catalog = &plan->catalog};

    if (target->engine == NULL)
        return error_set(err, STATUS_FATAL, "it is not known where the rows come from");
    sealing.folder = archive_folder(target);
    return seal(&sealing, err);
}
