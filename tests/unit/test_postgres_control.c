/* The control schema, and the names by which our sessions and databases are known. */
#include "tests/unit/postgres_target_fixture.h"

#include "engine/connect/postgres/identity.h"
#include "engine/connect/postgres/sql_fill.h"

static void the_first_claim_makes_a_schema_for_ourselves(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    bool exists = true;
    PgConnection *control = NULL;

    trial_open(&trial);
    expect_ok(pg_target_control((PgTarget *)trial.target, &control, &err));
    expect_ok(pg_control_exists(control, &exists, &err));
    assert_false(exists);
    trial_claim(&trial);
    expect_ok(pg_control_exists(control, &exists, &err));
    assert_true(exists);
    expect_answer(&trial,
                  "select coalesce(has_schema_privilege('public', 'stopover', 'usage'), true)"
                  " || ' ' || (select string_agg(relname, ' ' order by relname) from pg_class"
                  " where relnamespace = 'stopover'::regnamespace and relkind = 'r')",
                  "false chunk marker meta object run task");
    trial_close(&trial);
}

static void records_of_a_newer_version_are_not_touched(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    const LedgerSink sink = {0};

    trial_open(&trial);
    trial_claim(&trial);
    tell(&trial, "update stopover.meta set version = 2; drop table stopover.run");
    expect_failure(target_claim(trial.target, &trial.identity, &err), ERROR_REFUSED, "version 2");
    assert_non_null(strstr(err.hint, "newer program"));
    expect_failure(target_read_ledger(trial.target, &trial.identity, &sink, &err), ERROR_REFUSED,
                   "version 2");
    trial_close(&trial);
}

static void a_schema_of_that_name_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    static const char *const others[] = {
        "create schema stopover",
        "create schema stopover; create table stopover.meta (note text)",
        "create schema stopover; create table stopover.meta (application text, version text);"
        "insert into stopover.meta values ('stopover', 'one')",
        "create schema stopover; create table stopover.meta (application text, version integer);"
        "insert into stopover.meta values ('another', 1)",
        /* made by a role of lesser rights, for an administrator to step into */
        "create schema stopover; create table stopover.meta (application text, version integer);"
        "insert into stopover.meta values ('stopover', 1);"
        "do 'begin create role trapper; exception when duplicate_object then null; end';"
        "alter schema stopover owner to trapper",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        Trial trial;
        Error err = {0};
        const LedgerSink sink = {0};

        trial_open(&trial);
        tell(&trial, others[i]);
        expect_failure(target_claim(trial.target, &trial.identity, &err), ERROR_REFUSED,
                       "schema \"stopover\"");
        expect_failure(target_read_ledger(trial.target, &trial.identity, &sink, &err),
                       ERROR_REFUSED, "schema \"stopover\"");
        trial_close(&trial);
    }
}

static void a_target_without_records_has_an_empty_ledger(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    const LedgerSink sink = {0};

    trial_open(&trial);
    expect_ok(target_read_ledger(trial.target, &trial.identity, &sink, &err));
    expect_answer(&trial, "select count(*) from pg_namespace where nspname = 'stopover'", "0");
    trial_close(&trial);
}

static void a_name_of_a_session_keeps_its_run_and_role(void **state)
{
    (void)state;
    RunIdentity identity = run_identity(RUN, 1);

    identity.epoch = 12;

    AUTO_FREE_MEMORY char *plain = pg_application_name(&identity, "writer");

    assert_string_equal(plain, "stopover trial 01234567 12 writer");
    memset(identity.migration, 'n', 64);
    identity.epoch = UINT64_MAX;

    AUTO_FREE_MEMORY char *cut = pg_application_name(&identity, "control");

    assert_string_equal(cut, "stopover nnnnnnnnnnnnnnnn 01234567 18446744073709551615 control");
    assert_int_equal(strlen(cut), 63);
}

static void staging_schemas_carry_our_role_and_id(void **state)
{
    (void)state;
    RunIdentity identity = run_identity(RUN, 1);
    AUTO_FREE_MEMORY char *staged = pg_staging_schema(
        &identity, "a_schema_with_the_longest_name_that_a_server_takes_63_bytes_xxx");

    assert_int_equal(strlen(staged), 63);
    assert_true(name_is_ours(staged));
}

static char *identity_of(const Trial *trial, const char *user)
{
    Error err = {0};
    char *identity = NULL;
    AUTO_FREE(uri_free) Uri *uri = NULL;
    AUTO_FREE(target_free) Target *target = NULL;
    AUTO_FREE_MEMORY char *text = xasprintf("postgresql:///%s?host=%s&user=%s", trial->database,
                                            pg_cluster_socket_directory(trial->cluster), user);

    expect_ok(uri_parse(text, &uri, &err));
    expect_ok(postgres_open_target(uri, &target, &err));
    expect_ok(target_identity(target, &identity, &err));
    return identity;
}

static void a_database_is_known_by_the_same_words_to_all(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Trial other;

    trial_open(&trial);
    trial_open(&other);
    tell(&trial, "create role anybody login");

    AUTO_FREE_MEMORY char *mine = identity_of(&trial, "postgres");
    AUTO_FREE_MEMORY char *theirs = identity_of(&trial, "anybody");
    AUTO_FREE_MEMORY char *next = identity_of(&other, "postgres");

    assert_string_equal(mine, theirs);
    assert_string_not_equal(mine, next);
    tell(&trial, "revoke execute on function pg_control_system() from public");

    AUTO_FREE_MEMORY char *hidden = identity_of(&trial, "anybody");

    assert_int_equal(strncmp(hidden, "postgresql:start-", 17), 0);
    trial_close(&trial);
    trial_close(&other);
}

static void values_are_put_into_statements_quoted(void **state)
{
    (void)state;
    RunIdentity identity = run_identity(RUN, 3);
    const SqlValue values[] = {{.name = "name", .text = "o'clock :attempt"},
                               {.name = "number", .number = 18446744073709551615U}};
    AUTO_TEXT Text sql = {0};

    sql_fill(&sql, "-- x: y\nselect :name::text, :number, a[1:2], :attempt", &identity, values, 2);
    assert_string_equal(text_string(&sql), "-- x: y\nselect 'o''clock :attempt'::text,"
                                           " 18446744073709551615, a[1:2], 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_claim_makes_a_schema_for_ourselves),
        cmocka_unit_test(records_of_a_newer_version_are_not_touched),
        cmocka_unit_test(a_schema_of_that_name_that_is_not_ours_is_refused),
        cmocka_unit_test(a_target_without_records_has_an_empty_ledger),
        cmocka_unit_test(a_name_of_a_session_keeps_its_run_and_role),
        cmocka_unit_test(staging_schemas_carry_our_role_and_id),
        cmocka_unit_test(a_database_is_known_by_the_same_words_to_all),
        cmocka_unit_test(values_are_put_into_statements_quoted),
    };

    return cmocka_run_group_tests(tests, trial_begin_group, trial_end_group);
}
