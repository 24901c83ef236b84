/*
 * The index: segments.jsonl.zst, one JSON line per tar entry, in the order in which the entries lie
 * in the parts: by part, then by offset, without gaps. A line:
 *   {"p":3,"o":73400320,"c":18874368,"r":16777001,"n":412233,"t":7,"k":2,"s":17,
 *    "name":"tables/0007-public.people/000002-000017.copy","h":"<SHA-256 of the content>"}
 * p part, o offset, c stored bytes, r raw bytes, n rows, t table, k chunk, s number in the chunk.
 * A head or tail has neither k nor s nor n.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "backup/lines.h"
#include "backup/segment.h"

#define INDEX_NAME "segments.jsonl.zst"

typedef struct IndexWriter IndexWriter;

Status index_writer_open(const char *folder, IndexWriter **ret, Error *err); /* of the backup */
void index_writer_free(IndexWriter *writer);                                 /* NULL is fine */
DEFINE_AUTO_FREE(IndexWriter, index_writer_free);

/* table_folder: segment_folder() of its table. STATUS_INVALID when it is out of order: the first
 * of a part begins at 0, each other one where the one before ends. */
Status index_writer_add(IndexWriter *writer, const Segment *segment, const char *table_folder,
                        Error *err);
Status index_writer_finish(IndexWriter *writer, FileFacts *ret, Error *err);

typedef struct IndexReader IndexReader;

Status index_reader_open(const char *folder, IndexReader **ret, Error *err);
void index_reader_free(IndexReader *reader); /* NULL is fine */
DEFINE_AUTO_FREE(IndexReader, index_reader_free);

/* STATUS_OK, or STATUS_DONE at the end. *ret_name is borrowed until the next call. Order, shapes and
 * limits are checked; damage is STATUS_INVALID with ERROR_DIFFERENT. */
Status index_reader_next(IndexReader *reader, Segment *ret, const char **ret_name, Error *err);

/* All rows of one table (heads and tails left out), in order of chunk and number. */
typedef struct TableSegments {
    uint32_t table_id;
    char *folder; /* "tables/0007-public.people"; NULL when it has no segments */
    Segment *items;
    size_t count;
    size_t capacity;
} TableSegments;

void table_segments_release(TableSegments *segments, size_t count); /* of an array of them */

/* Fills the array, whose table_ids the caller has set (ascending), in one pass over the index;
 * memory grows with the segments of these tables only. Within a chunk numbers are 1, 2, 3... On
 * failure the caller releases what is there. */
Status index_read_tables(const char *folder, TableSegments *tables, size_t count, Error *err);
