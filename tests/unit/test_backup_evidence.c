#include "tests/unit/repository_fixture.h"

#include "backup/evidence.h"
#include "backup/needed.h"

/* What was found at some hour, by a check of some level. */
static void set_finding(const char *directory, CheckLevel level, bool is_whole, int hour)
{
    CheckReport report = {.files = 1, .damage_total = is_whole ? 0 : 3};
    Error err = {0};

    expect_ok(evidence_write(directory, level, &report, NOW_US + (hour - 1) * HOUR,
                             NOW_US + hour * HOUR, &err));
}

/* Hours, 0 for never. */
static void expect_verification(const char *directory, int quick, int data, int damaged)
{
    Verification found = {0};
    Error err = {0};

    expect_ok(evidence_read(directory, &found, &err));
    assert_int_equal(found.quick_us, quick > 0 ? NOW_US + quick * HOUR : 0);
    assert_int_equal(found.data_us, data > 0 ? NOW_US + data * HOUR : 0);
    assert_int_equal(found.damaged_us, damaged > 0 ? NOW_US + damaged * HOUR : 0);
}

static void the_newest_finding_of_each_level_counts(void **state)
{
    char *directory = make_directory();

    (void)state;
    expect_verification(directory, 0, 0, 0);
    set_finding(directory, CHECK_QUICK, true, 1);
    expect_verification(directory, 1, 0, 0);
    set_finding(directory, CHECK_DATA, true, 3);
    expect_verification(directory, 3, 3, 0);
    set_finding(directory, CHECK_QUICK, true, 5);
    set_finding(directory, CHECK_QUICK, true, 4);
    expect_verification(directory, 5, 3, 0);
    remove_directory(directory);
}

static void damage_stands_until_as_much_was_looked_at_again(void **state)
{
    char *directory = make_directory();

    (void)state;
    set_finding(directory, CHECK_DATA, true, 1);
    set_finding(directory, CHECK_DATA, false, 2);
    expect_verification(directory, 1, 1, 2);
    set_finding(directory, CHECK_QUICK, true, 3); /* sizes say nothing of bytes */
    expect_verification(directory, 3, 1, 2);
    set_finding(directory, CHECK_QUICK, false, 4);
    set_finding(directory, CHECK_QUICK, true, 5); /* a disk that was away is back */
    expect_verification(directory, 5, 1, 2);
    set_finding(directory, CHECK_DATA, true, 6);
    expect_verification(directory, 6, 6, 0);
    set_finding(directory, CHECK_QUICK, false, 7);
    expect_verification(directory, 6, 6, 7);
    set_finding(directory, CHECK_DATA, true, 8); /* who reads all of it has seen sizes, too */
    expect_verification(directory, 8, 8, 0);
    remove_directory(directory);
}

static void what_cannot_be_read_says_nothing(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *folder = xasprintf("%s/verify", directory);
    Error err = {0};

    (void)state;
    expect_ok(directory_create(folder, &err));
    set_file(folder, "a.json", "{\"format\": 1, \"level\": \"data\", \"whole\": tr");
    set_file(folder, "b.json", "{\"format\": 1, \"level\": \"soul\", \"whole\": true}");
    set_file(folder, "c.json", "{\"format\": 9, \"level\": \"data\", \"whole\": true}");
    expect_verification(directory, 0, 0, 0);
    remove_directory(directory);
}

/* ---- what migrations need ---- */

static void set_migration(const char *home, const char *name, const char *backup, bool finished)
{
    AUTO_FREE_MEMORY char *directory = xasprintf("%s/migrations/%s", home, name);
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    expect_ok(directory_create(directory, &err));
    expect_ok(create_journal(directory, &journal, &err));
    if (backup != NULL)
        expect_ok(journal_set_backup(journal, backup, &err));
    if (!finished)
        return;
    expect_ok(journal_set_phase(journal, PHASE_ROLLED_BACK, "back", &err));
    expect_ok(journal_set_finished(journal, "over", &err));
}

static void what_a_migration_needs_stands_in_its_journal_until_it_is_finished(void **state)
{
    char *home = make_directory();
    AUTO_NEEDED_LIST NeededList needed = {0};
    AUTO_TEXT_LIST TextList unknown = {0};
    AUTO_FREE_MEMORY char *broken = xasprintf("%s/migrations/broken", home);
    Backup first = {.name = xstrdup("first")};
    Backup second = {.name = xstrdup("second")};
    Error err = {0};

    (void)state;
    set_migration(home, "open", "first", false);
    set_migration(home, "over", "second", true);
    set_migration(home, "young", NULL, false);
    expect_ok(directory_create(broken, &err));
    set_file(broken, "journal.db", "this is no journal");
    expect_ok(needed_read(home, &needed, &unknown, &err));
    assert_string_equal(needed_by(&needed, &first), "open");
    assert_null(needed_by(&needed, &second));
    assert_int_equal(needed.count, 1);
    assert_int_equal(unknown.count, 1);
    expect_words(unknown.items[0], "broken");
    assert_true(migration_is_open(home, "open"));
    assert_true(migration_is_open(home, "broken"));
    assert_false(migration_is_open(home, "over"));
    assert_false(migration_is_open(home, "nowhere"));
    backup_release(&first);
    backup_release(&second);
    remove_directory(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_finding_of_each_level_counts),
        cmocka_unit_test(damage_stands_until_as_much_was_looked_at_again),
        cmocka_unit_test(what_cannot_be_read_says_nothing),
        cmocka_unit_test(what_a_migration_needs_stands_in_its_journal_until_it_is_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
