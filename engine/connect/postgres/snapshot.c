/*
 * The order in which a snapshot is taken (trap 3), and what a token proves (trap 6).
 *
 *      list tables -> BEGIN, LOCK ... ACCESS SHARE -> first query: the snapshot -> list again
 *          ^                                                                          |
 *          +---------------------- another list: ROLLBACK ----------------------------+
 *
 *  S1  LOCK TABLE needs no snapshot, so the transaction's snapshot is younger than its locks: a
 *      TRUNCATE or rewrite of a listed table has either committed before it and is seen, or waits.
 *  S2  What the snapshot sees is what was locked, by name and OID; else all begins again. Locks are
 *      never waited for longer than LOCK_TIMEOUT_MS, because others queue up behind one who waits.
 *
 * A token of a primary is "DATABASE timeline N horizon XMIN:XMAX:XIP". With equal tokens at t1 and
 * t2, no transaction of the server that wrote a row has committed in between:
 *
 *  T1  Who writes a row has a transaction id X. XMAX is the latest completed id + 1. If X >= XMAX
 *      at t1, its end raises XMAX. If X < XMAX at t1 and it was still running, X stood in XIP, and
 *      its end takes it out, also when others of its like began: ids are given only once. Ids of
 *      subtransactions count nothing on their own: what they wrote shows with their top transaction.
 *  T2  A prepared transaction goes on standing in XIP after its session has ended, and through
 *      restarts, until COMMIT PREPARED takes it out.
 *  T3  A crash could take back ids that never reached the disk, and give them out once more; or take
 *      back what was committed asynchronously and was seen by us. So the token is only made after
 *      the log was flushed up to where it stood behind the snapshot. Each completed id has left a
 *      record before that point, so after any crash the next id is >= XMAX, and what the snapshot
 *      saw stays. When the log is not flushed within a moment, the token is one that equals none.
 *  T4  Another server, a promoted standby or a point-in-time recovery: the system's identifier and
 *      the timeline. (A data directory put back from a copy while it was switched off keeps both: no
 *      question that we may ask would tell.)
 *  T5  Not covered: nextval() may take up to 32 values without an id. Who drew them and wrote a row
 *      has one.
 *
 * It is false in the other direction, which is allowed: writes to other databases of the server,
 * ANALYZE and mere aborts change the horizon too.
 *
 * On a standby XIP is empty, whoever runs. There the token also has the position that was replayed,
 * the same before and after the snapshot was taken. What is seen is a function of that: a position
 * is told once its record was replayed as a whole, so for the instant in which a commit shows and
 * its record is not told yet, the position lags; then XMAX tells, unless the id was below it before.
 * The timeline is that of the last restart point.
 */
#include "engine/connect/postgres/snapshot.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/describe.h"
#include "engine/connect/postgres/identity.h"

#define UNSETTLED "unsettled"

enum {
    HOLD_TRIES = 5,
    LOCK_TIMEOUT_MS = 2000,
    LOCK_BATCH = 200,
    FLUSH_LOOKS = 40, /* the log's writer flushes within three times its delay of 200 ms */
    FLUSH_LOOK_MS = 25,
};

void pg_snapshot_release(PgSnapshot *snapshot)
{
    free(snapshot->id);
    free(snapshot->token);
    *snapshot = (PgSnapshot){0};
}

/* ---- the state of the server ---- */

typedef struct ServerState {
    char *database; /* with its server */
    char *timeline;
    char *replayed; /* of a standby; else NULL */
    char *horizon;
} ServerState;

static void server_state_release(ServerState *state)
{
    free(state->database);
    free(state->timeline);
    free(state->replayed);
    free(state->horizon);
    *state = (ServerState){0};
}
#define AUTO_SERVER_STATE __attribute__((cleanup(server_state_release)))

static Status read_standby(PgConnection *connection, ServerState *state, Error *err)
{
    TRY(pg_query_text(connection, "select pg_last_wal_replay_lsn()", &state->replayed, err));
    return pg_query_text(connection, "select timeline_id from pg_control_checkpoint()",
                         &state->timeline, err);
}

static Status read_primary(PgConnection *connection, ServerState *state, Error *err)
{
    return pg_query_text(connection, "select left(pg_walfile_name(pg_current_wal_lsn()), 8)",
                         &state->timeline, err);
}

/* As it is now. STATUS_DONE when this role may not ask. */
static Status server_state_read(PgConnection *connection, ServerState *ret, Error *err)
{
    AUTO_SERVER_STATE ServerState state = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_identity(connection, &state.database, err));
    TRY(pg_query(connection, "select pg_is_in_recovery()", &rows, err));
    Error refused = {0};
    Status status = pg_is_true(rows, 0, 0) ? read_standby(connection, &state, &refused)
                                           : read_primary(connection, &state, &refused);
    if (status < 0 && strcmp(refused.sqlstate, "42501") == 0)
        return STATUS_DONE;
    if (status < 0) {
        *err = refused;
        return status;
    }
    /* Last: what was written while the rest was asked for shows here. */
    TRY(pg_query_text(connection, "select txid_current_snapshot()", &state.horizon, err));
    *ret = state;
    state = (ServerState){0};
    return STATUS_OK;
}

static char *make_token(const ServerState *state, const char *horizon)
{
    return xasprintf("%s timeline %s%s%s horizon %s", state->database,
                     state->timeline ? state->timeline : "", state->replayed ? " replayed " : "",
                     state->replayed ? state->replayed : "", horizon);
}

/* A token that is equal to none. */
static char *make_unsettled(void)
{
    return xasprintf(UNSETTLED " %016" PRIx64, random_u64());
}

/* T3. STATUS_DONE when it takes too long, or when this role may not ask. */
static Status wait_for_flush(PgConnection *witness, Error *err)
{
    AUTO_FREE_MEMORY char *position = NULL;
    TRY(pg_query_text(witness, "select pg_current_wal_insert_lsn()", &position, err));
    for (unsigned i = 0; i < FLUSH_LOOKS; i++) {
        AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
        const char *parameter = position;
        TRY(pg_query_bound(witness, "select pg_current_wal_flush_lsn() >= $1::pg_lsn", &parameter,
                           1, &rows, err));
        if (pg_is_true(rows, 0, 0))
            return STATUS_OK;
        TRY(stop_check(err));
        clock_sleep_ms(FLUSH_LOOK_MS);
    }
    return STATUS_DONE;
}

/* Is what the snapshot saw there for good? before: the state of before it was taken. */
static Status settle(PgConnection *witness, const ServerState *before, Error *err)
{
    if (before->replayed) {
        AUTO_SERVER_STATE ServerState after = {0};
        TRY(server_state_read(witness, &after, err));
        bool is_same = after.replayed && strcmp(after.replayed, before->replayed) == 0;
        return is_same ? STATUS_OK : STATUS_DONE;
    }
    Error refused = {0};
    Status status = wait_for_flush(witness, &refused);
    if (status < 0 && strcmp(refused.sqlstate, "42501") == 0)
        return STATUS_DONE;
    if (status < 0)
        *err = refused;
    return status;
}

Status pg_snapshot_state(PgConnection *connection, char **ret, Error *err)
{
    AUTO_SERVER_STATE ServerState state = {0};
    *ret = NULL;
    Status status = server_state_read(connection, &state, err);
    if (status != STATUS_OK || state.replayed)
        return status < 0 ? status : STATUS_OK;
    status = settle(connection, &state, err);
    TRY(status);
    if (status == STATUS_OK)
        *ret = make_token(&state, state.horizon);
    return STATUS_OK;
}

Status pg_snapshot_changed(PgConnection *connection, const char *token, bool *ret, Error *err)
{
    AUTO_SERVER_STATE ServerState state = {0};
    AUTO_FREE_MEMORY char *now = NULL;
    *ret = true;
    if (strncmp(token, UNSETTLED, strlen(UNSETTLED)) == 0)
        return STATUS_OK;
    Status status = server_state_read(connection, &state, err);
    if (status != STATUS_OK)
        return status < 0 ? status : STATUS_OK;
    now = make_token(&state, state.horizon);
    *ret = strcmp(now, token) != 0;
    return STATUS_OK;
}

/* ---- locks ---- */

/* Names and OIDs at the same places. */
typedef struct LockList {
    TextList names;
    TextList oids;
} LockList;

static void lock_list_release(LockList *list)
{
    text_list_release(&list->names);
    text_list_release(&list->oids);
}
#define AUTO_LOCK_LIST __attribute__((cleanup(lock_list_release)))

static bool is_same_list(const TextList *a, const TextList *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

static Status lock_tables(PgConnection *holder, const TextList *names, Error *err)
{
    for (size_t i = 0; i < names->count;) {
        AUTO_TEXT Text sql = {0};
        text_append(&sql, "LOCK TABLE ");
        for (size_t n = 0; n < LOCK_BATCH && i < names->count; n++, i++)
            text_append_format(&sql, "%sONLY %s", n ? ", " : "", names->items[i]);
        text_append(&sql, " IN ACCESS SHARE MODE");
        TRY(stop_check(err));
        TRY(pg_run(holder, text_string(&sql), err));
    }
    return STATUS_OK;
}

static bool is_state(const Error *err, const char *sqlstate)
{
    return strcmp(err->sqlstate, sqlstate) == 0;
}

/* STATUS_DONE when a table is not there any more. */
static Status begin_locked(PgConnection *holder, const LockList *list, Error *err)
{
    AUTO_FREE_MEMORY char *begin =
        xasprintf("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = %d",
                  LOCK_TIMEOUT_MS);
    TRY(pg_run(holder, begin, err));
    Status status = lock_tables(holder, &list->names, err);
    if (status < 0 && (is_state(err, "42P01") || is_state(err, "3F000"))) {
        error_clear(err);
        return STATUS_DONE;
    }
    if (status < 0 && is_state(err, "55P03"))
        error_hint(err, "Another session holds an exclusive lock on a table: wait until it is done "
                        "with it, or end it.");
    if (status < 0)
        error_prefix(err, "could not lock the tables of the source");
    return status;
}

/* ---- the snapshot ---- */

/* STATUS_DONE when other tables were locked than the snapshot has. */
static Status export_snapshot(PgConnection *holder, const Selection *selection,
                              const LockList *locked, PgSnapshot *ret, char **ret_horizon,
                              Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_LOCK_LIST LockList seen = {0};
    TRY(pg_query(holder, "select pg_export_snapshot(), txid_current_snapshot()", &rows, err));
    TRY(pg_describe_lock_list(holder, selection, &seen.names, &seen.oids, err));
    if (!is_same_list(&locked->names, &seen.names) || !is_same_list(&locked->oids, &seen.oids))
        return STATUS_DONE;
    ret->id = xstrdup(pg_value(rows, 0, 0));
    *ret_horizon = xstrdup(pg_value(rows, 0, 1));
    return STATUS_OK;
}

/* One try: STATUS_DONE when it has to be begun again. */
static Status try_snapshot(PgConnection *holder, PgConnection *witness, const Selection *selection,
                           PgSnapshot *snapshot, Error *err)
{
    AUTO_LOCK_LIST LockList list = {0};
    AUTO_SERVER_STATE ServerState before = {0};
    AUTO_FREE_MEMORY char *horizon = NULL;
    TRY(pg_describe_lock_list(holder, selection, &list.names, &list.oids, err));
    Status known = server_state_read(witness, &before, err);
    TRY(known);
    Status status = begin_locked(holder, &list, err);
    TRY(status);
    if (status == STATUS_OK) {
        TRY(fault_after("postgres.lock", err));
        status = export_snapshot(holder, selection, &list, snapshot, &horizon, err);
        TRY(status);
    }
    if (status == STATUS_DONE)
        return status;
    if (known == STATUS_OK)
        known = settle(witness, &before, err);
    TRY(known);
    snapshot->token = known == STATUS_OK ? make_token(&before, horizon) : make_unsettled();
    return STATUS_OK;
}

Status pg_snapshot_take(PgConnection *holder, PgConnection *witness, const Selection *selection,
                        PgSnapshot *ret, Error *err)
{
    AUTO_PG_SNAPSHOT PgSnapshot snapshot = {0};
    for (unsigned i = 0; i < HOLD_TRIES; i++) {
        Status status = try_snapshot(holder, witness, selection, &snapshot, err);
        TRY(status);
        if (status == STATUS_OK) {
            *ret = snapshot;
            snapshot = (PgSnapshot){0};
            return STATUS_OK;
        }
        TRY(pg_run(holder, "ROLLBACK", err));
    }
    error_set(err, STATUS_RETRY,
              "could not take one snapshot of the source: its tables come and go all the time");
    error_hint(err, "Let the program pause that creates and drops tables, or leave its tables out "
                    "with --exclude-table.");
    return STATUS_RETRY;
}
