/*
 * Connections: what is refused, with which words; values that go in come out the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/stop.h"
#include "engine/connect/sqlite/db.h"
#include "tests/support/sqlite_files.h"

static const char PATH[] = "db.db";

static Db *open_db(const char *path, DbMode mode)
{
    Error err = {0};
    Db *db = NULL;
    if (db_open(path, mode, &db, &err) < 0)
        fail_msg("%s", err.message);
    return db;
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void opening_what_is_no_database_says_why(void **state)
{
    (void)state;
    Db *db = NULL;
    Error err = {0};
    assert_int_equal(db_open("no/such.db", DB_READ, &db, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_non_null(strstr(err.message, "\"no/such.db\""));
    assert_true(err.hint[0] != '\0');

    error_clear(&err);
    assert_int_equal(db_open(".", DB_READ, &db, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "not a regular file"));

    static char noise[4096];
    memset(noise, 'x', sizeof(noise) - 1);
    write_file("noise.db", noise);
    error_clear(&err);
    assert_int_equal(db_open("noise.db", DB_READ, &db, &err), STATUS_INVALID);
    assert_non_null(strstr(err.hint, "another kind of file"));
    assert_null(db);
}

static void a_missing_file_is_made_only_when_asked(void **state)
{
    (void)state;
    Error err = {0};
    Db *db = NULL;
    (void)unlink("new.db"); /* from an earlier run */
    assert_int_equal(db_open("new.db", DB_WRITE, &db, &err), STATUS_INVALID);
    db_free(open_db("new.db", DB_CREATE));
    db_free(open_db("new.db", DB_WRITE));
}

static void a_path_is_never_taken_for_a_uri_or_memory(void **state)
{
    (void)state;
    static const char *const names[] = {":memory:", "file:a.db?mode=memory", "-x.db"};
    for (size_t i = 0; i < 3; i++) {
        (void)unlink(names[i]); /* from an earlier run */
        Error err = {0};
        AUTO_FREE(db_free) Db *db = open_db(names[i], DB_CREATE);
        assert_int_equal(db_exec(db, "create table t (a)", "make a table", &err), STATUS_OK);
        assert_int_equal(access(names[i], F_OK), 0);
    }
}

static void reading_connections_cannot_write(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a)");
    AUTO_FREE(db_free) Db *db = open_db(PATH, DB_READ);
    assert_int_equal(db_exec(db, "insert into t values (1)", "write", &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
}

static void a_locked_database_is_tried_again(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a)");
    AUTO_FREE(db_free) Db *one = open_db(PATH, DB_WRITE);
    AUTO_FREE(db_free) Db *two = open_db(PATH, DB_WRITE);
    assert_int_equal(db_exec(one, "begin immediate", "begin", &err), STATUS_OK);
    assert_int_equal(db_exec(two, "begin immediate", "begin", &err), STATUS_RETRY);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_non_null(strstr(err.message, PATH));
}

static void a_full_disk_waits_for_the_world(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a)");
    AUTO_FREE(db_free) Db *db = open_db(PATH, DB_WRITE);
    assert_int_equal(db_exec(db, "pragma max_page_count = 2", "set a limit", &err), STATUS_OK);
    assert_int_equal(db_exec(db, "insert into t values (zeroblob(100000))", "write", &err),
                     STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_non_null(strstr(err.hint, "Free space"));
}

static void damage_is_told_from_other_failures(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a); insert into t values (zeroblob(9000))");
    FILE *file = fopen(PATH, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 4096, SEEK_SET), 0);
    for (int i = 0; i < 4096; i++)
        assert_true(fputc(0xee, file) != EOF);
    assert_int_equal(fclose(file), 0);
    AUTO_FREE(db_free) Db *db = open_db(PATH, DB_READ);
    int64_t value = 0;
    assert_int_equal(db_integer(db, "select count(a) from t", 0, &value, "count", &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.hint, "integrity_check"));
    assert_int_equal(db_exec(db, "select nonsense", "ask", &err), STATUS_FAILED);
}

static void integers_fall_back_on_null_and_on_nothing(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a)");
    AUTO_FREE(db_free) Db *db = open_db(PATH, DB_READ);
    int64_t value = 0;
    assert_int_equal(db_integer(db, "select max(a) from t", -1, &value, "ask", &err), STATUS_OK);
    assert_int_equal(value, -1);
    assert_int_equal(db_integer(db, "select a from t", -2, &value, "ask", &err), STATUS_OK);
    assert_int_equal(value, -2);
    assert_int_equal(db_integer(db, "select 9", -2, &value, "ask", &err), STATUS_OK);
    assert_int_equal(value, 9);
}

static void expect_same_value(const Value *one, const Value *two)
{
    assert_int_equal(one->type, two->type);
    assert_int_equal(one->integer, two->integer);
    assert_memory_equal(&one->real, &two->real, sizeof(one->real));
    assert_int_equal(one->size, two->size);
    if (one->size)
        assert_memory_equal(one->data, two->data, one->size);
}

/* Binds a value, stores it in a column without affinity, and reads it again. */
static void expect_round_trip(Db *db, const Value *value)
{
    Error err = {0};
    Value back = {0};
    {
        AUTO_FREE(db_finalize) DbStatement *insert = NULL;
        assert_int_equal(db_prepare(db, "replace into t values (1, ?1)", &insert, "put", &err),
                         STATUS_OK);
        assert_int_equal(db_bind_value(db, insert, 1, value, &err), STATUS_OK);
        assert_int_equal(db_step(db, insert, "put", &err), STATUS_DONE);
    }
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    assert_int_equal(db_prepare(db, "select a from t", &query, "get", &err), STATUS_OK);
    assert_int_equal(db_step(db, query, "get", &err), STATUS_OK);
    db_column_value(db, query, 0, &back);
    expect_same_value(value, &back);
}

static Value bytes_value(ValueType type, const char *data, size_t size)
{
    return (Value){.type = type, .data = (const uint8_t *)data, .size = size};
}

static void every_value_survives_a_round_trip(void **state)
{
    (void)state;
    const Value values[] = {
        {.type = VALUE_NULL},
        {.type = VALUE_INTEGER, .integer = 0},
        {.type = VALUE_INTEGER, .integer = INT64_MIN},
        {.type = VALUE_INTEGER, .integer = INT64_MAX},
        {.type = VALUE_REAL, .real = 1.0},
        {.type = VALUE_REAL, .real = -0.0},
        {.type = VALUE_REAL, .real = HUGE_VAL},
        {.type = VALUE_REAL, .real = 5e-324},
        {.type = VALUE_REAL, .real = 9007199254740993.0},
        bytes_value(VALUE_TEXT, "", 0),
        bytes_value(VALUE_TEXT, "a\0b\0", 4),
        bytes_value(VALUE_TEXT, "\xff\xfe\x80", 3),
        bytes_value(VALUE_TEXT, "\xef\xbb\xbfmark", 7),
        bytes_value(VALUE_BLOB, "", 0),
        bytes_value(VALUE_BLOB, "\0\1\2", 3),
    };
    set_database(PATH, "create table t (id integer primary key, a)");
    AUTO_FREE(db_free) Db *db = open_db(PATH, DB_WRITE);
    assert_false(db->is_utf16);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        expect_round_trip(db, &values[i]);
}

static void every_text_survives_in_utf16(void **state)
{
    (void)state;
    static const char *const encodings[] = {"pragma encoding = 'UTF-16le'",
                                            "pragma encoding = 'UTF-16be'"};
    const Value values[] = {
        bytes_value(VALUE_TEXT16, "", 0),
        bytes_value(VALUE_TEXT16, "a\0\0\0b\0", 6),
        bytes_value(VALUE_TEXT16,
                    "\xff\xfe"
                    "a\0",
                    4),                                   /* begins with a byte order mark */
        bytes_value(VALUE_TEXT16, "\xff\xfe", 2),         /* is one */
        bytes_value(VALUE_TEXT16, "\xff\xfe\xff\xfe", 4), /* is two */
        bytes_value(VALUE_TEXT16, "\xfe\xff\x61\x00", 4), /* not a character at all */
        bytes_value(VALUE_TEXT16, "\x00\xd8\x61\x00", 4), /* half a surrogate pair */
        bytes_value(VALUE_TEXT16, "\x3d\xd8\x00\xde", 4), /* a whole one */
        bytes_value(VALUE_BLOB, "odd", 3),
    };
    for (size_t i = 0; i < 2; i++) {
        set_database(PATH, encodings[i]);
        AUTO_FREE(db_free) Db *db = open_db(PATH, DB_CREATE);
        Error err = {0};
        assert_int_equal(db_exec(db, encodings[i], "set the encoding", &err), STATUS_OK);
        assert_int_equal(db_exec(db, "create table t (id integer primary key, a)", "make", &err),
                         STATUS_OK);
        assert_int_equal(db_read_encoding(db, &err), STATUS_OK);
        assert_true(db->is_utf16);
        for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++)
            expect_round_trip(db, &values[j]);
    }
}

static void a_long_statement_ends_when_a_stop_is_wanted(void **state)
{
    (void)state;
    static const char endless[] = "with recursive n(i) as (select 1 union all select i + 1 from n "
                                  "limit 3000000) select count(*) from n";
    Error err = {0};
    int64_t count = 0;
    set_database(PATH, "create table t (a)");
    AUTO_FREE(db_free) Db *db = open_db(PATH, DB_READ);
    stop_request();
    db_stop_on_request(db, true);
    assert_int_equal(db_integer(db, endless, 0, &count, "count", &err), STATUS_STOPPED);
    db_stop_on_request(db, false);
    assert_int_equal(db_integer(db, endless, 0, &count, "count", &err), STATUS_OK);
    stop_reset();
    assert_int_equal(count, 3000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_what_is_no_database_says_why),
        cmocka_unit_test(a_missing_file_is_made_only_when_asked),
        cmocka_unit_test(a_path_is_never_taken_for_a_uri_or_memory),
        cmocka_unit_test(reading_connections_cannot_write),
        cmocka_unit_test(a_locked_database_is_tried_again),
        cmocka_unit_test(a_full_disk_waits_for_the_world),
        cmocka_unit_test(damage_is_told_from_other_failures),
        cmocka_unit_test(integers_fall_back_on_null_and_on_nothing),
        cmocka_unit_test(every_value_survives_a_round_trip),
        cmocka_unit_test(every_text_survives_in_utf16),
        cmocka_unit_test(a_long_statement_ends_when_a_stop_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
