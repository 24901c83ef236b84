/*
 * Shared by the index's files only.
 */
#pragma once

#include "backup/index.h"

/* Where the line before ended. Starts as {0}. */
typedef struct IndexPosition {
    uint32_t part;
    uint64_t end;
} IndexPosition;

/* NULL when the segment may stand there, and moves on; else what is wrong with it, in words. */
const char *index_wrong(IndexPosition *position, const Segment *segment);
