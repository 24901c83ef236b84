/* Retry: repeats what is transient until the time is spent or a stop is wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/retry.h"
#include "engine/base/stop.h"
#include "tests/support/capture.h"

static int start_fresh(void **state)
{
    (void)state;
    stop_reset();
    return 0;
}

static void does_not_repeat_anything_but_retry(void **state)
{
    static const Status others[] = {STATUS_OK,      STATUS_DONE,   STATUS_STOPPED,
                                    STATUS_INVALID, STATUS_FAILED, STATUS_FATAL};
    (void)state;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        Error err = {.message = "as it was", .kind = ERROR_FAILED};
        Status status = others[i];
        Retry retry;

        retry_begin(&retry, 60000);
        assert_false(retry_again(&retry, &status, &err));
        assert_int_equal(status, others[i]);
        assert_string_equal(err.message, "as it was");
    }
}

static void without_time_there_is_one_attempt(void **state)
{
    Error err = {0};
    Status status = error_set(&err, STATUS_RETRY, "connection lost");
    Retry retry;
    (void)state;

    retry_begin(&retry, 0);
    assert_false(retry_again(&retry, &status, &err));
    assert_int_equal(status, STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_string_equal(err.message, "connection lost (gave up after 1 attempt in 0s)");
    assert_string_equal(err.hint, "Run the same command again to go on.");
}

static void repeats_until_the_time_is_spent(void **state)
{
    Error err = {0};
    Status status = STATUS_OK;
    Retry retry;
    uint64_t before_ns = clock_monotonic_ns();
    uint64_t elapsed_ms = 0;
    unsigned calls = 0;
    char expected[96];
    (void)state;

    retry_begin(&retry, 80);
    do {
        calls++;
        status = error_set(&err, STATUS_RETRY, "busy");
        error_hint(&err, "Ask the owner.");
    } while (retry_again(&retry, &status, &err));
    elapsed_ms = (clock_monotonic_ns() - before_ns) / 1000000;
    assert_int_equal(status, STATUS_FAILED);
    assert_in_range(elapsed_ms, 80, 60000);
    assert_in_range(calls, 2, 5);
    assert_int_equal(retry.attempts, calls);
    (void)snprintf(expected, sizeof(expected), "busy (gave up after %u attempts in ", calls);
    assert_memory_equal(err.message, expected, strlen(expected));
    assert_string_equal(err.hint, "Ask the owner.");
}

static void ends_when_an_attempt_succeeds(void **state)
{
    Error err = {0};
    Status status = STATUS_OK;
    Retry retry;
    unsigned calls = 0;
    (void)state;

    retry_begin(&retry, 60000);
    do {
        status = ++calls < 2 ? error_set(&err, STATUS_RETRY, "busy") : STATUS_OK;
    } while (retry_again(&retry, &status, &err));
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(calls, 2);
}

static void the_delay_doubles_up_to_five_seconds(void **state)
{
    Error err = {0};
    Retry retry;
    uint64_t expected_ms = 50;
    (void)state;

    retry_begin(&retry, 1);
    for (int i = 0; i < 10; i++) {
        Status status = error_set(&err, STATUS_RETRY, "busy");

        retry.started_ns = 0; /* as if it were the first failure: a millisecond is left */
        assert_int_equal(retry.delay_ms, expected_ms);
        assert_true(retry_again(&retry, &status, &err));
        expected_ms = expected_ms * 2 < 5000 ? expected_ms * 2 : 5000;
    }
    assert_int_equal(retry.delay_ms, 5000);
}

static void who_shares_a_failed_run_gives_up_at_once(void **state)
{
    Error err = {0};
    Status status = error_set(&err, STATUS_RETRY, "disk full");
    atomic_bool is_over = false;
    Retry retry;
    (void)state;

    retry_begin(&retry, UINT64_MAX);
    retry.is_over = &is_over;
    assert_true(retry_again(&retry, &status, &err));
    atomic_store(&is_over, true);
    assert_false(retry_again(&retry, &status, &err));
    assert_int_equal(status, STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
}

static char *warnings_after(uint64_t waited_ms, Notice *notice)
{
    Capture capture = capture_begin();
    Error err = {0};
    Status status = error_set(&err, STATUS_RETRY, "disk full");
    Retry retry;

    retry_begin(&retry, 3600000);
    retry.notice = notice;
    retry.started_ns = clock_monotonic_ns() - waited_ms * 1000000;
    retry.delay_ms = 2;
    error_hint(&err, "Make room.");
    assert_true(retry_again(&retry, &status, &err));
    return capture_end(&capture);
}

static void a_long_wait_is_told_once_for_all_who_wait(void **state)
{
    AUTO_FREE(notice_free) Notice *notice = notice_new();
    AUTO_FREE_MEMORY char *soon = warnings_after(10, notice);
    AUTO_FREE_MEMORY char *first = warnings_after(60500, notice);
    AUTO_FREE_MEMORY char *second = warnings_after(61000, notice);
    (void)state;

    assert_string_equal(soon, "");
    assert_string_equal(first, "warning: trying again for up to 58m 59s: disk full. Make room.\n");
    assert_string_equal(second, "");
}

static void a_wait_that_lasts_is_told_again(void **state)
{
    AUTO_FREE(notice_free) Notice *notice = notice_new();
    const uint64_t second_ns = 1000000000;
    (void)state;

    assert_true(notice_is_due(notice, 5 * second_ns));
    assert_false(notice_is_due(notice, 34 * second_ns));
    assert_true(notice_is_due(notice, 35 * second_ns));
    assert_false(notice_is_due(notice, 36 * second_ns));
    notice_wait(NULL, &(Error){.message = "nobody is told"}, 1);
}

static void a_stop_ends_the_waiting(void **state)
{
    Error err = {0};
    Status status = error_set(&err, STATUS_RETRY, "connection lost");
    Retry retry;
    (void)state;

    retry_begin(&retry, UINT64_MAX);
    stop_request();
    assert_false(retry_again(&retry, &status, &err));
    assert_int_equal(status, STATUS_STOPPED);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_non_null(strstr(err.message, "connection lost"));
    assert_non_null(strstr(err.message, "stopped on request"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(does_not_repeat_anything_but_retry, start_fresh),
        cmocka_unit_test_setup(without_time_there_is_one_attempt, start_fresh),
        cmocka_unit_test_setup(repeats_until_the_time_is_spent, start_fresh),
        cmocka_unit_test_setup(ends_when_an_attempt_succeeds, start_fresh),
        cmocka_unit_test_setup(the_delay_doubles_up_to_five_seconds, start_fresh),
        cmocka_unit_test_setup(who_shares_a_failed_run_gives_up_at_once, start_fresh),
        cmocka_unit_test_setup(a_long_wait_is_told_once_for_all_who_wait, start_fresh),
        cmocka_unit_test_setup(a_wait_that_lasts_is_told_again, start_fresh),
        cmocka_unit_test_teardown(a_stop_ends_the_waiting, start_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
