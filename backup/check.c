#include "backup/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/catalog_file.h"
#include "backup/check_inside.h"
#include "backup/frame.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"

const char *check_level_name(CheckLevel level)
{
    switch (level) {
    case CHECK_QUICK:
        return "quick";
    case CHECK_DATA:
        return "data";
    }
    return "unknown";
}

static bool is_noted(const Check *check, const char *path)
{
    for (size_t i = 0; i < check->report->damage_count; i++)
        if (strcmp(check->report->damages[i].path, path) == 0)
            return true;
    return false;
}

static Status check_hash(const char *folder, const ManifestFile *file, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", folder, file->path);
    AUTO_FREE(frame_reader_free) FrameReader *reader = NULL;
    char hash[SHA256_HEX_SIZE];

    TRY(frame_reader_open(path, &reader, err));
    frame_reader_hash_all(reader);
    TRY(frame_reader_hash(reader, hash, err));
    if (strcmp(hash, file->sha256) != 0)
        return error_kind(err, ERROR_DIFFERENT,
                          "\"%s\" is damaged: its SHA-256 differs from the "
                          "manifest",
                          path);
    return STATUS_OK;
}

Status check_file(const char *folder, const Manifest *manifest, const char *path, Error *err)
{
    for (size_t i = 0; i < manifest->file_count; i++)
        if (strcmp(manifest->files[i].path, path) == 0)
            return check_hash(folder, &manifest->files[i], err);
    return error_kind(err, ERROR_DIFFERENT, "\"%s/%s\" is not in the manifest", folder, path);
}

Status check_files(Check *check, Error *err)
{
    for (size_t i = 0; i < check->manifest.file_count; i++) {
        const ManifestFile *file = &check->manifest.files[i];
        Error cause = {0};

        TRY(stop_check(err));
        if (!is_noted(check, file->path) && check_hash(check->folder, file, &cause) < 0)
            check_note_error(check, file->path, NULL, &cause);
        check_progress(check, file->bytes);
    }
    return STATUS_OK;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The tables of the catalog are the objects of the manifest. */
static const char *wrong_catalog(const Check *check, const Catalog *catalog)
{
    if (strcmp(catalog->fingerprint, check->manifest.catalog_fingerprint) != 0)
        return "its fingerprint differs from the manifest";
    if (catalog->table_count != check->manifest.object_count)
        return "it has other tables than the manifest";
    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];
        const ManifestObject *object = &check->manifest.objects[i];

        if (!same_text(table->schema, object->schema) || !same_text(table->name, object->name) ||
            table->format != object->format)
            return "it has other tables than the manifest";
    }
    return NULL;
}

void check_catalog(Check *check)
{
    AUTO_CATALOG Catalog catalog = {0};
    const char *wrong = NULL;
    Error err = {0};

    if (is_noted(check, CATALOG_NAME))
        return;
    if (catalog_file_read(check->folder, &catalog, &err) < 0) {
        check_note_error(check, CATALOG_NAME, NULL, &err);
        return;
    }
    wrong = wrong_catalog(check, &catalog);
    if (wrong != NULL)
        check_note(check, CATALOG_NAME, NULL, wrong);
}

Status check_contents(Check *check, Error *err)
{
    TRY(check_files(check, err));
    if (check->manifest.kind != BACKUP_FILES)
        check_catalog(check);
    TRY(check_parts(check, err));
    check_tables(check);
    return STATUS_OK;
}

static void prepare(Check *check)
{
    ManifestTotals totals;

    manifest_totals(&check->manifest, &totals);
    check->bytes_total = totals.stored_bytes;
    check->tables = xcalloc(check->manifest.object_count + 1, sizeof(*check->tables));
    check->bad_parts = xcalloc(check->manifest.part_count + 1, sizeof(*check->bad_parts));
}

static void release(Check *check, Manifest *ret_manifest)
{
    for (size_t i = 0; check->tables != NULL && i < check->manifest.object_count; i++)
        free(check->tables[i].folder);
    free(check->tables);
    free(check->bad_parts);
    (void)pthread_mutex_destroy(&check->mutex);
    if (ret_manifest != NULL)
        *ret_manifest = check->manifest;
    else
        manifest_release(&check->manifest);
}

/* err says the first damage, and how many there are. */
static Status conclude(const Check *check, Error *err)
{
    const CheckReport *report = check->report;
    const Damage *first = NULL;

    if (report->damage_total == 0)
        return STATUS_OK;
    first = &report->damages[0];
    (void)error_kind(err, ERROR_DIFFERENT, "the backup \"%s\" is damaged: %s: %s%s%s%s",
                     check->folder, first->path, first->what, first->object != NULL ? " (" : "",
                     first->object != NULL ? first->object : "", first->object != NULL ? ")" : "");
    if (report->damage_total > 1)
        error_remark(err, "%" PRIu64 " damages in all", report->damage_total);
    error_hint(err, "Use another backup, or restore the tables that are not named.");
    return STATUS_INVALID;
}

static Status check_all(Check *check, Error *err)
{
    Error cause = {0};

    if (manifest_read(check->folder, &check->manifest, &cause) < 0) {
        if (cause.kind != ERROR_DIFFERENT) {
            *err = cause;
            return STATUS_INVALID;
        }
        check_note_error(check, MANIFEST_NAME, NULL, &cause);
        return conclude(check, err);
    }
    prepare(check);
    TRY(check_presence(check, err));
    if (check->options->level == CHECK_DATA)
        TRY(check_contents(check, err));
    return conclude(check, err);
}

Status check_backup(const char *folder, const CheckOptions *options, CheckReport *report,
                    Manifest *ret_manifest, Error *err)
{
    Check check = {.folder = folder, .options = options, .report = report};
    Status status = STATUS_OK;

    (void)pthread_mutex_init(&check.mutex, NULL); /* without attributes it cannot fail */
    status = check_all(&check, err);
    release(&check, ret_manifest);
    return status;
}
