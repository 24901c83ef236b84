#include "tests/unit/journal_fixture.h"

#include "backup/label.h"
#include "engine/base/clock.h"

#define STARTED_US (INT64_C(1795185065) * 1000000) /* 2026-11-20T14:31:05Z */

static void expect_label(const char *text, uint64_t sequence, bool is_partial)
{
    Label label = {0};

    assert_true(label_parse(text, &label));
    assert_int_equal(label.started_us, STARTED_US);
    assert_int_equal(label.sequence, sequence);
    assert_int_equal(label.is_partial, is_partial);
}

static void a_label_reads_back(void **state)
{
    AUTO_FREE_MEMORY char *small = label_make(STARTED_US, 42, "pre-promote");
    AUTO_FREE_MEMORY char *large = label_make(STARTED_US + 999999, 1234567, "a");

    (void)state;
    assert_string_equal(small, "20261120T143105Z-0042-pre-promote");
    assert_string_equal(large, "20261120T143105Z-1234567-a");
    expect_label(small, 42, false);
    expect_label(large, 1234567, false);
    expect_label("20261120T143105Z-0042-pre-promote.partial", 42, true);
    expect_label("20261120T143105Z-0042-v1.2_x", 42, false);
}

static void what_is_not_ours_is_no_label(void **state)
{
    static const char *const others[] = {
        "",
        ".partial",
        "lost+found",
        "20261120T143105Z",
        "20261120T143105Z-",
        "20261120T143105Z-0042",
        "20261120T143105Z-0042-",
        "20261120T143105Z-0042-.partial",
        "20261120T143105Z-0042--x",
        "20261120T143105Z-0042-a b",
        "20261120T143105Z-0042-a/b",
        "20261120T143105Z-042-a",
        "20261120T143105Z-0000-a",
        "20261120T143105Z-00042-a",
        "20261120T143105Z-12345678901234567890-a",
        "20261120T143105Z-0x42-a",
        "20261320T143105Z-0042-a",
        "20261131T143105Z-0042-a",
        "20261120T243105Z-0042-a",
        "2026112T143105Z-0042-ab",
        "20261120 143105Z-0042-a",
        "20261120T143105Z 0042-a",
    };
    Label label;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (label_parse(others[i], &label))
            fail_msg("\"%s\" is taken for a label", others[i]);
}

static void names_that_mean_something_else_are_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "..",
                                        ".x",
                                        "-x",
                                        "a/b",
                                        "a b",
                                        "a\nb",
                                        "latest",
                                        "\xe4\xb8\xad",
                                        "latest-failed",
                                        "x.partial",
                                        "20261120T143105Z-0042-pre-promote"};
    Error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        expect_failure(backup_name_check(wrong[i], &err), ERROR_USAGE);
        assert_true(err.hint[0] != '\0');
    }
    expect_ok(backup_name_check("pre-promote", &err));
    expect_ok(backup_name_check("shop_20261120T143105Z", &err));
    expect_ok(backup_name_check("latest.1", &err));
}

static void expect_slug(const char *text, const char *expected)
{
    AUTO_FREE_MEMORY char *slug = backup_slug(text);
    Error err = {0};

    assert_string_equal(slug, expected);
    expect_ok(backup_name_check(slug, &err));
}

static void whatever_a_database_is_called_its_backup_gets_a_name(void **state)
{
    AUTO_FREE_MEMORY char *name = backup_made_name("my shop", STARTED_US);
    AUTO_FREE_MEMORY char *label = NULL;
    Label parsed;

    (void)state;
    assert_string_equal(name, "my_shop_20261120T143105Z");
    expect_slug("appdb", "appdb");
    expect_slug("", "x");
    expect_slug("my.partial", "my_partial");
    expect_slug(".partial", "x_partial");
    expect_slug(".hidden", "x.hidden");
    expect_slug("\xe4\xb8\xad\n/..", "x_____..");
    expect_slug("0123456789012345678901234567890123456789abc",
                "0123456789012345678901234567890123456789");
    expect_slug("-123456789012345678901234567890123456789",
                "x-12345678901234567890123456789012345678");
    label = label_make(STARTED_US, 1, name);
    assert_true(label_parse(label, &parsed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_reads_back),
        cmocka_unit_test(what_is_not_ours_is_no_label),
        cmocka_unit_test(names_that_mean_something_else_are_refused),
        cmocka_unit_test(whatever_a_database_is_called_its_backup_gets_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
