/* The mapping of SQLSTATEs, and what is shown of a server's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/connection_inside.h"

typedef struct Mapping {
    const char *sqlstate;
    Status status;
    ErrorKind kind;
    bool has_hint;
} Mapping;

static void each_code_says_what_to_do(void **state)
{
    static const Mapping mappings[] = {
        {"40001", STATUS_RETRY, ERROR_WAITING, false},
        {"40P01", STATUS_RETRY, ERROR_WAITING, false},
        {"55P03", STATUS_RETRY, ERROR_WAITING, false},
        {"57P01", STATUS_RETRY, ERROR_WAITING, false},
        {"57P02", STATUS_RETRY, ERROR_WAITING, false},
        {"57P03", STATUS_RETRY, ERROR_WAITING, false},
        {"57P05", STATUS_RETRY, ERROR_WAITING, false},
        {"25P03", STATUS_RETRY, ERROR_WAITING, false},
        {"25P04", STATUS_RETRY, ERROR_WAITING, false},
        {"08000", STATUS_RETRY, ERROR_WAITING, false},
        {"08006", STATUS_RETRY, ERROR_WAITING, false},
        {"53300", STATUS_RETRY, ERROR_WAITING, true},
        {"53100", STATUS_RETRY, ERROR_WAITING, true},
        {"42501", STATUS_INVALID, ERROR_REFUSED, true},
        {"28000", STATUS_INVALID, ERROR_REFUSED, true},
        {"28P01", STATUS_INVALID, ERROR_REFUSED, true},
        {"3D000", STATUS_INVALID, ERROR_REFUSED, true},
        {"25006", STATUS_INVALID, ERROR_REFUSED, true},
        {"57014", STATUS_FAILED, ERROR_FAILED, false},
        {"40002", STATUS_FAILED, ERROR_FAILED, false},
        {"53200", STATUS_FAILED, ERROR_FAILED, false}, /* no memory, but lock slots enough */
        {"42P01", STATUS_FAILED, ERROR_FAILED, false},
        {"XX001", STATUS_FAILED, ERROR_FAILED, false},
        {"23505", STATUS_FAILED, ERROR_FAILED, false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++) {
        PgFailure failure = {.sqlstate = mappings[i].sqlstate, .message = "words"};
        Error err = {0};
        Status status = pg_map_failure(&failure, &err);

        if (status != mappings[i].status || err.kind != mappings[i].kind ||
            (*err.hint != '\0') != mappings[i].has_hint)
            fail_msg("%s: status %d, kind %d, hint \"%s\"", mappings[i].sqlstate, (int)status,
                     (int)err.kind, err.hint);
        assert_string_equal(err.sqlstate, mappings[i].sqlstate);
        assert_string_equal(err.message, "words");
    }
}

static void lack_of_lock_slots_names_the_setting(void **state)
{
    PgFailure failure = {.sqlstate = "53200",
                         .message = "out of shared memory",
                         .hint = "You might need to increase max_locks_per_transaction."};
    Error err = {0};
    (void)state;

    assert_int_equal(pg_map_failure(&failure, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.hint, "max_locks_per_transaction"));
    assert_string_equal(err.sqlstate, "53200");
}

static void a_detail_is_shown_where_it_cannot_have_values(void **state)
{
    PgFailure failure = {.sqlstate = "55006",
                         .message = "database \"a\" is being accessed by other users",
                         .detail = "There is 1 other session using the database."};
    Error err = {0};
    (void)state;

    (void)pg_map_failure(&failure, &err);
    assert_string_equal(err.message, "database \"a\" is being accessed by other users (There is 1 "
                                     "other session using the database.)");
    failure = (PgFailure){.sqlstate = "23505",
                          .message = "duplicate",
                          .detail = "Key (i)=(7) already exists.",
                          .hint = "Not 7."};
    (void)pg_map_failure(&failure, &err);
    assert_string_equal(err.message, "duplicate");
    assert_string_equal(err.hint, "");
}

typedef struct Words {
    const char *sqlstate;
    const char *before;
    const char *after;
} Words;

static void values_are_cut_out_of_messages(void **state)
{
    static const Words words[] = {
        {"22P02", "invalid input syntax for type integer: \"abc\"",
         "invalid input syntax for type integer: \"...\""},
        {"22P02", "invalid input syntax for type integer: \"a\"b\"c\"",
         "invalid input syntax for type integer: \"...\""},
        {"22003", "value \"99999\" is out of range for type smallint",
         "value \"...\" is out of range for type smallint"},
        {"22003", "\"1e999\" is out of range for type double precision",
         "\"...\" is out of range for type double precision"},
        {"22P04", "missing data for column \"x\"", "missing data for column \"x\""},
        {"22023", "invalid value for parameter \"x\": \"a column \"b\"",
         "invalid value for parameter \"x\": \"...\""},
        {"22P02", "invalid input value for enum public.mood: \"sad\"",
         "invalid input value for enum public.mood: \"...\""},
        {"23514", "new row for relation \"a\" violates check constraint \"a_i_check\"",
         "new row for relation \"a\" violates check constraint \"a_i_check\""},
        {"23502", "null value in column \"x\" of relation \"a\" violates not-null constraint",
         "null value in column \"x\" of relation \"a\" violates not-null constraint"},
        {"23514", "no partition of relation \"a\" found for row",
         "no partition of relation \"a\" found for row"},
        {"22P02", "syntaxe en entr\303\251e invalide : \302\253 abc \302\273",
         "the server refused a value"},
        {"22P02", "unbalanced: \"abc", "unbalanced: \"...\""},
        {"22P02", "column \"unbalanced", "column \"...\""},
        {"42P01", "relation \"a\" does not exist", "relation \"a\" does not exist"},
        {"42601", "syntax error at or near \"\303\244\"", "syntax error at or near \"\303\244\""},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        PgFailure failure = {.sqlstate = words[i].sqlstate, .message = words[i].before};
        AUTO_FREE_MEMORY char *safe = pg_safe_message(&failure);

        assert_string_equal(safe, words[i].after);
    }
}

/* Whatever a function of people says may be a row: with any SQLSTATE, in any form. */
static void words_of_functions_are_not_shown(void **state)
{
    static const PgFailure failures[] = {
        {"P0001", "the row top secret is bad", "top secret", "not top secret", NULL, NULL},
        {"42501", "no top secret", "top secret", "top secret", NULL, "exec_stmt_raise"},
        {"P0004", "top secret", NULL, NULL, NULL, "exec_stmt_assert"},
        {"38000", "ValueError: top secret", "top secret", NULL, "PL/Python function \"f\"", NULL},
        {"XX000", "top secret", "top secret", NULL, "PL/Perl function \"f\"", NULL},
        {"42601", "syntax error at or near \"top secret\"", "top secret", "top secret",
         "PL/pgSQL function f(text) line 1 at EXECUTE", NULL},
        {"23505", "duplicate key value violates unique constraint \"a\"", "(x)=(top secret)", NULL,
         "COPY a, line 1: \"top secret\"", NULL},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        Error err = {0};

        (void)pg_map_failure(&failures[i], &err);
        if (strstr(err.message, "secret") != NULL || strstr(err.hint, "secret") != NULL)
            fail_msg("%s: %s (%s)", failures[i].sqlstate, err.message, err.hint);
        assert_string_equal(err.sqlstate, failures[i].sqlstate);
    }
}

static void the_function_that_raised_is_named(void **state)
{
    PgFailure failure = {.sqlstate = "P0001",
                         .message = "top secret",
                         .context = "PL/pgSQL function app.check_it(text) line 3 at RAISE\n"
                                    "COPY a, line 1: \"top secret\""};
    AUTO_FREE_MEMORY char *named = pg_safe_message(&failure);
    AUTO_FREE_MEMORY char *nameless = NULL;
    (void)state;

    assert_non_null(strstr(named, "function app.check_it(text) raised an error,"));
    failure.context = "PL/pgSQL function \"top\n secret\" line 3 at RAISE";
    nameless = pg_safe_message(&failure);
    assert_non_null(strstr(nameless, "a function raised an error,"));
}

/* A lock that is waited for inside of a function, for one. */
static void what_happens_in_functions_keeps_its_meaning(void **state)
{
    PgFailure failure = {.sqlstate = "42P01",
                         .message = "relation \"a\" does not exist",
                         .context = "SQL function \"f\" during inlining"};
    Error err = {0};
    (void)state;

    (void)pg_map_failure(&failure, &err);
    assert_string_equal(err.message, "relation \"a\" does not exist");
    failure.sqlstate = "40P01";
    assert_int_equal(pg_map_failure(&failure, &err), STATUS_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_says_what_to_do),
        cmocka_unit_test(lack_of_lock_slots_names_the_setting),
        cmocka_unit_test(a_detail_is_shown_where_it_cannot_have_values),
        cmocka_unit_test(values_are_cut_out_of_messages),
        cmocka_unit_test(words_of_functions_are_not_shown),
        cmocka_unit_test(the_function_that_raised_is_named),
        cmocka_unit_test(what_happens_in_functions_keeps_its_meaning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
