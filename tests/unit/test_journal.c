#include "tests/unit/journal_fixture.h"

#include "journal/internal.h"

static void a_new_journal_says_what_was_given(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    const JournalRecord *record = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    record = journal_record(journal);
    assert_string_equal(record->identity.migration, "shop");
    assert_int_equal(strlen(record->identity.run), 32);
    assert_int_equal(strlen(record->identity.id), 6);
    assert_int_equal(record->identity.attempt, 1);
    assert_int_equal(record->identity.epoch, 0);
    assert_int_equal(record->phase, PHASE_INITIAL);
    assert_false(record->finished);
    assert_string_equal(record->source_given, "sqlite:/data/a.db");
    assert_string_equal(record->source_display, "sqlite:/data/a.db");
    assert_string_equal(record->target_given, "sqlite:/data/b.db");
    assert_string_equal(record->tool_version, "0.1.0");
    assert_true(record->created_us > 0);
    assert_int_equal(record->level, VERIFY_SAMPLE);
    assert_null(record->snapshot_token);
    assert_null(record->intent);
    assert_null(record->backup_name);
    assert_null(record->catalog_fingerprint);
    assert_false(journal_has_plan(journal));
    remove_directory(directory);
}

/* Everything that one line of a record can show of it. */
static char *describe(const JournalRecord *record)
{
    return xasprintf("%s %s %u %lu %s %d %s %s %s %s %ld %s %s %ld %lx %d %s %s %s",
                     record->identity.migration, record->identity.run, record->identity.attempt,
                     record->identity.epoch, phase_name(record->phase), record->finished,
                     record->source_given, record->source_display, record->target_given,
                     record->target_display, record->created_us, record->tool_version,
                     record->snapshot_token, record->snapshot_us, record->seed, (int)record->level,
                     record->backup_name, record->intent, record->catalog_fingerprint);
}

static void set_everything(Journal *journal)
{
    AUTO_PLAN Plan plan = make_plan(2, 3);
    Error err = {0};

    expect_ok(journal_set_phase(journal, PHASE_PREPARED, "ready", &err));
    expect_ok(journal_save_plan(journal, &plan, "other \"token\"", 18, &err));
    expect_ok(journal_set_phase(journal, PHASE_STAGED, "copied", &err));
    expect_ok(journal_set_phase(journal, PHASE_VERIFIED, NULL, &err));
    expect_ok(journal_set_epoch(journal, 7, &err));
    expect_ok(journal_set_level(journal, VERIFY_FULL, &err));
    expect_ok(journal_set_backup(journal, "before-1", &err));
    expect_ok(journal_set_catalog_fingerprint(journal, "abc", &err));
    expect_ok(journal_set_intent(journal, "promote", &err));
}

static void what_is_set_is_there_after_opening_again(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_FREE_MEMORY char *before = NULL;
    AUTO_FREE_MEMORY char *after = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    set_everything(journal);
    before = describe(journal_record(journal));
    journal_free(TAKE(journal));
    expect_ok(journal_open(directory, JOURNAL_READ, &journal, &err));
    after = describe(journal_record(journal));
    assert_string_equal(after, before);
    assert_int_equal(journal_record(journal)->identity.epoch, 7);
    assert_int_equal(journal_record(journal)->level, VERIFY_FULL);
    assert_string_equal(journal_record(journal)->intent, "promote");
    assert_string_equal(journal_record(journal)->snapshot_token, "other \"token\"");
    assert_true(journal_has_plan(journal));
    remove_directory(directory);
}

static void a_phase_clears_the_intent(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    set_everything(journal);
    expect_ok(journal_set_phase(journal, PHASE_PROMOTED, "live", &err));
    assert_null(journal_record(journal)->intent);
    expect_ok(journal_set_intent(journal, "finish", &err));
    expect_ok(journal_set_intent(journal, NULL, &err));
    assert_null(journal_record(journal)->intent);
    expect_ok(journal_set_intent(journal, "finish", &err));
    expect_ok(journal_set_finished(journal, "dropped 3 tables", &err));
    assert_null(journal_record(journal)->intent);
    assert_true(journal_record(journal)->finished);
    remove_directory(directory);
}

static void a_new_attempt_starts_clean_and_keeps_the_events(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_FREE_MEMORY char *run = NULL;
    JournalProgress progress = {0};
    char id[NAME_ID_SIZE];
    uint64_t seed = 0;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    set_everything(journal);
    seed = journal_record(journal)->seed;
    run = xstrdup(journal_record(journal)->identity.run);
    memcpy(id, journal_record(journal)->identity.id, sizeof(id));
    expect_ok(journal_set_phase(journal, PHASE_ROLLED_BACK, "taken back", &err));
    expect_ok(journal_set_finished(journal, "dropped", &err));
    expect_ok(journal_begin_attempt(journal, &err));
    assert_int_equal(journal_record(journal)->phase, PHASE_INITIAL);
    assert_int_equal(journal_record(journal)->identity.attempt, 2);
    assert_string_equal(journal_record(journal)->identity.run, run);
    assert_string_not_equal(journal_record(journal)->identity.id, id);
    assert_true(journal_record(journal)->seed != seed);
    assert_null(journal_record(journal)->snapshot_token);
    assert_null(journal_record(journal)->catalog_fingerprint);
    assert_false(journal_record(journal)->finished);
    assert_false(journal_has_plan(journal));
    expect_ok(journal_progress(journal, &progress, &err));
    assert_int_equal(progress.tables + progress.chunks + progress.tasks, 0);
    remove_directory(directory);
}

static void options_are_kept_the_last_one_wins(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    assert_null(journal_option(journal, "jobs"));
    expect_ok(journal_set_option(journal, "jobs", "4", &err));
    expect_ok(journal_set_option(journal, "table", "", &err));
    expect_ok(journal_set_option(journal, "jobs", "8", &err));
    expect_ok(journal_set_option(journal, "max-rate", "1MiB", &err));
    expect_ok(journal_set_option(journal, "max-rate", NULL, &err));
    expect_ok(journal_set_option(journal, "never", NULL, &err));
    journal_free(TAKE(journal));
    expect_ok(journal_open(directory, JOURNAL_WRITE, &journal, &err));
    assert_string_equal(journal_option(journal, "jobs"), "8");
    assert_string_equal(journal_option(journal, "table"), "");
    assert_null(journal_option(journal, "max-rate"));
    remove_directory(directory);
}

typedef struct Seen {
    size_t count;
    int64_t last;
    Text kinds;
    char message[64];
} Seen;

static Status see_event(void *context, const Event *event, Error *err)
{
    Seen *seen = context;

    (void)err;
    assert_true(event->sequence > seen->last);
    seen->last = event->sequence;
    seen->count++;
    if (seen->count < 10)
        text_append_format(&seen->kinds, "%s(%s) ", event->kind,
                           event->object != NULL ? event->object : "-");
    (void)snprintf(seen->message, sizeof(seen->message), "%s", event->message);
    return STATUS_OK;
}

static void events_tell_the_story_in_order(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Seen all = {0};
    Seen some = {0};
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(journal_set_epoch(journal, 3, &err));
    expect_ok(journal_set_phase(journal, PHASE_PREPARED, "ready", &err));
    for (int i = 0; i < 700; i++) {
        AUTO_FREE_MEMORY char *message = xasprintf("note %d", i);

        expect_ok(journal_add_event(journal, "note", i == 0 ? NULL : "orders", message, &err));
    }
    expect_ok(journal_events(journal, 0, see_event, &all, &err));
    assert_int_equal(all.count, 703);
    expect_words(text_string(&all.kinds), "phase(initial) claim(-) phase(prepared) note(-) note(");
    assert_string_equal(all.message, "note 699");
    expect_ok(journal_events(journal, 3, see_event, &some, &err));
    assert_int_equal(some.count, 3);
    assert_string_equal(some.message, "note 699");
    text_release(&all.kinds);
    text_release(&some.kinds);
    remove_directory(directory);
}

static Status stop_at_event(void *context, const Event *event, Error *err)
{
    (void)context;
    (void)event;
    return error_set(err, STATUS_FAILED, "the pager was closed");
}

static void a_sink_that_fails_ends_the_reading(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    assert_int_equal(journal_events(journal, 0, stop_at_event, NULL, &err), STATUS_FAILED);
    assert_string_equal(err.message, "the pager was closed");
    expect_ok(journal_add_event(journal, "note", NULL, "it can still be written", &err));
    remove_directory(directory);
}

static void events_can_only_be_appended(void **state)
{
    static const char *const attempts[] = {
        "update event set message = 'never happened'",
        "delete from event",
        "insert or replace into event values (1, 1, 1, 1, 'note', null, 'never happened')",
    };
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        expect_failure(journal_execute(journal, attempts[i], "write to", &err), ERROR_FAILED);
        expect_words(err.message, "append-only");
    }
    remove_directory(directory);
}

static void a_secret_in_an_address_is_not_recorded(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_FREE(uri_free) Uri *source = NULL;
    AUTO_FREE(uri_free) Uri *target = NULL;
    AUTO_FREE_MEMORY char *path = xasprintf("%s/journal.db", directory);
    AUTO_TEXT Text content = {0};
    Error err = {0};

    (void)state;
    assert_int_equal(setenv("TARGET_OF_TEST", "postgresql://u:hunter2@h/d", 1), 0);
    expect_ok(uri_parse("postgresql://u:hunter2@h/d", &source, &err));
    expect_ok(uri_parse("env:TARGET_OF_TEST", &target, &err));
    assert_int_equal(unsetenv("TARGET_OF_TEST"), 0);
    free(source->given); /* what a later uri_parse() might leave in it */
    source->given = xstrdup("postgresql://u:hunter2@h/d");
    expect_ok(journal_create(directory, "shop", source, target, "0.1.0", &journal, &err));
    assert_string_equal(journal_record(journal)->source_given, source->display);
    assert_string_equal(journal_record(journal)->target_given, "env:TARGET_OF_TEST");
    journal_free(TAKE(journal));
    expect_ok(file_read(path, 1 << 24, &content, &err));
    assert_null(memmem(content.data, content.size, "hunter2", 7));
    remove_directory(directory);
}

static void a_number_that_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_failure(journal_set_epoch(journal, UINT64_MAX, &err), ERROR_FAILED);
    expect_words(err.message, "too large");
    assert_int_equal(journal_record(journal)->identity.epoch, 0);
    expect_ok(journal_set_epoch(journal, INT64_MAX, &err));
    assert_int_equal(journal_record(journal)->identity.epoch, INT64_MAX);
    remove_directory(directory);
}

static void the_invariants_of_the_state_are_seen(void **state)
{
    JournalState good = {.record = {.phase = PHASE_INITIAL, .identity.attempt = 1}};
    JournalState bad = good;

    (void)state;
    assert_null(state_defect(&good));
    bad.has_plan = true;
    assert_non_null(state_defect(&bad));
    bad.record.phase = PHASE_STAGED;
    assert_null(state_defect(&bad));
    bad.has_plan = false;
    assert_non_null(state_defect(&bad));
    bad.has_plan = true;
    bad.record.finished = true;
    assert_non_null(state_defect(&bad));
    bad.record.phase = PHASE_PROMOTED;
    assert_null(state_defect(&bad));
    bad.record.intent = (char[]){"finish"};
    assert_non_null(state_defect(&bad));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_journal_says_what_was_given),
        cmocka_unit_test(what_is_set_is_there_after_opening_again),
        cmocka_unit_test(a_phase_clears_the_intent),
        cmocka_unit_test(a_new_attempt_starts_clean_and_keeps_the_events),
        cmocka_unit_test(options_are_kept_the_last_one_wins),
        cmocka_unit_test(events_tell_the_story_in_order),
        cmocka_unit_test(a_sink_that_fails_ends_the_reading),
        cmocka_unit_test(events_can_only_be_appended),
        cmocka_unit_test(a_secret_in_an_address_is_not_recorded),
        cmocka_unit_test(a_number_that_does_not_fit_is_refused_and_changes_nothing),
        cmocka_unit_test(the_invariants_of_the_state_are_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
