/*
 * The manifest of a backup: manifest.json, written last. It says what there must be, so that nothing
 * can be missing unseen, and being there, whole, is what makes a backup complete. Its last line
 *   "manifest_sha256":"<64 hex digits>"}
 * holds the SHA-256 of all bytes before that line: `head -n -1 manifest.json | sha256sum`.
 * A Manifest is plain data, owned by itself: release it. It never holds passwords or row values.
 * Texts for people are written on one line, control characters as blanks; any but the name, label,
 * series and engine may be missing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backup/part.h"
#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/flow/digest.h"
#include "engine/flow/rows.h"

#define MANIFEST_NAME "manifest.json"

enum {
    MANIFEST_VERSION = 1,
};

typedef enum BackupKind {
    BACKUP_TABLES = 1, /* chosen tables of a database */
    BACKUP_DATABASE,   /* all of it */
    BACKUP_FILES,      /* a directory */
} BackupKind;

const char *backup_kind_name(BackupKind kind); /* "tables", "database", "files" */

/* A table and its rows. */
typedef struct ManifestObject {
    uint32_t id;  /* of the table in the catalog: 1, 2, 3... */
    char *schema; /* or NULL */
    char *name;
    RowFormat format;
    Digest digest;      /* of its rows, with their number (engine/flow/digest.h) */
    uint64_t raw_bytes; /* of its rows as stored, before compression */
    uint64_t segments;  /* that hold rows: heads and tails are not counted */
} ManifestObject;

/* A file beside the parts: the index, the catalog, schema/... */
typedef struct ManifestFile {
    char *path; /* relative to the folder of the backup */
    uint64_t bytes;
    char sha256[SHA256_HEX_SIZE];
} ManifestFile;

typedef struct Manifest {
    unsigned format_version; /* set by manifest_write() */
    char *backup_id;         /* 32 hex digits, unique for ever */
    uint64_t sequence;       /* 1, 2, 3... in the repository */
    char *name;              /* what people call it */
    char *label;             /* its directory: <UTC start>-<sequence>-<slug> */
    BackupKind kind;
    char *series; /* backups of one thing, which retention counts together */
    char *scope;  /* for people: "appdb: 14 tables" */

    char *engine;          /* "postgresql", "sqlite" */
    char *engine_version;  /* of the server or library; may be NULL */
    char *encoding;        /* of the database; may be NULL */
    char *source;          /* URI without any secret, for people */
    char *source_identity; /* SourceOps.identity; may be NULL */
    char *snapshot;        /* token of the snapshot; may be NULL */
    int64_t snapshot_us;   /* wall clock, 0 when there is none */
    char *consistency;     /* "snapshot", or in words what was read again */
    char *migration;       /* it was made for, or NULL */
    char *run;             /* likewise */
    char *tool_version;
    int64_t started_us; /* wall clock */
    int64_t completed_us;
    uint64_t resumed;                          /* how often it was gone on with */
    char catalog_fingerprint[SHA256_HEX_SIZE]; /* empty for files */

    ManifestObject *objects; /* ids 1, 2, 3... */
    size_t object_count;
    size_t object_capacity;
    PartSummary *parts; /* in order of numbers, which may have gaps */
    size_t part_count;
    size_t part_capacity;
    ManifestFile *files; /* in order of paths */
    size_t file_count;
    size_t file_capacity;
    TextList excluded; /* what was left out and why, for people */
    TextList warnings;
} Manifest;

void manifest_release(Manifest *manifest);
#define AUTO_MANIFEST __attribute__((cleanup(manifest_release)))

ManifestObject *manifest_add_object(Manifest *manifest); /* zeroed, with the next id; borrowed */
PartSummary *manifest_add_part(Manifest *manifest);      /* zeroed; borrowed until the next add */
ManifestFile *manifest_add_file(Manifest *manifest);     /* likewise */

/* Sums, as the manifest shows and proves them. */
typedef struct ManifestTotals {
    uint64_t rows;
    uint64_t raw_bytes;    /* of rows, before compression */
    uint64_t stored_bytes; /* of all parts and files; the manifest itself is not counted */
    uint64_t entries;      /* of all parts */
} ManifestTotals;

void manifest_totals(const Manifest *manifest, ManifestTotals *ret);

/* The object with this id; NULL when there is none. */
const ManifestObject *manifest_object(const Manifest *manifest, uint32_t id);

/* "schema.name" or "name"; the caller frees. */
char *manifest_object_name(const ManifestObject *object);

/* Writes folder/manifest.json durably: the commit of the backup. STATUS_INVALID when what it says is
 * not allowed (see manifest_read()); order of parts and files is the caller's. */
Status manifest_write(const char *folder, const Manifest *manifest, Error *err);

/*
 * Reads and proves it: its own hash first, then every name, path, number and sum. A manifest of a
 * newer format is ERROR_REFUSED, a missing one ERROR_NOT_FOUND, a damaged one ERROR_DIFFERENT. On
 * failure ret is left empty. ret must be empty.
 */
Status manifest_read(const char *folder, Manifest *ret, Error *err);
