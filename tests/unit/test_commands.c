/*
 * Commands that need a journal but no database: status, stop, forget, and what is said at the end.
 */
#include "tests/unit/journal_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/home.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/standing.h"

/* A home with the migration "shop" in some phase, and the outcome of the last command. */
typedef struct World {
    char *home;
    char *directory;
    Options options;
    Reply reply;
    Error err;
} World;

static void set_home(World *world)
{
    Error err = {0};

    *world = (World){.home = make_directory()};
    world->directory = xasprintf("%s/migrations/shop", world->home);
    expect_ok(directory_create(world->directory, &err));
}

static void world_release(World *world)
{
    options_release(&world->options);
    reply_release(&world->reply);
    free(world->directory);
    remove_directory(world->home);
}
#define AUTO_WORLD __attribute__((cleanup(world_release)))

static void walk(Journal *journal, Phase to)
{
    static const Phase way[] = {PHASE_STAGED, PHASE_VERIFIED, PHASE_PROMOTED};
    AUTO_PLAN Plan plan = make_plan(2, 3);
    Error err = {0};

    if (to == PHASE_INITIAL)
        return;
    expect_ok(journal_set_phase(journal, PHASE_PREPARED, "ready", &err));
    if (to == PHASE_PREPARED)
        return;
    expect_ok(journal_save_plan(journal, &plan, "snapshot", 1000, &err));
    for (size_t i = 0; i < 3 && journal_record(journal)->phase != to; i++) {
        if (way[i] == PHASE_VERIFIED && to == PHASE_VERIFICATION_FAILED)
            break;
        expect_ok(journal_set_phase(journal, way[i], "on the way", &err));
    }
    if (journal_record(journal)->phase != to)
        expect_ok(journal_set_phase(journal, to, "there", &err));
}

static void set_migration(World *world, Phase phase, bool finished, uint64_t epoch)
{
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    set_home(world);
    expect_ok(create_journal(world->directory, &journal, &err));
    walk(journal, phase);
    if (epoch > 0)
        expect_ok(journal_set_epoch(journal, epoch, &err));
    if (finished)
        expect_ok(journal_set_finished(journal, "over", &err));
}

static Status run_command(World *world, const char *command, const char *name, const char *option)
{
    AUTO_FREE_MEMORY char *home = xasprintf("--home=%s", world->home);
    char program[] = "stopover";
    char *words[6] = {program, xstrdup(command), home};
    int count = 3;
    Status status = STATUS_OK;

    if (name != NULL)
        words[count++] = xstrdup(name);
    if (option != NULL)
        words[count++] = xstrdup(option);
    options_release(&world->options);
    world->options = (Options){0};
    reply_release(&world->reply);
    reply_init(&world->reply);
    error_clear(&world->err);
    status = options_parse(count, words, &world->options, &world->err);
    if (status >= 0)
        status = command_dispatch(&world->options, &world->reply, &world->err);
    free(words[1]);
    for (int i = 3; i < count; i++)
        free(words[i]);
    return status;
}

static void expect_forget(Phase phase, bool finished, uint64_t epoch, const char *comes_first)
{
    AUTO_WORLD World world;
    Status status = STATUS_OK;

    set_migration(&world, phase, finished, epoch);
    status = run_command(&world, "forget", "shop", "--yes");
    if (comes_first == NULL) {
        assert_int_equal(status, STATUS_OK);
        assert_false(file_exists(world.directory));
        return;
    }
    assert_int_equal(exit_code(status, &world.err), ERROR_REFUSED);
    expect_words(world.err.hint, comes_first);
    assert_true(home_has(world.home, "shop"));
}

static void forget_asks_for_what_must_come_first(void **state)
{
    (void)state;
    expect_forget(PHASE_INITIAL, false, 0, NULL);
    expect_forget(PHASE_PREPARED, false, 0, NULL);
    expect_forget(PHASE_PREPARED, false, 1, "stopover rollback shop");
    expect_forget(PHASE_STAGED, false, 1, "stopover rollback shop");
    expect_forget(PHASE_VERIFIED, false, 1, "stopover rollback shop");
    expect_forget(PHASE_VERIFICATION_FAILED, false, 1, "stopover rollback shop");
    expect_forget(PHASE_PROMOTED, false, 1, NULL); /* its target is not there: nothing to finish */
    expect_forget(PHASE_PROMOTED, true, 1, NULL);
    expect_forget(PHASE_ROLLED_BACK, false, 1, "stopover finish shop");
    expect_forget(PHASE_ROLLED_BACK, true, 1, NULL);
}

static void a_later_attempt_is_not_forgotten_for_want_of_an_epoch(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    set_migration(&world, PHASE_ROLLED_BACK, false, 0);
    expect_ok(journal_open(world.directory, JOURNAL_WRITE, &journal, &err));
    expect_ok(journal_begin_attempt(journal, &err));
    journal_free(TAKE(journal));
    assert_int_equal(run_command(&world, "forget", "shop", "--yes"), STATUS_INVALID);
    assert_int_equal(world.err.kind, ERROR_REFUSED);
    assert_true(home_has(world.home, "shop"));
}

static void forget_needs_yes_where_nobody_can_be_asked(void **state)
{
    AUTO_WORLD World world;
    Status status = STATUS_OK;
    int before = dup(STDIN_FILENO);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    set_migration(&world, PHASE_INITIAL, false, 0);
    assert_int_equal(dup2(nothing, STDIN_FILENO), STDIN_FILENO);
    status = run_command(&world, "forget", "shop", NULL);
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(before), 0);
    assert_int_equal(close(nothing), 0);
    assert_int_equal(exit_code(status, &world.err), ERROR_REFUSED);
    assert_string_equal(world.err.hint, "Add --yes.");
    assert_true(home_has(world.home, "shop"));
}

static void forget_takes_up_what_a_killed_one_left(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE_MEMORY char *leftover = NULL;
    Error err = {0};

    (void)state;
    set_migration(&world, PHASE_INITIAL, false, 0);
    leftover = xasprintf("%s/migrations/.forgotten-shop", world.home);
    expect_ok(directory_create(leftover, &err));
    assert_int_equal(run_command(&world, "status", NULL, NULL), STATUS_OK);
    assert_int_equal(json_count(json_get(world.reply.document, "migrations")), 1);
    assert_int_equal(run_command(&world, "forget", "shop", "--yes"), STATUS_OK);
    assert_false(file_exists(leftover));
    assert_false(file_exists(world.directory));
}

/* A process that holds the migration's lock until it is ended. */
static pid_t start_driver(const World *world)
{
    int ready[2];
    char byte = 0;
    pid_t driver = 0;

    assert_int_equal(pipe(ready), 0);
    driver = fork();
    assert_true(driver >= 0);
    if (driver == 0) {
        FileLock *lock = NULL;
        Error err = {0};

        (void)signal(SIGTERM, SIG_DFL);
        if (home_lock(world->home, "shop", &lock, &err) < 0)
            _exit(1);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return driver;
}

/* What a shell does: nobody else takes the child's place in the table of processes. */
static void reap_by_itself(bool on)
{
    (void)signal(SIGCHLD, on ? SIG_IGN : SIG_DFL);
}

static void a_driven_migration_is_not_forgotten_and_stop_ends_its_driver(void **state)
{
    AUTO_WORLD World world;
    pid_t driver = 0;

    (void)state;
    set_migration(&world, PHASE_INITIAL, false, 0);
    reap_by_itself(true);
    driver = start_driver(&world);

    assert_int_equal(run_command(&world, "forget", "shop", "--yes"), STATUS_INVALID);
    assert_int_equal(world.err.kind, ERROR_LOCKED);
    assert_true(home_has(world.home, "shop"));

    assert_int_equal(run_command(&world, "status", "shop", NULL), STATUS_OK);
    assert_true(json_get_bool(json_get(world.reply.document, "status"), "running", false));
    assert_int_equal(json_get_integer(json_get(world.reply.document, "status"), "driver_pid", 0),
                     driver);

    assert_int_equal(run_command(&world, "stop", "shop", NULL), STATUS_OK);
    assert_true(json_get_bool(world.reply.document, "was_running", false));
    assert_int_equal(kill(driver, 0), -1);
    assert_false(json_get_bool(json_get(world.reply.document, "status"), "running", true));
    reap_by_itself(false);
}

static void stop_without_a_driver_says_so_and_is_fine(void **state)
{
    AUTO_WORLD World world;

    (void)state;
    set_migration(&world, PHASE_STAGED, false, 1);
    assert_int_equal(run_command(&world, "stop", "shop", NULL), STATUS_OK);
    expect_words(text_string(&world.reply.text), "nothing drives");
    expect_words(text_string(&world.reply.text), "staged");
}

static void expect_next(Phase phase, bool finished, const char *next)
{
    AUTO_WORLD World world;
    AUTO_FREE_MEMORY char *whole = NULL;

    set_migration(&world, phase, finished, 1);
    whole = xasprintf("stopover %s --home %s", next, world.home);
    assert_int_equal(run_command(&world, "status", "shop", NULL), STATUS_OK);
    assert_string_equal(json_get_string(json_get(world.reply.document, "status"), "next"), whole);
    expect_words(text_string(&world.reply.text), whole);
    expect_words(text_string(&world.reply.text), phase_name(phase));
}

static void status_names_the_command_that_comes_next(void **state)
{
    (void)state;
    expect_next(PHASE_INITIAL, false, "run shop");
    expect_next(PHASE_PREPARED, false, "run shop");
    expect_next(PHASE_STAGED, false, "run shop");
    expect_next(PHASE_VERIFIED, false, "run shop");
    expect_next(PHASE_VERIFICATION_FAILED, false, "stage shop --again");
    expect_next(PHASE_PROMOTED, false, "finish shop");
    expect_next(PHASE_PROMOTED, true, "forget shop");
    expect_next(PHASE_ROLLED_BACK, false, "run shop");
    expect_next(PHASE_ROLLED_BACK, true, "forget shop");
}

static void a_damaged_journal_does_not_hide_the_others(void **state)
{
    AUTO_WORLD World world;
    AUTO_FREE_MEMORY char *other = NULL;
    AUTO_FREE_MEMORY char *journal = NULL;
    const Json *migrations = NULL;
    Error err = {0};

    (void)state;
    set_migration(&world, PHASE_STAGED, false, 1);
    other = xasprintf("%s/migrations/broken", world.home);
    journal = xasprintf("%s/journal.db", other);
    expect_ok(directory_create(other, &err));
    expect_ok(file_replace(journal, "this is no journal", 18, &err));
    assert_int_equal(run_command(&world, "status", NULL, NULL), STATUS_OK);
    migrations = json_get(world.reply.document, "migrations");
    assert_int_equal(json_count(migrations), 2);
    assert_string_equal(json_get_string(json_at(migrations, 0), "name"), "broken");
    assert_non_null(json_get_string(json_at(migrations, 0), "problem"));
    assert_string_equal(json_get_string(json_at(migrations, 1), "phase"), "staged");
    assert_null(json_get_string(json_at(migrations, 1), "problem"));
    assert_int_equal(run_command(&world, "status", "broken", NULL), STATUS_INVALID);
}

static void status_of_nothing_is_not_found(void **state)
{
    AUTO_WORLD World world;
    Status status = STATUS_OK;

    (void)state;
    set_home(&world);
    status = run_command(&world, "status", "shop", NULL);
    assert_int_equal(exit_code(status, &world.err), ERROR_NOT_FOUND);
    assert_int_equal(run_command(&world, "status", NULL, NULL), STATUS_OK);
}

static void every_command_has_a_page_and_what_is_to_come_refuses(void **state)
{
    (void)state;
    for (const Command *const *command = commands; *command != NULL; command++) {
        AUTO_WORLD World world;

        set_home(&world);
        assert_int_equal(run_command(&world, (*command)->name, NULL, "--help"), STATUS_OK);
        expect_words(text_string(&world.reply.text), (*command)->purpose);
        if ((*command)->not_yet == NULL) {
            expect_words(text_string(&world.reply.text), "Example:");
            expect_words(text_string(&world.reply.text), "Exit codes:");
            continue;
        }
        assert_int_equal(run_command(&world, (*command)->name, NULL, NULL), STATUS_INVALID);
        assert_int_equal(world.err.kind, ERROR_USAGE);
        expect_words(world.err.message, "not supported yet");
        assert_true(world.err.hint[0] != '\0');
    }
}

static void exit_codes_follow_the_kind_of_failure(void **state)
{
    Error err = {.kind = ERROR_REFUSED};
    Error none = {0};

    (void)state;
    assert_int_equal(exit_code(STATUS_OK, &err), 0);
    assert_int_equal(exit_code(STATUS_INVALID, &err), 5);
    assert_int_equal(exit_code(STATUS_STOPPED, &none), 3);
    assert_int_equal(exit_code(STATUS_FATAL, &none), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forget_asks_for_what_must_come_first),
        cmocka_unit_test(a_later_attempt_is_not_forgotten_for_want_of_an_epoch),
        cmocka_unit_test(forget_needs_yes_where_nobody_can_be_asked),
        cmocka_unit_test(forget_takes_up_what_a_killed_one_left),
        cmocka_unit_test(a_driven_migration_is_not_forgotten_and_stop_ends_its_driver),
        cmocka_unit_test(stop_without_a_driver_says_so_and_is_fine),
        cmocka_unit_test(status_names_the_command_that_comes_next),
        cmocka_unit_test(a_damaged_journal_does_not_hide_the_others),
        cmocka_unit_test(status_of_nothing_is_not_found),
        cmocka_unit_test(every_command_has_a_page_and_what_is_to_come_refuses),
        cmocka_unit_test(exit_codes_follow_the_kind_of_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
