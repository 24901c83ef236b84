/*
 * Pool: each item is done once and handed back, and nothing outlives it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/memory.h"
#include "engine/run/pool.h"

enum {
    ITEMS = 500,
    LONG_MS = 60000, /* never reached: an outcome comes before */
};

typedef struct Shop {
    atomic_uint opened;
    atomic_uint closed;
    atomic_int fail_opens; /* so many still fail */
    unsigned order[ITEMS];
    atomic_uint done;
} Shop;

typedef struct Item {
    unsigned number;
    unsigned times;
    bool is_poisoned;
} Item;

static Status open_bench(void *shared, unsigned worker, void **ret_state, Error *err)
{
    Shop *shop = shared;

    *ret_state = xcalloc(1, sizeof(unsigned));
    atomic_fetch_add(&shop->opened, 1);
    if (atomic_fetch_sub(&shop->fail_opens, 1) > 0)
        return error_set(err, STATUS_FAILED, "could not open worker %u", worker);
    return STATUS_OK;
}

static Status work(void *shared, void *bench, void *item, Error *err)
{
    Shop *shop = shared;
    Item *own = item;

    (*(unsigned *)bench)++;
    own->times++;
    shop->order[atomic_fetch_add(&shop->done, 1)] = own->number;
    if (own->is_poisoned)
        return error_set(err, STATUS_INVALID, "item %u is poisoned", own->number);
    return STATUS_OK;
}

static void close_bench(void *shared, void *bench)
{
    Shop *shop = shared;

    atomic_fetch_add(&shop->closed, 1);
    free(bench);
}

static const PoolOps ops = {.open = open_bench, .work = work, .close = close_bench};

static void start(Shop *shop, unsigned jobs, Pool **ret)
{
    Error err = {0};

    *shop = (Shop){0};
    assert_int_equal(pool_start(&ops, shop, jobs, ret, &err), STATUS_OK);
}

static void fill(Item *items)
{
    for (unsigned i = 0; i < ITEMS; i++)
        items[i] = (Item){.number = i};
}

/* Submits whatever fits until all outcomes are there. */
static void drive(Pool *pool, Item *items)
{
    unsigned submitted = 0;
    unsigned fetched = 0;

    while (fetched < ITEMS) {
        PoolOutcome outcome;

        while (submitted < ITEMS && pool_idle(pool) > 0)
            pool_submit(pool, &items[submitted++]);
        assert_int_equal(pool_busy(pool), submitted - fetched);
        assert_int_equal(pool_wait(pool, LONG_MS, &outcome), STATUS_OK);
        assert_int_equal(outcome.status, STATUS_OK);
        fetched++;
    }
    assert_int_equal(pool_busy(pool), 0);
}

static void does_each_item_once_with_several_workers(void **state)
{
    (void)state;
    Shop shop;
    Item items[ITEMS];
    Pool *pool = NULL;

    fill(items);
    start(&shop, 4, &pool);
    drive(pool, items);
    pool_free(pool);
    for (unsigned i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].times, 1);
    assert_int_equal(atomic_load(&shop.opened), atomic_load(&shop.closed));
    assert_in_range(atomic_load(&shop.opened), 1, 4);
}

static void keeps_the_drivers_order_with_one_worker(void **state)
{
    (void)state;
    Shop shop;
    Item items[ITEMS];
    Pool *pool = NULL;

    fill(items);
    start(&shop, 1, &pool);
    drive(pool, items);
    pool_free(pool);
    for (unsigned i = 0; i < ITEMS; i++)
        assert_int_equal(shop.order[i], i);
}

static void hands_back_what_an_item_failed_with(void **state)
{
    (void)state;
    Shop shop;
    Item item = {.number = 7, .is_poisoned = true};
    PoolOutcome outcome;
    AUTO_FREE(pool_free) Pool *pool = NULL;

    start(&shop, 2, &pool);
    pool_submit(pool, &item);
    assert_int_equal(pool_wait(pool, LONG_MS, &outcome), STATUS_OK);
    assert_ptr_equal(outcome.item, &item);
    assert_int_equal(outcome.status, STATUS_INVALID);
    assert_string_equal(outcome.error.message, "item 7 is poisoned");
    assert_int_equal(pool_idle(pool), 2);
}

static void reports_a_failed_open_as_the_outcome_and_opens_anew(void **state)
{
    (void)state;
    Shop shop;
    Item item = {0};
    PoolOutcome outcome;
    Pool *pool = NULL;

    start(&shop, 1, &pool);
    atomic_store(&shop.fail_opens, 1);
    pool_submit(pool, &item);
    assert_int_equal(pool_wait(pool, LONG_MS, &outcome), STATUS_OK);
    assert_ptr_equal(outcome.item, &item);
    assert_int_equal(outcome.status, STATUS_FAILED);
    assert_string_equal(outcome.error.message, "could not open worker 0");
    assert_int_equal(item.times, 0);
    pool_submit(pool, &item);
    assert_int_equal(pool_wait(pool, LONG_MS, &outcome), STATUS_OK);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_string_equal(outcome.error.message, "");
    assert_int_equal(item.times, 1);
    pool_free(pool);
    assert_int_equal(atomic_load(&shop.opened), 2);
    assert_int_equal(atomic_load(&shop.closed), 2);
}

static void says_done_when_no_outcome_comes_in_time(void **state)
{
    (void)state;
    Shop shop;
    PoolOutcome outcome;
    AUTO_FREE(pool_free) Pool *pool = NULL;

    start(&shop, 2, &pool);
    assert_int_equal(pool_wait(pool, 0, &outcome), STATUS_DONE);
    assert_int_equal(pool_wait(pool, 1, &outcome), STATUS_DONE);
}

static void opens_nothing_for_a_worker_without_work(void **state)
{
    (void)state;
    Shop shop;
    Pool *pool = NULL;

    start(&shop, 3, &pool);
    pool_free(pool);
    assert_int_equal(atomic_load(&shop.opened), 0);
    assert_int_equal(atomic_load(&shop.closed), 0);
}

static void ends_what_is_under_way_before_it_is_freed(void **state)
{
    (void)state;
    Shop shop;
    Item items[ITEMS];
    Pool *pool = NULL;

    fill(items);
    start(&shop, 8, &pool);
    for (unsigned i = 0; i < 8; i++)
        pool_submit(pool, &items[i]);
    assert_int_equal(pool_idle(pool), 0);
    pool_free(pool);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(items[i].times, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_each_item_once_with_several_workers),
        cmocka_unit_test(keeps_the_drivers_order_with_one_worker),
        cmocka_unit_test(hands_back_what_an_item_failed_with),
        cmocka_unit_test(reports_a_failed_open_as_the_outcome_and_opens_anew),
        cmocka_unit_test(says_done_when_no_outcome_comes_in_time),
        cmocka_unit_test(opens_nothing_for_a_worker_without_work),
        cmocka_unit_test(ends_what_is_under_way_before_it_is_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
