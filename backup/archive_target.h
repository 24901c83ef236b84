/*
 * Shared by the files of the archive as a target only.
 */
#pragma once

#include "backup/archive.h"
#include "backup/archive_ledger.h"
#include "backup/intent.h"

typedef struct ArchiveTarget ArchiveTarget;

typedef struct ArchiveStager {
    Stager base;
    ArchiveTarget *target;
} ArchiveStager;

struct ArchiveTarget {
    Target base;
    ArchiveStager stager;
    char *path; /* final */
    /* What note_origin() told. */
    char *engine;
    char *source;
    char *source_identity;
    char *snapshot;
    int64_t snapshot_us;
    char *tool_version;
    SchemaScripts scripts;
};

extern const StagerOps archive_stager_ops;

/* Where it is now: PATH.partial, or PATH once it has its name. The caller frees. */
char *archive_folder(const ArchiveTarget *target);

/* Is a manifest there? Then nothing may be written any more. */
bool archive_is_complete(const ArchiveTarget *target);

Status archive_open_writer(ArchiveTarget *target, const RunIdentity *identity, Writer **ret,
                           Error *err);

/* Brings parts that a crash, or a writer that failed, left open to their end, by what the ledger
 * says of them. No writer may be open. */
Status archive_settle(const char *folder, ArchiveLedger *ledger, Error *err);

/* archive_seal.c: everything that makes the folder a backup, the manifest last. Repeating goes on. */
Status archive_seal(ArchiveTarget *target, const RunIdentity *identity, const Plan *plan,
                    Error *err);

/* archive_compact.c: parts in which something does not count any more are written anew without it. */
Status archive_compact(const char *folder, ArchiveLedger *ledger, const RunIdentity *identity,
                       const Catalog *catalog, Error *err);
