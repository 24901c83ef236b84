/* The Writer: rows and their ledger row together or not at all, and values as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/flow/codec.h"
#include "tests/support/sqlite_files.h"
#include "tests/support/sqlite_migration.h"

static const char SOURCE[] = "writer_source.db";
static const char TARGET[] = "writer_target.db";

static const char small[] =
    "create table t(id integer primary key, a, b text unique on conflict replace,"
    " check (a is not 'bad'));"
    "create unique index i on t(a);"
    "create table z_auto(id integer primary key autoincrement, x);"
    "insert into t values (1, 1, 'x'), (2, 2, 'y'); insert into z_auto(x) values ('z');"
    "analyze;";

static void begin_trial(Trial *trial, const char *source)
{
    set_database(SOURCE, source);
    set_database(TARGET, "create table other(a); insert into other values (1);");
    trial_open(trial, SOURCE, TARGET, 1);
    trial_plan(trial);
    trial_claim(trial);
}

/* A count in the target where %s is the id of the trial. */
static int64_t ask(const Trial *trial, const char *before, const char *after)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql), "%s%s%s", before, trial->identity.id, after);
    return ask_integer(TARGET, sql);
}

static const Task *find_task(const Trial *trial, TaskClass task_class)
{
    for (size_t i = 0; i < trial->plan.task_count; i++) {
        if (trial->plan.tasks[i].task_class == task_class)
            return &trial->plan.tasks[i];
    }
    fail_msg("no task of class %s", task_class_name(task_class));
    return NULL;
}

static void a_task_runs_once_however_often_it_is_asked_for(void **state)
{
    (void)state;
    Trial trial;

    begin_trial(&trial, small);
    trial_stage(&trial);
    for (size_t i = 0; i < trial.plan.task_count; i++)
        trial_task(&trial, &trial.plan.tasks[i]);
    assert_int_equal(ask(&trial, "select count(*) from t_staging_", ""), 2);
    assert_int_equal(ask_integer(TARGET, "select count(*) from stopover_task"),
                     (int64_t)trial.plan.task_count);
    trial_close(&trial);
}

static void an_aborted_chunk_leaves_nothing(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_TEXT Text rows = {0};

    begin_trial(&trial, small);
    trial_task(&trial, find_task(&trial, TASK_CREATE));
    encode_row(&rows, 3);
    encode_value(&rows, &(Value){.type = VALUE_INTEGER, .integer = 5});
    encode_value(&rows, &(Value){.type = VALUE_NULL});
    encode_value(&rows, &(Value){.type = VALUE_NULL});

    const Block block = {.data = (const uint8_t *)text_string(&rows), .size = rows.size, .rows = 1};
    const Chunk *chunk = plan_chunk(&trial.plan, 1, 1);

    for (int i = 0; i < 2; i++) {
        bool is_found = true;
        ChunkResult result = {0};

        expect_status_ok(writer_begin(trial.writer, &trial.plan.catalog.tables[0], chunk, &err),
                         &err);
        expect_status_ok(writer_write(trial.writer, &block, &err), &err);
        writer_abort(trial.writer);
        writer_abort(trial.writer);
        expect_status_ok(writer_find_chunk(trial.writer, chunk, &is_found, &result, &err), &err);
        assert_false(is_found);
    }
    assert_int_equal(ask(&trial, "select count(*) from t_staging_", ""), 0);
    trial_close(&trial);
}

static void rows_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_TEXT Text rows = {0};
    const ChunkResult wrong = {.digest = {.rows = 3}};
    const uint8_t nonsense[] = {0, 3, 0};

    begin_trial(&trial, small);
    trial_task(&trial, find_task(&trial, TASK_CREATE));
    encode_row(&rows, 1);
    encode_value(&rows, &(Value){.type = VALUE_NULL});

    const Block few = {.data = (const uint8_t *)text_string(&rows), .size = rows.size, .rows = 1};
    const Block broken = {.data = nonsense, .size = sizeof(nonsense), .rows = 1};
    const Table *table = &trial.plan.catalog.tables[0];
    const Chunk *chunk = plan_chunk(&trial.plan, 1, 1);

    expect_status_ok(writer_begin(trial.writer, table, chunk, &err), &err);
    assert_int_equal(writer_write(trial.writer, &few, &err), STATUS_FAILED);
    assert_true(writer_write(trial.writer, &broken, &err) < 0);
    assert_int_equal(writer_commit(trial.writer, &wrong, &err), STATUS_FAILED); /* lost rows */
    writer_abort(trial.writer);
    trial_close(&trial);
}

static void rows_that_collide_fail_instead_of_replacing_each_other(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    AUTO_TEXT Text rows = {0};

    begin_trial(&trial, small);
    trial_task(&trial, find_task(&trial, TASK_CREATE));
    for (int64_t i = 1; i < 3; i++) {
        encode_row(&rows, 3);
        encode_value(&rows, &(Value){.type = VALUE_INTEGER, .integer = i});
        encode_value(&rows, &(Value){.type = VALUE_NULL});
        encode_value(&rows,
                     &(Value){.type = VALUE_TEXT, .data = (const uint8_t *)"secret", .size = 6});
    }

    const Block block = {.data = (const uint8_t *)text_string(&rows), .size = rows.size, .rows = 2};

    expect_status_ok(writer_begin(trial.writer, &trial.plan.catalog.tables[0],
                                  plan_chunk(&trial.plan, 1, 1), &err),
                     &err);
    assert_int_equal(writer_write(trial.writer, &block, &err), STATUS_FAILED);
    assert_non_null(strstr(err.message, "\"t\""));
    assert_null(strstr(err.message, "secret"));
    writer_abort(trial.writer);
    trial_close(&trial);
}

static void a_unique_index_over_double_rows_says_which(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    char insert[128];

    begin_trial(&trial, small);
    for (size_t i = 0; i < trial.plan.task_count; i++) {
        if (trial.plan.tasks[i].task_class == TASK_CREATE)
            trial_task(&trial, &trial.plan.tasks[i]);
    }
    (void)snprintf(insert, sizeof(insert), "insert into t_staging_%s(a) values (99), (99)",
                   trial.identity.id);
    set_sql(TARGET, insert);

    const Task *task = find_task(&trial, TASK_INDEX);

    assert_int_equal(writer_run_task(trial.writer, task, &trial.plan.catalog.tables[0], &err),
                     STATUS_FAILED);
    assert_non_null(strstr(err.message, "index i on table \"t\""));
    assert_null(strstr(err.message, "99"));
    assert_int_equal(
        ask(&trial, "select count(*) from sqlite_schema where name = 'i_staging_", "'"), 0);
    trial_close(&trial);
}

static void a_table_of_somebody_else_under_our_name_is_refused(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    char create[128];

    begin_trial(&trial, small);
    (void)snprintf(create, sizeof(create), "create table T_STAGING_%s(mine)", trial.identity.id);
    set_sql(TARGET, create);
    expect_refused(writer_run_task(trial.writer, find_task(&trial, TASK_CREATE),
                                   &trial.plan.catalog.tables[0], &err),
                   &err, "did not make");
    expect_refused(
        writer_reset_table(trial.writer, &trial.plan, &trial.plan.catalog.tables[0], &err), &err,
        "did not make");
    assert_int_equal(
        ask(&trial, "select count(*) from pragma_table_info('t_staging_", "') where name = 'mine'"),
        1);
    trial_close(&trial);
}

static void a_table_that_was_reset_is_built_again(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};

    begin_trial(&trial, small);
    trial_stage(&trial);

    AUTO_FREE_MEMORY char *staged = dump_database(TARGET);

    for (int i = 0; i < 2; i++) { /* the second time nothing is there */
        for (size_t t = 0; t < trial.plan.catalog.table_count; t++)
            expect_status_ok(
                writer_reset_table(trial.writer, &trial.plan, &trial.plan.catalog.tables[t], &err),
                &err);
    }
    assert_int_equal(ask_integer(TARGET, "select count(*) from stopover_chunk"), 0);
    assert_int_equal(ask_integer(TARGET, "select count(*) from stopover_task"), 0);
    assert_int_equal(
        ask_integer(TARGET, "select count(*) from stopover_object where role = 'staging'"), 0);
    trial_stage(&trial);
    expect_dump(TARGET, staged);
    trial_close(&trial);
}

static void a_forgotten_task_runs_again(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};

    begin_trial(&trial, small);
    trial_stage(&trial);

    const Task *task = find_task(&trial, TASK_SEQUENCE);

    set_sql(TARGET, "update sqlite_sequence set seq = 1000");
    trial_task(&trial, task);
    assert_int_equal(ask_integer(TARGET, "select seq from sqlite_sequence"), 1000);
    expect_status_ok(writer_forget_task(trial.writer, task, &err), &err);
    trial_task(&trial, task);
    assert_int_equal(ask_integer(TARGET, "select seq from sqlite_sequence"), 1);
    trial_close(&trial);
}

static void rows_that_a_check_would_refuse_today_arrive_as_they_are(void **state)
{
    (void)state;
    Trial trial;

    set_database(SOURCE, small);
    begin_trial(&trial, "pragma ignore_check_constraints = on;"
                        "create table t(a check (a > 0), b); insert into t values (-5, 'x');");
    trial_stage(&trial);
    assert_int_equal(ask(&trial, "select a from t_staging_", ""), -5);
    trial_close(&trial);
}

static void a_writer_waits_for_no_reader_for_ever(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};
    sqlite3 *reader = NULL;
    const ChunkResult none = {0};

    begin_trial(&trial, small);
    trial_task(&trial, find_task(&trial, TASK_CREATE));

    const Table *table = &trial.plan.catalog.tables[0];
    const Chunk *chunk = plan_chunk(&trial.plan, 1, 1);

    assert_int_equal(sqlite3_open(TARGET, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "begin; select * from other", NULL, NULL, NULL),
                     SQLITE_OK);
    expect_status_ok(writer_begin(trial.writer, table, chunk, &err), &err);
    assert_int_equal(writer_commit(trial.writer, &none, &err), STATUS_RETRY);
    writer_abort(trial.writer);
    assert_int_equal(sqlite3_exec(reader, "commit; begin immediate", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(writer_begin(trial.writer, table, chunk, &err), STATUS_RETRY);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    expect_status_ok(writer_begin(trial.writer, table, chunk, &err), &err);
    expect_status_ok(writer_commit(trial.writer, &none, &err), &err);
    trial_close(&trial);
}

#ifdef FAULT_POINTS
/* The caller's rule: after any failure abort, ask the ledger, and repeat what is not there. */
static Status copy_with_repeats(Trial *trial, const Chunk *chunk, bool *ret_adopted)
{
    Error err = {0};
    ChunkResult result = {0};
    const Table *table = catalog_table(&trial->plan.catalog, chunk->table_id);
    Status status = writer_begin(trial->writer, table, chunk, &err);

    if (status == STATUS_OK)
        status = writer_commit(trial->writer, &result, &err);
    if (status == STATUS_OK)
        return status;
    writer_abort(trial->writer);
    expect_status_ok(writer_find_chunk(trial->writer, chunk, ret_adopted, &result, &err), &err);
    return *ret_adopted ? STATUS_OK : status;
}

static void a_lost_acknowledgement_is_settled_by_the_ledger(void **state)
{
    (void)state;
    Trial trial;
    bool was_adopted = false;

    begin_trial(&trial, small);
    trial_task(&trial, find_task(&trial, TASK_CREATE));
    fault_arm(FAULT_LOSE, 1, "writer.commit");
    assert_int_equal(copy_with_repeats(&trial, plan_chunk(&trial.plan, 1, 1), &was_adopted),
                     STATUS_OK);
    assert_true(fault_fired());
    assert_true(was_adopted);
    fault_arm(FAULT_NONE, 0, NULL);
    trial_close(&trial);
}

/* Each of the short transactions in turn; the table is there before and after. */
static Status run_transaction(Trial *trial, size_t which, Error *err)
{
    const Table *table = &trial->plan.catalog.tables[0];
    bool ignored = false;

    switch (which) {
    case 0:
        return copy_with_repeats(trial, plan_chunk(&trial->plan, 1, 1), &ignored);
    case 1:
        return writer_run_task(trial->writer, find_task(trial, TASK_INDEX), table, err);
    case 2:
        return writer_forget_task(trial->writer, find_task(trial, TASK_INDEX), err);
    default:
        return writer_reset_table(trial->writer, &trial->plan, table, err);
    }
}

static void every_failing_point_can_be_repeated(void **state)
{
    (void)state;
    static const char *const points[] = {"writer.commit", "writer.task", "writer.forget",
                                         "writer.reset"};
    Trial trial;

    begin_trial(&trial, small);
    trial_task(&trial, find_task(&trial, TASK_CREATE));
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        Error err = {0};

        AUTO_FREE_MEMORY char *before = dump_database(TARGET);

        fault_arm(FAULT_FAIL, 1, points[i]);
        assert_int_equal(run_transaction(&trial, i, &err), STATUS_RETRY);
        assert_true(fault_fired());
        expect_dump(TARGET, before);
        fault_arm(FAULT_LOSE, 1, points[i]);
        (void)run_transaction(&trial, i, &err); /* happened, whatever it says */
        assert_true(fault_fired());
        fault_arm(FAULT_NONE, 0, NULL);

        AUTO_FREE_MEMORY char *after = dump_database(TARGET);

        assert_string_not_equal(before, after);
        if (i > 0) { /* a chunk is asked for first: it is not written twice */
            expect_status_ok(run_transaction(&trial, i, &err), &err);
            expect_dump(TARGET, after);
        }
    }
    trial_close(&trial);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_runs_once_however_often_it_is_asked_for),
        cmocka_unit_test(an_aborted_chunk_leaves_nothing),
        cmocka_unit_test(rows_that_do_not_fit_are_refused),
        cmocka_unit_test(rows_that_collide_fail_instead_of_replacing_each_other),
        cmocka_unit_test(a_unique_index_over_double_rows_says_which),
        cmocka_unit_test(a_table_of_somebody_else_under_our_name_is_refused),
        cmocka_unit_test(a_table_that_was_reset_is_built_again),
        cmocka_unit_test(a_forgotten_task_runs_again),
        cmocka_unit_test(rows_that_a_check_would_refuse_today_arrive_as_they_are),
        cmocka_unit_test(a_writer_waits_for_no_reader_for_ever),
#ifdef FAULT_POINTS
        cmocka_unit_test(a_lost_acknowledgement_is_settled_by_the_ledger),
        cmocka_unit_test(every_failing_point_can_be_repeated),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
