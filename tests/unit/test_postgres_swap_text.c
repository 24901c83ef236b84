/*
 * engine/connect/postgres/swap: a swap as text and back, its way back, and whose a step is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/swap.h"

static void set_swap(Swap *ret)
{
    SwapStep *step = swap_add(ret);

    step->words = xstrdup("table public.a is replaced");
    step->forward = xstrdup("alter table s.a set schema public;");
    step->inverse = xstrdup("alter table public.a set schema u;");
    step->of = swap_of("table", "public.a");
    step = swap_add(ret);
    step->forward = xstrdup("grant select on public.a to public;");
    text_list_add(&ret->retired_locks, "\"r\".a");
    text_list_add(&ret->promoted_locks, "\"public\".a");
    text_list_add(&ret->validate, "alter table k validate constraint c");
}

static void names_are_spelt_in_one_way(void **state)
{
    AUTO_FREE_MEMORY char *plain = swap_of("table", "public.orders");
    AUTO_FREE_MEMORY char *quoted = swap_of("table", "\"public\".\"orders\"");
    AUTO_FREE_MEMORY char *odd =
        swap_of("statistics", "\"Odd one\".\"with \"\"quotes\"\" . and a dot\"");

    (void)state;
    assert_string_equal(plain, "table \"public\".\"orders\"");
    assert_string_equal(quoted, plain);
    assert_string_equal(odd, "statistics \"Odd one\".\"with \"\"quotes\"\" . and a dot\"");
}

static void what_is_written_is_read_back(void **state)
{
    AUTO_SWAP Swap swap = {0};
    AUTO_SWAP Swap read = {0};
    Error err = {0};

    (void)state;
    set_swap(&swap);

    AUTO_FREE_MEMORY char *text = swap_write(&swap);

    assert_int_equal(swap_read(text, &read, &err), STATUS_OK);

    AUTO_FREE_MEMORY char *again = swap_write(&read);

    assert_string_equal(again, text);
    assert_int_equal(read.count, 2);
    assert_string_equal(read.steps[0].of, "table \"public\".\"a\"");
    assert_null(read.steps[1].of);
}

static void the_way_back_knows_whose_a_step_is(void **state)
{
    AUTO_SWAP Swap swap = {0};
    AUTO_SWAP Swap back = {0};

    (void)state;
    set_swap(&swap);
    swap_reverse(&swap, &back);
    assert_int_equal(back.count, 1); /* nothing takes a grant back */
    assert_string_equal(back.steps[0].forward, "alter table public.a set schema u;");
    assert_string_equal(back.steps[0].of, "table \"public\".\"a\"");
    assert_string_equal(back.staged_locks.items[0], "\"r\".a");
    assert_string_equal(back.live_locks.items[0], "\"public\".a");
    assert_int_equal(back.validate.count, 1);
}

static void what_is_no_swap_is_refused(void **state)
{
    static const char *const texts[] = {"", "{}", "[]", "{\"steps\":[{}]}", "{\"steps\":[]}"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        AUTO_SWAP Swap swap = {0};
        Error err = {0};

        assert_true(swap_read(texts[i], &swap, &err) < 0);
        assert_int_equal(swap.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_spelt_in_one_way),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(the_way_back_knows_whose_a_step_is),
        cmocka_unit_test(what_is_no_swap_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
