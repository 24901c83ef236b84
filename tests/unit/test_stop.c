/* Stop: one signal is a wish, a second one ends the process, from any thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

#include "engine/base/clock.h"
#include "engine/base/stop.h"
#include "tests/support/capture.h"

static int start_fresh(void **state)
{
    (void)state;
    stop_reset();
    stop_install();
    return 0;
}

static void the_first_signal_is_a_wish(void **state)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    Error err = {0};
    (void)state;

    for (int i = 0; i < 3; i++) {
        stop_reset();
        assert_int_equal(stop_check(&err), STATUS_OK);
        assert_int_equal(raise(numbers[i]), 0);
        assert_true(stop_requested());
        assert_int_equal(stop_check(&err), STATUS_STOPPED);
        assert_int_equal(err.kind, ERROR_WAITING);
        assert_string_equal(err.hint, "Run the same command again to go on.");
    }
}

static void get_two_signals(void)
{
    (void)raise(SIGINT);
    (void)raise(SIGTERM);
}

static void the_second_signal_ends_the_process_at_once(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(get_two_signals), 128 + SIGTERM);
}

static void request_and_get_a_signal(void)
{
    stop_request();
    (void)raise(SIGINT);
}

static void a_request_counts_as_the_first_signal(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(request_and_get_a_signal), 128 + SIGINT);
}

static void write_to_nobody(void)
{
    int ends[2];

    if (pipe(ends) != 0 || close(ends[0]) != 0)
        _exit(1);
    (void)!write(ends[1], "x", 1);
    _exit(7);
}

static void a_reader_that_is_gone_does_not_end_the_process(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(write_to_nobody), 7);
}

static void install_under_nohup(void)
{
    (void)signal(SIGHUP, SIG_IGN);
    stop_install();
    (void)raise(SIGHUP);
    _exit(stop_requested() ? 1 : 7);
}

static void nohup_is_respected(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(install_under_nohup), 7);
}

static void *wait_for_stop(void *seen)
{
    for (int i = 0; i < 10000 && !stop_requested(); i++)
        clock_sleep_ms(1);
    *(bool *)seen = stop_requested();
    return NULL;
}

static void every_thread_sees_the_wish(void **state)
{
    pthread_t threads[4];
    bool seen[4] = {false};
    (void)state;

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_stop, &seen[i]), 0);
    assert_int_equal(raise(SIGTERM), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(seen[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_signal_is_a_wish, start_fresh),
        cmocka_unit_test_setup(the_second_signal_ends_the_process_at_once, start_fresh),
        cmocka_unit_test_setup(a_request_counts_as_the_first_signal, start_fresh),
        cmocka_unit_test_setup(a_reader_that_is_gone_does_not_end_the_process, start_fresh),
        cmocka_unit_test_setup(nohup_is_respected, start_fresh),
        cmocka_unit_test_setup(every_thread_sees_the_wish, start_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
