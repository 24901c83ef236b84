/*
 * Backups without a database, for tests of the repository: of kind files, with no part, but with a
 * manifest that proves itself. Shared by unit tests and by a support program.
 */
#pragma once

#include <string.h>

#include "backup/creation.h"
#include "backup/repository.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

typedef struct SampleBackup {
    const char *name;      /* or NULL: made */
    const char *series;    /* "sqlite:shop" when NULL */
    const char *migration; /* or NULL */
    int64_t started_us;    /* 0: now */
    int64_t took_us;
} SampleBackup;

enum {
    SAMPLE_WAIT_MS = 60000,
};

static const char sample_readme[] = "a backup made by a test\n";

/* Begins one, and writes what stands before its manifest. The caller frees. */
static inline Status sample_begin(Repository *repository, const SampleBackup *sample,
                                  BackupWork **ret, Error *err)
{
    AUTO_FREE(json_free) Json *options = json_object();
    BackupRequest request = {
        .name = sample->name,
        .what = "shop",
        .kind = BACKUP_FILES,
        .series = sample->series != NULL ? sample->series : "sqlite:shop",
        .scope = "shop: 2 files",
        .source = "sqlite:/data/shop.db",
        .migration = sample->migration,
        .options = options,
    };
    AUTO_FREE(backup_work_free) BackupWork *work = NULL;
    AUTO_FREE_MEMORY char *folder = NULL;
    AUTO_FREE_MEMORY char *path = NULL;

    json_set_integer(options, "answer", 42);
    TRY(backup_begin(repository, &request, sample->started_us, SAMPLE_WAIT_MS, &work, err));
    folder = xasprintf("%s/schema", backup_work_directory(work));
    path = xasprintf("%s/README.txt", folder);
    TRY(directory_create(folder, err));
    TRY(file_replace(path, sample_readme, strlen(sample_readme), err));
    *ret = TAKE(work);
    return STATUS_OK;
}

/* Writes the manifest of one that was begun. */
static inline Status sample_write_manifest(const BackupWork *work, int64_t completed_us, Error *err)
{
    const Intent *intent = backup_work_intent(work);
    AUTO_MANIFEST Manifest manifest = {
        .backup_id = xstrdup(intent->backup_id),
        .sequence = intent->sequence,
        .name = xstrdup(intent->name),
        .label = xstrdup(intent->label),
        .kind = intent->kind,
        .series = xstrdup(intent->series),
        .scope = xstrdup(intent->scope),
        .source = xstrdup(intent->source),
        .migration = xstrdup(intent->migration),
        .engine = xstrdup("sqlite"),
        .consistency = xstrdup("snapshot"),
        .tool_version = xstrdup("0.1.0"),
        .started_us = intent->started_us,
        .completed_us = completed_us,
    };
    ManifestFile *file = manifest_add_file(&manifest);

    file->path = xstrdup("schema/README.txt");
    file->bytes = strlen(sample_readme);
    sha256_hex(sample_readme, strlen(sample_readme), file->sha256);
    return manifest_write(backup_work_directory(work), &manifest, err);
}

/* All of it: a complete backup. */
static inline Status sample_backup(Repository *repository, const SampleBackup *sample, Error *err)
{
    AUTO_FREE(backup_work_free) BackupWork *work = NULL;

    TRY(sample_begin(repository, sample, &work, err));
    TRY(sample_write_manifest(work, backup_work_intent(work)->started_us + sample->took_us, err));
    return backup_commit(repository, work, SAMPLE_WAIT_MS, err);
}
