/*
 * make_backup REPOSITORY NAME SERIES SECONDS_AGO [cut | bare | hold]
 * Makes a backup of a given age for scenarios, without a database: complete, or cut off before its
 * manifest (cut), or before it got its final name (bare); hold: cut, and held until stdin ends.
 * With MIGRATION in the environment it is pinned for that migration.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "tests/support/backup_files.h"

static Status make(const char *path, const SampleBackup *sample, const char *how, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_FREE(backup_work_free) BackupWork *work = NULL;
    char byte = 0;

    TRY(repository_create(path, &repository, err));
    if (how[0] == '\0')
        return sample_backup(repository, sample, err);
    TRY(sample_begin(repository, sample, &work, err));
    if (strcmp(how, "bare") == 0)
        TRY(sample_write_manifest(work, backup_work_intent(work)->started_us, err));
    if (strcmp(how, "hold") == 0) {
        (void)puts("held");
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, &byte, 1); /* its end is what is waited for */
    }
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    SampleBackup sample = {.migration = getenv("MIGRATION")};
    Error err = {0};

    if (argc < 5)
        return ERROR_USAGE;
    sample.name = argv[2];
    sample.series = argv[3];
    if (strcmp(argv[4], "0") != 0)
        sample.started_us = clock_wall_us() - strtoll(argv[4], NULL, 10) * 1000000;
    if (make(argv[1], &sample, argc > 5 ? argv[5] : "", &err) >= 0)
        return 0;
    (void)fprintf(stderr, "make_backup: %s\n", err.message);
    return (int)err.kind;
}
