#include "engine/run/batch.h"

#include <stdbool.h>

#include "engine/base/retry.h"
#include "engine/base/stop.h"
#include "engine/run/verdict.h"

enum {
    LOOK_AGAIN_MS = 200, /* how often the driver looks for a wish to stop */
};

static Status open_worker(void *shared, unsigned worker, void **ret_state, Error *err)
{
    const Batch *batch = shared;

    return batch->ops.open(batch->shared, worker, ret_state, err);
}

static Status work_item(void *shared, void *state, void *item, Error *err)
{
    const Batch *batch = shared;
    Retry retry;
    Status status = STATUS_OK;

    retry_begin(&retry, batch->retry_for_ms);
    retry.notice = batch->notice;
    retry.is_over = &batch->is_over;
    do {
        status = batch->ops.work(batch->shared, state, item, err);
    } while (retry_again(&retry, &status, err));
    return status;
}

static void close_worker(void *shared, void *state)
{
    const Batch *batch = shared;

    batch->ops.close(batch->shared, state);
}

static const PoolOps batch_ops = {.open = open_worker, .work = work_item, .close = close_worker};

/* Hands out items while it may; true when there are no more of them. */
static bool hand_out(const Batch *batch, Pool *pool, const Verdict *verdict)
{
    while (verdict->status >= 0 && !stop_requested() && pool_idle(pool) > 0) {
        void *item = batch->next(batch->shared);

        if (item == NULL)
            return true;
        pool_submit(pool, item);
    }
    return false;
}

static void collect(Batch *batch, Pool *pool, Verdict *verdict)
{
    PoolOutcome outcome;

    if (pool_wait(pool, LOOK_AGAIN_MS, &outcome) != STATUS_OK)
        return;
    if (outcome.status >= 0 && batch->done != NULL)
        outcome.status = batch->done(batch->shared, outcome.item, &outcome.error);
    verdict_note(verdict, outcome.status, &outcome.error);
    if (outcome.status < 0)
        atomic_store(&batch->is_over, true);
}

Status batch_run(const Batch *batch, Error *err)
{
    Batch own = *batch; /* workers see it, unchanged but for is_over */
    AUTO_FREE(pool_free) Pool *pool = NULL;
    Verdict verdict = {0};
    bool is_complete = false;

    TRY(pool_start(&batch_ops, &own, own.jobs, &pool, err));
    do {
        is_complete = is_complete || hand_out(&own, pool, &verdict);
        if (pool_busy(pool) > 0)
            collect(&own, pool, &verdict);
    } while (pool_busy(pool) > 0 || (!is_complete && verdict.status >= 0 && !stop_requested()));
    TRY(verdict_give(&verdict, err));
    return is_complete ? STATUS_OK : stop_check(err);
}
