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

#define VALUE_OF(function, table)                                                                  \
    "create function " function "(int) returns int language plpgsql immutable as"                  \
    " 'begin return (select max(v) from public." table " where k >= $1); end';"

static void tables_are_loaded_after_those_that_they_read(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    static const struct {
        const char *table;
        uint32_t number;
    } expected[] = {{"base", 0},     {"middle", 1},  {"top", 2},     {"by_view", 3},
                    {"itself", 1},   {"quiet_1", 1}, {"parent", 0},  {"child", 1},
                    {"reads_up", 2}, {"whole_1", 1}, {"whole_2", 1}, {"reads_whole", 2}};
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        /* clang-format off */
        "create table base(k int, v int);"
        VALUE_OF("base_of", "base")
        "create table middle(k int, v int generated always as (base_of(k)) stored);"
        VALUE_OF("middle_of", "middle")
        "create table top(k int, v int check (middle_of(k) > 0));"
        "create view seen as select k as v, v as k from top;"
        VALUE_OF("seen_of", "seen")
        "create domain seen_number as int check (seen_of(value) > 0);"
        "create table by_view(n seen_number[]);"
        "create table itself(k int, v int);"
        VALUE_OF("itself_of", "itself")
        "alter table itself add check (itself_of(k) > 0);"
        "create function fine(int) returns boolean language sql immutable as 'select $1 > 0';"
        "create table quiet(k int check (fine(k))) partition by list (k);"
        "create table quiet_1 partition of quiet default;"
        "create table parent(k int, v int);"
        "create table child() inherits (parent);"
        "alter table child add check (base_of(k) > 0);"
        VALUE_OF("parent_of", "parent")
        "create table reads_up(k int check (parent_of(k) > 0));"
        "create table whole(k int, v int check (base_of(k) > 0)) partition by list (k);"
        "create table whole_1 partition of whole for values in (1);"
        "create table whole_2 partition of whole default;"
        VALUE_OF("whole_of", "whole")
        "create table reads_whole(k int check (whole_of(k) > 0));");
    /* clang-format on */
    described_read(&described);
    described_expect_no_refusal(&described);
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        uint32_t number = described_table(&described, "public", expected[i].table)->load_late;
        if (number != expected[i].number)
            fail_msg("table %s has number %u", expected[i].table, number);
    }
}

static void tables_that_read_each_other_are_loaded_in_some_order(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create table a(k int, v int); create table b(k int, v int);" VALUE_OF("a_of", "a")
            VALUE_OF("b_of",
                     "b") "alter table a add check (b_of(k) > 0);"
                          "alter table b add check (a_of(k) > 0);"
                          "create table c(k int check (a_of(k) > 0), check (b_of(k) > 0));");
    described_read(&described);
    uint32_t a = described_table(&described, "public", "a")->load_late;
    uint32_t b = described_table(&described, "public", "b")->load_late;
    uint32_t c = described_table(&described, "public", "c")->load_late;
    assert_true(a > 0 && b > 0 && c > a && c > b);
}

static void expect_path(const Described *described, const char *function, const char *path)
{
    AUTO_OBJECT_NOTES PgObjectNotes notes = described_notes(described, "FUNCTION", function);
    if ((notes.path == NULL) != (path == NULL) || (path && strcmp(notes.path, path) != 0))
        fail_msg("%s has the path %s", function, notes.path ? notes.path : "NULL");
}

static void functions_keep_their_search_path_where_they_need_it(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create schema app; create type mood as enum ('a'); create table rates(k int, v int);"
        "create function plain(int) returns int language sql immutable as 'select abs($1)';"
        "create function given(int) returns int language sql immutable"
        " as 'select max(v) from public.rates where k = $1';"
        "create function bare(int) returns int language sql immutable"
        " as 'select max(v) from rates where k = $1';"
        "create function app.away(int) returns int language plpgsql immutable"
        " as 'declare r rates.v%type; begin return r; end';"
        "create function typed(int) returns int language plpgsql immutable"
        " as $$begin perform 'a'::mood; return 1; end$$;"
        "create function own(int) returns int language sql immutable set search_path = public"
        " as 'select max(v) from rates where k = $1';"
        "create function atomic(int) returns int language sql immutable"
        " begin atomic select max(v) from rates where k = $1; end;"
        "create function stored(int) returns int language sql immutable"
        " as 'select max(v) from public.rates where k = $1';"
        "create function unused(int) returns int language sql as 'select max(v) from rates';"
        "create table t(a int, s int generated always as (stored(a)) stored);"
        "create index on t(plain(a)); create index on t(given(a)); create index on t(bare(a));"
        "create index on t(app.away(a)); create index on t(typed(a)); create index on t(own(a));"
        "create index on t(atomic(a))");
    described_read(&described);
    described_expect_no_refusal(&described);
    expect_path(&described, "plain(integer)", NULL);
    expect_path(&described, "given(integer)", NULL);
    expect_path(&described, "bare(integer)", "\"public\"");
    expect_path(&described, "away(integer)", "\"public\", \"app\"");
    expect_path(&described, "typed(integer)", "\"public\"");
    expect_path(&described, "own(integer)", NULL);
    expect_path(&described, "atomic(integer)", NULL);
    expect_path(&described, "stored(integer)", "\"public\""); /* not put in place of its call */
    expect_path(&described, "unused(integer)", NULL);
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
        cmocka_unit_test(tables_are_loaded_after_those_that_they_read),
        cmocka_unit_test(tables_that_read_each_other_are_loaded_in_some_order),
        cmocka_unit_test(functions_keep_their_search_path_where_they_need_it),
        cmocka_unit_test(refuses_code_that_would_read_the_live_tables),
        cmocka_unit_test(refuses_functions_left_behind_that_read_what_is_replaced),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
