/*
 * Shared by the files of the archive as a source only.
 */
#pragma once

#include "backup/archive.h"
#include "backup/index.h"
#include "backup/manifest.h"
#include "engine/base/share_lock.h"

/* What is known while a backup is held: the segments of the tables that were selected. It does not
 * change while readers use it. */
typedef struct ArchiveHold {
    char *folder;
    TableSegments *tables; /* by id in the catalog that describe() gives, minus 1 */
    Digest *digests;       /* likewise: what the manifest says of their rows */
    size_t table_count;
} ArchiveHold;

void archive_hold_release(ArchiveHold *hold);

/* hold is borrowed, and must outlive the reader. */
Status archive_reader_new(const ArchiveHold *hold, Reader **ret, Error *err);
