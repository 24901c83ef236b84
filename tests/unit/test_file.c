/* Files: old or new but never half, whatever fails; locks that die with their process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fault.h"
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

static void expect_content(const char *path, const char *expected)
{
    AUTO_TEXT Text text = {0};
    Error err = {0};

    assert_int_equal(file_read(path, 1024 * 1024, &text, &err), STATUS_OK);
    assert_string_equal(text_string(&text), expected);
}

static void put(const char *path, const char *content)
{
    Error err = {0};

    assert_int_equal(file_replace(path, content, strlen(content), &err), STATUS_OK);
}

static void replaces_the_whole_content(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    AUTO_FREE_MEMORY char *temporary = path_in(*state, "file.new");
    struct stat found;

    put(path, "a longer first content");
    put(path, "short");
    expect_content(path, "short");
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_false(file_exists(temporary));
    put(path, "");
    expect_content(path, "");
}

static void uses_up_what_a_killed_process_left(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    AUTO_FREE_MEMORY char *temporary = path_in(*state, "file.new");

    put(temporary, "half of something long");
    put(path, "whole");
    expect_content(path, "whole");
    assert_false(file_exists(temporary));
}

static void replacing_does_not_follow_a_link_at_the_temporary_name(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    AUTO_FREE_MEMORY char *temporary = path_in(*state, "file.new");
    AUTO_FREE_MEMORY char *other = path_in(*state, "other");
    Error err = {0};

    put(other, "not ours");
    assert_int_equal(symlink(other, temporary), 0);
    assert_int_equal(file_replace(path, "x", 1, &err), STATUS_FAILED);
    expect_content(other, "not ours");
}

#ifdef FAULT_POINTS
#define STEPS 4 /* write, fsync, rename, fsync of the directory */

static void any_fault_leaves_the_old_or_the_new_content(void **state)
{
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_FATAL, FAULT_LOSE};
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        unsigned nth = 0;

        do {
            AUTO_TEXT Text text = {0};
            Error err = {0};
            Status status = STATUS_OK;

            fault_arm(FAULT_NONE, 0, NULL);
            put(path, "old");
            fault_arm(modes[i], ++nth, NULL);
            status = file_replace(path, "new", 3, &err);
            assert_int_equal(status < 0, fault_fired());
            assert_int_equal(file_read(path, 16, &text, &err), STATUS_OK);
            if (status == STATUS_OK || strcmp(text_string(&text), "old") != 0)
                assert_string_equal(text_string(&text), "new");
        } while (fault_fired());
        assert_int_equal(nth, STEPS + 1);
    }
}

static const char *killed_path;
static unsigned killed_at;

static void replace_and_be_killed(void)
{
    Error err = {0};

    fault_arm(FAULT_KILL, killed_at, NULL);
    (void)file_replace(killed_path, "new", 3, &err);
}

static void a_kill_leaves_the_old_or_the_new_content(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    unsigned new_count = 0;

    killed_path = path;
    for (killed_at = 1; killed_at <= 2 * STEPS; killed_at++) {
        AUTO_TEXT Text text = {0};
        Error err = {0};

        put(path, "old");
        assert_int_equal(exit_code_of(replace_and_be_killed), 137);
        assert_int_equal(file_read(path, 16, &text, &err), STATUS_OK);
        if (strcmp(text_string(&text), "new") == 0)
            new_count++;
        else
            assert_string_equal(text_string(&text), "old");
    }
    assert_int_equal(exit_code_of(replace_and_be_killed), 0);
    assert_int_equal(new_count, 3); /* after the rename, before and after the last fsync */
}
#endif

static void two_writers_take_turns(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    AUTO_FREE_MEMORY char *mine = xmalloc(200000);
    AUTO_TEXT Text text = {0};
    Error err = {0};
    pid_t child = fork();
    int status = 1;

    assert_true(child >= 0);
    memset(mine, child == 0 ? 'c' : 'p', 200000);
    for (int i = 0; i < 30; i++)
        if (file_replace(path, mine, 200000, &err) != STATUS_OK) {
            if (child == 0)
                _exit(1);
            fail_msg("%s", err.message);
        }
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(file_read(path, 200000, &text, &err), STATUS_OK);
    assert_int_equal(text.size, 200000);
    for (size_t i = 1; i < text.size; i++)
        assert_int_equal(text.data[i], text.data[0]);
}

static void reading_respects_its_limit_and_empties_first(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "file");
    AUTO_TEXT Text text = {0};
    Error err = {0};

    put(path, "12345");
    text_append(&text, "before");
    assert_int_equal(file_read(path, 4, &text, &err), STATUS_INVALID);
    assert_string_equal(text_string(&text), "before");
    assert_int_equal(file_read(path, 5, &text, &err), STATUS_OK);
    assert_string_equal(text_string(&text), "12345");
}

static void a_missing_file_is_not_found(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "none");
    AUTO_TEXT Text text = {0};
    Error err = {0};

    assert_int_equal(file_read(path, 5, &text, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_false(file_exists(path));
    assert_int_equal(file_read(*state, 5, &text, &err), STATUS_FAILED); /* a directory */
}

static void a_full_disk_waits_for_space(void **state)
{
    Error err = {0};
    (void)state;

    assert_int_equal(file_error(&err, ENOSPC, "write", "x"), STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_string_equal(err.message, "could not write \"x\": No space left on device");
    assert_string_equal(err.hint, "Free space there and run the same command again.");
    assert_int_equal(file_error(&err, EDQUOT, "write", "x"), STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_int_equal(file_error(&err, EACCES, "write", "x"), STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_int_equal(file_error(&err, 99999, "write", "x"), STATUS_FAILED);
    assert_string_equal(err.message, "could not write \"x\": error 99999");
}

static void directories_are_made_with_their_parents(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "a//b/c/");
    AUTO_FREE_MEMORY char *middle = path_in(*state, "a/b");
    AUTO_FREE_MEMORY char *file = path_in(*state, "a/b/c/file");
    AUTO_FREE_MEMORY char *below_file = path_in(*state, "a/b/c/file/d");
    struct stat found;
    Error err = {0};

    assert_int_equal(directory_create(path, &err), STATUS_OK);
    assert_int_equal(directory_create(path, &err), STATUS_OK);
    assert_int_equal(stat(middle, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    put(file, "x");
    assert_int_equal(directory_create(file, &err), STATUS_FAILED);
    assert_int_equal(directory_create(below_file, &err), STATUS_FAILED);
    assert_int_equal(directory_create("", &err), STATUS_FAILED);
    assert_int_equal(directory_create("/", &err), STATUS_OK);
}

static void lists_names_in_order(void **state)
{
    static const char *const names[] = {"b", ".hidden", "a", "B"};
    AUTO_FREE_MEMORY char *missing = path_in(*state, "none");
    AUTO_TEXT_LIST TextList list = {0};
    Error err = {0};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        AUTO_FREE_MEMORY char *path = path_in(*state, names[i]);

        put(path, "");
    }
    assert_int_equal(directory_list(*state, &list, &err), STATUS_OK);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.items[0], ".hidden");
    assert_string_equal(list.items[1], "B");
    assert_string_equal(list.items[2], "a");
    assert_string_equal(list.items[3], "b");
    assert_int_equal(directory_list(missing, &list, &err), STATUS_OK);
    assert_int_equal(list.count, 0);
}

static void removing_never_follows_a_link(void **state)
{
    AUTO_FREE_MEMORY char *tree = path_in(*state, "tree");
    AUTO_FREE_MEMORY char *deep = path_in(*state, "tree/a/b");
    AUTO_FREE_MEMORY char *file = path_in(*state, "tree/a/file");
    AUTO_FREE_MEMORY char *link = path_in(*state, "tree/a/link");
    AUTO_FREE_MEMORY char *other = path_in(*state, "other");
    AUTO_FREE_MEMORY char *kept = path_in(*state, "other/kept");
    AUTO_FREE_MEMORY char *root_link = path_in(*state, "root_link");
    Error err = {0};

    assert_int_equal(directory_create(deep, &err), STATUS_OK);
    assert_int_equal(directory_create(other, &err), STATUS_OK);
    put(file, "x");
    put(kept, "kept");
    assert_int_equal(symlink(other, link), 0);
    assert_int_equal(symlink(other, root_link), 0);
    assert_int_equal(directory_remove(tree, &err), STATUS_OK);
    assert_false(file_exists(tree));
    assert_int_equal(directory_remove(root_link, &err), STATUS_FAILED);
    expect_content(kept, "kept");
    assert_int_equal(directory_remove(tree, &err), STATUS_OK); /* already done */
    assert_int_equal(directory_remove(kept, &err), STATUS_FAILED);
}

/* The other process of the lock tests: the kernel never tells a process about its own locks. */
static const char *lock_path;
static pid_t lock_owner;

static void expect_locked_by_owner(void)
{
    FileLock *lock = NULL;
    pid_t holder = 0;
    pid_t asked = 0;
    Error err = {0};

    if (file_lock_holder(lock_path, &asked, &err) != STATUS_OK || asked != lock_owner)
        _exit(1);
    if (file_lock(lock_path, &lock, &holder, &err) != STATUS_INVALID || lock != NULL)
        _exit(2);
    if (holder != lock_owner || err.kind != ERROR_LOCKED)
        _exit(3);
    if (file_lock(lock_path, &lock, NULL, &err) != STATUS_INVALID)
        _exit(4);
}

static void take_the_lock(void)
{
    FileLock *lock = NULL;
    Error err = {0};

    _exit(file_lock(lock_path, &lock, NULL, &err) == STATUS_OK ? 0 : 1); /* dies holding it */
}

static void a_lock_keeps_others_out_and_names_its_holder(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "lock");
    FileLock *lock = NULL;
    Error err = {0};

    lock_path = path;
    lock_owner = getpid();
    assert_int_equal(file_lock(path, &lock, NULL, &err), STATUS_OK);
    assert_int_equal(exit_code_of(expect_locked_by_owner), 0);
    file_lock_free(lock);
    assert_true(file_exists(path));
    assert_int_equal(exit_code_of(take_the_lock), 0);
    file_lock_free(NULL);
}

static void a_lock_dies_with_its_process(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "lock");
    AUTO_FREE(file_lock_free) FileLock *lock = NULL;
    pid_t holder = 5;
    Error err = {0};

    assert_int_equal(file_lock_holder(path, &holder, &err), STATUS_OK); /* no file yet */
    assert_int_equal(holder, 0);
    assert_false(file_exists(path));
    lock_path = path;
    assert_int_equal(exit_code_of(take_the_lock), 0);
    holder = 5;
    assert_int_equal(file_lock_holder(path, &holder, &err), STATUS_OK);
    assert_int_equal(holder, 0);
    assert_int_equal(file_lock(path, &lock, NULL, &err), STATUS_OK);
}

#define FOLDER_TEST(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(replaces_the_whole_content),
        FOLDER_TEST(uses_up_what_a_killed_process_left),
        FOLDER_TEST(replacing_does_not_follow_a_link_at_the_temporary_name),
#ifdef FAULT_POINTS
        FOLDER_TEST(any_fault_leaves_the_old_or_the_new_content),
        FOLDER_TEST(a_kill_leaves_the_old_or_the_new_content),
#endif
        FOLDER_TEST(two_writers_take_turns),
        FOLDER_TEST(reading_respects_its_limit_and_empties_first),
        FOLDER_TEST(a_missing_file_is_not_found),
        FOLDER_TEST(a_full_disk_waits_for_space),
        FOLDER_TEST(directories_are_made_with_their_parents),
        FOLDER_TEST(lists_names_in_order),
        FOLDER_TEST(removing_never_follows_a_link),
        FOLDER_TEST(a_lock_keeps_others_out_and_names_its_holder),
        FOLDER_TEST(a_lock_dies_with_its_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
