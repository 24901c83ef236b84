/* TRY(): passes failures up, and lets success and the end of data through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/status.h"

static Status try_and_mark(Status status, int *ret_reached)
{
    TRY(status);
    *ret_reached = 1;
    return STATUS_OK;
}

static void try_returns_every_failure_at_once(void **state)
{
    static const Status failures[] = {STATUS_RETRY, STATUS_STOPPED, STATUS_INVALID, STATUS_FAILED,
                                      STATUS_FATAL};
    (void)state;

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        int reached = 0;

        assert_int_equal(try_and_mark(failures[i], &reached), failures[i]);
        assert_int_equal(reached, 0);
    }
}

static void try_goes_on_after_ok_and_done(void **state)
{
    int reached = 0;
    (void)state;

    assert_int_equal(try_and_mark(STATUS_OK, &reached), STATUS_OK);
    assert_int_equal(reached, 1);
    reached = 0;
    assert_int_equal(try_and_mark(STATUS_DONE, &reached), STATUS_OK);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(try_returns_every_failure_at_once),
        cmocka_unit_test(try_goes_on_after_ok_and_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
