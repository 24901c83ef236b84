/*
 * engine/connect/postgres/source_relations: what a selection takes, and what we may read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static void takes_a_table_with_all_that_is_on_it_and_nothing_else(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create type mood as enum ('a'); create sequence free;"
        "create table t(id serial primary key, m mood, n int default nextval('free'));"
        "create index i on t(n); create table other(id int); create view v as table t;"
        "create function f() returns trigger language plpgsql as 'begin return new; end';"
        "create trigger tr before insert on t for each row execute function f();"
        "create table p(a int) partition by list (a); create table p1 partition of p default");
    text_list_add(&described.selection.include, "t");
    described_read(&described);
    described_expect_no_refusal(&described);
    assert_int_equal(described.catalog.table_count, 1);
    assert_non_null(described_object(&described, "INDEX", "i"));
    assert_non_null(described_object(&described, "TRIGGER", "tr"));
    assert_non_null(described_object(&described, "SEQUENCE SET", "t_id_seq"));
    assert_null(described_object(&described, "SEQUENCE", "free"));
    assert_null(described_object(&described, "TYPE", "mood"));
    assert_null(described_object(&described, "FUNCTION", "f()"));
    assert_null(described_object(&described, "VIEW", "v"));

    text_list_add(&described.selection.include, "public.v");
    text_list_add(&described.selection.include, "p");
    described_read(&described);
    described_expect_no_refusal(&described);
    assert_non_null(described_object(&described, "VIEW", "v"));
    assert_non_null(described_object(&described, "TABLE ATTACH", "p1"));
    assert_int_equal(described.catalog.table_count, 2);
}

static void refuses_selections_that_cut_tables_apart(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create table a(id int primary key); create table b(a int constraint to_a references a);"
        "create table p(a int) partition by list (a); create table p1 partition of p default;"
        "create table m(a int); create table k() inherits (m)");
    text_list_add(&described.selection.include, "b");
    text_list_add(&described.selection.include, "p1");
    text_list_add(&described.selection.include, "k");
    described_read(&described);
    described_expect_finding(&described, FINDING_REFUSAL, "foreign key to_a of public.b",
                             "table public.a, which is not selected");
    described_expect_finding(&described, FINDING_REFUSAL, "table public.p1",
                             "partition of public.p");
    described_expect_finding(&described, FINDING_REFUSAL, "table public.k",
                             "inherits from public.m");
    assert_int_equal(described_refusals(&described), 3);
}

static void a_lenient_selection_takes_what_its_tables_cannot_be_without(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create table a(id int primary key); create table b(a int constraint to_a references a);"
        "create table p(a int) partition by list (a);"
        "create table p0 partition of p for values in (0) partition by list (a);"
        "create table p00 partition of p0 default; create table p1 partition of p default;"
        "create table m(a int); create table k() inherits (m); create table j() inherits (m);"
        "create table other(a int)");
    text_list_add(&described.selection.include, "b");
    text_list_add(&described.selection.include, "p1");
    text_list_add(&described.selection.include, "k");
    described.selection.lenient = true;
    described_read(&described);
    assert_int_equal(described_refusals(&described), 0);
    assert_int_equal(described.catalog.table_count, 5);
    assert_true(described_has_table(&described, "b") && described_has_table(&described, "p00"));
    assert_true(described_has_table(&described, "p1") && described_has_table(&described, "m"));
    assert_true(described_has_table(&described, "k"));
    assert_non_null(described_object(&described, "TABLE ATTACH", "p0"));
}

static void leaves_out_what_is_excluded_with_all_that_is_on_it(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create table a(id serial primary key); create view v as select id from a;"
        "create table p(a int) partition by list (a); create table p1 partition of p default;"
        "create table q(a int) partition by list (a);"
        "create table q1 partition of q for values in (1); create table q2 partition of q"
        " default; create index on q(a); create table b(a int constraint to_a references a)");
    text_list_add(&described.selection.exclude, "a");
    text_list_add(&described.selection.exclude, "p");
    text_list_add(&described.selection.exclude, "public.q1");
    described_read(&described);
    assert_int_equal(described_refusals(&described), 1);
    described_expect_finding(&described, FINDING_REFUSAL, "foreign key to_a of public.b",
                             "public.a");
    assert_int_equal(described.catalog.table_count, 2);
    assert_true(described_has_table(&described, "q2") && described_has_table(&described, "b"));
    assert_null(described_object(&described, "CONSTRAINT", "a_pkey"));
    assert_null(described_object(&described, "SEQUENCE SET", "a_id_seq"));
    assert_null(described_object(&described, "TABLE ATTACH", "q1"));
    assert_null(described_object(&described, "INDEX ATTACH", "q1_a_idx"));
    assert_null(described_object(&described, "TABLE", "p"));
    assert_non_null(described_object(&described, "VIEW", "v"));
}

static void takes_a_schema_with_the_extensions_that_it_needs(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(&described, cluster,
                     "create extension citext; create extension hstore; create schema app;"
                     "create schema other; create table app.t(a citext primary key);"
                     "create table other.t(h hstore); create type app.mood as enum ('a');"
                     "create type other.mood as enum ('a')");
    text_list_add(&described.selection.schemas, "a*");
    described_read(&described);
    described_expect_no_refusal(&described);
    assert_int_equal(described.catalog.table_count, 1);
    assert_non_null(described_object(&described, "SCHEMA", "app"));
    assert_null(described_object(&described, "SCHEMA", "other"));
    assert_string_equal(described_object(&described, "TYPE", "mood")->schema, "app");
    assert_non_null(described_object(&described, "EXTENSION", "citext"));
    assert_null(described_object(&described, "EXTENSION", "hstore"));
}

static void refuses_a_pattern_that_matches_nothing(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    Error err = {0};
    described_set_up(&described, cluster, "create table orders(a int)");
    described_connect(&described, "postgres");
    text_list_add(&described.selection.include, "order");
    assert_int_equal(pg_describe(described.connection, described.address, NULL,
                                 &described.selection, &described.catalog, &described.findings,
                                 &err),
                     STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_non_null(strstr(err.hint, "public.orders"));
    /* The connection is left without a transaction. */
    AUTO_FREE_MEMORY char *found = NULL;
    described_expect_ok(pg_run(described.connection, "begin", &err), &err);
    described_expect_ok(pg_query_text(described.connection, "select 1", &found, &err), &err);
    assert_string_equal(found, "1");
}

static void names_all_tables_that_may_not_be_read_at_once(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    pg_cluster_run(cluster, NULL, "create role poor login");
    described_set_up(&described, cluster,
                     "create table a(x int); create table b(x int); create table c(x serial);"
                     "grant select on b to poor; create schema closed; create table"
                     " closed.d(x int); grant select on closed.d to poor");
    described_read_as(&described, "poor");
    assert_int_equal(described_refusals(&described), 1);
    described_expect_finding(
        &described, FINDING_REFUSAL, NULL,
        "\"public\".\"a\", \"public\".\"c_x_seq\", \"public\".\"c\", \"closed\".\"d\"");

    text_list_add(&described.selection.exclude, "[acd]");
    described_read_as(&described, "poor");
    described_expect_no_refusal(&described);
    assert_int_equal(described.catalog.table_count, 1);
}

static void refuses_tables_whose_rows_are_hidden_from_us(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    pg_cluster_run(cluster, NULL, "create role clerk login");
    described_set_up(&described, cluster,
                     "create table open(x int); create table own(x int); create table secret(x"
                     " int); create table forced(x int); alter table own owner to clerk;"
                     "alter table forced owner to clerk;"
                     "grant select on all tables in schema public to clerk;"
                     "alter table own enable row level security;"
                     "alter table secret enable row level security;"
                     "alter table forced enable row level security;"
                     "alter table forced force row level security");
    described_read_as(&described, "clerk");
    assert_int_equal(described_refusals(&described), 1);
    described_expect_finding(
        &described, FINDING_REFUSAL, NULL,
        "row security hides rows from the source's user in \"public\".\"secret\", "
        "\"public\".\"forced\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_table_with_all_that_is_on_it_and_nothing_else),
        cmocka_unit_test(refuses_selections_that_cut_tables_apart),
        cmocka_unit_test(a_lenient_selection_takes_what_its_tables_cannot_be_without),
        cmocka_unit_test(leaves_out_what_is_excluded_with_all_that_is_on_it),
        cmocka_unit_test(takes_a_schema_with_the_extensions_that_it_needs),
        cmocka_unit_test(refuses_a_pattern_that_matches_nothing),
        cmocka_unit_test(names_all_tables_that_may_not_be_read_at_once),
        cmocka_unit_test(refuses_tables_whose_rows_are_hidden_from_us),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
