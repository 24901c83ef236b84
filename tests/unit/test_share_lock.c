#include "tests/unit/journal_fixture.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/share_lock.h"
#include "engine/base/stop.h"

static char *make_path(const char *directory)
{
    return xasprintf("%s/lock", directory);
}

static void many_read_or_one_writes(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = make_path(directory);
    AUTO_FREE(share_lock_free) ShareLock *first = NULL;
    AUTO_FREE(share_lock_free) ShareLock *second = NULL;
    AUTO_FREE(share_lock_free) ShareLock *writer = NULL;
    Error err = {0};

    (void)state;
    expect_ok(share_lock_take(path, SHARE_READ, 0, &first, &err));
    expect_ok(share_lock_take(path, SHARE_READ, 0, &second, &err));
    expect_failure(share_lock_take(path, SHARE_WRITE, 0, &writer, &err), ERROR_LOCKED);
    share_lock_free(TAKE(first));
    expect_failure(share_lock_take(path, SHARE_WRITE, 0, &writer, &err), ERROR_LOCKED);
    share_lock_free(TAKE(second));
    expect_ok(share_lock_take(path, SHARE_WRITE, 0, &writer, &err));
    expect_failure(share_lock_take(path, SHARE_READ, 0, &first, &err), ERROR_LOCKED);
    expect_words(err.message, "process");
    share_lock_free(TAKE(writer));
    expect_ok(share_lock_take(path, SHARE_READ, 0, &first, &err));
    remove_directory(directory);
}

static void looking_tells_how_it_is_held_and_takes_nothing(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = make_path(directory);
    AUTO_FREE(share_lock_free) ShareLock *lock = NULL;
    ShareMode mode = SHARE_WRITE;
    Error err = {0};

    (void)state;
    expect_ok(share_lock_look(path, &mode, &err));
    assert_int_equal(mode, SHARE_NONE);
    assert_false(file_exists(path));
    expect_ok(share_lock_take(path, SHARE_READ, 0, &lock, &err));
    expect_ok(share_lock_look(path, &mode, &err));
    assert_int_equal(mode, SHARE_READ);
    share_lock_free(TAKE(lock));
    expect_ok(share_lock_take(path, SHARE_WRITE, 0, &lock, &err));
    expect_ok(share_lock_look(path, &mode, &err));
    assert_int_equal(mode, SHARE_WRITE);
    share_lock_free(TAKE(lock));
    expect_ok(share_lock_look(path, &mode, &err));
    assert_int_equal(mode, SHARE_NONE);
    remove_directory(directory);
}

/* A process that holds the lock until the returned pipe is closed. */
static pid_t start_holder(const char *path, ShareMode mode, int *ret_pipe)
{
    int ready[2];
    int go_on[2];
    char byte = 0;
    pid_t child = 0;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go_on), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ShareLock *lock = NULL;
        Error err = {0};

        (void)close(go_on[1]);
        if (share_lock_take(path, mode, 0, &lock, &err) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        (void)!read(go_on[0], &byte, 1); /* the end of the pipe */
        _exit(0);                        /* without giving it back: the end of a process must do */
    }
    (void)close(ready[1]);
    (void)close(go_on[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    *ret_pipe = go_on[1];
    return child;
}

static void another_process_excludes_us_until_it_ends(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = make_path(directory);
    AUTO_FREE_MEMORY char *who = NULL;
    AUTO_FREE(share_lock_free) ShareLock *lock = NULL;
    Error err = {0};
    int hold = -1;
    pid_t child = start_holder(path, SHARE_WRITE, &hold);

    (void)state;
    who = xasprintf("process %ld on ", (long)child);
    expect_failure(share_lock_take(path, SHARE_READ, 50, &lock, &err), ERROR_LOCKED);
    expect_words(err.message, who);
    (void)close(hold);
    expect_ok(share_lock_take(path, SHARE_WRITE, 10000, &lock, &err));
    assert_int_equal(waitpid(child, NULL, 0), child);
    remove_directory(directory);
}

static void *give_back_soon(void *lock)
{
    (void)usleep(50000);
    share_lock_free(lock);
    return NULL;
}

static void threads_exclude_each_other_and_wait(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = make_path(directory);
    AUTO_FREE(share_lock_free) ShareLock *mine = NULL;
    ShareLock *other = NULL;
    pthread_t thread;
    Error err = {0};

    (void)state;
    expect_ok(share_lock_take(path, SHARE_WRITE, 0, &other, &err));
    assert_int_equal(pthread_create(&thread, NULL, give_back_soon, other), 0);
    expect_ok(share_lock_take(path, SHARE_WRITE, 10000, &mine, &err));
    assert_int_equal(pthread_join(thread, NULL), 0);
    remove_directory(directory);
}

static void a_stop_ends_the_wait(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = make_path(directory);
    AUTO_FREE(share_lock_free) ShareLock *mine = NULL;
    AUTO_FREE(share_lock_free) ShareLock *other = NULL;
    Error err = {0};

    (void)state;
    expect_ok(share_lock_take(path, SHARE_WRITE, 0, &other, &err));
    stop_request();
    assert_int_equal(share_lock_take(path, SHARE_WRITE, 60000, &mine, &err), STATUS_STOPPED);
    stop_reset();
    remove_directory(directory);
}

static void a_link_is_not_followed(void **state)
{
    char *directory = make_directory();
    AUTO_FREE_MEMORY char *path = make_path(directory);
    AUTO_FREE_MEMORY char *elsewhere = xasprintf("%s/elsewhere", directory);
    AUTO_FREE(share_lock_free) ShareLock *lock = NULL;
    Error err = {0};

    (void)state;
    assert_int_equal(symlink(elsewhere, path), 0);
    assert_true(share_lock_take(path, SHARE_WRITE, 0, &lock, &err) < 0);
    assert_false(file_exists(elsewhere));
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_read_or_one_writes),
        cmocka_unit_test(looking_tells_how_it_is_held_and_takes_nothing),
        cmocka_unit_test(another_process_excludes_us_until_it_ends),
        cmocka_unit_test(threads_exclude_each_other_and_wait),
        cmocka_unit_test(a_stop_ends_the_wait),
        cmocka_unit_test(a_link_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
