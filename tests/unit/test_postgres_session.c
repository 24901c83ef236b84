/* How a session begins: its settings, its password, who serves it, and what ends an attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/stop.h"
#include "tests/support/capture.h"
#include "tests/support/pg_link.h"
#include "tests/support/pg_middleman.h"

static PgCluster *cluster;

static void write_access_rules(void)
{
    static const char rules[] = "local all postgres trust\nlocal all all scram-sha-256\n";
    static const char *const statements[] = {
        "CREATE ROLE app LOGIN PASSWORD 'open sesame'",
        "CREATE ROLE full_up LOGIN PASSWORD 'x' CONNECTION LIMIT 0",
        "CREATE DATABASE closed ALLOW_CONNECTIONS false",
        "CREATE DATABASE private",
        "REVOKE CONNECT ON DATABASE private FROM PUBLIC",
        "SELECT pg_reload_conf()",
    };
    AUTO_FREE_MEMORY char *path = xasprintf("%s/pg_hba.conf", pg_cluster_data_directory(cluster));
    int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(write(file, rules, strlen(rules)), strlen(rules));
    assert_int_equal(close(file), 0);
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        pg_cluster_run(cluster, NULL, statements[i]);
}

static int start_cluster(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    if (cluster != NULL)
        write_access_rules();
    return 0;
}

static int stop_cluster(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

static int start_fresh(void **state)
{
    static const char *const variables[] = {"PGHOST",    "PGPORT",     "PGUSER",       "PGDATABASE",
                                            "PGSERVICE", "PGPASSWORD", "PGSERVICEFILE"};
    (void)state;

    stop_reset();
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    return setenv("PGPASSFILE", "/nonexistent/pgpass", 1);
}

/* ---- settings ---- */

static void expect_setting(PgConnection *connection, const char *name, const char *expected)
{
    AUTO_FREE_MEMORY char *sql = xasprintf("SHOW %s", name);
    AUTO_FREE_MEMORY char *value = NULL;
    Error err = {0};

    EXPECT_OK(pg_query_text(connection, sql, &value, &err));
    if (strcmp(value, expected) != 0)
        fail_msg("%s is \"%s\"", name, value);
}

static void no_setting_of_a_role_or_database_holds(void **state)
{
    static const char *const settings[][3] = {
        /* name, what the role has, what we have */
        {"statement_timeout", "'20s'", "0"},
        {"lock_timeout", "'20s'", "0"},
        {"idle_in_transaction_session_timeout", "'20s'", "0"},
        {"idle_session_timeout", "'20s'", "0"},
        {"search_path", "public, pg_catalog", ""},
        {"datestyle", "'SQL, DMY'", "ISO, YMD"},
        {"intervalstyle", "iso_8601", "postgres"},
        {"timezone", "'Asia/Tokyo'", "UTC"},
        {"extra_float_digits", "'-5'", "1"},
        {"bytea_output", "escape", "hex"},
        {"row_security", "on", "off"},
        {"jit", "on", "off"},
        {"default_transaction_isolation", "serializable", "read committed"},
        {"default_transaction_read_only", "on", "off"},
        {"default_transaction_deferrable", "on", "off"},
        {"standard_conforming_strings", "off", "on"},
        {"transform_null_equals", "on", "off"},
        {"quote_all_identifiers", "on", "off"},
        {"client_encoding", "latin1", "UTF8"},
        {"xmloption", "document", "content"},
        {"synchronize_seqscans", "on", "off"},
        {"check_function_bodies", "on", "off"},
    };
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_TEXT Text sql = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        text_append_format(&sql, "ALTER ROLE postgres SET %s = %s;", settings[i][0],
                           settings[i][1]);
    pg_cluster_run(cluster, NULL, text_string(&sql));
    connection = pg_link_open(cluster, PG_TARGET);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        expect_setting(connection, settings[i][0], settings[i][2]);
    pg_cluster_run(cluster, NULL, "SET transaction_read_only = off; ALTER ROLE postgres RESET ALL");
}

static void a_source_is_read_only_and_a_target_is_not(void **state)
{
    AUTO_FREE(pg_close) PgConnection *source = NULL;
    AUTO_FREE(pg_close) PgConnection *target = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    source = pg_link_open(cluster, PG_SOURCE);
    target = pg_link_open(cluster, PG_TARGET);
    assert_int_equal(pg_run(source, "CREATE TABLE public.a ()", &err), STATUS_INVALID);
    assert_string_equal(err.sqlstate, "25006");
    EXPECT_OK(pg_run(target, "CREATE TABLE public.a (); DROP TABLE public.a", &err));
}

static void a_session_knows_its_server_and_carries_our_name(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE_MEMORY char *backend = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    EXPECT_OK(pg_link_try(cluster, PG_SOURCE, "&application_name=theirs", &connection, &err));
    backend = pg_cluster_ask(cluster, NULL,
                             "SELECT pid FROM pg_stat_activity WHERE application_name = "
                             "'stopover test'");
    assert_int_equal(pg_backend(connection), atol(backend));
    assert_true(pg_server_version(connection) >= 120000);
    assert_int_equal(pg_server_major(connection), pg_server_version(connection) / 10000);
    assert_string_equal(pg_server_encoding(connection), "UTF8");
    assert_true(pg_is_usable(connection));
}

static void a_user_without_rights_gets_the_same_session(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    pg_cluster_run(cluster, NULL, "ALTER ROLE app SET statement_timeout = '20s'");
    EXPECT_OK(
        pg_link_try(cluster, PG_SOURCE, "&user=app&password=open%20sesame", &connection, &err));
    expect_setting(connection, "statement_timeout", "0");
    expect_setting(connection, "search_path", "");
}

/* ---- passwords ---- */

static void expect_login(const char *more)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    Error err = {0};

    EXPECT_OK(pg_link_try(cluster, PG_SOURCE, more, &connection, &err));
}

static void a_password_comes_from_the_address_the_environment_or_a_file(void **state)
{
    AUTO_FREE_MEMORY char *path = temporary_pattern("pgpass");
    static const char line[] = "*:*:*:app:open sesame\n";
    int file = -1;
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    expect_login("&user=app&password=open%20sesame");
    assert_int_equal(setenv("PGPASSWORD", "open sesame", 1), 0);
    expect_login("&user=app");
    assert_int_equal(unsetenv("PGPASSWORD"), 0);
    file = mkostemp(path, O_CLOEXEC);
    assert_int_equal(write(file, line, strlen(line)), strlen(line));
    assert_int_equal(close(file), 0);
    assert_int_equal(setenv("PGPASSFILE", path, 1), 0);
    expect_login("&user=app");
}

static void a_wrong_password_is_refused_and_not_shown(void **state)
{
    PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    assert_int_equal(
        pg_link_try(cluster, PG_SOURCE, "&user=app&password=wrong-one", &connection, &err),
        STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_string_equal(err.sqlstate, "28P01");
    assert_non_null(strstr(err.message, "password authentication failed for user \"app\""));
    assert_null(strstr(err.message, "wrong-one"));
    assert_string_not_equal(err.hint, "");
}

static void without_a_terminal_the_ways_to_give_a_password_are_told(void **state)
{
    PgConnection *connection = NULL;
    Capture capture;
    Status status = STATUS_OK;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    capture = capture_begin(); /* stderr is no terminal then */
    status = pg_link_try(cluster, PG_SOURCE, "&user=app", &connection, &err);
    free(capture_end(&capture));
    assert_int_equal(status, STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.hint, "PGPASSWORD"));
    assert_non_null(strstr(err.hint, "PGPASSFILE"));
    assert_non_null(strstr(err.hint, "env:"));
    assert_non_null(strstr(err.hint, "service file"));
}

/* ---- on a terminal ---- */

static void *connect_in_thread(void *address)
{
    PgConnection *connection = NULL;
    Error err = {0};
    Status status = pg_connect(address, PG_SOURCE, "stopover test", &connection, &err);

    pg_close(connection);
    return status == STATUS_OK ? address : NULL;
}

/* In a child with a terminal of its own: 0 when all threads got their connection and a program
 * started now would get the password. */
static int connect_with_threads(void)
{
    AUTO_FREE(pg_address_free) PgAddress *address = pg_link_address(cluster, NULL, "&user=app");
    AUTO_TEXT_LIST TextList environment = {0};
    AUTO_FREE_MEMORY char *conninfo = NULL;
    pthread_t threads[4];
    Error err = {0};
    int failures = 0;

    for (int i = 0; i < 4; i++)
        (void)pthread_create(&threads[i], NULL, connect_in_thread, address);
    for (int i = 0; i < 4; i++) {
        void *done = NULL;

        (void)pthread_join(threads[i], &done);
        failures += done == NULL;
    }
    if (pg_address_for_child(address, &conninfo, &environment, &err) != STATUS_OK ||
        environment.count != 1)
        failures++;
    return failures;
}

static int refuse_and_refuse_again(void)
{
    AUTO_FREE(pg_address_free) PgAddress *address = pg_link_address(cluster, NULL, "&user=app");
    PgConnection *connection = NULL;
    Error err = {0};

    if (pg_connect(address, PG_SOURCE, "stopover test", &connection, &err) != STATUS_INVALID ||
        strcmp(err.sqlstate, "28P01") != 0)
        return 1;
    /* Not asked again: nobody would answer here. */
    return pg_connect(address, PG_SOURCE, "stopover test", &connection, &err) != STATUS_INVALID ||
           err.kind != ERROR_REFUSED;
}

static int stop_at_the_prompt(void)
{
    AUTO_FREE(pg_address_free) PgAddress *address = pg_link_address(cluster, NULL, "&user=app");
    PgConnection *connection = NULL;
    struct termios terminal;
    Error err = {0};

    stop_install();
    if (pg_connect(address, PG_SOURCE, "stopover test", &connection, &err) != STATUS_STOPPED)
        return 1;
    return tcgetattr(STDERR_FILENO, &terminal) != 0 || (terminal.c_lflag & ECHO) == 0;
}

/* Runs it in a child on a terminal, types the answer at the prompt; what was shown (to be freed). */
static char *on_a_terminal(int (*action)(void), const char *answer)
{
    Text shown = {0};
    int terminal = -1;
    int status = 0;
    bool has_answered = false;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);

    assert_true(child >= 0);
    if (child == 0)
        _exit(action());
    for (;;) {
        char piece[512];
        ssize_t got = read(terminal, piece, sizeof(piece));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        text_append_bytes(&shown, piece, (size_t)got);
        if (!has_answered && strstr(text_string(&shown), "Password of user") != NULL &&
            strstr(text_string(&shown), ": ") != NULL) {
            has_answered = true;
            assert_int_equal(write(terminal, answer, strlen(answer)), strlen(answer));
        }
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(close(terminal), 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("status %x: %s", (unsigned)status, text_string(&shown));
    return text_take(&shown);
}

static void a_password_is_asked_for_once_and_not_shown(void **state)
{
    AUTO_FREE_MEMORY char *shown = NULL;
    const char *question = NULL;
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    shown = on_a_terminal(connect_with_threads, "open sesame\n");
    question = strstr(shown, "Password of user \"app\"");
    assert_non_null(question);
    assert_null(strstr(question + 1, "Password of user"));
    assert_null(strstr(shown, "sesame"));
}

static void a_wrong_password_is_not_asked_for_again(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    free(on_a_terminal(refuse_and_refuse_again, "wrong\n"));
}

static void an_interrupt_ends_the_prompt_and_the_terminal_shows_again(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    free(on_a_terminal(stop_at_the_prompt, "\003"));
}

/* ---- who serves ---- */

static void a_proxy_that_keeps_sessions_is_as_good_as_the_server(void **state)
{
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_close) PgConnection *next = NULL;
    PgMiddleman *middleman = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    middleman = pg_middleman_start(cluster, MIDDLEMAN_KEEPS);
    address = pg_link_address(cluster, pg_middleman_host(middleman), "");
    EXPECT_OK(pg_connect(address, PG_SOURCE, "stopover test", &connection, &err));
    EXPECT_OK(pg_connect(address, PG_SOURCE, "stopover test", &next, &err));
    expect_setting(connection, "search_path", "");
    expect_setting(next, "search_path", "");
    assert_int_not_equal(pg_backend(connection), pg_backend(next));
    pg_middleman_stop(middleman);
}

static void a_pooler_is_refused_and_left_as_it_was(void **state)
{
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    PgConnection *connection = NULL;
    PgMiddleman *middleman = NULL;
    AUTO_FREE_MEMORY char *changed = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    middleman = pg_middleman_start(cluster, MIDDLEMAN_SHARES);
    address = pg_link_address(cluster, pg_middleman_host(middleman), "");
    assert_int_equal(pg_connect(address, PG_SOURCE, "stopover test", &connection, &err),
                     STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.message, "is a connection pooler"));
    assert_non_null(strstr(err.hint, "the server itself"));
    /* Its session goes on to serve somebody else. */
    changed = pg_middleman_ask(middleman, "SELECT count(*) FROM pg_settings WHERE source = "
                                          "'session'");
    assert_string_equal(changed, "0");
    pg_middleman_stop(middleman);
}

static void a_pooler_that_is_named_so_is_refused_with_the_direct_name(void **state)
{
    AUTO_FREE_MEMORY char *link = NULL;
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    PgConnection *connection = NULL;
    PgMiddleman *middleman = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    middleman = pg_middleman_start(cluster, MIDDLEMAN_KEEPS);
    link = xasprintf("%s-pooler.x", pg_middleman_host(middleman));
    assert_int_equal(symlink(pg_middleman_host(middleman), link), 0);
    address = pg_link_address(cluster, link, "");
    assert_int_equal(pg_connect(address, PG_SOURCE, "stopover test", &connection, &err),
                     STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.hint, "Use the direct endpoint, host \""));
    assert_null(strstr(err.hint, "-pooler"));
    assert_int_equal(unlink(link), 0);
    pg_middleman_stop(middleman);
}

static void of_several_hosts_the_one_that_answers_is_told_to_a_child(void **state)
{
    AUTO_FREE_MEMORY char *hosts = NULL;
    AUTO_FREE_MEMORY char *wanted = NULL;
    AUTO_FREE_MEMORY char *conninfo = NULL;
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_TEXT_LIST TextList environment = {0};
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    hosts = xasprintf("/nonexistent,%s", pg_cluster_socket_directory(cluster));
    wanted = xasprintf(" host='%s' ", pg_cluster_socket_directory(cluster));
    address = pg_link_address(cluster, hosts, "");
    EXPECT_OK(pg_connect(address, PG_TARGET, "stopover test", &connection, &err));
    EXPECT_OK(pg_address_for_child(address, &conninfo, &environment, &err));
    assert_non_null(strstr(conninfo, wanted));
    assert_null(strstr(conninfo, "nonexistent,"));
}

/* Stands before the server of a standby that follows nobody. */
static void a_standby_is_a_source_but_no_target(void **state)
{
    AUTO_FREE_MEMORY char *signal_path = NULL;
    AUTO_FREE(pg_close) PgConnection *source = NULL;
    PgConnection *target = NULL;
    PgCluster *standby = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    standby = pg_cluster_start(NULL);
    signal_path = xasprintf("%s/standby.signal", pg_cluster_data_directory(standby));
    assert_int_equal(close(open(signal_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666)), 0);
    pg_cluster_restart(standby);
    EXPECT_OK(pg_link_try(standby, PG_SOURCE, "", &source, &err));
    assert_int_equal(pg_link_try(standby, PG_TARGET, "", &target, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.message, "is a standby"));
    pg_cluster_stop(standby);
}

/* ---- attempts that end ---- */

typedef struct Attempt {
    const char *more;
    Status status;
    ErrorKind kind;
    const char *sqlstate;
} Attempt;

static void attempts_end_with_what_to_do(void **state)
{
    static const Attempt attempts[] = {
        {"&dbname=missing", STATUS_INVALID, ERROR_REFUSED, "3D000"},
        {"&dbname=closed", STATUS_FAILED, ERROR_FAILED, "55000"},
        {"&dbname=private&user=app&password=open%20sesame", STATUS_INVALID, ERROR_REFUSED, "42501"},
        {"&user=full_up&password=x", STATUS_RETRY, ERROR_WAITING, "53300"},
        {"&host=/nonexistent", STATUS_RETRY, ERROR_WAITING, "08001"},
        {"&host=nowhere.invalid", STATUS_RETRY, ERROR_WAITING, "08001"},
        {"&host=127.0.0.1&port=1", STATUS_RETRY, ERROR_WAITING, "08001"},
        {"&options=-c%20nonsense%3D1", STATUS_FAILED, ERROR_FAILED, "42704"},
    };
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        PgConnection *connection = NULL;
        Error err = {0};
        Status status = pg_link_try(cluster, PG_SOURCE, attempts[i].more, &connection, &err);

        if (status != attempts[i].status || err.kind != attempts[i].kind ||
            strcmp(err.sqlstate, attempts[i].sqlstate) != 0)
            fail_msg("%s: %d, %d, %s: %s", attempts[i].more, (int)status, (int)err.kind,
                     err.sqlstate, err.message);
        assert_null(connection);
        assert_non_null(strstr(err.message, "could not connect to \"postgresql:///"));
        assert_null(strstr(err.message, "sesame"));
        if (err.kind != ERROR_FAILED)
            assert_string_not_equal(err.hint, "");
    }
}

/* A server that takes connections and says nothing. */
static int listen_silently(char **ret_directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret_directory = xasprintf("%s-s.XXXXXX", pg_cluster_socket_directory(cluster));
    assert_non_null(mkdtemp(*ret_directory));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", *ret_directory);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    return listener;
}

static void a_silent_server_is_given_up_in_time(void **state)
{
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    AUTO_FREE_MEMORY char *directory = NULL;
    PgConnection *connection = NULL;
    int listener = -1;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    listener = listen_silently(&directory);
    address = pg_link_address(cluster, directory, "&connect_timeout=1");
    assert_int_equal(pg_connect(address, PG_SOURCE, "x", &connection, &err), STATUS_RETRY);
    assert_non_null(strstr(err.message, "no answer in 1 s"));
    assert_int_equal(close(listener), 0);
    assert_int_equal(directory_remove(directory, &err), STATUS_OK);
}

static void *stop_when_somebody_waits(void *listener)
{
    int client = accept(*(int *)listener, NULL, NULL);
    char byte = 0;

    (void)!recv(client, &byte, 1, 0);
    stop_request();
    return NULL;
}

static void a_wish_to_stop_ends_an_attempt(void **state)
{
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    AUTO_FREE_MEMORY char *directory = NULL;
    PgConnection *connection = NULL;
    pthread_t stopper;
    int listener = -1;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    listener = listen_silently(&directory);
    address = pg_link_address(cluster, directory, "");
    assert_int_equal(pthread_create(&stopper, NULL, stop_when_somebody_waits, &listener), 0);
    assert_int_equal(pg_connect(address, PG_SOURCE, "x", &connection, &err), STATUS_STOPPED);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(close(listener), 0);
    assert_int_equal(directory_remove(directory, &err), STATUS_OK);
}

#ifdef FAULT_POINTS
static void connecting_is_a_fault_point(void **state)
{
    PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    fault_arm(FAULT_FAIL, 1, "postgres.connect");
    assert_int_equal(pg_link_try(cluster, PG_SOURCE, "", &connection, &err), STATUS_RETRY);
    assert_true(fault_fired());
    fault_arm(FAULT_NONE, 0, NULL);
}
#endif

#define TEST(name) cmocka_unit_test_setup(name, start_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_setting_of_a_role_or_database_holds),
        TEST(a_source_is_read_only_and_a_target_is_not),
        TEST(a_session_knows_its_server_and_carries_our_name),
        TEST(a_user_without_rights_gets_the_same_session),
        TEST(a_password_comes_from_the_address_the_environment_or_a_file),
        TEST(a_wrong_password_is_refused_and_not_shown),
        TEST(without_a_terminal_the_ways_to_give_a_password_are_told),
        TEST(a_password_is_asked_for_once_and_not_shown),
        TEST(a_wrong_password_is_not_asked_for_again),
        TEST(an_interrupt_ends_the_prompt_and_the_terminal_shows_again),
        TEST(a_proxy_that_keeps_sessions_is_as_good_as_the_server),
        TEST(a_pooler_is_refused_and_left_as_it_was),
        TEST(a_pooler_that_is_named_so_is_refused_with_the_direct_name),
        TEST(of_several_hosts_the_one_that_answers_is_told_to_a_child),
        TEST(a_standby_is_a_source_but_no_target),
        TEST(attempts_end_with_what_to_do),
        TEST(a_silent_server_is_given_up_in_time),
        TEST(a_wish_to_stop_ends_an_attempt),
#ifdef FAULT_POINTS
        TEST(connecting_is_a_fault_point),
#endif
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
