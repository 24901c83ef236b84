#include "engine/connect/postgres/swap_locks.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/swap_blockers.sql.h"
#include "engine/connect/postgres/swap_relations.sql.h"

enum {
    LOCK_TIMEOUT_MS = 300,     /* below deadlock_timeout: we give way, not who was there first */
    STAGED_TIMEOUT_MS = 30000, /* nobody but autovacuum has a business there */
    LONG_MS = 1000,            /* who holds a lock for so long hardly ends within a try */
    BEYOND_DEADLOCK_MS = 500,
    RESERVE_WAITS = 4,   /* for so many workers of autovacuum, one after the other */
    LEAST_OTHER_MS = 20, /* for a lock besides, at the end of a try */
    PASSED_OVER_MAX = 5, /* long transactions that overlap are no reason never to try */
    NAMED_MAX = 3,
};

/* Columns of swap_blockers.sql. */
enum {
    BLOCKER_PID,
    BLOCKER_NAME,
    BLOCKER_STATE,
    BLOCKER_SINCE,
    BLOCKER_AGE_MS,
    BLOCKER_RELATION,
    BLOCKER_IS_VACUUM,
};

void swap_locks_release(SwapLocks *locks)
{
    free(locks->relations);
    locks->relations = NULL;
}

static uint64_t common_timeout(const SwapLocks *locks)
{
    return locks->lock_timeout_ms > 0 ? locks->lock_timeout_ms : (uint64_t)LOCK_TIMEOUT_MS;
}

/* ---- who is in the way ---- */

static void add_names(Json *names, const TextList *list)
{
    for (size_t i = 0; i < list->count; i++)
        json_add_string(names, list->items[i]);
}

static Status find_relations(SwapLocks *locks, Error *err)
{
    AUTO_FREE(json_free) Json *names = json_array();
    AUTO_FREE_MEMORY char *text = NULL;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    add_names(names, locks->live);
    add_names(names, locks->watched);
    text = json_print(names, false);

    const char *parameters[] = {text};

    TRY(pg_query_bound(locks->connection, swap_relations_sql, parameters, 1, &rows, err));
    free(locks->relations);
    locks->relations = xstrdup(pg_value(rows, 0, 0));
    return STATUS_OK;
}

static Status find_blockers(SwapLocks *locks, PgRows **ret, Error *err)
{
    TRY(find_relations(locks, err)); /* anew: they may have been replaced */

    const char *parameters[] = {locks->relations};

    return pg_query_bound(locks->connection, swap_blockers_sql, parameters, 1, ret, err);
}

static void name_blocker(const PgRows *rows, size_t row, Text *text)
{
    const char *state = pg_value(rows, row, BLOCKER_STATE);

    if (pg_is_null(rows, row, BLOCKER_PID))
        text_append(text, "a prepared transaction");
    else
        text_append_format(text, "server process %s", pg_value(rows, row, BLOCKER_PID));
    text_append(text, " (");
    if (*pg_value(rows, row, BLOCKER_NAME) != '\0')
        text_append_format(text, "\"%.40s\", ", pg_value(rows, row, BLOCKER_NAME));
    if (*state != '\0')
        text_append_format(text, "%s, ", state);
    if (!pg_is_null(rows, row, BLOCKER_SINCE))
        text_append_format(text, "since %s, ", pg_value(rows, row, BLOCKER_SINCE));
    text_append_format(text, "on %.80s)", pg_value(rows, row, BLOCKER_RELATION));
}

static void tell_blockers(const SwapLocks *locks, const PgRows *rows, Error *err)
{
    AUTO_TEXT Text text = {0};
    size_t count = pg_row_count(rows);

    for (size_t i = 0; i < count && i < (size_t)NAMED_MAX; i++) {
        text_append(&text, i == 0 ? "" : ", ");
        name_blocker(rows, i, &text);
    }
    if (count > (size_t)NAMED_MAX)
        text_append_format(&text, " and %zu more", count - (size_t)NAMED_MAX);
    (void)error_set(err, STATUS_RETRY,
                    "the live tables could not be locked within %" PRIu64 " ms: %s%s",
                    common_timeout(locks), count == 0 ? "others used them just now" : "in use by ",
                    text_string(&text));
    error_hint(err, "Nothing was changed. Let those sessions end, or end them, and run the same "
                    "command again; --promote-deadline sets for how long it is tried.");
}

/* ---- before a try ---- */

static Status read_deadlock_timeout(SwapLocks *locks, uint64_t *ret_ms, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(locks->connection,
                 "select s.setting from pg_catalog.pg_settings s"
                 " where s.name = 'deadlock_timeout'",
                 &rows, err));
    *ret_ms = pg_unsigned(rows, 0, 0); /* its unit is ms */
    return STATUS_OK;
}

/* Hardly will any of them end within a try. */
static bool has_long(const PgRows *rows)
{
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        if (!pg_is_true(rows, i, BLOCKER_IS_VACUUM) &&
            pg_integer(rows, i, BLOCKER_AGE_MS) >= LONG_MS)
            return true;
    }
    return false;
}

Status swap_locks_look(SwapLocks *locks, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    locks->is_blocked = false;
    TRY(find_blockers(locks, &rows, err));
    if (has_long(rows) && locks->passed_over < (unsigned)PASSED_OVER_MAX) {
        locks->passed_over++;
        locks->is_blocked = true;
        tell_blockers(locks, rows, err);
        return STATUS_RETRY;
    }
    locks->passed_over = 0;
    return STATUS_OK;
}

/* ---- locking ---- */

Status swap_locks_judge(SwapLocks *locks, Status status, const Error *err)
{
    static const char *const of_locks[] = {"55P03", "57014", "40P01"};

    for (size_t i = 0; status < 0 && i < sizeof(of_locks) / sizeof(of_locks[0]); i++) {
        if (strcmp(err->sqlstate, of_locks[i]) != 0)
            continue;
        locks->is_blocked = true;
        return STATUS_RETRY;
    }
    return status;
}

/* lock_timeout is for each lock: the statement's own limit is for all of them. */
static Status take(SwapLocks *locks, const TextList *names, const char *mode, uint64_t each_ms,
                   uint64_t all_ms, Error *err)
{
    AUTO_TEXT Text sql = {0};

    if (names->count == 0)
        return STATUS_OK;
    TRY(pg_run_format(locks->connection, err,
                      "set local lock_timeout = %" PRIu64
                      "; set local statement_timeout = %" PRIu64,
                      each_ms, all_ms + names->count / 4));
    text_append(&sql, "lock table ");
    for (size_t i = 0; i < names->count; i++)
        text_append_format(&sql, "%sonly %s", i == 0 ? "" : ", ", names->items[i]);
    text_append_format(&sql, " in %s mode", mode);
    return swap_locks_judge(locks, pg_run(locks->connection, text_string(&sql), err), err);
}

Status swap_locks_take_staged(SwapLocks *locks, Error *err)
{
    Status status =
        take(locks, locks->staged, "access exclusive", STAGED_TIMEOUT_MS, STAGED_TIMEOUT_MS, err);

    if (status < 0)
        error_prefix(err, "could not lock what is kept aside");
    locks->is_blocked = false; /* nobody was made to wait: it is not repeated here */
    return status;
}

Status swap_locks_reserve_live(SwapLocks *locks, Error *err)
{
    uint64_t within_ms = 0;

    TRY(read_deadlock_timeout(locks, &within_ms, err));
    within_ms += BEYOND_DEADLOCK_MS;
    return take(locks, locks->live, "share update exclusive", within_ms, within_ms * RESERVE_WAITS,
                err);
}

Status swap_locks_take_live(SwapLocks *locks, Error *err)
{
    uint64_t within_ms = common_timeout(locks);

    locks->began_ns = clock_monotonic_ns();
    return take(locks, locks->live, "access exclusive", within_ms, within_ms, err);
}

Status swap_locks_limit_others(SwapLocks *locks, int statement_ms, Error *err)
{
    uint64_t within_ms = common_timeout(locks);
    uint64_t passed_ms = (clock_monotonic_ns() - locks->began_ns) / 1000000;
    uint64_t left_ms =
        passed_ms + LEAST_OTHER_MS < within_ms ? within_ms - passed_ms : LEAST_OTHER_MS;

    return pg_run_format(locks->connection, err,
                         "set local lock_timeout = %" PRIu64 "; set local statement_timeout = %d",
                         left_ms, statement_ms);
}

void swap_locks_explain(SwapLocks *locks, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    Error later = {0}; /* the first error is the one that is told */

    if (find_blockers(locks, &rows, &later) >= 0)
        tell_blockers(locks, rows, err);
}
