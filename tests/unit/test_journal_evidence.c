#include "tests/unit/journal_fixture.h"

#include "journal/internal.h"

static ProbeResult make_result(uint64_t entries)
{
    ProbeResult result = {
        .rows = 12345,
        .keys = {12345, 0xfedcba9876543210U, 0x0123456789abcdefU},
        .all = {12344, UINT64_MAX, 1},
    };

    for (uint64_t i = 0; i < entries; i++)
        *probe_result_add(&result) = (ProbeEntry){
            .key_hash = i * 0x9e3779b97f4a7c15U,
            .row_low = UINT64_MAX - i,
            .row_high = i << 56,
            .reasons = CHOSEN_RANDOM | CHOSEN_NULLS | (i == 0 ? 0x80000000U : 0),
        };
    return result;
}

static void expect_result(const ProbeResult *got, const ProbeResult *expected)
{
    assert_int_equal(got->rows, expected->rows);
    assert_true(digest_equal(&got->keys, &expected->keys));
    assert_true(digest_equal(&got->all, &expected->all));
    assert_int_equal(got->entry_count, expected->entry_count);
    for (size_t i = 0; i < got->entry_count; i++) {
        assert_int_equal(got->entries[i].key_hash, expected->entries[i].key_hash);
        assert_int_equal(got->entries[i].row_low, expected->entries[i].row_low);
        assert_int_equal(got->entries[i].row_high, expected->entries[i].row_high);
        assert_int_equal(got->entries[i].reasons, expected->entries[i].reasons);
    }
}

static bool has_evidence(Journal *journal, uint32_t table_id)
{
    ProbeRequest request = {0};
    ProbeResult result = {0};
    Status status = STATUS_OK;
    Error err = {0};

    status = journal_load_evidence(journal, table_id, &request, &result, &err);
    expect_ok(status);
    probe_result_release(&result);
    return status == STATUS_OK;
}

static void record_evidence_of(Journal *journal, const Plan *plan, size_t table)
{
    ProbeRequest request = {
        .table = &plan->catalog.tables[table], .level = VERIFY_SAMPLE, .modulus = 1};
    ProbeResult result = make_result(2);
    Error err = {0};

    expect_ok(recorder_evidence(journal_recorder(journal), &request, &result, &err));
    probe_result_release(&result);
}

static void evidence_comes_back_exactly(void **state)
{
    static const uint64_t sizes[] = {0, 1, 3000};
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(3, 1);
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    for (size_t i = 0; i < 3; i++) {
        ProbeRequest given = {.table = &plan.catalog.tables[1],
                              .level = VERIFY_FULL,
                              .seed = UINT64_MAX - 5,
                              .modulus = UINT64_MAX};
        ProbeRequest found = {.chunks = plan.chunks, .chunk_count = 3, .staged = true};
        ProbeResult result = make_result(sizes[i]);
        ProbeResult stored = {0};

        expect_ok(recorder_evidence(journal_recorder(journal), &given, &result, &err));
        assert_int_equal(journal_load_evidence(journal, 2, &found, &stored, &err), STATUS_OK);
        expect_result(&stored, &result);
        assert_int_equal(found.level, VERIFY_FULL);
        assert_int_equal(found.seed, given.seed);
        assert_int_equal(found.modulus, given.modulus);
        assert_null(found.table);
        assert_ptr_equal(found.chunks, plan.chunks);
        assert_true(found.staged);
        probe_result_release(&result);
        probe_result_release(&stored);
    }
    assert_false(has_evidence(journal, 1));
    remove_directory(directory);
}

static void evidence_of_tables_that_are_copied_again_is_dropped(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(3, 1);
    JournalProgress progress = {0};
    bool drop[] = {false, true, false};
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    for (size_t i = 0; i < 3; i++)
        record_evidence_of(journal, &plan, i);
    expect_ok(journal_save_done(journal, &plan, drop, &err));
    expect_ok(journal_progress(journal, &progress, &err));
    assert_int_equal(progress.evidence_tables, 2);
    assert_true(has_evidence(journal, 1));
    assert_false(has_evidence(journal, 2));
    assert_true(has_evidence(journal, 3));
    remove_directory(directory);
}

/* Table 1 is copied and the same, 2 is not wholly copied, 3 has another shape, 4 is gone. */
static void a_renewed_plan_keeps_only_evidence_that_still_holds(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(4, 2);
    AUTO_PLAN Plan renewed = make_plan(3, 2);
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    for (size_t i = 0; i < 4; i++)
        record_evidence_of(journal, &plan, i);
    for (size_t i = 0; i < renewed.chunk_count; i++)
        if (i != 3)
            finish_chunk(&renewed.chunks[i]);
    (void)snprintf(renewed.catalog.tables[2].fingerprint, 65, "another");
    expect_ok(journal_save_plan(journal, &renewed, "snapshot 2", 2, &err));
    assert_true(has_evidence(journal, 1));
    assert_false(has_evidence(journal, 2));
    assert_false(has_evidence(journal, 3));
    assert_false(has_evidence(journal, 4));
    remove_directory(directory);
}

static void a_new_attempt_has_no_evidence(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(1, 1);
    Error err = {0};

    (void)state;
    finish_chunk(&plan.chunks[0]);
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    record_evidence_of(journal, &plan, 0);
    expect_ok(journal_set_phase(journal, PHASE_ROLLED_BACK, "taken back", &err));
    assert_true(has_evidence(journal, 1));
    expect_ok(journal_begin_attempt(journal, &err));
    assert_false(has_evidence(journal, 1));
    remove_directory(directory);
}

static void damaged_evidence_is_refused(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(1, 1);
    ProbeRequest request = {0};
    ProbeResult result = {0};
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    record_evidence_of(journal, &plan, 0);
    expect_failure(journal_execute(journal, "update evidence set seed = 'short'", "test", &err),
                   ERROR_FAILED);
    expect_ok(
        journal_execute(journal, "update evidence set seed = '0123456789abcdeX'", "test", &err));
    expect_failure(journal_load_evidence(journal, 1, &request, &result, &err), ERROR_REFUSED);
    assert_null(result.entries);
    remove_directory(directory);
}

/* ---- groups ---- */

static uint64_t count_done(Journal *journal)
{
    JournalProgress progress = {0};
    Error err = {0};

    expect_ok(journal_progress(journal, &progress, &err));
    return progress.chunks_done + progress.tasks_done + progress.evidence_tables;
}

static void a_group_counts_when_it_is_ended(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(1, 3);
    Recorder *recorder = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    recorder = journal_recorder(journal);
    expect_ok(recorder_begin(recorder, &err));
    expect_ok(recorder_chunk_done(recorder, &plan.chunks[0], &err));
    expect_ok(recorder_task_done(recorder, &plan.tasks[0], &err));
    record_evidence_of(journal, &plan, 0);
    expect_ok(recorder_end(recorder, &err));
    expect_ok(recorder_begin(recorder, &err));
    expect_ok(recorder_chunk_done(recorder, &plan.chunks[1], &err));
    journal_free(TAKE(journal)); /* as a kill before end() */
    expect_ok(journal_open(directory, JOURNAL_WRITE, &journal, &err));
    assert_int_equal(count_done(journal), 3);
    remove_directory(directory);
}

static void a_group_with_a_failed_record_counts_for_nothing(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(1, 2);
    Recorder *recorder = NULL;
    Chunk unknown = {.table_id = 1, .number = 77};
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    recorder = journal_recorder(journal);
    expect_ok(recorder_begin(recorder, &err));
    expect_ok(recorder_chunk_done(recorder, &plan.chunks[0], &err));
    assert_int_equal(recorder_chunk_done(recorder, &unknown, &err), STATUS_FATAL);
    expect_words(err.message, "plans no chunk 1/77");
    expect_failure(recorder_chunk_done(recorder, &plan.chunks[1], &err), ERROR_FAILED);
    expect_failure(recorder_end(recorder, &err), ERROR_FAILED);
    assert_int_equal(count_done(journal), 0);
    expect_ok(recorder_begin(recorder, &err));
    expect_ok(recorder_chunk_done(recorder, &plan.chunks[0], &err));
    expect_ok(recorder_end(recorder, &err));
    assert_int_equal(count_done(journal), 1);
    remove_directory(directory);
}

/* A run that gives up after a failed record does not end its group. */
static void after_a_broken_group_the_journal_can_be_written(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(1, 1);
    Recorder *recorder = NULL;
    Task unknown = {.id = 9};
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    recorder = journal_recorder(journal);
    expect_ok(recorder_begin(recorder, &err));
    assert_int_equal(recorder_task_done(recorder, &unknown, &err), STATUS_FATAL);
    expect_ok(journal_add_event(journal, "error", NULL, err.message, &err));
    expect_ok(journal_set_epoch(journal, 2, &err));
    journal_free(TAKE(journal));
    expect_ok(journal_open(directory, JOURNAL_READ, &journal, &err));
    assert_int_equal(journal_record(journal)->identity.epoch, 2);
    remove_directory(directory);
}

/* ---- verdicts ---- */

static void add_verdict(Verdicts *verdicts, const char *table, const char *detail)
{
    Verdict *verdict = verdicts_add(verdicts);

    verdict->table_id = (uint32_t)verdicts->count;
    verdict->table = xstrdup(table);
    verdict->level = VERIFY_SAMPLE;
    verdict->source_rows = 100;
    verdict->ledger_rows = 101;
    verdict->target_rows = 102;
    verdict->keys_compared = true;
    verdict->sampled = 50;
    verdict->sample_is_all = verdicts->count == 2;
    verdict->risk_rows = 7;
    verdict->missing = 1;
    verdict->extra = 2;
    verdict->different = 3;
    verdict->equal = detail == NULL;
    verdict->keys_equal = detail == NULL;
    verdict->detail = xstrdup(detail);
}

static void expect_verdict(const Verdict *got, const Verdict *expected)
{
    assert_int_equal(got->table_id, expected->table_id);
    assert_string_equal(got->table, expected->table);
    assert_int_equal(got->level, expected->level);
    assert_int_equal(got->source_rows, expected->source_rows);
    assert_int_equal(got->ledger_rows, expected->ledger_rows);
    assert_int_equal(got->target_rows, expected->target_rows);
    assert_int_equal(got->keys_compared, expected->keys_compared);
    assert_int_equal(got->keys_equal, expected->keys_equal);
    assert_int_equal(got->sampled, expected->sampled);
    assert_int_equal(got->sample_is_all, expected->sample_is_all);
    assert_int_equal(got->risk_rows, expected->risk_rows);
    assert_int_equal(got->missing, expected->missing);
    assert_int_equal(got->extra, expected->extra);
    assert_int_equal(got->different, expected->different);
    assert_int_equal(got->equal, expected->equal);
    if (expected->detail == NULL)
        assert_null(got->detail);
    else
        assert_string_equal(got->detail, expected->detail);
}

static void verdicts_are_replaced_as_a_whole(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Verdicts first = {0};
    Verdicts second = {0};
    Verdicts stored = {0};
    Error err = {0};

    (void)state;
    add_verdict(&first, "orders", NULL);
    add_verdict(&first, "naïve \"☃\"", "2 rows differ");
    add_verdict(&first, "items", "");
    add_verdict(&second, "orders", "1 row is missing");
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(journal_load_verdicts(journal, &stored, &err));
    assert_int_equal(stored.count, 0);
    expect_ok(journal_save_verdicts(journal, &first, &err));
    expect_ok(journal_load_verdicts(journal, &stored, &err));
    assert_int_equal(stored.count, 3);
    for (size_t i = 0; i < 3; i++)
        expect_verdict(&stored.items[i], &first.items[i]);
    expect_ok(journal_save_verdicts(journal, &second, &err));
    expect_ok(journal_load_verdicts(journal, &stored, &err));
    assert_int_equal(stored.count, 1);
    expect_verdict(&stored.items[0], &second.items[0]);
    verdicts_release(&first);
    verdicts_release(&second);
    verdicts_release(&stored);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_comes_back_exactly),
        cmocka_unit_test(evidence_of_tables_that_are_copied_again_is_dropped),
        cmocka_unit_test(a_renewed_plan_keeps_only_evidence_that_still_holds),
        cmocka_unit_test(a_new_attempt_has_no_evidence),
        cmocka_unit_test(damaged_evidence_is_refused),
        cmocka_unit_test(a_group_counts_when_it_is_ended),
        cmocka_unit_test(a_group_with_a_failed_record_counts_for_nothing),
        cmocka_unit_test(after_a_broken_group_the_journal_can_be_written),
        cmocka_unit_test(verdicts_are_replaced_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
