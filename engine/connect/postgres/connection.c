/*
 * Statements on a connection, and their results.
 */
#include "engine/connect/postgres/connection.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/connection_inside.h"

void pg_close(PgConnection *connection)
{
    if (connection == NULL)
        return;
    PQfreemem(connection->row);
    PQfinish(connection->handle);
    free(connection->display);
    free(connection->encoding);
    free(connection);
}

int pg_server_version(const PgConnection *connection)
{
    return connection->version;
}

int pg_server_major(const PgConnection *connection)
{
    return connection->version / 10000;
}

const char *pg_server_encoding(const PgConnection *connection)
{
    return connection->encoding == NULL ? "" : connection->encoding;
}

int pg_backend(const PgConnection *connection)
{
    return connection->backend;
}

bool pg_is_usable(const PgConnection *connection)
{
    return !connection->is_lost && PQstatus(connection->handle) == CONNECTION_OK;
}

void pg_set_interruptible(PgConnection *connection, bool is_interruptible)
{
    connection->is_interruptible = is_interruptible;
}

/* ---- results ---- */

Status pg_check_usable(PgConnection *connection, Error *err)
{
    PgFailure failure = {.sqlstate = "08003", .message = "the connection to the server is lost"};

    return pg_is_usable(connection) ? STATUS_OK : pg_map_failure(&failure, err);
}

static bool is_failure(const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_BAD_RESPONSE:
    case PGRES_FATAL_ERROR:
        return true;
    default: /* of libpq's states: new versions have more */
        return false;
    }
}

static bool begins_copy(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* The client's own words: "server closed the connection unexpectedly" without its lines below. */
static Status fail_lost(PgConnection *connection, Error *err)
{
    const char *words = PQerrorMessage(connection->handle);
    AUTO_FREE_MEMORY char *line = xstrndup(words, strcspn(words, "\n"));
    PgFailure failure = {.sqlstate = "08006",
                         .message = *line == '\0' ? "the connection to the server is lost" : line};

    connection->is_lost = true;
    return pg_map_failure(&failure, err);
}

Status pg_result_error(PgConnection *connection, const PGresult *result, Error *err)
{
    const char *sqlstate = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message =
        result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    PgFailure failure = {.sqlstate = sqlstate, .message = message};
    Status status = STATUS_OK;

    if (sqlstate == NULL || message == NULL)
        return fail_lost(connection, err);
    failure.detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    failure.hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    failure.context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    failure.raiser = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    status = pg_map_failure(&failure, err);
    if (PQstatus(connection->handle) == CONNECTION_BAD)
        connection->is_lost = true;
    if (connection->is_interruptible && stop_requested() && strcmp(sqlstate, "57014") == 0)
        return stop_check(err);
    return status;
}

/* NULL after the last. */
static PGresult *next_result(PgConnection *connection)
{
    while (PQisBusy(connection->handle)) {
        (void)pg_wait(connection, PG_READABLE, 0);
        if (!PQconsumeInput(connection->handle))
            break; /* PQgetResult() says why */
    }
    return PQgetResult(connection->handle);
}

/* Keeps the last result with rows, or the first failure. */
static PGresult *keep_better(PGresult *kept, PGresult *result)
{
    bool is_better =
        kept == NULL || is_failure(result) || begins_copy(result) ||
        (PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(kept) != PGRES_TUPLES_OK);

    if (kept != NULL && is_failure(kept))
        is_better = false;
    PQclear(is_better ? kept : result);
    return is_better ? result : kept;
}

Status pg_take_result(PgConnection *connection, PGresult **ret, Error *err)
{
    PGresult *kept = NULL;
    Status status = STATUS_OK;

    for (PGresult *result = next_result(connection); result != NULL;
         result = next_result(connection)) {
        bool ends = begins_copy(result);

        kept = keep_better(kept, result);
        if (ends || PQstatus(connection->handle) == CONNECTION_BAD)
            break;
    }
    if (kept == NULL || is_failure(kept)) {
        status = pg_result_error(connection, kept, err);
        PQclear(kept);
        return status;
    }
    *ret = kept;
    return STATUS_OK;
}

/* ---- statements ---- */

static Status finish_statement(PgConnection *connection, bool was_sent, PGresult **ret, Error *err)
{
    PGresult *result = NULL;

    if (!was_sent || !pg_flush(connection, 0))
        return fail_lost(connection, err);
    TRY(pg_take_result(connection, &result, err));
    if (begins_copy(result)) {
        connection->is_copying_in = PQresultStatus(result) == PGRES_COPY_IN;
        PQclear(result);
        pg_reset(connection);
        return error_set(err, STATUS_FAILED, "a COPY was run as if it were a plain statement");
    }
    *ret = result;
    return STATUS_OK;
}

static Status execute(PgConnection *connection, const char *sql, PGresult **ret, Error *err)
{
    TRY(pg_check_usable(connection, err));
    assert(PQtransactionStatus(connection->handle) != PQTRANS_ACTIVE); /* a COPY is under way */
    return finish_statement(connection, PQsendQuery(connection->handle, sql) == 1, ret, err);
}

static Status execute_bound(PgConnection *connection, const char *sql,
                            const char *const *parameters, size_t count, PGresult **ret, Error *err)
{
    TRY(pg_check_usable(connection, err));
    assert(PQtransactionStatus(connection->handle) != PQTRANS_ACTIVE);
    return finish_statement(connection,
                            PQsendQueryParams(connection->handle, sql, (int)count, NULL, parameters,
                                              NULL, NULL, 0) == 1,
                            ret, err);
}

static PgRows *rows_of(PGresult *result)
{
    PgRows *rows = xcalloc(1, sizeof(*rows));

    rows->result = result;
    return rows;
}

Status pg_run(PgConnection *connection, const char *sql, Error *err)
{
    PGresult *result = NULL;

    TRY(execute(connection, sql, &result, err));
    PQclear(result);
    return STATUS_OK;
}

Status pg_run_format(PgConnection *connection, Error *err, const char *format, ...)
{
    AUTO_TEXT Text sql = {0};
    va_list arguments;

    va_start(arguments, format);
    text_append_arguments(&sql, format, arguments);
    va_end(arguments);
    return pg_run(connection, text_string(&sql), err);
}

Status pg_query(PgConnection *connection, const char *sql, PgRows **ret, Error *err)
{
    PGresult *result = NULL;

    TRY(execute(connection, sql, &result, err));
    *ret = rows_of(result);
    return STATUS_OK;
}

Status pg_query_bound(PgConnection *connection, const char *sql, const char *const *parameters,
                      size_t count, PgRows **ret, Error *err)
{
    PGresult *result = NULL;

    TRY(execute_bound(connection, sql, parameters, count, &result, err));
    *ret = rows_of(result);
    return STATUS_OK;
}

Status pg_run_bound(PgConnection *connection, const char *sql, const char *const *parameters,
                    size_t count, Error *err)
{
    PGresult *result = NULL;

    TRY(execute_bound(connection, sql, parameters, count, &result, err));
    PQclear(result);
    return STATUS_OK;
}

Status pg_query_text(PgConnection *connection, const char *sql, char **ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection, sql, &rows, err));
    if (pg_row_count(rows) == 0)
        return STATUS_DONE;
    *ret = pg_is_null(rows, 0, 0) ? NULL : xstrdup(pg_value(rows, 0, 0));
    return STATUS_OK;
}
