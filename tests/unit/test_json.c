/* JSON: exact integers, honest UTF-8, forgiving reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"

static void expect_text(const Json *json, const char *expected)
{
    AUTO_FREE_MEMORY char *text = json_print(json, false);

    assert_string_equal(text, expected);
}

static void writes_every_kind_of_value(void **state)
{
    AUTO_FREE(json_free) Json *object = json_object();
    Json *list = json_array();
    (void)state;

    json_set_string(object, "text", "a\"b\n");
    json_set_string(object, "none", NULL);
    json_set_bool(object, "yes", true);
    json_set_real(object, "half", 0.5);
    json_set_real(object, "nan", (double)NAN);
    json_set_real(object, "infinite", (double)INFINITY);
    json_add_string(list, "x");
    json_add(list, json_object());
    json_set(object, "list", list);
    expect_text(object,
                "{\"text\":\"a\\\"b\\n\",\"none\":null,\"yes\":true,\"half\":0.5,\"nan\":null,"
                "\"infinite\":null,\"list\":[\"x\",{}]}");
}

static void integers_are_exact_there_and_back(void **state)
{
    AUTO_FREE(json_free) Json *object = json_object();
    AUTO_FREE(json_free) Json *back = NULL;
    AUTO_FREE_MEMORY char *text = NULL;
    Error err = {0};
    (void)state;

    json_set_integer(object, "least", INT64_MIN);
    json_set_integer(object, "most", INT64_MAX);
    json_set_unsigned(object, "beyond", UINT64_MAX);
    json_set_integer(object, "odd", INT64_C(9007199254740993)); /* 2^53 + 1 is no double */
    text = json_print(object, false);
    assert_string_equal(text, "{\"least\":-9223372036854775808,\"most\":9223372036854775807,"
                              "\"beyond\":18446744073709551615,\"odd\":9007199254740993}");
    assert_int_equal(json_parse(text, &back, &err), STATUS_OK);
    assert_true(json_get_integer(back, "least", 0) == INT64_MIN);
    assert_true(json_get_integer(back, "most", 0) == INT64_MAX);
    assert_true(json_get_unsigned(back, "beyond", 0) == UINT64_MAX);
    assert_true(json_get_integer(back, "odd", 0) == INT64_C(9007199254740993));
    assert_true(json_get_integer(object, "least", 0) == INT64_MIN);
    assert_int_equal(json_get_integer(back, "beyond", -7), -7);
    assert_int_equal(json_get_unsigned(back, "least", 7), 7);
    expect_text(back, text);
}

static void long_integers_are_found_among_other_numbers(void **state)
{
    static const char text[] = " [1, \"12345678901234567890 \\\" 77\", {\"9007199254740995\": "
                               "-9007199254740993, \"k\\\\\": [1.5e3, 9007199254740995]}, true,"
                               " 1234567890.1234567, 9007199254740997]";
    AUTO_FREE(json_free) Json *list = NULL;
    const Json *object = NULL;
    Error err = {0};
    (void)state;

    assert_int_equal(json_parse(text, &list, &err), STATUS_OK);
    object = json_at(list, 2);
    assert_int_equal(json_integer(json_at(list, 0), 0), 1);
    assert_true(json_get_integer(object, "9007199254740995", 0) == -INT64_C(9007199254740993));
    assert_int_equal(json_integer(json_at(json_get(object, "k\\"), 0), 0), 1500);
    assert_true(json_integer(json_at(json_get(object, "k\\"), 1), 0) == INT64_C(9007199254740995));
    assert_int_equal(json_integer(json_at(list, 4), -7), -7);
    assert_true(json_integer(json_at(list, 5), 0) == INT64_C(9007199254740997));
}

static void reading_falls_back_when_missing_or_of_another_type(void **state)
{
    AUTO_FREE(json_free) Json *object = NULL;
    Error err = {0};
    (void)state;

    assert_int_equal(
        json_parse("{\"s\":\"5\",\"i\":5,\"r\":5.5,\"big\":1e300,\"b\":false,\"n\":null,"
                   "\"huge\":123456789012345678901234567890}",
                   &object, &err),
        STATUS_OK);
    assert_int_equal(json_get_integer(object, "i", -1), 5);
    assert_int_equal(json_get_integer(object, "s", -1), -1);
    assert_int_equal(json_get_integer(object, "r", -1), -1);
    assert_int_equal(json_get_integer(object, "big", -1), -1);
    assert_int_equal(json_get_integer(object, "huge", -1), -1);
    assert_int_equal(json_get_unsigned(object, "huge", 3), 3);
    assert_int_equal(json_get_integer(object, "missing", -1), -1);
    assert_true(json_get_real(object, "r", 0.0) == 5.5);
    assert_true(json_get_real(object, "s", 0.25) == 0.25);
    assert_false(json_get_bool(object, "b", true));
    assert_true(json_get_bool(object, "i", true));
    assert_string_equal(json_get_string(object, "s"), "5");
    assert_null(json_get_string(object, "i"));
    assert_null(json_get_string(object, "n"));
    assert_null(json_get(object, "S"));
    assert_null(json_get(NULL, "s"));
}

static void walks_arrays_and_objects(void **state)
{
    AUTO_FREE(json_free) Json *object = NULL;
    Error err = {0};
    const Json *item = NULL;
    (void)state;

    assert_int_equal(json_parse("{\"a\":\"x\",\"b\":\"y\"}", &object, &err), STATUS_OK);
    assert_int_equal(json_count(object), 2);
    item = json_at(object, 0);
    assert_string_equal(json_key(item), "a");
    item = json_next(item);
    assert_string_equal(json_key(item), "b");
    assert_string_equal(json_string(item), "y");
    assert_null(json_next(item));
    assert_null(json_at(object, 2));
    assert_int_equal(json_count(NULL), 0);
    assert_null(json_key(NULL));
}

static void setting_again_replaces(void **state)
{
    AUTO_FREE(json_free) Json *object = json_object();
    (void)state;

    json_set_integer(object, "a", 1);
    json_set_integer(object, "b", 2);
    json_set_string(object, "a", "new");
    expect_text(object, "{\"a\":\"new\",\"b\":2}");
}

static void bad_utf8_never_reaches_the_output(void **state)
{
    AUTO_FREE(json_free) Json *object = json_object();
    (void)state;

    json_set_string(object, "k\xFF", "gr\xC3\xBC\xC3\x28\xED\xA0\x80");
    expect_text(object, "{\"k\xEF\xBF\xBD\":\"gr\xC3\xBC\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD"
                        "\xEF\xBF\xBD\"}");
}

static void malformed_text_is_refused_with_its_position(void **state)
{
    static const char *const bad[] = {"",    "{",      "[1,]",  "{\"a\":}",  "[1] x",
                                      "nul", "\"open", "[1 2]", "{\"a\" 1}", "[-]"};
    Json *json = NULL;
    Error err = {0};
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(json_parse(bad[i], &json, &err), STATUS_INVALID);
        assert_int_equal(err.kind, ERROR_FAILED);
        assert_null(json);
    }
    assert_int_equal(json_parse("[1, x]", &json, &err), STATUS_INVALID);
    assert_string_equal(err.message, "malformed JSON at byte 4 of 6");
}

static void nesting_without_end_is_refused(void **state)
{
    char deep[5001];
    Json *json = NULL;
    Error err = {0};
    (void)state;

    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(json_parse(deep, &json, &err), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_kind_of_value),
        cmocka_unit_test(integers_are_exact_there_and_back),
        cmocka_unit_test(long_integers_are_found_among_other_numbers),
        cmocka_unit_test(reading_falls_back_when_missing_or_of_another_type),
        cmocka_unit_test(walks_arrays_and_objects),
        cmocka_unit_test(setting_again_replaces),
        cmocka_unit_test(bad_utf8_never_reaches_the_output),
        cmocka_unit_test(malformed_text_is_refused_with_its_position),
        cmocka_unit_test(nesting_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
