#include "tests/unit/journal_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/internal.h"

static char *journal_path(const char *directory)
{
    return xasprintf("%s/journal.db", directory);
}

static void expect_refused(const char *directory, const char *words)
{
    static const JournalMode modes[] = {JOURNAL_READ, JOURNAL_WRITE};
    AUTO_FREE_MEMORY char *path = journal_path(directory);

    for (size_t i = 0; i < 2; i++) {
        AUTO_FREE(journal_free) Journal *journal = NULL;
        Error err = {0};

        expect_failure(journal_open(directory, modes[i], &journal, &err), ERROR_REFUSED);
        expect_words(err.message, words);
        expect_words(err.message, path);
        assert_true(strlen(err.hint) > 0);
        assert_null(journal);
    }
}

static void run_sql(const char *directory, const char *sql)
{
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void set_journal(const char *directory)
{
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    expect_ok(create_journal(directory, &journal, &err));
}

static void a_missing_journal_is_not_found(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_failure(journal_open(directory, JOURNAL_READ, &journal, &err), ERROR_NOT_FOUND);
    expect_failure(journal_open(directory, JOURNAL_WRITE, &journal, &err), ERROR_NOT_FOUND);
    expect_failure(journal_open("/nowhere", JOURNAL_WRITE, &journal, &err), ERROR_NOT_FOUND);
    remove_directory(directory);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    AUTO_TEXT Text before = {0};
    AUTO_TEXT Text after = {0};
    Error err = {0};

    (void)state;
    for (int i = 0; i < 500; i++)
        text_append(&before, "no database ");
    expect_ok(file_replace(path, before.data, before.size, &err));
    expect_refused(directory, "is not a journal of stopover");
    expect_ok(file_read(path, 1 << 20, &after, &err));
    assert_string_equal(after.data, before.data);
    remove_directory(directory);
}

static void the_database_of_another_program_is_refused_and_left_alone(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    AUTO_TEXT Text before = {0};
    AUTO_TEXT Text after = {0};
    Error err = {0};

    (void)state;
    run_sql(directory, "create table orders(id integer); insert into orders values (1)");
    expect_ok(file_read(path, 1 << 20, &before, &err));
    expect_refused(directory, "another program");
    expect_ok(file_read(path, 1 << 20, &after, &err));
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    remove_directory(directory);
}

static void an_empty_file_is_a_damaged_journal_not_a_new_one(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    Error err = {0};

    (void)state;
    expect_ok(file_replace(path, "", 0, &err));
    expect_refused(directory, "is damaged");
    remove_directory(directory);
}

static void a_directory_in_its_place_is_refused(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    Error err = {0};

    (void)state;
    expect_ok(directory_create(path, &err));
    expect_refused(directory, "is not a file");
    remove_directory(directory);
}

static void a_newer_journal_is_refused(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *sql = xasprintf("pragma user_version = %d", journal_version() + 1);

    (void)state;
    set_journal(directory);
    run_sql(directory, sql);
    expect_refused(directory, "has version");
    remove_directory(directory);
}

/* Overwrites every page but the first. */
static void damage_pages(const char *directory)
{
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    char rubbish[4096];
    struct stat found;
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    memset(rubbish, 0xa5, sizeof(rubbish));
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &found), 0);
    assert_true(found.st_size > 8192);
    for (off_t at = sizeof(rubbish); at < found.st_size; at += (off_t)sizeof(rubbish))
        assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), at), sizeof(rubbish));
    assert_int_equal(close(fd), 0);
}

static void a_damaged_journal_is_refused(void **state)
{
    char *directory = make_directory();

    (void)state;
    set_journal(directory);
    damage_pages(directory);
    expect_refused(directory, "is damaged");
    remove_directory(directory);
}

static void a_journal_cut_short_is_refused(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = journal_path(directory);

    (void)state;
    set_journal(directory);
    assert_int_equal(truncate(path, 4096L * 3 + 100), 0);
    expect_refused(directory, "is damaged");
    remove_directory(directory);
}

static void a_journal_whose_record_breaks_an_invariant_is_refused(void **state)
{
    static const char *const damages[] = {
        "update migration set phase = 'staged'",
        "delete from migration",
        "pragma ignore_check_constraints = on; update migration set phase = 'somewhere'",
        "pragma ignore_check_constraints = on; update migration set finished = 1",
        "update migration set name = hex(zeroblob(40))",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        char *directory = make_directory();

        set_journal(directory);
        run_sql(directory, damages[i]);
        expect_refused(directory, "is damaged");
        remove_directory(directory);
    }
}

static void a_journal_that_is_there_is_not_created_again(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    set_journal(directory);
    expect_failure(create_journal(directory, &journal, &err), ERROR_REFUSED);
    assert_null(journal);
    remove_directory(directory);
}

/* The log of a journal that was moved away must not be replayed onto the new one. */
static void logs_left_behind_do_not_reach_a_new_journal(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    AUTO_FREE_MEMORY char *log = xasprintf("%s-wal", path);
    AUTO_TEXT Text content = {0};
    Journal *journal = NULL;
    AUTO_FREE(journal_free) Journal *fresh = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(journal_set_phase(journal, PHASE_PREPARED, "in the log", &err));
    expect_ok(file_read(log, 1 << 24, &content, &err));
    journal_free(journal);
    assert_true(content.size > 0);
    expect_ok(journal_remove(directory, &err));
    expect_ok(file_replace(log, content.data, content.size, &err));
    expect_ok(create_journal(directory, &fresh, &err));
    assert_int_equal(journal_record(fresh)->phase, PHASE_INITIAL);
    remove_directory(directory);
}

static void a_removed_journal_leaves_nothing_behind(void **state)
{
    char *directory = make_directory();
    AUTO_TEXT_LIST TextList entries = {0};
    Error err = {0};

    (void)state;
    set_journal(directory);
    expect_ok(journal_remove(directory, &err));
    expect_ok(journal_remove(directory, &err));
    expect_ok(directory_list(directory, &entries, &err));
    assert_int_equal(entries.count, 0);
    remove_directory(directory);
}

static void a_journal_is_private_durable_and_in_write_ahead_mode(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Query query = {0};
    struct stat found;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    expect_ok(query_prepare(journal,
                            "select journal_mode, synchronous from pragma_journal_mode,"
                            " pragma_synchronous",
                            "test", &query, &err));
    assert_int_equal(query_step(&query, &err), STATUS_OK);
    assert_string_equal(column_text(&query, 0), "wal");
    assert_int_equal(column_integer(&query, 1), 2); /* full */
    query_release(&query);
    remove_directory(directory);
}

static void a_reader_sees_what_a_writer_commits_meanwhile(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *writer = NULL;
    AUTO_FREE(journal_free) Journal *reader = NULL;
    AUTO_PLAN Plan plan = make_plan(3, 2);
    AUTO_PLAN Plan read = {0};
    JournalProgress progress = {0};
    Recorder *recorder = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &writer, &err));
    recorder = journal_recorder(writer);
    expect_ok(journal_open(directory, JOURNAL_READ, &reader, &err));
    expect_ok(recorder_begin(recorder, &err));
    finish_chunk(&plan.chunks[0]);
    expect_ok(recorder_chunk_done(recorder, &plan.chunks[0], &err));
    expect_ok(journal_progress(reader, &progress, &err));
    assert_int_equal(progress.chunks_done, 0);
    expect_ok(recorder_end(recorder, &err));
    expect_ok(journal_progress(reader, &progress, &err));
    assert_int_equal(progress.chunks_done, 1);
    expect_ok(journal_set_epoch(writer, 9, &err));
    assert_int_equal(journal_record(reader)->identity.epoch, 0);
    expect_ok(journal_refresh(reader, &err));
    assert_int_equal(journal_record(reader)->identity.epoch, 9);
    expect_ok(journal_load_plan(reader, &read, &err));
    assert_int_equal(read.chunk_count, 6);
    remove_directory(directory);
}

/* In a child without root's rights, to which the directory is read-only. */
static void read_as_nobody(const char *directory)
{
    Journal *journal = NULL;
    Error err = {0};

    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(3);
    if (access(directory, W_OK) == 0)
        _exit(4);
    if (journal_open(directory, JOURNAL_WRITE, &journal, &err) >= 0)
        _exit(5);
    if (journal_open(directory, JOURNAL_READ, &journal, &err) < 0) {
        (void)dprintf(2, "%s\n", err.message);
        _exit(6);
    }
    _exit(journal_record(journal)->phase == PHASE_PREPARED ? 0 : 7);
}

static void expect_readable_by_nobody(const char *directory)
{
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    pid_t child = 0;
    int outcome = 0;

    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(directory, 0555), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        read_as_nobody(directory);
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(chmod(directory, 0755), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(outcome, 0);
}

static void a_journal_can_be_read_in_a_directory_that_cannot_be_written(void **state)
{
    char *directory = make_directory();
    Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(journal_set_phase(journal, PHASE_PREPARED, "ready", &err));
    journal_free(journal);
    expect_readable_by_nobody(directory);
    remove_directory(directory);
}

/* As a killed run leaves it, on a medium that became read-only: the log must not be overlooked. */
static void what_stands_only_in_the_log_is_read_there_too(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char *directory = make_directory();
    char *copy = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(journal_set_phase(journal, PHASE_PREPARED, "ready", &err));
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        AUTO_FREE_MEMORY char *from = xasprintf("%s/journal.db%s", directory, suffixes[i]);
        AUTO_FREE_MEMORY char *to = xasprintf("%s/journal.db%s", copy, suffixes[i]);
        AUTO_TEXT Text content = {0};

        expect_ok(file_read(from, 1 << 24, &content, &err));
        expect_ok(file_replace(to, content.data, content.size, &err));
        assert_int_equal(chmod(to, 0444), 0);
    }
    expect_readable_by_nobody(copy);
    remove_directory(copy);
    remove_directory(directory);
}

static void a_held_journal_is_worth_another_try(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = journal_path(directory);
    AUTO_FREE(journal_free) Journal *journal = NULL;
    sqlite3 *other = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    assert_int_equal(sqlite3_busy_timeout(journal->db, 1), SQLITE_OK);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(journal_set_epoch(journal, 1, &err), STATUS_RETRY);
    assert_int_equal(err.kind, ERROR_WAITING);
    expect_words(err.message, path);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    expect_ok(journal_set_epoch(journal, 1, &err));
    remove_directory(directory);
}

static void a_full_disk_waits_and_loses_nothing(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(200, 20);
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(journal_set_phase(journal, PHASE_PREPARED, "ready", &err));
    expect_ok(journal_execute(journal, "pragma max_page_count = 40", "test", &err));
    assert_int_equal(journal_save_plan(journal, &plan, "token", 1, &err), STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    expect_words(err.hint, "Free space on the disk of");
    assert_false(journal_has_plan(journal));
    expect_ok(journal_execute(journal, "pragma max_page_count = 100000", "test", &err));
    expect_ok(journal_save_plan(journal, &plan, "token", 1, &err));
    assert_true(journal_has_plan(journal));
    remove_directory(directory);
}

static void upgrades_run_the_missing_steps_and_no_others(void **state)
{
    static const UpgradeStep newer[] = {
        {1, "create table never(x)"},
        {2, "alter table migration add column mood text not null default 'calm'"},
        {3, "update migration set mood = 'bright'"},
    };
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Query query = {0};
    int version = 0;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(transaction_begin(journal, &err));
    expect_ok(transaction_end(journal, "test", journal_upgrade(journal, newer, 3, &err), &err));
    expect_ok(journal_read_version(journal, &version, &err));
    assert_int_equal(version, 3);
    expect_ok(query_prepare(journal,
                            "select mood, (select count(*) from sqlite_schema"
                            " where name = 'never') from migration",
                            "test", &query, &err));
    assert_int_equal(query_step(&query, &err), STATUS_OK);
    assert_string_equal(column_text(&query, 0), "bright");
    assert_int_equal(column_integer(&query, 1), 0);
    query_release(&query);
    journal_free(TAKE(journal));
    expect_refused(directory, "has version 3");
    remove_directory(directory);
}

static void an_upgrade_that_fails_changes_nothing(void **state)
{
    static const UpgradeStep newer[] = {
        {2, "alter table migration add column mood text"},
        {3, "update migration set nothing = 1"},
    };
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    int version = 0;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(transaction_begin(journal, &err));
    expect_failure(transaction_end(journal, "test", journal_upgrade(journal, newer, 2, &err), &err),
                   ERROR_FAILED);
    expect_words(err.message, "upgrade");
    expect_ok(journal_read_version(journal, &version, &err));
    assert_int_equal(version, journal_version());
    journal_free(TAKE(journal));
    expect_ok(journal_open(directory, JOURNAL_WRITE, &journal, &err));
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_journal_is_not_found),
        cmocka_unit_test(a_file_that_is_no_database_is_refused),
        cmocka_unit_test(the_database_of_another_program_is_refused_and_left_alone),
        cmocka_unit_test(an_empty_file_is_a_damaged_journal_not_a_new_one),
        cmocka_unit_test(a_directory_in_its_place_is_refused),
        cmocka_unit_test(a_newer_journal_is_refused),
        cmocka_unit_test(a_damaged_journal_is_refused),
        cmocka_unit_test(a_journal_cut_short_is_refused),
        cmocka_unit_test(a_journal_whose_record_breaks_an_invariant_is_refused),
        cmocka_unit_test(a_journal_that_is_there_is_not_created_again),
        cmocka_unit_test(logs_left_behind_do_not_reach_a_new_journal),
        cmocka_unit_test(a_removed_journal_leaves_nothing_behind),
        cmocka_unit_test(a_journal_is_private_durable_and_in_write_ahead_mode),
        cmocka_unit_test(a_reader_sees_what_a_writer_commits_meanwhile),
        cmocka_unit_test(a_journal_can_be_read_in_a_directory_that_cannot_be_written),
        cmocka_unit_test(what_stands_only_in_the_log_is_read_there_too),
        cmocka_unit_test(a_held_journal_is_worth_another_try),
        cmocka_unit_test(a_full_disk_waits_and_loses_nothing),
        cmocka_unit_test(upgrades_run_the_missing_steps_and_no_others),
        cmocka_unit_test(an_upgrade_that_fails_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
