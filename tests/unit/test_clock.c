/* Clock: UTC in two forms, intervals that never run back, sleep that a stop ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/stop.h"

static void formats_utc(void **state)
{
    char text[32];
    (void)state;

    clock_format(INT64_C(1795185065999999), text, sizeof(text));
    assert_string_equal(text, "2026-11-20T14:31:05Z");
    clock_format_compact(INT64_C(1795185065999999), text, sizeof(text));
    assert_string_equal(text, "20261120T143105Z");
    clock_format(-1, text, sizeof(text));
    assert_string_equal(text, "1969-12-31T23:59:59Z");
    clock_format(0, text, sizeof(text));
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void leaves_empty_text_when_there_is_no_room(void **state)
{
    char text[8] = "before";
    (void)state;

    clock_format(0, text, sizeof(text));
    assert_string_equal(text, "");
}

static void the_wall_clock_is_in_this_century(void **state)
{
    (void)state;
    assert_true(clock_wall_us() > INT64_C(1600000000000000));
    assert_true(clock_wall_us() < INT64_C(4102444800000000));
}

static void sleeps_as_long_as_asked(void **state)
{
    uint64_t before = clock_monotonic_ns();
    (void)state;

    stop_reset();
    clock_sleep_ms(30);
    assert_true(clock_monotonic_ns() - before >= 30 * UINT64_C(1000000));
}

static void does_not_sleep_when_a_stop_is_wanted(void **state)
{
    uint64_t before = clock_monotonic_ns();
    (void)state;

    stop_request();
    clock_sleep_ms(UINT64_MAX);
    stop_reset();
    assert_true(clock_monotonic_ns() - before < UINT64_C(60000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_utc),
        cmocka_unit_test(leaves_empty_text_when_there_is_no_room),
        cmocka_unit_test(the_wall_clock_is_in_this_century),
        cmocka_unit_test(sleeps_as_long_as_asked),
        cmocka_unit_test(does_not_sleep_when_a_stop_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
