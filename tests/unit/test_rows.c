/*
 * engine/flow/rows: where rows end, and that nothing is read behind the bytes given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/rows.h"

/* Two fields: "ab" and NULL. */
static const uint8_t binary_row[] = {0, 2, 0, 0, 0, 2, 'a', 'b', 0xFF, 0xFF, 0xFF, 0xFF};

/* A copy of its own on the heap, so that the sanitizer sees each byte too many. */
static Status find_row(RowFormat format, const void *data, size_t size, size_t *ret_size)
{
    AUTO_FREE_MEMORY uint8_t *exact = size > 0 ? xmemdup(data, size) : NULL;
    Error err = {0};
    Status status = row_next(format, exact, size, ret_size, &err);

    assert_int_equal(err.kind, status < 0 ? ERROR_FAILED : ERROR_NONE);
    return status;
}

static void finds_the_end_of_a_binary_row(void **state)
{
    uint8_t data[sizeof(binary_row) + 3] = {0};
    size_t size = 0;

    (void)state;
    memcpy(data, binary_row, sizeof(binary_row));
    assert_int_equal(find_row(ROW_TAGGED, data, sizeof(data), &size), STATUS_OK);
    assert_int_equal(size, sizeof(binary_row));
    size = 0;
    assert_int_equal(find_row(ROW_PG_BINARY, data, sizeof(binary_row), &size), STATUS_OK);
    assert_int_equal(size, sizeof(binary_row));
}

static void takes_a_row_without_fields(void **state)
{
    size_t size = 0;

    (void)state;
    assert_int_equal(find_row(ROW_PG_BINARY, "\0\0", 2, &size), STATUS_OK);
    assert_int_equal(size, 2);
}

static void refuses_every_truncation_of_a_binary_row(void **state)
{
    (void)state;
    for (size_t size = 1; size < sizeof(binary_row); size++) {
        size_t untouched = 77;

        assert_int_equal(find_row(ROW_PG_BINARY, binary_row, size, &untouched), STATUS_FAILED);
        assert_int_equal(untouched, 77);
    }
}

static void refuses_negative_lengths_and_the_end_of_file_mark(void **state)
{
    static const uint8_t length_of_minus_two[] = {0, 1, 0xFF, 0xFF, 0xFF, 0xFE, 0, 0};
    static const uint8_t smallest_length[] = {0, 1, 0x80, 0, 0, 0, 0, 0};
    static const uint8_t end_of_file[] = {0xFF, 0xFF};
    size_t size = 0;

    (void)state;
    assert_int_equal(find_row(ROW_TAGGED, length_of_minus_two, 8, &size), STATUS_FAILED);
    assert_int_equal(find_row(ROW_TAGGED, smallest_length, 8, &size), STATUS_FAILED);
    assert_int_equal(find_row(ROW_PG_BINARY, end_of_file, 2, &size), STATUS_FAILED);
}

static void ends_a_text_row_at_its_newline(void **state)
{
    size_t size = 0;

    (void)state;
    assert_int_equal(find_row(ROW_PG_TEXT, "1\ta\\nb\n2\tc\n", 11, &size), STATUS_OK);
    assert_int_equal(size, 7);
    assert_int_equal(find_row(ROW_PG_TEXT, "\n", 1, &size), STATUS_OK);
    assert_int_equal(size, 1);
    assert_int_equal(find_row(ROW_PG_TEXT, "1\ta", 3, &size), STATUS_FAILED);
}

static void is_done_when_nothing_is_left(void **state)
{
    size_t size = 0;

    (void)state;
    assert_int_equal(find_row(ROW_TAGGED, NULL, 0, &size), STATUS_DONE);
    assert_int_equal(find_row(ROW_PG_BINARY, NULL, 0, &size), STATUS_DONE);
    assert_int_equal(find_row(ROW_PG_TEXT, NULL, 0, &size), STATUS_DONE);
}

static void names_the_formats_as_they_are_recorded(void **state)
{
    (void)state;
    assert_string_equal(row_format_name(ROW_TAGGED), "tagged");
    assert_string_equal(row_format_name(ROW_PG_BINARY), "binary");
    assert_string_equal(row_format_name(ROW_PG_TEXT), "text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_end_of_a_binary_row),
        cmocka_unit_test(takes_a_row_without_fields),
        cmocka_unit_test(refuses_every_truncation_of_a_binary_row),
        cmocka_unit_test(refuses_negative_lengths_and_the_end_of_file_mark),
        cmocka_unit_test(ends_a_text_row_at_its_newline),
        cmocka_unit_test(is_done_when_nothing_is_left),
        cmocka_unit_test(names_the_formats_as_they_are_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
