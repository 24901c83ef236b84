/*
 * compare_table() and what it promises: every kind of difference shows, equal sides never differ,
 * and the sample finds bad rows as often as its bound says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "verify/compare.h"
#include "verify/statement.h"

enum {
    ROWS = 1000,
};

/* A side as a prober would report it: rows with key i and content content[i]. */
typedef struct Side {
    uint64_t key[ROWS + 1];
    uint64_t content[ROWS + 1];
    size_t count;
} Side;

static const uint64_t seed = 42;

static Side make_side(void)
{
    Side side = {.count = ROWS};

    for (size_t i = 0; i < ROWS; i++) {
        side.key[i] = i;
        side.content[i] = i * 7;
    }
    return side;
}

static void probe(const Side *side, uint64_t modulus, const uint64_t *also, size_t also_count,
                  bool risk, ProbeResult *ret)
{
    for (size_t i = 0; i < side->count; i++) {
        uint64_t hash = key_hash(&side->key[i], sizeof(side->key[i]), seed);
        uint32_t reasons = hash % modulus == 0 ? CHOSEN_RANDOM : 0;
        Digest row = {0};

        ret->rows++;
        digest_add(&ret->keys, &side->key[i], sizeof(side->key[i]));
        digest_add(&row, &side->content[i], sizeof(side->content[i]));
        for (size_t j = 0; j < also_count; j++) {
            if (also[j] == hash)
                reasons |= CHOSEN_REQUESTED;
        }
        if (risk && (i == 0 || i + 1 == side->count))
            reasons |= CHOSEN_EDGE;
        if (reasons != 0)
            *probe_result_add(ret) = (ProbeEntry){hash, row.low, row.high, reasons};
    }
    probe_result_sort(ret);
}

static Verdict compare(VerifyLevel level, uint64_t modulus, const Side *source, const Side *target,
                       uint64_t ledger_rows)
{
    ProbeRequest request = {.level = level, .seed = seed, .modulus = modulus};
    ProbeResult left = {0};
    ProbeResult right = {0};
    Digest ledger = {.rows = ledger_rows};
    Verdict verdict = {0};
    size_t also_count = 0;

    probe(source, modulus, NULL, 0, true, &left);

    AUTO_FREE_MEMORY uint64_t *also = risk_hashes(&left, &also_count);

    probe(target, modulus, also, also_count, false, &right);
    compare_table(level, &request, &left, &ledger, &right, &verdict);
    probe_result_release(&left);
    probe_result_release(&right);
    return verdict;
}

static void expect_different(Verdict verdict)
{
    assert_false(verdict.equal);
    assert_non_null(verdict.detail);
    free(verdict.detail);
}

static void equal_sides_are_equal_at_every_level(void **state)
{
    (void)state;
    Side side = make_side();

    for (uint64_t modulus = 1; modulus < 50; modulus += 7) {
        Verdict verdict = compare(VERIFY_SAMPLE, modulus, &side, &side, ROWS);

        assert_true(verdict.equal);
        assert_null(verdict.detail);
        assert_int_equal(verdict.risk_rows, 2);
        assert_int_equal(verdict.sample_is_all, modulus == 1);
    }
    assert_true(compare(VERIFY_COUNT, 1, &side, &side, ROWS).equal);
}

static void a_missing_and_an_extra_row_show_by_count_and_by_keys(void **state)
{
    (void)state;
    Side source = make_side();
    Side target = make_side();

    target.count--;
    expect_different(compare(VERIFY_COUNT, 1, &source, &target, ROWS));
    expect_different(compare(VERIFY_SAMPLE, 1000, &source, &target, ROWS));
    target.count = ROWS + 1;
    target.key[ROWS] = ROWS;
    expect_different(compare(VERIFY_COUNT, 1, &source, &target, ROWS));
    target.count = ROWS;
    target.key[500] = ROWS + 5; /* one missing and one extra: counts agree */
    assert_true(compare(VERIFY_COUNT, 1, &source, &target, ROWS).equal);
    Verdict verdict = compare(VERIFY_SAMPLE, 1, &source, &target, ROWS);
    assert_false(verdict.keys_equal);
    assert_int_equal(verdict.missing, 1);
    assert_int_equal(verdict.extra, 1);
    expect_different(verdict);
}

static void a_doubled_row_shows(void **state)
{
    (void)state;
    Side source = make_side();
    Side target = make_side();

    target.key[17] = target.key[16]; /* one lost, another one twice: counts agree */
    target.content[17] = target.content[16];
    expect_different(compare(VERIFY_SAMPLE, 1, &source, &target, ROWS));
    expect_different(compare(VERIFY_SAMPLE, 977, &source, &target, ROWS));
}

static void a_ledger_that_counts_otherwise_shows(void **state)
{
    (void)state;
    Side side = make_side();

    expect_different(compare(VERIFY_COUNT, 1, &side, &side, ROWS - 1));
}

static void a_changed_row_in_the_sample_shows_and_is_counted(void **state)
{
    (void)state;
    Side source = make_side();
    Side target = make_side();

    target.content[321]++;
    Verdict verdict = compare(VERIFY_SAMPLE, 1, &source, &target, ROWS);
    assert_int_equal(verdict.different, 1);
    assert_int_equal(verdict.missing, 0);
    assert_true(verdict.keys_equal);
    expect_different(verdict);
}

static void a_changed_risk_row_shows_though_it_is_not_in_the_sample(void **state)
{
    (void)state;
    Side source = make_side();
    Side target = make_side();

    target.content[ROWS - 1]++;
    expect_different(compare(VERIFY_SAMPLE, UINT64_C(1) << 60, &source, &target, ROWS));
}

static void the_sample_finds_a_share_of_bad_rows_as_its_bound_says(void **state)
{
    (void)state;
    Side source = make_side();
    unsigned missed = 0;
    unsigned tries = 400;

    /* about 100 rows sampled: a share of 4.5 % bad rows may be missed once in a hundred times */
    for (unsigned trial = 0; trial < tries; trial++) {
        Side target = make_side();

        for (unsigned bad = 0; bad < 45; bad++)
            target.content[1 + (trial * 131 + bad * (7 + trial % 13) * 3) % (ROWS - 2)] +=
                trial + 1;
        Verdict verdict = compare(VERIFY_SAMPLE, 10, &source, &target, ROWS);

        missed += verdict.equal;
        free(verdict.detail);
    }
    assert_true(missed <= tries / 25);
}

static void bound_is_the_published_table(void **state)
{
    (void)state;
    /* facts: 459 rows for 1e-2, 46,050 for 1e-4, 4,605,168 for 1e-6, at 99 % */
    assert_true(fabs(sample_bound(459) - 1e-2) < 1e-4);
    assert_true(sample_bound(46050) <= 1.0001e-4);
    assert_true(sample_bound(46050) >= 0.9999e-4);
    assert_true(fabs(sample_bound(4605168) - 1e-6) < 1e-9);
    assert_true(sample_bound(0) >= 1.0);
}

static void modulus_keeps_small_tables_whole_and_large_samples_large_enough(void **state)
{
    (void)state;
    assert_int_equal(sample_modulus(0), 1);
    assert_int_equal(sample_modulus(95999), 1);
    assert_int_equal(sample_modulus(96000), 2);
    for (uint64_t rows = 96000; rows < UINT64_C(1) << 50; rows *= 3)
        assert_true(rows / sample_modulus(rows) >= SAMPLE_ROWS);
}

static void level_none_compares_nothing_and_says_so(void **state)
{
    (void)state;
    Side source = make_side();
    Side target = {0};
    Verdict verdict = compare(VERIFY_NONE, 1, &source, &target, 0);
    Verdicts verdicts = {0};
    AUTO_TEXT Text text = {0};

    assert_true(verdict.equal);
    assert_int_equal(verdict.level, VERIFY_NONE);
    verification_statement(&verdicts, VERIFY_NONE, false, &text);
    assert_non_null(strstr(text_string(&text), "not verified"));
}

static void statement_of_a_structure_says_that_there_are_no_rows(void **state)
{
    (void)state;
    __attribute__((cleanup(verdicts_release))) Verdicts verdicts = {0};
    AUTO_TEXT Text equal = {0};
    AUTO_TEXT Text different = {0};

    for (unsigned i = 0; i < 2; i++) {
        Verdict *verdict = verdicts_add(&verdicts);

        verdict->table = xasprintf("t%u", i);
        verdict->equal = true;
    }
    verification_statement(&verdicts, VERIFY_NONE, true, &equal);
    assert_string_equal(text_string(&equal), "2 tables: structure only, no rows");
    verdicts.items[1].equal = false;
    verdicts.items[1].detail = xstrdup("index \"i\" is missing");
    verification_statement(&verdicts, VERIFY_SAMPLE, true, &different);
    assert_string_equal(text_string(&different),
                        "1 of 2 tables differ: t1 (index \"i\" is missing)");
}

static void statement_names_tables_that_differ(void **state)
{
    (void)state;
    __attribute__((cleanup(verdicts_release))) Verdicts verdicts = {0};
    AUTO_TEXT Text text = {0};

    for (unsigned i = 0; i < 5; i++) {
        Verdict *verdict = verdicts_add(&verdicts);

        verdict->table = xasprintf("t%u", i);
        verdict->level = VERIFY_SAMPLE;
        verdict->equal = i == 2;
        verdict->detail = i == 2 ? NULL : xstrdup("the keys differ");
    }
    verification_statement(&verdicts, VERIFY_SAMPLE, false, &text);
    assert_non_null(strstr(text_string(&text), "4 of 5 tables differ: t0 (the keys differ), t1"));
    assert_non_null(strstr(text_string(&text), "and 1 more"));
}

static void statement_gives_the_bound_of_the_weakest_table(void **state)
{
    (void)state;
    __attribute__((cleanup(verdicts_release))) Verdicts verdicts = {0};
    AUTO_TEXT Text text = {0};

    for (unsigned i = 0; i < 3; i++) {
        Verdict *verdict = verdicts_add(&verdicts);

        verdict->table = xasprintf("t%u", i);
        verdict->level = VERIFY_SAMPLE;
        verdict->equal = true;
        verdict->source_rows = 1000000;
        verdict->sampled = i == 0 ? 46050 : 100000;
        verdict->sample_is_all = i == 2;
    }
    verification_statement(&verdicts, VERIFY_SAMPLE, false, &text);
    assert_string_equal(text_string(&text),
                        "3 tables, 3,000,000 rows: counts equal, all keys equal; 0 of 146,050 "
                        "sampled rows differ: at most 0.01 % of rows can be bad, at 99 % (1 table "
                        "was compared in full)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_sides_are_equal_at_every_level),
        cmocka_unit_test(a_missing_and_an_extra_row_show_by_count_and_by_keys),
        cmocka_unit_test(a_doubled_row_shows),
        cmocka_unit_test(a_ledger_that_counts_otherwise_shows),
        cmocka_unit_test(a_changed_row_in_the_sample_shows_and_is_counted),
        cmocka_unit_test(a_changed_risk_row_shows_though_it_is_not_in_the_sample),
        cmocka_unit_test(the_sample_finds_a_share_of_bad_rows_as_its_bound_says),
        cmocka_unit_test(bound_is_the_published_table),
        cmocka_unit_test(modulus_keeps_small_tables_whole_and_large_samples_large_enough),
        cmocka_unit_test(level_none_compares_nothing_and_says_so),
        cmocka_unit_test(statement_of_a_structure_says_that_there_are_no_rows),
        cmocka_unit_test(statement_names_tables_that_differ),
        cmocka_unit_test(statement_gives_the_bound_of_the_weakest_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
