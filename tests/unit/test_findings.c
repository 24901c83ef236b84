/*
 * engine/flow/findings: what is collected, counted and turned into a refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/flow/findings.h"

static void collects_what_is_found(void **state)
{
    AUTO_FINDINGS Findings findings = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        findings_add(&findings, FINDING_NOTE, "table t", NULL, "note %d of %s", i, "many");
    findings_add(&findings, FINDING_WARNING, NULL, "Look at it.", "odd");
    assert_int_equal(findings.count, 21);
    assert_string_equal(findings.items[19].message, "note 19 of many");
    assert_string_equal(findings.items[19].object, "table t");
    assert_null(findings.items[19].remedy);
    assert_null(findings.items[20].object);
    assert_string_equal(findings.items[20].remedy, "Look at it.");
    assert_int_equal(findings_count(&findings, FINDING_NOTE), 20);
    assert_int_equal(findings_count(&findings, FINDING_WARNING), 1);
    assert_int_equal(findings_count(&findings, FINDING_REFUSAL), 0);
}

static void does_not_refuse_for_warnings_and_notes(void **state)
{
    AUTO_FINDINGS Findings findings = {0};
    Error err = {0};

    (void)state;
    assert_int_equal(findings_refuse(&findings, &err), STATUS_OK);
    findings_add(&findings, FINDING_WARNING, NULL, NULL, "odd");
    findings_add(&findings, FINDING_NOTE, NULL, NULL, "so");
    assert_int_equal(findings_refuse(&findings, &err), STATUS_OK);
    assert_int_equal(err.kind, ERROR_NONE);
}

static void refuses_with_the_first_refusal_and_how_many_more(void **state)
{
    AUTO_FINDINGS Findings findings = {0};
    Error err = {0};

    (void)state;
    findings_add(&findings, FINDING_NOTE, NULL, NULL, "so");
    findings_add(&findings, FINDING_REFUSAL, "table %s", "Leave out 100 % of it.", "is virtual");
    assert_int_equal(findings_refuse(&findings, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_string_equal(err.message, "table %s: is virtual");
    assert_string_equal(err.hint, "Leave out 100 % of it.");
    findings_add(&findings, FINDING_REFUSAL, NULL, NULL, "another");
    findings_add(&findings, FINDING_REFUSAL, NULL, NULL, "one more");
    assert_int_equal(findings_refuse(&findings, &err), STATUS_INVALID);
    assert_string_equal(err.message, "table %s: is virtual (and 2 more)");
}

static void says_how_many_more_behind_a_very_long_message(void **state)
{
    AUTO_FINDINGS Findings findings = {0};
    Error err = {0};

    (void)state;
    findings_add(&findings, FINDING_REFUSAL, NULL, NULL, "%0900d", 1);
    findings_add(&findings, FINDING_REFUSAL, NULL, NULL, "another");
    assert_int_equal(findings_refuse(&findings, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, " (and 1 more)"));
    assert_string_equal(err.hint, "");
}

static void is_empty_and_usable_after_release(void **state)
{
    AUTO_FINDINGS Findings findings = {0};

    (void)state;
    findings_add(&findings, FINDING_REFUSAL, "a", "b", "c");
    findings_release(&findings);
    assert_int_equal(findings.count, 0);
    findings_add(&findings, FINDING_NOTE, NULL, NULL, "d");
    assert_int_equal(findings_count(&findings, FINDING_REFUSAL), 0);
}

static void names_severities_for_people(void **state)
{
    (void)state;
    assert_string_equal(severity_name(FINDING_REFUSAL), "refused");
    assert_string_equal(severity_name(FINDING_WARNING), "warning");
    assert_string_equal(severity_name(FINDING_NOTE), "note");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collects_what_is_found),
        cmocka_unit_test(does_not_refuse_for_warnings_and_notes),
        cmocka_unit_test(refuses_with_the_first_refusal_and_how_many_more),
        cmocka_unit_test(says_how_many_more_behind_a_very_long_message),
        cmocka_unit_test(is_empty_and_usable_after_release),
        cmocka_unit_test(names_severities_for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
