/*
 * Pins, the trash and the way back; applied prunes against dry ones, through every crash.
 */
#include "tests/unit/repository_fixture.h"

#include "backup/hold.h"
#include "backup/prune_run.h"

static const NeededList nobody = {0};

static Status trash(World *world, const char *name, const NeededList *needed, int64_t now_us,
                    Error *err)
{
    uint64_t bytes = 0;
    Status status = STATUS_OK;

    TRY(repository_lock(world->repository, SHARE_WRITE, WAIT_MS, err));
    status = backup_trash(world->repository, find(world, name), needed, now_us, &bytes, err);
    repository_unlock(world->repository);
    assert_true(status < 0 || bytes > 0);
    return status;
}

static size_t count_trash(World *world)
{
    AUTO_TRASH_LIST TrashList list = {0};
    Error err = {0};

    expect_ok(trash_list(world->repository, &list, &err));
    return list.count;
}

/* ---- guards ---- */

static void what_people_pin_cannot_be_removed_until_it_is_unpinned(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE_MEMORY char *first = NULL;
    AUTO_FREE_MEMORY char *second = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    expect_ok(
        pin_add(find(&world, "mine")->directory, "before the audit", 0, NOW_US, &first, &err));
    expect_ok(pin_add(find(&world, "mine")->directory, NULL, NOW_US + HOUR, NOW_US, &second, &err));
    assert_string_equal(first, "user-1");
    assert_string_equal(second, "user-2");
    expect_failure(trash(&world, "mine", &nobody, NOW_US + DAY, &err), ERROR_REFUSED);
    expect_words(err.message, "before the audit");
    expect_ok(pin_remove(find(&world, "mine")->directory, first, &err));
    expect_failure(trash(&world, "mine", &nobody, NOW_US, &err), ERROR_REFUSED);
    expect_words(err.message, "user-2");
    expect_ok(trash(&world, "mine", &nobody, NOW_US + DAY, &err)); /* user-2 has expired */
    assert_int_equal(look(&world)->count, 0);
}

static void what_cannot_be_read_as_a_pin_holds_all_the_same(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE_MEMORY char *pins = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    pins = xasprintf("%s/pins", find(&world, "mine")->directory);
    expect_ok(directory_create(pins, &err));
    set_file(pins, "run-shop.json", "{\"format\": 1, \"migr");
    expect_failure(trash(&world, "mine", &nobody, NOW_US, &err), ERROR_REFUSED);
    expect_words(err.message, "cannot be read");
    /* It is the migration's all the same: `unpin` of what people have set leaves it. */
    assert_string_equal(find(&world, "mine")->pins.items[0].migration, "shop");
}

static void a_pin_of_a_migration_is_there_from_the_beginning_and_goes_with_its_end(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE(backup_work_free) BackupWork *work = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    expect_ok(sample_begin(
        world.repository,
        &(SampleBackup){.name = "mine", .migration = "move", .started_us = NOW_US}, &work, &err));
    assert_int_equal(find(&world, "mine")->pins.count, 1);
    expect_ok(sample_write_manifest(work, NOW_US, &err));
    expect_ok(backup_commit(world.repository, work, WAIT_MS, &err));
    backup_work_free(TAKE(work));
    expect_failure(trash(&world, "mine", &nobody, NOW_US, &err), ERROR_REFUSED);
    expect_words(err.message, "run:move");
    expect_ok(backup_release_run(world.repository, "other", WAIT_MS, &err));
    assert_int_equal(find(&world, "mine")->pins.count, 1);
    expect_ok(backup_release_run(world.repository, "move", WAIT_MS, &err));
    assert_int_equal(find(&world, "mine")->pins.count, 0);
    expect_ok(trash(&world, "mine", &nobody, NOW_US, &err));
}

static void what_a_migration_needs_by_its_journal_stays(void **state)
{
    AUTO_WORLD World world;
    AUTO_NEEDED_LIST NeededList needed = {0};
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    needed_list_add(&needed, "mine", "move");
    expect_failure(trash(&world, "mine", &needed, NOW_US, &err), ERROR_REFUSED);
    expect_words(err.message, "\"move\"");
}

static void what_is_being_read_or_made_is_not_removed(void **state)
{
    AUTO_WORLD World world;
    HeldBackup held = {0};
    AUTO_FREE(backup_work_free) BackupWork *work = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    expect_ok(backup_hold(world.repository, "mine", WAIT_MS, &held, &err));
    assert_true(find(&world, "mine")->is_read);
    expect_failure(trash(&world, "mine", &nobody, NOW_US, &err), ERROR_LOCKED);
    expect_words(err.message, "being read");
    held_backup_release(&held);
    expect_ok(sample_begin(world.repository,
                           &(SampleBackup){.name = "next", .started_us = NOW_US + HOUR}, &work,
                           &err));
    expect_failure(trash(&world, "next", &nobody, NOW_US, &err), ERROR_LOCKED);
    expect_words(err.message, "being made");
    expect_failure(backup_hold(world.repository, "next", WAIT_MS, &held, &err), ERROR_LOCKED);
    assert_int_equal(look(&world)->count, 2);
}

/* ---- trash ---- */

static void the_trash_gives_back_for_a_day(void **state)
{
    AUTO_WORLD World world;
    AUTO_BACKUP Backup back = {0};
    AUTO_TEXT_LIST TextList left = {0};
    uint64_t bytes = 0;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    expect_ok(trash(&world, "mine", &nobody, NOW_US + HOUR, &err));
    expect_ok(trash_empty(world.repository, false, NOW_US + DAY, WAIT_MS, &bytes, &left, &err));
    assert_int_equal(count_trash(&world), 1);
    assert_int_equal(bytes, 0);
    expect_failure(backup_undelete(world.repository, "other", &back, &err), ERROR_NOT_FOUND);
    expect_ok(backup_undelete(world.repository, "mine", &back, &err));
    assert_int_equal(back.state, STATE_COMPLETE);
    assert_int_equal(find(&world, "mine")->sequence, 1);
    expect_ok(trash(&world, "mine", &nobody, NOW_US + HOUR, &err));
    expect_ok(
        trash_empty(world.repository, false, NOW_US + HOUR + DAY, WAIT_MS, &bytes, &left, &err));
    assert_int_equal(count_trash(&world), 0);
    assert_true(bytes > 0);
    assert_int_equal(left.count, 0);
}

static void what_was_cut_off_comes_back_as_it_was(void **state)
{
    AUTO_WORLD World world;
    AUTO_BACKUP Backup back = {0};
    BackupWork *work = NULL;
    Error err = {0};

    (void)state;
    set_world(&world);
    expect_ok(sample_begin(world.repository, &(SampleBackup){.name = "cut", .started_us = NOW_US},
                           &work, &err));
    backup_work_free(TAKE(work));
    expect_ok(trash(&world, "latest-failed", &nobody, NOW_US + HOUR, &err));
    expect_ok(backup_undelete(world.repository, "cut", &back, &err));
    assert_true(back.is_resumable);
    expect_ok(backup_resume(world.repository, "cut", WAIT_MS, &work, &err));
    backup_work_free(work);
}

static void a_name_that_is_taken_again_is_not_brought_back(void **state)
{
    AUTO_WORLD World world;
    AUTO_BACKUP Backup back = {0};
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    expect_ok(trash(&world, "mine", &nobody, NOW_US + HOUR, &err));
    set_backup(&world, "mine", NOW_US + HOUR);
    expect_failure(backup_undelete(world.repository, "mine", &back, &err), ERROR_REFUSED);
    assert_int_equal(count_trash(&world), 1);
}

static void an_emptying_that_was_cut_off_goes_on(void **state)
{
    AUTO_WORLD World world;
    AUTO_BACKUP Backup back = {0};
    AUTO_TRASH_LIST TrashList list = {0};
    AUTO_TEXT_LIST TextList left = {0};
    AUTO_FREE_MEMORY char *emptying = NULL;
    AUTO_FREE_MEMORY char *manifest = NULL;
    uint64_t bytes = 0;
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    expect_ok(trash(&world, "mine", &nobody, NOW_US, &err));
    expect_ok(trash_list(world.repository, &list, &err));
    emptying = xasprintf("%s/.emptying-%s", repository_trash(world.repository),
                         strrchr(list.items[0].path, '/') + 1);
    assert_int_equal(rename(list.items[0].path, emptying), 0);
    manifest = xasprintf("%s/manifest.json", emptying);
    assert_int_equal(unlink(manifest), 0);
    expect_failure(backup_undelete(world.repository, "mine", &back, &err), ERROR_NOT_FOUND);
    expect_ok(trash_empty(world.repository, false, NOW_US, WAIT_MS, &bytes, &left, &err));
    assert_int_equal(count_trash(&world), 0);
}

static void strangers_in_the_trash_stay(void **state)
{
    AUTO_WORLD World world;
    AUTO_TEXT_LIST TextList left = {0};
    AUTO_FREE_MEMORY char *stranger = NULL;
    uint64_t bytes = 0;
    Error err = {0};

    (void)state;
    set_world(&world);
    stranger = xasprintf("%s/my letters@home", repository_trash(world.repository));
    expect_ok(directory_create(stranger, &err));
    expect_ok(trash_empty(world.repository, true, NOW_US, WAIT_MS, &bytes, &left, &err));
    assert_true(file_exists(stranger));
}

/* ---- pruning ---- */

static void set_history(World *world)
{
    AUTO_FREE_MEMORY char *token = NULL;
    BackupWork *work = NULL;
    Error err = {0};

    for (int i = 0; i < 6; i++) {
        AUTO_FREE_MEMORY char *name = xasprintf("b%d", i);
        SampleBackup sample = {
            .name = name, .series = i % 3 == 0 ? "other" : "shop", .started_us = NOW_US + i * DAY};

        expect_ok(sample_backup(world->repository, &sample, &err));
    }
    expect_ok(pin_add(find(world, "b1")->directory, "why not", 0, NOW_US, &token, &err));
    expect_ok(sample_begin(world->repository,
                           &(SampleBackup){.name = "cut", .started_us = NOW_US + 6 * DAY}, &work,
                           &err));
    backup_work_free(work);
}

static PruneRequest keep_one(bool apply)
{
    return (PruneRequest){.policy = {.keep_last = 1},
                          .needed = &nobody,
                          .apply = apply,
                          .now_us = NOW_US + 7 * DAY,
                          .lock_wait_ms = WAIT_MS};
}

static void expect_same_plan(const PrunePlan *one, const PrunePlan *other)
{
    assert_int_equal(one->count, other->count);
    for (size_t i = 0; i < one->count; i++) {
        assert_int_equal(one->series[i].count, other->series[i].count);
        for (size_t j = 0; j < one->series[i].count; j++) {
            assert_string_equal(one->series[i].items[j].backup->label,
                                other->series[i].items[j].backup->label);
            assert_int_equal(one->series[i].items[j].verdict, other->series[i].items[j].verdict);
        }
    }
}

static void a_dry_run_changes_nothing_and_is_what_is_applied(void **state)
{
    AUTO_WORLD World world;
    AUTO_PRUNE_RESULT PruneResult dry = {0};
    AUTO_PRUNE_RESULT PruneResult applied = {0};
    PruneRequest request = keep_one(false);
    Error err = {0};

    (void)state;
    set_world(&world);
    set_history(&world);
    expect_ok(prune_run(world.repository, &request, &dry, &err));
    assert_int_equal(look(&world)->count, 7);
    assert_int_equal(count_trash(&world), 0);
    request.apply = true;
    expect_ok(prune_run(world.repository, &request, &applied, &err));
    expect_same_plan(&dry.plan, &applied.plan);
    assert_int_equal(dry.moved, applied.moved);
    assert_true(applied.moved > 0);
    assert_true(applied.space_left > 0);
    assert_int_equal(look(&world)->count, 4); /* the newest of both, the pinned and the cut one */
    (void)find(&world, "b1");
    (void)find(&world, "b3");
    (void)find(&world, "b5");
    (void)find(&world, "cut");
    assert_int_equal(count_trash(&world), 3);
}

static void a_backup_without_all_its_files_is_not_what_others_go_for(void **state)
{
    AUTO_WORLD World world;
    AUTO_PRUNE_RESULT PruneResult result = {0};
    AUTO_FREE_MEMORY char *file = NULL;
    PruneRequest request = keep_one(true);
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "good", NOW_US);
    set_backup(&world, "newest", NOW_US + HOUR);
    file = xasprintf("%s/schema/README.txt", find(&world, "newest")->directory);
    assert_int_equal(unlink(file), 0);
    expect_ok(prune_run(world.repository, &request, &result, &err));
    assert_int_equal(look(&world)->count, 2);
    assert_int_equal(result.plan.series[0].items[0].verdict, PRUNE_KEEP);
}

static void a_series_that_would_be_emptied_is_refused_and_the_others_are_pruned(void **state)
{
    AUTO_WORLD World world;
    AUTO_PRUNE_RESULT PruneResult result = {0};
    PruneRequest request = keep_one(true);
    Error err = {0};

    (void)state;
    set_world(&world);
    set_history(&world);
    request.policy = (PrunePolicy){.keep_within_s = 3 * 86400}; /* "other": b0 and b3, both older */
    expect_failure(prune_run(world.repository, &request, &result, &err), ERROR_REFUSED);
    expect_words(err.message, "other");
    (void)find(&world, "b0");
    (void)find(&world, "b3");
    assert_int_equal(look(&world)->count, 5); /* b2 and b4 of "shop" are gone; b1 is pinned */
}

static void what_is_done_unasked_concerns_only_what_migrations_have_made(void **state)
{
    AUTO_WORLD World world;
    AUTO_PRUNE_RESULT PruneResult result = {0};
    PruneRequest request = retention_request("sqlite:shop");
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "by-hand", NOW_US);
    for (int i = 0; i < 5; i++) {
        AUTO_FREE_MEMORY char *name = xasprintf("m%d", i);
        SampleBackup sample = {
            .name = name, .migration = "move", .started_us = NOW_US + (i + 1) * HOUR};

        expect_ok(sample_backup(world.repository, &sample, &err));
        if (i != 0) /* the first one's migration is still open */
            expect_ok(pin_remove(find(&world, name)->directory, "run-move", &err));
    }
    set_backup(&world, "by-hand-too", NOW_US + DAY);
    request.needed = &nobody;
    request.now_us = NOW_US + 2 * DAY;
    request.lock_wait_ms = WAIT_MS;
    expect_ok(prune_run(world.repository, &request, &result, &err));
    assert_int_equal(look(&world)->count, 6); /* without m1 */
    (void)find(&world, "by-hand");
    (void)find(&world, "m0");
    (void)find(&world, "m2");
    assert_int_equal(result.plan.series[0].count, 5);
}

static void purging_needs_no_policy(void **state)
{
    AUTO_WORLD World world;
    AUTO_PRUNE_RESULT PruneResult result = {0};
    PruneRequest request = keep_one(true);
    Error err = {0};

    (void)state;
    set_world(&world);
    set_backup(&world, "mine", NOW_US);
    set_backup(&world, "other", NOW_US + HOUR);
    expect_ok(trash(&world, "mine", &nobody, NOW_US + 7 * DAY, &err));
    request.policy = (PrunePolicy){0};
    expect_failure(prune_run(world.repository, &request, &result, &err), ERROR_USAGE);
    request.purge = true;
    expect_ok(prune_run(world.repository, &request, &result, &err));
    assert_true(result.freed > 0);
    assert_int_equal(count_trash(&world), 0);
    assert_int_equal(look(&world)->count, 1);
}

#ifdef FAULT_POINTS
static Status prune_one(const char *path)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_PRUNE_RESULT PruneResult result = {0};
    PruneRequest request = keep_one(true);
    Error err = {0};

    request.purge = true;
    TRY(repository_open(path, &repository, &err));
    return prune_run(repository, &request, &result, &err);
}

/* Whatever is cut off, what must stay is there, whole; and another run does the rest. */
static void expect_pruned_after(FaultMode mode)
{
    for (unsigned nth = 1;; nth++) {
        AUTO_WORLD World world;
        int code = 0;

        set_world(&world);
        set_history(&world);
        code = run_armed(world.path, prune_one, mode, nth);
        (void)find(&world, "b1");
        assert_int_equal(find(&world, "b3")->state, STATE_COMPLETE);
        assert_int_equal(find(&world, "b5")->state, STATE_COMPLETE);
        assert_true(find(&world, "cut")->is_resumable);
        for (size_t i = 0; i < world.list.count; i++)
            assert_true(world.list.items[i].state != STATE_DAMAGED);
        assert_int_equal(prune_one(world.path), STATUS_OK);
        assert_int_equal(look(&world)->count, 4);
        assert_int_equal(count_trash(&world), 0);
        if (code == -1) {
            assert_true(nth > 15);
            return;
        }
    }
}

static void a_prune_goes_on_after_any_crash(void **state)
{
    (void)state;
    expect_pruned_after(FAULT_KILL);
    expect_pruned_after(FAULT_FAIL);
    expect_pruned_after(FAULT_LOSE);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_pin_cannot_be_removed_until_it_is_unpinned),
        cmocka_unit_test(what_cannot_be_read_as_a_pin_holds_all_the_same),
        cmocka_unit_test(a_pin_of_a_migration_is_there_from_the_beginning_and_goes_with_its_end),
        cmocka_unit_test(what_a_migration_needs_by_its_journal_stays),
        cmocka_unit_test(what_is_being_read_or_made_is_not_removed),
        cmocka_unit_test(the_trash_gives_back_for_a_day),
        cmocka_unit_test(what_was_cut_off_comes_back_as_it_was),
        cmocka_unit_test(a_name_that_is_taken_again_is_not_brought_back),
        cmocka_unit_test(an_emptying_that_was_cut_off_goes_on),
        cmocka_unit_test(strangers_in_the_trash_stay),
        cmocka_unit_test(a_dry_run_changes_nothing_and_is_what_is_applied),
        cmocka_unit_test(a_backup_without_all_its_files_is_not_what_others_go_for),
        cmocka_unit_test(a_series_that_would_be_emptied_is_refused_and_the_others_are_pruned),
        cmocka_unit_test(what_is_done_unasked_concerns_only_what_migrations_have_made),
        cmocka_unit_test(purging_needs_no_policy),
#ifdef FAULT_POINTS
        cmocka_unit_test(a_prune_goes_on_after_any_crash),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
