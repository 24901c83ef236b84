/*
 * The inner loop behind row_next() and digest_add_block(): finds where a row ends. Inline, because
 * every byte that is moved passes here. Bytes are not trusted: no length is followed before it is
 * known to lie inside the block.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/flow/big_endian.h"

enum {
    ROW_MAX_FIELDS = INT16_MAX, /* beyond, the count is negative: -1 is COPY's end of file */
};

#define FIELD_NULL UINT32_MAX /* the length -1 */

/* Size of the row of length-prefixed fields (tagged, PostgreSQL binary) at data; 0: malformed. */
static inline size_t walk_binary_row(const uint8_t *data, size_t size)
{
    size_t at = sizeof(uint16_t);

    if (size < at)
        return 0;

    unsigned fields = load_be16(data);

    if (fields > ROW_MAX_FIELDS)
        return 0;
    for (; fields > 0; fields--) {
        if (size - at < sizeof(uint32_t))
            return 0;

        uint32_t length = load_be32(data + at);

        at += sizeof(uint32_t);
        if (length == FIELD_NULL)
            continue;
        if (length > INT32_MAX || length > size - at)
            return 0;
        at += length;
    }
    return at;
}

/* Size of the COPY text line at data, with its newline; 0: it has none. COPY writes a newline
 * inside a value as \n, two characters, so that the first real one ends the row. */
static inline size_t walk_text_row(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;

    return newline == NULL ? 0 : (size_t)(newline - data) + 1;
}
