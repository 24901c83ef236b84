#include "tests/support/sqlite_files.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static sqlite3 *open_file(const char *path)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(handle, 5000), SQLITE_OK);
    return handle;
}

void set_sql(const char *path, const char *sql)
{
    sqlite3 *handle = open_file(path);
    char *message = NULL;
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

void set_database(const char *path, const char *sql)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char name[256];
        (void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name); /* usually not there */
    }
    set_sql(path, sql);
}

int64_t ask_integer(const char *path, const char *sql)
{
    sqlite3 *handle = open_file(path);
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return value;
}

pid_t start_writer(const char *path, const char *sql)
{
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer > 0)
        return writer;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* when the test fails, nobody stops it */
    sqlite3 *handle = NULL;
    if (sqlite3_open(path, &handle) != SQLITE_OK)
        _exit(1);
    (void)sqlite3_busy_timeout(handle, 100000); /* as long as the test lives */
    while (sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        continue;
    _exit(2);
}

void stop_writer(pid_t writer)
{
    int status = 0;
    assert_int_equal(kill(writer, SIGKILL), 0);
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_true(WIFSIGNALED(status)); /* it wrote until now */
}
