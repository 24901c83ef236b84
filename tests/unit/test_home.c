#include "tests/unit/journal_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "journal/home.h"

static void set_environment(const char *own, const char *state, const char *user)
{
    const char *const names[] = {"STOPOVER_HOME", "XDG_STATE_HOME", "HOME"};
    const char *const values[] = {own, state, user};

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(values[i] != NULL ? setenv(names[i], values[i], 1) : unsetenv(names[i]),
                         0);
}

static void expect_home(const char *given, const char *expected)
{
    AUTO_FREE_MEMORY char *home = NULL;
    Error err = {0};

    expect_ok(home_resolve(given, &home, &err));
    assert_string_equal(home, expected);
}

static void the_first_place_that_is_named_is_home(void **state)
{
    AUTO_FREE_MEMORY char *user = xstrdup(getenv("HOME"));

    (void)state;
    set_environment("/own", "/state", "/user");
    expect_home("/given/", "/given");
    expect_home(NULL, "/own");
    set_environment(NULL, "/state", "/user");
    expect_home(NULL, "/state/stopover");
    set_environment("", "", "/user");
    expect_home(NULL, "/user/.local/state/stopover");
    set_environment(NULL, "relative/is/ignored", "/user");
    expect_home(NULL, "/user/.local/state/stopover");
    set_environment(NULL, NULL, user);
}

static void home_is_absolute_wherever_it_is_named_from(void **state)
{
    AUTO_FREE_MEMORY char *directory = getcwd(NULL, 0);
    AUTO_FREE_MEMORY char *expected = xasprintf("%s/there/it is", directory);

    (void)state;
    expect_home("there/it is", expected);
    expect_home("/", "/");
}

static void an_empty_home_is_a_wrong_command_line(void **state)
{
    AUTO_FREE_MEMORY char *home = NULL;
    Error err = {0};

    (void)state;
    expect_failure(home_resolve("", &home, &err), ERROR_USAGE);
    assert_null(home);
}

static void a_name_cannot_lead_out_of_home(void **state)
{
    AUTO_FREE_MEMORY char *path = NULL;
    Error err = {0};

    (void)state;
    expect_ok(home_migration_path("/h", "shop.2", &path, &err));
    assert_string_equal(path, "/h/migrations/shop.2");
    free(TAKE(path));
    expect_failure(home_migration_path("/h", "../etc", &path, &err), ERROR_USAGE);
    expect_failure(home_migration_path("/h", "", &path, &err), ERROR_USAGE);
    assert_null(path);
    assert_false(home_has("/", ".."));
}

static void set_migration(const char *home, const char *name, bool with_journal)
{
    AUTO_FREE_MEMORY char *path = NULL;
    AUTO_FREE_MEMORY char *journal = NULL;
    Error err = {0};

    expect_ok(home_migration_path(home, name, &path, &err));
    expect_ok(directory_create(path, &err));
    journal = xasprintf("%s/journal.db", path);
    if (with_journal)
        expect_ok(file_replace(journal, "x", 1, &err));
}

static void migrations_are_the_directories_with_a_journal(void **state)
{
    char *home = make_directory();
    AUTO_TEXT_LIST TextList names = {0};
    Error err = {0};

    (void)state;
    expect_ok(home_list(home, &names, &err));
    assert_int_equal(names.count, 0);
    set_migration(home, "shop", true);
    set_migration(home, "archive", true);
    set_migration(home, "begun-and-killed", false);
    expect_ok(home_list(home, &names, &err));
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "archive");
    assert_string_equal(names.items[1], "shop");
    assert_true(home_has(home, "shop"));
    assert_false(home_has(home, "begun-and-killed"));
    remove_directory(home);
}

static void who_asks_for_a_migration_that_is_not_there_is_told_which_are(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    char *home = make_directory();
    Error err = {0};

    (void)state;
    expect_failure(home_require(home, "a", &err), ERROR_NOT_FOUND);
    expect_words(err.hint, "There are no migrations");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        set_migration(home, names[i], true);
    expect_ok(home_require(home, "a", &err));
    expect_failure(home_require(home, "shop", &err), ERROR_NOT_FOUND);
    expect_words(err.message, "there is no migration \"shop\"");
    expect_words(err.hint, "are: a, b, c, d, e and 2 more.");
    expect_failure(home_require(home, "no/name", &err), ERROR_USAGE);
    remove_directory(home);
}

/* Exits 0 when the migration is locked by process `holder`, and says so. */
static void try_to_lock(const char *home, pid_t holder)
{
    AUTO_FREE(file_lock_free) FileLock *lock = NULL;
    AUTO_FREE_MEMORY char *process = xasprintf("process %ld", (long)holder);
    pid_t found = 0;
    Error err = {0};
    bool refused = home_lock(home, "shop", &lock, &err) < 0 && err.kind == ERROR_LOCKED;
    bool named = strstr(err.message, process) != NULL &&
                 strstr(err.hint, "stopover status shop") != NULL &&
                 strstr(err.hint, "stopover stop shop") != NULL;
    bool known = home_lock_holder(home, "shop", &found, &err) == STATUS_OK && found == holder;

    _exit(refused && named && known ? 0 : 1);
}

static void a_second_driver_is_told_who_drives(void **state)
{
    char *home = make_directory();
    AUTO_FREE(file_lock_free) FileLock *lock = NULL;
    pid_t parent = getpid();
    pid_t holder = -1;
    pid_t child = 0;
    int outcome = 0;
    Error err = {0};

    (void)state;
    set_migration(home, "shop", true);
    expect_ok(home_lock_holder(home, "shop", &holder, &err));
    assert_int_equal(holder, 0);
    expect_ok(home_lock(home, "shop", &lock, &err));
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        try_to_lock(home, parent);
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(outcome, 0);
    file_lock_free(TAKE(lock));
    expect_ok(home_lock_holder(home, "shop", &holder, &err));
    assert_int_equal(holder, 0);
    remove_directory(home);
}

static void a_migration_without_directory_cannot_be_locked(void **state)
{
    char *home = make_directory();
    AUTO_FREE(file_lock_free) FileLock *lock = NULL;
    Error err = {0};

    (void)state;
    expect_failure(home_lock(home, "shop", &lock, &err), ERROR_FAILED);
    assert_null(lock);
    remove_directory(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_place_that_is_named_is_home),
        cmocka_unit_test(home_is_absolute_wherever_it_is_named_from),
        cmocka_unit_test(an_empty_home_is_a_wrong_command_line),
        cmocka_unit_test(a_name_cannot_lead_out_of_home),
        cmocka_unit_test(migrations_are_the_directories_with_a_journal),
        cmocka_unit_test(who_asks_for_a_migration_that_is_not_there_is_told_which_are),
        cmocka_unit_test(a_second_driver_is_told_who_drives),
        cmocka_unit_test(a_migration_without_directory_cannot_be_locked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
