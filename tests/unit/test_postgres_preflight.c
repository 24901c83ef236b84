/*
 * engine/connect/postgres/preflight: what is refused before anything is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/postgres.h"
#include "tests/support/pg_migration.h"

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

static void look(PgMigration *migration, const char *source_sql, const char *target_sql)
{
    pg_migration_open(migration, cluster, source_sql, target_sql);
    pg_migration_describe(migration);
    pg_migration_preflight(migration);
}

/* The target as another role, or another database. */
static void change_target(PgMigration *migration, const char *database, const char *user)
{
    AUTO_FREE_MEMORY char *text = xasprintf("postgresql:///%s?host=%s&user=%s", database,
                                            pg_cluster_socket_directory(migration->cluster), user);
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};

    assert_int_equal(uri_parse(text, &uri, &err), STATUS_OK);
    target_free(TAKE(migration->target));
    assert_int_equal(postgres_open_target(uri, &migration->target, &err), STATUS_OK);
}

static void an_empty_target_is_fine(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    look(&migration, "create table t (a integer)", NULL);
    assert_int_equal(findings_count(&migration.findings, FINDING_REFUSAL), 0);
    pg_migration_expect(&migration, "select count(*) from pg_namespace where nspname = 'stopover'",
                        "0");
    pg_migration_close(&migration);
}

static void another_encoding_is_refused_with_both_names(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_cluster_run(cluster, NULL,
                   "create database latin encoding 'LATIN1' template template0"
                   " lc_collate 'C' lc_ctype 'C'");
    pg_migration_open(&migration, cluster, "create table t (a integer)", NULL);
    pg_migration_describe(&migration);
    change_target(&migration, "latin", "postgres");
    pg_migration_preflight(&migration);

    const Finding *finding =
        pg_migration_finding(&migration, FINDING_REFUSAL, NULL, "the target LATIN1");

    assert_non_null(finding);
    assert_non_null(strstr(finding->remedy, "CREATE DATABASE"));
    pg_migration_close(&migration);
}

static void a_user_without_rights_is_told_which(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_cluster_run(cluster, NULL, "create role nobody_special login");
    pg_migration_open(&migration, cluster,
                      "create operator family f using btree; create table t (a integer)", NULL);
    pg_migration_describe(&migration);
    change_target(&migration, migration.to, "nobody_special");
    pg_migration_preflight(&migration);
    pg_migration_expect_refusal(&migration, NULL, "role \"nobody_special\" may not create schemas");
    pg_migration_expect_refusal(&migration, "operator family public.f", "only a superuser");
    pg_migration_close(&migration);
}

static void a_schema_of_our_name_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster, "create table t (a integer)", NULL);
    pg_migration_staging_sql(&migration, "create schema public~");
    pg_migration_describe(&migration);
    pg_migration_preflight(&migration);
    pg_migration_expect_refusal(&migration, NULL, "is not ours");
    pg_migration_close(&migration);
}

static void our_own_schema_is_no_clash(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster, "create table t (a integer)", NULL);
    pg_migration_stage(&migration);
    findings_release(&migration.findings);
    migration.findings = (Findings){0};
    pg_migration_preflight(&migration);
    assert_int_equal(findings_count(&migration.findings, FINDING_REFUSAL), 0);
    pg_migration_close(&migration);
}

static void schemas_that_would_share_a_staging_name_are_refused(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    Error err = {0};

    pg_migration_open(
        &migration, cluster,
        "create schema aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1;"
        "create schema aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2;"
        "create table aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1.t (a integer);"
        "create table aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2.t (a integer)",
        NULL);
    pg_migration_describe(&migration);
    assert_int_equal(stager_preflight(migration.target->stager, &migration.identity,
                                      &migration.plan.catalog, &migration.findings, &err),
                     STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.message, "too long and alike"));
    pg_migration_close(&migration);
}

static void a_missing_role_is_named(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_cluster_run(cluster, NULL, "create role soon_gone; create role \"Odd, name\"");
    pg_migration_open(&migration, cluster,
                      "create table t (a integer); create policy p on t to soon_gone, \"Odd, name\""
                      " using (true)",
                      NULL);
    pg_migration_describe(&migration);
    pg_migration_preflight(&migration);
    assert_int_equal(findings_count(&migration.findings, FINDING_REFUSAL), 0);
    pg_cluster_run(cluster, NULL,
                   "alter role soon_gone rename to gone;"
                   "alter role \"Odd, name\" rename to even");
    pg_migration_preflight(&migration);
    pg_migration_expect_refusal(&migration, "role soon_gone", "does not exist on the target");
    pg_migration_expect_refusal(&migration, "role Odd, name", "does not exist on the target");
    pg_migration_close(&migration);
}

static void an_owner_that_cannot_be_made_one_is_refused(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    AUTO_FREE_MEMORY char *grant = NULL;

    pg_cluster_run(cluster, NULL, "create role holder; create role mover login");
    pg_migration_open(&migration, cluster,
                      "create table t (a integer); alter table t owner to holder", NULL);
    grant = xasprintf("grant create on database %s to mover", migration.to);
    pg_cluster_run(cluster, NULL, grant);
    migration.selection.with_owner = true;
    pg_migration_describe(&migration);
    change_target(&migration, migration.to, "mover");
    pg_migration_preflight(&migration);
    pg_migration_expect_refusal(&migration, "role holder", "may not make it an owner");
    findings_release(&migration.findings);
    migration.findings = (Findings){0};
    pg_cluster_run(cluster, NULL, "grant holder to mover");
    pg_migration_preflight(&migration);
    assert_int_equal(findings_count(&migration.findings, FINDING_REFUSAL), 0);
    pg_migration_close(&migration);
}

static void a_type_that_is_nowhere_is_refused(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster,
                      "create schema other; create type other.state as enum ('a');"
                      "create table t (s other.state[])",
                      NULL);
    text_list_add(&migration.selection.include, "t");
    pg_migration_describe(&migration);
    pg_migration_preflight(&migration);
    pg_migration_expect_refusal(&migration, "type other.state[]", "is not in the target");
    pg_migration_target_sql(&migration,
                            "create schema other; create type other.state as enum ('a')");
    findings_release(&migration.findings);
    migration.findings = (Findings){0};
    pg_migration_preflight(&migration);
    assert_int_equal(findings_count(&migration.findings, FINDING_REFUSAL), 0);
    pg_migration_close(&migration);
}

static void an_extension_that_is_not_available_is_refused(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    AUTO_FREE_MEMORY char *available = pg_cluster_ask(
        cluster, NULL, "select 1 from pg_available_extensions where name = 'citext'");

    if (available == NULL)
        skip();
    look(&migration, "create extension citext; create table t (a citext)", NULL);
    assert_int_equal(findings_count(&migration.findings, FINDING_REFUSAL), 0);

    /* As if the source had one that nobody else has. */
    for (size_t i = 0; i < migration.plan.catalog.object_count; i++) {
        Object *object = &migration.plan.catalog.objects[i];

        if (strstr(object->private_data, "\"EXTENSION\"") == NULL)
            continue;
        for (char *at = strstr(object->private_data, "\"citext\""); at != NULL;
             at = strstr(at, "\"citext\""))
            memcpy(at, "\"cttext\"", strlen("\"cttext\""));
    }
    pg_migration_preflight(&migration);
    pg_migration_expect_refusal(&migration, "extension cttext", "is not available");
    pg_migration_close(&migration);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_target_is_fine),
        cmocka_unit_test(another_encoding_is_refused_with_both_names),
        cmocka_unit_test(a_user_without_rights_is_told_which),
        cmocka_unit_test(a_schema_of_our_name_that_is_not_ours_is_refused),
        cmocka_unit_test(our_own_schema_is_no_clash),
        cmocka_unit_test(schemas_that_would_share_a_staging_name_are_refused),
        cmocka_unit_test(a_missing_role_is_named),
        cmocka_unit_test(an_owner_that_cannot_be_made_one_is_refused),
        cmocka_unit_test(a_type_that_is_nowhere_is_refused),
        cmocka_unit_test(an_extension_that_is_not_available_is_refused),
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
