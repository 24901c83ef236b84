#include "tests/unit/repository_fixture.h"

#include <pthread.h>
#include <sys/stat.h>

#include "engine/base/clock.h"

#define NOT_OURS "{\"format\": 1, \"something\": \"else\"}"

/* ---- the place ---- */

static void a_repository_is_made_once_and_opened_again(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE(repository_free) Repository *again = NULL;
    AUTO_FREE(repository_free) Repository *created = NULL;
    struct stat place;
    Error err = {0};

    (void)state;
    set_world(&world);
    assert_int_equal(look(&world)->count, 0);
    expect_ok(repository_open(world.path, &again, &err));
    assert_string_equal(repository_id(again), repository_id(world.repository));
    expect_ok(repository_create(world.path, &created, &err));
    assert_string_equal(repository_id(created), repository_id(world.repository));
    assert_int_equal(stat(world.path, &place), 0);
    assert_int_equal(place.st_mode & 0777, 0700);
    assert_int_equal(repository_warnings(again)->count, 0);
}

static void others_who_may_read_are_warned_of(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE(repository_free) Repository *again = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    assert_int_equal(chmod(world.path, 0755), 0);
    expect_ok(repository_open(world.path, &again, &err));
    assert_int_equal(repository_warnings(again)->count, 1);
    expect_words(repository_warnings(again)->items[0], "chmod 700");
}

static void what_is_not_ours_is_neither_opened_nor_made_one(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *missing = xasprintf("%s/missing", directory);
    AUTO_FREE(repository_free) Repository *repository = NULL;
    Error err = {0};

    (void)state;
    expect_failure(repository_open(missing, &repository, &err), ERROR_NOT_FOUND);
    set_file(directory, "photo.jpg", "x");
    expect_failure(repository_open(directory, &repository, &err), ERROR_NOT_FOUND);
    expect_failure(repository_create(directory, &repository, &err), ERROR_REFUSED);
    set_file(directory, "repo.json", NOT_OURS);
    expect_failure(repository_open(directory, &repository, &err), ERROR_REFUSED);
    expect_failure(repository_create(directory, &repository, &err), ERROR_REFUSED);
    set_file(directory, "repo.json",
             "{\"format\": 2, \"id\": \"00112233445566778899aabbccddeeff\"}");
    expect_failure(repository_open(directory, &repository, &err), ERROR_REFUSED);
    expect_words(err.message, "newer");
    set_file(directory, "repo.json", "{");
    assert_true(repository_open(directory, &repository, &err) < 0);
    assert_null(repository);
    remove_directory(directory);
}

static void a_creation_that_was_cut_off_is_made_again(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(repository_free) Repository *repository = NULL;
    Error err = {0};

    (void)state;
    set_file(directory, "repo.lock", "");
    set_file(directory, "repo.json.new", "{");
    expect_ok(repository_create(directory, &repository, &err));
    remove_directory(directory);
}

/* ---- making ---- */

static void a_backup_is_listed_with_what_its_manifest_says(void **state)
{
    AUTO_WORLD World world;
    const Backup *backup = NULL;

    (void)state;
    set_world(&world);
    set_backup(&world, "first", NOW_US);
    backup = find(&world, "first");
    assert_int_equal(backup->state, STATE_COMPLETE);
    assert_true(backup->is_renamed);
    assert_string_equal(backup->label, "20261120T143105Z-0001-first");
    assert_int_equal(backup->sequence, 1);
    assert_int_equal(backup->started_us, NOW_US);
    assert_int_equal(backup->completed_us, NOW_US + MINUTE);
    assert_string_equal(backup->series, "sqlite:shop");
    assert_string_equal(backup->scope, "shop: 2 files");
    assert_int_equal(backup->kind, BACKUP_FILES);
    assert_null(backup->problem);
    assert_false(backup->is_read);
    assert_int_equal(backup->verification.quick_us, 0);
    assert_int_equal(world.unknown.count, 0);
}

static void its_files_can_only_be_read_afterwards(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE_MEMORY char *path = NULL;
    struct stat file;

    (void)state;
    set_world(&world);
    set_backup(&world, "first", NOW_US);
    path = xasprintf("%s/manifest.json", find(&world, "first")->directory);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0400);
}

static void the_order_is_that_of_completion_whatever_the_names(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE(backup_work_free) BackupWork *slow = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    expect_ok(sample_begin(world.repository,
                           &(SampleBackup){.name = "a-slow", .started_us = NOW_US}, &slow, &err));
    set_backup(&world, "z-first", NOW_US + MINUTE);
    set_backup(&world, "b-second", NOW_US + 2 * MINUTE);
    expect_ok(sample_write_manifest(slow, NOW_US + HOUR, &err));
    expect_ok(backup_commit(world.repository, slow, WAIT_MS, &err));
    assert_string_equal(look(&world)->items[0].name, "z-first");
    assert_string_equal(look(&world)->items[1].name, "b-second");
    assert_string_equal(look(&world)->items[2].name, "a-slow");
    assert_string_equal(find(&world, "latest")->name, "a-slow");
}

static void names_are_made_or_given_and_never_twice(void **state)
{
    AUTO_WORLD World world;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    expect_failure(sample_backup(world.repository,
                                 &(SampleBackup){.name = "mine", .started_us = NOW_US + HOUR},
                                 &err),
                   ERROR_REFUSED);
    expect_failure(sample_backup(world.repository,
                                 &(SampleBackup){.name = "a b", .started_us = NOW_US + HOUR}, &err),
                   ERROR_USAGE);
    set_backup(&world, NULL, NOW_US + HOUR);
    expect_ok(sample_backup(world.repository, &(SampleBackup){.started_us = NOW_US + HOUR + MINUTE},
                            &err));
    expect_ok(sample_backup(world.repository, &(SampleBackup){.started_us = NOW_US + HOUR + MINUTE},
                            &err));
    (void)find(&world, "shop_20261120T153105Z");
    (void)find(&world, "shop_20261120T153205Z");
    (void)find(&world, "shop_20261120T153205Z-2");
    assert_int_equal(find(&world, "20261120T153205Z-0004-shop")->sequence, 4);
}

static void a_clock_that_went_back_is_refused(void **state)
{
    AUTO_WORLD World world;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "first", NOW_US);
    expect_failure(sample_backup(world.repository,
                                 &(SampleBackup){.name = "second", .started_us = NOW_US}, &err),
                   ERROR_REFUSED);
    expect_words(err.message, "clock");
    assert_int_equal(look(&world)->count, 1);
}

typedef struct Holder {
    Repository *repository;
    int64_t released_us;
} Holder;

static void *give_back_soon(void *argument)
{
    Holder *holder = argument;

    (void)usleep(50000);
    holder->released_us = clock_wall_us();
    repository_unlock(holder->repository);
    return NULL;
}

static void the_clock_is_read_when_its_turn_has_come(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE(repository_free) Repository *other = NULL;
    AUTO_FREE(backup_work_free) BackupWork *work = NULL;
    Holder holder = {0};
    pthread_t thread;
    Error err = {0};

    (void)state;
    set_world(&world);
    expect_ok(repository_open(world.path, &other, &err));
    expect_ok(repository_lock(other, SHARE_WRITE, WAIT_MS, &err));
    holder.repository = other;
    assert_int_equal(pthread_create(&thread, NULL, give_back_soon, &holder), 0);
    expect_ok(sample_begin(world.repository, &(SampleBackup){.name = "mine"}, &work, &err));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(backup_work_intent(work)->started_us >= holder.released_us);
}

static void sequences_are_not_used_again_while_their_backup_is_in_the_trash(void **state)
{
    AUTO_WORLD World world;
    NeededList needed = {0};
    uint64_t bytes = 0;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "first", NOW_US);
    expect_ok(repository_lock(world.repository, SHARE_WRITE, WAIT_MS, &err));
    expect_ok(backup_trash(world.repository, find(&world, "first"), &needed, NOW_US + HOUR, &bytes,
                           &err));
    repository_unlock(world.repository);
    set_backup(&world, "second", NOW_US + HOUR);
    assert_int_equal(find(&world, "second")->sequence, 2);
}

/* ---- what was cut off ---- */

static void what_was_cut_off_is_shown_and_gone_on_with(void **state)
{
    AUTO_WORLD World world;
    BackupWork *work = NULL;
    const Backup *backup = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    expect_ok(sample_begin(world.repository, &(SampleBackup){.name = "mine", .started_us = NOW_US},
                           &work, &err));
    backup = find(&world, "mine");
    assert_int_equal(backup->state, STATE_RUNNING);
    expect_failure(backup_resume(world.repository, "mine", WAIT_MS, &work, &err), ERROR_LOCKED);
    backup_work_free(TAKE(work));
    backup = find(&world, "latest-failed");
    assert_int_equal(backup->state, STATE_INCOMPLETE);
    assert_true(backup->is_resumable);
    assert_string_equal(backup->series, "sqlite:shop");
    assert_true(backup->stored_bytes > 0);
    expect_ok(backup_resume(world.repository, "mine", WAIT_MS, &work, &err));
    assert_int_equal(json_get_integer(backup_work_intent(work)->options, "answer", 0), 42);
    expect_ok(sample_write_manifest(work, NOW_US + HOUR, &err));
    expect_ok(backup_commit(world.repository, work, WAIT_MS, &err));
    backup_work_free(TAKE(work));
    assert_int_equal(find(&world, "latest")->state, STATE_COMPLETE);
    expect_failure(backup_resume(world.repository, "mine", WAIT_MS, &work, &err), ERROR_REFUSED);
}

static void damage_and_strangers_are_shown_as_such(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE_MEMORY char *stranger = NULL;
    AUTO_FREE_MEMORY char *copy = NULL;
    AUTO_FREE_MEMORY char *original = NULL;
    const Backup *found = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "first", NOW_US);
    set_backup(&world, "second", NOW_US + HOUR);
    set_backup(&world, "third", NOW_US + 2 * HOUR);
    set_file(find(&world, "first")->directory, "manifest.json", "{}");
    original = xstrdup(find(&world, "second")->directory);
    copy = xasprintf("%s/20261120T180000Z-0009-copy", repository_backups(world.repository));
    assert_int_equal(rename(original, copy), 0);
    stranger = xasprintf("%s/lost+found", repository_backups(world.repository));
    expect_ok(directory_create(stranger, &err));
    assert_int_equal(look(&world)->count, 3);
    expect_ok(backup_list_find(&world.list, "first", &found, &err));
    assert_int_equal(found->state, STATE_DAMAGED);
    assert_non_null(found->problem);
    expect_ok(backup_list_find(&world.list, "20261120T180000Z-0009-copy", &found, &err));
    assert_int_equal(found->state, STATE_DAMAGED);
    expect_words(found->problem, "20261120T153105Z-0002-second");
    expect_ok(backup_list_find(&world.list, "latest-failed", &found, &err));
    assert_int_equal(found->state, STATE_DAMAGED);
    expect_ok(backup_list_find(&world.list, "latest", &found, &err));
    assert_string_equal(found->name, "third");
    assert_int_equal(world.unknown.count, 1);
    assert_string_equal(world.unknown.items[0], "lost+found");
}

/* Somebody has carried one back by hand while the other was still there. */
static void two_directories_of_one_label_are_two_backups(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE_MEMORY char *partial = NULL;
    AUTO_FREE_MEMORY char *final = NULL;
    NeededList needed = {0};
    const Backup *found = NULL;
    uint64_t bytes = 0;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    final = xstrdup(find(&world, "mine")->directory);
    partial = xasprintf("%s.partial", final);
    expect_ok(directory_create(partial, &err));
    set_file(partial, "intent.json", "{}");
    assert_int_equal(look(&world)->count, 2);
    expect_failure(backup_list_find(&world.list, "20261120T143105Z-0001-mine", &found, &err),
                   ERROR_USAGE);
    expect_ok(backup_list_find(&world.list, "20261120T143105Z-0001-mine.partial", &found, &err));
    assert_string_equal(found->directory, partial);
    expect_ok(repository_lock(world.repository, SHARE_WRITE, WAIT_MS, &err));
    expect_ok(backup_trash(world.repository, found, &needed, NOW_US, &bytes, &err));
    repository_unlock(world.repository);
    assert_true(file_exists(final));
    assert_false(file_exists(partial));
}

static void who_asks_for_one_that_is_not_there_is_told_which_are(void **state)
{
    AUTO_WORLD World world;
    const Backup *found = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    expect_failure(backup_list_find(look(&world), "latest", &found, &err), ERROR_NOT_FOUND);
    set_backup(&world, "mine", NOW_US);
    expect_failure(backup_list_find(look(&world), "other", &found, &err), ERROR_NOT_FOUND);
    expect_words(err.hint, "mine");
    expect_failure(backup_list_find(look(&world), "latest-failed", &found, &err), ERROR_NOT_FOUND);
    assert_null(found);
}

/* ---- crashes ---- */

#ifdef FAULT_POINTS

/* Making a backup, as a process would that may be killed anywhere. */
static Status make_one(const char *path)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    Error err = {0};

    TRY(repository_create(path, &repository, &err));
    return sample_backup(
        repository,
        &(SampleBackup){
            .name = "mine", .migration = "move", .started_us = NOW_US, .took_us = MINUTE},
        &err);
}

/* Whatever happened, the next command finds a repository in order: no backup, one that is cut off
 * and can be gone on with, or one that is complete. */
static void expect_order(const char *path, bool may_be_missing)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_TEXT_LIST TextList unknown = {0};
    AUTO_TEXT_LIST TextList names = {0};
    Error err = {0};

    if (repository_open(path, &repository, &err) < 0) {
        assert_true(may_be_missing);
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
        return;
    }
    expect_ok(repository_list(repository, &list, &unknown, &err));
    assert_int_equal(unknown.count, 0);
    assert_true(list.count <= 1);
    if (list.count == 1) {
        assert_true(list.items[0].state == STATE_COMPLETE || list.items[0].is_resumable);
        assert_string_equal(list.items[0].name, "mine");
        assert_int_equal(list.items[0].pins.count, 1);
    }
    expect_ok(repository_lock(repository, SHARE_WRITE, WAIT_MS, &err));
    repository_unlock(repository);
    expect_ok(directory_list(repository_backups(repository), &names, &err));
    assert_int_equal(names.count, list.count); /* beginnings that were cut off are gone */
}

static Status go_on(const char *path)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_FREE(backup_work_free) BackupWork *work = NULL;
    Error err = {0};

    if (repository_create(path, &repository, &err) >= 0 &&
        backup_resume(repository, "mine", WAIT_MS, &work, &err) < 0) {
        if (err.kind == ERROR_NOT_FOUND)
            return make_one(path);
        return err.kind == ERROR_REFUSED ? STATUS_OK : STATUS_FAILED; /* it is complete */
    }
    TRY(sample_write_manifest(work, NOW_US + HOUR, &err));
    return backup_commit(repository, work, WAIT_MS, &err);
}

static void expect_made_whole(FaultMode mode)
{
    for (unsigned nth = 1;; nth++) {
        char *directory = make_directory();
        AUTO_FREE_MEMORY char *path = xasprintf("%s/repository", directory);
        AUTO_FREE(repository_free) Repository *repository = NULL;
        AUTO_BACKUP_LIST BackupList list = {0};
        int code = run_armed(path, make_one, mode, nth);
        Error err = {0};

        expect_order(path, true);
        assert_int_equal(go_on(path), STATUS_OK);
        expect_order(path, false);
        expect_ok(repository_open(path, &repository, &err));
        expect_ok(repository_list(repository, &list, NULL, &err));
        assert_int_equal(list.count, 1);
        assert_int_equal(list.items[0].state, STATE_COMPLETE);
        assert_true(list.items[0].is_renamed);
        remove_directory(directory);
        if (code == -1) {
            assert_true(nth > 20);
            return;
        }
    }
}

static void a_backup_is_whole_after_any_crash_and_another_run(void **state)
{
    (void)state;
    expect_made_whole(FAULT_KILL);
    expect_made_whole(FAULT_FAIL);
    expect_made_whole(FAULT_LOSE);
}

static Status remove_one(const char *path)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_TEXT_LIST TextList left = {0};
    NeededList needed = {0};
    const Backup *found = NULL;
    uint64_t bytes = 0;
    Status status = STATUS_OK;
    Error err = {0};

    TRY(repository_open(path, &repository, &err));
    TRY(repository_lock(repository, SHARE_WRITE, WAIT_MS, &err));
    status = repository_list(repository, &list, NULL, &err);
    if (status >= 0 && backup_list_find(&list, "mine", &found, &err) >= 0)
        status = backup_trash(repository, found, &needed, NOW_US + HOUR, &bytes, &err);
    repository_unlock(repository);
    TRY(status);
    return trash_empty(repository, true, NOW_US + HOUR, WAIT_MS, &bytes, &left, &err);
}

/* Either where it was, or in the trash, whole; the other one is never touched. */
static void expect_removed_wholly(FaultMode mode)
{
    for (unsigned nth = 1;; nth++) {
        AUTO_WORLD World world;
        AUTO_TRASH_LIST TrashList trash = {0};
        Error err = {0};
        int code = 0;

        set_world(&world);
        set_backup(&world, "mine", NOW_US);
        set_backup(&world, "other", NOW_US + 2 * MINUTE);
        code = run_armed(world.path, remove_one, mode, nth);
        if (look(&world)->count == 2)
            assert_int_equal(find(&world, "mine")->state, STATE_COMPLETE);
        assert_int_equal(remove_one(world.path), STATUS_OK);
        assert_int_equal(look(&world)->count, 1);
        assert_int_equal(find(&world, "other")->state, STATE_COMPLETE);
        expect_ok(trash_list(world.repository, &trash, &err));
        assert_int_equal(trash.count, 0);
        if (code == -1) {
            assert_true(nth > 5);
            return;
        }
    }
}

static void a_removal_goes_on_after_any_crash(void **state)
{
    (void)state;
    expect_removed_wholly(FAULT_KILL);
    expect_removed_wholly(FAULT_FAIL);
    expect_removed_wholly(FAULT_LOSE);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repository_is_made_once_and_opened_again),
        cmocka_unit_test(others_who_may_read_are_warned_of),
        cmocka_unit_test(what_is_not_ours_is_neither_opened_nor_made_one),
        cmocka_unit_test(a_creation_that_was_cut_off_is_made_again),
        cmocka_unit_test(a_backup_is_listed_with_what_its_manifest_says),
        cmocka_unit_test(its_files_can_only_be_read_afterwards),
        cmocka_unit_test(the_order_is_that_of_completion_whatever_the_names),
        cmocka_unit_test(names_are_made_or_given_and_never_twice),
        cmocka_unit_test(a_clock_that_went_back_is_refused),
        cmocka_unit_test(the_clock_is_read_when_its_turn_has_come),
        cmocka_unit_test(sequences_are_not_used_again_while_their_backup_is_in_the_trash),
        cmocka_unit_test(what_was_cut_off_is_shown_and_gone_on_with),
        cmocka_unit_test(damage_and_strangers_are_shown_as_such),
        cmocka_unit_test(two_directories_of_one_label_are_two_backups),
        cmocka_unit_test(who_asks_for_one_that_is_not_there_is_told_which_are),
#ifdef FAULT_POINTS
        cmocka_unit_test(a_backup_is_whole_after_any_crash_and_another_run),
        cmocka_unit_test(a_removal_goes_on_after_any_crash),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
