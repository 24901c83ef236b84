/*
 * A segment: rows of one chunk of one table, at most SEGMENT_BYTES of them (a single larger row
 * makes one larger segment), cut at row ends. It is one tar entry in one zstd frame of one part
 * (backup/part.h), and one line of the index (backup/index.h).
 *
 * Names of entries: tables/<id>-<slug>/<chunk>-<number>.copy, id with at least 4 digits, chunk and
 * number with at least 6, so that a sorted list of them is in order in every locale. The slug says
 * for people which table it is. A table in ROW_PG_BINARY has two entries more, which carry no rows:
 * 000000-000000.head sorts first and end.tail last, so that the files of its folder, joined, are
 * what COPY BINARY reads (PostgreSQL manual, "COPY", "Binary Format"). Other formats have no head
 * and no tail: joined, a text table's files are what COPY reads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/base/text.h"
#include "engine/flow/catalog.h"

#define SEGMENT_BYTES ((size_t)16 * 1024 * 1024)
#define SEGMENT_LIMIT ((uint64_t)2 * 1024 * 1024 * 1024) /* no row is larger; readers refuse */

typedef enum SegmentKind {
    SEGMENT_ROWS = 1,
    SEGMENT_HEAD, /* chunk and number are 0, and there are no rows */
    SEGMENT_TAIL, /* likewise */
} SegmentKind;

typedef struct Segment {
    uint32_t part; /* 1, 2, 3...: data/0001.tar.zst */
    uint32_t table_id;
    uint32_t chunk;  /* of the plan it was copied by */
    uint32_t number; /* 1, 2, 3... within the chunk */
    SegmentKind kind;
    uint64_t offset; /* of its frame in the part */
    uint64_t stored; /* bytes of the frame */
    uint64_t raw;    /* bytes of its content */
    uint64_t rows;
    uint8_t sha256[SHA256_SIZE]; /* of its content */
} Segment;

/* Appends "tables/0003-public.people": characters other than ASCII letters, digits, '.', '_' and
 * '-' become '_', and long names are cut. */
void segment_folder(const Table *table, Text *ret);

/* Appends the name of the entry. */
void segment_name(const char *folder, const Segment *segment, Text *ret);

/* Is name what segment_name() makes for the segment's table, chunk, number and kind, in a folder
 * with whatever slug? *ret_folder_size (if not NULL) is the length of the folder in it. */
bool segment_name_is(const Segment *segment, const char *name, size_t *ret_folder_size);

/* Table, chunk, number and kind from a name; false when segment_name() makes no such name. */
bool segment_parse_name(const char *name, Segment *ret);

/* What the head and the tail of a ROW_PG_BINARY table hold: no rows. Borrowed, for ever. */
Block segment_head(void);
Block segment_tail(void);

/* The compression level for a table's rows: 1 where bytes are close to random (binary rows, vectors,
 * floats), 3 otherwise. */
int segment_level(const Table *table);
