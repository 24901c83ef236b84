/* Addresses: the secret never shows, the rest stays as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/base/uri.h"

static void expect_redacted(const char *text, const char *expected)
{
    AUTO_FREE_MEMORY char *redacted = uri_redact(text);

    assert_string_equal(redacted, expected);
}

static void redacts_the_password_of_a_user(void **state)
{
    (void)state;
    expect_redacted("postgresql://u:secret@h/db", "postgresql://u:***@h/db");
    expect_redacted("postgres://u:secret@h:5432/db?sslmode=require",
                    "postgres://u:***@h:5432/db?sslmode=require");
    expect_redacted("POSTGRESQL://u:se%40cr%2Fet@h", "POSTGRESQL://u:***@h");
    expect_redacted("postgresql://u:se:cr:et@[::1]:5432,h2:5433/db",
                    "postgresql://u:***@[::1]:5432,h2:5433/db");
    expect_redacted("postgresql://u:p?w#d@h/db", "postgresql://u:***@h/db");
    expect_redacted("postgresql://u%40x:secret@%2Frun%2Fpg/db",
                    "postgresql://u%40x:***@%2Frun%2Fpg/db");
    expect_redacted("postgresql://:secret@h/db", "postgresql://:***@h/db");
    expect_redacted("neo4j://u:secret@h", "neo4j://u:***@h");
}

static void redacts_secrets_in_a_query(void **state)
{
    (void)state;
    expect_redacted("postgresql://h/db?user=u&password=secret&sslmode=require",
                    "postgresql://h/db?user=u&password=***&sslmode=require");
    expect_redacted("postgresql://h/db?password=secret", "postgresql://h/db?password=***");
    expect_redacted("postgresql://h/db?%70assword=secret", "postgresql://h/db?%70assword=***");
    expect_redacted("postgresql://h/db?sslpassword=s&oauth_client_secret=t",
                    "postgresql://h/db?sslpassword=***&oauth_client_secret=***");
    expect_redacted("postgresql:///db?host=/run/pg&password=a@b/c",
                    "postgresql:///db?host=/run/pg&password=***");
}

static void redacts_keyword_strings(void **state)
{
    (void)state;
    expect_redacted("host=h user=u password=secret dbname=d",
                    "host=h user=u password=*** dbname=d");
    expect_redacted("password = 'a b\\'c' host='x y'", "password=*** host='x y'");
    expect_redacted("host=h password=a\\ b", "host=h password=***");
    expect_redacted("host=::1 password=s", "host=::1 password=***");
    expect_redacted("postgresql:host=h password=s", "postgresql:host=h password=***");
    expect_redacted("PASSWORD=s host=h", "PASSWORD=*** host=h");
}

static void leaves_alone_what_has_no_password(void **state)
{
    static const char *const same[] = {"postgresql://h/db",
                                       "postgresql://u@h:5432/db",
                                       "postgresql:///db",
                                       "postgresql://",
                                       "postgresql://u@/db@x",
                                       "postgresql://h/db?user=me@server",
                                       "postgresql://h?options=",
                                       "env:SOURCE_URL",
                                       "postgresql://h:/db?user=a@b",
                                       "host=h user=u",
                                       "stopover",
                                       "",
                                       "postgresql://h1,h2:5433/db"};
    (void)state;

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        expect_redacted(same[i], same[i]);
}

static void does_not_mangle_paths(void **state)
{
    static const char *const same[] = {"sqlite:/a/b.db",
                                       "sqlite:/a@b:c@d/password=x.db",
                                       "sqlite:user:word@file",
                                       "lightrag:dir@home/x:y",
                                       "/a/b@c:d/password=x",
                                       "./u:word@host",
                                       "~/x@y",
                                       "SQLite://x:y@z"};
    (void)state;

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        expect_redacted(same[i], same[i]);
}

static void reduces_what_cannot_be_read_to_its_scheme(void **state)
{
    static const char *const unreadable[] = {"postgresql://u:a@b@h/db",
                                             "postgresql://u:1/2@h/db",
                                             "postgresql://u:a/b@h/db",
                                             "postgresql://u:a@b/c@h",
                                             "postgresql://u:a@b?x=c@h/db",
                                             "postgresql://h/db?password",
                                             "postgresql://h/db?a=b=secret",
                                             "postgresql://h/db?%zz=secret",
                                             "postgresql://[::1/db",
                                             "postgresql://h?dbname=a%3Db",
                                             "postgresql:dbname='postgres://u:s@h'",
                                             "postgresql:host=h password='open",
                                             "postgresql:secret"};
    (void)state;

    for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++)
        expect_redacted(unreadable[i], "postgresql:***");
    expect_redacted("user:secret@h/db", "user:***");
    expect_redacted(" postgresql://u:secret@h", "***");
    expect_redacted("u@h/password", "***");
    expect_redacted("host=h password='open", "***");
}

static void parses_scheme_and_rest(void **state)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};
    (void)state;

    assert_int_equal(uri_parse("SQLite:/a/b:c.db", &uri, &err), STATUS_OK);
    assert_string_equal(uri->scheme, "sqlite");
    assert_string_equal(uri->rest, "/a/b:c.db");
    assert_string_equal(uri->given, "SQLite:/a/b:c.db");
    assert_string_equal(uri->display, "SQLite:/a/b:c.db");
    assert_false(uri->password_in_argument);
}

static void expect_given(const char *text, const char *expected)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};

    assert_int_equal(uri_parse(text, &uri, &err), STATUS_OK);
    assert_string_equal(uri->given, expected);
    assert_int_equal(uri->password_in_argument, strcmp(text, expected) != 0);
    assert_string_equal(uri->rest, strchr(text, ':') + 1);
}

static void what_may_be_recorded_leaves_the_password_out(void **state)
{
    (void)state;
    expect_given("postgresql://u:s@h/db?x=1", "postgresql://u@h/db?x=1");
    expect_given("postgresql://h/db?password=s&x=1", "postgresql://h/db?x=1");
    expect_given("postgresql://h/db?x=1&password=s", "postgresql://h/db?x=1");
    expect_given("postgresql://h/db?password=s", "postgresql://h/db");
    expect_given("postgresql:host=h password='s t' user=u", "postgresql:host=h user=u");
    expect_given("postgresql:password=s host=h", "postgresql:host=h");
    expect_given("postgresql://u@h/db", "postgresql://u@h/db");
}

static void takes_a_secret_from_the_environment(void **state)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};
    (void)state;

    assert_int_equal(setenv("TEST_URI", "postgresql://u:secret@h/db", 1), 0);
    assert_int_equal(uri_parse("env:TEST_URI", &uri, &err), STATUS_OK);
    assert_string_equal(uri->scheme, "postgresql");
    assert_string_equal(uri->rest, "//u:secret@h/db");
    assert_string_equal(uri->given, "env:TEST_URI");
    assert_string_equal(uri->display, "postgresql://u:***@h/db");
    assert_false(uri->password_in_argument);
}

#define MARK "hunter2" /* stands for the secret part of what must not show */

static void expect_refused(const char *text)
{
    Uri *uri = NULL;
    Error err = {0};

    assert_int_equal(uri_parse(text, &uri, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_null(uri);
    assert_null(strstr(err.message, MARK));
    assert_null(strstr(err.hint, MARK));
}

static void refuses_what_is_no_address(void **state)
{
    (void)state;
    expect_refused("");
    expect_refused("mydb");
    expect_refused("/a/path");
    expect_refused("sqlite:");
    expect_refused("1abc:x");
    expect_refused("sqlite:/a\nb");
    expect_refused("postgresql://u:hunter2\n@h");
    expect_refused("host=h password=hunter2");
    expect_refused("postgresql://u:hunter2@x@h/db");
    expect_refused("user:hunter2@h/db");
}

static void refuses_variables_that_lead_nowhere(void **state)
{
    static const char *const values[] = {"", "env:TEST_URI", "ENV:OTHER", "postgresql:hunter2",
                                         "postgresql://u:hunter2@h/db\n"};
    (void)state;

    assert_int_equal(unsetenv("TEST_URI"), 0);
    expect_refused("env:TEST_URI");
    expect_refused("env:");
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_int_equal(setenv("TEST_URI", values[i], 1), 0);
        expect_refused("env:TEST_URI");
    }
}

/* A generator of its own, so that a failure comes again. */
static uint32_t seed = 20261120;

static unsigned pick(unsigned below)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % below;
}

static void append_noise(Text *text, const char *alphabet)
{
    for (unsigned left = pick(6); left > 0; left--)
        text_append_bytes(text, alphabet + pick((unsigned)strlen(alphabet)), 1);
}

static void append_secret(Text *text, const char *alphabet)
{
    append_noise(text, alphabet);
    text_append(text, MARK);
    append_noise(text, alphabet);
}

static void expect_hidden(const char *address)
{
    AUTO_FREE_MEMORY char *redacted = uri_redact(address);
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};

    if (strstr(redacted, MARK) != NULL)
        fail_msg("%s shows as %s", address, redacted);
    if (uri_parse(address, &uri, &err) != STATUS_OK) {
        assert_null(strstr(err.message, MARK));
        return;
    }
    if (strstr(uri->given, MARK) != NULL || strstr(uri->display, MARK) != NULL)
        fail_msg("%s is recorded as %s", address, uri->given);
    assert_true(uri->password_in_argument);
}

static void no_password_shows_whatever_is_in_it(void **state)
{
    static const char *const before[] = {"postgresql://u:", "postgresql://u%40v:", "postgres://:",
                                         "postgresql://name_1:", "neo4j://u:"};
    static const char *const after[] = {"@h/db", "@h", "@[::1]:5/db?a=b", "@/db",
                                        "@h,i:1/db?user=x"};
    (void)state;

    for (int i = 0; i < 100000; i++) {
        AUTO_TEXT Text address = {0};

        text_append(&address, before[pick(5)]);
        append_secret(&address, "aZ09@:/?#&=%' \\+.,;[]_-$(");
        text_append(&address, after[pick(5)]);
        expect_hidden(text_string(&address));
    }
}

static void no_password_in_a_query_shows(void **state)
{
    static const char *const names[] = {"password", "sslpassword", "pass%77ord", "PASSWORD"};
    (void)state;

    for (int i = 0; i < 30000; i++) {
        AUTO_TEXT Text address = {0};

        text_append_format(&address, "postgresql://h/db?a=b&%s=", names[pick(4)]);
        append_secret(&address, "aZ09@:/?#=%' \\+.,;[]_-");
        text_append(&address, pick(2) == 0 ? "" : "&c=d");
        expect_hidden(text_string(&address));
    }
}

static void no_password_in_a_keyword_string_shows(void **state)
{
    (void)state;

    for (int i = 0; i < 30000; i++) {
        AUTO_TEXT Text secret = {0};
        AUTO_TEXT Text address = {0};

        append_secret(&secret, "aZ09@:/?#&=%+.,; '\\");
        text_append(&address, pick(2) == 0 ? "postgresql:host=h password='" : "password='");
        for (const char *at = text_string(&secret); *at != '\0'; at++)
            text_append_format(&address, "%s%c", *at == '\'' || *at == '\\' ? "\\" : "", *at);
        text_append(&address, pick(2) == 0 ? "'" : "' dbname=d");
        expect_hidden(text_string(&address));
    }
}

static void any_bytes_are_survived(void **state)
{
    static const char alphabet[] = "postgresql:env:sqlite:=@/?&%'\\[] ,a1\x01\xC3\xBC";
    (void)state;

    for (int i = 0; i < 30000; i++) {
        AUTO_TEXT Text text = {0};
        AUTO_FREE_MEMORY char *redacted = NULL;
        AUTO_FREE(uri_free) Uri *uri = NULL;
        Error err = {0};

        for (unsigned parts = pick(10); parts > 0; parts--)
            append_noise(&text, alphabet);
        redacted = uri_redact(text_string(&text));
        assert_non_null(redacted);
        if (uri_parse(text_string(&text), &uri, &err) == STATUS_OK)
            assert_string_equal(uri->display, redacted);
        else
            assert_int_equal(err.kind, ERROR_USAGE);
    }
}

static void both_names_of_postgresql_are_one_scheme(void **state)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};

    (void)state;
    assert_int_equal(uri_parse("POSTGRES://h/db", &uri, &err), STATUS_OK);
    assert_string_equal(uri->scheme, "postgresql");
    assert_string_equal(uri->rest, "//h/db");
}

static void places_are_the_same_with_or_without_a_password(void **state)
{
    (void)state;
    assert_true(uri_same_place("postgresql://u:***@h/db", "postgres://u@h/db"));
    assert_true(uri_same_place("postgresql://h/db?password=***&x=1", "postgresql://h/db?x=1"));
    assert_true(uri_same_place("postgresql:host=h password=***", "postgres:host=h"));
    assert_true(uri_same_place("sqlite:/a.db", "sqlite:/a.db"));
    assert_false(uri_same_place("postgresql://u:***@h/db", "postgresql://v:***@h/db"));
    assert_false(uri_same_place("postgresql://h/db", "postgresql://h/other"));
    assert_false(uri_same_place("postgresql:a=b", "sqlite:a=b"));
    assert_false(uri_same_place("sqlite:/a.db", "sqlite:/b.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_names_of_postgresql_are_one_scheme),
        cmocka_unit_test(places_are_the_same_with_or_without_a_password),
        cmocka_unit_test(redacts_the_password_of_a_user),
        cmocka_unit_test(redacts_secrets_in_a_query),
        cmocka_unit_test(redacts_keyword_strings),
        cmocka_unit_test(leaves_alone_what_has_no_password),
        cmocka_unit_test(does_not_mangle_paths),
        cmocka_unit_test(reduces_what_cannot_be_read_to_its_scheme),
        cmocka_unit_test(parses_scheme_and_rest),
        cmocka_unit_test(what_may_be_recorded_leaves_the_password_out),
        cmocka_unit_test(takes_a_secret_from_the_environment),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(refuses_variables_that_lead_nowhere),
        cmocka_unit_test(no_password_shows_whatever_is_in_it),
        cmocka_unit_test(no_password_in_a_query_shows),
        cmocka_unit_test(no_password_in_a_keyword_string_shows),
        cmocka_unit_test(any_bytes_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
