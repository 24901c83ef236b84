/*
 * The PostgreSQL source: what it holds, and whether it knows that something changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/postgres.h"
#include "engine/flow/digest.h"
#include "tests/support/pg_tables.h"

static PgCluster *cluster;

/* Nothing but the test writes: what ANALYZE writes counts as a change, which is allowed. */
static int start_cluster(void **state)
{
    const char *settings[] = {"max_prepared_transactions=5", "autovacuum=off", NULL};

    (void)state;
    cluster = pg_cluster_start(settings);
    return 0;
}

static int stop_cluster(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

static void run(const char *sql)
{
    pg_cluster_run(cluster, NULL, sql);
}

static Source *open_source(const char *database)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};
    Source *source = NULL;

    expect_ok(uri_parse(pg_cluster_uri(cluster, database), &uri, &err), &err);
    expect_ok(postgres_open_source(uri, &source, &err), &err);
    return source;
}

static char *take_token(void)
{
    AUTO_FREE(source_free) Source *source = open_source("postgres");
    Snapshot snapshot = {0};
    Error err = {0};

    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    return snapshot.token;
}

static bool has_changed(const char *token)
{
    AUTO_FREE(source_free) Source *source = open_source("postgres");
    bool changed = false;
    Error err = {0};

    expect_ok(source_changed(source, token, &changed, &err), &err);
    return changed;
}

static uint64_t count_rows(const PgHeld *held, const Table *table)
{
    const Chunk whole = {.table_id = table->id, .number = 1};
    Digest digest = {0};
    Error err = {0};
    Status status;
    Block block;

    expect_ok(reader_begin(held->reader, table, &whole, &err), &err);
    while ((status = reader_read(held->reader, &block, &err)) == STATUS_OK)
        expect_ok(digest_add_block(&digest, table->format, &block, &err), &err);
    expect_ok(status, &err);
    reader_end(held->reader);
    return digest.rows;
}

/* ---- what is held ---- */

static void readers_see_what_there_was_when_it_was_held(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    AUTO_FREE(reader_free) Reader *second = NULL;
    const Table *table = NULL;
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table seen (a int); insert into seen select generate_series(1, 100)");
    pg_held_open(&held, cluster, "postgres");
    table = pg_tables_add(&catalog, cluster, NULL, "public", "seen", ROW_PG_TEXT);
    run("delete from seen where a > 50");
    assert_int_equal(count_rows(&held, table), 100);
    expect_ok(source_open_reader(held.source, &second, &err), &err);
    {
        PgHeld other = {.reader = second};

        assert_int_equal(count_rows(&other, table), 100);
    }
    assert_true(held.snapshot.taken_us <= clock_wall_us());
    assert_true(held.snapshot.taken_us > clock_wall_us() - 60 * INT64_C(1000000));
}

static void truncate_has_to_wait_while_it_is_held(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    const Table *table = NULL;
    PGconn *other = NULL;
    PGresult *result = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create schema \"Odd schema\"; create table \"Odd schema\".\"a\"\"b\" (a int); "
        "insert into \"Odd schema\".\"a\"\"b\" select generate_series(1, 10)");
    pg_held_open(&held, cluster, "postgres");
    table = pg_tables_add(&catalog, cluster, NULL, "Odd schema", "a\"b", ROW_PG_TEXT);
    other = PQconnectdb(pg_cluster_uri(cluster, "postgres"));
    PQclear(PQexec(other, "set lock_timeout = 300"));
    result = PQexec(other, "truncate \"Odd schema\".\"a\"\"b\"");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "55P03");
    PQclear(result);
    assert_int_equal(count_rows(&held, table), 10);
    reader_free(TAKE(held.reader));
    source_release(held.source);
    result = PQexec(other, "truncate \"Odd schema\".\"a\"\"b\"");
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(other);
}

typedef struct Rival {
    PGconn *connection;
    const char *sql;
    uint64_t after_ms;
} Rival;

static void *run_later(void *context)
{
    const Rival *rival = context;

    clock_sleep_ms(rival->after_ms);
    PQclear(PQexec(rival->connection, rival->sql));
    return NULL;
}

static void a_lock_of_others_is_waited_for_a_moment_only(void **state)
{
    AUTO_FREE(source_free) Source *source = NULL;
    Snapshot snapshot = {0};
    Error err = {0};
    PGconn *other = NULL;
    uint64_t begun_ns = 0;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table locked (a int)");
    source = open_source("postgres");
    other = PQconnectdb(pg_cluster_uri(cluster, "postgres"));
    PQclear(PQexec(other, "begin; lock table locked in access exclusive mode"));
    begun_ns = clock_monotonic_ns();
    assert_int_equal(source_hold(source, NULL, 1, &snapshot, &err), STATUS_RETRY);
    assert_string_equal(err.sqlstate, "55P03");
    assert_in_range((clock_monotonic_ns() - begun_ns) / 1000000, 1900, 6000);
    PQclear(PQexec(other, "rollback"));
    PQfinish(other);
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    assert_true(source_is_held(source));
    snapshot_release(&snapshot);
}

/* While the hold waits for `first`, a table comes that was not listed; it is seen, so it is locked. */
static void a_table_that_comes_while_others_are_locked_is_locked_too(void **state)
{
    AUTO_FREE(source_free) Source *source = NULL;
    AUTO_FREE_MEMORY char *locks = NULL;
    Snapshot snapshot = {0};
    Error err = {0};
    Rival rival = {.sql = "create table came (a int); create schema s2; "
                          "alter table moves set schema s2; commit",
                   .after_ms = 700};
    pthread_t thread;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table first (a int); create table moves (a int)");
    source = open_source("postgres");
    rival.connection = PQconnectdb(pg_cluster_uri(cluster, "postgres"));
    PQclear(PQexec(rival.connection, "begin; lock table first in access exclusive mode"));
    assert_int_equal(pthread_create(&thread, NULL, run_later, &rival), 0);
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    assert_int_equal(pthread_join(thread, NULL), 0);
    PQfinish(rival.connection);
    locks = pg_cluster_ask(cluster, NULL,
                           "select count(distinct c.relname) from pg_locks l join pg_class c on "
                           "c.oid = l.relation where l.mode = 'AccessShareLock' and l.granted "
                           "and c.relname in ('first', 'came', 'moves')");
    assert_string_equal(locks, "3");
    snapshot_release(&snapshot);
}

static void the_state_is_that_of_a_hold_until_something_is_written(void **state)
{
    AUTO_FREE(source_free) Source *source = NULL;
    AUTO_FREE_MEMORY char *before = NULL;
    AUTO_FREE_MEMORY char *after = NULL;
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    source = open_source("postgres");
    for (int is_written = 0; is_written < 2; is_written++) {
        Snapshot snapshot = {0};
        char **told = is_written ? &after : &before;

        expect_ok(source_state(source, told, &err), &err);
        assert_non_null(*told);
        if (is_written)
            run("create table written_between (a int)");
        expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
        assert_int_equal(strcmp(snapshot.token, *told) != 0, is_written);
        snapshot_release(&snapshot);
        source_release(source);
    }
}

static void a_source_that_ends_is_not_held_any_more(void **state)
{
    AUTO_FREE(source_free) Source *source = NULL;
    Snapshot snapshot = {0};
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_CATALOG Catalog none = {0};
    AUTO_FINDINGS Findings findings = {0};
    AUTO_FREE(reader_free) Reader *reader = NULL;
    const Chunk whole = {.table_id = 1, .number = 1};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table held (a int)");
    source = open_source("postgres");
    assert_false(source_is_held(source));
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    snapshot_release(&snapshot);
    assert_true(source_is_held(source));
    expect_ok(source_describe(source, NULL, &catalog, &findings, &err), &err);
    expect_ok(source_open_reader(source, &reader, &err), &err); /* connects when it is used */
    run("select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid <> "
        "pg_backend_pid() "
        "and application_name = 'stopover'");
    assert_int_equal(reader_begin(reader, catalog_table(&catalog, 1), &whole, &err), STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_int_equal(source_describe(source, NULL, &none, &findings, &err), STATUS_FAILED);
    assert_false(source_is_held(source));
    source_release(source);
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    assert_true(source_is_held(source));
    snapshot_release(&snapshot);
}

static void sessions_of_an_earlier_process_are_ended(void **state)
{
    const RunIdentity earlier = {
        .migration = "shop", .run = "0123456789abcdef0123456789abcdef", .epoch = 3};
    RunIdentity later = earlier;
    AUTO_FREE(source_free) Source *forgotten = NULL;
    AUTO_FREE(source_free) Source *source = NULL;
    AUTO_FREE_MEMORY char *names = NULL;
    Snapshot snapshot = {0};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    forgotten = open_source("postgres");
    source_introduce(forgotten, &earlier);
    expect_ok(source_hold(forgotten, NULL, 1, &snapshot, &err), &err);
    snapshot_release(&snapshot);
    source = open_source("postgres");
    source_introduce(source, &earlier);
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    snapshot_release(&snapshot);
    assert_false(source_is_held(forgotten));
    assert_true(source_is_held(source));
    later.epoch = 4;
    source_introduce(source, &later);
    names = pg_cluster_ask(cluster, NULL,
                           "select string_agg(application_name, ',') from pg_stat_activity "
                           "where application_name like 'stopover %'");
    assert_string_equal(names, "stopover shop 01234567 4 source");
    assert_true(source_is_held(source));
}

/* The same tables with and without a hold; under it, those of the snapshot. */
static void it_describes_what_it_holds(void **state)
{
    AUTO_FREE(source_free) Source *source = NULL;
    AUTO_CATALOG Catalog before = {0};
    AUTO_CATALOG Catalog held = {0};
    AUTO_FINDINGS Findings findings = {0};
    Snapshot snapshot = {0};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    pg_cluster_run(cluster, NULL, "create database described");
    pg_cluster_run(cluster, "described",
                   "create table one (a int primary key, b text); create table two (c int)");
    source = open_source("described");
    expect_ok(source_describe(source, NULL, &before, &findings, &err), &err);
    assert_int_equal(before.table_count, 2);
    assert_non_null(catalog_find_table(&before, "public", "one"));
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    snapshot_release(&snapshot);
    pg_cluster_run(cluster, "described", "create table three (a int)");
    expect_ok(source_describe(source, NULL, &held, &findings, &err), &err);
    assert_int_equal(held.table_count, 2);
    assert_string_equal(held.fingerprint, before.fingerprint);
    assert_true(source_is_held(source));
    for (size_t i = 0; i < held.table_count; i++) {
        AUTO_PLAN Plan plan = {0};
        AUTO_FREE(reader_free) Reader *reader = NULL;

        expect_ok(source_open_reader(source, &reader, &err), &err);
        expect_ok(reader_plan(reader, &held.tables[i], 1 << 20, &plan, &err), &err);
        assert_int_equal(plan.chunk_count, 1);
    }
}

/* ---- tokens ---- */

static void nothing_changed_when_nothing_was_written(void **state)
{
    AUTO_FREE_MEMORY char *token = NULL;
    AUTO_FREE_MEMORY char *again = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table quiet (a int); insert into quiet values (1)");
    token = take_token();
    assert_false(has_changed(token));
    run("select count(*) from quiet; checkpoint");
    assert_false(has_changed(token));
    again = take_token();
    assert_string_equal(again, token);
}

static void a_commit_is_a_change(void **state)
{
    AUTO_FREE_MEMORY char *token = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table written (a int)");
    token = take_token();
    run("insert into written values (1)");
    assert_true(has_changed(token));
}

/* Also while a hold is on, whose own snapshot is an old one. */
static void a_commit_is_a_change_to_the_holder_too(void **state)
{
    AUTO_PG_HELD PgHeld held = {0};
    bool changed = true;
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table written_while_held (a int)");
    pg_held_open(&held, cluster, "postgres");
    expect_ok(source_changed(held.source, held.snapshot.token, &changed, &err), &err);
    assert_false(changed);
    run("insert into written_while_held values (1)");
    expect_ok(source_changed(held.source, held.snapshot.token, &changed, &err), &err);
    assert_true(changed);
    assert_true(source_is_held(held.source));
}

static void a_transaction_that_was_running_is_a_change_once_it_commits(void **state)
{
    AUTO_FREE_MEMORY char *token = NULL;
    PGconn *other = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table slow (a int)");
    other = PQconnectdb(pg_cluster_uri(cluster, "postgres"));
    PQclear(PQexec(other, "begin; insert into slow values (1)"));
    run("insert into slow values (2)"); /* so that the one that runs is below the horizon */
    token = take_token();
    assert_false(has_changed(token));
    PQclear(PQexec(other, "savepoint s; insert into slow values (3); release s"));
    PQclear(PQexec(other, "commit"));
    PQfinish(other);
    assert_true(has_changed(token));
}

/* What a rollback leaves may count as a change or not; a commit after it must. */
static void a_commit_after_a_rollback_is_a_change(void **state)
{
    AUTO_FREE_MEMORY char *token = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table undone (a int)");
    token = take_token();
    run("begin; insert into undone values (1); rollback");
    (void)has_changed(token);
    run("insert into undone values (2)");
    assert_true(has_changed(token));
}

static void a_prepared_transaction_is_a_change_when_it_is_committed(void **state)
{
    AUTO_FREE_MEMORY char *token = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table prepared (a int)");
    {
        PGconn *other = PQconnectdb(pg_cluster_uri(cluster, "postgres"));

        PQclear(PQexec(other, "begin; insert into prepared values (1)"));
        run("insert into prepared values (2)");
        PQclear(PQexec(other, "prepare transaction 'p'"));
        PQfinish(other);
    }
    token = take_token();
    assert_false(has_changed(token));
    pg_cluster_restart(cluster);
    assert_false(has_changed(token));
    run("commit prepared 'p'");
    assert_true(has_changed(token));
}

static void restarts_and_crashes_alone_are_no_change(void **state)
{
    AUTO_FREE_MEMORY char *token = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table stays (a int); insert into stays values (1)");
    token = take_token();
    pg_cluster_restart(cluster);
    assert_false(has_changed(token));
    pg_cluster_crash(cluster);
    pg_cluster_restart(cluster);
    assert_false(has_changed(token));
    run("insert into stays values (2)");
    assert_true(has_changed(token));
}

/* Ids that a crash took back are given out again: the token must not fit what they wrote then. */
static void ids_given_out_twice_are_a_change(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table twice (a int)");
    for (int i = 0; i < 5; i++) {
        AUTO_FREE_MEMORY char *token = NULL;

        run("set synchronous_commit = off; insert into twice values (1)");
        token = take_token();
        pg_cluster_crash(cluster);
        pg_cluster_restart(cluster);
        run("insert into twice values (2)");
        assert_true(has_changed(token));
    }
}

static void other_databases_have_other_tokens(void **state)
{
    AUTO_FREE_MEMORY char *token = NULL;
    AUTO_FREE(source_free) Source *other = NULL;
    AUTO_FREE_MEMORY char *identity = NULL;
    AUTO_FREE_MEMORY char *other_identity = NULL;
    AUTO_FREE(source_free) Source *source = NULL;
    bool changed = false;
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    token = take_token();
    other = open_source("template1");
    source = open_source("postgres");
    expect_ok(source_changed(other, token, &changed, &err), &err);
    assert_true(changed);
    expect_ok(source->ops->identity(source, &identity, &err), &err);
    expect_ok(other->ops->identity(other, &other_identity, &err), &err);
    assert_string_not_equal(identity, other_identity);
}

static void a_token_of_something_else_counts_as_changed(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    assert_true(has_changed(""));
    assert_true(has_changed("unsettled 0"));
}

#ifdef FAULT_POINTS
static void every_failure_of_a_hold_is_followed_by_a_good_one(void **state)
{
    AUTO_FREE(source_free) Source *source = NULL;
    bool fired = true;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    source = open_source("postgres");
    for (int mode = 0; mode < 2; mode++) {
        fired = true;
        for (unsigned nth = 1; fired; nth++) {
            Snapshot snapshot = {0};
            Error err = {0};
            Status status;

            fault_arm(mode == 0 ? FAULT_FAIL : FAULT_LOSE, nth, NULL);
            status = source_hold(source, NULL, 1, &snapshot, &err);
            fired = fault_fired();
            fault_arm(FAULT_NONE, 0, NULL);
            assert_int_equal(status, fired ? STATUS_RETRY : STATUS_OK);
            assert_int_equal(source_is_held(source), !fired);
            source_release(source);
            snapshot_release(&snapshot);
        }
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_what_there_was_when_it_was_held),
        cmocka_unit_test(truncate_has_to_wait_while_it_is_held),
        cmocka_unit_test(a_lock_of_others_is_waited_for_a_moment_only),
        cmocka_unit_test(a_table_that_comes_while_others_are_locked_is_locked_too),
        cmocka_unit_test(the_state_is_that_of_a_hold_until_something_is_written),
        cmocka_unit_test(a_source_that_ends_is_not_held_any_more),
        cmocka_unit_test(sessions_of_an_earlier_process_are_ended),
        cmocka_unit_test(it_describes_what_it_holds),
        cmocka_unit_test(nothing_changed_when_nothing_was_written),
        cmocka_unit_test(a_commit_is_a_change),
        cmocka_unit_test(a_commit_is_a_change_to_the_holder_too),
        cmocka_unit_test(a_transaction_that_was_running_is_a_change_once_it_commits),
        cmocka_unit_test(a_commit_after_a_rollback_is_a_change),
        cmocka_unit_test(a_prepared_transaction_is_a_change_when_it_is_committed),
        cmocka_unit_test(restarts_and_crashes_alone_are_no_change),
        cmocka_unit_test(ids_given_out_twice_are_a_change),
        cmocka_unit_test(other_databases_have_other_tokens),
        cmocka_unit_test(a_token_of_something_else_counts_as_changed),
#ifdef FAULT_POINTS
        cmocka_unit_test(every_failure_of_a_hold_is_followed_by_a_good_one),
#endif
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
