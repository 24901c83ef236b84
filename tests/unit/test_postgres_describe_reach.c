/*
 * engine/connect/postgres/describe_reach: code of the database that runs while it is staged (trap 5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

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

static const char reading_functions[] =
    "create table lookup(id int primary key, name text);"
    "create function direct(int) returns text language sql immutable as"
    " 'select name from public.lookup where id = $1';"
    "create function indirect(int) returns text language plpgsql immutable as"
    " 'begin return direct($1); end';"
    "create function atomic(int) returns text immutable"
    " begin atomic select name from public.lookup where id = $1; end;";

static void finds_code_that_may_read_other_tables_while_staging(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    AUTO_TEXT Text sql = {0};
    text_append(&sql, reading_functions);
    text_append(&sql,
                "create table t(a int, b text); create index plain on t(a); create index lower_b on"
                " t(lower(b)); create index by_direct on t(direct(a)); create index by_indirect on"
                " t(indirect(a)); create index by_atomic on t(a) where atomic(a) is not null;"
                "create table checked(a int check (direct(a) is null));"
                "create table computed(a int, g text generated always as (direct(a)) stored);"
                "create domain known as int check (direct(value) is null);"
                "create table by_domain(a known[]);"
                "create type holder as (x known); create table by_composite(h holder);"
                "create function is_like(text, text) returns bool language sql immutable as"
                " 'select exists(select from public.lookup where name = $1 || $2)';"
                "create operator ~~~ (leftarg = text, rightarg = text, procedure = is_like);"
                "create table by_operator(a text check (a ~~~ 'x'));"
                "create table parts(a int) partition by list (length(atomic(a)));"
                "create table part partition of parts default;"
                "create table late_check(a int); alter table late_check add constraint lc"
                " check (direct(a) is null) not valid;"
                "create domain other as int; alter domain other add constraint od"
                " check (value > 0) not valid;"
                "create table parent(a int); create table child() inherits (parent);"
                "alter table parent add constraint pc check (a > 0) not valid;"
                "alter table parts add constraint ac check (a > 0) not valid;"
                "alter table child add constraint cc check (a > 0) not valid;"
                "create statistics on_code on (direct(a)), (b) from t;"
                "create table quiet(a int check (a > 0), b text default indirect(1))");
    described_set_up(&described, cluster, text_string(&sql));
    described_read(&described);
    described_expect_no_refusal(&described);
    assert_false(described_is_after_data(&described, "INDEX", "plain"));
    assert_false(described_is_after_data(&described, "INDEX", "lower_b"));
    assert_true(described_is_after_data(&described, "INDEX", "by_direct"));
    assert_true(described_is_after_data(&described, "INDEX", "by_indirect"));
    assert_true(described_is_after_data(&described, "INDEX", "by_atomic"));
    assert_true(described_is_after_data(&described, "CHECK CONSTRAINT", "lc"));
    assert_true(described_is_after_data(&described, "CHECK CONSTRAINT", "other od"));
    assert_true(described_is_after_data(&described, "CHECK CONSTRAINT", "pc"));
    assert_true(described_is_after_data(&described, "CHECK CONSTRAINT", "ac"));
    assert_false(described_is_after_data(&described, "CHECK CONSTRAINT", "cc"));
    assert_true(described_is_after_data(&described, "STATISTICS", "on_code"));
    static const char *const late[] = {"checked",      "computed",    "by_domain",
                                       "by_composite", "by_operator", "part"};
    for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++) {
        if (!described_table(&described, "public", late[i])->load_late)
            fail_msg("table %s is not loaded late", late[i]);
    }
    assert_false(described_table(&described, "public", "t")->load_late);
    assert_false(described_table(&described, "public", "quiet")->load_late);
    assert_false(described_table(&described, "public", "lookup")->load_late);
}

static void refuses_code_that_would_read_the_live_tables(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create function dynamic(int) returns text language plpgsql immutable as $$"
        " declare r text; begin execute 'select name from lookup' into r; return r; end $$;"
        "create function caller(int) returns text language sql immutable as"
        " 'select public.dynamic($1)';"
        "create function unused(int) returns text language plpgsql as"
        " $$ begin execute 'select 1'; return 'dynamic'; end $$;"
        "create table t(a int); create index by_caller on t(caller(a));"
        "create table u(a int); create view v as select unused(a) from u");
    described_read(&described);
    assert_int_equal(described_refusals(&described), 1);
    described_expect_finding(&described, FINDING_REFUSAL, "function public.dynamic(integer)",
                             "index by_caller of public.t");

    text_list_add(&described.selection.exclude, "t");
    described_read(&described);
    described_expect_no_refusal(&described);
}

static void refuses_functions_left_behind_that_read_what_is_replaced(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    AUTO_TEXT Text sql = {0};
    text_append(&sql, reading_functions);
    text_append(&sql, "create table t(a int); create index by_indirect on t(indirect(a));");
    described_set_up(&described, cluster, text_string(&sql));
    text_list_add(&described.selection.include, "t");
    described_read(&described);
    described_expect_no_refusal(&described); /* the target's own lookup is meant */
    assert_null(described_object(&described, "FUNCTION", "direct(integer)"));

    text_list_add(&described.selection.include, "lookup");
    described_read(&described);
    described_expect_finding(&described, FINDING_REFUSAL, "function public.direct(integer)",
                             "reads table public.lookup");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_code_that_may_read_other_tables_while_staging),
        cmocka_unit_test(refuses_code_that_would_read_the_live_tables),
        cmocka_unit_test(refuses_functions_left_behind_that_read_what_is_replaced),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
