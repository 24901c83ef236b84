/*
 * The Prober of archives, on either side: an archive that was just written, and one that is restored
 * from. It reads every segment whatever is asked, so that what was counted was also proven to be
 * readable; and all rows must have the digest that was recorded, else ERROR_DIFFERENT.
 */
#pragma once

#include "backup/segment.h"
#include "engine/flow/prober.h"

/* Where the rows of a table lie; borrowed until the next is asked for. */
typedef struct ArchivePlace {
    const char *folder; /* "tables/0003-public.people" */
    const Segment *segments;
    size_t count;
    Digest digest; /* of all its rows, as recorded */
} ArchivePlace;

typedef struct ArchivePlaces {
    Status (*find)(void *context, const Table *table, ArchivePlace *ret, Error *err);
    void (*free)(void *context); /* or NULL */
} ArchivePlaces;

/* folder: of the backup. Takes over context. */
Prober *archive_prober_new(const char *folder, const ArchivePlaces *places, void *context);
