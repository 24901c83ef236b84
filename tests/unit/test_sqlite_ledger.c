/* The control tables: claims, epochs, what is recorded, and whose tables they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger.h"
#include "tests/support/sqlite_files.h"
#include "tests/support/sqlite_migration.h"

static const char FILE_NAME[] = "ledger.db";

static const RunIdentity run = {
    .migration = "trial", .run = "0123456789abcdef0123456789abcdef", .attempt = 1, .id = "abcdef"};

static Db *open_db(void)
{
    Error err = {0};
    Db *db = NULL;

    expect_status_ok(db_open(FILE_NAME, DB_CREATE, &db, &err), &err);
    return db;
}

static Db *open_claimed(RunIdentity *identity)
{
    Error err = {0};

    set_database(FILE_NAME, "");
    *identity = run;

    Db *db = open_db();

    expect_status_ok(ledger_claim(db, identity, &err), &err);
    return db;
}

static void each_claim_raises_the_epoch_of_its_run_only(void **state)
{
    (void)state;
    Error err = {0};
    RunIdentity identity;
    AUTO_FREE(db_free) Db *db = open_claimed(&identity);
    RunIdentity other = run;

    assert_int_equal(identity.epoch, 1);
    expect_status_ok(ledger_claim(db, &identity, &err), &err);
    assert_int_equal(identity.epoch, 2);
    other.run[0] = 'f';
    expect_status_ok(ledger_claim(db, &other, &err), &err);
    assert_int_equal(other.epoch, 1);
}

static void an_older_epoch_or_attempt_cannot_begin(void **state)
{
    (void)state;
    Error err = {0};
    RunIdentity identity;
    AUTO_FREE(db_free) Db *db = open_claimed(&identity);
    RunIdentity older = identity;

    expect_status_ok(ledger_begin(db, &identity, &err), &err);
    expect_status_ok(ledger_commit(db, "commit", &err), &err);
    identity.attempt = 2;
    expect_status_ok(ledger_claim(db, &identity, &err), &err);
    assert_int_equal(ledger_begin(db, &older, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_LOCKED);
    older.epoch = identity.epoch;
    assert_int_equal(ledger_begin(db, &older, &err), STATUS_INVALID); /* the attempt differs */
    expect_status_ok(ledger_begin(db, &identity, &err), &err);
    expect_status_ok(ledger_forget_run(db, &identity, &err), &err);
    expect_status_ok(ledger_commit(db, "commit", &err), &err);
    assert_int_equal(ledger_begin(db, &identity, &err), STATUS_INVALID); /* nothing is left */
    assert_int_equal(err.kind, ERROR_LOCKED);
}

static void tables_of_others_are_refused_and_left_alone(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "create table stopover_run(a)",
        "create table STOPOVER_MARKER(a)",
        "create table stopover_control(application, version)",
        "create view stopover_chunk as select 1",
    };

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        Error err = {0};
        RunIdentity identity = run;

        set_database(FILE_NAME, foreign[i]);

        AUTO_FREE_MEMORY char *before = dump_database(FILE_NAME);
        AUTO_FREE(db_free) Db *db = open_db();

        expect_refused(ledger_claim(db, &identity, &err), &err, "not ours");
        assert_int_equal(identity.epoch, 0);
        expect_dump(FILE_NAME, before);
    }
}

static void records_of_a_newer_version_are_refused(void **state)
{
    (void)state;
    Error err = {0};
    RunIdentity identity;
    AUTO_FREE(db_free) Db *db = open_claimed(&identity);

    set_sql(FILE_NAME, "update stopover_control set version = 2;"
                       "alter table stopover_run add column more text");
    expect_refused(ledger_claim(db, &identity, &err), &err, "version 2");
}

typedef struct Seen {
    size_t chunks;
    size_t tasks;
    uint64_t rows;
    uint32_t last_task;
} Seen;

static Status see_chunk(void *context, uint32_t table_id, uint32_t number,
                        const ChunkResult *result, Error *err)
{
    Seen *seen = context;

    (void)err;
    assert_int_equal(table_id, 7);
    assert_int_equal(number, ++seen->chunks);
    seen->rows += result->digest.rows;
    return STATUS_OK;
}

static Status see_task(void *context, uint32_t task_id, Error *err)
{
    Seen *seen = context;

    (void)err;
    seen->tasks++;
    seen->last_task = task_id;
    return STATUS_OK;
}

static void what_was_recorded_is_read_back(void **state)
{
    (void)state;
    Error err = {0};
    RunIdentity identity;
    AUTO_FREE(db_free) Db *db = open_claimed(&identity);
    const Chunk chunks[] = {{.table_id = 7, .number = 1}, {.table_id = 7, .number = 2}};
    const Task task = {.id = 9, .table_id = 7};
    const ChunkResult result = {.bytes = 123, .digest = {.rows = 5, .low = 6, .high = UINT64_MAX}};
    ChunkResult found = {0};
    Seen seen = {0};
    const LedgerSink sink = {.context = &seen, .chunk = see_chunk, .task = see_task};
    bool is_found = false;
    uint64_t rows = 0;

    expect_status_ok(ledger_begin(db, &identity, &err), &err);
    expect_status_ok(ledger_add_chunk(db, &identity, &chunks[0], &result, &err), &err);
    expect_status_ok(ledger_add_chunk(db, &identity, &chunks[1], &result, &err), &err);
    expect_status_ok(ledger_add_task(db, &identity, &task, &err), &err);
    expect_status_ok(ledger_commit(db, "commit", &err), &err);

    expect_status_ok(ledger_find_chunk(db, &identity, &chunks[1], &is_found, &found, &err), &err);
    assert_true(is_found);
    assert_int_equal(found.bytes, 123);
    assert_true(digest_equal(&found.digest, &result.digest));
    expect_status_ok(ledger_read(db, &identity, &sink, &err), &err);
    assert_int_equal(seen.chunks, 2);
    assert_int_equal(seen.rows, 10);
    assert_int_equal(seen.tasks, 1);
    assert_int_equal(seen.last_task, 9);
    expect_status_ok(ledger_count_rows(db, &identity, 7, &rows, &err), &err);
    assert_int_equal(rows, 10);

    identity.attempt = 2; /* another attempt has none of it */
    expect_status_ok(ledger_find_chunk(db, &identity, &chunks[1], &is_found, &found, &err), &err);
    assert_false(is_found);
}

static void the_same_chunk_cannot_be_recorded_twice(void **state)
{
    (void)state;
    Error err = {0};
    RunIdentity identity;
    AUTO_FREE(db_free) Db *db = open_claimed(&identity);
    const Chunk chunk = {.table_id = 7, .number = 1};
    const ChunkResult result = {0};

    expect_status_ok(ledger_begin(db, &identity, &err), &err);
    expect_status_ok(ledger_add_chunk(db, &identity, &chunk, &result, &err), &err);
    assert_int_equal(ledger_add_chunk(db, &identity, &chunk, &result, &err), STATUS_FAILED);
    ledger_rollback(db);
}

static Outcome outcome_of(Db *db, const RunIdentity *identity)
{
    Error err = {0};
    Outcome outcome = OUTCOME_NONE;

    expect_status_ok(ledger_outcome(db, identity, &outcome, &err), &err);
    return outcome;
}

static void mark(Db *db, const RunIdentity *identity, Outcome outcome)
{
    Error err = {0};

    expect_status_ok(ledger_begin(db, identity, &err), &err);
    expect_status_ok(ledger_add_marker(db, identity, outcome, "{}", "[]", &err), &err);
    expect_status_ok(ledger_commit(db, "commit", &err), &err);
}

static void the_last_point_passed_is_the_outcome(void **state)
{
    (void)state;
    RunIdentity identity;
    AUTO_FREE(db_free) Db *db = open_claimed(&identity);
    RunIdentity next = identity;

    next.attempt = 2;
    assert_int_equal(outcome_of(db, &identity), OUTCOME_NONE);
    mark(db, &identity, OUTCOME_PROMOTED);
    assert_int_equal(outcome_of(db, &identity), OUTCOME_PROMOTED);
    assert_int_equal(outcome_of(db, &next), OUTCOME_NONE);
    mark(db, &identity, OUTCOME_ROLLED_BACK);
    assert_int_equal(outcome_of(db, &identity), OUTCOME_ROLLED_BACK);
    mark(db, &identity, OUTCOME_FINISHED);
    assert_int_equal(outcome_of(db, &identity), OUTCOME_FINISHED);
    assert_int_equal(outcome_of(db, &next), OUTCOME_FINISHED); /* of the whole run */
}

static void the_tables_go_with_the_last_run(void **state)
{
    (void)state;
    Error err = {0};
    RunIdentity identity;
    AUTO_FREE(db_free) Db *db = open_claimed(&identity);
    RunIdentity other = run;
    static const char count[] = "select count(*) from sqlite_schema where name like 'stopover%'";

    other.run[0] = 'f';
    expect_status_ok(ledger_claim(db, &other, &err), &err);
    expect_status_ok(ledger_begin(db, &identity, &err), &err);
    expect_status_ok(ledger_forget_run(db, &identity, &err), &err);
    expect_status_ok(ledger_commit(db, "commit", &err), &err);
    assert_int_equal(ask_integer(FILE_NAME, count), 6);
    expect_status_ok(ledger_begin(db, &other, &err), &err);
    expect_status_ok(ledger_forget_run(db, &other, &err), &err);
    expect_status_ok(ledger_commit(db, "commit", &err), &err);
    assert_int_equal(ask_integer(FILE_NAME, count), 0);
}

static void control_tables_are_known_by_name(void **state)
{
    (void)state;
    assert_true(ledger_is_control_table("Stopover_Run"));
    assert_false(ledger_is_control_table("stopover_runs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_claim_raises_the_epoch_of_its_run_only),
        cmocka_unit_test(an_older_epoch_or_attempt_cannot_begin),
        cmocka_unit_test(tables_of_others_are_refused_and_left_alone),
        cmocka_unit_test(records_of_a_newer_version_are_refused),
        cmocka_unit_test(what_was_recorded_is_read_back),
        cmocka_unit_test(the_same_chunk_cannot_be_recorded_twice),
        cmocka_unit_test(the_last_point_passed_is_the_outcome),
        cmocka_unit_test(the_tables_go_with_the_last_run),
        cmocka_unit_test(control_tables_are_known_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
