/*
 * engine/flow/codec: every value comes back with the same bits, and malformed rows are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/codec.h"

enum {
    MANY_FIELDS = 2000,
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void encode_all(Text *text, const Value *values, uint16_t count)
{
    encode_row(text, count);
    for (uint16_t i = 0; i < count; i++)
        encode_value(text, &values[i]);
}

static void expect_same(const Value *value, const Value *expected)
{
    assert_int_equal(value->type, expected->type);
    if (expected->type == VALUE_INTEGER)
        assert_true(value->integer == expected->integer);
    if (expected->type == VALUE_REAL)
        assert_memory_equal(&value->real, &expected->real, sizeof(double));
    assert_int_equal(value->size, expected->size);
    if (expected->size > 0)
        assert_memory_equal(value->data, expected->data, expected->size);
}

/* Decodes an exact copy of text, so that the sanitizer sees each byte read behind it. */
static void expect_round_trip(const Text *text, const Value *values, uint16_t count)
{
    AUTO_FREE_MEMORY uint8_t *exact = xmemdup(text->data, text->size);
    RowReader reader;
    Value value;
    size_t size = 0;
    Error err = {0};

    assert_int_equal(row_next(ROW_TAGGED, exact, text->size, &size, &err), STATUS_OK);
    assert_int_equal(size, text->size);
    assert_int_equal(row_reader_begin(&reader, exact, size, &err), STATUS_OK);
    assert_int_equal(reader.field_count, count);
    for (uint16_t i = 0; i < count; i++) {
        assert_int_equal(row_reader_next(&reader, &value, &err), STATUS_OK);
        expect_same(&value, &values[i]);
    }
    assert_int_equal(row_reader_next(&reader, &value, &err), STATUS_DONE);
    assert_int_equal(row_reader_next(&reader, &value, &err), STATUS_DONE);
}

static void keeps_every_bit_of_special_values(void **state)
{
    static const uint8_t text_with_nul[] = "a\0b";
    static const uint8_t invalid[] = {0xFF, 0xC0, 0x80};
    const Value values[] = {
        {.type = VALUE_NULL},
        {.type = VALUE_INTEGER, .integer = INT64_MIN},
        {.type = VALUE_INTEGER, .integer = INT64_MAX},
        {.type = VALUE_INTEGER, .integer = 0},
        {.type = VALUE_INTEGER, .integer = -1},
        {.type = VALUE_REAL, .real = 0.0},
        {.type = VALUE_REAL, .real = -0.0},
        {.type = VALUE_REAL, .real = HUGE_VAL},
        {.type = VALUE_REAL, .real = -HUGE_VAL},
        {.type = VALUE_REAL, .real = 4.9406564584124654e-324},
        {.type = VALUE_REAL, .real = 1.7976931348623157e308},
        {.type = VALUE_REAL, .real = 0.1},
        {.type = VALUE_TEXT},
        {.type = VALUE_TEXT, .data = text_with_nul, .size = 3},
        {.type = VALUE_TEXT, .data = invalid, .size = sizeof(invalid)},
        {.type = VALUE_TEXT16, .data = text_with_nul, .size = 2},
        {.type = VALUE_TEXT16},
        {.type = VALUE_BLOB},
        {.type = VALUE_BLOB, .data = invalid, .size = sizeof(invalid)},
    };
    uint16_t count = sizeof(values) / sizeof(values[0]);
    AUTO_TEXT Text text = {0};

    (void)state;
    encode_all(&text, values, count);
    expect_round_trip(&text, values, count);
}

static void writes_the_documented_bytes(void **state)
{
    static const uint8_t expected[] = {
        0,    5,                                                /* field count */
        0,    0,    0,    9,    'i', 0,    0, 0, 0, 0, 0, 1, 2, /* 258 */
        0,    0,    0,    9,    'r', 0x80, 0, 0, 0, 0, 0, 0, 0, /* -0.0 */
        0,    0,    0,    2,    't', 'x',                       /* text */
        0,    0,    0,    1,    'b',                            /* empty blob */
        0xFF, 0xFF, 0xFF, 0xFF,                                 /* NULL */
    };
    const Value values[] = {
        {.type = VALUE_INTEGER, .integer = 258},
        {.type = VALUE_REAL, .real = -0.0},
        {.type = VALUE_TEXT, .data = (const uint8_t *)"x", .size = 1},
        {.type = VALUE_BLOB},
        {.type = VALUE_NULL},
    };
    AUTO_TEXT Text text = {0};

    (void)state;
    encode_all(&text, values, 5);
    assert_int_equal(text.size, sizeof(expected));
    assert_memory_equal(text.data, expected, sizeof(expected));
    assert_int_equal(text.data[text.size], '\0');
}

static void set_random_value(Value *value, const uint8_t *pool, size_t pool_size, uint64_t *seed)
{
    static const ValueType types[] = {VALUE_NULL, VALUE_INTEGER, VALUE_REAL,
                                      VALUE_TEXT, VALUE_TEXT16,  VALUE_BLOB};
    uint64_t bits = next_random(seed);

    *value = (Value){.type = types[next_random(seed) % 6]};
    if (value->type == VALUE_INTEGER)
        value->integer = (int64_t)bits;
    if (value->type == VALUE_REAL)
        memcpy(&value->real, &bits, sizeof(bits));
    if (value->type == VALUE_TEXT || value->type == VALUE_TEXT16 || value->type == VALUE_BLOB) {
        value->size = bits % 4 == 0 ? 0 : bits % (pool_size / 2);
        value->data = pool + next_random(seed) % (pool_size / 2);
    }
}

static void returns_the_same_bits_for_random_rows(void **state)
{
    static Value values[MANY_FIELDS];
    uint8_t pool[256];
    uint64_t seed = 20261120;

    (void)state;
    for (size_t i = 0; i < sizeof(pool); i++)
        pool[i] = (uint8_t)next_random(&seed);
    for (int round = 0; round < 300; round++) {
        uint16_t count = round == 0 ? MANY_FIELDS : (uint16_t)(next_random(&seed) % 40);
        AUTO_TEXT Text text = {0};

        for (uint16_t i = 0; i < count; i++)
            set_random_value(&values[i], pool, sizeof(pool), &seed);
        encode_all(&text, values, count);
        expect_round_trip(&text, values, count);
    }
}

static void appends_rows_behind_each_other(void **state)
{
    const Value value = {.type = VALUE_INTEGER, .integer = 7};
    AUTO_TEXT Text text = {0};
    size_t size = 0;
    Error err = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        encode_all(&text, &value, 1);
    assert_int_equal(text.size, 1000 * 15);
    for (size_t at = 0; at < text.size; at += size) {
        assert_int_equal(
            row_next(ROW_TAGGED, (uint8_t *)text.data + at, text.size - at, &size, &err),
            STATUS_OK);
        assert_int_equal(size, 15);
    }
}

/* Reads a whole row of arbitrary bytes; how it ended. */
static Status read_row(const uint8_t *data, size_t size)
{
    AUTO_FREE_MEMORY uint8_t *exact = size > 0 ? xmemdup(data, size) : NULL;
    Error err = {0};
    RowReader reader;
    Value value;
    uint64_t sum = 0;
    Status status = row_reader_begin(&reader, exact, size, &err);

    while (status == STATUS_OK) {
        status = row_reader_next(&reader, &value, &err);
        for (size_t i = 0; status == STATUS_OK && i < value.size; i++)
            sum += value.data[i];
    }
    assert_true(sum < UINT64_MAX); /* the bytes were looked at */
    assert_int_equal(err.kind, status == STATUS_FAILED ? ERROR_FAILED : ERROR_NONE);
    return status;
}

static void refuses_malformed_fields(void **state)
{
    static const struct {
        const char *why;
        size_t size;
        uint8_t row[20];
    } rows[] = {
        {"no count", 0, {0}},
        {"half a count", 1, {0}},
        {"end of file mark", 2, {0xFF, 0xFF}},
        {"no length", 2, {0, 1}},
        {"half a length", 4, {0, 1, 0, 0}},
        {"no tag", 6, {0, 1, 0, 0, 0, 0}},
        {"unknown tag", 7, {0, 1, 0, 0, 0, 1, 'x'}},
        {"tag zero", 7, {0, 1, 0, 0, 0, 1, 0}},
        {"short integer", 10, {0, 1, 0, 0, 0, 4, 'i', 0, 0, 0}},
        {"long real", 16, {0, 1, 0, 0, 0, 10, 'r'}},
        {"cut off", 8, {0, 1, 0, 0, 0, 3, 't', 'a'}},
        {"length -2", 8, {0, 1, 0xFF, 0xFF, 0xFF, 0xFE, 't', 'a'}},
        {"one byte too many", 8, {0, 1, 0, 0, 0, 1, 't', 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (read_row(rows[i].row, rows[i].size) != STATUS_FAILED)
            fail_msg("accepted: %s", rows[i].why);
    }
}

static void survives_damaged_rows(void **state)
{
    const Value values[] = {
        {.type = VALUE_TEXT, .data = (const uint8_t *)"some text", .size = 9},
        {.type = VALUE_INTEGER, .integer = 5},
        {.type = VALUE_NULL},
        {.type = VALUE_BLOB, .data = (const uint8_t *)"blob", .size = 4},
    };
    AUTO_TEXT Text text = {0};
    uint64_t seed = 7;
    unsigned refused = 0;

    (void)state;
    encode_all(&text, values, 4);
    for (size_t size = 0; size < text.size; size++)
        assert_int_equal(read_row((uint8_t *)text.data, size), STATUS_FAILED);
    for (int round = 0; round < 20000; round++) {
        AUTO_FREE_MEMORY uint8_t *damaged = xmemdup(text.data, text.size);

        for (uint64_t flips = 1 + next_random(&seed) % 3; flips > 0; flips--)
            damaged[next_random(&seed) % text.size] ^= (uint8_t)(1U << next_random(&seed) % 8);
        refused += read_row(damaged, text.size) == STATUS_FAILED;
    }
    assert_in_range(refused, 5000, 19999);
}

static void errors_never_show_values(void **state)
{
    static const uint8_t row[] = {0, 1, 0, 0, 0, 7, 'x', 's', 'e', 'c', 'r', 'e', 't'};
    RowReader reader;
    Value value;
    Error err = {0};

    (void)state;
    assert_int_equal(row_reader_begin(&reader, row, sizeof(row), &err), STATUS_OK);
    assert_int_equal(row_reader_next(&reader, &value, &err), STATUS_FAILED);
    assert_string_equal(err.message, "malformed row: field 1 of 1 has an unknown tag");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_bit_of_special_values),
        cmocka_unit_test(writes_the_documented_bytes),
        cmocka_unit_test(returns_the_same_bits_for_random_rows),
        cmocka_unit_test(appends_rows_behind_each_other),
        cmocka_unit_test(refuses_malformed_fields),
        cmocka_unit_test(survives_damaged_rows),
        cmocka_unit_test(errors_never_show_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
