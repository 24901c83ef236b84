/* The Writer of a PostgreSQL target: rows and their ledger row together or not at all. */
#include "tests/unit/postgres_target_fixture.h"

#include <pthread.h>
#include <unistd.h>

#include "engine/base/stop.h"
#include "engine/connect/postgres/writer.h"

static void a_chunk_arrives_with_its_ledger_row(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    trial_begin(&trial, 2, CREATE_T);
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "1\ta\n2\tb\n");
    copy_rows_in(&trial, 1, 2, "3\t\\N\n");
    expect_answer(&trial, "select string_agg(id || coalesce(name, '-'), ' ' order by id) from %s.t",
                  "1a 2b 3-");
    expect_answer(&trial,
                  "select string_agg(number || ':' || rows || ':' || bytes, ' ') from"
                  " stopover.chunk",
                  "1:2:8 2:1:5");
    trial_close(&trial);
}

typedef struct Seen {
    uint64_t chunks;
    uint64_t rows;
    uint64_t tasks;
} Seen;

static Status see_chunk(void *context, uint32_t table_id, uint32_t number,
                        const ChunkResult *result, Error *err)
{
    Seen *seen = context;

    (void)err;
    seen->chunks += table_id * 100 + number;
    seen->rows += result->digest.rows;
    return STATUS_OK;
}

static Status see_task(void *context, uint32_t task_id, Error *err)
{
    Seen *seen = context;

    (void)err;
    seen->tasks += task_id;
    return STATUS_OK;
}

static Seen read_seen(Trial *trial)
{
    Error err = {0};
    Seen seen = {0};
    const LedgerSink sink = {.context = &seen, .chunk = see_chunk, .task = see_task};

    expect_ok(target_read_ledger(trial->target, &trial->identity, &sink, &err));
    return seen;
}

static void the_ledger_tells_what_is_there(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    bool found = false;
    ChunkResult result = {0};

    trial_begin(&trial, 2, CREATE_T);
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 2, "3\tx\n4\ty\n");

    Seen seen = read_seen(&trial);

    assert_int_equal(seen.chunks, 102);
    assert_int_equal(seen.rows, 2);
    assert_int_equal(seen.tasks, 3);
    expect_ok(
        writer_find_chunk(trial.writer, plan_chunk(&trial.plan, 1, 1), &found, &result, &err));
    assert_false(found);
    expect_ok(
        writer_find_chunk(trial.writer, plan_chunk(&trial.plan, 1, 2), &found, &result, &err));
    assert_true(found);
    assert_int_equal(result.digest.rows, 2);
    assert_int_equal(result.bytes, 8);
    trial_close(&trial);
}

static void rows_in_binary_arrive_too(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    const uint8_t row[] = {0, 2, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 2, 'h', 'i'};
    const Block block = {.data = row, .size = sizeof(row), .rows = 1};
    ChunkResult result = {.bytes = sizeof(row)};

    trial_begin(&trial, 1, CREATE_T);
    run_tasks(&trial, 1, 2);

    Table *table = catalog_table(&trial.plan.catalog, 1);

    table->format = ROW_PG_BINARY;
    expect_ok(digest_add_block(&result.digest, ROW_PG_BINARY, &block, &err));
    expect_ok(writer_begin(trial.writer, table, plan_chunk(&trial.plan, 1, 1), &err));
    expect_ok(writer_write(trial.writer, &block, &err));
    expect_ok(writer_commit(trial.writer, &result, &err));
    expect_answer(&trial, "select id || name from %s.t", "7hi");
    trial_close(&trial);
}

static void generated_columns_are_left_to_the_target(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    trial_begin(&trial, 1,
                "create table %s.t (id integer generated always as identity,"
                " twice integer generated always as (id * 2) stored, name text)");
    table_add_column(catalog_table(&trial.plan.catalog, 1))->name = xstrdup("twice");
    catalog_table(&trial.plan.catalog, 1)->columns[2].is_generated = true;
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "21\tx\n");
    expect_answer(&trial, "select twice from %s.t", "42");
    trial_close(&trial);
}

/* Visible to all in the page's own words: every row has the bits of a frozen one. */
static void one_chunk_of_a_whole_table_arrives_frozen(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    static const char frozen[] = "select count(*) filter (where t_infomask & 768 = 768) from"
                                 " heap_page_items(get_raw_page('%s.t', 0))";

    trial_begin(&trial, 1, CREATE_T);
    tell(&trial, "create extension pageinspect");
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "1\ta\n2\tb\n");
    expect_answer(&trial, frozen, "2");
    trial_close(&trial);
    trial_begin(&trial, 2, CREATE_T);
    tell(&trial, "create extension pageinspect");
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "1\ta\n2\tb\n");
    expect_answer(&trial, frozen, "0"); /* that question can be answered with no */
    trial_close(&trial);
}

static void a_table_with_heirs_keeps_their_rows(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Table *partitioned = NULL;

    trial_begin(&trial, 1, CREATE_T);
    (void)add_task(&trial, TASK_CREATE, 1, "heir", "create table %s.heir () inherits (%s.t)");
    partitioned = add_table(&trial, "p", "id name", 'p');
    add_chunks(&trial, partitioned->id, 1);
    (void)add_task(&trial, TASK_CREATE, 2, "table p",
                   "create table %s.p (id integer, name text) partition by hash (id);"
                   "create table %s.p1 partition of %s.p for values with (modulus 1, remainder 0)");
    run_tasks(&trial, 1, 4);
    tell(&trial, "insert into %s.heir values (5, 'heir')");
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    expect_answer(&trial, "select count(*) from %s.t", "2");
    copy_rows_in(&trial, 2, 1, "1\ta\n");
    expect_answer(&trial, "select count(*) from %s.p1", "1");
    trial_close(&trial);
}

static void a_chunk_that_has_arrived_is_not_written_twice(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    const Chunk *chunk = NULL;

    trial_begin(&trial, 2, CREATE_T);
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    chunk = plan_chunk(&trial.plan, 1, 1);
    assert_int_equal(writer_begin(trial.writer, table_of(&trial, 1), chunk, &err), STATUS_RETRY);
    writer_abort(trial.writer);
    expect_answer(&trial, "select count(*) from %s.t", "1");
    trial_close(&trial);
}

static void an_aborted_chunk_leaves_nothing(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    const Block block = {.data = (const uint8_t *)"1\ta\n", .size = 4, .rows = 1};
    const Chunk *chunk = NULL;

    trial_begin(&trial, 2, CREATE_T);
    run_tasks(&trial, 1, 2);
    chunk = plan_chunk(&trial.plan, 1, 1);
    expect_ok(writer_begin(trial.writer, table_of(&trial, 1), chunk, &err));
    expect_ok(writer_write(trial.writer, &block, &err));
    writer_abort(trial.writer);
    writer_abort(trial.writer);
    expect_answer(&trial,
                  "select (select count(*) from %s.t) + (select count(*) from"
                  " stopover.chunk)",
                  "0");
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    trial_close(&trial);
}

/* A trigger that is not ours swallows a row: COPY does not count it. */
static void rows_that_the_server_did_not_take_are_noticed(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};

    trial_begin(&trial, 2, CREATE_T);
    run_tasks(&trial, 1, 2);
    tell(&trial, "create function f() returns trigger language plpgsql as"
                 " 'begin if new.id = 2 then return null; end if; return new; end';"
                 "create trigger swallows before insert on %s.t"
                 " for each row execute function f()");
    assert_int_equal(copy_chunk_once(&trial, plan_chunk(&trial.plan, 1, 1), "1\ta\n2\tb\n", &err),
                     STATUS_FATAL);
    assert_non_null(strstr(err.message, "2 rows were sent"));
    expect_answer(&trial,
                  "select (select count(*) from %s.t) + (select count(*) from"
                  " stopover.chunk)",
                  "0");
    trial_close(&trial);
}

static void a_table_that_we_did_not_make_takes_no_rows(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};

    trial_begin(&trial, 1, CREATE_T);
    run_tasks(&trial, 1, 1);
    tell(&trial, "create table %s.t (id integer, name text); insert into %s.t values (1, 'mine')");
    expect_failure(copy_chunk_once(&trial, plan_chunk(&trial.plan, 1, 1), "2\tb\n", &err),
                   ERROR_REFUSED, "did not make");
    expect_failure(writer_reset_table(trial.writer, &trial.plan, table_of(&trial, 1), &err),
                   ERROR_REFUSED, "did not make");
    expect_answer(&trial, "select name from %s.t", "mine");
    trial_close(&trial);
}

static void a_task_runs_once_however_often_it_is_asked_for(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    trial_begin(&trial, 1, CREATE_T);
    run_tasks(&trial, 1, 2);
    run_tasks(&trial, 1, 2);
    expect_answer(&trial, "select count(*) from stopover.task", "2");
    trial_close(&trial);
}

static void a_failed_task_leaves_nothing_and_says_why(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};

    trial_begin(&trial, 2, CREATE_T);
    (void)add_task(&trial, TASK_INDEX, 1, "index u", "create unique index u on %s.t (name)");
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "1\tsecret\n2\tsecret\n");
    assert_int_equal(run_one(&trial, 3, &err), STATUS_FAILED);
    assert_string_equal(err.sqlstate, "23505");
    assert_null(strstr(err.message, "secret"));
    expect_answer(&trial, "select count(*) from stopover.task where task_id = 3", "0");
    tell(&trial, "delete from %s.t where id = 2");
    expect_ok(run_one(&trial, 3, &err));
    trial_close(&trial);
}

static void what_a_task_makes_is_recorded(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    trial_begin(&trial, 1, "create table %s.t (id integer primary key check (id > 0), name text)");
    tell(&trial, "create table live (id integer primary key)");
    (void)add_task(&trial, TASK_INDEX, 1, "index i", "create index i on %s.t (name)");
    (void)add_task(&trial, TASK_FOREIGN_KEY, 1, "foreign key f",
                   "alter table %s.t add constraint f foreign key (id) references public.live;"
                   "comment on table public.live is 'changed, not made'");
    (void)add_task(&trial, TASK_TRIGGER, 1, "trigger g",
                   "create trigger g before update on %s.t for each row execute function"
                   " suppress_redundant_updates_trigger()");
    (void)add_task(&trial, TASK_CREATE, 0, "function h",
                   "create function %s.h() returns integer language sql as 'select 1';"
                   "create extension pageinspect schema public");
    run_tasks(&trial, 1, 6);
    expect_answer(&trial,
                  "select string_agg(kind || '=' || task, ' ' order by task, kind collate"
                  " \"C\") from stopover.object where kind not like 'type%'",
                  "schema=1 index=2 table=2 table constraint=2 table constraint=2 index=3"
                  " table constraint=4 trigger=5 extension=6 function=6");
    expect_answer(&trial, "select count(*) from stopover.object where name like '%live%'", "0");
    trial_close(&trial);
}

static void a_forgotten_task_runs_again(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};

    trial_begin(&trial, 1, CREATE_T);
    (void)add_task(&trial, TASK_CREATE, 0, "sequence s", "create sequence %s.s");
    (void)add_task(&trial, TASK_SEQUENCE, 0, "value of s",
                   "select pg_catalog.setval('%s.s', 42, true)");
    run_tasks(&trial, 1, 4);
    tell(&trial, "select setval('%s.s', 7)");
    run_tasks(&trial, 4, 4);
    expect_answer(&trial, "select last_value from %s.s", "7");
    expect_ok(writer_forget_task(trial.writer, plan_task(&trial.plan, 4), &err));
    run_tasks(&trial, 4, 4);
    expect_answer(&trial, "select last_value from %s.s", "42");
    trial_close(&trial);
}

static void a_writer_of_an_older_epoch_changes_nothing(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    const Table *table = NULL;

    trial_begin(&trial, 2, CREATE_T);
    (void)add_task(&trial, TASK_INDEX, 1, "index i", "create index i on %s.t (name)");
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    table = table_of(&trial, 1);
    tell(&trial, "update stopover.run set epoch = epoch + 1");
    expect_failure(copy_chunk_once(&trial, plan_chunk(&trial.plan, 1, 2), "2\tb\n", &err),
                   ERROR_LOCKED, "taken over");
    expect_failure(run_one(&trial, 3, &err), ERROR_LOCKED, "taken over");
    expect_failure(writer_reset_table(trial.writer, &trial.plan, table, &err), ERROR_LOCKED,
                   "taken over");
    expect_failure(writer_forget_task(trial.writer, plan_task(&trial.plan, 2), &err), ERROR_LOCKED,
                   "taken over");
    expect_answer(&trial,
                  "select (select count(*) from %s.t) || ' ' || (select count(*) from"
                  " stopover.chunk) || ' ' || (select count(*) from stopover.task)",
                  "1 1 2");
    trial_close(&trial);
}

static void *stop_soon(void *context)
{
    (void)context;
    (void)usleep(100000);
    stop_request();
    return NULL;
}

static void a_wish_to_stop_ends_a_long_task(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    pthread_t thread;

    trial_begin(&trial, 1, CREATE_T);
    (void)add_task(&trial, TASK_INDEX, 1, "index slow", "select pg_catalog.pg_sleep(60)");
    run_tasks(&trial, 1, 2);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
    assert_int_equal(run_one(&trial, 3, &err), STATUS_STOPPED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    stop_reset();
    expect_answer(&trial, "select count(*) from stopover.task", "2");
    copy_rows_in(&trial, 1, 1, "1\ta\n"); /* the connection is good for more */
    trial_close(&trial);
}

static void index_builds_get_some_memory_at_least(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    static const char remember[] = "create table %s.seen as select"
                                   " current_setting('maintenance_work_mem') as m,"
                                   " current_setting('synchronous_commit') as c";
    static const char *const settings[][3] = {{"64MB", "off", "128MB on"}, {"1GB", "on", "1GB on"}};

    for (size_t i = 0; i < 2; i++) {
        Trial trial;
        AUTO_FREE_MEMORY char *memory = NULL;

        trial_begin(&trial, 1, CREATE_T);
        memory = xasprintf("alter database %s set maintenance_work_mem = '%s';"
                           "alter database %s set synchronous_commit = %s",
                           trial.database, settings[i][0], trial.database, settings[i][1]);
        pg_cluster_run(trial.cluster, NULL, memory);
        writer_free(trial.writer);
        trial.writer = open_writer(&trial);
        (void)add_task(&trial, TASK_INDEX, 1, "index i", remember);
        run_tasks(&trial, 1, 3);
        expect_answer(&trial, "select m || ' ' || c from %s.seen", settings[i][2]);
        trial_close(&trial);
    }
}

/* The driver records a chunk as done, and does not ask for it again after a crash of the server. */
static void chunks_wait_for_the_disk_where_the_server_would_not(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    AUTO_FREE_MEMORY char *hasty = NULL;

    trial_begin(&trial, 1,
                "create table %s.t (id integer, name text,"
                " waits text default current_setting('synchronous_commit'))");
    hasty = xasprintf("alter database %s set synchronous_commit = off", trial.database);
    pg_cluster_run(trial.cluster, NULL, hasty);
    writer_free(trial.writer);
    trial.writer = open_writer(&trial);
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    expect_answer(&trial, "select waits from %s.t", "on");
    trial_close(&trial);
}

/* ---- what may fail ---- */

/* As engine/run/copy.c does: after any failure a new writer, and the ledger is asked first. */
static void copy_with_repeats(Trial *trial, uint32_t number, const char *rows)
{
    Error err = {0};
    const Chunk *chunk = plan_chunk(&trial->plan, 1, number);
    bool found = false;
    ChunkResult result = {0};

    for (int i = 0; i < 3 && !found; i++) {
        Status status = copy_chunk_once(trial, chunk, rows, &err);

        if (status >= 0)
            return;
        assert_int_equal(status, STATUS_RETRY);
        writer_free(trial->writer);
        trial->writer = open_writer(trial);
        expect_ok(writer_find_chunk(trial->writer, chunk, &found, &result, &err));
    }
    assert_true(found);
}

static void every_failing_point_of_a_chunk_can_be_repeated(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_LOSE};
    static const char *const points[] = {"postgres.begin", "postgres.write",
                                         "postgres.chunk_commit"};

    for (size_t mode = 0; mode < 2; mode++) {
        for (size_t i = mode == 0 ? 0 : 2; i < 3; i++) {
            Trial trial;

            trial_begin(&trial, 2, CREATE_T);
            run_tasks(&trial, 1, 2);
            fault_arm(modes[mode], 1, points[i]);
            copy_with_repeats(&trial, 1, "1\ta\n2\tb\n");
            assert_true(fault_fired());
            copy_with_repeats(&trial, 2, "3\tc\n");
            expect_answer(&trial,
                          "select (select string_agg(id::text, '' order by id) from %s.t)"
                          " || ' ' || (select sum(rows) from stopover.chunk)",
                          "123 3");
            trial_close(&trial);
        }
    }
}

static void every_failing_point_of_a_task_can_be_repeated(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_LOSE};
    Trial trial;
    Error err = {0};

    trial_begin(&trial, 1, CREATE_T);
    run_tasks(&trial, 1, 1);
    for (size_t i = 0; i < 2; i++) {
        fault_arm(modes[i], 1, "postgres.task");
        assert_int_equal(run_one(&trial, 2, &err), STATUS_RETRY);
        assert_true(fault_fired());
        expect_answer(&trial, "select count(*) from stopover.task where task_id = 2",
                      i == 0 ? "0" : "1");
    }
    expect_ok(run_one(&trial, 2, &err));
    for (size_t i = 0; i < 2; i++) {
        fault_arm(modes[i], 1, "postgres.reset");
        assert_int_equal(writer_reset_table(trial.writer, &trial.plan, table_of(&trial, 1), &err),
                         STATUS_RETRY);
        fault_arm(modes[i], 1, "postgres.forget");
        assert_int_equal(writer_forget_task(trial.writer, plan_task(&trial.plan, 2), &err),
                         STATUS_RETRY);
        assert_true(fault_fired());
    }
    expect_answer(&trial, "select count(*) from stopover.task where task_id = 2", "0");
    trial_close(&trial);
}

/*
 * The link was cut while a chunk was on its way; the server has not noticed and keeps its transaction
 * open. Its process is ended before the ledger is asked.
 */
static void a_transaction_left_behind_by_a_lost_link_is_ended(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    Writer *cut = NULL;
    AUTO_FREE_MEMORY char *question = NULL;
    const Chunk *chunk = NULL;
    bool found = true;
    ChunkResult result = {0};

    trial_begin(&trial, 2, CREATE_T);
    run_tasks(&trial, 1, 2);
    chunk = plan_chunk(&trial.plan, 1, 1);
    cut = open_writer(&trial);
    expect_ok(writer_begin(cut, table_of(&trial, 1), chunk, &err));
    lost_sessions_add(&((PgTarget *)trial.target)->lost, pg_backend(pg_writer(cut)->connection));
    expect_ok(writer_find_chunk(trial.writer, chunk, &found, &result, &err));
    assert_false(found);
    question = xasprintf("select count(*) from pg_stat_activity where pid = %d",
                         pg_backend(pg_writer(cut)->connection));
    expect_answer(&trial, question, "0");
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    writer_free(cut);
    copy_rows_in(&trial, 1, 2, "2\tb\n"); /* what was freed is gone already */
    expect_answer(&trial, "select count(*) from %s.t", "2");
    trial_close(&trial);
}

static void a_writer_whose_session_ends_is_replaced(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    static const char end_writers[] =
        "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity"
        " where application_name like '% writer' and datname = current_database()";
    Trial trial;
    Error err = {0};
    const Block block = {.data = (const uint8_t *)"1\ta\n", .size = 4, .rows = 1};
    ChunkResult result = {.bytes = 4, .digest = {.rows = 1}};
    const Chunk *chunk = NULL;
    bool found = true;

    trial_begin(&trial, 1, CREATE_T);
    run_tasks(&trial, 1, 2);
    chunk = plan_chunk(&trial.plan, 1, 1);
    expect_ok(writer_begin(trial.writer, table_of(&trial, 1), chunk, &err));
    expect_ok(writer_write(trial.writer, &block, &err));
    tell(&trial, end_writers);
    assert_int_equal(writer_commit(trial.writer, &result, &err), STATUS_RETRY);
    writer_abort(trial.writer);
    writer_free(trial.writer);
    trial.writer = open_writer(&trial);
    expect_ok(writer_find_chunk(trial.writer, chunk, &found, &result, &err));
    assert_false(found);
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    tell(&trial, end_writers);
    assert_int_equal(run_one(&trial, 2, &err), STATUS_RETRY);
    writer_free(trial.writer);
    trial.writer = open_writer(&trial);
    expect_ok(run_one(&trial, 2, &err));
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_arrives_with_its_ledger_row),
        cmocka_unit_test(the_ledger_tells_what_is_there),
        cmocka_unit_test(rows_in_binary_arrive_too),
        cmocka_unit_test(generated_columns_are_left_to_the_target),
        cmocka_unit_test(one_chunk_of_a_whole_table_arrives_frozen),
        cmocka_unit_test(a_table_with_heirs_keeps_their_rows),
        cmocka_unit_test(a_chunk_that_has_arrived_is_not_written_twice),
        cmocka_unit_test(an_aborted_chunk_leaves_nothing),
        cmocka_unit_test(rows_that_the_server_did_not_take_are_noticed),
        cmocka_unit_test(a_table_that_we_did_not_make_takes_no_rows),
        cmocka_unit_test(a_task_runs_once_however_often_it_is_asked_for),
        cmocka_unit_test(a_failed_task_leaves_nothing_and_says_why),
        cmocka_unit_test(what_a_task_makes_is_recorded),
        cmocka_unit_test(a_forgotten_task_runs_again),
        cmocka_unit_test(a_writer_of_an_older_epoch_changes_nothing),
        cmocka_unit_test(a_wish_to_stop_ends_a_long_task),
        cmocka_unit_test(index_builds_get_some_memory_at_least),
        cmocka_unit_test(chunks_wait_for_the_disk_where_the_server_would_not),
        cmocka_unit_test(every_failing_point_of_a_chunk_can_be_repeated),
        cmocka_unit_test(every_failing_point_of_a_task_can_be_repeated),
        cmocka_unit_test(a_writer_whose_session_ends_is_replaced),
        cmocka_unit_test(a_transaction_left_behind_by_a_lost_link_is_ended),
    };

    return cmocka_run_group_tests(tests, trial_begin_group, trial_end_group);
}
