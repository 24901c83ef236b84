/*
 * How many bytes a copy will move, while it learns: a chunk's estimate is what it takes up in the
 * source, which may be far from what its rows are as they flow. Done chunks say how far.
 */
#pragma once

#include "engine/flow/plan.h"

typedef struct Expectation {
    uint64_t planned;      /* estimates of all chunks */
    uint64_t planned_done; /* of those that are done */
    uint64_t moved;        /* what these really were */
} Expectation;

Expectation expectation_of(const Plan *plan);
void expectation_learn(Expectation *expectation, const Chunk *done);

/* Bytes in all: exact when every chunk is done; 0 when nothing was estimated. */
uint64_t expectation_bytes(const Expectation *expectation);
