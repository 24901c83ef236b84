#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/phase.h"

enum {
    PHASES = PHASE_VERIFICATION_FAILED + 1,
};

static void a_phase_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < PHASES; i++) {
        Phase phase = i == 0 ? PHASE_PREPARED : PHASE_INITIAL;

        assert_true(phase_parse(phase_name((Phase)i), &phase));
        assert_int_equal(phase, i);
    }
    assert_string_equal(phase_name(PHASE_VERIFICATION_FAILED), "verification_failed");
    assert_string_equal(phase_name(PHASE_ROLLED_BACK), "rolled_back");
}

static void what_is_no_phase_is_not_parsed(void **state)
{
    Phase phase = PHASE_STAGED;

    (void)state;
    assert_false(phase_parse("", &phase));
    assert_false(phase_parse("Staged", &phase));
    assert_false(phase_parse("staged ", &phase));
    assert_int_equal(phase, PHASE_STAGED);
    assert_string_equal(phase_name((Phase)PHASES), "unknown");
}

static void every_phase_but_rolled_back_can_be_rolled_back(void **state)
{
    (void)state;
    for (int i = 0; i < PHASES; i++)
        assert_int_equal(phase_may_follow((Phase)i, PHASE_ROLLED_BACK), i != PHASE_ROLLED_BACK);
}

static void only_a_verified_migration_can_be_promoted(void **state)
{
    (void)state;
    for (int i = 0; i < PHASES; i++)
        assert_int_equal(phase_may_follow((Phase)i, PHASE_PROMOTED), i == PHASE_VERIFIED);
}

static void only_a_rolled_back_migration_starts_again(void **state)
{
    (void)state;
    for (int i = 0; i < PHASES; i++)
        assert_int_equal(phase_may_follow((Phase)i, PHASE_INITIAL), i == PHASE_ROLLED_BACK);
}

static void nothing_is_verified_without_being_staged(void **state)
{
    (void)state;
    assert_true(phase_may_follow(PHASE_STAGED, PHASE_VERIFIED));
    assert_true(phase_may_follow(PHASE_STAGED, PHASE_VERIFICATION_FAILED));
    assert_false(phase_may_follow(PHASE_INITIAL, PHASE_VERIFIED));
    assert_false(phase_may_follow(PHASE_PREPARED, PHASE_VERIFIED));
    assert_false(phase_may_follow(PHASE_PREPARED, PHASE_VERIFICATION_FAILED));
    assert_false(phase_may_follow(PHASE_INITIAL, PHASE_STAGED));
}

static void verification_can_be_repeated_and_a_failed_one_staged_again(void **state)
{
    (void)state;
    assert_true(phase_may_follow(PHASE_VERIFIED, PHASE_VERIFICATION_FAILED));
    assert_true(phase_may_follow(PHASE_VERIFICATION_FAILED, PHASE_VERIFIED));
    assert_true(phase_may_follow(PHASE_VERIFICATION_FAILED, PHASE_PREPARED));
    assert_true(phase_may_follow(PHASE_VERIFICATION_FAILED, PHASE_STAGED));
    assert_false(phase_may_follow(PHASE_PROMOTED, PHASE_PREPARED));
    assert_false(phase_may_follow(PHASE_PROMOTED, PHASE_VERIFICATION_FAILED));
}

static void what_is_no_phase_follows_nothing(void **state)
{
    (void)state;
    assert_false(phase_may_follow((Phase)PHASES, PHASE_ROLLED_BACK));
    assert_false(phase_may_follow(PHASE_INITIAL, (Phase)PHASES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_phase_is_found_by_its_name),
        cmocka_unit_test(what_is_no_phase_is_not_parsed),
        cmocka_unit_test(every_phase_but_rolled_back_can_be_rolled_back),
        cmocka_unit_test(only_a_verified_migration_can_be_promoted),
        cmocka_unit_test(only_a_rolled_back_migration_starts_again),
        cmocka_unit_test(nothing_is_verified_without_being_staged),
        cmocka_unit_test(verification_can_be_repeated_and_a_failed_one_staged_again),
        cmocka_unit_test(what_is_no_phase_follows_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
