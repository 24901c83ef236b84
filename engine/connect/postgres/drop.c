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
 */
#include "engine/connect/postgres/drop.h"

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/foreign_objects.sql.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/next_drops.sql.h"
#include "engine/connect/postgres/our_objects.sql.h"
#include "engine/connect/postgres/sql_fill.h"

enum {
    LOCKS_MIN = 16, /* in one transaction */
    LOCKS_MAX = 2000,
};

static Status query(PgConnection *connection, const RunIdentity *identity, const char *sql,
                    const char *more, PgRows **ret, Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, identity, NULL, 0);
    sql_fill(&text, more, identity, NULL, 0);
    return pg_query(connection, text_string(&text), ret, err);
}

static Status run(PgConnection *connection, const RunIdentity *identity, const char *sql,
                  Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, identity, NULL, 0);
    return pg_run(connection, text_string(&text), err);
}

/* *ret is NULL when the target has no records of anybody. */
static Status open_ours(Stager *stager, PgConnection **ret, Error *err)
{
    PgConnection *connection = NULL;
    bool exists = false;

    TRY(pg_target_control(pg_target_of_stager(stager), &connection, err));
    TRY(pg_control_exists(connection, &exists, err));
    *ret = exists ? connection : NULL;
    return STATUS_OK;
}

static Status end_step(PgConnection *connection, const char *point, Status status, Error *err)
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

/* ---- where it stands ---- */

static Status read_outcome(PgConnection *connection, const RunIdentity *identity, Outcome *ret,
                           Error *err)
{
    static const Outcome outcomes[] = {OUTCOME_FINISHED, OUTCOME_DROPPED, OUTCOME_ROLLED_BACK,
                                       OUTCOME_PROMOTED};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    *ret = OUTCOME_NONE;
    TRY(query(connection, identity,
              "select kind from stopover.marker where run = :run and attempt = :attempt", "", &rows,
              err));
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        for (size_t j = 0; j < pg_row_count(rows); j++) {
            if (strcmp(pg_value(rows, j, 0), outcome_name(outcomes[i])) != 0)
                continue;
            *ret = outcomes[i]; /* the latest of its kinds comes first in the list */
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

Status pg_outcome(Stager *stager, const RunIdentity *identity, Outcome *ret, Error *err)
{
    PgConnection *connection = NULL;

    *ret = OUTCOME_NONE;
    TRY(open_ours(stager, &connection, err));
    return connection == NULL ? STATUS_OK : read_outcome(connection, identity, ret, err);
}

static Status add_marker(PgConnection *connection, const RunIdentity *identity, Outcome outcome,
                         Error *err)
{
    const SqlValue kind = {.name = "kind", .text = outcome_name(outcome)};
    AUTO_TEXT Text sql = {0};

    sql_fill(&sql,
             "insert into stopover.marker (run, attempt, kind) values (:run, :attempt, :kind)"
             " on conflict do nothing",
             identity, &kind, 1);
    return pg_run(connection, text_string(&sql), err);
}

Status pg_list_kept(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err)
{
    PgConnection *connection = NULL;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(open_ours(stager, &connection, err));
    if (connection == NULL)
        return STATUS_OK;
    TRY(query(connection, identity,
              "select n.nspname from stopover.object o"
              " join pg_catalog.pg_namespace n on n.oid = o.object_oid where o.run = :run"
              " and o.class_oid = 'pg_catalog.pg_namespace'::regclass order by 1",
              "", &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        AUTO_FREE_MEMORY char *line =
            xasprintf("%s %s", name_role_word(NAME_STAGING), pg_value(rows, i, 0));

        text_list_add(ret, line);
    }
    return STATUS_OK;
}

/* ---- the proof (D1, D2) ---- */

static Status refuse_foreign(const PgRows *rows, Error *err)
{
    size_t more = pg_row_count(rows) - 1;

    if (pg_is_null(rows, 0, 1))
        (void)error_kind(err, ERROR_REFUSED,
                         "our staging schemas hold something that this migration did not make: %s",
                         pg_value(rows, 0, 0));
    else
        (void)error_kind(err, ERROR_REFUSED,
                         "something that this migration did not make depends on its staging: %s "
                         "(on %s)",
                         pg_value(rows, 0, 0), pg_value(rows, 0, 1));
    if (more > 0)
        error_remark(err, "and %zu%s more", more, more == 19 ? " or" : "");
    error_hint(err, "Drop it, or move it away, and run the same command again: our staging cannot "
                    "be dropped without it.");
    return STATUS_INVALID;
}

static Status prove(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(connection, identity, our_objects_sql, foreign_objects_sql, &rows, err));
    return pg_row_count(rows) == 0 ? STATUS_OK : refuse_foreign(rows, err);
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

static Status drop_batch(PgConnection *connection, const RunIdentity *identity, uint64_t locks,
                         bool *ret_more, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_TEXT Text sql = {0};

    TRY(pg_ledger_begin(connection, identity, err));
    TRY(query(connection, identity, our_objects_sql, next_drops_sql, &rows, err));

    size_t count = choose_batch(rows, locks);

    *ret_more = count > 0;
    if (count == 0)
        return STATUS_OK;
    TRY(lock_batch(connection, rows, count, err));
    TRY(prove(connection, identity, err)); /* D2 */
    for (size_t i = 0; i < count; i++)
        text_append_format(&sql, "%s;\n", pg_value(rows, i, 0));
    return pg_run(connection, text_string(&sql), err);
}

static Status drop_objects(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    uint64_t locks = 0;
    bool more = true;

    TRY(count_locks(connection, &locks, err));
    while (more) {
        Status status = drop_batch(connection, identity, locks, &more, err);

        TRY(end_step(connection, "postgres.drop", status, err));
    }
    return STATUS_OK;
}

static Status drop_schemas(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(connection, identity,
              "select pg_catalog.quote_ident(n.nspname), n.nspname from stopover.object o"
              " join pg_catalog.pg_namespace n on n.oid = o.object_oid"
              " where o.run = :run and o.attempt = :attempt"
              " and o.class_oid = 'pg_catalog.pg_namespace'::regclass order by 1",
              "", &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        if (!name_is_ours(pg_value(rows, i, 1)))
            return error_kind(err, ERROR_REFUSED,
                              "schema \"%s\" is in our records but does not have our name",
                              pg_value(rows, i, 1));
        TRY(pg_run_format(connection, err, "drop schema %s restrict", pg_value(rows, i, 0)));
    }
    return STATUS_OK;
}

/* D5 */
static Status note_extensions(PgConnection *connection, const RunIdentity *identity,
                              Findings *notes, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(connection, identity,
              "select e.extname from stopover.object o"
              " join pg_catalog.pg_extension e on e.oid = o.object_oid"
              " where o.run = :run and o.attempt = :attempt"
              " and o.class_oid = 'pg_catalog.pg_extension'::regclass order by 1",
              "", &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        AUTO_FREE_MEMORY char *object = xasprintf("extension %s", pg_value(rows, i, 0));

        findings_add(notes, FINDING_NOTE, object, "Drop it if nothing else needs it.",
                     "was created for this migration and stays in the target");
    }
    return STATUS_OK;
}

static Status end_dropping(PgConnection *connection, const RunIdentity *identity, Findings *notes,
                           Error *err)
{
    TRY(pg_ledger_begin(connection, identity, err));
    TRY(prove(connection, identity, err)); /* what was made while we dropped */
    TRY(note_extensions(connection, identity, notes, err));
    TRY(drop_schemas(connection, identity, err));
    TRY(run(connection, identity,
            "delete from stopover.chunk where run = :run and attempt = :attempt;"
            "delete from stopover.task where run = :run and attempt = :attempt;"
            "delete from stopover.object where run = :run and attempt = :attempt",
            err));
    return add_marker(connection, identity, OUTCOME_DROPPED, err);
}

Status pg_drop_staging(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err)
{
    PgConnection *connection = NULL;
    Outcome outcome = OUTCOME_NONE;

    TRY(open_ours(stager, &connection, err));
    if (connection == NULL)
        return STATUS_OK;
    TRY(read_outcome(connection, identity, &outcome, err));
    if (outcome == OUTCOME_DROPPED || outcome == OUTCOME_FINISHED)
        return STATUS_OK;
    if (outcome != OUTCOME_NONE)
        return error_kind(err, ERROR_REFUSED,
                          "could not drop the staging of migration \"%s\": the target says: %s",
                          identity->migration, outcome_name(outcome));
    TRY(prove(connection, identity, err)); /* before anything is dropped */
    TRY(drop_objects(connection, identity, err));
    return end_step(connection, "postgres.dropped", end_dropping(connection, identity, notes, err),
                    err);
}

/* ---- the end ---- */

static Status refuse_unfinished(const RunIdentity *identity, Error *err)
{
    Status status =
        error_kind(err, ERROR_REFUSED, "migration \"%s\" is neither promoted nor rolled back",
                   identity->migration);

    error_hint(err, "Run `stopover rollback %s` first to give it up.", identity->migration);
    return status;
}

static Status mark_finished(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_ledger_begin(connection, identity, err));
    TRY(query(connection, identity,
              "select 1 from stopover.object o join pg_catalog.pg_namespace n"
              " on n.oid = o.object_oid where o.run = :run"
              " and o.class_oid = 'pg_catalog.pg_namespace'::regclass",
              "", &rows, err));
    if (pg_row_count(rows) > 0)
        return refuse_unfinished(identity, err);
    return add_marker(connection, identity, OUTCOME_FINISHED, err);
}

/* Somebody else's things in our schema stay, and the schema with them. */
static Status drop_control(PgConnection *connection, Findings *notes, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection, "select 1 from stopover.run limit 1", &rows, err));
    if (pg_row_count(rows) > 0)
        return STATUS_OK;
    TRY(pg_run(connection,
               "drop table stopover.chunk, stopover.task, stopover.object, stopover.marker,"
               " stopover.run, stopover.meta",
               err));
    pg_rows_free(TAKE(rows));
    TRY(pg_query(connection,
                 "select pg_catalog.pg_describe_object(d.classid, d.objid, 0)"
                 " from pg_catalog.pg_depend d"
                 " where d.refclassid = 'pg_catalog.pg_namespace'::regclass"
                 " and d.refobjid = (select n.oid from pg_catalog.pg_namespace n"
                 " where n.nspname = 'stopover') order by 1",
                 &rows, err));
    if (pg_row_count(rows) == 0)
        return pg_run(connection, "drop schema stopover restrict", err);
    findings_add(notes, FINDING_NOTE, "schema stopover", "Drop it when that is not needed.",
                 "stays: it holds something that is not ours: %s", pg_value(rows, 0, 0));
    return STATUS_OK;
}

static Status forget_run(PgConnection *connection, const RunIdentity *identity, Findings *notes,
                         Error *err)
{
    TRY(pg_ledger_begin(connection, identity, err));
    TRY(pg_control_lock(connection, err));
    TRY(run(connection, identity,
            "delete from stopover.chunk where run = :run;"
            "delete from stopover.task where run = :run;"
            "delete from stopover.object where run = :run;"
            "delete from stopover.marker where run = :run;"
            "delete from stopover.run where run = :run",
            err));
    return drop_control(connection, notes, err);
}

Status pg_finish(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err)
{
    PgConnection *connection = NULL;

    TRY(open_ours(stager, &connection, err));
    if (connection == NULL)
        return STATUS_OK;
    TRY(end_step(connection, "postgres.finish", mark_finished(connection, identity, err), err));
    return end_step(connection, "postgres.finished", forget_run(connection, identity, notes, err),
                    err);
}
