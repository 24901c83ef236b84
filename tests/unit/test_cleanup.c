/* AUTO_FREE and TAKE: freed once, at the end of the scope, unless handed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/cleanup.h"

typedef struct Counter Counter;
struct Counter {
    int freed;
};

static void counter_free(Counter *counter)
{
    if (counter != NULL)
        counter->freed++;
}
DEFINE_AUTO_FREE(Counter, counter_free);

static void frees_at_the_end_of_the_scope(void **state)
{
    Counter counter = {0};
    (void)state;

    {
        AUTO_FREE(counter_free) Counter *owner = &counter;

        assert_int_equal(owner->freed, 0);
    }
    assert_int_equal(counter.freed, 1);
}

static void does_not_free_what_was_taken(void **state)
{
    Counter counter = {0};
    Counter *taken = NULL;
    (void)state;

    {
        AUTO_FREE(counter_free) Counter *owner = &counter;

        taken = TAKE(owner);
        assert_null(owner);
    }
    assert_ptr_equal(taken, &counter);
    assert_int_equal(counter.freed, 0);
}

static int leave_early(Counter *counter)
{
    AUTO_FREE(counter_free) Counter *owner = counter;

    if (owner != NULL)
        return 1;
    return 0;
}

static void frees_when_the_function_returns_early(void **state)
{
    Counter counter = {0};
    (void)state;

    assert_int_equal(leave_early(&counter), 1);
    assert_int_equal(counter.freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frees_at_the_end_of_the_scope),
        cmocka_unit_test(does_not_free_what_was_taken),
        cmocka_unit_test(frees_when_the_function_returns_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
