/*
 * engine/connect/postgres/promote, swap_run, swap_locks, swap_back, finish: the exchange, who is waited
 * for, what is known after an interruption, the way back, and the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/finish.h"
#include "engine/connect/postgres/outcome.h"
#include "engine/connect/postgres/promote.h"
#include "engine/connect/postgres/swap_back.h"
#include "tests/support/pg_migration.h"

static const char new_sql[] =
    "create table customers (id integer primary key, name text);"
    "insert into customers select n, 'new ' || n from generate_series(1, 30) n;"
    "create table orders (id serial primary key, customer integer not null references customers);"
    "insert into orders (customer) select n from generate_series(1, 30) n;"
    "create view buyers as select distinct customer from orders;";

static const char old_sql[] =
    "create table customers (id integer primary key, name text);"
    "insert into customers select n, 'old ' || n from generate_series(1, 3) n;"
    "create table orders (id serial primary key, customer integer not null references customers);"
    "insert into orders (customer) select n from generate_series(1, 3) n;"
    "create view buyers as select distinct customer from orders;"
    "create table notes (customer integer references customers, words text);"
    "insert into notes values (1, 'one'), (2, 'two');"
    "create view named as select c.name, n.words from customers c join notes n"
    " on n.customer = c.id;";

static PgCluster *cluster;

static int start_cluster(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    return 0;
}

static int stop_cluster(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

static int disarm(void **state)
{
    (void)state;
    fault_arm(FAULT_NONE, 0, NULL);
    return 0;
}

/* ---- a staged migration, and what can be done with it ---- */

typedef struct Trial {
    PgMigration migration;
    PromotionPlan promotion;
    Findings notes;
    LockPolicy policy;
} Trial;

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%d: %s (%s) %s", status, err->message, err->sqlstate, err->hint);
}

static void expect_kind(Status status, const Error *err, ErrorKind kind, const char *words)
{
    if (status >= 0)
        fail_msg("it succeeded");
    if (err->kind != kind || strstr(err->message, words) == NULL)
        fail_msg("kind %d: %s (%s)", err->kind, err->message, err->hint);
}

static Stager *stager_of(Trial *trial)
{
    return trial->migration.target->stager;
}

static void plan_promotion(Trial *trial)
{
    Error err = {0};
    AUTO_FINDINGS Findings findings = {0};

    promotion_plan_release(&trial->promotion);
    trial->promotion = (PromotionPlan){0};
    expect_ok(pg_plan_promotion(stager_of(trial), &trial->migration.identity,
                                &trial->migration.plan, &trial->promotion, &findings, &err),
              &err);
    expect_ok(findings_refuse(&findings, &err), &err);
}

static void trial_open(Trial *trial)
{
    *trial = (Trial){.policy = {.deadline_ms = 2000}};
    pg_migration_open(&trial->migration, cluster, new_sql, old_sql);
    pg_migration_stage(&trial->migration);
    plan_promotion(trial);
}

static void trial_close(Trial *trial)
{
    pg_migration_close(&trial->migration);
    promotion_plan_release(&trial->promotion);
    findings_release(&trial->notes);
}

static Status promote(Trial *trial, Error *err)
{
    return pg_promote(stager_of(trial), &trial->migration.identity, &trial->migration.plan,
                      &trial->promotion, &trial->policy, &trial->notes, err);
}

static Status complete(Trial *trial, Error *err)
{
    return pg_complete(stager_of(trial), &trial->migration.identity, &trial->notes, err);
}

static Status swap_back(Trial *trial, Error *err)
{
    return pg_swap_back(stager_of(trial), &trial->migration.identity, &trial->policy, &trial->notes,
                        err);
}

static Status finish(Trial *trial, Error *err)
{
    return pg_finish(stager_of(trial), &trial->migration.identity, &trial->notes, err);
}

static Outcome outcome(Trial *trial)
{
    Error err = {0};
    Outcome ret = OUTCOME_NONE;

    expect_ok(pg_outcome(stager_of(trial), &trial->migration.identity, &ret, &err), &err);
    return ret;
}

static void trial_promote(Trial *trial)
{
    Error err = {0};

    expect_ok(promote(trial, &err), &err);
    expect_ok(complete(trial, &err), &err);
    assert_int_equal(outcome(trial), OUTCOME_PROMOTED);
}

/* As a new process that takes the migration over. */
static void take_over(Trial *trial)
{
    pg_migration_reopen(&trial->migration);
    pg_migration_claim(&trial->migration);
}

static void expect(Trial *trial, const char *sql, const char *answer)
{
    pg_migration_expect(&trial->migration, sql, answer);
}

static void expect_old(Trial *trial)
{
    expect(trial, "select string_agg(name, ' ' order by id) from public.customers where id < 3",
           "old 1 old 2");
    expect(trial, "select count(*) from public.named", "2");
    expect(trial, "select count(*) from public.buyers", "3");
}

static void expect_new(Trial *trial)
{
    expect(trial, "select string_agg(name, ' ' order by id) from public.customers where id < 3",
           "new 1 new 2");
    expect(trial, "select count(*) from public.orders", "30");
    expect(trial, "select count(*) from public.buyers", "30");
    expect(trial, "select string_agg(name, ' ' order by name) from public.named", "new 1 new 2");
}

static bool has_note(const Trial *trial, const char *words)
{
    for (size_t i = 0; i < trial->notes.count; i++) {
        const Finding *note = &trial->notes.items[i];

        if (strstr(note->message, words) != NULL ||
            (note->object != NULL && strstr(note->object, words) != NULL))
            return true;
    }
    return false;
}

static void expect_note(const Trial *trial, const char *words)
{
    if (!has_note(trial, words))
        fail_msg("no note says \"%s\"; the last one: %s", words,
                 trial->notes.count == 0 ? "none"
                                         : trial->notes.items[trial->notes.count - 1].message);
}

/* ---- somebody else on the server ---- */

typedef struct Blocker {
    pthread_t thread;
    char *sql; /* one message: its locks last as long as it runs */
    const char *database;
} Blocker;

static void *run_blocker(void *context)
{
    const Blocker *blocker = context;

    pg_cluster_run(cluster, blocker->database, blocker->sql);
    return NULL;
}

static void wait_until(Trial *trial, const char *sql)
{
    for (int i = 0; i < 200; i++) {
        AUTO_FREE_MEMORY char *answer = pg_migration_ask(&trial->migration, sql);

        if (answer != NULL && strcmp(answer, "t") == 0)
            return;
        clock_sleep_ms(20);
    }
    fail_msg("it never came true: %s", sql);
}

/* Holds a lock on a live table for some time. */
static void begin_blocking(Trial *trial, Blocker *blocker, const char *mode, double seconds)
{
    *blocker = (Blocker){
        .sql = xasprintf("set application_name = 'the blocker'; begin;"
                         " lock table public.orders in %s mode; select pg_sleep(%.2f); commit",
                         mode, seconds),
        .database = trial->migration.to,
    };
    assert_int_equal(pthread_create(&blocker->thread, NULL, run_blocker, blocker), 0);
    wait_until(trial, "select exists (select from pg_locks l join pg_stat_activity a using (pid)"
                      " where a.application_name = 'the blocker' and l.granted"
                      " and l.relation = 'public.orders'::regclass)");
}

static void end_blocking(Blocker *blocker)
{
    assert_int_equal(pthread_join(blocker->thread, NULL), 0);
    free(blocker->sql);
}

/* ---- the exchange ---- */

static void makes_staging_live_and_keeps_what_was(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    trial_open(&trial);
    expect_old(&trial);
    trial_promote(&trial);
    expect_new(&trial);
    expect_note(&trial, "live tables were locked for");
    pg_migration_target_sql(&trial.migration, "insert into public.orders (customer) values (30)");
    expect(&trial, "select max(id) from public.orders", "31");
    expect(&trial,
           "select count(*) from stopover.object o join pg_class c on c.oid = o.object_oid"
           " where o.role = 'retired' and o.class_oid = 'pg_class'::regclass"
           " and c.relkind = 'r' and c.relname in ('orders', 'customers')",
           "2");
    expect(&trial, "select bool_and(convalidated) from pg_constraint where contype = 'f'", "t");
    trial_close(&trial);
}

/* One of them names its table without a schema, and had the search_path set in staging. */
static void functions_have_their_own_words_again(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial = {.policy = {.deadline_ms = 2000}};

    pg_migration_open(&trial.migration, cluster,
                      "create table rates (k integer, v integer);"
                      "create function bare(integer) returns integer language sql immutable"
                      " as 'select v from rates where k = $1';"
                      "create function full_of(integer) returns integer language plpgsql immutable"
                      " as 'begin return (select v from public.rates where k = $1); end';"
                      "create index on rates (bare(k), full_of(k));",
                      "create table rates (k integer)");
    pg_migration_stage(&trial.migration);
    expect(&trial,
           "select count(*) from pg_proc where pronamespace = 'public~'::regnamespace"
           " and (proconfig is not null or prosrc like '%staging%')",
           "2");
    plan_promotion(&trial);
    trial_promote(&trial);
    expect(&trial,
           "select string_agg(proname || coalesce(proconfig::text, ':') || prosrc, ' '"
           " order by proname) from pg_proc where pronamespace = 'public'::regnamespace",
           "bare:select v from rates where k = $1"
           " full_of:begin return (select v from public.rates where k = $1); end");
    trial_close(&trial);
}

static void a_promotion_is_done_once(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    trial_promote(&trial);
    assert_int_equal(promote(&trial, &err), STATUS_OK);
    expect(&trial, "select count(*) from stopover.marker", "1");
    expect_new(&trial);
    trial_close(&trial);
}

static void refuses_when_the_target_changed_since_the_plan(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    pg_migration_target_sql(&trial.migration, "create view since as select * from public.orders");
    expect_kind(promote(&trial, &err), &err, ERROR_REFUSED,
                "changed since the promotion was planned");
    assert_int_equal(outcome(&trial), OUTCOME_NONE);
    pg_migration_target_sql(&trial.migration, "drop view since");
    expect_old(&trial);
    trial_promote(&trial);
    trial_close(&trial);
}

static void refuses_what_is_not_complete(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    pg_migration_target_sql(&trial.migration,
                            "delete from stopover.chunk where table_id = 1 and number = 1");
    expect_kind(promote(&trial, &err), &err, ERROR_REFUSED, "not complete");
    assert_int_equal(outcome(&trial), OUTCOME_NONE);
    expect_old(&trial);
    trial_close(&trial);
}

static void a_driver_of_an_older_epoch_changes_nothing(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    pg_migration_target_sql(&trial.migration, "update stopover.run set epoch = epoch + 1");
    expect_kind(promote(&trial, &err), &err, ERROR_LOCKED, "taken over");
    expect_old(&trial);
    trial_close(&trial);
}

static void a_key_that_does_not_hold_is_told_and_tried_again(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    pg_migration_target_sql(&trial.migration, "insert into public.customers values (999, 'of old');"
                                              "insert into public.notes values (999, 'to nobody')");
    plan_promotion(&trial);
    expect_ok(promote(&trial, &err), &err);
    expect_ok(complete(&trial, &err), &err);
    expect_note(&trial, "could not be validated");
    expect(&trial, "select remaining is null from stopover.marker", "f");
    pg_migration_target_sql(&trial.migration, "delete from public.notes where customer = 999");
    expect_ok(complete(&trial, &err), &err);
    expect_note(&trial, "1 foreign key of other tables was validated");
    expect(&trial, "select remaining is null from stopover.marker", "t");
    trial_close(&trial);
}

/* ---- who is waited for (trap 7) ---- */

static void waits_in_short_tries_for_who_is_there(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Blocker blocker;
    Error err = {0};

    trial_open(&trial);
    trial.policy = (LockPolicy){.lock_timeout_ms = 100, .deadline_ms = 20000};
    begin_blocking(&trial, &blocker, "row exclusive", 1.2);
    expect_ok(promote(&trial, &err), &err);
    end_blocking(&blocker);
    expect_new(&trial);
    expect_note(&trial, "tries");
    trial_close(&trial);
}

static void names_who_is_in_the_way_when_the_time_is_over(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Blocker blocker;
    Error err = {0};
    uint64_t began_ns = 0;

    trial_open(&trial);
    trial.policy = (LockPolicy){.lock_timeout_ms = 100, .deadline_ms = 700};
    begin_blocking(&trial, &blocker, "access share", 2.5);
    began_ns = clock_monotonic_ns();
    expect_kind(promote(&trial, &err), &err, ERROR_WAITING, "\"the blocker\"");
    assert_true(clock_monotonic_ns() - began_ns < UINT64_C(2000000000));
    assert_non_null(strstr(err.message, "since 2"));
    assert_null(strstr(err.message, "pg_sleep"));
    assert_int_equal(outcome(&trial), OUTCOME_NONE);
    end_blocking(&blocker);
    expect_old(&trial);
    trial_promote(&trial);
    trial_close(&trial);
}

/* Reads the orders for some time, then says in public.longest how long it had to wait at most. */
static void begin_reading(Trial *trial, Blocker *reader, unsigned times)
{
    *reader = (Blocker){
        .database = trial->migration.to,
        .sql = xasprintf("do $$ declare began timestamptz; longest interval := '0';"
                         " begin for i in 1..%u loop began := clock_timestamp();"
                         " perform count(*) from public.orders; commit;"
                         " longest := greatest(longest, clock_timestamp() - began);"
                         " perform pg_sleep(0.02); end loop;"
                         " create table public.longest as select longest as waited; end $$",
                         times)};
    assert_int_equal(pthread_create(&reader->thread, NULL, run_blocker, reader), 0);
}

/* Others may use the tables while we wait for one who does not let go. */
static void nobody_queues_behind_it_for_long(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Blocker blocker;
    Blocker reader;
    Error err = {0};

    trial_open(&trial);
    trial.policy = (LockPolicy){.lock_timeout_ms = 150, .deadline_ms = 1000};
    begin_blocking(&trial, &blocker, "access share", 2.0);
    begin_reading(&trial, &reader, 60);
    expect_kind(promote(&trial, &err), &err, ERROR_WAITING, "\"the blocker\"");
    end_blocking(&reader);
    end_blocking(&blocker);
    expect(&trial, "select waited < '400 ms' from public.longest", "t");
    trial_close(&trial);
}

static void autovacuum_gives_way_while_nobody_waits(void **state)
{
    static const char *const settings[] = {"autovacuum=on", "autovacuum_naptime=1", NULL};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgCluster *usual = cluster;
    Trial trial;
    Blocker reader;
    Error err = {0};

    cluster = pg_cluster_start(settings);
    trial_open(&trial);
    trial.policy = (LockPolicy){.lock_timeout_ms = 200, .deadline_ms = 30000};
    pg_migration_target_sql(
        &trial.migration,
        "alter table public.orders set (autovacuum_vacuum_cost_delay = 100,"
        " autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1,"
        " autovacuum_vacuum_scale_factor = 0);"
        "insert into public.orders (customer) select 1 from generate_series(1, 40000);"
        "delete from public.orders where id > 3");
    plan_promotion(&trial);
    wait_until(&trial, "select exists (select from pg_locks l join pg_stat_activity a using (pid)"
                       " where a.backend_type = 'autovacuum worker' and l.granted"
                       " and l.relation = 'public.orders'::regclass)");
    begin_reading(&trial, &reader, 100);
    expect_ok(promote(&trial, &err), &err);
    end_blocking(&reader);
    expect(&trial, "select waited < '700 ms' from public.longest", "t"); /* deadlock_timeout: 1 s */
    expect_new(&trial);
    trial_close(&trial);
    pg_cluster_stop(cluster);
    cluster = usual;
}

/* ---- interruptions (I6) ---- */

static void a_lost_answer_is_settled_by_the_marker(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    fault_arm(FAULT_LOSE, 1, "postgres.promote_commit");
    assert_int_equal(promote(&trial, &err), STATUS_RETRY);
    assert_true(fault_fired());
    take_over(&trial);
    assert_int_equal(outcome(&trial), OUTCOME_PROMOTED);
    expect_ok(promote(&trial, &err), &err);
    expect_ok(complete(&trial, &err), &err);
    expect_new(&trial);
    trial_close(&trial);
}

static void what_fails_before_the_commit_has_not_happened(void **state)
{
    static const char *const points[] = {"postgres.promote_begin", "postgres.promote_lock",
                                         "postgres.promote_commit"};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        fault_arm(FAULT_FAIL, 1, points[i]);
        assert_true(promote(&trial, &err) < 0);
        assert_true(fault_fired());
        assert_int_equal(outcome(&trial), OUTCOME_NONE);
        expect_old(&trial);
    }
    trial_promote(&trial);
    expect_new(&trial);
    trial_close(&trial);
}

static void a_crash_of_the_server_leaves_one_of_the_two_states(void **state)
{
    static const struct {
        FaultMode mode;
        const char *point;
        Outcome expected;
    } crashes[] = {
        {FAULT_FAIL, "postgres.promote_commit", OUTCOME_NONE},
        {FAULT_LOSE, "postgres.promote_commit", OUTCOME_PROMOTED},
    };

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
        Trial trial;
        Error err = {0};

        trial_open(&trial);
        fault_arm(crashes[i].mode, 1, crashes[i].point);
        assert_true(promote(&trial, &err) < 0);
        pg_cluster_crash(cluster);
        pg_cluster_restart(cluster);
        take_over(&trial);
        assert_int_equal(outcome(&trial), crashes[i].expected);
        trial_promote(&trial);
        expect_new(&trial);
        trial_close(&trial);
    }
}

/* A session whose client is gone still holds the transaction when it is asked what happened. */
static void a_session_that_nobody_listens_to_is_ended_before_it_is_settled(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    AUTO_FREE_MEMORY char *name = NULL;
    AUTO_FREE_MEMORY char *sql = NULL;
    PGconn *zombie = NULL;

    trial_open(&trial);
    name = pg_application_name(&trial.migration.identity, "control");
    sql = xasprintf("set application_name = '%s'; begin;"
                    "insert into stopover.marker (run, attempt, kind)"
                    " select run, attempt, 'promoted' from stopover.run",
                    name);
    zombie = PQconnectdb(pg_cluster_uri(cluster, trial.migration.to));
    PQclear(PQexec(zombie, sql));
    assert_int_equal(PQtransactionStatus(zombie), PQTRANS_INTRANS);
    assert_int_equal(outcome(&trial), OUTCOME_NONE);
    PQclear(PQexec(zombie, "commit"));
    assert_int_equal(PQstatus(zombie), CONNECTION_BAD);
    PQfinish(zombie);
    trial_promote(&trial);
    trial_close(&trial);
}

/* ---- the way back ---- */

static void takes_it_back_with_what_was_live(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};
    AUTO_FREE_MEMORY char *before = NULL;
    static const char objects[] =
        "select md5(string_agg(words, ',' order by words)) from ("
        " select pg_describe_object(d.classid, d.objid, 0) || d.deptype::text"
        " || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) as words"
        " from pg_depend d where d.objid in (select e.objid from pg_depend e"
        " where e.refclassid = 'pg_namespace'::regclass"
        " and e.refobjid = 'public'::regnamespace)) x";

    trial_open(&trial);
    before = pg_migration_ask(&trial.migration, objects);
    trial_promote(&trial);
    pg_migration_target_sql(&trial.migration, "insert into public.orders (customer) values (1)");
    expect_ok(swap_back(&trial, &err), &err);
    expect_ok(complete(&trial, &err), &err);
    assert_int_equal(outcome(&trial), OUTCOME_ROLLED_BACK);
    expect_note(&trial, "30 rows when it was promoted, 31 now");
    expect_old(&trial);
    expect(&trial, objects, before);
    expect(&trial, "select count(*) from stopover.object where role = 'retired'", "0");
    expect(&trial,
           "select count(*) > 0 from stopover.object where role = 'undone'"
           " and class_oid = 'pg_class'::regclass",
           "t");
    expect(&trial, "select bool_and(convalidated) from pg_constraint where contype = 'f'", "t");
    expect_ok(swap_back(&trial, &err), &err); /* once more: nothing to do */
    trial_close(&trial);
}

static void refuses_the_way_back_by_the_name_of_what_was_bound_since(void **state)
{
    static const struct {
        const char *bind;
        const char *words;
        const char *release;
    } cases[] = {
        {"create view since as select * from public.orders", "public.since",
         "drop view public.since"},
        {"create table refers (customer integer references public.customers)", "refers",
         "drop table public.refers"},
        {"create or replace view public.named as select c.name, n.words from public.customers c"
         " join public.notes n on n.customer = c.id where c.id > 0",
         "public.named",
         "create or replace view public.named as select 'x'::text as name, 'y'::text as words"},
        {"alter table public.orders rename to renamed", "public.renamed",
         "alter table public.renamed rename to orders"},
        {"create table public.child () inherits (public.customers)", "child",
         "drop table public.child"},
    };

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    trial_promote(&trial);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pg_migration_target_sql(&trial.migration, cases[i].bind);
        expect_kind(swap_back(&trial, &err), &err, ERROR_REFUSED, cases[i].words);
        assert_int_equal(outcome(&trial), OUTCOME_PROMOTED);
        pg_migration_target_sql(&trial.migration, cases[i].release);
    }
    expect_ok(swap_back(&trial, &err), &err);
    trial_close(&trial);
}

static void the_way_back_waits_in_short_tries_too(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Blocker blocker;
    Error err = {0};

    trial_open(&trial);
    trial_promote(&trial);
    trial.policy = (LockPolicy){.lock_timeout_ms = 100, .deadline_ms = 500};
    begin_blocking(&trial, &blocker, "access share", 1.5);
    expect_kind(swap_back(&trial, &err), &err, ERROR_WAITING, "\"the blocker\"");
    assert_int_equal(outcome(&trial), OUTCOME_PROMOTED);
    end_blocking(&blocker);
    expect_ok(swap_back(&trial, &err), &err);
    expect_old(&trial);
    trial_close(&trial);
}

static void a_lost_answer_of_the_way_back_is_settled_too(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    trial_promote(&trial);
    fault_arm(FAULT_FAIL, 1, "postgres.swap_back_commit");
    assert_true(swap_back(&trial, &err) < 0);
    assert_int_equal(outcome(&trial), OUTCOME_PROMOTED);
    fault_arm(FAULT_LOSE, 1, "postgres.swap_back_commit");
    assert_int_equal(swap_back(&trial, &err), STATUS_RETRY);
    take_over(&trial);
    assert_int_equal(outcome(&trial), OUTCOME_ROLLED_BACK);
    expect_old(&trial);
    trial_close(&trial);
}

/* ---- the end ---- */

static void expect_nothing_of_ours(Trial *trial)
{
    expect(trial,
           "select count(*) from pg_namespace where nspname = 'stopover'"
           " or nspname similar to '%_(staging|retired|undone)_[0-9a-f]{6}'",
           "0");
}

static void finish_drops_what_was_retired(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    trial_promote(&trial);
    expect_ok(finish(&trial, &err), &err);
    expect_note(&trial, "dropped (retired)");
    expect_note(&trial, "customers, orders");
    expect_nothing_of_ours(&trial);
    expect_new(&trial);
    trial_close(&trial);
}

static void finish_drops_what_was_undone(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    trial_promote(&trial);
    expect_ok(swap_back(&trial, &err), &err);
    expect_ok(finish(&trial, &err), &err);
    expect_nothing_of_ours(&trial);
    expect_old(&trial);
    trial_close(&trial);
}

static void finish_refuses_before_it_begins_when_others_use_what_is_kept(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    Error err = {0};
    AUTO_FREE_MEMORY char *sql = NULL;

    trial_open(&trial);
    trial_promote(&trial);
    sql = xasprintf("create view public.of_old as select * from public_retired_%s.orders",
                    trial.migration.identity.id);
    pg_migration_target_sql(&trial.migration, sql);
    expect_kind(finish(&trial, &err), &err, ERROR_REFUSED, "of_old");
    assert_int_equal(outcome(&trial), OUTCOME_PROMOTED);
    pg_migration_target_sql(&trial.migration, "drop view public.of_old");
    expect_ok(finish(&trial, &err), &err);
    expect_nothing_of_ours(&trial);
    trial_close(&trial);
}

static void finish_is_carried_on(void **state)
{
    static const char *const points[] = {"postgres.finish", "postgres.finish_drop",
                                         "postgres.finished"};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        Trial trial;
        Error err = {0};

        trial_open(&trial);
        trial_promote(&trial);
        fault_arm(FAULT_LOSE, 1, points[i]);
        assert_true(finish(&trial, &err) < 0);
        take_over(&trial);
        expect_ok(finish(&trial, &err), &err);
        expect_nothing_of_ours(&trial);
        expect_new(&trial);
        trial_close(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(makes_staging_live_and_keeps_what_was, disarm),
        cmocka_unit_test_teardown(functions_have_their_own_words_again, disarm),
        cmocka_unit_test_teardown(a_promotion_is_done_once, disarm),
        cmocka_unit_test_teardown(refuses_when_the_target_changed_since_the_plan, disarm),
        cmocka_unit_test_teardown(refuses_what_is_not_complete, disarm),
        cmocka_unit_test_teardown(a_driver_of_an_older_epoch_changes_nothing, disarm),
        cmocka_unit_test_teardown(a_key_that_does_not_hold_is_told_and_tried_again, disarm),
        cmocka_unit_test_teardown(waits_in_short_tries_for_who_is_there, disarm),
        cmocka_unit_test_teardown(names_who_is_in_the_way_when_the_time_is_over, disarm),
        cmocka_unit_test_teardown(nobody_queues_behind_it_for_long, disarm),
        cmocka_unit_test_teardown(autovacuum_gives_way_while_nobody_waits, disarm),
        cmocka_unit_test_teardown(a_lost_answer_is_settled_by_the_marker, disarm),
        cmocka_unit_test_teardown(what_fails_before_the_commit_has_not_happened, disarm),
        cmocka_unit_test_teardown(a_crash_of_the_server_leaves_one_of_the_two_states, disarm),
        cmocka_unit_test_teardown(a_session_that_nobody_listens_to_is_ended_before_it_is_settled,
                                  disarm),
        cmocka_unit_test_teardown(takes_it_back_with_what_was_live, disarm),
        cmocka_unit_test_teardown(refuses_the_way_back_by_the_name_of_what_was_bound_since, disarm),
        cmocka_unit_test_teardown(the_way_back_waits_in_short_tries_too, disarm),
        cmocka_unit_test_teardown(a_lost_answer_of_the_way_back_is_settled_too, disarm),
        cmocka_unit_test_teardown(finish_drops_what_was_retired, disarm),
        cmocka_unit_test_teardown(finish_drops_what_was_undone, disarm),
        cmocka_unit_test_teardown(finish_refuses_before_it_begins_when_others_use_what_is_kept,
                                  disarm),
        cmocka_unit_test_teardown(finish_is_carried_on, disarm),
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
