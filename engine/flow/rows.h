/*
 * What flows: rows in PGCOPY framing, in blocks cut at row ends. Source and Target agree on one
 * format per table; between the two nobody needs to look inside, except to find row ends (for
 * digests) with row_next().
 *
 * Formats:
 *  - ROW_TAGGED: PGCOPY binary framing (int16 field count, then per field int32 length and bytes,
 *    big-endian, length -1 for NULL) whose field bytes begin with one tag byte, so that the type
 *    each single value has in SQLite or JSON survives. See engine/flow/codec.h.
 *  - ROW_PG_BINARY: PostgreSQL COPY BINARY tuples without file header and trailer.
 *    Source: PostgreSQL manual, "COPY", "Binary Format".
 *  - ROW_PG_TEXT: PostgreSQL COPY text lines, each ended by '\n'.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

typedef enum RowFormat {
    ROW_TAGGED = 1,
    ROW_PG_BINARY = 2,
    ROW_PG_TEXT = 4,
} RowFormat; /* powers of two: a connector announces a set of them */

const char *row_format_name(RowFormat format); /* "tagged", "binary", "text": as recorded */

enum {
    BLOCK_TARGET_BYTES = 128 * 1024, /* a block is closed when it reaches this */
};

/* Whole rows; the bytes belong to the reader that filled them, until its next call. */
typedef struct Block {
    const uint8_t *data;
    size_t size;
    uint64_t rows;
} Block;

/*
 * The size of the row at data[0..size). STATUS_OK; STATUS_DONE when size is 0; STATUS_FAILED when
 * the bytes are not a whole row of that format.
 */
Status row_next(RowFormat format, const uint8_t *data, size_t size, size_t *ret_size, Error *err);
