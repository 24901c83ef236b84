/*
 * Values that the server sends behind the fields of a row: places and measures (probe.h).
 */
#pragma once

#include "engine/flow/row_parts.h"

/* Values of type bigint or oid, and of type tid. STATUS_FAILED when it is none. */
Status row_parts_number(const RowParts *parts, size_t place, uint64_t *ret, Error *err);
Status row_parts_tid(const RowParts *parts, size_t place, uint32_t *ret_block, uint16_t *ret_offset,
                     Error *err);
