#include "engine/connect/postgres/sessions.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/end_sessions.sql.h"

enum {
    APPLICATION_NAME_MAX = 63,
    RUN_DIGITS = 8,
    END_WITHIN_MS = 30000,
    FIRST_WAIT_MS = 5,
    LONGEST_WAIT_MS = 250,
};

char *pg_application_name(const RunIdentity *identity, const char *role)
{
    AUTO_FREE_MEMORY char *tail =
        xasprintf(" %.*s %" PRIu64 " %s", RUN_DIGITS, identity->run, identity->epoch, role);
    size_t used = strlen("stopover ") + strlen(tail);
    size_t room = used < APPLICATION_NAME_MAX ? APPLICATION_NAME_MAX - used : 0;

    return xasprintf("stopover %.*s%s", (int)room, identity->migration, tail);
}

static Status refuse_to_end(const RunIdentity *identity, Error *err)
{
    Status status = error_kind(err, ERROR_LOCKED,
                               "sessions of an earlier process of migration \"%s\" are still "
                               "connected, and the server does not let them be ended",
                               identity->migration);

    error_hint(err, "End them as the role that opened them or as an administrator: their "
                    "application_name begins with \"stopover\".");
    return status;
}

/* Asks them to end, and counts those that are there still. */
static Status count_remaining(PgConnection *connection, const RunIdentity *identity,
                              const char *pids, uint64_t max_epoch, uint64_t *ret, Error *err)
{
    AUTO_FREE_MEMORY char *run = xstrndup(identity->run, RUN_DIGITS);
    AUTO_FREE_MEMORY char *epoch =
        xasprintf("%" PRIu64, max_epoch > INT64_MAX ? (uint64_t)INT64_MAX : max_epoch);
    const char *parameters[] = {identity->migration, run, epoch, pids};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    Status status = pg_query_bound(connection, end_sessions_sql, parameters, 4, &rows, err);

    if (status < 0)
        return strcmp(err->sqlstate, "42501") == 0 ? refuse_to_end(identity, err) : status;
    *ret = pg_unsigned(rows, 0, 0);
    return STATUS_OK;
}

Status sessions_end(PgConnection *connection, const RunIdentity *identity, const char *pids,
                    uint64_t max_epoch, Error *err)
{
    uint64_t began_ns = clock_monotonic_ns();
    uint64_t wait_ms = FIRST_WAIT_MS;

    for (;;) {
        uint64_t left = 0;

        TRY(count_remaining(connection, identity, pids, max_epoch, &left, err));
        if (left == 0)
            return STATUS_OK;
        if (clock_monotonic_ns() - began_ns > (uint64_t)END_WITHIN_MS * 1000000)
            return error_set(err, STATUS_RETRY,
                             "%" PRIu64 " sessions of an earlier process of migration \"%s\" do "
                             "not end",
                             left, identity->migration);
        TRY(stop_check(err));
        clock_sleep_ms(wait_ms);
        wait_ms = wait_ms * 2 < LONGEST_WAIT_MS ? wait_ms * 2 : LONGEST_WAIT_MS;
    }
}

/* ---- what was lost here ---- */

void lost_sessions_init(LostSessions *lost)
{
    *lost = (LostSessions){0};
    (void)pthread_mutex_init(&lost->lock, NULL); /* cannot fail without attributes */
}

void lost_sessions_release(LostSessions *lost)
{
    (void)pthread_mutex_destroy(&lost->lock);
    free(lost->pids);
    lost->pids = NULL;
    lost->count = 0;
    lost->capacity = 0;
}

void lost_sessions_add(LostSessions *lost, int pid)
{
    (void)pthread_mutex_lock(&lost->lock);
    GROW(lost->pids, lost->count, lost->capacity);
    lost->pids[lost->count++] = pid;
    (void)pthread_mutex_unlock(&lost->lock);
}

/* A copy, to be released; others may be added meanwhile. */
static void copy_lost(LostSessions *lost, LostSessions *ret)
{
    (void)pthread_mutex_lock(&lost->lock);
    for (size_t i = 0; i < lost->count; i++)
        lost_sessions_add(ret, lost->pids[i]);
    (void)pthread_mutex_unlock(&lost->lock);
}

static bool has_pid(const LostSessions *list, int pid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->pids[i] == pid)
            return true;
    }
    return false;
}

static void forget_ended(LostSessions *lost, const LostSessions *ended)
{
    size_t kept = 0;

    (void)pthread_mutex_lock(&lost->lock);
    for (size_t i = 0; i < lost->count; i++) {
        if (!has_pid(ended, lost->pids[i]))
            lost->pids[kept++] = lost->pids[i];
    }
    lost->count = kept;
    (void)pthread_mutex_unlock(&lost->lock);
}

static Status end_lost(const LostSessions *list, PgConnection *connection,
                       const RunIdentity *identity, Error *err)
{
    AUTO_TEXT Text pids = {0};

    for (size_t i = 0; i < list->count; i++)
        text_append_format(&pids, "%s%d", i == 0 ? "{" : ",", list->pids[i]);
    text_append(&pids, "}");
    return sessions_end(connection, identity, text_string(&pids), identity->epoch, err);
}

Status lost_sessions_end(LostSessions *lost, PgConnection *connection, const RunIdentity *identity,
                         Error *err)
{
    __attribute__((cleanup(lost_sessions_release))) LostSessions list;

    lost_sessions_init(&list);
    copy_lost(lost, &list);
    if (list.count == 0)
        return STATUS_OK;
    TRY(end_lost(&list, connection, identity, err));
    forget_ended(lost, &list);
    return STATUS_OK;
}
