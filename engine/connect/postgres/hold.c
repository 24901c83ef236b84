#include "engine/connect/postgres/hold.h"

#include <string.h>

#include "engine/base/fault.h"

enum {
    /*
     * A reader's lock may have to wait behind somebody's ALTER TABLE, which waits for the holder,
     * which waits for the readers: no server sees that circle. So a reader waits a moment only, and
     * tries again until the patience of the run is spent; then all locks are given back.
     */
    READER_LOCK_TIMEOUT_MS = 10000,
};

Status pg_hold_lost(PgHold *hold, Error *err)
{
    atomic_store(&hold->is_lost, true);
    error_set(err, STATUS_FAILED,
              "the snapshot of the source is gone: the session that held it has ended");
    err->kind = ERROR_WAITING;
    error_hint(err,
               "Run the same command again: it takes a new snapshot, keeps the tables that did "
               "not change and copies the others again.");
    return STATUS_FAILED;
}

/* 55000: the exporting process is not running any more; 22023, 42704 (18 on): no such snapshot. */
bool pg_hold_may_be_lost(const Error *err)
{
    static const char *const states[] = {"55000", "22023", "42704"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    }
    return false;
}

Status pg_hold_append_import(PgHold *hold, Text *sql, Error *err)
{
    TRY(fault_before("postgres.import", err));
    if (!hold->snapshot || atomic_load(&hold->is_lost))
        return pg_hold_lost(hold, err);
    text_append_format(sql,
                       "; COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                       "SET LOCAL lock_timeout = %d; SET TRANSACTION SNAPSHOT '%s'",
                       READER_LOCK_TIMEOUT_MS, hold->snapshot);
    return STATUS_OK;
}

Status pg_hold_import(PgHold *hold, PgConnection *connection, Error *err)
{
    AUTO_TEXT Text sql = {0};
    TRY(pg_hold_append_import(hold, &sql, err));
    Status status = pg_run(connection, text_string(&sql), err);
    if (status < 0 && pg_hold_may_be_lost(err))
        return pg_hold_lost(hold, err);
    return status;
}
