/*
 * A complete backup as a source. It never changes, so its snapshot is the backup itself: what is
 * held is its lock for reading (R4 in backup/repository.h), so that nobody removes it meanwhile.
 */
#include "backup/archive_source.h"

#include <assert.h>
#include <string.h>

#include "backup/catalog_file.h"
#include "backup/check.h"
#include "backup/select.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

typedef struct ArchiveSource {
    Source base;
    SourceOps
        ops; /* with the name of the engine that the backup was made from, once that is known */
    const ArchiveSelector *selectors;
    char *path;
    Manifest manifest;
    bool is_open; /* the manifest was read */
    ShareLock *lock;
    ArchiveHold hold;
} ArchiveSource;

static ArchiveSource *own(Source *source)
{
    return (ArchiveSource *)source; /* base is its first member */
}

void archive_hold_release(ArchiveHold *hold)
{
    if (hold->tables != NULL)
        table_segments_release(hold->tables, hold->table_count);
    free(hold->tables);
    free(hold->digests);
    free(hold->folder);
    *hold = (ArchiveHold){0};
}

static Status read_manifest(ArchiveSource *source, Error *err)
{
    if (source->is_open)
        return STATUS_OK;
    TRY(fault_before("archive.open", err));
    if (!file_exists(source->path)) {
        (void)error_kind(err, ERROR_NOT_FOUND, "there is no backup at \"%s\"", source->path);
        error_hint(err, "See `stopover backup list`.");
        return STATUS_INVALID;
    }
    TRY(manifest_read(source->path, &source->manifest, err));
    source->is_open = true;
    source->ops.name = source->manifest.engine;
    return STATUS_OK;
}

static Status open_backup(ArchiveSource *source, Error *err)
{
    TRY(read_manifest(source, err));
    if (source->manifest.kind == BACKUP_FILES)
        return error_kind(err, ERROR_REFUSED, "backup \"%s\" holds files, not tables",
                          source->manifest.name);
    return STATUS_OK;
}

/* ---- the catalog ---- */

static Status read_catalog(ArchiveSource *source, Catalog *ret, Error *err)
{
    TRY(open_backup(source, err));
    /* Not all of it is in its fingerprint: values of sequences and settings are not. */
    TRY(check_file(source->path, &source->manifest, CATALOG_NAME, err));
    TRY(catalog_file_read(source->path, ret, err));
    if (strcmp(ret->fingerprint, source->manifest.catalog_fingerprint) != 0)
        return error_kind(err, ERROR_DIFFERENT, "the catalog in \"%s\" is not that of the backup",
                          source->path);
    return STATUS_OK;
}

static Status describe(Source *base, const Selection *selection, Catalog *ret, Findings *findings,
                       Error *err)
{
    ArchiveSource *source = own(base);

    TRY(fault_before("archive.describe", err));
    TRY(read_catalog(source, ret, err));
    return select_from_catalog(source->manifest.engine, source->selectors, selection, ret, NULL,
                               findings, err);
}

/* ---- holding ---- */

static void release(Source *base)
{
    ArchiveSource *source = own(base);

    archive_hold_release(&source->hold);
    share_lock_free(TAKE(source->lock));
}

static Status take_lock(ArchiveSource *source, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/lock", source->path);

    return share_lock_take(path, SHARE_READ, 0, &source->lock, err);
}

static Status check_segments(const ArchiveSource *source, const TableSegments *segments,
                             Digest *ret_digest, Error *err)
{
    const ManifestObject *object = manifest_object(&source->manifest, segments->table_id);
    uint64_t rows = 0;

    for (size_t i = 0; i < segments->count; i++)
        rows += segments->items[i].rows;
    if (object != NULL && object->digest.rows == rows && object->segments == segments->count) {
        *ret_digest = object->digest;
        return STATUS_OK;
    }
    return error_kind(err, ERROR_DIFFERENT,
                      "the index of backup \"%s\" is not what its manifest says of table %u",
                      source->manifest.name, segments->table_id);
}

static Status load_segments(ArchiveSource *source, const Selection *selection, Error *err)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings ignored = {0};
    AUTO_FREE_MEMORY uint32_t *stored = NULL; /* ids in the backup, by id here */
    ArchiveHold *hold = &source->hold;

    TRY(read_catalog(source, &catalog, err));
    TRY(select_from_catalog(source->manifest.engine, source->selectors, selection, &catalog,
                            &stored, &ignored, err));
    hold->folder = xstrdup(source->path);
    hold->tables = xcalloc(catalog.table_count + 1, sizeof(*hold->tables));
    hold->digests = xcalloc(catalog.table_count + 1, sizeof(*hold->digests));
    hold->table_count = catalog.table_count;
    for (size_t i = 0; i < catalog.table_count; i++)
        hold->tables[i].table_id = stored[i];
    TRY(check_file(source->path, &source->manifest, INDEX_NAME, err));
    TRY(index_read_tables(source->path, hold->tables, hold->table_count, err));
    for (size_t i = 0; i < hold->table_count; i++)
        TRY(check_segments(source, &hold->tables[i], &hold->digests[i], err));
    return STATUS_OK;
}

static Status hold_backup(ArchiveSource *source, const Selection *selection, Snapshot *ret,
                          Error *err)
{
    TRY(open_backup(source, err));
    TRY(fault_before("archive.hold", err));
    TRY(take_lock(source, err));
    TRY(load_segments(source, selection, err));
    ret->token = xstrdup(source->manifest.backup_id);
    ret->taken_us = source->manifest.snapshot_us > 0 ? source->manifest.snapshot_us
                                                     : source->manifest.started_us;
    return STATUS_OK;
}

static Status hold(Source *base, const Selection *selection, unsigned readers, Snapshot *ret,
                   Error *err)
{
    Status status = STATUS_OK;

    (void)readers; /* as many as are asked for can read files */
    assert(own(base)->lock == NULL && "already held");
    status = hold_backup(own(base), selection, ret, err);
    if (status < 0)
        release(base);
    return status;
}

static Status changed(Source *base, const char *token, bool *ret_changed, Error *err)
{
    (void)base;
    (void)token;
    (void)err;
    *ret_changed = false; /* a backup is never written to again */
    return STATUS_OK;
}

static Status open_reader(Source *base, Reader **ret, Error *err)
{
    assert(own(base)->hold.folder != NULL);
    return archive_reader_new(&own(base)->hold, ret, err);
}

static Status identity(Source *base, char **ret, Error *err)
{
    TRY(open_backup(own(base), err));
    *ret = xasprintf("backup:%s", own(base)->manifest.backup_id);
    return STATUS_OK;
}

static void free_source(Source *base)
{
    ArchiveSource *source = own(base);

    release(base);
    manifest_release(&source->manifest);
    free(source->path);
    free(source);
}

Status archive_open_source(const Uri *uri, const ArchiveSelector *selectors, Source **ret,
                           Error *err)
{
    ArchiveSource *source = NULL;

    if (uri->rest[0] != '/')
        return error_kind(err, ERROR_USAGE, "\"%s\" names no backup by its whole path",
                          uri->display);
    source = xcalloc(1, sizeof(*source));
    source->ops = (SourceOps){
        .name = "backup",
        .describe = describe,
        .hold = hold,
        .release = release,
        .changed = changed,
        .open_reader = open_reader,
        .identity = identity,
        .free = free_source,
    };
    source->base.ops = &source->ops;
    source->selectors = selectors;
    source->path = xstrdup(uri->rest);
    *ret = &source->base;
    return STATUS_OK;
}
