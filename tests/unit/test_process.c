/* Process: other programs are run without a shell, heard to their end, and ended on request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/process.h"
#include "engine/base/stop.h"

static Status run_shell(const char *script, const TextList *environment, ProcessOutcome *ret,
                        Error *err)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, "zero", "$HOME; 'one' \"*\"", NULL};
    Process process = {.arguments = arguments, .environment = environment};

    return process_run(&process, ret, err);
}

static int start_fresh(void **state)
{
    (void)state;
    stop_reset();
    return 0;
}

static void collects_both_streams_and_the_exit_code(void **state)
{
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(run_shell("echo out; echo err >&2; exit 7", NULL, &outcome, &err), STATUS_OK);
    assert_string_equal(text_string(&outcome.output), "out\n");
    assert_string_equal(text_string(&outcome.errors), "err\n");
    assert_int_equal(outcome.exit_code, 7);
}

static void arguments_arrive_as_they_are(void **state)
{
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(run_shell("printf %s \"$1\"", NULL, &outcome, &err), STATUS_OK);
    assert_string_equal(text_string(&outcome.output), "$HOME; 'one' \"*\"");
}

static void stdin_is_empty_and_a_program_is_found_in_the_path(void **state)
{
    const char *const arguments[] = {"cat", NULL};
    Process process = {.arguments = arguments};
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(process_run(&process, &outcome, &err), STATUS_OK);
    assert_int_equal(outcome.exit_code, 0);
    assert_string_equal(text_string(&outcome.output), "");
}

static void the_environment_is_ours_with_changes(void **state)
{
    AUTO_TEXT_LIST TextList environment = {0};
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(setenv("TEST_KEPT", "kept", 1), 0);
    assert_int_equal(setenv("TEST_CHANGED", "old", 1), 0);
    text_list_add(&environment, "TEST_CHANGED=new = newer");
    text_list_add(&environment, "TEST_ADDED=added");
    assert_int_equal(run_shell("env | grep ^TEST_ | sort", &environment, &outcome, &err),
                     STATUS_OK);
    assert_string_equal(text_string(&outcome.output),
                        "TEST_ADDED=added\nTEST_CHANGED=new = newer\nTEST_KEPT=kept\n");
}

static void megabytes_on_both_streams_neither_block_nor_fill_the_memory(void **state)
{
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(run_shell("yes 123456789 | head -c 3000000; "
                               "yes 123456789 | head -n 300000 >&2; echo the end >&2",
                               NULL, &outcome, &err),
                     STATUS_OK);
    assert_int_equal(outcome.output.size, 3000000);
    assert_true(outcome.errors.size <= PROCESS_ERRORS_MAX);
    assert_true(outcome.errors.size > PROCESS_ERRORS_MAX - 20);
    assert_memory_equal(outcome.errors.data, "123456789\n", 10); /* a whole line */
    assert_non_null(strstr(outcome.errors.data, "\nthe end\n"));
}

static void too_much_output_ends_it(void **state)
{
    const char *const arguments[] = {"yes", NULL};
    Process process = {.arguments = arguments, .output_max = 1000000};
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(process_run(&process, &outcome, &err), STATUS_FAILED);
    assert_string_equal(err.message, "\"yes\" wrote more than 1000000 bytes");
}

static void a_signal_shows_in_the_exit_code(void **state)
{
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(run_shell("kill -KILL $$", NULL, &outcome, &err), STATUS_OK);
    assert_int_equal(outcome.exit_code, 128 + SIGKILL);
}

static void a_missing_program_is_not_found(void **state)
{
    const char *const arguments[] = {"/nonexistent/program", NULL};
    Process process = {.arguments = arguments};
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(process_run(&process, &outcome, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message,
                        "could not run \"/nonexistent/program\": No such file or directory");
}

static void it_inherits_neither_descriptors_nor_ignored_signals(void **state)
{
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    for (int i = STDERR_FILENO + 1; i < 1024; i++) /* what the test itself has inherited */
        (void)fcntl(i, F_SETFD, FD_CLOEXEC);
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    /* The fourth is the one with which ls reads the folder; bit 13 of the mask is SIGPIPE's. */
    assert_int_equal(run_shell("ls /proc/self/fd | wc -l; "
                               "grep SigIgn: /proc/self/status | tail -c 5",
                               NULL, &outcome, &err),
                     STATUS_OK);
    assert_string_equal(text_string(&outcome.output), "4\n0000\n");
}

static void *ask_to_stop(void *ready)
{
    while (access(ready, F_OK) != 0)
        clock_sleep_ms(5);
    stop_request();
    return NULL;
}

/* A script says that it is under way by making the file $READY. */
static Status run_until_stopped(const char *script, ProcessOutcome *ret, Error *err)
{
    AUTO_FREE_MEMORY char *ready =
        xasprintf("%s/ready", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    AUTO_TEXT_LIST TextList environment = {0};
    AUTO_FREE_MEMORY char *entry = xasprintf("READY=%s", ready);
    pthread_t stopper;
    Status status = STATUS_OK;

    (void)unlink(ready);
    text_list_add(&environment, entry);
    assert_int_equal(pthread_create(&stopper, NULL, ask_to_stop, ready), 0);
    status = run_shell(script, &environment, ret, err);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    (void)unlink(ready);
    return status;
}

static void a_wish_to_stop_ends_it_with_all_that_it_started(void **state)
{
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    uint64_t started_ns = clock_monotonic_ns();
    (void)state;

    assert_int_equal(run_until_stopped("sleep 60 & : > \"$READY\"; wait", &outcome, &err),
                     STATUS_STOPPED);
    assert_true(clock_monotonic_ns() - started_ns < UINT64_C(4000000000));
}

static void who_does_not_listen_is_killed(void **state)
{
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    assert_int_equal(
        run_until_stopped("trap '' TERM; : > \"$READY\"; exec sleep 60", &outcome, &err),
        STATUS_STOPPED);
    assert_int_equal(outcome.exit_code, 128 + SIGKILL);
}

static void after_a_wish_to_stop_nothing_is_started(void **state)
{
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};
    (void)state;

    stop_request();
    assert_int_equal(run_shell("echo out", NULL, &outcome, &err), STATUS_STOPPED);
    assert_string_equal(text_string(&outcome.output), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(collects_both_streams_and_the_exit_code, start_fresh),
        cmocka_unit_test_setup(arguments_arrive_as_they_are, start_fresh),
        cmocka_unit_test_setup(stdin_is_empty_and_a_program_is_found_in_the_path, start_fresh),
        cmocka_unit_test_setup(the_environment_is_ours_with_changes, start_fresh),
        cmocka_unit_test_setup(megabytes_on_both_streams_neither_block_nor_fill_the_memory,
                               start_fresh),
        cmocka_unit_test_setup(too_much_output_ends_it, start_fresh),
        cmocka_unit_test_setup(a_signal_shows_in_the_exit_code, start_fresh),
        cmocka_unit_test_setup(a_missing_program_is_not_found, start_fresh),
        cmocka_unit_test_setup(it_inherits_neither_descriptors_nor_ignored_signals, start_fresh),
        cmocka_unit_test_setup(a_wish_to_stop_ends_it_with_all_that_it_started, start_fresh),
        cmocka_unit_test_setup(who_does_not_listen_is_killed, start_fresh),
        cmocka_unit_test_setup(after_a_wish_to_stop_nothing_is_started, start_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
