/*
 * The N-th fault point of a journal's life fails, kills, or loses its acknowledgement, for N = 1, 2,
 * 3 until none fires; then a life after it reads what is recorded and goes on, and both lives
 * together have done everything exactly once.
 */
#include "tests/unit/journal_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "journal/internal.h"

/* A step is done when the record says so; who goes on does only what is missing. */
static Status open_or_create(const char *directory, Journal **ret, Error *err)
{
    Status status = journal_open(directory, JOURNAL_WRITE, ret, err);

    if (status >= 0 || err->kind != ERROR_NOT_FOUND)
        return status;
    return create_journal(directory, ret, err);
}

static Status plan_it(Journal *journal, Error *err)
{
    AUTO_PLAN Plan plan = make_plan(2, 2);

    if (journal_has_plan(journal))
        return STATUS_OK;
    return journal_save_plan(journal, &plan, "snapshot 1", 1, err);
}

static Status copy_it(Journal *journal, Error *err)
{
    AUTO_PLAN Plan plan = {0};
    Recorder *recorder = journal_recorder(journal);

    TRY(journal_load_plan(journal, &plan, err));
    for (size_t i = 0; i < plan.chunk_count; i++) {
        if (plan.chunks[i].done)
            continue;
        finish_chunk(&plan.chunks[i]);
        TRY(recorder_begin(recorder, err));
        TRY(recorder_chunk_done(recorder, &plan.chunks[i], err));
        TRY(recorder_end(recorder, err));
    }
    for (size_t i = 0; i < plan.task_count; i++)
        if (!plan.tasks[i].done)
            TRY(recorder_task_done(recorder, &plan.tasks[i], err));
    return STATUS_OK;
}

static Status promote_it(Journal *journal, Error *err)
{
    if (journal_record(journal)->intent == NULL)
        TRY(journal_set_intent(journal, "promote", err));
    return journal_set_phase(journal, PHASE_PROMOTED, "live", err);
}

static Status advance(Journal *journal, Error *err)
{
    const JournalRecord *record = journal_record(journal);

    if (record->phase == PHASE_INITIAL)
        TRY(journal_set_phase(journal, PHASE_PREPARED, "ready", err));
    if (record->phase == PHASE_PREPARED) {
        TRY(plan_it(journal, err));
        TRY(copy_it(journal, err));
        TRY(journal_set_phase(journal, PHASE_STAGED, "copied", err));
    }
    if (record->phase == PHASE_STAGED)
        TRY(journal_set_phase(journal, PHASE_VERIFIED, "equal", err));
    if (record->phase == PHASE_VERIFIED)
        TRY(promote_it(journal, err));
    return STATUS_OK;
}

static Status live(const char *directory, Error *err)
{
    AUTO_FREE(journal_free) Journal *journal = NULL;

    TRY(open_or_create(directory, &journal, err));
    return advance(journal, err);
}

static Status count_phases(void *context, const Event *event, Error *err)
{
    unsigned *counts = context;
    Phase phase = PHASE_INITIAL;

    (void)err;
    if (strcmp(event->kind, "phase") == 0 && phase_parse(event->object, &phase))
        counts[phase]++;
    return STATUS_OK;
}

static void expect_done_once(const char *directory)
{
    AUTO_FREE(journal_free) Journal *journal = NULL;
    JournalProgress progress = {0};
    unsigned counts[PHASE_VERIFICATION_FAILED + 1] = {0};
    Error err = {0};

    expect_ok(journal_open(directory, JOURNAL_READ, &journal, &err));
    assert_int_equal(journal_record(journal)->phase, PHASE_PROMOTED);
    assert_null(journal_record(journal)->intent);
    expect_ok(journal_progress(journal, &progress, &err));
    assert_int_equal(progress.chunks_done, 4);
    assert_int_equal(progress.rows_done, 40);
    assert_int_equal(progress.bytes_done, 360);
    assert_int_equal(progress.tasks_done, 2);
    expect_ok(journal_events(journal, 0, count_phases, counts, &err));
    for (int phase = PHASE_INITIAL; phase <= PHASE_PROMOTED; phase++)
        assert_int_equal(counts[phase], 1);
}

static bool fails_at(FaultMode mode, unsigned nth)
{
    char *directory = make_directory();
    bool fired = false;
    Status status = STATUS_OK;
    Error err = {0};

    fault_arm(mode, nth, NULL);
    status = live(directory, &err);
    fired = fault_fired();
    if (fired != (status < 0))
        fail_msg("fault %u at %s: status %d", nth, fault_last_point(), status);
    fault_arm(FAULT_NONE, 0, NULL);
    expect_ok(live(directory, &err));
    expect_done_once(directory);
    remove_directory(directory);
    return fired;
}

static void fail_at_every_point(FaultMode mode, unsigned at_least)
{
    unsigned nth = 1;

    while (fails_at(mode, nth))
        nth++;
    assert_true(nth > at_least);
}

static void goes_on_after_any_failure(void **state)
{
    (void)state;
    fail_at_every_point(FAULT_FAIL, 12);
    fail_at_every_point(FAULT_FATAL, 12);
}

static void goes_on_after_any_lost_acknowledgement(void **state)
{
    (void)state;
    fail_at_every_point(FAULT_LOSE, 12);
}

static bool is_killed_at(unsigned nth)
{
    char *directory = make_directory();
    int outcome = 0;
    pid_t child = fork();
    Error err = {0};

    assert_true(child >= 0);
    if (child == 0) {
        fault_arm(FAULT_KILL, nth, NULL);
        _exit(live(directory, &err) < 0 ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome));
    assert_int_not_equal(WEXITSTATUS(outcome), 1);
    expect_ok(live(directory, &err));
    expect_done_once(directory);
    remove_directory(directory);
    return WEXITSTATUS(outcome) == 137;
}

static void goes_on_after_a_kill_anywhere(void **state)
{
    unsigned nth = 1;

    (void)state;
    while (is_killed_at(nth))
        nth++;
    assert_true(nth > 24);
}

static void a_lost_acknowledgement_ends_the_run(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    fault_arm(FAULT_LOSE, 1, "journal.phase");
    assert_int_equal(journal_set_phase(journal, PHASE_PREPARED, "ready", &err), STATUS_FATAL);
    assert_true(fault_fired());
    fault_arm(FAULT_NONE, 0, NULL);
    expect_ok(journal_refresh(journal, &err));
    assert_int_equal(journal_record(journal)->phase, PHASE_PREPARED);
    remove_directory(directory);
}

static void a_failed_upgrade_is_made_up_for(void **state)
{
    static const UpgradeStep step = {2, "alter table migration add column mood text"};
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    int version = 0;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    fault_arm(FAULT_FAIL, 1, "journal.upgrade");
    expect_ok(transaction_begin(journal, &err));
    assert_int_equal(
        transaction_end(journal, "journal.upgrade", journal_upgrade(journal, &step, 1, &err), &err),
        STATUS_RETRY);
    fault_arm(FAULT_NONE, 0, NULL);
    expect_ok(journal_read_version(journal, &version, &err));
    assert_int_equal(version, 1);
    expect_ok(transaction_begin(journal, &err));
    expect_ok(transaction_end(journal, "test", journal_upgrade(journal, &step, 1, &err), &err));
    expect_ok(journal_read_version(journal, &version, &err));
    assert_int_equal(version, 2);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_after_any_failure),
        cmocka_unit_test(goes_on_after_any_lost_acknowledgement),
        cmocka_unit_test(goes_on_after_a_kill_anywhere),
        cmocka_unit_test(a_lost_acknowledgement_ends_the_run),
        cmocka_unit_test(a_failed_upgrade_is_made_up_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
