/* Statements and COPY on a real server: values, cuts of a stream, failures, loss and stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/stop.h"
#include "tests/support/capture.h"
#include "tests/support/pg_link.h"

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

static int start_fresh(void **state)
{
    (void)state;
    stop_reset();
    if (cluster != NULL)
        pg_cluster_run(cluster, NULL, "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public");
    return 0;
}

/* ---- statements ---- */

static void rows_come_as_text(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_SOURCE);
    EXPECT_OK(pg_query(connection,
                       "SELECT 'not these'; "
                       "SELECT 18446744073709551615, -9223372036854775808, true, NULL, 'ä''b', 1.5 "
                       "UNION ALL SELECT 2, 3, false, 'x', '', 7",
                       &rows, &err));
    assert_int_equal(pg_row_count(rows), 2);
    assert_true(pg_unsigned(rows, 0, 0) == UINT64_MAX);
    assert_true(pg_integer(rows, 0, 1) == INT64_MIN);
    assert_true(pg_is_true(rows, 0, 2));
    assert_false(pg_is_true(rows, 1, 2));
    assert_true(pg_is_null(rows, 0, 3));
    assert_string_equal(pg_value(rows, 0, 3), "");
    assert_false(pg_is_null(rows, 1, 3));
    assert_string_equal(pg_value(rows, 0, 4), "ä'b");
    assert_string_equal(pg_value(rows, 0, 5), "1.5");
    assert_true(pg_unsigned(rows, 0, 4) == 0);
}

static void statements_of_one_message_are_one_transaction(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE_MEMORY char *found = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    assert_int_equal(
        pg_run(connection, "CREATE TABLE public.a (i int); SELECT 1/0; SELECT 2", &err),
        STATUS_FAILED);
    assert_string_equal(err.sqlstate, "22012");
    EXPECT_OK(pg_query_text(connection, "SELECT to_regclass('public.a')", &found, &err));
    assert_null(found);
    EXPECT_OK(pg_run(connection, "", &err)); /* an empty statement is fine */
}

static void parameters_are_bound(void **state)
{
    static const char *const parameters[] = {"it's \\ $1", NULL, "7"};
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_query_bound(connection, "SELECT $1::text, $2::text, $3::int + 1", parameters, 3,
                             &rows, &err));
    assert_string_equal(pg_value(rows, 0, 0), "it's \\ $1");
    assert_true(pg_is_null(rows, 0, 1));
    assert_int_equal(pg_integer(rows, 0, 2), 8);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (x text)", &err));
    EXPECT_OK(pg_run_bound(connection, "INSERT INTO public.a VALUES ($1)", parameters, 1, &err));
    EXPECT_OK(pg_run_format(connection, &err, "DELETE FROM public.%s WHERE x LIKE '%%it%%'", "a"));
    assert_int_equal(pg_query_text(connection, "SELECT x FROM public.a", &(char *){NULL}, &err),
                     STATUS_DONE);
}

static void what_is_quoted_comes_back(void **state)
{
    static const char *const values[] = {
        "", "plain", "it's", "back\\slash", "\\'; DROP TABLE x; --", "ünï", "a\"b", "E'x'"};
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        AUTO_FREE_MEMORY char *name = pg_qualified("pg_temp", values[i]);
        AUTO_TEXT Text sql = {0};
        AUTO_FREE_MEMORY char *back = NULL;

        text_append(&sql, "SELECT");
        pg_quote_literal(&sql, values[i]);
        EXPECT_OK(pg_query_text(connection, text_string(&sql), &back, &err));
        assert_string_equal(back, values[i]);
        if (*values[i] == '\0')
            continue;
        EXPECT_OK(pg_run_format(connection, &err, "CREATE TABLE %s (); DROP TABLE %s", name, name));
    }
}

static void notices_are_dropped(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE_MEMORY char *said = NULL;
    Capture capture;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_SOURCE);
    capture = capture_begin();
    (void)pg_run(connection, "DO $$ BEGIN RAISE WARNING 'hear me'; END $$", &err);
    said = capture_end(&capture);
    assert_string_equal(said, "");
    EXPECT_OK(pg_run(connection, "SELECT 1", &err));
}

/* ---- COPY ---- */

static char *make_rows(size_t *ret_size, size_t *ret_count)
{
    static const size_t lengths[] = {0, 1, 100, 8191, 8192, 8193, 70001, 300000, 3, 17};
    Text text = {0};

    *ret_count = sizeof(lengths) / sizeof(lengths[0]) * 5;
    for (size_t i = 0; i < *ret_count; i++) {
        text_append_format(&text, "%zu\t", i);
        for (size_t at = 0; at < lengths[i % 10]; at++)
            text_append_bytes(&text, &"abcdefghijklmnopqrstuvwxyz"[(at + i) % 26], 1);
        text_append(&text, "\n");
    }
    *ret_size = text.size;
    return text_take(&text);
}

/* Cuts with no regard to rows; each try with other cuts. */
static void write_in_cuts(PgConnection *connection, const char *data, size_t size, unsigned seed)
{
    static const size_t cuts[] = {1, 2, 7, 4096, 65535, 65536, 65537, 262144, 300001, 1048576};
    Error err = {0};

    for (size_t at = 0, n = seed; at < size; n++) {
        size_t cut = cuts[n * 7 % (sizeof(cuts) / sizeof(cuts[0]))];

        cut = cut < size - at ? cut : size - at;
        EXPECT_OK(pg_copy_write(connection, data + at, cut, &err));
        at += cut;
    }
}

static void expect_copied_out(PgConnection *connection, const char *sql, const char *expected,
                              size_t size)
{
    AUTO_TEXT Text got = {0};
    const uint8_t *data = NULL;
    size_t piece = 0;
    Status status = STATUS_OK;
    Error err = {0};

    EXPECT_OK(pg_copy_out(connection, sql, &err));
    while ((status = pg_copy_read(connection, &data, &piece, &err)) == STATUS_OK)
        text_append_bytes(&got, data, piece);
    assert_int_equal(status, STATUS_DONE);
    assert_int_equal(got.size, size);
    assert_memory_equal(got.data, expected, size);
}

static void a_stream_may_be_cut_anywhere(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE_MEMORY char *data = NULL;
    size_t size = 0;
    size_t count = 0;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    data = make_rows(&size, &count);
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (i int, x text)", &err));
    for (unsigned seed = 0; seed < 10; seed++) {
        uint64_t rows = 0;

        EXPECT_OK(pg_run(connection, "TRUNCATE public.a", &err));
        EXPECT_OK(pg_copy_in(connection, "COPY public.a FROM STDIN", &err));
        write_in_cuts(connection, data, size, seed);
        EXPECT_OK(pg_copy_finish(connection, &rows, &err));
        assert_int_equal(rows, count);
        expect_copied_out(connection, "COPY (SELECT * FROM public.a ORDER BY i) TO STDOUT", data,
                          size);
    }
}

static void binary_rows_come_one_by_one_between_header_and_trailer(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_TEXT Text stream = {0};
    const uint8_t *data = NULL;
    size_t size = 0;
    size_t messages = 0;
    uint64_t rows = 0;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (i int)", &err));
    EXPECT_OK(pg_copy_out(
        connection, "COPY (SELECT i FROM generate_series(1, 1000) i) TO STDOUT (FORMAT binary)",
        &err));
    while (pg_copy_read(connection, &data, &size, &err) == STATUS_OK) {
        if (messages == 0)
            assert_memory_equal(data, "PGCOPY\n\377\r\n\0", 11);
        text_append_bytes(&stream, data, size);
        messages++;
    }
    assert_int_equal(messages, 1001);
    EXPECT_OK(pg_copy_in(connection, "COPY public.a FROM STDIN (FORMAT binary)", &err));
    EXPECT_OK(pg_copy_write(connection, stream.data, stream.size, &err));
    EXPECT_OK(pg_copy_finish(connection, &rows, &err));
    assert_int_equal(rows, 1000);
}

static void a_row_of_32_mib_passes(void **state)
{
    const size_t size = 32 * 1024 * 1024;
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE_MEMORY char *data = xmalloc(size + 1);
    uint64_t rows = 0;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    memset(data, 'x', size);
    data[size] = '\n';
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (x text)", &err));
    EXPECT_OK(pg_copy_in(connection, "COPY public.a FROM STDIN", &err));
    EXPECT_OK(pg_copy_write(connection, data, size + 1, &err));
    EXPECT_OK(pg_copy_finish(connection, &rows, &err));
    assert_int_equal(rows, 1);
    expect_copied_out(connection, "COPY public.a TO STDOUT", data, size + 1);
}

static void a_copy_that_fails_says_why_and_leaves_the_connection(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    const uint8_t *data = NULL;
    size_t size = 0;
    uint64_t rows = 0;
    Status status = STATUS_OK;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (i int PRIMARY KEY, x varchar(3))", &err));
    assert_int_equal(pg_copy_in(connection, "COPY public.missing FROM STDIN", &err), STATUS_FAILED);
    assert_string_equal(err.sqlstate, "42P01");
    EXPECT_OK(pg_copy_in(connection, "COPY public.a FROM STDIN", &err));
    EXPECT_OK(pg_copy_write(connection, "1\ta\n1\tb\n", 8, &err));
    assert_int_equal(pg_copy_finish(connection, &rows, &err), STATUS_FAILED);
    assert_string_equal(err.sqlstate, "23505");
    assert_string_equal(err.message, "duplicate key value violates unique constraint \"a_pkey\"");
    EXPECT_OK(pg_copy_out(connection,
                          "COPY (SELECT 1/(500-i) FROM generate_series(1,1000) i) "
                          "TO STDOUT",
                          &err));
    while ((status = pg_copy_read(connection, &data, &size, &err)) == STATUS_OK)
        ;
    assert_int_equal(status, STATUS_FAILED);
    assert_string_equal(err.sqlstate, "22012");
    assert_true(pg_is_usable(connection));
    EXPECT_OK(pg_run(connection, "SELECT 1", &err));
}

static void a_copy_run_as_a_plain_statement_is_a_failure(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (i int)", &err));
    assert_int_equal(pg_run(connection, "COPY public.a TO STDOUT", &err), STATUS_FAILED);
    assert_int_equal(pg_run(connection, "SELECT 1; COPY public.a FROM STDIN", &err), STATUS_FAILED);
    assert_int_equal(pg_copy_in(connection, "SELECT 1", &err), STATUS_FAILED);
    assert_int_equal(pg_copy_out(connection, "COPY public.a FROM STDIN", &err), STATUS_FAILED);
    EXPECT_OK(pg_run(connection, "SELECT 1", &err));
}

/* ---- giving up ---- */

static void begin_nothing(PgConnection *connection)
{
    (void)connection;
}

static void begin_failed_transaction(PgConnection *connection)
{
    Error err = {0};

    EXPECT_OK(pg_run(connection, "BEGIN; INSERT INTO public.a VALUES (1)", &err));
    assert_int_equal(pg_run(connection, "SELECT 1/0", &err), STATUS_FAILED);
}

static void begin_copy_in(PgConnection *connection)
{
    Error err = {0};

    EXPECT_OK(pg_run(connection, "BEGIN", &err));
    EXPECT_OK(pg_copy_in(connection, "COPY public.a FROM STDIN", &err));
    for (int i = 0; i < 1000; i++)
        EXPECT_OK(pg_copy_write(connection, "12345\n", 6, &err));
}

static void begin_copy_out(PgConnection *connection)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    Error err = {0};

    EXPECT_OK(pg_run(connection, "BEGIN; INSERT INTO public.a VALUES (1)", &err));
    EXPECT_OK(pg_copy_out(connection,
                          "COPY (SELECT generate_series(1, 100000000)) TO "
                          "STDOUT",
                          &err));
    EXPECT_OK(pg_copy_read(connection, &data, &size, &err));
}

static void whatever_is_under_way_can_be_given_up(void **state)
{
    static void (*const begins[])(PgConnection *) = {begin_nothing, begin_failed_transaction,
                                                     begin_copy_in, begin_copy_out};
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (i int)", &err));
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        AUTO_FREE_MEMORY char *count = NULL;
        int backend = pg_backend(connection);

        begins[i](connection);
        pg_reset(connection);
        assert_true(pg_is_usable(connection));
        EXPECT_OK(pg_query_text(connection, "SELECT count(*) FROM public.a", &count, &err));
        assert_string_equal(count, "0");
        assert_int_equal(pg_backend(connection), backend);
    }
}

static void kill_the_backend(void)
{
    pg_cluster_run(cluster, NULL,
                   "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                   "WHERE application_name = 'stopover test'");
}

static void a_lost_connection_can_be_given_up_too(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (i int)", &err));
    begin_copy_in(connection);
    kill_the_backend();
    pg_reset(connection);
    assert_false(pg_is_usable(connection));
    assert_int_equal(pg_run(connection, "SELECT 1", &err), STATUS_RETRY);
    assert_string_equal(err.sqlstate, "08003");
}

/* ---- loss ---- */

static void a_killed_backend_is_worth_another_try(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    kill_the_backend();
    assert_int_equal(pg_run(connection, "SELECT 1", &err), STATUS_RETRY);
    assert_string_equal(err.sqlstate, "57P01");
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_false(pg_is_usable(connection));
    assert_int_equal(pg_run(connection, "SELECT 1", &err), STATUS_RETRY);
}

static void a_backend_killed_while_it_reads_is_worth_another_try(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    static char data[1024 * 1024];
    Status status = STATUS_OK;
    uint64_t rows = 0;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    memset(data, '\n', sizeof(data));
    connection = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(connection, "CREATE TABLE public.a (x text)", &err));
    EXPECT_OK(pg_copy_in(connection, "COPY public.a FROM STDIN", &err));
    EXPECT_OK(pg_copy_write(connection, data, sizeof(data), &err));
    kill_the_backend();
    for (int i = 0; i < 64 && status == STATUS_OK; i++)
        status = pg_copy_write(connection, data, sizeof(data), &err);
    if (status == STATUS_OK)
        status = pg_copy_finish(connection, &rows, &err);
    assert_int_equal(status, STATUS_RETRY);
    assert_string_not_equal(err.sqlstate, "");
    assert_false(pg_is_usable(connection));
}

static void a_backend_killed_while_it_writes_is_worth_another_try(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    const uint8_t *data = NULL;
    size_t size = 0;
    Status status = STATUS_OK;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_SOURCE);
    EXPECT_OK(
        pg_copy_out(connection, "COPY (SELECT generate_series(1, 1000000000)) TO STDOUT", &err));
    EXPECT_OK(pg_copy_read(connection, &data, &size, &err));
    /* It is blocked in sending: only its end is asked for, not waited for. */
    pg_cluster_run(cluster, NULL,
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE application_name = 'stopover test'");
    while ((status = pg_copy_read(connection, &data, &size, &err)) == STATUS_OK)
        ;
    assert_int_equal(status, STATUS_RETRY);
    assert_false(pg_is_usable(connection));
}

static void a_crash_of_the_server_is_worth_another_try(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    PgConnection *none = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    pg_cluster_crash(cluster);
    assert_int_equal(pg_run(connection, "SELECT 1", &err), STATUS_RETRY);
    assert_false(pg_is_usable(connection));
    assert_int_equal(pg_link_try(cluster, PG_TARGET, "", &none, &err), STATUS_RETRY);
    assert_string_equal(err.sqlstate, "08001");
    assert_string_not_equal(err.hint, "");
    pg_cluster_restart(cluster);
    pg_close(pg_link_open(cluster, PG_TARGET));
}

/* ---- failures of a server ---- */

typedef struct Case {
    const char *sql;
    Status status;
    ErrorKind kind;
    const char *sqlstate;
} Case;

static void failures_say_what_to_do(void **state)
{
    static const Case cases[] = {
        {"SELECT * FROM public.missing", STATUS_FAILED, ERROR_FAILED, "42P01"},
        {"SELECT syntax error here", STATUS_FAILED, ERROR_FAILED, "42601"},
        {"SET ROLE plain; SELECT * FROM public.a", STATUS_INVALID, ERROR_REFUSED, "42501"},
        {"BEGIN READ ONLY; DELETE FROM public.a", STATUS_INVALID, ERROR_REFUSED, "25006"},
        {"BEGIN; LOCK TABLE public.locked NOWAIT", STATUS_RETRY, ERROR_WAITING, "55P03"},
        {"SET lock_timeout = 1; LOCK TABLE public.locked", STATUS_RETRY, ERROR_WAITING, "55P03"},
        {"SET statement_timeout = 1; SELECT pg_sleep(5)", STATUS_FAILED, ERROR_FAILED, "57014"},
    };
    AUTO_FREE(pg_close) PgConnection *holder = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    pg_cluster_run(cluster, NULL,
                   "CREATE TABLE public.a (i int); CREATE TABLE public.locked (); "
                   "DROP ROLE IF EXISTS plain; CREATE ROLE plain");
    holder = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(holder, "BEGIN; LOCK TABLE public.locked", &err));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_FREE(pg_close) PgConnection *connection = pg_link_open(cluster, PG_TARGET);

        assert_int_equal(pg_run(connection, cases[i].sql, &err), cases[i].status);
        assert_int_equal(err.kind, cases[i].kind);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_true(pg_is_usable(connection));
    }
}

static void *lock_a(void *connection)
{
    Error err = {0};

    (void)pg_run(connection, "LOCK TABLE public.a", &err); /* one of the two is the victim */
    return NULL;
}

static void a_deadlock_is_worth_another_try(void **state)
{
    AUTO_FREE(pg_close) PgConnection *one = NULL;
    AUTO_FREE(pg_close) PgConnection *two = NULL;
    pthread_t other;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    pg_cluster_run(cluster, NULL, "CREATE TABLE public.a (); CREATE TABLE public.b ()");
    one = pg_link_open(cluster, PG_TARGET);
    two = pg_link_open(cluster, PG_TARGET);
    EXPECT_OK(pg_run(one, "SET deadlock_timeout = '50ms'; BEGIN; LOCK TABLE public.a", &err));
    EXPECT_OK(pg_run(two, "SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE public.b", &err));
    assert_int_equal(pthread_create(&other, NULL, lock_a, two), 0);
    assert_int_equal(pg_run(one, "LOCK TABLE public.b", &err), STATUS_RETRY);
    assert_string_equal(err.sqlstate, "40P01");
    assert_int_equal(pthread_join(other, NULL), 0);
}

/* Class 22 and 23 and everything that a function may raise for the sake of a row. */
static void no_message_shows_a_value_of_a_row(void **state)
{
    static const char *const rows[] = {
        "zebra\t2001-01-01\t1\ta",    "1\tzebra\t1\ta",
        "1\t2001-01-01\tzebra\ta",    "1\t2001-01-01\t1\tzebra",
        "7\t2001-01-01\t1\ta",        "8\t2001-01-01\t1\ta",
        "zeb\"ra\t2001-01-01\t1\ta",  "zebra",
        "1\t2001-01-01\t1\ta\tzebra",
    };
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    pg_cluster_run(cluster, NULL,
                   "CREATE TABLE public.a (i int PRIMARY KEY, d date, n numeric, x varchar(3), "
                   "CHECK (i <> 8)); INSERT INTO public.a VALUES (7)");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_FREE(pg_close) PgConnection *connection = pg_link_open(cluster, PG_TARGET);
        uint64_t count = 0;

        EXPECT_OK(pg_copy_in(connection, "COPY public.a FROM STDIN", &err));
        EXPECT_OK(pg_copy_write(connection, rows[i], strlen(rows[i]), &err));
        EXPECT_OK(pg_copy_write(connection, "\n", 1, &err));
        assert_int_equal(pg_copy_finish(connection, &count, &err), STATUS_FAILED);
        if (strstr(err.message, "zeb") != NULL || strstr(err.message, "ra\"") != NULL ||
            strstr(err.message, "7") != NULL || *err.hint != '\0')
            fail_msg("%s", err.message);
    }
}

static void the_detail_that_names_objects_is_shown(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    pg_cluster_run(cluster, NULL,
                   "CREATE TABLE public.a (); CREATE VIEW public.v AS TABLE public.a");
    connection = pg_link_open(cluster, PG_TARGET);
    assert_int_equal(pg_run(connection, "DROP TABLE public.a", &err), STATUS_FAILED);
    assert_string_equal(err.message,
                        "cannot drop table public.a because other objects depend on it (view "
                        "public.v depends on table public.a)");
}

static void too_few_locks_are_refused_with_the_setting_to_raise(void **state)
{
    static const char *const settings[] = {"max_locks_per_transaction=10", "max_connections=5",
                                           NULL};
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    PgCluster *small = NULL;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    small = pg_cluster_start(settings);
    connection = pg_link_open(small, PG_TARGET);
    assert_int_equal(pg_run(connection,
                            "DO $$ BEGIN FOR i IN 1..20000 LOOP "
                            "EXECUTE 'CREATE TABLE public.l' || i || '()'; END LOOP; END $$",
                            &err),
                     STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_string_equal(err.sqlstate, "53200");
    assert_non_null(strstr(err.hint, "max_locks_per_transaction"));
    pg_cluster_stop(small);
}

/* ---- stop ---- */

static void *stop_soon(void *unused)
{
    (void)unused;
    /* When the server is busy with it, and not before. */
    for (;;) {
        char *busy = pg_cluster_ask(cluster, NULL,
                                    "SELECT pid FROM pg_stat_activity WHERE state = 'active' "
                                    "AND application_name = 'stopover test'");
        bool is_busy = busy != NULL;

        free(busy);
        if (is_busy)
            break;
    }
    stop_request();
    return NULL;
}

static void a_wish_to_stop_cancels_a_statement(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    uint64_t started_ns = clock_monotonic_ns();
    pthread_t stopper;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_TARGET);
    pg_set_interruptible(connection, true);
    assert_int_equal(pthread_create(&stopper, NULL, stop_soon, NULL), 0);
    assert_int_equal(pg_run(connection, "SELECT pg_sleep(60)", &err), STATUS_STOPPED);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_true(clock_monotonic_ns() - started_ns < UINT64_C(5000000000));
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_true(pg_is_usable(connection));
    pg_set_interruptible(connection, false);
    EXPECT_OK(pg_run(connection, "SELECT pg_sleep(0.3)", &err)); /* although stop is wanted */
}

static void a_wish_to_stop_cancels_a_load_that_the_server_does_not_read(void **state)
{
    static char data[1024 * 1024];
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    uint64_t rows = 0;
    pthread_t stopper;
    Status status = STATUS_OK;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    memset(data, '\n', sizeof(data));
    pg_cluster_run(cluster, NULL,
                   "CREATE TABLE public.a (x text); CREATE FUNCTION public.slow() RETURNS trigger "
                   "LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END'; "
                   "CREATE TRIGGER slow BEFORE INSERT ON public.a FOR EACH ROW "
                   "EXECUTE FUNCTION public.slow()");
    connection = pg_link_open(cluster, PG_TARGET);
    pg_set_interruptible(connection, true);
    EXPECT_OK(pg_copy_in(connection, "COPY public.a FROM STDIN", &err));
    assert_int_equal(pthread_create(&stopper, NULL, stop_soon, NULL), 0);
    for (int i = 0; i < 32 && status == STATUS_OK; i++)
        status = pg_copy_write(connection, data, sizeof(data), &err);
    if (status == STATUS_OK)
        status = pg_copy_finish(connection, &rows, &err);
    assert_int_equal(status, STATUS_STOPPED);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_true(pg_is_usable(connection));
}

static void a_wish_to_stop_cancels_a_read_that_brings_nothing(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    const uint8_t *data = NULL;
    size_t size = 0;
    pthread_t stopper;
    Error err = {0};
    (void)state;

    PG_CLUSTER_OR_SKIP(cluster);
    connection = pg_link_open(cluster, PG_SOURCE);
    pg_set_interruptible(connection, true);
    assert_int_equal(pthread_create(&stopper, NULL, stop_soon, NULL), 0);
    EXPECT_OK(pg_copy_out(connection, "COPY (SELECT pg_sleep(60)) TO STDOUT", &err));
    assert_int_equal(pg_copy_read(connection, &data, &size, &err), STATUS_STOPPED);
    assert_int_equal(pthread_join(stopper, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, start_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_come_as_text),
        TEST(statements_of_one_message_are_one_transaction),
        TEST(parameters_are_bound),
        TEST(what_is_quoted_comes_back),
        TEST(notices_are_dropped),
        TEST(a_stream_may_be_cut_anywhere),
        TEST(binary_rows_come_one_by_one_between_header_and_trailer),
        TEST(a_row_of_32_mib_passes),
        TEST(a_copy_that_fails_says_why_and_leaves_the_connection),
        TEST(a_copy_run_as_a_plain_statement_is_a_failure),
        TEST(whatever_is_under_way_can_be_given_up),
        TEST(a_lost_connection_can_be_given_up_too),
        TEST(a_killed_backend_is_worth_another_try),
        TEST(a_backend_killed_while_it_reads_is_worth_another_try),
        TEST(a_backend_killed_while_it_writes_is_worth_another_try),
        TEST(a_crash_of_the_server_is_worth_another_try),
        TEST(failures_say_what_to_do),
        TEST(a_deadlock_is_worth_another_try),
        TEST(no_message_shows_a_value_of_a_row),
        TEST(the_detail_that_names_objects_is_shown),
        TEST(too_few_locks_are_refused_with_the_setting_to_raise),
        TEST(a_wish_to_stop_cancels_a_statement),
        TEST(a_wish_to_stop_cancels_a_load_that_the_server_does_not_read),
        TEST(a_wish_to_stop_cancels_a_read_that_brings_nothing),
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
