/* Files that grow: whole under their name or not there, whatever fails on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "engine/base/fault.h"
#include "engine/base/new_file.h"
#include "tests/support/capture.h"

static int enter_folder(void **state)
{
    *state = make_folder();
    return 0;
}

static int leave_folder(void **state)
{
#ifdef FAULT_POINTS
    fault_arm(FAULT_NONE, 0, NULL);
#endif
    remove_folder(*state);
    return 0;
}

static NewFile *create(const char *path)
{
    NewFile *file = NULL;
    Error err = {0};

    assert_int_equal(new_file_create(path, &file, &err), STATUS_OK);
    return file;
}

static void append(NewFile *file, const char *content)
{
    Error err = {0};

    assert_int_equal(new_file_append(file, content, strlen(content), &err), STATUS_OK);
}

static void expect_published(NewFile *file, const char *expected)
{
    AUTO_TEXT Text content = {0};
    char hash[SHA256_HEX_SIZE];
    char expected_hash[SHA256_HEX_SIZE];
    Error err = {0};

    assert_int_equal(new_file_size(file), strlen(expected));
    assert_int_equal(new_file_publish(file, hash, &err), STATUS_OK);
    assert_int_equal(file_read(new_file_path(file), 1 << 20, &content, &err), STATUS_OK);
    assert_string_equal(text_string(&content), expected);
    sha256_hex(expected, strlen(expected), expected_hash);
    assert_string_equal(hash, expected_hash);
    new_file_free(file);
}

static void it_has_its_name_only_when_it_is_whole(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    AUTO_FREE_MEMORY char *temporary = path_in(*state, "file.tmp");
    NewFile *file = create(path);
    struct stat found;
    Error err = {0};

    append(file, "one ");
    append(file, "");
    assert_int_equal(new_file_sync(file, &err), STATUS_OK);
    append(file, "two");
    assert_false(file_exists(path));
    expect_published(file, "one two");
    assert_false(file_exists(temporary));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

static void what_was_not_kept_can_be_taken_back(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    NewFile *file = create(path);
    Error err = {0};

    append(file, "lost");
    assert_int_equal(new_file_back(file, &err), STATUS_OK);
    append(file, "one ");
    new_file_keep(file);
    append(file, "a longer text that goes");
    assert_int_equal(new_file_back(file, &err), STATUS_OK);
    assert_int_equal(new_file_back(file, &err), STATUS_OK);
    append(file, "two");
    expect_published(file, "one two");
}

static void what_a_crash_left_is_gone_on_with(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    NewFile *file = create(path);
    Error err = {0};

    append(file, "one torn");
    new_file_free(file);
    assert_int_equal(new_file_reopen(path, 4, &file, &err), STATUS_OK);
    append(file, "two");
    expect_published(file, "one two");
}

static void what_is_too_short_or_no_file_is_not_gone_on_with(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    AUTO_FREE_MEMORY char *temporary = path_in(*state, "file.tmp");
    AUTO_FREE_MEMORY char *other = path_in(*state, "other");
    NewFile *file = create(path);
    Error err = {0};

    append(file, "one");
    new_file_free(file);
    assert_int_equal(new_file_reopen(path, 4, &file, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
    assert_int_equal(rename(temporary, other), 0);
    assert_int_equal(symlink(other, temporary), 0);
    assert_true(new_file_reopen(path, 1, &file, &err) < 0);
    assert_int_equal(unlink(temporary), 0);
    assert_int_equal(mkfifo(temporary, 0600), 0);
    assert_int_equal(new_file_reopen(path, 0, &file, &err), STATUS_INVALID);
}

static void nothing_is_written_over(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    NewFile *file = create(path);
    NewFile *other = NULL;
    Error err = {0};

    append(file, "one");
    assert_int_equal(new_file_create(path, &other, &err), STATUS_FAILED);
    expect_published(file, "one");
    assert_int_equal(new_file_discard(path, &err), STATUS_OK);
    assert_true(file_exists(path));
}

/* The disk has no room for the last write: half of it is taken. RLIMIT_FSIZE plays the disk. */
static void a_write_that_half_succeeds_is_taken_back(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    AUTO_FREE_MEMORY char *much = xcalloc(1, 200000);
    NewFile *file = create(path);
    struct rlimit before;
    struct rlimit limit;
    Error err = {0};

    memset(much, 'x', 199999);
    append(file, "one ");
    new_file_keep(file);
    assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(new_file_append(file, much, 199999, &err), STATUS_FAILED);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(new_file_back(file, &err), STATUS_OK);
    append(file, "two");
    expect_published(file, "one two");
}

#ifdef FAULT_POINTS
static void nothing_goes_on_after_a_failed_flush(void **state)
{
    static const char *const points[] = {"new_file.fsync", "directory.fsync", "new_file.rename"};
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        NewFile *file = create(path);
        Error err = {0};

        append(file, "one");
        fault_arm(FAULT_FAIL, 1, points[i]);
        assert_true((i < 2 ? new_file_sync(file, &err) : new_file_publish(file, NULL, &err)) < 0);
        fault_arm(FAULT_NONE, 0, NULL);
        assert_int_equal(new_file_back(file, &err), STATUS_FATAL);
        new_file_free(file);
        assert_int_equal(new_file_discard(path, &err), STATUS_OK);
    }
}

static Status write_file(const char *path, Error *err)
{
    AUTO_FREE(new_file_free) NewFile *file = NULL;

    TRY(new_file_discard(path, err));
    TRY(new_file_create(path, &file, err));
    TRY(new_file_append(file, "new ", 4, err));
    TRY(new_file_sync(file, err));
    new_file_keep(file);
    TRY(new_file_append(file, "gone", 4, err));
    TRY(new_file_back(file, err));
    TRY(new_file_append(file, "content", 7, err));
    return new_file_publish(file, NULL, err);
}

static void expect_old_or_new(const char *path, bool is_done)
{
    AUTO_TEXT Text content = {0};
    Error err = {0};

    assert_int_equal(file_read(path, 100, &content, &err), STATUS_OK);
    if (is_done || strcmp(text_string(&content), "old") != 0)
        assert_string_equal(text_string(&content), "new content");
}

static void any_fault_leaves_the_old_or_the_new_content(void **state)
{
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_FATAL, FAULT_LOSE};
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        unsigned nth = 0;
        bool has_fired = false;

        do {
            Error err = {0};
            Status status = STATUS_OK;

            assert_int_equal(file_replace(path, "old", 3, &err), STATUS_OK);
            fault_arm(modes[i], ++nth, NULL);
            status = write_file(path, &err);
            has_fired = fault_fired();
            fault_arm(FAULT_NONE, 0, NULL);
            assert_int_equal(status < 0, has_fired);
            expect_old_or_new(path, !has_fired);
        } while (has_fired);
        assert_true(nth > 10);
    }
}

static const char *killed_path;
static unsigned killed_at;

static void write_and_be_killed(void)
{
    Error err = {0};

    fault_arm(FAULT_KILL, killed_at, NULL);
    (void)write_file(killed_path, &err);
}

static void a_kill_leaves_the_old_or_the_new_content(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    int code = 137;

    killed_path = path;
    for (killed_at = 1; code == 137; killed_at++) {
        Error err = {0};

        assert_int_equal(file_replace(path, "old", 3, &err), STATUS_OK);
        code = exit_code_of(write_and_be_killed);
        expect_old_or_new(path, code == 0);
    }
    assert_int_equal(code, 0);
    assert_true(killed_at > 20);
}
#endif

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(it_has_its_name_only_when_it_is_whole),
        FILE_TEST(what_was_not_kept_can_be_taken_back),
        FILE_TEST(what_a_crash_left_is_gone_on_with),
        FILE_TEST(what_is_too_short_or_no_file_is_not_gone_on_with),
        FILE_TEST(nothing_is_written_over),
        FILE_TEST(a_write_that_half_succeeds_is_taken_back),
#ifdef FAULT_POINTS
        FILE_TEST(nothing_goes_on_after_a_failed_flush),
        FILE_TEST(any_fault_leaves_the_old_or_the_new_content),
        FILE_TEST(a_kill_leaves_the_old_or_the_new_content),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
