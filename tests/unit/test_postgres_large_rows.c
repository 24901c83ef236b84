/* Whose turn it is to read large rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/stop.h"
#include "engine/connect/postgres/large_rows.h"

static const Table large = {.row_estimate = 10, .byte_estimate = UINT64_C(1) << 30};
static const Table small = {.row_estimate = 1000000, .byte_estimate = UINT64_C(1) << 30};

static void small_rows_wait_for_nobody(void **state)
{
    (void)state;
    LargeRows rows = {false};
    Error err = {0};
    bool first = false;
    bool second = true;

    assert_int_equal(large_rows_enter(&rows, &large, &first, &err), STATUS_OK);
    assert_true(first);
    assert_int_equal(large_rows_enter(&rows, &small, &second, &err), STATUS_OK);
    assert_false(second);
    assert_int_equal(large_rows_enter(NULL, &large, &second, &err), STATUS_OK);
    assert_false(second);
    large_rows_leave(&rows, &second); /* owes nothing, and takes nobody's turn */
    assert_true(rows.is_taken);
    large_rows_leave(&rows, &first);
    assert_false(rows.is_taken || first);
}

static void one_is_let_in_at_a_time_and_who_waits_can_be_stopped(void **state)
{
    (void)state;
    LargeRows rows = {false};
    Error err = {0};
    bool first = false;
    bool second = false;

    assert_int_equal(large_rows_enter(&rows, &large, &first, &err), STATUS_OK);
    stop_request();
    assert_int_equal(large_rows_enter(&rows, &large, &second, &err), STATUS_STOPPED);
    assert_false(second);
    large_rows_leave(&rows, &first);
    assert_int_equal(large_rows_enter(&rows, &large, &second, &err), STATUS_OK);
    assert_true(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_rows_wait_for_nobody),
        cmocka_unit_test(one_is_let_in_at_a_time_and_who_waits_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
