/*
 * A batch: independent items done by a pool, in any order. For planning, digesting again and
 * probes, which need neither a schedule nor a recorder.
 */
#pragma once

#include <stdatomic.h>

#include "engine/base/notice.h"
#include "engine/run/pool.h"

typedef struct Batch {
    PoolOps ops;
    void *shared; /* for all calls */
    unsigned jobs;
    uint64_t retry_for_ms; /* what is transient is repeated this long, item by item */
    Notice *notice;        /* or NULL */
    atomic_bool is_over;   /* of batch_run(): an item has failed, so nobody tries again */
    /* By the driver. The next item, or NULL when all are handed out; at most `jobs` are under way.
     */
    void *(*next)(void *shared);
    /* By the driver: the item is done. NULL when nothing is to be told. */
    Status (*done)(void *shared, void *item, Error *err);
} Batch;

/*
 * Nothing new starts after the first failure or a wish to stop; what is under way ends. The first
 * failure is returned; STATUS_STOPPED when items are left because of the wish alone.
 */
Status batch_run(const Batch *batch, Error *err);
