/*
 * Rows out of a COPY: takes the messages of one COPY TO STDOUT and gives back the whole rows in
 * them, as they flow (engine/flow/rows.h): without the header and the trailer of a binary file. A
 * server of ours sends one row in a message, with the header before the first one; nothing here
 * relies on that: header, rows and trailer may be cut anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/flow/rows.h"

typedef struct CopyRows {
    RowFormat format;
    bool is_past_header;
    bool is_past_trailer;
    Text head;      /* what has come of the header */
    Text carry;     /* the beginning of a row that is not whole yet */
    Text given;     /* rows that became whole in the carry, until the next call */
    size_t largest; /* message or row so far */
} CopyRows;

/* Begins a COPY; may be called again for the next one. */
void copy_rows_begin(CopyRows *rows, RowFormat format);
void copy_rows_release(CopyRows *rows);
#define AUTO_COPY_ROWS __attribute__((cleanup(copy_rows_release)))

/*
 * The rows that became whole with this message: none, one, or more. They lie in the message itself
 * where they can, without a copy, so they are good as long as data is, and until the next call.
 * STATUS_FAILED when the bytes are not what COPY writes.
 */
Status copy_rows_take(CopyRows *rows, const uint8_t *data, size_t size, Block *ret, Error *err);

/* After the last message: STATUS_FAILED when the COPY ended within a row or before its trailer. */
Status copy_rows_end(const CopyRows *rows, Error *err);
