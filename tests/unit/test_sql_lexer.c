/* The tokenizer: tokens together are the input, whatever that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct Expected {
    SqlTokenKind kind;
    const char *text;
} Expected;

/* Solid tokens only. */
static void expect_tokens(const char *sql, const Expected *expected, size_t count)
{
    SqlLexer lexer;
    SqlToken token = {0};
    Error err = {0};
    size_t found = 0;

    sql_lexer_begin(&lexer, sql, strlen(sql));
    for (;;) {
        assert_int_equal(sql_lexer_next(&lexer, &token, &err), STATUS_OK);
        if (token.kind == SQL_END)
            break;
        if (token.kind == SQL_SPACE)
            continue;
        assert_true(found < count);

        AUTO_FREE_MEMORY char *text = xstrndup(token.text, token.size);

        assert_string_equal(text, expected[found].text);
        assert_int_equal(token.kind, expected[found].kind);
        found++;
    }
    assert_int_equal(found, count);
}

static void words_names_and_marks_are_told_apart(void **state)
{
    static const Expected expected[] = {
        {SQL_WORD, "SELECT"},     {SQL_WORD, "a_1$"},         {SQL_PUNCTUATION, "."},
        {SQL_NAME, "\"b\"\"c\""}, {SQL_PUNCTUATION, "."},     {SQL_OPERATOR, "*"},
        {SQL_PUNCTUATION, ","},   {SQL_WORD, "tëst"},         {SQL_OPERATOR, "::"},
        {SQL_WORD, "int"},        {SQL_PUNCTUATION, "["},     {SQL_PUNCTUATION, "]"},
        {SQL_OPERATOR, ":="},     {SQL_NAME, "U&\"\\0041\""}, {SQL_PUNCTUATION, ":"},
        {SQL_WORD, "x"},          {SQL_PUNCTUATION, ";"},     {SQL_PARAMETER, "$1"},
        {SQL_PUNCTUATION, "\\"},  {SQL_WORD, "restrict"},     {SQL_WORD, "e"},
        {SQL_NAME, "\"\""},
    };

    (void)state;
    expect_tokens("SELECT a_1$.\"b\"\"c\".* , tëst::int[] := U&\"\\0041\" : x;$1 \\restrict e \"\"",
                  expected, COUNT(expected));
}

static void numbers_leave_ranges_alone(void **state)
{
    static const Expected expected[] = {
        {SQL_NUMBER, "1"},  {SQL_OPERATOR, ".."},  {SQL_NUMBER, "10"},   {SQL_NUMBER, "1.5e-3"},
        {SQL_NUMBER, ".5"}, {SQL_NUMBER, "1_000"}, {SQL_NUMBER, "2."},   {SQL_NUMBER, "3"},
        {SQL_WORD, "e"},    {SQL_WORD, "f"},       {SQL_OPERATOR, ".."}, {SQL_NUMBER, "4"},
    };

    (void)state;
    expect_tokens("1..10 1.5e-3 .5 1_000 2. 3e f..4", expected, COUNT(expected));
}

static void operators_end_where_the_server_ends_them(void **state)
{
    static const Expected expected[] = {
        {SQL_WORD, "a"}, {SQL_OPERATOR, "="},  {SQL_OPERATOR, "-"}, {SQL_NUMBER, "1"},
        {SQL_WORD, "b"}, {SQL_OPERATOR, "@-"}, {SQL_WORD, "c"},     {SQL_OPERATOR, "<->"},
        {SQL_WORD, "d"}, {SQL_OPERATOR, "*"},  {SQL_WORD, "e"},     {SQL_OPERATOR, "?|"},
    };

    (void)state;
    expect_tokens("a=-1 b@-c<->d*/* x */e---comment\n?|", expected, COUNT(expected));
}

static void strings_of_every_kind_are_one_token(void **state)
{
    static const Expected expected[] = {
        {SQL_STRING, "'it''s'"},
        {SQL_STRING, "E'a\\'b'"},
        {SQL_STRING, "B'01'"},
        {SQL_STRING, "x'ff'"},
        {SQL_STRING, "N'n'"},
        {SQL_STRING, "U&'\\0061'"},
        {SQL_STRING, "'back\\'"},
        {SQL_DOLLAR, "$$a'$b$$"},
        {SQL_DOLLAR, "$t1$ $$ $t$ $t1$"},
        {SQL_STRING, "'a'\n  'b'"},
        {SQL_STRING, "'c'"},
        {SQL_STRING, "'d'"},
        {SQL_STRING, "e'x' -- it's\n'\\''"},
        {SQL_WORD, "ab$c$"},
        {SQL_STRING, "''"},
    };

    (void)state;
    expect_tokens("'it''s' E'a\\'b' B'01' x'ff' N'n' U&'\\0061' 'back\\' $$a'$b$$ $t1$ $$ $t$ $t1$ "
                  "'a'\n  'b' 'c' 'd' e'x' -- it's\n'\\'' ab$c$ ''",
                  expected, COUNT(expected));
}

static void comments_nest_and_hide_what_they_hold(void **state)
{
    static const Expected expected[] = {{SQL_NUMBER, "1"}, {SQL_OPERATOR, "+"}, {SQL_NUMBER, "2"}};

    (void)state;
    expect_tokens("/* a /* ' */ \" */1--'\n+/**/2--", expected, COUNT(expected));
}

static void expect_failure(const char *sql)
{
    SqlLexer lexer;
    SqlToken token = {.kind = SQL_SPACE};
    Error err = {0};
    Status status = STATUS_OK;

    sql_lexer_begin(&lexer, sql, strlen(sql));
    while (status == STATUS_OK && token.kind != SQL_END)
        status = sql_lexer_next(&lexer, &token, &err);
    assert_int_equal(status, STATUS_FAILED);
    assert_non_null(strstr(err.message, "does not end"));
}

static void what_does_not_end_is_an_error(void **state)
{
    (void)state;
    expect_failure("select 'a''");
    expect_failure("select E'a\\'");
    expect_failure("select E'a\\");
    expect_failure("select \"a\"\"");
    expect_failure("select /* /* */");
    expect_failure("select $a$ $$ $b$");
    expect_failure("select 'a'\n'b");
}

static SqlToken only_token(const char *sql)
{
    SqlLexer lexer;
    SqlToken token = {0};
    Error err = {0};

    sql_lexer_begin(&lexer, sql, strlen(sql));
    assert_int_equal(sql_lexer_next(&lexer, &token, &err), STATUS_OK);
    assert_int_equal(token.size, strlen(sql));
    return token;
}

static void expect_identifier(const char *sql, const char *expected)
{
    SqlToken token = only_token(sql);
    AUTO_FREE_MEMORY char *name = sql_identifier(&token);

    assert_string_equal(name, expected);
}

static void expect_string_value(const char *sql, const char *expected)
{
    SqlToken token = only_token(sql);
    AUTO_FREE_MEMORY char *value = sql_string_value(&token);

    if (expected == NULL)
        assert_null(value);
    else
        assert_string_equal(value, expected);
}

static void identifiers_are_folded_or_unquoted(void **state)
{
    (void)state;
    expect_identifier("MixedCase", "mixedcase");
    expect_identifier("ÄB", "Äb");
    expect_identifier("\"Mixed\"\"Case\"", "Mixed\"Case");
    expect_identifier("U&\"d\\0061t\\+000061\\\\\"", "data\\");
    expect_identifier("a123456789a123456789a123456789a123456789a123456789a123456789a123456789",
                      "a123456789a123456789a123456789a123456789a123456789a123456789a12");
}

static void strings_have_values(void **state)
{
    (void)state;
    expect_string_value("'it''s'", "it's");
    expect_string_value("'a\\n'", "a\\n");
    expect_string_value("E'a\\n\\'\\\\\\x41\\101\\u00e4\\U0001F600\\q'", "a\n'\\AAä😀q");
    expect_string_value("E'\\uD83D\\uDE00'", "😀");
    expect_string_value("U&'\\0061\\+01F600'", "a😀");
    expect_string_value("'a'\n -- it's\n'b'", "ab");
    expect_string_value("N'x'", "x");
    expect_string_value("''", "");
    expect_string_value("$$it's$$", "it's");
    expect_string_value("$tag$ $$ $tag$", " $$ ");
    expect_string_value("B'01'", NULL);
    expect_string_value("word", NULL);
}

static void keywords_are_compared_without_case_and_never_quoted(void **state)
{
    SqlToken word = only_token("SeLect");
    SqlToken name = only_token("\"select\"");
    SqlToken mark = only_token("(");

    (void)state;
    assert_true(sql_is_word(&word, "select"));
    assert_false(sql_is_word(&word, "selec"));
    assert_false(sql_is_word(&name, "select"));
    assert_false(sql_is(&name, "\"select\""));
    assert_true(sql_is(&mark, "("));
}

/* A number from the last one, so that every run tries the same texts. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* The text lies at the end of its own allocation: a byte read too far is seen by ASan. */
static void expect_whole(const char *text, size_t size)
{
    AUTO_FREE_MEMORY char *copy = xmemdup(text, size);
    SqlLexer lexer;
    SqlToken token = {0};
    Error err = {0};
    const char *at = copy;

    sql_lexer_begin(&lexer, copy, size);
    for (;;) {
        if (sql_lexer_next(&lexer, &token, &err) < 0)
            return;
        assert_ptr_equal(token.text, at);
        if (token.kind == SQL_END)
            break;
        assert_true(token.size > 0);
        at += token.size;

        AUTO_FREE_MEMORY char *identifier = sql_identifier(&token);
        AUTO_FREE_MEMORY char *value = sql_string_value(&token);

        assert_non_null(identifier);
    }
    assert_ptr_equal(at, copy + size);
}

static void tokens_together_are_any_input(void **state)
{
    static const char *const pieces[] = {"'",  "\"", "$",  "$a$", "$$", "\\", "e'", "U&\"", "--",
                                         "\n", "/*", "*/", ".",   "1",  "a",  " ",  "::",   "+",
                                         ":",  "?",  "é",  "E",   "0x", "(",  ";",  "u&'",  "-"};
    uint32_t seed = 20260101;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        AUTO_TEXT Text text = {0};
        uint32_t length = next_random(&seed) % 24;

        for (uint32_t i = 0; i < length; i++) {
            if (round % 2 == 0) {
                uint8_t byte = (uint8_t)next_random(&seed);

                text_append_bytes(&text, &byte, 1);
            } else {
                text_append(&text, pieces[next_random(&seed) % COUNT(pieces)]);
            }
        }
        expect_whole(text_string(&text), text.size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_names_and_marks_are_told_apart),
        cmocka_unit_test(numbers_leave_ranges_alone),
        cmocka_unit_test(operators_end_where_the_server_ends_them),
        cmocka_unit_test(strings_of_every_kind_are_one_token),
        cmocka_unit_test(comments_nest_and_hide_what_they_hold),
        cmocka_unit_test(what_does_not_end_is_an_error),
        cmocka_unit_test(identifiers_are_folded_or_unquoted),
        cmocka_unit_test(strings_have_values),
        cmocka_unit_test(keywords_are_compared_without_case_and_never_quoted),
        cmocka_unit_test(tokens_together_are_any_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
