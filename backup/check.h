/*
 * Is a backup whole? Levels:
 *  - quick: the manifest proves itself; every part and file is there with its size, and nothing else.
 *  - data: every file's and part's SHA-256, every frame decodes, every tar header is what the index
 *    says, every segment's SHA-256; rows and digests of every table, counted anew, are those of the
 *    manifest; the catalog reads back to its fingerprint.
 * A check goes on after damage, and names all of it with the tables it hits. It changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backup/manifest.h"
#include "engine/base/error.h"

typedef enum CheckLevel {
    CHECK_QUICK = 1,
    CHECK_DATA,
} CheckLevel;

const char *check_level_name(CheckLevel level); /* "quick", "data" */

/* One thing that is wrong. */
typedef struct Damage {
    char *path;   /* in the folder of the backup: "data/0003.tar.zst", "manifest.json" */
    char *object; /* the tables it hits, for people; NULL when it hits none or all */
    char *what;   /* "its SHA-256 differs from the manifest" */
} Damage;

typedef struct CheckReport {
    Damage *damages;
    size_t damage_count; /* kept: at most CHECK_MAX_DAMAGES */
    size_t damage_capacity;
    uint64_t damage_total; /* found */
    uint64_t files;        /* checked, parts included */
    uint64_t segments;
    uint64_t rows;
    uint64_t bytes_read; /* stored bytes */
} CheckReport;

enum {
    CHECK_MAX_DAMAGES = 1000,
};

void check_report_release(CheckReport *report);
#define AUTO_CHECK_REPORT __attribute__((cleanup(check_report_release)))

typedef struct CheckOptions {
    CheckLevel level;
    unsigned jobs; /* threads for level data; 0 is 1 */
    /* Optional: called now and then, from any thread, one call at a time. */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *context;
} CheckOptions;

/*
 * STATUS_OK: nothing is wrong. STATUS_INVALID with ERROR_DIFFERENT: damaged; the report has
 * everything, err the first of it and how many. STATUS_STOPPED when asked to stop. ERROR_NOT_FOUND
 * without a manifest, ERROR_REFUSED for a newer format. The report is filled in every case, and
 * released by the caller; it must be empty. Folder: the backup's; the caller holds its locks.
 * ret_manifest (if not NULL) gets the manifest, once it was read.
 */
Status check_backup(const char *folder, const CheckOptions *options, CheckReport *report,
                    Manifest *ret_manifest, Error *err);

/*
 * For who reads one file of a backup whose manifest he has: is its SHA-256 the manifest's? Damage is
 * ERROR_DIFFERENT, also when the manifest does not list it.
 */
Status check_file(const char *folder, const Manifest *manifest, const char *path, Error *err);
