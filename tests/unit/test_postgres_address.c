/* Addresses of PostgreSQL servers: what is understood, what is added, and that secrets stay in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/address.h"
#include "tests/support/capture.h"

static const char *const variables[] = {
    "PGHOST",    "PGPORT",     "PGUSER",        "PGDATABASE",        "PGPASSWORD",
    "PGSERVICE", "PGPASSFILE", "PGSERVICEFILE", "PGCONNECT_TIMEOUT", "PGSSLMODE",
};

/* What lies around on this machine is not looked at. */
static int start_fresh(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    return setenv("PGPASSFILE", "/nonexistent/pgpass", 1) +
           setenv("PGSERVICEFILE", "/nonexistent/service", 1);
}

static PgAddress *address_of(const char *text)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    PgAddress *address = NULL;
    Error err = {0};

    if (uri_parse(text, &uri, &err) != STATUS_OK ||
        pg_address_new(uri, &address, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.message);
    return address;
}

static void expect_refused(const char *text, Error *ret)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    PgAddress *address = NULL;

    assert_int_equal(uri_parse(text, &uri, ret), STATUS_OK);
    assert_int_equal(pg_address_new(uri, &address, ret), STATUS_INVALID);
    assert_int_equal(ret->kind, ERROR_USAGE);
    assert_null(address);
    assert_string_not_equal(ret->hint, "");
}

/* The connection string and environment for a child. */
static char *child_of(const char *text, TextList *ret_environment)
{
    AUTO_FREE(pg_address_free) PgAddress *address = address_of(text);
    char *conninfo = NULL;
    Error err = {0};

    assert_int_equal(pg_address_for_child(address, &conninfo, ret_environment, &err), STATUS_OK);
    return conninfo;
}

static void expect_parameter(const char *conninfo, const char *parameter)
{
    AUTO_FREE_MEMORY char *padded = xasprintf(" %s ", conninfo);
    AUTO_FREE_MEMORY char *wanted = xasprintf(" %s ", parameter);

    if (strstr(padded, wanted) == NULL)
        fail_msg("%s is not in: %s", parameter, conninfo);
}

static void write_service(const char *text)
{
    AUTO_FREE_MEMORY char *path = temporary_pattern("service");
    int file = mkostemp(path, O_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    assert_int_equal(close(file), 0);
    assert_int_equal(setenv("PGSERVICEFILE", path, 1), 0);
}

static void all_forms_of_an_address_are_understood(void **state)
{
    static const char *const forms[] = {
        "postgresql://app@db.example:5433/shop",
        "postgres://app@db.example:5433/shop",
        "postgresql:///shop?host=db.example&port=5433&user=app",
        "postgresql://app@db.example:5433/shop?application_name=x",
        "postgresql:host=db.example port=5433 user=app dbname=shop",
        "postgresql:host = db.example port='5433' user=app dbname = 'shop'",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        AUTO_TEXT_LIST TextList environment = {0};
        AUTO_FREE_MEMORY char *conninfo = child_of(forms[i], &environment);

        expect_parameter(conninfo, "host='db.example'");
        expect_parameter(conninfo, "port='5433'");
        expect_parameter(conninfo, "user='app'");
        expect_parameter(conninfo, "dbname='shop'");
        assert_int_equal(environment.count, 0);
    }
}

static void what_the_environment_adds_is_kept(void **state)
{
    AUTO_TEXT_LIST TextList environment = {0};
    AUTO_FREE_MEMORY char *conninfo = NULL;
    (void)state;

    assert_int_equal(setenv("PGHOST", "env.example", 1), 0);
    assert_int_equal(setenv("PGUSER", "env-user", 1), 0);
    assert_int_equal(setenv("PGPASSWORD", "env-secret", 1), 0);
    conninfo = child_of("postgresql:///shop?user=given", &environment);
    expect_parameter(conninfo, "host='env.example'");
    expect_parameter(conninfo, "user='given'");
    assert_int_equal(environment.count, 1);
    assert_string_equal(environment.items[0], "PGPASSWORD=env-secret");
    assert_null(strstr(conninfo, "secret"));
}

static void a_service_file_gives_what_the_address_leaves_open(void **state)
{
    AUTO_TEXT_LIST TextList environment = {0};
    AUTO_FREE_MEMORY char *conninfo = NULL;
    (void)state;

    write_service("[shop]\nhost=service.example\nuser=service-user\npassword=service-secret\n"
                  "keepalives_idle=77\n");
    conninfo = child_of("postgresql://given@/?service=shop", &environment);
    expect_parameter(conninfo, "host='service.example'");
    expect_parameter(conninfo, "user='given'");
    expect_parameter(conninfo, "keepalives_idle='77'");
    assert_null(strstr(conninfo, "secret"));
    assert_int_equal(environment.count, 1);
    assert_string_equal(environment.items[0], "PGPASSWORD=service-secret");
}

static void a_missing_service_is_refused_at_once(void **state)
{
    Error err = {0};
    (void)state;

    write_service("[shop]\nhost=service.example\n");
    expect_refused("postgresql://?service=other", &err);
    assert_string_equal(err.message, "could not use the address \"postgresql://?service=other\": "
                                     "definition of service \"other\" not found");
}

static void limits_are_ours_unless_given(void **state)
{
    AUTO_TEXT_LIST TextList environment = {0};
    AUTO_FREE_MEMORY char *plain = NULL;
    AUTO_FREE_MEMORY char *given = NULL;
    AUTO_FREE_MEMORY char *from_environment = NULL;
    (void)state;

    plain = child_of("postgresql://h/d", &environment);
    expect_parameter(plain, "connect_timeout='15'");
    expect_parameter(plain, "keepalives_idle='30'");
    expect_parameter(plain, "tcp_user_timeout='120000'");
    given = child_of("postgresql://h/d?connect_timeout=3&keepalives_idle=9&tcp_user_timeout=0",
                     &environment);
    expect_parameter(given, "connect_timeout='3'");
    expect_parameter(given, "keepalives_idle='9'");
    expect_parameter(given, "tcp_user_timeout='0'");
    assert_int_equal(setenv("PGCONNECT_TIMEOUT", "4", 1), 0);
    from_environment = child_of("postgresql://h/d", &environment);
    expect_parameter(from_environment, "connect_timeout='4'");
}

static void a_child_gets_no_secret_in_its_arguments(void **state)
{
    static const char *const forms[] = {
        "postgresql://u:p%27w%5C%20d@h/d",
        "postgresql://h/d?user=u&password=p%27w%5C%20d",
        "postgresql:host=h user=u dbname=d password='p\\'w\\\\ d'",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        AUTO_TEXT_LIST TextList environment = {0};
        AUTO_FREE_MEMORY char *conninfo = child_of(forms[i], &environment);

        assert_null(strstr(conninfo, "password"));
        assert_null(strstr(conninfo, "w\\"));
        assert_int_equal(environment.count, 1);
        assert_string_equal(environment.items[0], "PGPASSWORD=p'w\\ d");
    }
}

static void values_for_a_child_are_quoted(void **state)
{
    AUTO_TEXT_LIST TextList environment = {0};
    AUTO_FREE_MEMORY char *conninfo =
        child_of("postgresql://h/it%27s%20a%5Cb?options=-c%20a%3D%27b%27", &environment);
    (void)state;

    expect_parameter(conninfo, "dbname='it\\'s a\\\\b'");
    expect_parameter(conninfo, "options='-c a=\\'b\\''");
}

static void the_passphrase_of_a_key_is_not_handed_to_a_child(void **state)
{
    AUTO_FREE(pg_address_free)
    PgAddress *address = address_of("postgresql://u@h/d?sslpassword=secret");
    AUTO_TEXT_LIST TextList environment = {0};
    char *conninfo = NULL;
    Error err = {0};
    (void)state;

    assert_int_equal(pg_address_for_child(address, &conninfo, &environment, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_null(strstr(err.message, "secret"));
    assert_string_not_equal(err.hint, "");
}

static void an_address_is_shown_without_its_secrets(void **state)
{
    AUTO_FREE(pg_address_free)
    PgAddress *address = address_of("postgresql://u:secret1@h/d?sslpassword=secret2");
    (void)state;

    assert_string_equal(pg_address_display(address), "postgresql://u:***@h/d?sslpassword=***");
}

static void words_that_libpq_does_not_know_are_named(void **state)
{
    Error err = {0};
    (void)state;

    expect_refused("postgresql://u:secret@h/d?tiemout=3", &err);
    assert_string_equal(err.message,
                        "could not use the address \"postgresql://u:***@h/d?tiemout=3\": invalid "
                        "URI query parameter: \"tiemout\"");
    expect_refused("postgresql:host=h tiemout=3", &err);
    assert_non_null(strstr(err.message, "invalid connection option \"tiemout\""));
}

static void what_cannot_be_used_is_refused_before_connecting(void **state)
{
    static const char *const forms[] = {
        "postgresql://h/d?sslmode=sometimes", "postgresql://h/d?channel_binding=maybe",
        "postgresql:host=h1,h2,h3 port=1,2",  "postgresql:shop",
        "postgresql://h/d?sslmode",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        AUTO_FREE(uri_free) Uri *uri = NULL;
        AUTO_FREE(pg_address_free) PgAddress *address = NULL;
        Error err = {0};

        if (uri_parse(forms[i], &uri, &err) == STATUS_OK)
            (void)pg_address_new(uri, &address, &err);
        if (err.kind != ERROR_USAGE)
            fail_msg("%s is taken", forms[i]);
    }
}

/* What libpq cannot read it quotes: that may be a part of a password. */
static void no_part_of_a_password_is_in_a_refusal(void **state)
{
    static const char *const forms[] = {
        "postgresql://u:zeb%zzra@h/d",          "postgresql://u:zeb%00ra@h/d",
        "postgresql://u@h/d?password=zeb%zzra", "postgresql://u:zebra@h/d%zz",
        "postgresql:host=h password=ze bra",    "postgresql:host=h password='zebra",
        "postgresql://u:zebra@h:nonsense/d",    "postgresql://u:zebra@[::1/d",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        AUTO_FREE(uri_free) Uri *uri = NULL;
        AUTO_FREE(pg_address_free) PgAddress *address = NULL;
        Error err = {0};

        if (uri_parse(forms[i], &uri, &err) == STATUS_OK)
            (void)pg_address_new(uri, &address, &err);
        if (address == NULL)
            assert_int_equal(err.kind, ERROR_USAGE);
        if (strstr(err.message, "ze") != NULL || strstr(err.message, "bra") != NULL)
            fail_msg("%s: %s", forms[i], err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_forms_of_an_address_are_understood, start_fresh),
        cmocka_unit_test_setup(what_the_environment_adds_is_kept, start_fresh),
        cmocka_unit_test_setup(a_service_file_gives_what_the_address_leaves_open, start_fresh),
        cmocka_unit_test_setup(a_missing_service_is_refused_at_once, start_fresh),
        cmocka_unit_test_setup(limits_are_ours_unless_given, start_fresh),
        cmocka_unit_test_setup(a_child_gets_no_secret_in_its_arguments, start_fresh),
        cmocka_unit_test_setup(values_for_a_child_are_quoted, start_fresh),
        cmocka_unit_test_setup(the_passphrase_of_a_key_is_not_handed_to_a_child, start_fresh),
        cmocka_unit_test_setup(an_address_is_shown_without_its_secrets, start_fresh),
        cmocka_unit_test_setup(words_that_libpq_does_not_know_are_named, start_fresh),
        cmocka_unit_test_setup(what_cannot_be_used_is_refused_before_connecting, start_fresh),
        cmocka_unit_test_setup(no_part_of_a_password_is_in_a_refusal, start_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
