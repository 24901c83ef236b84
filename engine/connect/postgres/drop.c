/*
 *   nothing -> staging --drop_staging--> (parts of it) --> marker 'dropped', no staging
 *                                                               |
 *                                                             finish --> no record of the run
 *
 *  D1  Only what lies in a schema that is recorded in stopover.object, and is recorded itself, is
 *      dropped (I3). Anything else in there, or hanging on it, ends the whole by its name.
 *  D2  CASCADE is for circles among what is ours. It stands only behind a proof, made in the same
 *      transaction under the locks on its tables, that nothing else would go along.
 *  D3  A transaction drops some relations: each takes a lock, and the server's table of locks is
 *      shared by all. A quarter of it is enough for hundreds, mostly.
 *  D4  Each begins with the fence (L2) and leaves less than before; the marker comes with the last.
 *      Repeating continues.
 *  D5  Extensions stay, whoever made them: by now others may use them. They are named.
 *  D6  Whoever watches is asked when a first transaction has done all but its commit: until then a
 *      refusal, a lock that is not to be had, our own end leave everything as it was.
 */
#include "engine/connect/postgres/drop.h"

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/foreign_objects.sql.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/next_drops.sql.h"
#include "engine/connect/postgres/our_objects.sql.h"
#include "engine/connect/postgres/outcome.h"
#include "engine/connect/postgres/sql_fill.h"

enum {
    LOCKS_MIN = 16, /* in one transaction */
    LOCKS_MAX = 2000,
    LOCK_TIMEOUT_MS = 2000, /* a foreign key to a live table locks that one, too */
};

static Status query(const Dropping *dropping, const char *sql, const char *more, PgRows **ret,
                    Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, &dropping->scope, NULL, 0);
    sql_fill(&text, more, &dropping->scope, NULL, 0);
    return pg_query(dropping->connection, text_string(&text), ret, err);
}

Status drop_end_step(PgConnection *connection, const char *point, Status status, Error *err)
{
    if (status >= 0)
        status = fault_before(point, err);
    if (status >= 0)
        status = pg_run(connection, "commit", err);
    if (status < 0) {
        pg_reset(connection);
        return status;
    }
    return fault_after(point, err);
}

/* D6. Once the commit is sent, nobody knows but the server. */
static Status end_dropping_step(const Dropping *dropping, const char *point, Status status,
                                Error *err)
{
    if (status >= 0)
        status = drop_watch_commit(dropping->watch, err);
    if (status >= 0 && dropping->watch != NULL)
        dropping->watch->has_begun = true;
    return drop_end_step(dropping->connection, point, status, err);
}

/* ---- the proof (D1, D2) ---- */

static Status refuse_foreign(const Dropping *dropping, const PgRows *rows, Error *err)
{
    size_t more = pg_row_count(rows) - 1;

    if (pg_is_null(rows, 0, 1))
        (void)error_kind(err, ERROR_REFUSED,
                         "our %s schemas hold something that this migration did not make: %s",
                         dropping->what, pg_value(rows, 0, 0));
    else
        (void)error_kind(err, ERROR_REFUSED,
                         "something that this migration did not make depends on its %s: %s (on %s)",
                         dropping->what, pg_value(rows, 0, 0), pg_value(rows, 0, 1));
    if (more > 0)
        error_remark(err, "and %zu%s more", more, more == 19 ? " or" : "");
    error_hint(err, "Drop it, or move it away, and run the same command again: ours cannot be "
                    "dropped without it.");
    return STATUS_INVALID;
}

Status drop_prove(const Dropping *dropping, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(dropping, our_objects_sql, foreign_objects_sql, &rows, err));
    return pg_row_count(rows) == 0 ? STATUS_OK : refuse_foreign(dropping, rows, err);
}

/* ---- dropping ---- */

/* D3 */
static Status count_locks(PgConnection *connection, uint64_t *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection,
                 "select pg_catalog.current_setting('max_locks_per_transaction')::bigint"
                 " * (pg_catalog.current_setting('max_connections')::bigint"
                 " + pg_catalog.current_setting('max_prepared_transactions')::bigint) / 4",
                 &rows, err));
    *ret = pg_unsigned(rows, 0, 0);
    if (*ret < LOCKS_MIN)
        *ret = LOCKS_MIN;
    if (*ret > LOCKS_MAX)
        *ret = LOCKS_MAX;
    return STATUS_OK;
}

/* As many as fit in one transaction, at least one. */
static size_t choose_batch(const PgRows *rows, uint64_t locks)
{
    uint64_t weight = 0;
    size_t count = 0;

    while (count < pg_row_count(rows)) {
        weight += pg_unsigned(rows, count, 1);
        if (count > 0 && weight > locks)
            break;
        count++;
    }
    return count;
}

static Status lock_batch(PgConnection *connection, const PgRows *rows, size_t count, Error *err)
{
    AUTO_TEXT Text sql = {0};

    for (size_t i = 0; i < count; i++) {
        if (pg_is_true(rows, i, 2))
            text_append_format(&sql, "%s%s", sql.size == 0 ? "lock table " : ", ",
                               pg_value(rows, i, 3));
    }
    if (sql.size == 0)
        return STATUS_OK;
    text_append(&sql, " in access exclusive mode");
    return pg_run(connection, text_string(&sql), err);
}

static Status drop_batch(const Dropping *dropping, uint64_t locks, bool *ret_more, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_TEXT Text sql = {0};

    TRY(pg_ledger_begin(dropping->connection, dropping->identity, err));
    TRY(pg_run_format(dropping->connection, err, "set local lock_timeout = %d", LOCK_TIMEOUT_MS));
    TRY(query(dropping, our_objects_sql, next_drops_sql, &rows, err));

    size_t count = choose_batch(rows, locks);

    *ret_more = count > 0;
    if (count == 0)
        return STATUS_OK;
    TRY(lock_batch(dropping->connection, rows, count, err));
    TRY(drop_prove(dropping, err)); /* D2 */
    for (size_t i = 0; i < count; i++)
        text_append_format(&sql, "%s;\n", pg_value(rows, i, 0));
    return pg_run(dropping->connection, text_string(&sql), err);
}

Status drop_objects(const Dropping *dropping, Error *err)
{
    uint64_t locks = 0;
    bool more = true;

    TRY(count_locks(dropping->connection, &locks, err));
    while (more) {
        Status status = drop_batch(dropping, locks, &more, err);

        if (more)
            TRY(end_dropping_step(dropping, dropping->point, status, err));
        else
            TRY(drop_end_step(dropping->connection, dropping->point, status, err));
    }
    return STATUS_OK;
}

Status drop_schemas(const Dropping *dropping, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(dropping,
              "select pg_catalog.quote_ident(n.nspname), n.nspname from stopover.object o"
              " join pg_catalog.pg_namespace n on n.oid = o.object_oid"
              " where o.run = :run and :attempt in (0, o.attempt)"
              " and o.class_oid = 'pg_catalog.pg_namespace'::regclass order by 1",
              "", &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        if (!name_is_ours(pg_value(rows, i, 1)))
            return error_kind(err, ERROR_REFUSED,
                              "schema \"%s\" is in our records but does not have our name",
                              pg_value(rows, i, 1));
        TRY(pg_run_format(dropping->connection, err, "drop schema %s restrict",
                          pg_value(rows, i, 0)));
    }
    return STATUS_OK;
}

/* D5 */
Status drop_note_extensions(const Dropping *dropping, Findings *notes, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(dropping,
              "select e.extname from stopover.object o"
              " join pg_catalog.pg_extension e on e.oid = o.object_oid"
              " where o.run = :run and :attempt in (0, o.attempt)"
              " and o.class_oid = 'pg_catalog.pg_extension'::regclass order by 1",
              "", &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        AUTO_FREE_MEMORY char *object = xasprintf("extension %s", pg_value(rows, i, 0));

        findings_add(notes, FINDING_NOTE, object, "Drop it if nothing else needs it.",
                     "was created for this migration and stays in the target");
    }
    return STATUS_OK;
}

static Status forget_attempt(const Dropping *dropping, Error *err)
{
    AUTO_TEXT Text sql = {0};

    sql_fill(&sql,
             "delete from stopover.chunk where run = :run and attempt = :attempt;"
             "delete from stopover.task where run = :run and attempt = :attempt;"
             "delete from stopover.object where run = :run and attempt = :attempt",
             &dropping->scope, NULL, 0);
    return pg_run(dropping->connection, text_string(&sql), err);
}

static Status end_dropping(const Dropping *dropping, Findings *notes, Error *err)
{
    TRY(pg_ledger_begin(dropping->connection, dropping->identity, err));
    TRY(drop_prove(dropping, err)); /* what was made while we dropped */
    TRY(drop_note_extensions(dropping, notes, err));
    TRY(drop_schemas(dropping, err));
    TRY(forget_attempt(dropping, err));
    TRY(outcome_mark(dropping->connection, dropping->identity, OUTCOME_DROPPED, err));
    return STATUS_OK;
}

Status pg_drop_staging(Stager *stager, const RunIdentity *identity, DropWatch *watch,
                       Findings *notes, Error *err)
{
    Dropping dropping = {.identity = identity,
                         .scope = *identity,
                         .what = "staging",
                         .point = "postgres.drop",
                         .watch = watch};
    Outcome outcome = OUTCOME_NONE;

    TRY(outcome_open(stager, &dropping.connection, err));
    if (dropping.connection == NULL)
        return STATUS_OK;
    TRY(outcome_read(dropping.connection, identity, &outcome, err));
    if (outcome == OUTCOME_DROPPED || outcome == OUTCOME_FINISHED)
        return STATUS_OK;
    if (outcome != OUTCOME_NONE)
        return outcome_refuse(identity, "drop the staging of", outcome, err);
    TRY(drop_prove(&dropping, err)); /* before anything is dropped */
    TRY(drop_objects(&dropping, err));
    return end_dropping_step(&dropping, "postgres.dropped", end_dropping(&dropping, notes, err),
                             err);
}
