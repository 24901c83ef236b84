/* Memory: copies are exact, arrays grow, and what cannot be had ends the process with 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "tests/support/capture.h"

static void copies_text_and_bytes(void **state)
{
    AUTO_FREE_MEMORY char *text = xstrdup("stopover");
    AUTO_FREE_MEMORY char *cut = xstrndup("stopover", 4);
    AUTO_FREE_MEMORY char *whole = xstrndup("stop", 100);
    AUTO_FREE_MEMORY char *bytes = xmemdup("a\0b", 3);
    AUTO_FREE_MEMORY char *printed = xasprintf("%s-%d", "x", 7);
    (void)state;

    assert_string_equal(text, "stopover");
    assert_string_equal(cut, "stop");
    assert_string_equal(whole, "stop");
    assert_memory_equal(bytes, "a\0b", 3);
    assert_string_equal(printed, "x-7");
    assert_null(xstrdup(NULL));
}

static void gives_memory_even_for_nothing(void **state)
{
    AUTO_FREE_MEMORY void *none = xmalloc(0);
    AUTO_FREE_MEMORY void *zeros = xcalloc(0, 8);
    AUTO_FREE_MEMORY void *copy = xmemdup(NULL, 0);
    (void)state;

    assert_non_null(none);
    assert_non_null(zeros);
    assert_non_null(copy);
}

static void zeroes_what_calloc_gives(void **state)
{
    AUTO_FREE_MEMORY unsigned char *zeros = xcalloc(16, 2);
    (void)state;

    for (int i = 0; i < 32; i++)
        assert_int_equal(zeros[i], 0);
}

static void grows_an_array_by_doubling_from_eight(void **state)
{
    size_t capacity = 0;
    int *items = NULL;
    (void)state;

    for (int i = 0; i < 100; i++) {
        GROW(items, (size_t)i, capacity);
        items[i] = i;
        if (i == 0)
            assert_int_equal(capacity, 8);
    }
    assert_int_equal(capacity, 128);
    for (int i = 0; i < 100; i++)
        assert_int_equal(items[i], i);
    free(items);
}

static void overflow_calloc(void)
{
    volatile size_t many = SIZE_MAX;

    free(xcalloc(many, 2));
}

static void overflow_array(void)
{
    size_t capacity = 8;

    free(grow_array(NULL, SIZE_MAX / 2, &capacity, 64));
}

static void a_size_that_overflows_ends_the_process_with_1(void **state)
{
    Capture capture = capture_begin();
    int calloc_code = exit_code_of(overflow_calloc);
    int array_code = exit_code_of(overflow_array);
    AUTO_FREE_MEMORY char *written = capture_end(&capture);
    (void)state;

    assert_int_equal(calloc_code, 1);
    assert_int_equal(array_code, 1);
    assert_non_null(strstr(written, "error: out of memory\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_text_and_bytes),
        cmocka_unit_test(gives_memory_even_for_nothing),
        cmocka_unit_test(zeroes_what_calloc_gives),
        cmocka_unit_test(grows_an_array_by_doubling_from_eight),
        cmocka_unit_test(a_size_that_overflows_ends_the_process_with_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
