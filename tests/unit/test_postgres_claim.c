/* Claims: one driver at a time, zombies ended, and what a crash of the server has taken. */
#include "tests/unit/postgres_target_fixture.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <unistd.h>

/* ---- sessions of others ---- */

static PGconn *connect_as(const Trial *trial, const char *application_name)
{
    const char *keywords[] = {"dbname", "application_name", NULL};
    const char *values[] = {pg_cluster_uri(trial->cluster, trial->database), application_name,
                            NULL};
    PGconn *connection = PQconnectdbParams(keywords, values, 1);

    if (PQstatus(connection) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(connection));
    return connection;
}

static void run_in(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    PQclear(result);
}

static bool is_alive(PGconn *connection)
{
    PGresult *result = PQexec(connection, "select 1");
    bool alive = PQresultStatus(result) == PGRES_TUPLES_OK;

    PQclear(result);
    return alive;
}

/* The statement that takes the lock of the trial's run, as another session would. */
static char *lock_statement(const Trial *trial)
{
    return ask(trial, "select 'select pg_advisory_lock(' || (classid::bigint << 32 | objid::bigint)"
                      " || ')' from pg_locks where locktype = 'advisory'");
}

/* ---- epochs ---- */

static void each_claim_raises_the_epoch_above_all_that_is_known(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    trial_open(&trial);
    trial_claim(&trial);
    assert_int_equal(trial.identity.epoch, 1);
    trial_claim(&trial);
    assert_int_equal(trial.identity.epoch, 2);
    trial.identity.epoch = 40; /* the target is an older copy */
    trial_claim(&trial);
    assert_int_equal(trial.identity.epoch, 41);
    trial.identity.epoch = 7; /* the journal is */
    trial_claim(&trial);
    assert_int_equal(trial.identity.epoch, 42);
    expect_answer(&trial,
                  "select string_agg(migration || attempt || ':' || epoch, '') from"
                  " stopover.run",
                  "trial1:42");
    trial_close(&trial);
}

static void a_claim_that_fails_half_way_can_be_repeated(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_LOSE};
    Error err = {0};

    for (size_t i = 0; i < 2; i++) {
        Trial trial;

        trial_open(&trial);
        fault_arm(modes[i], 1, "postgres.claim");
        assert_int_equal(target_claim(trial.target, &trial.identity, &err), STATUS_RETRY);
        assert_true(fault_fired());
        trial_claim(&trial);
        trial.writer = open_writer(&trial);
        trial_close(&trial);
    }
}

static void who_claims_later_drives_alone(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    RunIdentity later;
    PgConnection *control = NULL;

    trial_begin(&trial, 2, CREATE_T);
    run_tasks(&trial, 1, 2);

    AUTO_FREE(target_free) Target *target = open_target(&trial);

    later = trial.identity;
    expect_ok(target_claim(target, &later, &err));
    assert_int_equal(later.epoch, trial.identity.epoch + 1);
    /* The sessions of the earlier one are gone; it connects again, and is told. */
    assert_int_equal(copy_chunk_once(&trial, plan_chunk(&trial.plan, 1, 1), "1\ta\n", &err),
                     STATUS_RETRY);
    writer_free(trial.writer);
    trial.writer = open_writer(&trial);
    expect_failure(copy_chunk_once(&trial, plan_chunk(&trial.plan, 1, 1), "1\ta\n", &err),
                   ERROR_LOCKED, "taken over");
    expect_failure(target_read_ledger(trial.target, &trial.identity, NULL, &err), ERROR_WAITING,
                   "");
    expect_failure(pg_target_control((PgTarget *)trial.target, &control, &err), ERROR_LOCKED,
                   "taken over");
    expect_ok(pg_target_control((PgTarget *)target, &control, &err));
    assert_true(pg_is_usable(control));
    expect_answer(&trial, "select count(*) from %s.t", "0");
    trial_close(&trial);
}

/* ---- the lock ---- */

static void a_zombie_with_an_open_transaction_is_ended(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    PGconn *control = NULL;
    PGconn *writer = NULL;

    trial_begin(&trial, 2, CREATE_T);
    run_tasks(&trial, 1, 2);

    AUTO_FREE_MEMORY char *lock = lock_statement(&trial);
    AUTO_FREE_MEMORY char *insert =
        fill_schema(&trial, "begin; select 1 from stopover.run for share;"
                            "insert into %s.t values (1, 'half')");

    writer_free(TAKE(trial.writer));
    target_free(TAKE(trial.target)); /* its lock goes; another process of the run takes it */
    control = connect_as(&trial, "stopover trial 01234567 1 control");
    writer = connect_as(&trial, "stopover tri 01234567 1 writer");
    run_in(control, lock);
    run_in(writer, insert);
    trial.target = open_target(&trial);
    trial_claim(&trial);
    assert_false(is_alive(control));
    assert_false(is_alive(writer));
    trial.writer = open_writer(&trial);
    copy_rows_in(&trial, 1, 1, "2\tb\n");
    expect_answer(&trial, "select string_agg(name, '') from %s.t", "b");
    PQfinish(control);
    PQfinish(writer);
    trial_close(&trial);
}

static void sessions_of_others_are_left_alone(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    static const char *const names[] = {
        "psql",
        "stopover",
        "stopover trial 89abcdef 1 control",   /* another run */
        "stopover other 01234567 1 control",   /* another migration */
        "stopover trial 01234567 x control",   /* not our words */
        "stopover trial 01234567 1 control x", /* likewise */
    };
    enum {
        NAMES = sizeof(names) / sizeof(names[0]),
    };
    PGconn *others[NAMES];
    Trial trial;

    trial_open(&trial);
    for (size_t i = 0; i < NAMES; i++)
        others[i] = connect_as(&trial, names[i]);
    trial_claim(&trial);
    for (size_t i = 0; i < NAMES; i++) {
        assert_true(is_alive(others[i]));
        PQfinish(others[i]);
    }
    trial_close(&trial);
}

static void a_lock_that_somebody_else_holds_is_respected(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    PGconn *other = NULL;

    trial_open(&trial);
    trial_claim(&trial);

    AUTO_FREE_MEMORY char *lock = lock_statement(&trial);

    target_free(TAKE(trial.target));
    other = connect_as(&trial, "psql");
    run_in(other, lock);
    trial.target = open_target(&trial);
    expect_failure(target_claim(trial.target, &trial.identity, &err), ERROR_LOCKED,
                   "another process drives");
    assert_true(is_alive(other));
    expect_answer(&trial, "select epoch from stopover.run", "1");
    PQfinish(other);
    trial_claim(&trial);
    trial_close(&trial);
}

static void a_lost_control_connection_takes_its_lock_again(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    PgConnection *control = NULL;

    trial_open(&trial);
    trial_claim(&trial);
    tell(&trial, "select pg_terminate_backend(pid) from pg_stat_activity"
                 " where application_name like '% control' and datname = current_database()");
    expect_ok(pg_target_control((PgTarget *)trial.target, &control, &err));
    if (pg_run(control, "select 1", &err) < 0) /* it finds out with the first use */
        expect_ok(pg_target_control((PgTarget *)trial.target, &control, &err));
    expect_ok(pg_run(control, "select 1", &err));
    expect_answer(&trial,
                  "select a.application_name from pg_locks l join pg_stat_activity a"
                  " using (pid) where l.locktype = 'advisory' and l.granted"
                  " and a.datname = current_database()",
                  "stopover trial 01234567 1 control");
    trial_close(&trial);
}

/* ---- who may be a target ---- */

static Target *open_as(const Trial *trial, const char *role)
{
    Error err = {0};
    Target *target = NULL;
    AUTO_FREE(uri_free) Uri *uri = NULL;
    AUTO_FREE_MEMORY char *text = xasprintf("postgresql:///%s?host=%s&user=%s", trial->database,
                                            pg_cluster_socket_directory(trial->cluster), role);

    expect_ok(uri_parse(text, &uri, &err));
    expect_ok(postgres_open_target(uri, &target, &err));
    return target;
}

static void a_role_without_the_right_to_create_is_refused(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};

    trial_open(&trial);
    tell(&trial, "create role guest login; create role owner login");

    AUTO_FREE(target_free) Target *guest = open_as(&trial, "guest");

    expect_failure(target_claim(guest, &trial.identity, &err), ERROR_REFUSED, "no right to create");
    assert_non_null(strstr(err.hint, "GRANT CREATE ON DATABASE"));

    AUTO_FREE_MEMORY char *grant =
        xasprintf("grant create on database %s to owner", trial.database);
    AUTO_FREE(target_free) Target *owner = open_as(&trial, "owner");

    tell(&trial, grant);
    expect_ok(target_claim(owner, &trial.identity, &err));
    expect_failure(target_claim(guest, &trial.identity, &err), ERROR_REFUSED, "no right to create");
    trial_close(&trial);
}

/* ---- two at once ---- */

typedef struct Claimant {
    const Trial *trial;
    RunIdentity identity;
    pthread_t thread;
    Status status;
    Error err;
} Claimant;

static void *claim_alone(void *context)
{
    Claimant *claimant = context;
    AUTO_FREE(target_free) Target *target = open_target(claimant->trial);

    claimant->status = target_claim(target, &claimant->identity, &claimant->err);
    return NULL;
}

static void two_runs_that_begin_at_once_share_one_control_schema(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    enum {
        CLAIMANTS = 4,
    };

    for (int round = 0; round < 3; round++) {
        Claimant claimants[CLAIMANTS];
        Trial trial;

        trial_open(&trial);
        for (int i = 0; i < CLAIMANTS; i++) {
            char run[33];

            (void)snprintf(run, sizeof(run), "%032d", i * 1000);
            run[0] = (char)('a' + i);
            claimants[i] = (Claimant){.trial = &trial, .identity = run_identity(run, 1)};
            assert_int_equal(pthread_create(&claimants[i].thread, NULL, claim_alone, &claimants[i]),
                             0);
        }
        for (int i = 0; i < CLAIMANTS; i++) {
            assert_int_equal(pthread_join(claimants[i].thread, NULL), 0);
            if (claimants[i].status < 0)
                fail_msg("%s", claimants[i].err.message);
        }
        expect_answer(&trial, "select count(*) from stopover.run where epoch = 1", "4");
        trial_close(&trial);
    }
}

/* ---- unlogged tables (trap 20) ---- */

#define UNLOGGED_T "create unlogged table %s.t (id integer, name text)"

/* t is unlogged and loaded, u is an ordinary one that refers to it. */
static void begin_unlogged(Trial *trial)
{
    trial_begin(trial, 2, UNLOGGED_T);
    (void)add_table(trial, "u", "id", 'r');
    add_chunks(trial, 2, 1);
    (void)add_task(trial, TASK_CREATE, 2, "table u", "create unlogged table %s.u (id integer)");
    (void)add_table(trial, "w", "id", 'r');
    add_chunks(trial, 3, 1);
    (void)add_task(trial, TASK_CREATE, 3, "table w", "create table %s.w (id integer)");
    (void)add_task(trial, TASK_CONSTRAINT, 1, "constraint t_pkey",
                   "alter table %s.t add constraint t_pkey primary key (id)");
    (void)add_task(trial, TASK_FOREIGN_KEY, 2, "foreign key u_t",
                   "alter table %s.u add constraint u_t foreign key (id) references %s.t");
    trial->plan.tasks[5].other_table_id = 1;
    run_tasks(trial, 1, 4);
    copy_rows_in(trial, 1, 1, "1\ta\n");
    copy_rows_in(trial, 1, 2, "2\tb\n");
    copy_rows_in(trial, 2, 1, "2\n");
    copy_rows_in(trial, 3, 1, "3\n");
    run_tasks(trial, 5, 6);
}

#define CHUNKS                                                                                     \
    "select coalesce(string_agg(table_id || '.' || number, ' ' order by table_id, number), '')"    \
    " from stopover.chunk"

static void a_crash_empties_unlogged_tables_and_their_ledger(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    Writer *writer = NULL;

    begin_unlogged(&trial);
    pg_cluster_run(trial.cluster, NULL, "checkpoint");
    pg_cluster_crash(trial.cluster);
    pg_cluster_restart(trial.cluster);
    expect_answer(&trial, CHUNKS, "1.1 1.2 2.1 3.1");
    /* Within the run nothing can be mended: the driver believes what it has recorded. */
    expect_failure(target_open_writer(trial.target, &trial.identity, &writer, &err), ERROR_WAITING,
                   "unlogged");
    writer_free(TAKE(trial.writer));
    target_free(trial.target);
    trial.target = open_target(&trial);
    trial_claim(&trial);
    expect_answer(&trial, CHUNKS, "3.1");
    expect_answer(&trial,
                  "select string_agg(task_id::text, ' ' order by task_id) from"
                  " stopover.task",
                  "1 2 3 4 5");
    trial.writer = open_writer(&trial);
    copy_rows_in(&trial, 2, 1, "2\n"); /* would fail if the foreign key were still there */
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    copy_rows_in(&trial, 1, 2, "2\tb\n");
    run_tasks(&trial, 5, 6);
    expect_answer(&trial, "select (select count(*) from %s.t) + (select count(*) from %s.u)", "3");
    trial_close(&trial);
}

static void a_restart_in_order_keeps_unlogged_tables(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    begin_unlogged(&trial);
    writer_free(TAKE(trial.writer));
    pg_cluster_restart(trial.cluster);
    target_free(trial.target);
    trial.target = open_target(&trial);
    trial_claim(&trial);
    expect_answer(&trial, CHUNKS, "1.1 1.2 2.1 3.1");
    trial.writer = open_writer(&trial); /* they count as this server's now */
    expect_answer(&trial, "select count(*) from stopover.task", "6");
    trial_close(&trial);
}

/* Promoted tables are the users' own: what became of their rows is none of our business. */
static void promoted_tables_are_not_emptied(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    begin_unlogged(&trial);
    writer_free(TAKE(trial.writer));
    tell(&trial, "insert into stopover.marker (run, attempt, kind) values ('" RUN
                 "', 1, 'promoted'); insert into %s.t values (7, 'live')");
    pg_cluster_restart(trial.cluster);
    target_free(trial.target);
    trial.target = open_target(&trial);
    trial_claim(&trial);
    expect_answer(&trial, CHUNKS, "1.1 1.2 2.1 3.1");
    expect_answer(&trial, "select count(*) from %s.t", "3");
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_claim_raises_the_epoch_above_all_that_is_known),
        cmocka_unit_test(a_claim_that_fails_half_way_can_be_repeated),
        cmocka_unit_test(who_claims_later_drives_alone),
        cmocka_unit_test(a_zombie_with_an_open_transaction_is_ended),
        cmocka_unit_test(sessions_of_others_are_left_alone),
        cmocka_unit_test(a_lock_that_somebody_else_holds_is_respected),
        cmocka_unit_test(a_lost_control_connection_takes_its_lock_again),
        cmocka_unit_test(a_role_without_the_right_to_create_is_refused),
        cmocka_unit_test(two_runs_that_begin_at_once_share_one_control_schema),
        cmocka_unit_test(a_crash_empties_unlogged_tables_and_their_ledger),
        cmocka_unit_test(a_restart_in_order_keeps_unlogged_tables),
        cmocka_unit_test(promoted_tables_are_not_emptied),
    };

    return cmocka_run_group_tests(tests, trial_begin_group, trial_end_group);
}
