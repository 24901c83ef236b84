/* Text, lists, hex, numbers for people, and cutting UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"

static void grows_and_stays_terminated(void **state)
{
    AUTO_TEXT Text text = {0};
    (void)state;

    assert_string_equal(text_string(&text), "");
    for (int i = 0; i < 1000; i++)
        text_append_format(&text, "%03d,", i);
    assert_int_equal(text.size, 4000);
    assert_int_equal(strlen(text_string(&text)), 4000);
    assert_memory_equal(text.data + 3996, "999,", 5);
    text_clear(&text);
    assert_string_equal(text_string(&text), "");
    text_append_bytes(&text, "a\0b", 3);
    assert_int_equal(text.size, 3);
    assert_memory_equal(text.data, "a\0b", 4);
}

static void hands_its_string_over(void **state)
{
    Text text = {0};
    AUTO_FREE_MEMORY char *empty = text_take(&text);
    AUTO_FREE_MEMORY char *full = NULL;
    (void)state;

    assert_string_equal(empty, "");
    text_append(&text, "mine");
    full = text_take(&text);
    assert_string_equal(full, "mine");
    assert_null(text.data);
    assert_int_equal(text.size, 0);
}

static void replaces_only_bytes_that_are_not_utf8(void **state)
{
    static const struct {
        const char *bytes;
        const char *expected;
    } cases[] = {
        {"plain", "plain"},
        {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
        {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
        {"a\xFFz", "a\xEF\xBF\xBDz"},
        {"\xC3", "\xEF\xBF\xBD"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                                 /* overlong */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* surrogate */
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* > U+10FFFF */
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_TEXT Text text = {0};

        text_append_utf8(&text, cases[i].bytes, strlen(cases[i].bytes));
        assert_string_equal(text_string(&text), cases[i].expected);
    }
}

static void compares_bytes_by_size_and_content(void **state)
{
    Bytes a = bytes_copy("x\0y", 3);
    Bytes b = bytes_copy("x\0z", 3);
    Bytes none = bytes_copy(NULL, 0);
    (void)state;

    assert_true(bytes_equal(&a, &a));
    assert_false(bytes_equal(&a, &b));
    assert_false(bytes_equal(&a, &none));
    assert_true(bytes_equal(&none, &(Bytes){0}));
    bytes_release(&a);
    bytes_release(&b);
    bytes_release(&none);
    assert_null(a.data);
}

static void a_list_owns_copies(void **state)
{
    AUTO_TEXT_LIST TextList list = {0};
    char word[] = "first";
    (void)state;

    text_list_add(&list, word);
    word[0] = 'X';
    for (int i = 0; i < 20; i++)
        text_list_add(&list, "more");
    assert_int_equal(list.count, 21);
    assert_true(text_list_has(&list, "first"));
    assert_true(text_list_has(&list, "more"));
    assert_false(text_list_has(&list, "Xirst"));
}

static void hex_goes_there_and_back(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x7f, 0xab, 0xff};
    uint8_t back[4] = {1, 2, 3, 4};
    char hex[9];
    (void)state;

    hex_encode(bytes, sizeof(bytes), hex);
    assert_string_equal(hex, "007fabff");
    assert_true(hex_decode("007FABff", back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_false(hex_decode("007fabf", back, sizeof(back)));
    assert_false(hex_decode("007fabff0", back, sizeof(back)));
    assert_false(hex_decode("00zfabff", back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void expect_bytes(uint64_t bytes, const char *expected)
{
    char text[32];

    format_bytes(bytes, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void shows_bytes_for_people(void **state)
{
    (void)state;
    expect_bytes(0, "0 B");
    expect_bytes(999, "999 B");
    expect_bytes(1023, "1023 B");
    expect_bytes(1024, "1.0 KiB");
    expect_bytes(1024 * 1024 - 1, "1023.9 KiB");
    expect_bytes(12897485, "12.3 MiB");
    expect_bytes(UINT64_C(1) << 40, "1.0 TiB");
    expect_bytes(UINT64_MAX, "15.9 EiB");
}

static void expect_count(uint64_t count, const char *expected)
{
    char text[32];

    format_count(count, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void shows_counts_in_groups_of_three(void **state)
{
    (void)state;
    expect_count(0, "0");
    expect_count(999, "999");
    expect_count(1000, "1,000");
    expect_count(1234567, "1,234,567");
    expect_count(UINT64_MAX, "18,446,744,073,709,551,615");
}

static void expect_duration(uint64_t seconds, const char *expected)
{
    char text[32];

    format_duration(seconds, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void shows_durations_with_two_units(void **state)
{
    (void)state;
    expect_duration(0, "0s");
    expect_duration(45, "45s");
    expect_duration(125, "2m 05s");
    expect_duration(7390, "2h 03m");
    expect_duration(86399, "23h 59m");
    expect_duration(86400 * 3 + 3600 * 4, "3d 04h");
}

static void cuts_what_does_not_fit(void **state)
{
    char text[6];
    (void)state;

    format_count(1234567, text, sizeof(text));
    assert_string_equal(text, "1,234");
}

static void parses_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"4096", 4096},
                {"0", 0},
                {"512B", 512},
                {"500k", 500 * 1024},
                {"64MiB", 64 * 1024 * 1024},
                {"64mb", 64 * 1024 * 1024},
                {"1G", UINT64_C(1) << 30},
                {"15E", UINT64_C(15) << 60}};
    static const char *const bad[] = {"",    "M",   "-1",  "1.5G", "1 G",
                                      "16E", "1GG", "1Gi", "0x10", "18446744073709551616"};
    uint64_t bytes = 77;
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(parse_bytes(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    bytes = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse_bytes(bad[i], &bytes));
    assert_int_equal(bytes, 77);
}

static void parses_durations(void **state)
{
    uint64_t seconds = 0;
    (void)state;

    assert_true(parse_duration("90", &seconds));
    assert_int_equal(seconds, 90);
    assert_true(parse_duration("90s", &seconds));
    assert_int_equal(seconds, 90);
    assert_true(parse_duration("10m", &seconds));
    assert_int_equal(seconds, 600);
    assert_true(parse_duration("2h", &seconds));
    assert_int_equal(seconds, 7200);
    assert_true(parse_duration("1d", &seconds));
    assert_int_equal(seconds, 86400);
    assert_false(parse_duration("", &seconds));
    assert_false(parse_duration("10 m", &seconds));
    assert_false(parse_duration("10min", &seconds));
    assert_false(parse_duration("18446744073709551615d", &seconds));
    assert_int_equal(seconds, 86400);
}

static void parses_plain_numbers_up_to_a_limit(void **state)
{
    uint64_t value = 5;
    (void)state;

    assert_true(parse_unsigned("18446744073709551615", UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(parse_unsigned("64", 64, &value));
    assert_int_equal(value, 64);
    assert_false(parse_unsigned("65", 64, &value));
    assert_false(parse_unsigned("+6", 64, &value));
    assert_false(parse_unsigned(" 6", 64, &value));
    assert_false(parse_unsigned("6 ", 64, &value));
    assert_false(parse_unsigned("", 64, &value));
    assert_int_equal(value, 64);
}

static void cuts_between_characters(void **state)
{
    static const char text[] = "a\xC3\xBC\xF0\x9F\x98\x80z"; /* 1 + 2 + 4 + 1 bytes */
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
    (void)state;

    for (size_t max = 0; max < sizeof(expected) / sizeof(expected[0]); max++)
        assert_int_equal(utf8_cut(text, strlen(text), max), expected[max]);
    assert_int_equal(utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
}

static void finds_control_characters(void **state)
{
    (void)state;
    assert_true(has_control_characters("a\nb"));
    assert_true(has_control_characters("\033[31m"));
    assert_true(has_control_characters("a\x7F"));
    assert_true(has_control_characters("a\xC2\x9B")); /* U+009B: a terminal takes it for ESC [ */
    assert_false(has_control_characters("gr\xC3\xBC\xC3\x9F"));
    assert_false(has_control_characters("\xC2\xA0"));
    assert_false(has_control_characters(""));
}

static void matches_shell_patterns(void **state)
{
    (void)state;
    assert_true(pattern_matches("public.*", "public.orders"));
    assert_true(pattern_matches("order?", "orders"));
    assert_true(pattern_matches("[ab]*", "beta"));
    assert_true(pattern_matches("a\\*", "a*"));
    assert_false(pattern_matches("a\\*", "ab"));
    assert_false(pattern_matches("orders", "Orders"));
    assert_false(pattern_matches("order", "orders"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stays_terminated),
        cmocka_unit_test(hands_its_string_over),
        cmocka_unit_test(replaces_only_bytes_that_are_not_utf8),
        cmocka_unit_test(compares_bytes_by_size_and_content),
        cmocka_unit_test(a_list_owns_copies),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(shows_bytes_for_people),
        cmocka_unit_test(shows_counts_in_groups_of_three),
        cmocka_unit_test(shows_durations_with_two_units),
        cmocka_unit_test(cuts_what_does_not_fit),
        cmocka_unit_test(parses_sizes),
        cmocka_unit_test(parses_durations),
        cmocka_unit_test(parses_plain_numbers_up_to_a_limit),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(finds_control_characters),
        cmocka_unit_test(matches_shell_patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
