/*
 * engine/flow/prober: results that do not depend on how they were gathered, and count equal rows.
 * Also the small free functions of source, target and stager.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/flow/prober.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"

#define AUTO_RESULT __attribute__((cleanup(probe_result_release)))

static void set_entry(ProbeResult *result, uint64_t key_hash, uint64_t row, uint32_t reasons)
{
    ProbeEntry *entry = probe_result_add(result);

    *entry =
        (ProbeEntry){.key_hash = key_hash, .row_low = row, .row_high = row + 1, .reasons = reasons};
}

static void expect_entry(const ProbeResult *result, size_t at, uint64_t key_hash, uint64_t row,
                         uint32_t reasons)
{
    assert_true(at < result->entry_count);
    assert_int_equal(result->entries[at].key_hash, key_hash);
    assert_int_equal(result->entries[at].row_low, row);
    assert_int_equal(result->entries[at].row_high, row + 1);
    assert_int_equal(result->entries[at].reasons, reasons);
}

static void sorts_by_key_hash_then_row_hash(void **state)
{
    AUTO_RESULT ProbeResult result = {0};

    (void)state;
    set_entry(&result, UINT64_MAX, 1, CHOSEN_RANDOM);
    set_entry(&result, 5, 9, CHOSEN_RANDOM);
    set_entry(&result, 5, 2, CHOSEN_RANDOM);
    set_entry(&result, 0, 7, CHOSEN_EDGE);
    set_entry(&result, 5, 9, CHOSEN_RANDOM);
    result.entries[4].row_high = 3;
    probe_result_sort(&result);
    assert_int_equal(result.entry_count, 5);
    expect_entry(&result, 0, 0, 7, CHOSEN_EDGE);
    expect_entry(&result, 1, 5, 2, CHOSEN_RANDOM);
    assert_int_equal(result.entries[2].row_high, 3);
    expect_entry(&result, 3, 5, 9, CHOSEN_RANDOM);
    expect_entry(&result, 4, UINT64_MAX, 1, CHOSEN_RANDOM);
}

static void merges_the_reasons_for_one_row(void **state)
{
    AUTO_RESULT ProbeResult result = {0};

    (void)state;
    set_entry(&result, 1, 1, CHOSEN_LONGEST);
    set_entry(&result, 2, 2, CHOSEN_RANDOM);
    set_entry(&result, 1, 1, CHOSEN_RANDOM);
    set_entry(&result, 1, 1, CHOSEN_EDGE | CHOSEN_NULLS);
    probe_result_sort(&result);
    assert_int_equal(result.entry_count, 2);
    expect_entry(&result, 0, 1, 1, CHOSEN_RANDOM | CHOSEN_EDGE | CHOSEN_LONGEST | CHOSEN_NULLS);
    expect_entry(&result, 1, 2, 2, CHOSEN_RANDOM);
}

static void keeps_equal_rows_chosen_by_hash_apart(void **state)
{
    AUTO_RESULT ProbeResult result = {0};

    (void)state;
    set_entry(&result, 1, 1, CHOSEN_RANDOM);
    set_entry(&result, 1, 1, CHOSEN_RANDOM);
    set_entry(&result, 1, 1, CHOSEN_LONGEST);
    set_entry(&result, 1, 1, CHOSEN_RANDOM);
    set_entry(&result, 3, 3, CHOSEN_REQUESTED);
    set_entry(&result, 3, 3, CHOSEN_REQUESTED);
    probe_result_sort(&result);
    assert_int_equal(result.entry_count, 5);
    expect_entry(&result, 0, 1, 1, CHOSEN_RANDOM | CHOSEN_LONGEST);
    expect_entry(&result, 1, 1, 1, CHOSEN_RANDOM);
    expect_entry(&result, 2, 1, 1, CHOSEN_RANDOM);
    expect_entry(&result, 3, 3, 3, CHOSEN_REQUESTED);
    expect_entry(&result, 4, 3, 3, CHOSEN_REQUESTED);
}

static void counts_a_row_once_that_is_both_random_and_requested(void **state)
{
    AUTO_RESULT ProbeResult together = {0};
    AUTO_RESULT ProbeResult apart = {0};

    (void)state;
    for (int row = 0; row < 2; row++) {
        set_entry(&together, 1, 1, CHOSEN_RANDOM | CHOSEN_REQUESTED);
        set_entry(&apart, 1, 1, CHOSEN_RANDOM);
        set_entry(&apart, 1, 1, CHOSEN_REQUESTED);
    }
    probe_result_sort(&together);
    probe_result_sort(&apart);
    assert_int_equal(together.entry_count, 2);
    assert_int_equal(apart.entry_count, 2);
    for (size_t i = 0; i < 2; i++) {
        expect_entry(&together, i, 1, 1, CHOSEN_RANDOM | CHOSEN_REQUESTED);
        expect_entry(&apart, i, 1, 1, CHOSEN_RANDOM | CHOSEN_REQUESTED);
    }
}

static void counts_the_only_row_of_a_chunk_once(void **state)
{
    AUTO_RESULT ProbeResult result = {0};

    /* It is the first and the last one: an edge twice. */
    (void)state;
    set_entry(&result, 1, 1, CHOSEN_EDGE);
    set_entry(&result, 1, 1, CHOSEN_EDGE);
    probe_result_sort(&result);
    assert_int_equal(result.entry_count, 1);
    expect_entry(&result, 0, 1, 1, CHOSEN_EDGE);
}

static void keeps_different_rows_of_one_key_hash_apart(void **state)
{
    AUTO_RESULT ProbeResult result = {0};

    (void)state;
    set_entry(&result, 1, 8, CHOSEN_EDGE);
    set_entry(&result, 1, 7, CHOSEN_LONGEST);
    probe_result_sort(&result);
    assert_int_equal(result.entry_count, 2);
    expect_entry(&result, 0, 1, 7, CHOSEN_LONGEST);
    expect_entry(&result, 1, 1, 8, CHOSEN_EDGE);
}

static void leaves_no_trace_of_the_order_of_adding(void **state)
{
    static const struct {
        uint64_t key;
        uint32_t reasons;
    } entries[] = {
        {1, CHOSEN_RANDOM},  {1, CHOSEN_RANDOM | CHOSEN_NULLS},
        {1, CHOSEN_EDGE},    {2, CHOSEN_EDGE},
        {2, CHOSEN_LONGEST}, {3, CHOSEN_RANDOM},
        {3, CHOSEN_RANDOM},
    };
    size_t count = sizeof(entries) / sizeof(entries[0]);

    (void)state;
    for (size_t first = 0; first < count; first++) {
        AUTO_RESULT ProbeResult result = {0};

        for (size_t i = 0; i < count; i++) {
            size_t at = (first + i * 3) % count;

            set_entry(&result, entries[at].key, entries[at].key, entries[at].reasons);
        }
        probe_result_sort(&result);
        probe_result_sort(&result); /* changes nothing more */
        assert_int_equal(result.entry_count, 5);
        expect_entry(&result, 0, 1, 1, CHOSEN_RANDOM | CHOSEN_EDGE | CHOSEN_NULLS);
        expect_entry(&result, 1, 1, 1, CHOSEN_RANDOM);
        expect_entry(&result, 2, 2, 2, CHOSEN_EDGE | CHOSEN_LONGEST);
        expect_entry(&result, 3, 3, 3, CHOSEN_RANDOM);
        expect_entry(&result, 4, 3, 3, CHOSEN_RANDOM);
    }
}

static void sorts_nothing_without_complaint(void **state)
{
    AUTO_RESULT ProbeResult result = {0};

    (void)state;
    probe_result_sort(&result);
    assert_int_equal(result.entry_count, 0);
}

static void names_and_reads_levels(void **state)
{
    (void)state;
    for (VerifyLevel level = VERIFY_NONE; level <= VERIFY_FULL; level++) {
        VerifyLevel back = VERIFY_NONE;

        assert_true(verify_level_parse(verify_level_name(level), &back));
        assert_int_equal(back, level);
    }
    VerifyLevel untouched = VERIFY_COUNT;

    assert_false(verify_level_parse("Full", &untouched));
    assert_false(verify_level_parse("", &untouched));
    assert_false(verify_level_parse("unknown", &untouched));
    assert_int_equal(untouched, VERIFY_COUNT);
}

static unsigned freed;

static void count_source(Source *source)
{
    (void)source;
    freed++;
}

static void count_reader(Reader *reader)
{
    (void)reader;
    freed++;
}

static void count_target(Target *target)
{
    (void)target;
    freed++;
}

static void count_writer(Writer *writer)
{
    (void)writer;
    freed++;
}

static void count_prober(Prober *prober)
{
    (void)prober;
    freed++;
}

static void frees_by_the_ops_and_accepts_null(void **state)
{
    static const SourceOps source_ops = {.free = count_source};
    static const ReaderOps reader_ops = {.free = count_reader};
    static const TargetOps target_ops = {.free = count_target};
    static const WriterOps writer_ops = {.free = count_writer};
    static const ProberOps prober_ops = {.free = count_prober};
    Source source = {.ops = &source_ops};
    Reader reader = {.ops = &reader_ops};
    Target target = {.ops = &target_ops};
    Writer writer = {.ops = &writer_ops};
    Prober prober = {.ops = &prober_ops};

    (void)state;
    freed = 0;
    source_free(NULL);
    reader_free(NULL);
    target_free(NULL);
    writer_free(NULL);
    prober_free(NULL);
    assert_int_equal(freed, 0);
    source_free(&source);
    reader_free(&reader);
    target_free(&target);
    writer_free(&writer);
    prober_free(&prober);
    assert_int_equal(freed, 5);
}

static void releases_a_snapshot_twice(void **state)
{
    Snapshot snapshot = {.token = xstrdup("token"), .taken_us = 1};

    (void)state;
    snapshot_release(&snapshot);
    assert_null(snapshot.token);
    snapshot_release(&snapshot);
}

static void names_every_outcome_differently(void **state)
{
    (void)state;
    for (Outcome a = OUTCOME_NONE; a <= OUTCOME_FINISHED; a++) {
        assert_string_not_equal(outcome_name(a), "unknown");
        for (Outcome b = OUTCOME_NONE; b < a; b++)
            assert_string_not_equal(outcome_name(a), outcome_name(b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_by_key_hash_then_row_hash),
        cmocka_unit_test(merges_the_reasons_for_one_row),
        cmocka_unit_test(keeps_equal_rows_chosen_by_hash_apart),
        cmocka_unit_test(counts_a_row_once_that_is_both_random_and_requested),
        cmocka_unit_test(counts_the_only_row_of_a_chunk_once),
        cmocka_unit_test(keeps_different_rows_of_one_key_hash_apart),
        cmocka_unit_test(leaves_no_trace_of_the_order_of_adding),
        cmocka_unit_test(sorts_nothing_without_complaint),
        cmocka_unit_test(names_and_reads_levels),
        cmocka_unit_test(frees_by_the_ops_and_accepts_null),
        cmocka_unit_test(releases_a_snapshot_twice),
        cmocka_unit_test(names_every_outcome_differently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
