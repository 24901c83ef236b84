/*
 * A row taken apart into its fields, to make keys of some of them. In every format (engine/flow/rows.h);
 * what a field means is known only where it is asked for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/flow/rows.h"

/* Where the fields of a row lie; binary ones with their length, text ones without the tab. */
typedef struct RowParts {
    RowFormat format;
    const uint8_t *row; /* borrowed */
    size_t count;
    size_t *begins; /* `capacity` of them, as ends */
    size_t *ends;
    size_t capacity;
} RowParts;

void row_parts_release(RowParts *parts);

/* Replaces what was there. STATUS_FAILED unless row is one row of exactly count fields. */
Status row_parts_read(RowParts *parts, RowFormat format, const uint8_t *row, size_t size,
                      size_t count, Error *err);

/* Appends a row of the fields at `places`, or with NULL of the first `count` ones, as COPY would
 * send them alone. */
void row_parts_append(const RowParts *parts, const size_t *places, size_t count, Text *ret);

bool row_parts_is_null(const RowParts *parts, size_t place);
