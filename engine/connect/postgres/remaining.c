/*
 * One statement at a time, each in one transaction with the list in the marker becoming shorter; null
 * when all is done. A key that does not hold for rows that are there already cannot be validated: that
 * is told, and tried again the next time.
 */
#include "engine/connect/postgres/remaining.h"

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/outcome.h"
#include "engine/connect/postgres/promote.h"
#include "engine/connect/postgres/sql_fill.h"

/* is_done may be NULL: none. */
static char *print_list(const TextList *statements, const bool *is_done)
{
    AUTO_FREE(json_free) Json *list = json_array();

    for (size_t i = 0; i < statements->count; i++) {
        if (is_done == NULL || !is_done[i])
            json_add_string(list, statements->items[i]);
    }
    return json_print(list, false);
}

static Status run_filled(PgConnection *connection, const RunIdentity *identity, const char *sql,
                         const SqlValue *values, size_t count, Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, identity, values, count);
    return pg_run(connection, text_string(&text), err);
}

Status remaining_store(PgConnection *connection, const RunIdentity *identity, Outcome outcome,
                       const char *inverse, const TextList *statements, Error *err)
{
    AUTO_FREE_MEMORY char *list = print_list(statements, NULL);
    const SqlValue values[] = {
        {.name = "kind", .text = outcome_name(outcome)},
        {.name = "inverse", .text = inverse != NULL ? inverse : ""},
        {.name = "remaining", .text = list},
    };

    return run_filled(connection, identity,
                      "update stopover.marker set inverse = nullif(:inverse, ''),"
                      " remaining = :remaining where run = :run and attempt = :attempt"
                      " and kind = :kind",
                      values, 3, err);
}

Status remaining_rename(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    return run_filled(connection, identity,
                      "update stopover.object o set name = coalesce((select i.identity"
                      " from pg_catalog.pg_identify_object(o.class_oid, o.object_oid, 0) i),"
                      " o.name) where o.run = :run and o.attempt = :attempt and o.role = 'staging'"
                      " and pg_catalog.strpos(o.name, '_staging_' || :id) > 0",
                      NULL, 0, err);
}

/* ---- carrying it out ---- */

typedef struct Remaining {
    PgConnection *connection;
    const RunIdentity *identity;
    Outcome outcome;
    TextList statements;
    bool *is_done; /* by statement */
    size_t done;
    Findings *notes;
} Remaining;

/* STATUS_DONE when nothing is left. */
static Status load(Remaining *remaining, Error *err)
{
    const SqlValue kind = {.name = "kind", .text = outcome_name(remaining->outcome)};
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_FREE(json_free) Json *list = NULL;

    sql_fill(&sql,
             "select remaining from stopover.marker where run = :run and attempt = :attempt"
             " and kind = :kind and remaining is not null",
             remaining->identity, &kind, 1);
    TRY(pg_query(remaining->connection, text_string(&sql), &rows, err));
    if (pg_row_count(rows) == 0)
        return STATUS_DONE;
    TRY(json_parse(pg_value(rows, 0, 0), &list, err));
    for (const Json *item = json_at(list, 0); item != NULL; item = json_next(item))
        text_list_add(&remaining->statements, json_string(item) != NULL ? json_string(item) : "");
    remaining->is_done = xcalloc(remaining->statements.count + 1, sizeof(bool));
    return STATUS_OK;
}

static Status save(const Remaining *remaining, Error *err)
{
    AUTO_FREE_MEMORY char *list = print_list(&remaining->statements, remaining->is_done);
    const SqlValue values[] = {
        {.name = "kind", .text = outcome_name(remaining->outcome)},
        {.name = "remaining", .text = list},
    };

    return run_filled(remaining->connection, remaining->identity,
                      "update stopover.marker set remaining = nullif(:remaining, '[]')"
                      " where run = :run and attempt = :attempt and kind = :kind",
                      values, 2, err);
}

static Status end(const Remaining *remaining, Status status, Error *err)
{
    if (status >= 0)
        status = fault_before("postgres.complete", err);
    if (status >= 0)
        status = pg_run(remaining->connection, "commit", err);
    if (status < 0) {
        pg_reset(remaining->connection);
        return status;
    }
    return fault_after("postgres.complete", err);
}

static Status run_and_save(Remaining *remaining, size_t at, Error *err)
{
    TRY(pg_ledger_begin(remaining->connection, remaining->identity, err));
    TRY(pg_run(remaining->connection, remaining->statements.items[at], err));
    remaining->is_done[at] = true;
    return save(remaining, err);
}

static Status run_one(Remaining *remaining, size_t at, Error *err)
{
    Status status = end(remaining, run_and_save(remaining, at, err), err);

    if (status >= 0) {
        remaining->done++;
        return STATUS_OK;
    }
    remaining->is_done[at] = false;
    if (strncmp(err->sqlstate, "23", 2) != 0)
        return status;
    findings_add(remaining->notes, FINDING_WARNING, NULL,
                 "Correct the rows that it names nothing for, then run the same command again: "
                 "new rows are checked already.",
                 "a key could not be validated: %s", err->message);
    error_clear(err);
    return STATUS_OK;
}

/* First of all the names: they say what was promoted, should somebody rename or drop it. */
static Status begin(Remaining *remaining, Error *err)
{
    TRY(pg_ledger_begin(remaining->connection, remaining->identity, err));
    if (remaining->outcome == OUTCOME_PROMOTED)
        TRY(remaining_rename(remaining->connection, remaining->identity, err));
    return save(remaining, err);
}

static Status carry_out(Remaining *remaining, Error *err)
{
    TRY(end(remaining, begin(remaining, err), err));
    for (size_t i = 0; i < remaining->statements.count; i++)
        TRY(run_one(remaining, i, err));
    if (remaining->done > 0)
        findings_add(remaining->notes, FINDING_NOTE, NULL, NULL,
                     "%zu foreign key%s of other tables %s validated", remaining->done,
                     remaining->done == 1 ? "" : "s", remaining->done == 1 ? "was" : "were");
    return STATUS_OK;
}

static Status complete_interruptible(Remaining *remaining, Error *err)
{
    Status status = STATUS_OK;

    pg_set_interruptible(remaining->connection, true);
    status = carry_out(remaining, err);
    pg_set_interruptible(remaining->connection, false);
    if (status < 0)
        error_prefix(err, "what was exchanged is live, but keys of other tables are not validated "
                          "yet");
    return status;
}

Status pg_complete(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err)
{
    Remaining remaining = {.identity = identity, .notes = notes};

    TRY(outcome_open(stager, &remaining.connection, err));
    if (remaining.connection == NULL)
        return STATUS_OK;
    TRY(outcome_read(remaining.connection, identity, &remaining.outcome, err));
    if (remaining.outcome != OUTCOME_PROMOTED && remaining.outcome != OUTCOME_ROLLED_BACK)
        return STATUS_OK;

    Status status = load(&remaining, err);

    if (status == STATUS_OK)
        status = complete_interruptible(&remaining, err);
    text_list_release(&remaining.statements);
    free(remaining.is_done);
    return status < 0 ? status : STATUS_OK;
}
