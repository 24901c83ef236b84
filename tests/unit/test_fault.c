/* Fault points: the N-th match fires once, whatever the threads do, and is in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fault.h"
#include "tests/support/capture.h"

#ifdef FAULT_POINTS

static int disarm(void **state)
{
    (void)state;
    fault_arm(FAULT_NONE, 0, NULL);
    return 0;
}

static void nothing_fires_unless_armed(void **state)
{
    Error err = {0};
    (void)state;

    assert_int_equal(fault_before("a", &err), STATUS_OK);
    assert_int_equal(fault_after("a", &err), STATUS_OK);
    assert_false(fault_fired());
}

static void the_nth_match_of_any_point_fires_once(void **state)
{
    Error err = {0};
    (void)state;

    fault_arm(FAULT_FAIL, 2, NULL);
    assert_int_equal(fault_before("one", &err), STATUS_OK);
    assert_int_equal(fault_after("one", &err), STATUS_OK);
    assert_int_equal(fault_before("two", &err), STATUS_RETRY);
    assert_string_equal(err.message, "injected failure before two");
    assert_true(fault_fired());
    assert_string_equal(fault_last_point(), "two");
    assert_int_equal(fault_before("two", &err), STATUS_OK);
}

static void a_named_point_does_not_count_others(void **state)
{
    Error err = {0};
    (void)state;

    fault_arm(FAULT_FATAL, 2, "commit");
    assert_int_equal(fault_before("commit", &err), STATUS_OK);
    assert_int_equal(fault_before("commi", &err), STATUS_OK);
    assert_int_equal(fault_before("write", &err), STATUS_OK);
    assert_false(fault_fired());
    assert_int_equal(fault_before("commit", &err), STATUS_FATAL);
    assert_true(fault_fired());
}

static void a_lost_answer_fires_only_after_the_effect(void **state)
{
    Error err = {0};
    (void)state;

    fault_arm(FAULT_LOSE, 1, "commit");
    assert_int_equal(fault_before("commit", &err), STATUS_OK);
    assert_false(fault_fired());
    assert_int_equal(fault_after("commit", &err), STATUS_RETRY);
    assert_true(fault_fired());
}

static void arming_again_forgets_what_fired(void **state)
{
    Error err = {0};
    (void)state;

    fault_arm(FAULT_FAIL, 1, NULL);
    assert_int_equal(fault_before("a", &err), STATUS_RETRY);
    fault_arm(FAULT_FAIL, 1, NULL);
    assert_false(fault_fired());
    fault_arm(FAULT_NONE, 0, NULL);
    assert_int_equal(fault_before("a", &err), STATUS_OK);
}

#define THREADS 4
#define HITS    500

static void *hit_often(void *ret_failures)
{
    Error err = {0};

    for (int i = 0; i < HITS; i++)
        if (fault_before("shared", &err) != STATUS_OK)
            (*(int *)ret_failures)++;
    return NULL;
}

static int fire_among_threads(unsigned nth)
{
    pthread_t threads[THREADS];
    int failures[THREADS] = {0};
    int sum = 0;

    fault_arm(FAULT_FAIL, nth, "shared");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hit_often, &failures[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += failures[i];
    }
    return sum;
}

static void threads_share_one_count(void **state)
{
    (void)state;
    assert_int_equal(fire_among_threads(THREADS * HITS), 1);
    assert_true(fault_fired());
    assert_int_equal(fire_among_threads(THREADS * HITS + 1), 0);
    assert_false(fault_fired());
}

/* The environment: this program runs itself again, as a process that meets points. */
static const char *setting;
static const char *log_path;

static void run_again(void)
{
    if (unsetenv("STOPOVER_FAULT") != 0 || unsetenv("STOPOVER_FAULT_LOG") != 0 ||
        (setting != NULL && setenv("STOPOVER_FAULT", setting, 1) != 0) ||
        (log_path != NULL && setenv("STOPOVER_FAULT_LOG", log_path, 1) != 0))
        _exit(99);
    (void)execl("/proc/self/exe", "test_fault", "meet_points", (char *)NULL);
    _exit(98);
}

static int meet_points(void)
{
    Error err = {0};

    if (fault_before("copy", &err) != STATUS_OK || fault_before("commit", &err) != STATUS_OK)
        return 20;
    return fault_after("commit", &err) != STATUS_OK ? 21 : 22;
}

/* Exit code 2 comes with a message, every other code without. */
static void expect_exit(const char *value, int expected)
{
    Capture capture = capture_begin();
    int code = 0;
    AUTO_FREE_MEMORY char *written = NULL;

    setting = value;
    log_path = NULL;
    code = exit_code_of(run_again);
    written = capture_end(&capture);
    if (code != expected || (expected == 2) != (*written != '\0'))
        fail_msg("STOPOVER_FAULT=%s: exit %d, expected %d: %s", value, code, expected, written);
}

static void the_environment_arms_a_point(void **state)
{
    (void)state;
    expect_exit(NULL, 22);
    expect_exit("fail:1", 20);
    expect_exit("fail:2:commit", 22);
    expect_exit("fail:1:commit", 20);
    expect_exit("fatal:2", 20);
    expect_exit("lose:1", 21);
    expect_exit("lose:1:copy", 22);
    expect_exit("kill:3", 137);
    expect_exit("kill:2:commit", 137);
    expect_exit("kill:4", 22);
}

static void a_malformed_setting_ends_the_process_with_2(void **state)
{
    static const char *const bad[] = {"",        "fail",    "fail:",   "fail:0",  "fail:x",
                                      "fail:-1", "fail:1:", "boom:1",  "fail1",   ":1",
                                      "fail: 1", "FAIL:1",  "fail:1x", "fail::x", "none:1"};
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_exit(bad[i], 2);
}

static void the_log_names_every_hit_and_the_one_that_fired(void **state)
{
    AUTO_TEXT Text log = {0};
    char *folder = make_folder();
    AUTO_FREE_MEMORY char *path = path_in(folder, "points");
    Error err = {0};
    (void)state;

    setting = "kill:2:commit";
    log_path = path;
    assert_int_equal(exit_code_of(run_again), 137);
    setting = NULL;
    assert_int_equal(exit_code_of(run_again), 22);
    assert_int_equal(file_read(path, 4096, &log, &err), STATUS_OK);
    assert_string_equal(text_string(&log),
                        "before copy\nbefore commit\nafter commit\nfired commit\n"
                        "before copy\nbefore commit\nafter commit\n");
    remove_folder(folder);
}

static void a_log_that_cannot_be_opened_ends_the_process_with_2(void **state)
{
    Capture capture = capture_begin();
    int code = 0;
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    setting = NULL;
    log_path = "/nonexistent/points";
    code = exit_code_of(run_again);
    written = capture_end(&capture);
    assert_int_equal(code, 2);
    assert_non_null(strstr(written, "/nonexistent/points"));
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_fires_unless_armed, disarm),
        cmocka_unit_test_setup(the_nth_match_of_any_point_fires_once, disarm),
        cmocka_unit_test_setup(a_named_point_does_not_count_others, disarm),
        cmocka_unit_test_setup(a_lost_answer_fires_only_after_the_effect, disarm),
        cmocka_unit_test_setup(arming_again_forgets_what_fired, disarm),
        cmocka_unit_test_setup(threads_share_one_count, disarm),
        cmocka_unit_test_setup(the_environment_arms_a_point, disarm),
        cmocka_unit_test_setup(a_malformed_setting_ends_the_process_with_2, disarm),
        cmocka_unit_test_setup(the_log_names_every_hit_and_the_one_that_fired, disarm),
        cmocka_unit_test_setup(a_log_that_cannot_be_opened_ends_the_process_with_2, disarm),
    };

    if (count > 1 && strcmp(arguments[1], "meet_points") == 0)
        return meet_points();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <stdlib.h>

static void points_are_nothing_in_this_build(void **state)
{
    Error err = {.message = "as it was"};
    (void)state;

    assert_int_equal(setenv("STOPOVER_FAULT", "fail:1", 1), 0);
    assert_int_equal(fault_before("a", &err), STATUS_OK);
    assert_int_equal(fault_after("a", &err), STATUS_OK);
    assert_string_equal(err.message, "as it was");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(points_are_nothing_in_this_build)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
