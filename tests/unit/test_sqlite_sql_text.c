/* Rewriting of stored SQL: what is a name is replaced, and not one other byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/sql_text.h"

static char *add_suffix(void *context, const char *name)
{
    if (strcmp(name, "kept") == 0)
        return NULL;
    return xasprintf("%s%s", name, (const char *)context);
}

static void expect_table(const char *statement, const char *table, const char *expected)
{
    Error err = {0};
    AUTO_FREE_MEMORY char *new_name = xasprintf("%s_x", table);
    AUTO_FREE_MEMORY char *renamed = NULL;
    char suffix[] = "_x";

    assert_int_equal(
        sql_rename_table(statement, table, new_name, add_suffix, suffix, &renamed, &err),
        STATUS_OK);
    assert_string_equal(renamed, expected);
}

static void expect_index(const char *statement, const char *table, const char *expected)
{
    Error err = {0};
    AUTO_FREE_MEMORY char *renamed = NULL;

    assert_int_equal(sql_rename_index(statement, table, "i_x", "t_x", &renamed, &err), STATUS_OK);
    assert_string_equal(renamed, expected);
}

static void the_name_of_a_table_is_replaced_however_it_is_quoted(void **state)
{
    (void)state;
    expect_table("CREATE TABLE t(a)", "t", "CREATE TABLE \"t_x\"(a)");
    expect_table("CREATE TABLE [my t] (a)", "my t", "CREATE TABLE \"my t_x\" (a)");
    expect_table("CREATE TABLE `a``b`(a)", "a`b", "CREATE TABLE \"a`b_x\"(a)");
    expect_table("CREATE TABLE \"q\"\"t\"(a)", "q\"t", "CREATE TABLE \"q\"\"t_x\"(a)");
    expect_table("CREATE TABLE 'it''s'(a)", "it's", "CREATE TABLE \"it's_x\"(a)");
    expect_table("CREATE TABLE Tëst(a)", "Tëst", "CREATE TABLE \"Tëst_x\"(a)");
    expect_table("create table if not exists main.T(a)", "t",
                 "create table if not exists main.\"t_x\"(a)");
    expect_table("CREATE TABLE if(a)", "if", "CREATE TABLE \"if_x\"(a)");
    expect_table("CREATE/* c */TABLE-- t\nt(a)", "t", "CREATE/* c */TABLE-- t\n\"t_x\"(a)");
}

static void qualified_columns_follow_their_table(void **state)
{
    (void)state;
    expect_table(
        "CREATE TABLE t(a CHECK (t.a > 1 and T . a < 9), b AS (\"t\".a))", "t",
        "CREATE TABLE \"t_x\"(a CHECK (\"t_x\".a > 1 and \"t_x\" . a < 9), b AS (\"t_x\".a))");
    expect_table("CREATE TABLE t(t CHECK (main.t.t > t))", "t",
                 "CREATE TABLE \"t_x\"(t CHECK (main.\"t_x\".t > t))");
    expect_table("CREATE TABLE main(a CHECK (main.main.a > 1))", "main",
                 "CREATE TABLE \"main_x\"(a CHECK (main.\"main_x\".a > 1))");
}

static void words_that_only_look_like_the_table_are_left_alone(void **state)
{
    (void)state;
    expect_table("CREATE TABLE t(t t, x DEFAULT 't.a' /* t.a REFERENCES t */, -- t.a\n y)", "t",
                 "CREATE TABLE \"t_x\"(t t, x DEFAULT 't.a' /* t.a REFERENCES t */, -- t.a\n y)");
    expect_table("CREATE TABLE \"1\"(a CHECK (a > 1.5))", "1",
                 "CREATE TABLE \"1_x\"(a CHECK (a > 1.5))");
    expect_table("CREATE TABLE x(a DEFAULT x'00', b CHECK (xx.b))", "x",
                 "CREATE TABLE \"x_x\"(a DEFAULT x'00', b CHECK (xx.b))");
}

static void parents_are_renamed_or_kept_as_asked(void **state)
{
    (void)state;
    expect_table(
        "CREATE TABLE t(a references t, b REFERENCES[p q](x), c references kept, "
        "foreign key (a) references \"z\" on delete cascade)",
        "t",
        "CREATE TABLE \"t_x\"(a references \"t_x\", b REFERENCES\"p q_x\"(x), c references "
        "kept, foreign key (a) references \"z_x\" on delete cascade)");
    expect_table("CREATE TABLE t(\"references\" text, b)", "t",
                 "CREATE TABLE \"t_x\"(\"references\" text, b)");
}

static void indexes_take_their_new_table_along(void **state)
{
    (void)state;
    expect_index("CREATE INDEX i ON t(a)", "t", "CREATE INDEX \"i_x\" ON \"t_x\"(a)");
    expect_index("CREATE UNIQUE INDEX \"on\" ON [T](t.a, lower(t.b)) WHERE t.c > 't.c'", "t",
                 "CREATE UNIQUE INDEX \"i_x\" ON \"t_x\"(\"t_x\".a, lower(\"t_x\".b)) WHERE "
                 "\"t_x\".c > 't.c'");
}

static void statements_of_another_kind_are_refused(void **state)
{
    (void)state;
    static const char *const statements[] = {"",
                                             "CREATE",
                                             "CREATE TABLE",
                                             "SELECT 1",
                                             "CREATE VIRTUAL TABLE t USING fts5(a)",
                                             "CREATE VIEW t AS SELECT 1",
                                             "CREATE TABLE u(a)",
                                             "CREATE TABLE t(a REFERENCES"};
    Error err = {0};
    char *ret = NULL;
    char suffix[] = "_x";

    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        assert_int_equal(
            sql_rename_table(statements[i], "t", "t_x", add_suffix, suffix, &ret, &err),
            STATUS_INVALID);
        assert_null(ret);
        assert_int_equal(sql_rename_index(statements[i], "t", "i", "t_x", &ret, &err),
                         STATUS_INVALID);
        assert_null(ret);
    }
}

static void each_parent_is_named_once(void **state)
{
    (void)state;
    Error err = {0};
    AUTO_TEXT_LIST TextList parents = {0};

    assert_int_equal(sql_parents("CREATE TABLE t(a REFERENCES p, b REFERENCES \"P\"(x), "
                                 "c REFERENCES [q ]) -- REFERENCES no",
                                 &parents, &err),
                     STATUS_OK);
    assert_int_equal(parents.count, 2);
    assert_string_equal(parents.items[0], "p");
    assert_string_equal(parents.items[1], "q ");
}

static void the_table_of_a_trigger_is_found(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END", "t"},
        {"CREATE TRIGGER \"on\" UPDATE OF a, \"on\" ON main.[v w] BEGIN SELECT 1; END", "v w"},
        {"CREATE TRIGGER IF NOT EXISTS r /* on x */ INSTEAD OF DELETE ON \"V\" WHEN 1 BEGIN "
         "DELETE FROM t; END",
         "V"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        Error err = {0};
        AUTO_FREE_MEMORY char *table = NULL;

        assert_int_equal(sql_trigger_table(cases[i][0], &table, &err), STATUS_OK);
        assert_string_equal(table, cases[i][1]);
    }
}

static void keywords_count_only_as_bare_words(void **state)
{
    (void)state;
    assert_true(
        sql_has_keyword("CREATE TABLE t(a INTEGER PRIMARY KEY AutoIncrement)", "autoincrement"));
    assert_false(sql_has_keyword("CREATE TABLE t(\"autoincrement\" /* autoincrement */ "
                                 "DEFAULT 'autoincrement', xautoincrement) -- autoincrement",
                                 "autoincrement"));
}

static void statements_are_compared_from_the_name_on(void **state)
{
    (void)state;
    assert_true(sql_same_statement("create  table\"t\"(a)", "CREATE TABLE \"t\"(a)"));
    assert_false(sql_same_statement("CREATE TABLE \"t\"(a)", "CREATE TABLE \"t\"(b)"));
    assert_true(
        sql_same_statement("CREATE UNIQUE INDEX i ON t(a)", "create unique index i ON t(a)"));
    assert_false(sql_same_statement("CREATE UNIQUE INDEX i ON t(a)", "CREATE INDEX i ON t(a)"));
    assert_false(sql_same_statement("nonsense", "nonsense"));
}

static void literals_double_their_quotes(void **state)
{
    (void)state;
    AUTO_TEXT Text text = {0};

    sql_append_literal(&text, "it's");
    assert_string_equal(text_string(&text), "'it''s'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_of_a_table_is_replaced_however_it_is_quoted),
        cmocka_unit_test(qualified_columns_follow_their_table),
        cmocka_unit_test(words_that_only_look_like_the_table_are_left_alone),
        cmocka_unit_test(parents_are_renamed_or_kept_as_asked),
        cmocka_unit_test(indexes_take_their_new_table_along),
        cmocka_unit_test(statements_of_another_kind_are_refused),
        cmocka_unit_test(each_parent_is_named_once),
        cmocka_unit_test(the_table_of_a_trigger_is_found),
        cmocka_unit_test(keywords_count_only_as_bare_words),
        cmocka_unit_test(statements_are_compared_from_the_name_on),
        cmocka_unit_test(literals_double_their_quotes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
