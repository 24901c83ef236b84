/*
 * The SQLite source: snapshot and state token, and what describe() finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/db.h"
#include "engine/connect/sqlite/layout.h"
#include "engine/connect/sqlite/sqlite.h"
#include "tests/support/sqlite_files.h"
#ifdef FAULT_POINTS
#include "engine/base/fault.h"
#endif

static const char PATH[] = "source.db";
static const char WAL[] = "pragma journal_mode = wal; pragma wal_autocheckpoint = 0;";

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

static Source *open_source_of(const char *path)
{
    Error err = {0};
    Source *source = NULL;
    AUTO_FREE(uri_free) Uri *uri = NULL;
    AUTO_FREE_MEMORY char *text = xasprintf("sqlite:%s", path);
    expect_ok(uri_parse(text, &uri, &err), &err);
    expect_ok(sqlite_open_source(uri, &source, &err), &err);
    return source;
}

static char *take_token(const char *path)
{
    Error err = {0};
    AUTO_FREE(source_free) Source *source = open_source_of(path);
    Snapshot snapshot = {0};
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    source_release(source);
    return snapshot.token;
}

static bool has_changed(const char *path, const char *token)
{
    Error err = {0};
    bool changed = false;
    AUTO_FREE(source_free) Source *source = open_source_of(path);
    expect_ok(source_changed(source, token, &changed, &err), &err);
    return changed;
}

/* Describes PATH; the caller looks at both and releases them. */
static void describe(const Selection *selection, Catalog *catalog, Findings *findings)
{
    Error err = {0};
    static const Selection all = {0};
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    expect_ok(source_describe(source, selection ? selection : &all, catalog, findings, &err), &err);
}

static const Finding *find_finding(const Findings *findings, Severity severity, const char *object)
{
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];
        if (finding->severity == severity && finding->object &&
            strcmp(finding->object, object) == 0)
            return finding;
    }
    return NULL;
}

static const Object *find_object(const Catalog *catalog, ObjectKind kind, const char *name)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        if (object->kind == kind && strcmp(object->name, name) == 0)
            return object;
    }
    return NULL;
}

/* ---- the token ---- */

static const char *const modes[] = {
    "pragma journal_mode = delete;",
    "pragma journal_mode = truncate;",
    "pragma journal_mode = persist;",
    "pragma journal_mode = wal;",
};
#define MODE_COUNT (sizeof(modes) / sizeof(*modes))

static void every_kind_of_commit_changes_the_token(void **state)
{
    (void)state;
    static const char *const writes[] = {
        "insert into t values (100, 'x')",
        "update t set b = 'yy' where a = 1",
        "replace into t values (2, 'b')",
        "delete from t where a = 1",
        "create table u (a)",
        "alter table u add column b",
        "drop table u",
        "create index t_b on t (b)",
        "analyze",
        "pragma user_version = 7",
        "vacuum",
    };
    for (size_t mode = 0; mode < MODE_COUNT; mode++) {
        set_database(PATH, modes[mode]);
        set_sql(PATH, "create table t (a integer primary key, b); insert into t values (1, 'a'), "
                      "(2, 'b')");
        for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
            AUTO_FREE_MEMORY char *token = take_token(PATH);
            set_sql(PATH, writes[i]);
            if (!has_changed(PATH, token))
                fail_msg("%s then \"%s\": unchanged", modes[mode], writes[i]);
        }
    }
}

static void reading_does_not_change_the_token(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODE_COUNT; mode++) {
        set_database(PATH, modes[mode]);
        set_sql(PATH, "create table t (a); insert into t values (1)");
        AUTO_FREE_MEMORY char *token = take_token(PATH);
        assert_false(has_changed(PATH, token));
        AUTO_FREE_MEMORY char *again = take_token(PATH);
        assert_string_equal(token, again);
        assert_int_equal(ask_integer(PATH, "select count(*) from t"), 1);
        set_sql(PATH, "begin; insert into t values (2); rollback");
        assert_false(has_changed(PATH, token));
    }
}

static void an_idle_wal_keeps_its_token_while_others_have_it_open(void **state)
{
    (void)state;
    set_database(PATH, WAL);
    set_sql(PATH, "create table t (a)");
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(PATH, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "pragma wal_autocheckpoint = 0; insert into t values (1)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    AUTO_FREE_MEMORY char *token = take_token(PATH);
    assert_non_null(strstr(token, "wal="));
    assert_null(strstr(token, "wal=empty"));
    assert_int_equal(sqlite3_exec(other, "select * from t", NULL, NULL, NULL), SQLITE_OK);
    assert_false(has_changed(PATH, token));
    assert_int_equal(sqlite3_exec(other, "update t set a = 2", NULL, NULL, NULL), SQLITE_OK);
    assert_true(has_changed(PATH, token));
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void two_commits_in_one_clock_tick_have_two_tokens(void **state)
{
    (void)state;
    static const char *const writes[] = {
        "update t set a = a + 1",
        "update t set a = a + 1; pragma wal_checkpoint(truncate)",
    };
    for (size_t mode = 0; mode < MODE_COUNT; mode++) {
        for (size_t i = 0; i < 20; i++) {
            set_database(PATH, modes[mode]);
            set_sql(PATH, "create table t (a); insert into t values (1)");
            set_sql(PATH, writes[i % 2]);
            AUTO_FREE_MEMORY char *token = take_token(PATH);
            set_sql(PATH, writes[i % 2]);
            assert_true(has_changed(PATH, token));
        }
    }
}

static void a_commit_shows_in_more_than_time_stamps(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODE_COUNT; mode++) {
        set_database(PATH, modes[mode]);
        set_sql(PATH, "create table t (a); insert into t values (1)");
        sqlite3 *other = NULL; /* keeps the WAL from being checkpointed at each close */
        assert_int_equal(sqlite3_open(PATH, &other), SQLITE_OK);
        assert_int_equal(sqlite3_exec(other, "select * from t", NULL, NULL, NULL), SQLITE_OK);
        AUTO_FREE_MEMORY char *before = take_token(PATH);
        set_sql(PATH, "update t set a = a + 1");
        AUTO_FREE_MEMORY char *after = take_token(PATH);
        assert_string_not_equal(strstr(before, " format="), strstr(after, " format="));
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
    }
}

static void where_only_the_time_stamp_tells_it_is_old_enough_to_tell(void **state)
{
    (void)state;
    set_database(PATH, WAL);
    for (int i = 0; i < 5; i++) {
        set_sql(PATH, "create table if not exists t (a); insert into t values (1)");
        AUTO_FREE_MEMORY char *token = take_token(PATH);
        assert_non_null(strstr(token, "wal=empty"));
        struct stat info;
        struct timespec now;
        assert_int_equal(stat(PATH, &info), 0);
        assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
        int64_t age_ms = (now.tv_sec - info.st_mtim.tv_sec) * 1000 +
                         (now.tv_nsec - info.st_mtim.tv_nsec) / 1000000;
        assert_true(age_ms >= 15);
    }
}

static void a_file_put_in_its_place_changes_the_token(void **state)
{
    (void)state;
    set_database(PATH, "create table t (a); insert into t values (1)");
    set_database("other.db", "create table t (a); insert into t values (2)");
    AUTO_FREE_MEMORY char *token = take_token(PATH);
    assert_int_equal(rename("other.db", PATH), 0);
    assert_true(has_changed(PATH, token));
    assert_int_equal(unlink(PATH), 0);
    Error err = {0};
    bool changed = false;
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    assert_int_equal(source_changed(source, token, &changed, &err), STATUS_INVALID);
}

/* ---- the snapshot ---- */

static void read_integer(Reader *reader, const Catalog *catalog, int64_t *ret)
{
    Error err = {0};
    const Chunk whole = {.table_id = 1, .number = 1};
    Block block;
    expect_ok(reader_begin(reader, &catalog->tables[0], &whole, &err), &err);
    assert_int_equal(reader_read(reader, &block, &err), STATUS_OK);
    RowReader fields;
    Value value;
    expect_ok(row_reader_begin(&fields, block.data, block.size, &err), &err);
    expect_ok(row_reader_next(&fields, &value, &err), &err); /* the rowid */
    expect_ok(row_reader_next(&fields, &value, &err), &err);
    assert_int_equal(value.type, VALUE_INTEGER);
    *ret = value.integer;
    reader_end(reader);
}

enum {
    READERS = 12, /* many, so that commits do come between the first and the last */
};

/* As the engine does: STATUS_RETRY is tried again. */
static void hold_in_spite_of_a_writer(Source *source, Snapshot *ret)
{
    Error err = {0};
    Status status = STATUS_RETRY;
    for (int i = 0; i < 50 && status == STATUS_RETRY; i++)
        status = source_hold(source, NULL, READERS, ret, &err);
    expect_ok(status, &err);
}

static void expect_readers_agree(void)
{
    Error err = {0};
    const Selection all = {0};
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    Snapshot snapshot = {0};
    hold_in_spite_of_a_writer(source, &snapshot);
    expect_ok(source_describe(source, &all, &catalog, &findings, &err), &err);
    Reader *readers[READERS]; /* all at once: one that was given back would be lent again */
    for (size_t i = 0; i < READERS; i++)
        expect_ok(source_open_reader(source, &readers[i], &err), &err);
    int64_t first = 0;
    read_integer(readers[0], &catalog, &first);
    for (size_t i = 0; i < READERS; i++) {
        int64_t seen = 0;
        read_integer(readers[i], &catalog, &seen);
        assert_int_equal(seen, first);
    }
    for (size_t i = 0; i < READERS; i++)
        reader_free(readers[i]);
    source_release(source);
    snapshot_release(&snapshot);
}

static void all_readers_see_one_state_whatever_a_writer_does(void **state)
{
    (void)state;
    static const char *const some[] = {"pragma journal_mode = delete;",
                                       "pragma journal_mode = wal;"};
    for (size_t mode = 0; mode < 2; mode++) {
        set_database(PATH, some[mode]);
        set_sql(PATH, "create table t (a); insert into t values (1)");
        pid_t writer = start_writer(PATH, "pragma synchronous = off; update t set a = a + 1");
        for (int i = 0; i < 40; i++)
            expect_readers_agree();
        stop_writer(writer);
        assert_true(ask_integer(PATH, "select a from t") > 1);
    }
}

static void every_reader_takes_its_own_connection(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, WAL);
    set_sql(PATH, "create table t (a); insert into t values (1)");
    const Selection all = {0};
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    Snapshot snapshot = {0};
    expect_ok(source_hold(source, NULL, READERS, &snapshot, &err), &err);
    expect_ok(source_describe(source, &all, &catalog, &findings, &err), &err);
    Reader *readers[READERS];
    for (size_t i = 0; i < READERS; i++)
        expect_ok(source_open_reader(source, &readers[i], &err), &err);
    Reader *extra = NULL;
    assert_int_equal(source_open_reader(source, &extra, &err), STATUS_FAILED);
    set_sql(PATH, "update t set a = 2");
    bool changed = false;
    expect_ok(source_changed(source, snapshot.token, &changed, &err), &err);
    assert_true(changed);
    for (size_t i = 0; i < READERS; i++) {
        int64_t seen = 0;
        read_integer(readers[i], &catalog, &seen);
        assert_int_equal(seen, 1);
        reader_free(readers[i]);
    }
    expect_ok(source_open_reader(source, &extra, &err), &err); /* one that came back */
    source_release(source);
    reader_free(extra);
    snapshot_release(&snapshot);
}

static void the_token_of_a_hold_is_that_of_what_its_readers_see(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, WAL);
    set_sql(PATH, "create table t (a); insert into t values (1)");
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    Snapshot snapshot = {0};
    expect_ok(source_hold(source, NULL, 2, &snapshot, &err), &err);
    assert_false(has_changed(PATH, snapshot.token));
    assert_true(snapshot.taken_us > 0);
    set_sql(PATH, "insert into t values (2)");
    source_release(source);
    assert_true(has_changed(PATH, snapshot.token));
    snapshot_release(&snapshot);
}

static void a_source_locked_by_another_program_is_tried_again(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a)");
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(PATH, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "begin exclusive", NULL, NULL, NULL), SQLITE_OK);
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    Snapshot snapshot = {0};
    assert_int_equal(source_hold(source, NULL, 1, &snapshot, &err), STATUS_RETRY);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    snapshot_release(&snapshot);
}

/* A process dies in the middle of a transaction whose pages are in the file already. */
static void crash_while_writing(const char *setup)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sqlite3 *handle = NULL;
        int rc = sqlite3_open(PATH, &handle);
        rc |= sqlite3_exec(handle, setup, NULL, NULL, NULL);
        rc |= sqlite3_exec(handle,
                           "pragma cache_size = 1; begin;"
                           "with recursive n(i) as (select 1 union all select i + 1 from n limit "
                           "500) insert into t select randomblob(4000) from n",
                           NULL, NULL, NULL);
        _exit(rc ? 1 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_hot_journal_is_refused_with_the_way_out(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a)");
    crash_while_writing("pragma journal_mode = delete");
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    Snapshot snapshot = {0};
    assert_int_equal(source_hold(source, NULL, 1, &snapshot, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.hint, "Open it once"));
    assert_int_equal(ask_integer(PATH, "select count(*) from t"), 0); /* that way out */
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    snapshot_release(&snapshot);
}

static void a_wal_left_by_a_crash_is_read(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, WAL);
    set_sql(PATH, "create table t (a)");
    crash_while_writing("pragma wal_autocheckpoint = 0; insert into t values (5)");
    AUTO_FREE_MEMORY char *token = take_token(PATH);
    assert_null(strstr(token, "wal=empty")); /* the insert is there, the rest is not */
    const Selection all = {0};
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    Snapshot snapshot = {0};
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    expect_ok(source_describe(source, &all, &catalog, &findings, &err), &err);
    assert_string_equal(snapshot.token, token);
    AUTO_FREE(reader_free) Reader *reader = NULL;
    expect_ok(source_open_reader(source, &reader, &err), &err);
    int64_t seen = 0;
    read_integer(reader, &catalog, &seen);
    assert_int_equal(seen, 5);
    snapshot_release(&snapshot);
}

static void a_wal_in_a_directory_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); /* root may write everywhere */
    Error err = {0};
    assert_true(mkdir("closed", 0700) == 0 || access("closed", F_OK) == 0);
    set_database("closed/w.db", WAL);
    set_sql("closed/w.db", "create table t (a)");
    assert_int_equal(chmod("closed", 0500), 0);
    AUTO_FREE(source_free) Source *source = open_source_of("closed/w.db");
    Snapshot snapshot = {0};
    Status status = source_hold(source, NULL, 1, &snapshot, &err);
    assert_int_equal(chmod("closed", 0700), 0);
    assert_int_equal(status, STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.hint, "directory"));
}

static void the_source_file_is_never_written(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODE_COUNT; mode++) {
        set_database(PATH, modes[mode]);
        set_sql(PATH, "create table t (a); insert into t values (1)");
        struct stat before;
        struct stat after;
        assert_int_equal(stat(PATH, &before), 0);
        expect_readers_agree();
        assert_int_equal(stat(PATH, &after), 0);
        assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
        assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim));
        assert_int_equal(before.st_size, after.st_size);
    }
}

static void identity_is_that_of_the_file_behind_a_link(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a)");
    (void)unlink("link.db"); /* from an earlier run */
    assert_int_equal(symlink(PATH, "link.db"), 0);
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    AUTO_FREE(source_free) Source *linked = open_source_of("link.db");
    AUTO_FREE(source_free) Source *missing = open_source_of("missing.db");
    AUTO_FREE_MEMORY char *one = NULL;
    AUTO_FREE_MEMORY char *two = NULL;
    AUTO_FREE_MEMORY char *none = NULL;
    expect_ok(source_identity(source, &one, &err), &err);
    expect_ok(source_identity(linked, &two, &err), &err);
    assert_string_equal(one, two);
    assert_int_equal(source_identity(missing, &none, &err), STATUS_INVALID);
}

/* ---- the catalog ---- */

static const Table *expect_table(const Catalog *catalog, const char *name, KeyKind key,
                                 size_t field_count)
{
    Error err = {0};
    const Table *table = catalog_find_table(catalog, NULL, name);
    if (!table)
        fail_msg("no table \"%s\"", name);
    AUTO_LAYOUT Layout layout = {0};
    expect_ok(layout_read(table, &layout, &err), &err);
    if (table->key != key || layout.field_count != field_count)
        fail_msg("table \"%s\": key %d, %zu fields", name, (int)table->key, layout.field_count);
    return table;
}

static void keys_and_fields_follow_the_layout_rule(void **state)
{
    (void)state;
    set_database(
        PATH,
        "create table plain (a, b);"
        "create table alias (a, id integer primary key, b);"
        "create table descending (id integer primary key desc, a);"
        "create table number (id int primary key, a);"
        "create table composite (a, b, primary key (a, b));"
        "create table counted (id integer primary key autoincrement, a);"
        "create table bare (b text, a text, c, primary key (a collate nocase desc, b)) without "
        "rowid;"
        "create table strict_one (a integer, b any) strict;"
        "create table made (a, b as (a + 1), c as (a + 2) stored, d);"
        "create table taken (rowid, a);"
        "create table taken2 (RowId, oid, a);"
        "create table taken3 (rowid, oid, _rowid_);"
        "create table taken4 (rowid text, oid integer primary key, _rowid_);"
        "create table twice (a text, b, primary key (a, a collate nocase)) without rowid;");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &catalog, &findings);
    assert_int_equal(findings_count(&findings, FINDING_REFUSAL), 0);
    expect_table(&catalog, "plain", KEY_HIDDEN, 3);
    expect_table(&catalog, "alias", KEY_COLUMNS, 3);
    expect_table(&catalog, "descending", KEY_HIDDEN, 3);
    expect_table(&catalog, "number", KEY_HIDDEN, 3);
    expect_table(&catalog, "composite", KEY_HIDDEN, 3);
    expect_table(&catalog, "strict_one", KEY_HIDDEN, 3);
    const Table *made = expect_table(&catalog, "made", KEY_HIDDEN, 3);
    assert_true(made->columns[1].is_generated);
    assert_true(made->columns[2].is_generated);
    expect_table(&catalog, "taken3", KEY_NONE, 3);
    expect_table(&catalog, "taken4", KEY_COLUMNS, 3);
    expect_table(&catalog, "twice", KEY_NONE, 2);

    Error err = {0};
    AUTO_LAYOUT Layout layout = {0};
    expect_ok(layout_read(expect_table(&catalog, "bare", KEY_COLUMNS, 3), &layout, &err), &err);
    assert_true(layout.is_without_rowid);
    assert_int_equal(layout.key_count, 2);
    assert_int_equal(layout.key[0].field, 1);
    assert_true(layout.key[0].is_descending);
    assert_string_equal(layout.key[0].collation, "nocase");
    assert_null(layout.key[1].collation);
    assert_int_equal(layout.key[1].field, 0);
    assert_false(layout.key[1].is_descending);
    layout_release(&layout);
    expect_ok(layout_read(expect_table(&catalog, "counted", KEY_COLUMNS, 2), &layout, &err), &err);
    assert_true(layout.is_autoincrement);
    assert_true(layout.key_is_rowid);
    layout_release(&layout);
    expect_ok(layout_read(expect_table(&catalog, "taken", KEY_HIDDEN, 3), &layout, &err), &err);
    assert_string_equal(layout.rowid_name, "oid");
    layout_release(&layout);
    expect_ok(layout_read(expect_table(&catalog, "taken2", KEY_HIDDEN, 4), &layout, &err), &err);
    assert_string_equal(layout.rowid_name, "_rowid_");
    layout_release(&layout);
    expect_ok(layout_read(expect_table(&catalog, "strict_one", KEY_HIDDEN, 3), &layout, &err),
              &err);
    assert_true(layout.is_strict);
}

static void objects_come_in_an_order_in_which_they_can_be_made(void **state)
{
    (void)state;
    set_database(PATH, "create table t (id integer primary key autoincrement, a unique, b);"
                       "create table Other (x);"
                       "create view second as select * from t;"
                       "create view first as select * from second;"
                       "create trigger on_t after insert on T begin delete from Other; end;"
                       "create trigger on_view instead of insert on first begin select 1; end;"
                       "create index i_b on t (b) where b > 1;"
                       "create unique index \"i \"\" x\" on Other (x + 1);"
                       "insert into t (a, b) values (1, 2), (3, 4);"
                       "insert into t (id, a) values (900, 9); delete from t where id = 900;"
                       "pragma user_version = 42; pragma application_id = 77; analyze;");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &catalog, &findings);
    assert_int_equal(findings_count(&findings, FINDING_REFUSAL), 0);
    static const ObjectKind kinds[] = {OBJECT_INDEX,    OBJECT_INDEX,     OBJECT_VIEW,
                                       OBJECT_VIEW,     OBJECT_TRIGGER,   OBJECT_TRIGGER,
                                       OBJECT_SETTING,  OBJECT_SETTING,   OBJECT_SETTING,
                                       OBJECT_SEQUENCE, OBJECT_STATISTICS};
    assert_int_equal(catalog.object_count, sizeof(kinds) / sizeof(*kinds));
    for (size_t i = 0; i < catalog.object_count; i++) {
        assert_int_equal(catalog.objects[i].kind, kinds[i]);
        assert_int_equal(catalog.objects[i].id, i + 1);
    }
    const Table *t = catalog_find_table(&catalog, NULL, "t");
    assert_string_equal(catalog.objects[2].name, "second");
    assert_int_equal(find_object(&catalog, OBJECT_TRIGGER, "on_t")->table_id, t->id);
    assert_int_equal(find_object(&catalog, OBJECT_TRIGGER, "on_view")->table_id, 0);
    assert_int_equal(find_object(&catalog, OBJECT_INDEX, "i_b")->table_id, t->id);
    assert_non_null(find_object(&catalog, OBJECT_INDEX, "i \" x"));
    assert_string_equal(find_object(&catalog, OBJECT_SEQUENCE, "t")->definition, "900");
    assert_string_equal(find_object(&catalog, OBJECT_SETTING, "user_version")->definition, "42");
    assert_string_equal(find_object(&catalog, OBJECT_SETTING, "application_id")->definition, "77");
    assert_string_equal(find_object(&catalog, OBJECT_SETTING, "encoding")->definition, "UTF-8");
    const Object *statistics = find_object(&catalog, OBJECT_STATISTICS, "t");
    assert_non_null(strstr(statistics->definition, "\"index\":\"sqlite_autoindex_t_1\""));
}

static void ids_follow_names_and_not_the_order_of_making(void **state)
{
    (void)state;
    set_database(PATH, "create table b (x); create table \"été\" (x); create table A (x);"
                       "create table \"x\"\"y\" (\"a b\", \"[br]\"); create table \"select\" (x);"
                       "create table \" \" (\"\" , x)");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &catalog, &findings);
    static const char *const names[] = {" ", "A", "b", "select", "x\"y", "été"};
    assert_int_equal(catalog.table_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(catalog.tables[i].name, names[i]);
}

static void virtual_tables_are_refused_and_go_with_their_shadows(void **state)
{
    (void)state;
    set_database(PATH, "create virtual table docs using fts5 (body); create table plain (a);"
                       "create table docs_mine (a)");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &catalog, &findings);
    const Finding *refusal = find_finding(&findings, FINDING_REFUSAL, "table docs");
    assert_non_null(refusal);
    assert_non_null(strstr(refusal->remedy, "--exclude-table"));
    assert_int_equal(findings_count(&findings, FINDING_REFUSAL), 1);

    AUTO_CATALOG Catalog rest = {0};
    AUTO_FINDINGS Findings notes = {0};
    Selection without = {0};
    text_list_add(&without.exclude, "docs");
    describe(&without, &rest, &notes);
    selection_release(&without);
    assert_int_equal(findings_count(&notes, FINDING_REFUSAL), 0);
    assert_int_equal(rest.table_count, 2);

    AUTO_CATALOG Catalog none = {0};
    AUTO_FINDINGS Findings refusals = {0};
    Selection shadow = {0};
    text_list_add(&shadow.include, "docs_content");
    describe(&shadow, &none, &refusals);
    selection_release(&shadow);
    assert_non_null(find_finding(&refusals, FINDING_REFUSAL, "table docs_content"));
    assert_int_equal(none.table_count, 0);
}

static void control_characters_in_names_are_refused(void **state)
{
    (void)state;
    set_database(PATH, "create table \"a\x01z\" (x); create table b (\"c\nd\");"
                       "create index \"i\tj\" on b (\"c\nd\")");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &catalog, &findings);
    assert_int_equal(findings_count(&findings, FINDING_REFUSAL), 3);
}

static void what_only_another_program_understands_is_refused(void **state)
{
    (void)state;
    set_database(PATH, "create table t (a); create table u (a); create index i on t (a);"
                       "pragma writable_schema = on;"
                       "update sqlite_schema set sql = 'CREATE INDEX i on t (a collate klingon)'"
                       " where name = 'i';");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &catalog, &findings);
    assert_non_null(find_finding(&findings, FINDING_REFUSAL, "index i"));
    assert_int_equal(findings_count(&findings, FINDING_REFUSAL), 1);
}

static void our_own_tables_stay_out_only_where_we_have_been(void **state)
{
    (void)state;
    static const char tables[] = "create table t (a); create table t_retired_00ff00 (a);";
    set_database(PATH, tables);
    AUTO_CATALOG Catalog user = {0};
    AUTO_FINDINGS Findings nothing = {0};
    describe(NULL, &user, &nothing);
    assert_int_equal(user.table_count, 2);

    set_database(PATH, tables);
    set_sql(PATH, "create table stopover_run (a); create table stopover_chunk (a)");
    AUTO_CATALOG Catalog target = {0};
    AUTO_FINDINGS Findings notes = {0};
    describe(NULL, &target, &notes);
    assert_int_equal(target.table_count, 1);
    assert_non_null(find_finding(&notes, FINDING_NOTE, "table t_retired_00ff00"));
    assert_non_null(find_finding(&notes, FINDING_NOTE, "table stopover_run"));
}

static void a_selection_says_what_it_leaves_behind(void **state)
{
    (void)state;
    set_database(PATH, "create table parent (id integer primary key);"
                       "create table child (p references parent);"
                       "create table other (a); create index i on other (a);"
                       "create view v as select * from child;"
                       "create trigger g after insert on child begin select 1; end;");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    Selection selection = {0};
    text_list_add(&selection.include, "ch*");
    describe(&selection, &catalog, &findings);
    selection_release(&selection);
    assert_int_equal(catalog.table_count, 1);
    assert_null(find_object(&catalog, OBJECT_INDEX, "i"));
    assert_null(find_object(&catalog, OBJECT_VIEW, "v"));
    assert_null(find_object(&catalog, OBJECT_SETTING, "user_version"));
    assert_non_null(find_object(&catalog, OBJECT_TRIGGER, "g"));
    assert_non_null(
        strstr(find_finding(&findings, FINDING_NOTE, "table child")->message, "\"parent\""));
    assert_non_null(find_finding(&findings, FINDING_NOTE, "view v"));
    assert_non_null(find_finding(&findings, FINDING_NOTE, "trigger g"));
}

static void an_unknown_pattern_is_a_usage_error(void **state)
{
    (void)state;
    Error err = {0};
    set_database(PATH, "create table t (a)");
    AUTO_FREE(source_free) Source *source = open_source_of(PATH);
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    Selection selection = {0};
    text_list_add(&selection.include, "nothing*");
    Status status = source_describe(source, &selection, &catalog, &findings, &err);
    selection_release(&selection);
    assert_int_equal(status, STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_USAGE);
}

static void the_fingerprint_follows_the_structure_only(void **state)
{
    (void)state;
    set_database(PATH, "create table t (id integer primary key autoincrement, a)");
    AUTO_CATALOG Catalog before = {0};
    AUTO_CATALOG Catalog data = {0};
    AUTO_CATALOG Catalog structure = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &before, &findings);
    set_sql(PATH, "insert into t (a) values (1); pragma user_version = 3; analyze");
    describe(NULL, &data, &findings);
    assert_string_equal(before.fingerprint, data.fingerprint);
    set_sql(PATH, "alter table t add column b");
    describe(NULL, &structure, &findings);
    assert_string_not_equal(before.fingerprint, structure.fingerprint);
}

static void a_broken_view_is_a_warning(void **state)
{
    (void)state;
    set_database(PATH, "create view v as select * from missing; create view w as select 1");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &catalog, &findings);
    assert_non_null(find_finding(&findings, FINDING_WARNING, "view v"));
    assert_int_equal(findings_count(&findings, FINDING_WARNING), 1);
    assert_non_null(find_object(&catalog, OBJECT_VIEW, "v"));
}

static void the_journal_mode_is_told_where_writers_must_wait(void **state)
{
    (void)state;
    set_database(PATH, "create table t (a)");
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FINDINGS Findings findings = {0};
    describe(NULL, &catalog, &findings);
    assert_int_equal(findings_count(&findings, FINDING_NOTE), 1);
    assert_non_null(strstr(findings.items[0].remedy, "journal_mode = wal"));
    set_sql(PATH, WAL);
    AUTO_CATALOG Catalog again = {0};
    AUTO_FINDINGS Findings nothing = {0};
    describe(NULL, &again, &nothing);
    assert_int_equal(nothing.count, 0);
}

static void words_that_name_no_file_are_usage_errors(void **state)
{
    (void)state;
    Error err = {0};
    Source *source = NULL;
    AUTO_FREE(uri_free) Uri *uri = NULL;
    expect_ok(uri_parse("sqlite::memory:", &uri, &err), &err);
    assert_int_equal(sqlite_open_source(uri, &source, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_null(source);
}

#ifdef FAULT_POINTS
static void a_fault_while_holding_leaves_nothing_held(void **state)
{
    (void)state;
    static const FaultMode fault_modes[] = {FAULT_FAIL, FAULT_LOSE};
    set_database(PATH, "create table t (a)");
    for (size_t i = 0; i < 2; i++) {
        unsigned fired = 0;
        for (unsigned nth = 1;; nth++) {
            Error err = {0};
            AUTO_FREE(source_free) Source *source = open_source_of(PATH);
            Snapshot snapshot = {0};
            fault_arm(fault_modes[i], nth, NULL);
            Status status = source_hold(source, NULL, 2, &snapshot, &err);
            bool has_fired = fault_fired();
            fault_arm(FAULT_NONE, 0, NULL);
            assert_int_equal(status, has_fired ? STATUS_RETRY : STATUS_OK);
            if (status < 0) { /* the same call again */
                assert_null(snapshot.token);
                expect_ok(source_hold(source, NULL, 2, &snapshot, &err), &err);
            }
            snapshot_release(&snapshot);
            if (!has_fired)
                break;
            fired++;
        }
        assert_true(fired > 0);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_commit_changes_the_token),
        cmocka_unit_test(reading_does_not_change_the_token),
        cmocka_unit_test(an_idle_wal_keeps_its_token_while_others_have_it_open),
        cmocka_unit_test(two_commits_in_one_clock_tick_have_two_tokens),
        cmocka_unit_test(a_commit_shows_in_more_than_time_stamps),
        cmocka_unit_test(where_only_the_time_stamp_tells_it_is_old_enough_to_tell),
        cmocka_unit_test(a_file_put_in_its_place_changes_the_token),
        cmocka_unit_test(all_readers_see_one_state_whatever_a_writer_does),
        cmocka_unit_test(every_reader_takes_its_own_connection),
        cmocka_unit_test(the_token_of_a_hold_is_that_of_what_its_readers_see),
        cmocka_unit_test(a_source_locked_by_another_program_is_tried_again),
        cmocka_unit_test(a_hot_journal_is_refused_with_the_way_out),
        cmocka_unit_test(a_wal_left_by_a_crash_is_read),
        cmocka_unit_test(a_wal_in_a_directory_that_cannot_be_written_is_refused),
        cmocka_unit_test(the_source_file_is_never_written),
        cmocka_unit_test(identity_is_that_of_the_file_behind_a_link),
        cmocka_unit_test(keys_and_fields_follow_the_layout_rule),
        cmocka_unit_test(objects_come_in_an_order_in_which_they_can_be_made),
        cmocka_unit_test(ids_follow_names_and_not_the_order_of_making),
        cmocka_unit_test(virtual_tables_are_refused_and_go_with_their_shadows),
        cmocka_unit_test(control_characters_in_names_are_refused),
        cmocka_unit_test(what_only_another_program_understands_is_refused),
        cmocka_unit_test(our_own_tables_stay_out_only_where_we_have_been),
        cmocka_unit_test(a_selection_says_what_it_leaves_behind),
        cmocka_unit_test(an_unknown_pattern_is_a_usage_error),
        cmocka_unit_test(the_fingerprint_follows_the_structure_only),
        cmocka_unit_test(a_broken_view_is_a_warning),
        cmocka_unit_test(the_journal_mode_is_told_where_writers_must_wait),
        cmocka_unit_test(words_that_name_no_file_are_usage_errors),
#ifdef FAULT_POINTS
        cmocka_unit_test(a_fault_while_holding_leaves_nothing_held),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
