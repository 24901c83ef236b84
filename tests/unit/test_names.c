/*
 * engine/flow/names: quoting, the names of what we make, and which names are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/names.h"

static void expect_quoted(const char *name, const char *expected)
{
    AUTO_TEXT Text text = {0};

    text_append(&text, "x ");
    quote_identifier(&text, name);
    assert_string_equal(text_string(&text) + 2, expected);
}

static void quotes_identifiers_and_doubles_inner_quotes(void **state)
{
    (void)state;
    expect_quoted("orders", "\"orders\"");
    expect_quoted("", "\"\"");
    expect_quoted("a\"b\"\"c\"", "\"a\"\"b\"\"\"\"c\"\"\"");
    expect_quoted("na\xC3\xAFve; drop", "\"na\xC3\xAFve; drop\"");
}

static void expect_name(const char *name, NameRole role, size_t max_bytes, const char *expected)
{
    AUTO_FREE_MEMORY char *made = name_for_role(name, role, "0a1b2c", max_bytes);

    assert_string_equal(made, expected);
    assert_true(name_is_ours(made));
}

static void names_what_we_make(void **state)
{
    (void)state;
    expect_name("orders", NAME_STAGING, 0, "orders_staging_0a1b2c");
    expect_name("orders", NAME_RETIRED, 63, "orders_retired_0a1b2c");
    expect_name("orders", NAME_UNDONE, 63, "orders_undone_0a1b2c");
}

static void cuts_the_base_so_that_the_whole_fits(void **state)
{
    char name[64];
    AUTO_FREE_MEMORY char *made = NULL;

    (void)state;
    memset(name, 'n', 63);
    name[63] = '\0';
    made = name_for_role(name, NAME_STAGING, "0a1b2c", 63);
    assert_int_equal(strlen(made), 63);
    assert_string_equal(made + 48, "_staging_0a1b2c");
    assert_string_not_equal(made, name);
}

static void cuts_at_a_character(void **state)
{
    (void)state;
    /* The suffix has 15 bytes; 3 are left for the base. */
    expect_name("a\xC3\xA4\xC3\xA4", NAME_STAGING, 18, "a\xC3\xA4_staging_0a1b2c");
    expect_name("ab\xC3\xA4\xC3\xA4", NAME_STAGING, 18, "ab_staging_0a1b2c");
    expect_name("\xE2\x82\xAC\xE2\x82\xAC", NAME_STAGING, 18, "\xE2\x82\xAC_staging_0a1b2c");
    expect_name("a\xE2\x82\xAC", NAME_STAGING, 18, "a_staging_0a1b2c");
}

static void keeps_names_that_just_fit(void **state)
{
    (void)state;
    expect_name("abc", NAME_STAGING, 18, "abc_staging_0a1b2c");
    expect_name("abcd", NAME_STAGING, 18, "abc_staging_0a1b2c");
}

static void tells_our_names_from_others(void **state)
{
    static const char *const others[] = {
        "",
        "orders",
        "abc123",
        "_staging_abc123",
        "orders_staging_",
        "orders_staging_abc12",
        "orders_staging_abc1234",
        "orders_staging_ABC123",
        "orders_staging_abc12g",
        "orders_staging-abc123",
        "orders-staging_abc123",
        "ordersstaging_abc123",
        "orders_STAGING_abc123",
        "orders_staged_abc123",
        "orders_staging_abc123_",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (name_is_ours(others[i]))
            fail_msg("taken for ours: %s", others[i]);
    }
    assert_true(name_is_ours("o_staging_abc123"));
    assert_true(name_is_ours("orders_staging_abc123_retired_000000"));
    assert_true(name_is_ours("orders_undone_ffffff"));
}

static void accepts_names_of_any_script(void **state)
{
    Error err = {0};

    (void)state;
    assert_int_equal(name_check("table", "orders", &err), STATUS_OK);
    assert_int_equal(name_check("table", "\xE6\xB3\xA8\xE6\x96\x87 \"x\"; --", &err), STATUS_OK);
    assert_int_equal(err.kind, ERROR_NONE);
}

static void refuses_empty_names_and_control_characters(void **state)
{
    Error err = {0};

    (void)state;
    assert_int_equal(name_check("column", "", &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_string_equal(err.message, "a column has an empty name");
    assert_int_equal(name_check("table", "or\nders\x1B[2J", &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_string_equal(err.message, "the name of table \"or\\x0aders\\x1b[2J\" holds a control "
                                     "character");
    assert_int_equal(name_check("table", "a\x7F", &err), STATUS_INVALID);
    assert_int_equal(name_check("table", "a\xC2\x9B", &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "a\\xc2\\x9b"));
}

static void makes_ids_of_run_and_attempt(void **state)
{
    char id[NAME_ID_SIZE];
    char other[NAME_ID_SIZE];

    (void)state;
    /* printf run:1 | sha256sum */
    name_id("run", 1, id);
    assert_string_equal(id, "325fb9");
    name_id("run", 2, other);
    assert_string_not_equal(id, other);
    name_id("run", 4294967295, other);
    assert_string_equal(other, "1b4625");
}

static void accepts_names_of_migrations(void **state)
{
    static const char *const good[] = {"a", "7", "prod-2026.11_20", "A.b-c_d"};
    char longest[65];
    Error err = {0};

    (void)state;
    memset(longest, 'm', 64);
    longest[64] = '\0';
    assert_int_equal(migration_name_check(longest, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(migration_name_check(good[i], &err), STATUS_OK);
}

static void refuses_other_names_of_migrations(void **state)
{
    static const char *const bad[] = {"",    ".",   "..",  "-a",       "_a", ".hidden",
                                      "a/b", "a b", "a\n", "\xC3\xA4", "a:b"};
    char too_long[66];
    Error err = {0};

    (void)state;
    memset(too_long, 'm', 65);
    too_long[65] = '\0';
    assert_int_equal(migration_name_check(too_long, &err), STATUS_INVALID);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err = (Error){0};
        if (migration_name_check(bad[i], &err) != STATUS_INVALID)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_null(strchr(err.message, '\n'));
        assert_string_not_equal(err.hint, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_identifiers_and_doubles_inner_quotes),
        cmocka_unit_test(names_what_we_make),
        cmocka_unit_test(cuts_the_base_so_that_the_whole_fits),
        cmocka_unit_test(cuts_at_a_character),
        cmocka_unit_test(keeps_names_that_just_fit),
        cmocka_unit_test(tells_our_names_from_others),
        cmocka_unit_test(accepts_names_of_any_script),
        cmocka_unit_test(refuses_empty_names_and_control_characters),
        cmocka_unit_test(makes_ids_of_run_and_attempt),
        cmocka_unit_test(accepts_names_of_migrations),
        cmocka_unit_test(refuses_other_names_of_migrations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
