#include "backup/archive_target.h"

#include <string.h>

#include "backup/archive_prober.h"
#include "backup/label.h"
#include "backup/manifest.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

enum {
    DEFAULT_CHUNK_BYTES = 64 * 1024 * 1024, /* each ends with two fsyncs */
};

static ArchiveTarget *own(Target *target)
{
    return (ArchiveTarget *)target; /* base is its first member */
}

char *archive_folder(const ArchiveTarget *target)
{
    AUTO_FREE_MEMORY char *partial = xasprintf("%s" LABEL_PARTIAL, target->path);

    return file_exists(partial) ? TAKE(partial) : xstrdup(target->path);
}

bool archive_is_complete(const ArchiveTarget *target)
{
    AUTO_FREE_MEMORY char *folder = archive_folder(target);
    AUTO_FREE_MEMORY char *manifest = xasprintf("%s/" MANIFEST_NAME, folder);

    return file_exists(manifest);
}

/* ---- after a crash ---- */

static Status settle_part(const char *folder, ArchiveLedger *ledger, const ArchivePart *part,
                          Error *err)
{
    PartSummary summary = {0};
    Status status = part_repair(folder, part->summary.number, part->summary.bytes, &summary, err);

    TRY(status);
    if (status == STATUS_DONE)
        return archive_ledger_forget_part(ledger, part->summary.number, err);
    if (summary.entries < part->live)
        return error_kind(err, ERROR_DIFFERENT,
                          "part %u of the backup holds less than its ledger says",
                          part->summary.number);
    return archive_ledger_seal_part(ledger, NULL, &summary, err);
}

Status archive_settle(const char *folder, ArchiveLedger *ledger, Error *err)
{
    AUTO_ARCHIVE_PARTS ArchivePartList parts = {0};

    TRY(archive_ledger_parts(ledger, &parts, err));
    for (size_t i = 0; i < parts.count; i++)
        if (!parts.items[i].is_sealed)
            TRY(settle_part(folder, ledger, &parts.items[i], err));
    return STATUS_OK;
}

/* ---- the target ---- */

static void forget_origin(ArchiveTarget *target)
{
    free(target->engine);
    free(target->source);
    free(target->source_identity);
    free(target->snapshot);
    free(target->tool_version);
    schema_scripts_release(&target->scripts);
}

static void note_origin(Target *base, const Origin *origin)
{
    ArchiveTarget *target = own(base);
    const SchemaScripts *scripts = origin->scripts;

    forget_origin(target);
    target->engine = xstrdup(origin->engine);
    target->source = xstrdup(origin->source);
    target->source_identity = xstrdup(origin->source_identity);
    target->snapshot = xstrdup(origin->snapshot);
    target->snapshot_us = origin->snapshot_us;
    target->tool_version = xstrdup(origin->tool_version);
    text_append_bytes(&target->scripts.before, text_string(&scripts->before), scripts->before.size);
    text_append_bytes(&target->scripts.after, text_string(&scripts->after), scripts->after.size);
    target->scripts.version = xstrdup(scripts->version);
    target->scripts.encoding = xstrdup(scripts->encoding);
}

static Status refuse_unbegun(const ArchiveTarget *target, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "no backup was begun in \"%s\"", target->path);
    error_hint(err, "Backups are made by `stopover backup create`.");
    return STATUS_INVALID;
}

static Status claim_partial(const char *folder, RunIdentity *identity, Error *err)
{
    AUTO_FREE_MEMORY char *data = xasprintf("%s/data", folder);
    AUTO_FREE(archive_ledger_free) ArchiveLedger *ledger = NULL;

    TRY(directory_create(data, err));
    TRY(archive_ledger_open(folder, &ledger, err));
    TRY(archive_ledger_claim(ledger, identity, err));
    return archive_settle(folder, ledger, err);
}

/* One that is complete is only looked at: nothing is recorded in it any more. */
static Status claim(Target *base, RunIdentity *identity, Error *err)
{
    AUTO_FREE_MEMORY char *folder = archive_folder(own(base));
    AUTO_FREE_MEMORY char *intent = xasprintf("%s/" INTENT_NAME, folder);

    if (archive_is_complete(own(base))) {
        identity->epoch++;
        return STATUS_OK;
    }
    if (!file_exists(intent))
        return refuse_unbegun(own(base), err);
    return claim_partial(folder, identity, err);
}

static Status read_ledger(Target *base, const RunIdentity *identity, const LedgerSink *sink,
                          Error *err)
{
    AUTO_FREE_MEMORY char *folder = archive_folder(own(base));
    AUTO_FREE(archive_ledger_free) ArchiveLedger *ledger = NULL;

    (void)identity; /* an archive is of one run and one attempt */
    if (!archive_ledger_exists(folder))
        return STATUS_OK;
    TRY(archive_ledger_open(folder, &ledger, err));
    return archive_ledger_read(ledger, sink, err);
}

static Status open_writer(Target *base, const RunIdentity *identity, Writer **ret, Error *err)
{
    return archive_open_writer(own(base), identity, ret, err);
}

/* ---- the prober ---- */

typedef struct LedgerPlaces {
    ArchiveLedger *ledger;
    SegmentList segments;
    Text folder;
} LedgerPlaces;

static Status find_in_ledger(void *context, const Table *table, ArchivePlace *ret, Error *err)
{
    LedgerPlaces *places = context;
    ArchiveTotals totals = {0};

    segment_list_release(&places->segments);
    text_clear(&places->folder);
    segment_folder(table, &places->folder);
    TRY(archive_ledger_table(places->ledger, table->id, &places->segments, err));
    TRY(archive_ledger_totals(places->ledger, table->id, &totals, err));
    *ret = (ArchivePlace){.folder = text_string(&places->folder),
                          .segments = places->segments.items,
                          .count = places->segments.count,
                          .digest = totals.digest};
    return STATUS_OK;
}

static void free_places(void *context)
{
    LedgerPlaces *places = context;

    archive_ledger_free(places->ledger);
    segment_list_release(&places->segments);
    text_release(&places->folder);
    free(places);
}

static Status open_prober(Target *base, Prober **ret, Error *err)
{
    static const ArchivePlaces ledger_places = {.find = find_in_ledger, .free = free_places};
    AUTO_FREE_MEMORY char *folder = archive_folder(own(base));
    AUTO_FREE(archive_ledger_free) ArchiveLedger *ledger = NULL;
    LedgerPlaces *places = NULL;

    TRY(archive_ledger_open(folder, &ledger, err));
    TRY(archive_settle(folder, ledger, err));
    places = xcalloc(1, sizeof(*places));
    places->ledger = TAKE(ledger);
    *ret = archive_prober_new(folder, &ledger_places, places);
    return STATUS_OK;
}

/* ---- opening ---- */

static Status identity_of(Target *base, char **ret, Error *err)
{
    AUTO_FREE_MEMORY char *folder = archive_folder(own(base));
    AUTO_INTENT Intent intent = {0};

    *ret = NULL;
    if (!file_exists(folder))
        return STATUS_OK;
    TRY(intent_read(folder, &intent, err));
    *ret = xasprintf("backup:%s", intent.backup_id);
    return STATUS_OK;
}

static void free_target(Target *base)
{
    ArchiveTarget *target = own(base);

    forget_origin(target);
    free(target->path);
    free(target);
}

static const TargetOps target_ops = {
    .name = "backup",
    .is_archive = true,
    .row_formats = ROW_TAGGED | ROW_PG_BINARY | ROW_PG_TEXT,
    .max_writers = 0,
    .default_chunk_bytes = DEFAULT_CHUNK_BYTES,
    .note_origin = note_origin,
    .claim = claim,
    .read_ledger = read_ledger,
    .open_writer = open_writer,
    .open_prober = open_prober,
    .identity = identity_of,
    .free = free_target,
};

Status archive_open_target(const Uri *uri, Target **ret, Error *err)
{
    ArchiveTarget *target = NULL;

    if (uri->rest[0] != '/')
        return error_kind(err, ERROR_USAGE, "\"%s\" names no backup by its whole path",
                          uri->display);
    target = xcalloc(1, sizeof(*target));
    target->base.ops = &target_ops;
    target->base.stager = &target->stager.base;
    target->stager.base.ops = &archive_stager_ops;
    target->stager.target = target;
    target->path = xstrdup(uri->rest);
    *ret = &target->base;
    return STATUS_OK;
}
