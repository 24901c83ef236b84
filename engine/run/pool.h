/*
 * Worker pool: threads that take items from the driver and hand back outcomes. The driver thread
 * decides everything; a worker owns its connections and knows nothing of the plan.
 *
 *     pool_start(&ops, shared, jobs, &pool, err)
 *     while (there is work or something is under way) {
 *         while (pool_idle(pool) > 0 && next item) pool_submit(pool, item);
 *         pool_wait(pool, 200, &outcome)      - STATUS_OK with an outcome, STATUS_DONE on time-out
 *     }
 *     pool_free(pool)                         - waits for the threads
 *
 * An item counts from pool_submit() until its outcome is handed back. With one job the order of
 * everything is the driver's order: what fault tests rely on.
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"

typedef struct PoolOps {
    /* In the worker's own thread, before its first item: opens what it needs. After a failure it is
     * closed, and opened anew for the worker's next item. */
    Status (*open)(void *shared, unsigned worker, void **ret_state, Error *err);
    /* Does one item. `item` is borrowed; results go into it. */
    Status (*work)(void *shared, void *state, void *item, Error *err);
    void (*close)(void *shared,
                  void *state); /* also when open failed half-way: state may be NULL */
} PoolOps;

typedef struct PoolOutcome {
    void *item;
    Status status;
    Error error; /* when status < 0 */
    unsigned worker;
} PoolOutcome;

typedef struct Pool Pool;

/* Starts the threads; ops is copied. A worker whose open() fails reports it as the outcome of the
 * item it was opened for. */
Status pool_start(const PoolOps *ops, void *shared, unsigned jobs, Pool **ret, Error *err);

/* All of these by the driver only. */
unsigned pool_idle(const Pool *pool);     /* items that can be submitted now */
unsigned pool_busy(const Pool *pool);     /* items submitted and not yet handed back */
void pool_submit(Pool *pool, void *item); /* only while pool_idle() > 0 */

/* The outcome that has been there longest. STATUS_DONE when none came in time. */
Status pool_wait(Pool *pool, uint64_t timeout_ms, PoolOutcome *ret);

/* Ends the threads after the items they have; outcomes not fetched are lost. NULL is fine. */
void pool_free(Pool *pool);
DEFINE_AUTO_FREE(Pool, pool_free);
