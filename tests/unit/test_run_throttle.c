/*
 * Throttle: the arithmetic with a clock of our own, and that nobody waits after a wish to stop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/stop.h"
#include "engine/run/throttle.h"

#define SECOND 1000000000U

static void moves_no_faster_than_the_rate(void **state)
{
    (void)state;
    AUTO_FREE(throttle_free) Throttle *throttle = throttle_new(1000);
    uint64_t now_ns = 5 * (uint64_t)SECOND;

    for (unsigned i = 0; i < 100; i++)
        now_ns += throttle_reserve_ns(throttle, 500, now_ns);
    assert_int_equal(now_ns, 55 * (uint64_t)SECOND);
}

static void holds_several_workers_together(void **state)
{
    (void)state;
    AUTO_FREE(throttle_free) Throttle *throttle = throttle_new(1000);

    assert_int_equal(throttle_reserve_ns(throttle, 1000, SECOND), SECOND);
    assert_int_equal(throttle_reserve_ns(throttle, 1000, SECOND), 2 * (uint64_t)SECOND);
}

static void saves_up_at_most_one_second(void **state)
{
    (void)state;
    AUTO_FREE(throttle_free) Throttle *throttle = throttle_new(1000);
    uint64_t later_ns = 3600 * (uint64_t)SECOND;

    assert_int_equal(throttle_reserve_ns(throttle, 1, SECOND), SECOND / 1000);
    assert_int_equal(throttle_reserve_ns(throttle, 1000, later_ns), 0);
    assert_int_equal(throttle_reserve_ns(throttle, 1000, later_ns), SECOND);
}

static void survives_any_number_of_bytes(void **state)
{
    (void)state;
    AUTO_FREE(throttle_free) Throttle *throttle = throttle_new(1);

    for (unsigned i = 0; i < 3; i++)
        assert_in_range(throttle_reserve_ns(throttle, UINT64_MAX, SECOND), UINT64_MAX / 4,
                        UINT64_MAX / 2);
}

static void knows_no_limit(void **state)
{
    (void)state;
    AUTO_FREE(throttle_free) Throttle *throttle = throttle_new(0);

    assert_int_equal(throttle_reserve_ns(throttle, UINT64_MAX, SECOND), 0);
    throttle_take(NULL, UINT64_MAX);
}

/* Hangs when it cannot. */
static void lets_everybody_go_when_a_stop_is_wanted(void **state)
{
    (void)state;
    AUTO_FREE(throttle_free) Throttle *throttle = throttle_new(1);

    stop_request();
    throttle_take(throttle, 1000000);
    stop_reset();
    assert_true(throttle_reserve_ns(throttle, 0, SECOND) > 0); /* it was accounted for */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_no_faster_than_the_rate),
        cmocka_unit_test(holds_several_workers_together),
        cmocka_unit_test(saves_up_at_most_one_second),
        cmocka_unit_test(survives_any_number_of_bytes),
        cmocka_unit_test(knows_no_limit),
        cmocka_unit_test(lets_everybody_go_when_a_stop_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
