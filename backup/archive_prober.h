/*
 * The Prober of archives, on either side: an archive that was just written, and one that is restored
 * from. It reads every segment whatever is asked, so that what was counted was also proven to be
 * readable.
 */
#pragma once

#include "backup/segment.h"
#include "engine/flow/prober.h"

/* Where a prober finds the segments of a table. */
typedef struct ArchivePlaces {
    /* *ret_folder ("tables/0003-...") and *ret_segments are borrowed until the next call. */
    Status (*find)(void *context, const Table *table, const char **ret_folder,
                   const Segment **ret_segments, size_t *ret_count, Error *err);
    void (*free)(void *context); /* or NULL */
} ArchivePlaces;

/* folder: of the backup. Takes over context. */
Prober *archive_prober_new(const char *folder, const ArchivePlaces *places, void *context);
