/* Staging: what preflight sees, what is planned, what the check of the staged schema finds, and that
 * giving up leaves the target as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "tests/support/sqlite_files.h"
#include "tests/support/sqlite_migration.h"

static const char SOURCE[] = "stager_source.db";
static const char TARGET[] = "stager_target.db";
static const char COPY[] = "stager_copy.db";

static const char source_sql[] =
    "create table a(id integer primary key autoincrement, n unique, r references b(id));"
    "create table b(id integer primary key, t text);"
    "create index b_t on b(t);"
    "create view v as select * from a join b on b.id = a.r;"
    "create trigger t after delete on a begin select 1; end;"
    "insert into b values (1, 'x'), (2, 'y'); insert into a(n, r) values (1, 1), (2, 2), (3, 2);"
    "analyze;";

static const char target_sql[] =
    "create table other(id integer primary key, x);"
    "create table b(id integer primary key, old);"
    "insert into b values (5, 'old'); insert into other(x) values (1);";

static void set_files(void)
{
    set_database(SOURCE, source_sql);
    set_database(TARGET, target_sql);
    set_database(COPY, target_sql);
}

static void begin_trial(Trial *trial)
{
    set_files();
    trial_open(trial, SOURCE, TARGET, 1);
    trial_plan(trial);
}

/* describe() and preflight() only. */
static Status run_preflight(Trial *trial, const char *target, Error *err)
{
    static const Selection all = {0};

    trial_open(trial, SOURCE, target, 1);
    expect_status_ok(
        source_describe(trial->source, &all, &trial->plan.catalog, &trial->findings, err), err);
    return stager_preflight(trial->target->stager, &trial->identity, &trial->plan.catalog,
                            &trial->findings, err);
}

static void a_target_that_does_not_exist_is_fine_and_stays_away(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_FREE_MEMORY char *identity = NULL;
    AUTO_TEXT_LIST TextList kept = {0};

    set_files();
    assert_int_equal(unlink(TARGET), 0);
    trial_open(&trial, SOURCE, TARGET, 1);
    trial_plan(&trial);
    assert_int_equal(trial_outcome(&trial), OUTCOME_NONE);
    expect_status_ok(target_identity(trial.target, &identity, &err), &err);
    assert_null(identity);
    expect_status_ok(target_read_ledger(trial.target, &trial.identity, &(LedgerSink){0}, &err),
                     &err);
    expect_status_ok(stager_list_kept(trial.target->stager, &trial.identity, &kept, &err), &err);
    assert_int_equal(kept.count, 0);
    expect_status_ok(
        stager_drop_staging(trial.target->stager, &trial.identity, NULL, &trial.findings, &err),
        &err);
    expect_status_ok(stager_finish(trial.target->stager, &trial.identity, &trial.findings, &err),
                     &err);
    assert_int_equal(access(TARGET, F_OK), -1);
    trial_close(&trial);
}

static void looking_changes_nothing(void **state)
{
    (void)state;
    Trial trial;

    begin_trial(&trial);
    trial_close(&trial);
    expect_same_database(TARGET, COPY);
}

static void the_same_file_has_the_same_identity_on_both_sides(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_FREE_MEMORY char *of_source = NULL;
    AUTO_FREE_MEMORY char *of_target = NULL;

    set_files();
    trial_open(&trial, SOURCE, "./stager_source.db", 1);
    expect_status_ok(source_identity(trial.source, &of_source, &err), &err);
    expect_status_ok(target_identity(trial.target, &of_target, &err), &err);
    assert_string_equal(of_source, of_target);
    trial_close(&trial);
}

static void preflight_sees_a_directory_that_is_missing(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};

    set_files();
    expect_status_ok(run_preflight(&trial, "no_such_directory/target.db", &err), &err);
    expect_refusal(&trial.findings, "no_such_directory/target.db", "does not exist");
    trial_close(&trial);
}

static void preflight_refuses_a_file_that_is_no_database(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    FILE *file = fopen("stager_text.db", "w");

    set_files();
    assert_non_null(file);
    for (int i = 0; i < 100; i++)
        (void)fputs("this is no database, however long it gets\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(run_preflight(&trial, "stager_text.db", &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "stager_text.db"));
    trial_close(&trial);
    assert_int_equal(unlink("stager_text.db"), 0);
}

static void preflight_refuses_another_encoding(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};

    set_files();
    set_database(TARGET, "pragma encoding = 'UTF-16le'; create table x(a);");
    expect_status_ok(run_preflight(&trial, TARGET, &err), &err);
    expect_refusal(&trial.findings, TARGET, "UTF-16le");
    trial_close(&trial);
}

static void a_new_file_gets_the_encoding_of_the_source(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_FINDINGS Findings notes = {0};

    set_database(SOURCE, "pragma encoding = 'UTF-16be';"
                         "create table t(a text, b); create index i on t(a);"
                         "insert into t values ('ä€😀', ''), (char(65279) || 'x', 'q');");
    (void)unlink(TARGET);
    trial_run(&trial, SOURCE, TARGET, 1);
    expect_status_ok(stager_finish(trial.target->stager, &trial.identity, &notes, &err), &err);
    trial_close(&trial);
    expect_same_database(TARGET, SOURCE);
}

static void a_target_in_wal_mode_keeps_it(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_FINDINGS Findings notes = {0};

    set_files();
    set_sql(TARGET, "pragma journal_mode = wal");
    trial_run(&trial, SOURCE, TARGET, 1);
    expect_status_ok(stager_swap_back(trial.target->stager, &trial.identity, NULL, &notes, &err),
                     &err);
    expect_status_ok(stager_finish(trial.target->stager, &trial.identity, &notes, &err), &err);
    trial_close(&trial);
    assert_int_equal(ask_integer(TARGET, "select journal_mode = 'wal' from pragma_journal_mode"),
                     1);
    expect_same_database(TARGET, COPY);
}

static void the_same_catalog_gives_the_same_tasks(void **state)
{
    (void)state;
    Trial first;
    Trial second;

    begin_trial(&first);
    trial_open(&second, SOURCE, TARGET, 1);
    trial_plan(&second);
    assert_int_equal(first.plan.task_count, second.plan.task_count);
    for (size_t i = 0; i < first.plan.task_count; i++) {
        assert_int_equal(first.plan.tasks[i].id, second.plan.tasks[i].id);
        assert_string_equal(first.plan.tasks[i].name, second.plan.tasks[i].name);
        assert_string_equal(first.plan.tasks[i].statement, second.plan.tasks[i].statement);
    }
    trial_close(&second);
    trial_close(&first);
}

static void staged_structure_that_was_tampered_with_is_refused(void **state)
{
    (void)state;
    static const char *const changes[][3] = {
        {"alter table a_staging_%s add column z", "a", "table a was changed"},
        {"drop table b_staging_%s", "b", "table b is missing"},
        {"drop index b_t_staging_%s", "b", "index b_t is missing"},
        {"create index extra on b_staging_%s(id)", "b", "not in the source"},
        {"create trigger extra after insert on a_staging_%s begin select 1; end", "a",
         "not in the source"},
        {"update sqlite_sequence set seq = 17 where name = 'a_staging_%s'", "a", "AUTOINCREMENT"},
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        Trial trial;
        Error err = {0};

        begin_trial(&trial);
        trial_claim(&trial);
        trial_stage(&trial);
        expect_status_ok(stager_check_schema(trial.target->stager, &trial.identity, &trial.plan,
                                             &trial.findings, &err),
                         &err);
        assert_int_equal(findings_count(&trial.findings, FINDING_REFUSAL), 0);

        AUTO_TEXT Text change = {0};
        const char *hole = strstr(changes[i][0], "%s");

        text_append_bytes(&change, changes[i][0], (size_t)(hole - changes[i][0]));
        text_append(&change, trial.identity.id);
        text_append(&change, hole + 2);
        set_sql(TARGET, text_string(&change));
        expect_status_ok(stager_check_schema(trial.target->stager, &trial.identity, &trial.plan,
                                             &trial.findings, &err),
                         &err);
        expect_refusal(&trial.findings, changes[i][1], changes[i][2]);
        trial_close(&trial);
    }
}

static void list_kept_names_each_role(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_TEXT_LIST TextList staged = {0};
    AUTO_TEXT_LIST TextList retired = {0};
    AUTO_FREE_MEMORY char *expected = NULL;

    begin_trial(&trial);
    trial_claim(&trial);
    trial_stage(&trial);
    expect_status_ok(stager_list_kept(trial.target->stager, &trial.identity, &staged, &err), &err);
    assert_int_equal(staged.count, 2);
    expected = xasprintf("staging b_staging_%s", trial.identity.id);
    assert_true(text_list_has(&staged, expected));
    trial_promote(&trial);
    expect_status_ok(stager_list_kept(trial.target->stager, &trial.identity, &retired, &err), &err);
    assert_int_equal(retired.count, 1);
    assert_non_null(strstr(retired.items[0], "retired b_retired_"));
    trial_close(&trial);
}

static void giving_up_leaves_the_target_as_it_was(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_FINDINGS Findings notes = {0};

    begin_trial(&trial);
    trial_claim(&trial);
    trial_stage(&trial);
    writer_free(TAKE(trial.writer));
    expect_status_ok(stager_drop_staging(trial.target->stager, &trial.identity, NULL, &notes, &err),
                     &err);
    assert_int_equal(trial_outcome(&trial), OUTCOME_DROPPED);
    assert_int_equal(
        ask_integer(TARGET, "select count(*) from sqlite_schema where name like '%staging%'"), 0);
    expect_status_ok(stager_drop_staging(trial.target->stager, &trial.identity, NULL, &notes, &err),
                     &err);
    expect_status_ok(stager_finish(trial.target->stager, &trial.identity, &notes, &err), &err);
    trial_close(&trial);
    expect_same_database(TARGET, COPY);
    expect_integrity(TARGET);
}

static void finish_refuses_what_is_under_way(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_FINDINGS Findings notes = {0};

    begin_trial(&trial);
    trial_claim(&trial);
    trial_stage(&trial);
    expect_refused(stager_finish(trial.target->stager, &trial.identity, &notes, &err), &err,
                   "neither promoted nor rolled back");
    trial_promote(&trial);
    expect_refused(stager_drop_staging(trial.target->stager, &trial.identity, NULL, &notes, &err),
                   &err, "promoted");
    trial_close(&trial);
}

/* Our record alone is not enough to drop a table (I3). */
static void a_table_without_our_name_is_never_dropped(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};

    begin_trial(&trial);
    trial_claim(&trial);
    trial_stage(&trial);
    set_sql(TARGET, "update stopover_object set name = 'other' where type = 'table' "
                    "and name like 'b_staging%'");
    expect_refused(
        stager_drop_staging(trial.target->stager, &trial.identity, NULL, &trial.findings, &err),
        &err, "\"other\"");
    assert_int_equal(ask_integer(TARGET, "select count(*) from other"), 1);
    trial_close(&trial);
}

static Status count_asked(void *context, Error *err)
{
    (void)err;
    ++*(unsigned *)context;
    return STATUS_OK;
}

/* A reader is in the way of the commit: then nothing was dropped, and nothing has begun. */
static void nothing_has_begun_while_nothing_can_be_dropped(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    unsigned asked = 0;
    DropWatch watch = {.before_first = count_asked, .context = &asked};
    sqlite3 *reader = NULL;

    begin_trial(&trial);
    trial_claim(&trial);
    trial_stage(&trial);
    writer_free(TAKE(trial.writer));
    assert_int_equal(sqlite3_open(TARGET, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "begin; select * from sqlite_schema", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(
        stager_drop_staging(trial.target->stager, &trial.identity, &watch, &trial.findings, &err),
        STATUS_RETRY);
    assert_int_equal(asked, 1);
    assert_false(watch.has_begun);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    expect_status_ok(
        stager_drop_staging(trial.target->stager, &trial.identity, &watch, &trial.findings, &err),
        &err);
    assert_int_equal(asked, 2);
    assert_true(watch.has_begun);
    trial_close(&trial);
}

static void two_migrations_can_share_a_target(void **state)
{
    (void)state;
    Trial first;
    Trial second;
    Error err = {0};
    AUTO_FINDINGS Findings notes = {0};

    begin_trial(&first);
    trial_claim(&first);
    trial_stage(&first);
    set_database("stager_second.db", "create table other(id integer primary key, y);"
                                     "insert into other values (3, 4);");
    trial_open(&second, "stager_second.db", TARGET, 1);
    second.identity.run[0] = 'f';
    name_id(second.identity.run, 1, second.identity.id);
    trial_plan(&second);
    trial_claim(&second);
    trial_stage(&second);
    trial_promote(&second);
    expect_status_ok(stager_finish(second.target->stager, &second.identity, &notes, &err), &err);
    trial_close(&second);
    assert_int_equal(ask_integer(TARGET, "select y from other"), 4);
    trial_promote(&first);
    assert_int_equal(trial_outcome(&first), OUTCOME_PROMOTED);
    trial_close(&first);
}

#ifdef FAULT_POINTS
static void giving_up_survives_any_fault(void **state)
{
    (void)state;
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_LOSE};

    for (size_t i = 0; i < 2; i++) {
        bool fired = true;

        for (unsigned n = 1; fired; n++) {
            Trial trial;
            Error err = {0};
            AUTO_FINDINGS Findings notes = {0};

            begin_trial(&trial);
            trial_claim(&trial);
            trial_stage(&trial);
            fault_arm(modes[i], n, NULL);

            Status status =
                stager_drop_staging(trial.target->stager, &trial.identity, NULL, &notes, &err);

            if (status == STATUS_OK)
                status = stager_finish(trial.target->stager, &trial.identity, &notes, &err);
            fired = fault_fired();
            assert_int_equal(status, fired ? STATUS_RETRY : STATUS_OK);
            fault_arm(FAULT_NONE, 0, NULL);
            expect_status_ok(target_claim(trial.target, &trial.identity, &err), &err);
            expect_status_ok(
                stager_drop_staging(trial.target->stager, &trial.identity, NULL, &notes, &err),
                &err);
            expect_status_ok(stager_finish(trial.target->stager, &trial.identity, &notes, &err),
                             &err);
            trial_close(&trial);
            expect_same_database(TARGET, COPY);
        }
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_does_not_exist_is_fine_and_stays_away),
        cmocka_unit_test(looking_changes_nothing),
        cmocka_unit_test(the_same_file_has_the_same_identity_on_both_sides),
        cmocka_unit_test(preflight_sees_a_directory_that_is_missing),
        cmocka_unit_test(preflight_refuses_a_file_that_is_no_database),
        cmocka_unit_test(preflight_refuses_another_encoding),
        cmocka_unit_test(a_new_file_gets_the_encoding_of_the_source),
        cmocka_unit_test(a_target_in_wal_mode_keeps_it),
        cmocka_unit_test(the_same_catalog_gives_the_same_tasks),
        cmocka_unit_test(staged_structure_that_was_tampered_with_is_refused),
        cmocka_unit_test(list_kept_names_each_role),
        cmocka_unit_test(giving_up_leaves_the_target_as_it_was),
        cmocka_unit_test(finish_refuses_what_is_under_way),
        cmocka_unit_test(a_table_without_our_name_is_never_dropped),
        cmocka_unit_test(nothing_has_begun_while_nothing_can_be_dropped),
        cmocka_unit_test(two_migrations_can_share_a_target),
#ifdef FAULT_POINTS
        cmocka_unit_test(giving_up_survives_any_fault),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
