/*
 * engine/flow/digest: sums that do not depend on order and show every change, and block walking.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/codec.h"
#include "engine/flow/digest.h"

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static Digest digest_of(const char *const *rows, size_t count)
{
    Digest digest = {0};

    for (size_t i = 0; i < count; i++)
        digest_add(&digest, rows[i], strlen(rows[i]));
    return digest;
}

static void does_not_depend_on_the_order_of_rows(void **state)
{
    static const char *const rows[] = {"a", "b", "c"};
    static const char *const turned[] = {"c", "a", "b"};
    Digest a = digest_of(rows, 3);
    Digest b = digest_of(turned, 3);

    (void)state;
    assert_int_equal(a.rows, 3);
    assert_true(digest_equal(&a, &b));
}

static void shows_changed_missing_and_doubled_rows(void **state)
{
    static const char *const rows[] = {"a", "b", "c"};
    static const char *const changed[] = {"a", "b", "d"};
    static const char *const doubled[] = {"a", "b", "c", "c", "c"};
    static const char *const split[] = {"ab", "c", ""};
    Digest digest = digest_of(rows, 3);
    Digest others[] = {digest_of(changed, 3), digest_of(rows, 2), digest_of(doubled, 5),
                       digest_of(split, 3)};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_false(digest_equal(&digest, &others[i]));
        others[i].rows = digest.rows; /* the sums alone must tell it, too */
        assert_false(digest_equal(&digest, &others[i]));
    }
}

static void adds_parts_to_the_digest_of_the_whole(void **state)
{
    static const char *const rows[] = {"a", "b", "c", "d"};
    Digest whole = digest_of(rows, 4);
    Digest sum = digest_of(rows, 1);
    Digest rest = digest_of(rows + 1, 3);

    (void)state;
    digest_merge(&sum, &rest);
    assert_true(digest_equal(&sum, &whole));
}

static void carries_from_the_low_half_to_the_high_half(void **state)
{
    Digest sum = {.rows = 1, .low = UINT64_MAX, .high = 5};
    Digest one = {.rows = 1, .low = 1, .high = 0};
    Digest all_ones = {.rows = 1, .low = UINT64_MAX, .high = UINT64_MAX};

    (void)state;
    digest_merge(&sum, &one);
    assert_true(sum.low == 0 && sum.high == 6 && sum.rows == 2);
    digest_merge(&sum, &all_ones); /* -1 modulo 2^128 */
    assert_true(sum.low == UINT64_MAX && sum.high == 5);
}

static void survives_its_text_form(void **state)
{
    Digest digest = {.rows = 9, .low = UINT64_C(0x0123456789abcdef), .high = 0xff};
    Digest back = {0};
    char hex[33];

    (void)state;
    digest_format(&digest, hex);
    assert_string_equal(hex, "00000000000000ff0123456789abcdef");
    assert_true(digest_parse(hex, 9, &back));
    assert_true(digest_equal(&digest, &back));
}

static void refuses_malformed_text_forms(void **state)
{
    static const char *const bad[] = {"", "00", "00000000000000ff0123456789abcde",
                                      "00000000000000ff0123456789abcdef0",
                                      "00000000000000fg0123456789abcdef"};
    Digest untouched = {.rows = 1, .low = 2, .high = 3};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(digest_parse(bad[i], 5, &untouched));
    assert_true(untouched.rows == 1 && untouched.low == 2 && untouched.high == 3);
}

static void hashes_with_published_xxh3(void **state)
{
    Digest empty = {0};
    char hex[33];

    /* XXH3 of nothing, as published by xxHash: recorded evidence must stay comparable. */
    (void)state;
    digest_add(&empty, NULL, 0);
    digest_format(&empty, hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    assert_true(key_hash(NULL, 0, 0) == UINT64_C(0x2d06800538d394c2));
}

static void chooses_by_key_and_seed(void **state)
{
    (void)state;
    assert_true(key_hash("key", 3, 1) == key_hash("key", 3, 1));
    assert_true(key_hash("key", 3, 1) != key_hash("key", 3, 2));
    assert_true(key_hash("key", 3, 1) != key_hash("kez", 3, 1));
}

/* Rows of a few random fields, and the digest of each added alone. */
static uint64_t set_random_rows(Text *text, Digest *digest, uint64_t *seed)
{
    static const uint8_t pool[64] = "values of any length that is less than sixty-four bytes";
    uint64_t rows = 1 + next_random(seed) % 8;

    for (uint64_t row = 0; row < rows; row++) {
        uint16_t fields = (uint16_t)(next_random(seed) % 6);
        size_t start = text->size;

        encode_row(text, fields);
        for (uint16_t i = 0; i < fields; i++) {
            Value value = {.type = i % 3 == 0 ? VALUE_NULL : VALUE_TEXT, .data = pool};

            value.size = value.type == VALUE_TEXT ? next_random(seed) % sizeof(pool) : 0;
            encode_value(text, &value);
        }
        digest_add(digest, text->data + start, text->size - start);
    }
    return rows;
}

static void adds_each_row_of_a_block(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int round = 0; round < 200; round++) {
        AUTO_TEXT Text text = {0};
        Digest expected = {0};
        Digest digest = {0};
        Error err = {0};
        Block block = {.rows = set_random_rows(&text, &expected, &seed)};

        block.data = (const uint8_t *)text.data;
        block.size = text.size;
        assert_int_equal(digest_add_block(&digest, ROW_TAGGED, &block, &err), STATUS_OK);
        assert_true(digest_equal(&digest, &expected));
    }
}

static void adds_each_line_of_a_text_block(void **state)
{
    static const char *const rows[] = {"1\ta\n", "\n", "2\tb\\n\n"};
    const char *all = "1\ta\n\n2\tb\\n\n";
    Block block = {.data = (const uint8_t *)all, .size = strlen(all), .rows = 3};
    Digest expected = digest_of(rows, 3);
    Digest digest = {0};
    Error err = {0};

    (void)state;
    assert_int_equal(digest_add_block(&digest, ROW_PG_TEXT, &block, &err), STATUS_OK);
    assert_true(digest_equal(&digest, &expected));
    block.size--;
    assert_int_equal(digest_add_block(&digest, ROW_PG_TEXT, &block, &err), STATUS_FAILED);
    assert_true(digest_equal(&digest, &expected));
}

static void refuses_a_block_with_another_number_of_rows(void **state)
{
    static const uint8_t rows[] = {0, 0, 0, 0};
    Block block = {.data = rows, .size = sizeof(rows), .rows = 3};
    Digest digest = {0};
    Error err = {0};

    (void)state;
    assert_int_equal(digest_add_block(&digest, ROW_PG_BINARY, &block, &err), STATUS_FAILED);
    assert_string_equal(err.message, "malformed block: it holds 2 rows, not 3");
    assert_int_equal(digest.rows, 0);
    block.rows = 2;
    assert_int_equal(digest_add_block(&digest, ROW_PG_BINARY, &block, &err), STATUS_OK);
    assert_int_equal(digest.rows, 2);
}

static void takes_an_empty_block(void **state)
{
    Block block = {0};
    Digest digest = {0};
    Error err = {0};

    (void)state;
    assert_int_equal(digest_add_block(&digest, ROW_TAGGED, &block, &err), STATUS_OK);
    assert_int_equal(digest.rows, 0);
}

/* An exact copy of data as a block: each byte read behind it ends the test under ASan. */
static Status digest_damaged(const uint8_t *data, size_t size, uint64_t rows)
{
    AUTO_FREE_MEMORY uint8_t *exact = size > 0 ? xmemdup(data, size) : NULL;
    Block block = {.data = exact, .size = size, .rows = rows};
    Digest digest = {0};
    Error err = {0};
    Status status = digest_add_block(&digest, ROW_TAGGED, &block, &err);

    assert_int_equal(digest.rows, status == STATUS_OK ? rows : 0);
    return status;
}

static void never_reads_behind_a_damaged_block(void **state)
{
    uint64_t seed = 11;
    unsigned refused = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        AUTO_TEXT Text text = {0};
        Digest digest = {0};
        uint64_t rows = set_random_rows(&text, &digest, &seed);
        uint8_t *data = (uint8_t *)text.data;
        size_t cut = next_random(&seed) % text.size;

        assert_int_equal(digest_damaged(data, cut, rows), STATUS_FAILED);
        for (uint64_t flips = 1 + next_random(&seed) % 4; flips > 0; flips--)
            data[next_random(&seed) % text.size] ^= (uint8_t)(1U << next_random(&seed) % 8);
        refused += digest_damaged(data, text.size, rows) == STATUS_FAILED;
    }
    assert_in_range(refused, 2000, 19999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_not_depend_on_the_order_of_rows),
        cmocka_unit_test(shows_changed_missing_and_doubled_rows),
        cmocka_unit_test(adds_parts_to_the_digest_of_the_whole),
        cmocka_unit_test(carries_from_the_low_half_to_the_high_half),
        cmocka_unit_test(survives_its_text_form),
        cmocka_unit_test(refuses_malformed_text_forms),
        cmocka_unit_test(hashes_with_published_xxh3),
        cmocka_unit_test(chooses_by_key_and_seed),
        cmocka_unit_test(adds_each_row_of_a_block),
        cmocka_unit_test(adds_each_line_of_a_text_block),
        cmocka_unit_test(refuses_a_block_with_another_number_of_rows),
        cmocka_unit_test(takes_an_empty_block),
        cmocka_unit_test(never_reads_behind_a_damaged_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
