/*
 *   nothing -> promoted -> rolled_back -> finished
 *      `-> dropped --------------------------^
 *
 *  M1  A marker commits with what it says, so what is there has happened (I6).
 *  M2  What is not there has not happened only if nobody of ours is still about to commit it: a
 *      session whose client is gone may be. Such sessions are ended first. Whoever asks holds the
 *      migration's file lock, so they belong to nobody (K1 in claim.c).
 */
#include "engine/connect/postgres/outcome.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/promoting_sessions.sql.h"
#include "engine/connect/postgres/sql_fill.h"

static Status query(PgConnection *connection, const RunIdentity *identity, const char *sql,
                    const SqlValue *value, PgRows **ret, Error *err)
{
    AUTO_TEXT Text text = {0};

    sql_fill(&text, sql, identity, value, value == NULL ? 0 : 1);
    return pg_query(connection, text_string(&text), ret, err);
}

Status outcome_open(Stager *stager, PgConnection **ret, Error *err)
{
    PgConnection *connection = NULL;
    bool exists = false;

    TRY(pg_target_control(pg_target_of_stager(stager), &connection, err));
    TRY(pg_control_exists(connection, &exists, err));
    *ret = exists ? connection : NULL;
    return STATUS_OK;
}

Status outcome_read(PgConnection *connection, const RunIdentity *identity, Outcome *ret, Error *err)
{
    static const Outcome outcomes[] = {OUTCOME_FINISHED, OUTCOME_DROPPED, OUTCOME_ROLLED_BACK,
                                       OUTCOME_PROMOTED};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    *ret = OUTCOME_NONE;
    TRY(query(connection, identity,
              "select kind from stopover.marker where run = :run and attempt = :attempt", NULL,
              &rows, err));
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

/* M2. Only sessions that are in a transaction: most often there is none. */
static Status end_promoting(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    AUTO_FREE_MEMORY char *run = xstrndup(identity->run, 8); /* as in pg_application_name() */
    const char *parameters[] = {identity->migration, run};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query_bound(connection, promoting_sessions_sql, parameters, 2, &rows, err));
    if (pg_row_count(rows) == 0 || pg_is_null(rows, 0, 0))
        return STATUS_OK;
    return sessions_end(connection, identity, pg_value(rows, 0, 0), INT64_MAX, err);
}

Status pg_outcome(Stager *stager, const RunIdentity *identity, Outcome *ret, Error *err)
{
    PgConnection *connection = NULL;

    *ret = OUTCOME_NONE;
    TRY(outcome_open(stager, &connection, err));
    if (connection == NULL || identity->run[0] == '\0')
        return STATUS_OK;
    TRY(end_promoting(connection, identity, err));
    return outcome_read(connection, identity, ret, err);
}

Status outcome_mark(PgConnection *connection, const RunIdentity *identity, Outcome outcome,
                    Error *err)
{
    const SqlValue kind = {.name = "kind", .text = outcome_name(outcome)};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(query(connection, identity,
              "insert into stopover.marker (run, attempt, kind, epoch)"
              " values (:run, :attempt, :kind, :epoch) on conflict do nothing returning 1",
              &kind, &rows, err));
    return pg_row_count(rows) > 0 ? STATUS_OK : STATUS_DONE;
}

Status outcome_refuse(const RunIdentity *identity, const char *what, Outcome outcome, Error *err)
{
    return error_kind(err, ERROR_REFUSED, "could not %s migration \"%s\": the target says: %s",
                      what, identity->migration, outcome_name(outcome));
}

Status pg_list_kept(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err)
{
    PgConnection *connection = NULL;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(outcome_open(stager, &connection, err));
    if (connection == NULL)
        return STATUS_OK;
    TRY(query(connection, identity,
              "select o.role, n.nspname from stopover.object o"
              " join pg_catalog.pg_namespace n on n.oid = o.object_oid where o.run = :run"
              " and o.class_oid = 'pg_catalog.pg_namespace'::regclass order by 2",
              NULL, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        AUTO_FREE_MEMORY char *line =
            xasprintf("%s %s", pg_value(rows, i, 0), pg_value(rows, i, 1));

        text_list_add(ret, line);
    }
    return STATUS_OK;
}
