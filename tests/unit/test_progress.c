/* Progress: numbers from fixed clocks; silence when NULL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/log.h"
#include "engine/base/progress.h"
#include "tests/support/capture.h"

#define SECOND UINT64_C(1000000000)
#define MIB    UINT64_C(1048576)
#define GIB    (1024 * MIB)

static void expect_line(const ProgressMeter *meter, const char *note, uint64_t now_ns,
                        const char *expected)
{
    char line[256];

    progress_format(meter, "copy", note, now_ns, line, sizeof(line));
    assert_string_equal(line, expected);
}

static void shows_everything_that_is_known(void **state)
{
    ProgressMeter meter = progress_meter(2800 * MIB, 30000000, 352 * MIB, 2345678, 5 * SECOND);
    (void)state;

    progress_meter_add(&meter, 851 * MIB, 10000000, 15 * SECOND);
    expect_line(&meter, "orders", 15 * SECOND,
                "copy  42%  1.1 GiB of 2.7 GiB  12,345,678 rows  85.1 MiB/s  19s left  orders");
}

static void leaves_out_what_is_unknown(void **state)
{
    ProgressMeter meter = progress_meter(0, 0, 0, 0, 0);
    (void)state;

    expect_line(&meter, NULL, 0, "copy");
    expect_line(&meter, "orders", SECOND, "copy  orders");
    progress_meter_add(&meter, 2048, 10, 2 * SECOND);
    expect_line(&meter, "", 2 * SECOND, "copy  2.0 KiB  10 rows  1.0 KiB/s");
}

static void rows_take_the_place_of_unknown_bytes(void **state)
{
    ProgressMeter meter = progress_meter(0, 1000, 0, 0, 0);
    (void)state;

    progress_meter_add(&meter, 0, 250, 5 * SECOND);
    expect_line(&meter, NULL, 5 * SECOND, "copy  25%  250 of 1,000 rows  50 rows/s  15s left");
}

static void nothing_is_divided_by_no_time(void **state)
{
    ProgressMeter meter = progress_meter(GIB, 0, 0, 0, 7 * SECOND);
    ProgressPace pace;
    (void)state;

    progress_meter_add(&meter, MIB, 5, 7 * SECOND);
    pace = progress_pace(&meter, 7 * SECOND);
    assert_int_equal(pace.bytes_per_second, 0);
    assert_true(pace.seconds_left == UINT64_MAX);
    expect_line(&meter, NULL, 7 * SECOND, "copy   0%  1.0 MiB of 1.0 GiB  5 rows");
}

static void earlier_runs_count_for_the_percentage_but_not_for_the_rate(void **state)
{
    ProgressMeter meter = progress_meter(1000 * MIB, 0, 500 * MIB, 0, 0);
    ProgressPace pace;
    (void)state;

    progress_meter_add(&meter, 100 * MIB, 0, 10 * SECOND);
    pace = progress_pace(&meter, 10 * SECOND);
    assert_int_equal(pace.percent, 60);
    assert_int_equal(pace.bytes_per_second, 10 * MIB);
    assert_int_equal(pace.seconds_left, 40);
}

static void the_rate_is_that_of_the_last_samples(void **state)
{
    ProgressMeter meter = progress_meter(0, 0, 0, 0, 0);
    uint64_t now_ns = 0;
    (void)state;

    for (int i = 0; i < 100; i++)
        progress_meter_add(&meter, 100 * MIB, 0, now_ns += SECOND);
    for (int i = 0; i < PROGRESS_SAMPLES; i++)
        progress_meter_add(&meter, MIB, 0, now_ns += SECOND);
    assert_int_equal(progress_pace(&meter, now_ns).bytes_per_second, MIB);
}

static void many_small_steps_do_not_shorten_the_memory(void **state)
{
    ProgressMeter meter = progress_meter(0, 0, 0, 0, 0);
    (void)state;

    for (uint64_t i = 1; i <= 3000; i++)
        progress_meter_add(&meter, 1000, 0, i * (SECOND / 1000));
    assert_int_equal(meter.sample_count, 1 + 3);
    assert_int_equal(progress_pace(&meter, 3 * SECOND).bytes_per_second, 1000000);
}

static void a_standstill_shows_in_the_rate(void **state)
{
    ProgressMeter meter = progress_meter(GIB, 0, 0, 0, 0);
    (void)state;

    progress_meter_add(&meter, 100 * MIB, 0, SECOND);
    assert_int_equal(progress_pace(&meter, SECOND).bytes_per_second, 100 * MIB);
    assert_int_equal(progress_pace(&meter, 100 * SECOND).bytes_per_second, MIB);
}

static void only_all_of_it_is_100_percent(void **state)
{
    ProgressMeter meter = progress_meter(UINT64_MAX, 0, UINT64_MAX - 1, 0, 0);
    ProgressPace pace = progress_pace(&meter, 0);
    (void)state;

    assert_int_equal(pace.percent, 99);
    progress_meter_add(&meter, 1, 0, SECOND);
    pace = progress_pace(&meter, SECOND);
    assert_int_equal(pace.percent, 100);
    assert_int_equal(pace.seconds_left, 0);
}

static void more_than_expected_is_nearly_all_and_time_left_is_unknown(void **state)
{
    ProgressMeter meter = progress_meter(GIB, 0, 0, 0, 0);
    (void)state;

    progress_meter_add(&meter, 2 * GIB, 0, 2 * SECOND);
    expect_line(&meter, NULL, 2 * SECOND, "copy  99%  2.0 GiB  1.0 GiB/s");
    meter.total_bytes = 2 * GIB;
    expect_line(&meter, NULL, 2 * SECOND, "copy 100%  2.0 GiB of 2.0 GiB  1.0 GiB/s");
}

static void a_guess_beyond_reason_is_not_shown(void **state)
{
    ProgressMeter meter = progress_meter(UINT64_MAX, 0, 0, 0, 0);
    (void)state;

    progress_meter_add(&meter, 1024, 0, SECOND);
    assert_true(progress_pace(&meter, SECOND).seconds_left == UINT64_MAX);
}

static void a_long_line_is_cut_at_a_character(void **state)
{
    ProgressMeter meter = progress_meter(0, 0, 0, 0, 0);
    char line[10];
    (void)state;

    progress_format(&meter, "copy", "gr\xC3\xBC\xC3\x9F", 0, line, sizeof(line));
    assert_string_equal(line, "copy  gr");
}

static void no_progress_is_quiet(void **state)
{
    Capture capture = capture_begin();
    Progress *progress = NULL;
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    progress_add(NULL, 1, 1);
    progress_note(NULL, "orders");
    progress_stop(&progress);
    written = capture_end(&capture);
    assert_string_equal(written, "");
}

static void stopping_shows_the_last_state_once(void **state)
{
    Capture capture = capture_begin();
    Progress *progress = progress_start("copy", 2048, 0, 1024, 3);
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    progress_note(progress, "orders");
    progress_note(progress, "items");
    for (int i = 0; i < 4; i++)
        progress_add(progress, 256, 1);
    progress_stop(&progress);
    assert_null(progress);
    progress_stop(&progress);
    written = capture_end(&capture);
    assert_memory_equal(written, "copy 100%  2.0 KiB of 2.0 KiB  7 rows", 37);
    assert_string_equal(written + strlen(written) - 8, "  items\n");
    assert_ptr_equal(strchr(written, '\n'), written + strlen(written) - 1);
}

static void json_has_the_numbers(void **state)
{
    Capture capture = capture_begin();
    Progress *progress = NULL;
    AUTO_FREE_MEMORY char *written = NULL;
    AUTO_FREE(json_free) Json *line = NULL;
    const Json *numbers = NULL;
    Error err = {0};
    (void)state;

    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    progress = progress_start("copy", 4096, 10, 0, 0);
    progress_add(progress, 1024, 5);
    progress_stop(&progress);
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    written = capture_end(&capture);
    assert_int_equal(json_parse(written, &line, &err), STATUS_OK);
    numbers = json_get(line, "progress");
    assert_string_equal(json_get_string(numbers, "title"), "copy");
    assert_int_equal(json_get_unsigned(numbers, "bytes", 0), 1024);
    assert_int_equal(json_get_unsigned(numbers, "total_bytes", 0), 4096);
    assert_int_equal(json_get_unsigned(numbers, "rows", 0), 5);
    assert_int_equal(json_get_unsigned(numbers, "percent", 0), 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_everything_that_is_known),
        cmocka_unit_test(leaves_out_what_is_unknown),
        cmocka_unit_test(rows_take_the_place_of_unknown_bytes),
        cmocka_unit_test(nothing_is_divided_by_no_time),
        cmocka_unit_test(earlier_runs_count_for_the_percentage_but_not_for_the_rate),
        cmocka_unit_test(the_rate_is_that_of_the_last_samples),
        cmocka_unit_test(many_small_steps_do_not_shorten_the_memory),
        cmocka_unit_test(a_standstill_shows_in_the_rate),
        cmocka_unit_test(only_all_of_it_is_100_percent),
        cmocka_unit_test(more_than_expected_is_nearly_all_and_time_left_is_unknown),
        cmocka_unit_test(a_guess_beyond_reason_is_not_shown),
        cmocka_unit_test(a_long_line_is_cut_at_a_character),
        cmocka_unit_test(no_progress_is_quiet),
        cmocka_unit_test(stopping_shows_the_last_state_once),
        cmocka_unit_test(json_has_the_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
