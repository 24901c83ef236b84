/*
 * The ledger's objects and markers: what is ours (L3 in ledger.c), and which points were passed.
 */
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger_query.h"

void ledger_objects_release(LedgerObjects *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        free(objects->items[i].role);
        free(objects->items[i].type);
        free(objects->items[i].name);
    }
    free(objects->items);
    *objects = (LedgerObjects){0};
}

Status ledger_add_object(Db *db, const RunIdentity *identity, const char *role, const char *type,
                         const char *name, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *insert = NULL;

    TRY(ledger_prepare(db, identity,
                       "insert into stopover_object(run, attempt, role, type, name)"
                       " values (?1, ?2, ?3, ?4, ?5)",
                       &insert, err));
    ledger_bind_text(insert, 3, role);
    ledger_bind_text(insert, 4, type);
    ledger_bind_text(insert, 5, name);
    return ledger_run(db, insert, err);
}

Status ledger_remove_object(Db *db, const RunIdentity *identity, const char *name, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *remove = NULL;

    TRY(ledger_prepare(db, identity,
                       "delete from stopover_object"
                       " where run = ?1 and attempt = ?2 and name = ?3",
                       &remove, err));
    ledger_bind_text(remove, 3, name);
    return ledger_run(db, remove, err);
}

Status ledger_has_object(Db *db, const RunIdentity *identity, const char *role, const char *type,
                         const char *name, bool *ret, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;

    TRY(ledger_prepare(db, identity,
                       "select 1 from stopover_object where run = ?1 and attempt = ?2 and role = ?3"
                       " and type = ?4 and name = ?5",
                       &query, err));
    ledger_bind_text(query, 3, role);
    ledger_bind_text(query, 4, type);
    ledger_bind_text(query, 5, name);

    Status status = db_step(db, query, "read the ledger", err);

    TRY(status);
    *ret = status == STATUS_OK;
    return STATUS_OK;
}

/* ---- what was promoted (L5) ---- */

Status ledger_follow_live(Db *db, const RunIdentity *identity, const char *from, const char *to,
                          Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *update = NULL;

    TRY(ledger_prepare(db, identity,
                       "update stopover_object set name = ?4 where role = 'live' and name = ?3",
                       &update, err));
    ledger_bind_text(update, 3, from);
    ledger_bind_text(update, 4, to);
    return ledger_run(db, update, err);
}

Status ledger_take_live(Db *db, const RunIdentity *identity, const char *name, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *remove = NULL;

    /* One that is still there had its table dropped by somebody: it must not pass for ours. */
    TRY(ledger_prepare(db, identity,
                       "delete from stopover_object where role = 'live' and name = ?3", &remove,
                       err));
    ledger_bind_text(remove, 3, name);
    TRY(ledger_run(db, remove, err));
    return ledger_add_object(db, identity, LEDGER_LIVE, "table", name, err);
}

static Status refuse_overtaken(Db *db, const RunIdentity *identity, const char *name, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    Status status = STATUS_OK;

    TRY(ledger_prepare(db, identity,
                       "select migration from stopover_object join stopover_run using (run)"
                       " where role = 'live' and name = ?3",
                       &query, err));
    ledger_bind_text(query, 3, name);
    TRY(db_step(db, query, "read the ledger", err));

    const char *other = db_column_text(query, 0); /* NULL without a row */

    if (other == NULL) {
        status = error_kind(err, ERROR_REFUSED,
                            "table \"%s\" was replaced after migration \"%s\" promoted it", name,
                            identity->migration);
        error_hint(err,
                   "Nothing was changed. What it had replaced is kept as *_retired_%s until "
                   "`stopover finish %s`: take from there what you need.",
                   identity->id, identity->migration);
    } else {
        status =
            error_kind(err, ERROR_REFUSED,
                       "table \"%s\" was promoted again since, by migration \"%s\"", name, other);
        error_hint(err,
                   "Nothing was changed. Run `stopover rollback %s` first: the last promotion "
                   "is the first to be taken back.",
                   other);
    }
    return status;
}

Status ledger_leave_live(Db *db, const RunIdentity *identity, const char *name, Error *err)
{
    bool is_ours = false;

    TRY(ledger_has_object(db, identity, LEDGER_LIVE, "table", name, &is_ours, err));
    if (!is_ours)
        return refuse_overtaken(db, identity, name, err);
    return ledger_remove_object(db, identity, name, err);
}

/* ---- lists ---- */

Status ledger_objects(Db *db, const RunIdentity *identity, uint32_t attempt, LedgerObjects *ret,
                      Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    Status status = STATUS_OK;

    TRY(ledger_prepare(db, identity,
                       "select attempt, role, type, name from stopover_object"
                       " where run = ?1 and ?2 in (0, attempt) order by attempt, role, name",
                       &query, err));
    ledger_bind_integer(query, 2, attempt);
    while ((status = db_step(db, query, "read the ledger", err)) == STATUS_OK) {
        GROW(ret->items, ret->count, ret->capacity);
        ret->items[ret->count++] =
            (LedgerObject){.attempt = (uint32_t)sqlite3_column_int64(query, 0),
                           .role = xstrdup(db_column_text(query, 1)),
                           .type = xstrdup(db_column_text(query, 2)),
                           .name = xstrdup(db_column_text(query, 3))};
    }
    return status < 0 ? status : STATUS_OK;
}

Status ledger_add_marker(Db *db, const RunIdentity *identity, Outcome outcome, const char *inverse,
                         const char *row_counts, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *insert = NULL;

    TRY(ledger_prepare(db, identity,
                       "insert into stopover_marker(run, attempt, kind, at_us, inverse, row_counts)"
                       " values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do nothing",
                       &insert, err));
    ledger_bind_text(insert, 3, outcome_name(outcome));
    ledger_bind_integer(insert, 4, (uint64_t)clock_wall_us());
    ledger_bind_text(insert, 5, inverse);
    ledger_bind_text(insert, 6, row_counts);
    return ledger_run(db, insert, err);
}

static Status has_marker(Db *db, const RunIdentity *identity, Outcome outcome, bool *ret,
                         Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;

    TRY(ledger_prepare(db, identity,
                       "select 1 from stopover_marker where run = ?1 and kind = ?3"
                       " and (attempt = ?2 or kind = 'finished')",
                       &query, err));
    ledger_bind_text(query, 3, outcome_name(outcome));

    Status status = db_step(db, query, "read the ledger", err);

    TRY(status);
    *ret = status == STATUS_OK;
    return STATUS_OK;
}

Status ledger_outcome(Db *db, const RunIdentity *identity, Outcome *ret, Error *err)
{
    /* The last point passed counts. */
    static const Outcome order[] = {OUTCOME_FINISHED, OUTCOME_ROLLED_BACK, OUTCOME_PROMOTED,
                                    OUTCOME_DROPPED};
    bool exists = false;

    TRY(ledger_check(db, &exists, err));
    for (size_t i = 0; exists && i < sizeof(order) / sizeof(order[0]); i++) {
        bool is_passed = false;

        TRY(has_marker(db, identity, order[i], &is_passed, err));
        if (is_passed) {
            *ret = order[i];
            return STATUS_OK;
        }
    }
    *ret = OUTCOME_NONE;
    return STATUS_OK;
}

Status ledger_read_promotion(Db *db, const RunIdentity *identity, char **ret_inverse,
                             char **ret_row_counts, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;

    TRY(ledger_prepare(db, identity,
                       "select inverse, row_counts from stopover_marker"
                       " where run = ?1 and attempt = ?2 and kind = ?3",
                       &query, err));
    ledger_bind_text(query, 3, outcome_name(OUTCOME_PROMOTED));

    Status status = db_step(db, query, "read the ledger", err);

    TRY(status);
    if (status == STATUS_DONE || db_column_text(query, 0) == NULL)
        return error_kind(err, ERROR_REFUSED, "migration \"%s\" has not been promoted",
                          identity->migration);
    *ret_inverse = xstrdup(db_column_text(query, 0));
    *ret_row_counts = xstrdup(db_column_text(query, 1));
    return STATUS_OK;
}
