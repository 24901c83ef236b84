/*
 * The rows of a table of an archive, segment by segment, as they were written: in blocks of whole
 * rows, in bounded memory (a piece of a segment, and the largest row). Each segment is proven while
 * it is read: its entry, its hash, its number of rows. What differs is ERROR_DIFFERENT.
 */
#pragma once

#include "backup/segment.h"
#include "engine/base/cleanup.h"
#include "engine/base/error.h"

typedef struct ArchiveRows ArchiveRows;

ArchiveRows *archive_rows_new(const char *folder); /* of the backup */
void archive_rows_free(ArchiveRows *rows);         /* NULL is fine */
DEFINE_AUTO_FREE(ArchiveRows, archive_rows_free);

/* table_folder: "tables/0003-public.people". Both arrays are borrowed until the next begin. */
void archive_rows_begin(ArchiveRows *rows, RowFormat format, const char *table_folder,
                        const Segment *segments, size_t count);

/* STATUS_OK with at least one row, all of one segment; STATUS_DONE after the last. ret_segment (if
 * not NULL): its place in the array. Borrowed until the next call. */
Status archive_rows_next(ArchiveRows *rows, Block *ret, size_t *ret_segment, Error *err);
