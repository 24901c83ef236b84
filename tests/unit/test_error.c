/* Error: the message says what happened on one line, and survives being too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/error.h"

static void setting_fills_the_message_and_forgets_the_rest(void **state)
{
    Error err = {.hint = "old", .sqlstate = "40001", .kind = ERROR_LOCKED};
    (void)state;

    assert_int_equal(error_set(&err, STATUS_FAILED, "could not open \"%s\"", "x"), STATUS_FAILED);
    assert_string_equal(err.message, "could not open \"x\"");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.sqlstate, "");
    assert_int_equal(err.kind, ERROR_FAILED);
}

static void the_kind_follows_the_status(void **state)
{
    Error err = {0};
    (void)state;

    assert_int_equal(error_set(&err, STATUS_RETRY, "busy"), STATUS_RETRY);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_int_equal(error_set(&err, STATUS_FATAL, "lost"), STATUS_FATAL);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_int_equal(error_set(&err, STATUS_STOPPED, "stopped"), STATUS_STOPPED);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_int_equal(error_kind(&err, ERROR_REFUSED, "no"), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
}

static void context_and_remark_stand_around_the_message(void **state)
{
    Error err = {0};
    (void)state;

    (void)error_kind(&err, ERROR_LOCKED, "busy");
    error_hint(&err, "Wait for %d s.", 5);
    error_prefix(&err, "table \"%s\"", "orders");
    error_remark(&err, "attempt %d", 3);
    assert_string_equal(err.message, "table \"orders\": busy (attempt 3)");
    assert_string_equal(err.hint, "Wait for 5 s.");
    assert_int_equal(err.kind, ERROR_LOCKED);
}

static void arguments_may_point_into_the_error_itself(void **state)
{
    Error err = {0};
    (void)state;

    (void)error_set(&err, STATUS_FAILED, "disk full");
    (void)error_set(&err, STATUS_FAILED, "chunk 7: %s", err.message);
    assert_string_equal(err.message, "chunk 7: disk full");
    error_hint(&err, "About %s.", err.message);
    assert_string_equal(err.hint, "About chunk 7: disk full.");
}

static void a_message_stays_on_one_line(void **state)
{
    Error err = {0};
    (void)state;

    (void)error_set(&err, STATUS_FAILED, "%s", "ERROR:  no\n\tDETAIL\033[2J");
    assert_string_equal(err.message, "ERROR:  no  DETAIL [2J");
}

static void what_is_too_long_is_cut_at_a_character(void **state)
{
    char huge[2001];
    Error err = {0};
    (void)state;

    for (size_t i = 0; i < 2000; i += 2)
        memcpy(huge + i, "\xC3\xBC", 2);
    huge[2000] = '\0';
    (void)error_set(&err, STATUS_FAILED, "%s", huge);
    assert_int_equal(strlen(err.message), 766);
    error_hint(&err, "%s", huge);
    assert_int_equal(strlen(err.hint), 510);
    error_prefix(&err, "in");
    assert_memory_equal(err.message, "in: \xC3\xBC", 6);
    assert_true(strlen(err.message) < sizeof(err.message));
    error_remark(&err, "given up");
    assert_string_equal(err.message + strlen(err.message) - 13, "\xC3\xBC (given up)");
}

static void clearing_leaves_nothing(void **state)
{
    Error err = {0};
    static const Error nothing = {0};
    (void)state;

    (void)error_kind(&err, ERROR_USAGE, "wrong");
    error_hint(&err, "Do it right.");
    error_clear(&err);
    assert_memory_equal(&err, &nothing, sizeof(err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_fills_the_message_and_forgets_the_rest),
        cmocka_unit_test(the_kind_follows_the_status),
        cmocka_unit_test(context_and_remark_stand_around_the_message),
        cmocka_unit_test(arguments_may_point_into_the_error_itself),
        cmocka_unit_test(a_message_stays_on_one_line),
        cmocka_unit_test(what_is_too_long_is_cut_at_a_character),
        cmocka_unit_test(clearing_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
