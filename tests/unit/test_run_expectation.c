/*
 * Expectation: how a copy learns what its estimates are worth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/run/expectation.h"

enum {
    CHUNKS = 100,
    ESTIMATE = 1000,
};

static void set_plan(Plan *plan)
{
    for (uint32_t i = 1; i <= CHUNKS; i++)
        *plan_add_chunk(plan) =
            (Chunk){.table_id = 1, .number = i, .byte_estimate = ESTIMATE, .bytes = 0};
}

static void end_chunk(Expectation *expectation, Chunk *chunk, uint64_t bytes)
{
    chunk->done = true;
    chunk->bytes = bytes;
    expectation_learn(expectation, chunk);
}

static void begins_with_the_estimates(void **state)
{
    AUTO_PLAN Plan plan = {0};
    Expectation expectation;
    (void)state;

    set_plan(&plan);
    expectation = expectation_of(&plan);
    assert_int_equal(expectation_bytes(&expectation), CHUNKS * ESTIMATE);
}

static void comes_near_the_truth_soon_and_is_exact_at_the_end(void **state)
{
    static const uint64_t truths[] = {100, 400, 1000, 5000};
    (void)state;

    for (size_t t = 0; t < sizeof(truths) / sizeof(truths[0]); t++) {
        AUTO_PLAN Plan plan = {0};
        Expectation expectation;
        uint64_t truth = CHUNKS * truths[t];

        set_plan(&plan);
        expectation = expectation_of(&plan);
        for (size_t i = 0; i < CHUNKS; i++) {
            uint64_t moved = (i + 1) * truths[t];

            end_chunk(&expectation, &plan.chunks[i], truths[t]);
            assert_true(expectation_bytes(&expectation) >= moved);
            if (i >= CHUNKS / 2)
                assert_in_range(expectation_bytes(&expectation), truth * 9 / 10, truth * 11 / 10);
        }
        assert_int_equal(expectation_bytes(&expectation), truth);
        expectation = expectation_of(&plan); /* as a resumed run begins */
        assert_int_equal(expectation_bytes(&expectation), truth);
    }
}

static void one_odd_chunk_is_no_rule(void **state)
{
    AUTO_PLAN Plan plan = {0};
    Expectation expectation;
    (void)state;

    set_plan(&plan);
    expectation = expectation_of(&plan);
    end_chunk(&expectation, &plan.chunks[0], 0); /* an empty one */
    assert_in_range(expectation_bytes(&expectation), CHUNKS * ESTIMATE / 3, CHUNKS * ESTIMATE);
}

static void expects_nothing_where_nothing_was_estimated(void **state)
{
    AUTO_PLAN Plan plan = {0};
    Expectation expectation;
    (void)state;

    set_plan(&plan);
    for (size_t i = 0; i < CHUNKS; i++)
        plan.chunks[i].byte_estimate = 0;
    expectation = expectation_of(&plan);
    end_chunk(&expectation, &plan.chunks[0], 5);
    assert_int_equal(expectation_bytes(&expectation), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_the_estimates),
        cmocka_unit_test(comes_near_the_truth_soon_and_is_exact_at_the_end),
        cmocka_unit_test(one_odd_chunk_is_no_rule),
        cmocka_unit_test(expects_nothing_where_nothing_was_estimated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
