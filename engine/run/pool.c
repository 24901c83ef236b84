/*
 * Two rings under one mutex: items that no worker has taken yet, and outcomes that the driver has
 * not fetched yet.
 *
 *     submit -> [items] -> worker: open once, work -> [outcomes] -> wait
 *
 *  P1  items + at work + outcomes = busy <= jobs: the rings cannot overflow.
 *  P2  busy belongs to the driver alone; everything else that changes is under the lock.
 *  P3  ops run without the lock; a worker's state is seen by its own thread only.
 */
#include "engine/run/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "engine/base/memory.h"

typedef struct PoolWorker {
    Pool *pool;
    unsigned number;
    pthread_t thread;
} PoolWorker;

struct Pool {
    PoolOps ops;
    void *shared;
    unsigned jobs;
    unsigned busy; /* P2 */
    PoolWorker *workers;
    unsigned started;

    pthread_mutex_t lock;
    pthread_cond_t has_item; /* or is_ending */
    pthread_cond_t has_outcome;
    bool is_ending;
    void **items;
    unsigned first_item;
    unsigned item_count;
    PoolOutcome *outcomes;
    unsigned first_outcome;
    unsigned outcome_count;
};

static bool take_item(Pool *pool, void **ret)
{
    bool has_item = false;

    (void)pthread_mutex_lock(&pool->lock);
    while (pool->item_count == 0 && !pool->is_ending)
        (void)pthread_cond_wait(&pool->has_item, &pool->lock);
    has_item = pool->item_count > 0;
    if (has_item) {
        *ret = pool->items[pool->first_item];
        pool->first_item = (pool->first_item + 1) % pool->jobs;
        pool->item_count--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return has_item;
}

static void put_outcome(Pool *pool, const PoolOutcome *outcome)
{
    (void)pthread_mutex_lock(&pool->lock);
    assert(pool->outcome_count < pool->jobs); /* P1 */
    pool->outcomes[(pool->first_outcome + pool->outcome_count++) % pool->jobs] = *outcome;
    (void)pthread_cond_signal(&pool->has_outcome);
    (void)pthread_mutex_unlock(&pool->lock);
}

static void *run_worker(void *argument)
{
    PoolWorker *worker = argument;
    Pool *pool = worker->pool;
    PoolOutcome outcome = {.worker = worker->number};
    bool is_open = false;
    void *state = NULL;

    while (take_item(pool, &outcome.item)) {
        error_clear(&outcome.error);
        outcome.status = STATUS_OK;
        if (!is_open)
            outcome.status = pool->ops.open(pool->shared, worker->number, &state, &outcome.error);
        is_open = outcome.status >= 0;
        if (is_open) {
            outcome.status = pool->ops.work(pool->shared, state, outcome.item, &outcome.error);
        } else {
            pool->ops.close(pool->shared, state);
            state = NULL;
        }
        put_outcome(pool, &outcome);
    }
    if (is_open)
        pool->ops.close(pool->shared, state);
    return NULL;
}

static void init_conditions(Pool *pool)
{
    pthread_condattr_t monotonic; /* so that a change of the clock neither hangs nor spins us */

    (void)pthread_condattr_init(&monotonic); /* none of these can fail on Linux */
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->has_item, NULL);
    (void)pthread_cond_init(&pool->has_outcome, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

Status pool_start(const PoolOps *ops, void *shared, unsigned jobs, Pool **ret, Error *err)
{
    AUTO_FREE(pool_free) Pool *pool = xcalloc(1, sizeof(*pool));

    assert(jobs > 0);
    pool->ops = *ops;
    pool->shared = shared;
    pool->jobs = jobs;
    pool->workers = xcalloc(jobs, sizeof(*pool->workers));
    pool->items = xcalloc(jobs, sizeof(*pool->items));
    pool->outcomes = xcalloc(jobs, sizeof(*pool->outcomes));
    init_conditions(pool);
    for (; pool->started < jobs; pool->started++) {
        PoolWorker *worker = &pool->workers[pool->started];
        int error_number = 0;

        worker->pool = pool;
        worker->number = pool->started;
        error_number = pthread_create(&worker->thread, NULL, run_worker, worker);
        if (error_number != 0) {
            (void)error_set(err, STATUS_FAILED, "could not start worker %u of %u: %s",
                            pool->started + 1, jobs, strerrordesc_np(error_number));
            error_hint(err, "Use fewer workers with --jobs.");
            return STATUS_FAILED;
        }
    }
    *ret = TAKE(pool);
    return STATUS_OK;
}

unsigned pool_idle(const Pool *pool)
{
    return pool->jobs - pool->busy;
}

unsigned pool_busy(const Pool *pool)
{
    return pool->busy;
}

void pool_submit(Pool *pool, void *item)
{
    assert(pool_idle(pool) > 0);
    pool->busy++;
    (void)pthread_mutex_lock(&pool->lock);
    pool->items[(pool->first_item + pool->item_count++) % pool->jobs] = item;
    (void)pthread_cond_signal(&pool->has_item);
    (void)pthread_mutex_unlock(&pool->lock);
}

static struct timespec deadline_in_ms(uint64_t timeout_ms)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail for this clock */
    at.tv_sec += (time_t)(timeout_ms / 1000);
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

Status pool_wait(Pool *pool, uint64_t timeout_ms, PoolOutcome *ret)
{
    struct timespec deadline = deadline_in_ms(timeout_ms);
    bool has_outcome = false;
    int waited = 0;

    (void)pthread_mutex_lock(&pool->lock);
    while (pool->outcome_count == 0 && timeout_ms > 0 && waited == 0)
        waited = pthread_cond_timedwait(&pool->has_outcome, &pool->lock, &deadline);
    has_outcome = pool->outcome_count > 0;
    if (has_outcome) {
        *ret = pool->outcomes[pool->first_outcome];
        pool->first_outcome = (pool->first_outcome + 1) % pool->jobs;
        pool->outcome_count--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (!has_outcome)
        return STATUS_DONE;
    pool->busy--;
    return STATUS_OK;
}

void pool_free(Pool *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->is_ending = true;
    (void)pthread_cond_broadcast(&pool->has_item);
    (void)pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&pool->has_outcome);
    (void)pthread_cond_destroy(&pool->has_item);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool->items);
    free(pool->outcomes);
    free(pool);
}
