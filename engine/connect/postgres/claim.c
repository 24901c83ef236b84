/*
 * How one driver takes a run, and stays the only one (I7).
 *
 *   look at the server -> lock -> end zombies -> raise the epoch -> unlogged tables -> claimed
 *                          ^  |
 *                          |  v  held by a session of this run: end it
 *                         wait
 *
 *  K1  Who claims holds the migration's file lock: every other session of the run belongs to a
 *      process that is gone, or thinks it is. Such sessions are ended, with what they had begun
 *      (trap 17).
 *  K2  From its first step on, the claiming session is named with an epoch above the one that is
 *      recorded. A driver of an older epoch that connects again ends only sessions up to its own.
 *  K3  The epoch rises after that: a transaction that began before it is waited for, one that begins
 *      later fails its fence.
 */
#include "engine/connect/postgres/claim.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/control.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/look_at_server.sql.h"
#include "engine/connect/postgres/raise_epoch.sql.h"
#include "engine/connect/postgres/run_lock.sql.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/unlogged.h"

enum {
    LOCK_TRIES = 5,
};

/* ---- may it be a target? ---- */

static Status refuse_server(const char *message, const char *hint, Error *err)
{
    Status status = error_kind(err, ERROR_REFUSED, "%s", message);

    error_hint(err, "%s", hint);
    return status;
}

static Status check_server(PgConnection *connection, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection, look_at_server_sql, &rows, err));
    if (pg_is_true(rows, 0, 0))
        return refuse_server("the target is a standby: it cannot be written to",
                             "Give the address of its primary.", err);
    if (pg_is_true(rows, 0, 1))
        return refuse_server("the target is read-only",
                             "Give the address of a server that can be written to.", err);
    if (!pg_is_true(rows, 0, 2))
        return refuse_server(
            "there is no right to create schemas in the target database",
            "Grant it: GRANT CREATE ON DATABASE ... TO ..., or connect as the database's owner.",
            err);
    return STATUS_OK;
}

/* ---- the lock (L4) ---- */

typedef struct RunLock {
    bool is_ours;
    char *holders; /* server processes, as "{17}"; NULL when it was free again by then */
} RunLock;

static void run_lock_release(RunLock *lock)
{
    free(lock->holders);
}

static Status try_lock(PgConnection *connection, const RunIdentity *identity, RunLock *ret,
                       Error *err)
{
    AUTO_FREE_MEMORY char *key =
        xasprintf("%" PRId64, (int64_t)key_hash(identity->run, strlen(identity->run), 0));
    const char *parameters[] = {key};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query_bound(connection, run_lock_sql, parameters, 1, &rows, err));
    ret->is_ours = pg_is_true(rows, 0, 0);
    free(ret->holders);
    ret->holders = pg_is_null(rows, 0, 1) ? NULL : xstrdup(pg_value(rows, 0, 1));
    return STATUS_OK;
}

static Status refuse_locked(const RunIdentity *identity, const RunLock *lock, Error *err)
{
    Status status =
        error_kind(err, ERROR_LOCKED, "another process drives migration \"%s\" (server process %s)",
                   identity->migration, lock->holders != NULL ? lock->holders : "unknown");

    error_hint(err, "Let that process go on, or end it and run the same command again.");
    return status;
}

/* A holder that is not of this run stays after sessions_end(). */
static Status take_lock(PgConnection *connection, const RunIdentity *identity, uint64_t max_epoch,
                        Error *err)
{
    __attribute__((cleanup(run_lock_release))) RunLock lock = {0};

    for (int i = 0; i < LOCK_TRIES; i++) {
        TRY(try_lock(connection, identity, &lock, err));
        if (lock.is_ours)
            return STATUS_OK;
        if (lock.holders != NULL)
            TRY(sessions_end(connection, identity, lock.holders, max_epoch, err));
    }
    return refuse_locked(identity, &lock, err);
}

static Status set_name(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    AUTO_FREE_MEMORY char *name = pg_application_name(identity, "control");
    const char *parameters[] = {name};

    return pg_run_bound(connection, "select pg_catalog.set_config('application_name', $1, false)",
                        parameters, 1, err);
}

Status claim_again(PgConnection *connection, const RunIdentity *claimed, Error *err)
{
    TRY(ledger_check_epoch(connection, claimed, err));
    return take_lock(connection, claimed, claimed->epoch, err);
}

/* ---- the epoch ---- */

static Status raise_epoch(PgConnection *connection, const RunIdentity *identity, uint64_t *ret,
                          Error *err)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_run(connection, "begin; set local lock_timeout = '60s'", err));
    TRY(pg_control_lock(connection, err)); /* also while it is only looked for: see target.h */
    TRY(control_create(connection, err));
    sql_fill(&sql, raise_epoch_sql, identity, NULL, 0);
    TRY(pg_query(connection, text_string(&sql), &rows, err));
    TRY(pg_run(connection, "commit", err));
    *ret = pg_unsigned(rows, 0, 0);
    return STATUS_OK;
}

static Status claim_session(PgConnection *connection, RunIdentity *claimed, Error *err)
{
    uint64_t epoch = 0;
    RunIdentity coming = *claimed;

    TRY(check_server(connection, err));
    coming.epoch++;
    TRY(set_name(connection, &coming, err)); /* K2 */
    TRY(take_lock(connection, claimed, INT64_MAX, err));
    TRY(sessions_end(connection, claimed, NULL, INT64_MAX, err)); /* K1 */

    Status status = raise_epoch(connection, claimed, &epoch, err);

    if (status < 0) {
        pg_reset(connection);
        return status;
    }
    claimed->epoch = epoch;
    TRY(set_name(connection, claimed, err));
    return unlogged_check(connection, claimed, err);
}

Status claim_target(PgTarget *target, RunIdentity *identity, Error *err)
{
    PgConnection *connection = NULL;
    RunIdentity claimed = *identity;

    TRY(fault_before("postgres.claim", err));
    target->claimed.epoch = 0; /* a connection made for this claim takes no lock by itself */
    TRY(pg_target_control(target, &connection, err));
    TRY(claim_session(connection, &claimed, err));
    target->claimed = claimed;
    *identity = claimed;
    return fault_after("postgres.claim", err);
}
