/*
 * engine/connect/postgres/describe_objects and _data: what goes with the tables, after what, and what is
 * left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "tests/support/pg_describe.h"

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

static void puts_each_object_with_its_table_and_after_what_it_needs(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create table users(id serial primary key, name text);"
        "create table orders(id int generated always as identity primary key,"
        " user_id int constraint to_user references users, t text);"
        "create index by_t on orders(t); comment on index by_t is 'x';"
        "comment on column users.name is 'n'; comment on table orders is 'o';"
        "create statistics s on id, user_id from orders;"
        "create function f() returns trigger language plpgsql as 'begin return new; end';"
        "create trigger tr before insert on users for each row execute function f();"
        "create rule ru as on delete to orders do instead nothing;"
        "create policy po on users using (true); alter table users enable row level security;"
        "create table p(id int primary key) partition by range (id);"
        "create table p1 partition of p default;"
        "create materialized view m1 as select id from orders; create unique index m1_id on m1(id);"
        "create view between_them as select id from m1;"
        "create materialized view m0 as select id from between_them");
    described_read(&described);
    described_expect_no_refusal(&described);
    uint32_t users = described_table(&described, "public", "users")->id;
    uint32_t orders = described_table(&described, "public", "orders")->id;
    static const struct {
        const char *type;
        const char *name;
        bool on_users;
    } cases[] = {
        {"CONSTRAINT", "users_pkey", true},
        {"SEQUENCE", "users_id_seq", true},
        {"SEQUENCE OWNED BY", "users_id_seq", true},
        {"SEQUENCE SET", "users_id_seq", true},
        {"DEFAULT", "id", true},
        {"TRIGGER", "tr", true},
        {"POLICY", "po", true},
        {"ROW SECURITY", "users", true},
        {"COMMENT", "COLUMN users.name", true},
        {"INDEX", "by_t", false},
        {"COMMENT", "INDEX by_t", false},
        {"STATISTICS", "s", false},
        {"RULE", "ru", false},
        {"SEQUENCE", "orders_id_seq", false},
        {"SEQUENCE SET", "orders_id_seq", false},
        {"FK CONSTRAINT", "to_user", false},
        {"COMMENT", "TABLE orders", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        AUTO_OBJECT_NOTES PgObjectNotes notes =
            described_notes(&described, cases[i].type, cases[i].name);
        const Object *object = described_object(&described, cases[i].type, cases[i].name);
        if (object->table_id != (cases[i].on_users ? users : orders))
            fail_msg("%s %s is on table %u", cases[i].type, cases[i].name, object->table_id);
        assert_string_equal(notes.relation_schema, "public");
        assert_string_equal(notes.relation_name, cases[i].on_users ? "users" : "orders");
    }
    AUTO_OBJECT_NOTES PgObjectNotes key = described_notes(&described, "FK CONSTRAINT", "to_user");
    assert_int_equal(key.other_table_id, users);
    assert_true(
        described_comes_after(&described, "FK CONSTRAINT", "to_user", "CONSTRAINT", "users_pkey"));
    assert_true(described_comes_after(&described, "COMMENT", "INDEX by_t", "INDEX", "by_t"));
    assert_true(
        described_comes_after(&described, "INDEX ATTACH", "p1_pkey", "CONSTRAINT", "p_pkey"));
    assert_true(
        described_comes_after(&described, "INDEX ATTACH", "p1_pkey", "CONSTRAINT", "p1_pkey"));
    assert_true(
        described_comes_after(&described, "MATERIALIZED VIEW DATA", "m1", "INDEX", "m1_id"));
    assert_true(described_comes_after(&described, "MATERIALIZED VIEW DATA", "m0",
                                      "MATERIALIZED VIEW DATA", "m1"));
    assert_false(described_is_after_data(&described, "INDEX", "by_t"));
    assert_false(described_is_after_data(&described, "INDEX", "m1_id"));
    assert_false(described_is_after_data(&described, "FK CONSTRAINT", "to_user"));
    assert_true(described_is_after_data(&described, "MATERIALIZED VIEW DATA", "m1"));
}

static void lets_foreign_keys_and_triggers_that_span_partitions_wait_for_all_rows(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create table a(id int primary key);"
        "create table p(id int primary key, a int constraint from_parts references a)"
        " partition by range (id); create table p1 partition of p default;"
        "create table q(p int constraint to_parts references p);"
        "create table r(a int constraint plain references a);"
        "create function f() returns trigger language plpgsql as 'begin return new; end';"
        "create trigger tr before insert on p for each row execute function f()");
    described_read(&described);
    described_expect_no_refusal(&described);
    assert_true(described_is_after_data(&described, "FK CONSTRAINT", "from_parts"));
    assert_true(described_is_after_data(&described, "FK CONSTRAINT", "to_parts"));
    assert_false(described_is_after_data(&described, "FK CONSTRAINT", "plain"));
    assert_true(described_is_after_data(&described, "TRIGGER", "tr"));
    assert_int_equal(described_object(&described, "FK CONSTRAINT", "from_parts")->table_id, 0);
}

static void carries_of_privileges_only_what_is_taken_from_everybody(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    pg_cluster_run(cluster, NULL, "create role reader");
    described_set_up(&described, cluster,
                     "create table t(a int); grant select on t to reader;"
                     "create schema s; revoke all on schema s from public;"
                     "create function f() returns int language sql security definer as 'select 1';"
                     "revoke execute on function f() from public; grant execute on function f()"
                     " to reader");
    described_read(&described);
    const Object *acl = described_object(&described, "ACL", "FUNCTION f()");
    assert_non_null(acl);
    assert_string_equal(acl->definition, "REVOKE ALL ON FUNCTION public.f() FROM PUBLIC;");
    assert_null(described_object(&described, "ACL", "TABLE t"));
    assert_null(described_object(&described, "ACL", "SCHEMA s"));
    described_expect_finding(&described, FINDING_NOTE, NULL, "grants are not carried");
    described_expect_finding(&described, FINDING_WARNING, NULL, "public.f");

    described.selection.with_acl = true;
    described_read(&described);
    acl = described_object(&described, "ACL", "FUNCTION f()");
    assert_non_null(strstr(acl->definition, "GRANT"));
    assert_non_null(described_object(&described, "ACL", "TABLE t"));
    assert_null(described_finding(&described, FINDING_NOTE, NULL, "grants are not carried"));
}

static void says_what_is_left_behind(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(&described, cluster,
                     "create table t(a int); create publication pub for table t;"
                     "create foreign data wrapper w; create server s foreign data wrapper w;"
                     "create foreign table ft(a int) server s; comment on foreign table ft is 'x';"
                     "comment on server s is 'y'; create table rls(a int);"
                     "alter table rls enable row level security");
    AUTO_FREE_MEMORY char *set =
        xasprintf("alter database %s set work_mem = '8MB'", described.database);
    pg_cluster_run(cluster, described.database, set);
    described_read(&described);
    described_expect_no_refusal(&described);
    described_expect_finding(&described, FINDING_WARNING, NULL,
                             "publications are left behind: 1 (pub)");
    described_expect_finding(&described, FINDING_WARNING, NULL,
                             "foreign tables are left behind: 1");
    described_expect_finding(&described, FINDING_WARNING, NULL, "row security");
    described_expect_finding(&described, FINDING_NOTE, NULL, "1 (work_mem)");
    assert_null(described_object(&described, "COMMENT", "FOREIGN TABLE ft"));
    assert_null(described_object(&described, "COMMENT", "SERVER s"));
}

static void leaves_our_own_and_the_members_of_extensions_alone(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create extension hstore; create table t(h hstore);"
        "create schema stopover; create table stopover.run(a int);"
        "create schema public_staging_0a1b2c; create table public_staging_0a1b2c.t(a serial);"
        "create index on public_staging_0a1b2c.t(a);"
        "create function public_staging_0a1b2c.f() returns int language sql as 'select 1';"
        "create schema app_retired_ffffff; create view app_retired_ffffff.v as select 1;"
        "comment on view app_retired_ffffff.v is 'x'");
    described_read(&described);
    described_expect_no_refusal(&described);
    assert_int_equal(described.catalog.table_count, 1);
    for (size_t i = 0; i < described.catalog.object_count; i++) {
        const Object *object = &described.catalog.objects[i];
        assert_null(object->schema && strcmp(object->schema, "public") != 0 ? object : NULL);
        assert_null(strstr(object->name, "_retired_"));
        assert_string_not_equal(object->name, "stopover");
    }
    AUTO_OBJECT_NOTES PgObjectNotes notes = described_notes(&described, "EXTENSION", "hstore");
    assert_string_equal(notes.extension_schema, "public");
    assert_string_equal(notes.extension_version, "1.8");
}

static void reads_the_values_of_sequences_exactly(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create sequence fresh start 7; create sequence used start 7;"
        "create sequence down increment -1 maxvalue 9223372036854775807 minvalue"
        " -9223372036854775808 start -5; create table t(id serial);"
        "create sequence \"Odd \"\"one\"\"\";"
        "select nextval('used'); select setval('down', -9223372036854775808, false);"
        "insert into t select from generate_series(1, 42);"
        "do $$ begin for i in 1..450 loop execute format('create sequence many_%s start %s',"
        " i, i); end loop; end $$");
    described_read(&described);
    described_expect_no_refusal(&described);
    static const struct {
        const char *name;
        const char *value;
    } cases[] = {
        {"fresh", "7 f"},       {"used", "7 t"},   {"down", "-9223372036854775808 f"},
        {"t_id_seq", "42 t"},   {"many_1", "1 f"}, {"many_450", "450 f"},
        {"Odd \"one\"", "1 f"},
    };
    size_t count = 0;
    for (size_t i = 0; i < described.catalog.object_count; i++)
        count += described.catalog.objects[i].kind == OBJECT_SEQUENCE;
    assert_int_equal(count, 455);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_string_equal(described_object(&described, "SEQUENCE SET", cases[i].name)->definition,
                            cases[i].value);
}

static void tells_encoding_locale_and_version(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    pg_cluster_run(cluster, NULL,
                   "create database latin encoding 'LATIN1' locale 'C' template template0");
    described.cluster = cluster;
    (void)snprintf(described.database, sizeof(described.database), "latin");
    described_read(&described);
    static const char *const expected[][2] = {{"encoding", "LATIN1"},
                                              {"locale", "libc \"C\" \"C\" \"\""}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        const Object *object = described_object(&described, "DATABASE", expected[i][0]);
        assert_non_null(object);
        assert_int_equal(object->kind, OBJECT_SETTING);
        assert_string_equal(object->definition, expected[i][1]);
    }
    AUTO_FREE_MEMORY char *version = pg_cluster_ask(cluster, NULL, "show server_version_num");
    const Object *object = described_object(&described, "DATABASE", "server_version");
    assert_int_equal(strtol(version, NULL, 10) / 10000, strtol(object->definition, NULL, 10));
}

static void gives_the_same_schema_the_same_fingerprint(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    char fingerprint[sizeof(described.catalog.fingerprint)];
    described_set_up(&described, cluster,
                     "create table b(id serial primary key); create table a(b int references b);"
                     "create materialized view m as select * from a; create index on m(b);"
                     "create function f(int) returns int language sql as 'select $1'");
    described_read(&described);
    (void)snprintf(fingerprint, sizeof(fingerprint), "%s", described.catalog.fingerprint);
    pg_cluster_run(cluster, described.database,
                   "insert into b select from generate_series(1, 9); analyze");
    pg_close(TAKE(described.connection));
    pg_address_free(TAKE(described.address));
    described_read(&described);
    assert_string_equal(described.catalog.fingerprint, fingerprint);

    pg_cluster_run(cluster, described.database,
                   "create or replace function f(int) returns int language sql as 'select $1 + 1'");
    described_read(&described);
    assert_string_not_equal(described.catalog.fingerprint, fingerprint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_each_object_with_its_table_and_after_what_it_needs),
        cmocka_unit_test(lets_foreign_keys_and_triggers_that_span_partitions_wait_for_all_rows),
        cmocka_unit_test(carries_of_privileges_only_what_is_taken_from_everybody),
        cmocka_unit_test(says_what_is_left_behind),
        cmocka_unit_test(leaves_our_own_and_the_members_of_extensions_alone),
        cmocka_unit_test(reads_the_values_of_sequences_exactly),
        cmocka_unit_test(tells_encoding_locale_and_version),
        cmocka_unit_test(gives_the_same_schema_the_same_fingerprint),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
