/*
 * The Prober of this connector, for both sides: a source's readers probe the tables in the snapshot
 * they have imported, a target its staging tables (pg_prober_open() in target.h).
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/large_rows.h"
#include "engine/flow/prober.h"

/* Where a probe reads, and in which transaction. */
typedef struct PgProberSide {
    /* A connection inside a transaction that sees one state; borrowed until end(). */
    Status (*begin)(void *context, PgConnection **ret, Error *err);
    /* After every begin() that was STATUS_OK, with the outcome of the probe: returns the outcome
     * that counts. largest_row is the most that the connection had to hold at once. */
    Status (*end)(void *context, Status status, size_t largest_row, Error *err);
    /* Of the address; optional: then nobody waits for anybody. */
    LargeRows *(*large_rows)(void *context);
    void (*free)(void *context); /* NULL: the context belongs to somebody else */
} PgProberSide;

Prober *pg_prober_new(const PgProberSide *side, void *context);
