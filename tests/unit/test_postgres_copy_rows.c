/*
 * Rows out of the messages of a COPY, however these are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/copy_rows.h"
#include "engine/flow/big_endian.h"

static void append_u16(Text *text, uint16_t value)
{
    uint8_t raw[2];

    store_be16(raw, value);
    text_append_bytes(text, raw, sizeof(raw));
}

static void append_u32(Text *text, uint32_t value)
{
    uint8_t raw[4];

    store_be32(raw, value);
    text_append_bytes(text, raw, sizeof(raw));
}

static void append_header(Text *text, uint32_t extension)
{
    text_append_bytes(text, "PGCOPY\n\377\r\n\0", 11);
    append_u32(text, 0);
    append_u32(text, extension);
    for (uint32_t i = 0; i < extension; i++)
        text_append_bytes(text, "e", 1);
}

/* A row of `fields` fields, NULLs and values whose bytes look like trailers and newlines. */
static void append_row(Text *text, uint16_t fields)
{
    append_u16(text, fields);
    for (uint16_t i = 0; i < fields; i++) {
        if (i % 3 == 2) {
            append_u32(text, UINT32_MAX);
            continue;
        }
        append_u32(text, (uint32_t)(i % 3) * 4);
        if (i % 3 == 1)
            text_append_bytes(text, "\377\377\n\\", 4);
    }
}

static void make_binary(Text *stream, Text *rows, uint32_t extension)
{
    append_header(stream, extension);
    for (uint16_t fields = 0; fields < 7; fields++)
        append_row(rows, fields);
    text_append_bytes(stream, rows->data, rows->size);
    append_u16(stream, UINT16_MAX);
}

/* Feeds the stream in pieces of at most `piece` bytes; what comes out must be the rows. */
static void expect_rows(RowFormat format, const Text *stream, const Text *rows, uint64_t count,
                        size_t piece)
{
    AUTO_COPY_ROWS CopyRows copy = {0};
    AUTO_TEXT Text found = {0};
    uint64_t found_rows = 0;
    Error err = {0};

    copy_rows_begin(&copy, format);
    for (size_t at = 0; at < stream->size; at += piece) {
        size_t size = stream->size - at < piece ? stream->size - at : piece;
        /* Of its own, so that reading past it is noticed. */
        AUTO_FREE_MEMORY uint8_t *message = xmemdup(stream->data + at, size);
        Block block;

        if (copy_rows_take(&copy, message, size, &block, &err) < 0)
            fail_msg("pieces of %zu: %s", piece, err.message);
        for (size_t in = 0, row = 0; in < block.size; in += row) {
            assert_int_equal(row_next(format, block.data + in, block.size - in, &row, &err),
                             STATUS_OK);
            found_rows++;
        }
        text_append_bytes(&found, block.size > 0 ? (const char *)block.data : "", block.size);
    }
    if (copy_rows_end(&copy, &err) < 0)
        fail_msg("pieces of %zu: %s", piece, err.message);
    assert_int_equal(found_rows, count);
    assert_int_equal(found.size, rows->size);
    assert_memory_equal(text_string(&found), text_string(rows), rows->size);
}

static void binary_rows_come_out_whatever_the_cuts(void **state)
{
    AUTO_TEXT Text stream = {0};
    AUTO_TEXT Text rows = {0};

    (void)state;
    make_binary(&stream, &rows, 0);
    for (size_t piece = 1; piece <= stream.size; piece++)
        expect_rows(ROW_PG_BINARY, &stream, &rows, 7, piece);
}

static void an_extension_of_the_header_is_left_out(void **state)
{
    AUTO_TEXT Text stream = {0};
    AUTO_TEXT Text rows = {0};

    (void)state;
    make_binary(&stream, &rows, 9);
    for (size_t piece = 1; piece <= stream.size; piece++)
        expect_rows(ROW_PG_BINARY, &stream, &rows, 7, piece);
}

static void text_rows_come_out_whatever_the_cuts(void **state)
{
    AUTO_TEXT Text stream = {0};

    (void)state;
    text_append(&stream, "a\tb\n\n\\N\t\\n\\\\\n\xc3\xa4 and more of it\n");
    for (size_t piece = 1; piece <= stream.size; piece++)
        expect_rows(ROW_PG_TEXT, &stream, &stream, 4, piece);
}

static void a_row_in_one_message_is_not_copied(void **state)
{
    AUTO_COPY_ROWS CopyRows copy = {0};
    AUTO_TEXT Text stream = {0};
    Error err = {0};
    Block block;

    (void)state;
    append_header(&stream, 0);
    append_row(&stream, 5);
    copy_rows_begin(&copy, ROW_PG_BINARY);
    assert_int_equal(copy_rows_take(&copy, (const uint8_t *)stream.data, stream.size, &block, &err),
                     STATUS_OK);
    assert_ptr_equal(block.data, stream.data + 19);
    assert_int_equal(block.rows, 1);
}

static void expect_refused(RowFormat format, const Text *stream)
{
    AUTO_COPY_ROWS CopyRows copy = {0};
    Error err = {0};
    Block block;
    Status status;

    copy_rows_begin(&copy, format);
    status = copy_rows_take(&copy, (const uint8_t *)stream->data, stream->size, &block, &err);
    if (status == STATUS_OK)
        status = copy_rows_end(&copy, &err);
    assert_int_equal(status, STATUS_FAILED);
}

static void a_copy_that_was_cut_off_is_refused(void **state)
{
    AUTO_TEXT Text whole = {0};
    AUTO_TEXT Text rows = {0};
    AUTO_TEXT Text line = {0};

    (void)state;
    make_binary(&whole, &rows, 0);
    for (size_t size = 1; size < whole.size; size++) {
        AUTO_TEXT Text part = {0};

        text_append_bytes(&part, whole.data, size);
        expect_refused(ROW_PG_BINARY, &part);
    }
    text_append(&line, "a\tb\nc");
    expect_refused(ROW_PG_TEXT, &line);
}

static void what_is_no_copy_is_refused(void **state)
{
    AUTO_TEXT Text more = {0};
    AUTO_TEXT Text rows = {0};
    AUTO_TEXT Text other = {0};
    AUTO_TEXT Text flags = {0};

    (void)state;
    make_binary(&more, &rows, 0);
    text_append(&more, "x");
    expect_refused(ROW_PG_BINARY, &more);
    text_append(&other, "PGDUMP and so on and so on and so on");
    expect_refused(ROW_PG_BINARY, &other);
    make_binary(&flags, &rows, 0);
    flags.data[12] = 1;
    expect_refused(ROW_PG_BINARY, &flags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_rows_come_out_whatever_the_cuts),
        cmocka_unit_test(an_extension_of_the_header_is_left_out),
        cmocka_unit_test(text_rows_come_out_whatever_the_cuts),
        cmocka_unit_test(a_row_in_one_message_is_not_copied),
        cmocka_unit_test(a_copy_that_was_cut_off_is_refused),
        cmocka_unit_test(what_is_no_copy_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
