/*
 * Statements on a connection. Everything is sent and then waited for in one place, pg_wait(), so
 * that a wish to stop can cancel what the server is busy with.
 */
#include "engine/connect/postgres/connection.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/connection_inside.h"

#define LOOK_FOR_STOP_MS 200
#define CANCEL_AGAIN_NS  (2000 * UINT64_C(1000000))
#define RESET_WITHIN_NS  (5000 * UINT64_C(1000000))

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

/* ---- waiting ---- */

static void cancel(PgConnection *connection)
{
    char reason[256];
    PGcancel *request = PQgetCancel(connection->handle);

    if (request != NULL)
        (void)PQcancel(request, reason, sizeof(reason)); /* a lost one is repeated */
    PQfreeCancel(request);
}

static int next_look_ms(const PgConnection *connection, uint64_t until_ns)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t left_ms = until_ns > now_ns ? (until_ns - now_ns) / 1000000 + 1 : 0;

    if (until_ns != 0 && (!connection->is_interruptible || left_ms < LOOK_FOR_STOP_MS))
        return left_ms > 60000 ? 60000 : (int)left_ms;
    return connection->is_interruptible ? LOOK_FOR_STOP_MS : -1;
}

bool pg_wait(PgConnection *connection, PgWait what, uint64_t until_ns)
{
    uint64_t cancelled_ns = 0;

    for (;;) {
        struct pollfd wait = {.fd = PQsocket(connection->handle),
                              .events = what == PG_READABLE ? POLLIN : POLLOUT | POLLIN};
        uint64_t now_ns = 0;

        /* A negative answer is for libpq to find out about. */
        if (wait.fd < 0)
            return true;
        if (poll(&wait, 1, next_look_ms(connection, until_ns)) != 0 && errno != EINTR)
            return true;
        now_ns = clock_monotonic_ns();
        if (until_ns != 0 && now_ns >= until_ns)
            return false;
        if (connection->is_interruptible && stop_requested() &&
            (cancelled_ns == 0 || now_ns - cancelled_ns > CANCEL_AGAIN_NS)) {
            cancel(connection);
            cancelled_ns = now_ns;
        }
    }
}

bool pg_flush(PgConnection *connection, uint64_t until_ns)
{
    int rest = 0;

    while ((rest = PQflush(connection->handle)) == 1)
        if (!pg_wait(connection, PG_WRITABLE, until_ns) || !PQconsumeInput(connection->handle))
            return false;
    connection->unflushed = 0;
    return rest == 0;
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
    return finish_statement(connection, PQsendQuery(connection->handle, sql) == 1, ret, err);
}

static Status execute_bound(PgConnection *connection, const char *sql,
                            const char *const *parameters, size_t count, PGresult **ret, Error *err)
{
    TRY(pg_check_usable(connection, err));
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

/* ---- giving up ---- */

/* False when it does not come in time. */
static bool wait_for_input(PgConnection *connection, uint64_t until_ns)
{
    return pg_wait(connection, PG_READABLE, until_ns) && PQconsumeInput(connection->handle);
}

static bool drain_copy(PgConnection *connection, uint64_t until_ns)
{
    char *row = NULL;
    int size = 0;

    while ((size = PQgetCopyData(connection->handle, &row, 1)) >= 0) {
        PQfreemem(row);
        row = NULL;
        if (size == 0 && !wait_for_input(connection, until_ns))
            return false;
    }
    return true;
}

/* Reads up to the server's "ready". False when that does not come in time. */
static bool drain(PgConnection *connection, uint64_t until_ns)
{
    for (;;) {
        PGresult *result = NULL;
        ExecStatusType status = PGRES_EMPTY_QUERY;

        while (PQisBusy(connection->handle))
            if (!wait_for_input(connection, until_ns))
                return false;
        result = PQgetResult(connection->handle);
        if (result == NULL)
            return PQstatus(connection->handle) == CONNECTION_OK;
        status = PQresultStatus(result);
        PQclear(result);
        if (PQstatus(connection->handle) == CONNECTION_BAD || status == PGRES_COPY_IN ||
            (status == PGRES_COPY_OUT && !drain_copy(connection, until_ns)))
            return false;
    }
}

static bool end_statement(PgConnection *connection, uint64_t until_ns)
{
    bool was_copying_in = connection->is_copying_in;

    connection->is_copying_in = false;
    if (PQtransactionStatus(connection->handle) != PQTRANS_ACTIVE)
        return true;
    if (was_copying_in)
        return PQputCopyEnd(connection->handle, "given up") == 1 &&
               pg_flush(connection, until_ns) && drain(connection, until_ns);
    cancel(connection);
    return drain(connection, until_ns);
}

static bool end_transaction(PgConnection *connection, uint64_t until_ns)
{
    return PQtransactionStatus(connection->handle) == PQTRANS_IDLE ||
           (PQsendQuery(connection->handle, "ROLLBACK") == 1 && pg_flush(connection, until_ns) &&
            drain(connection, until_ns) && PQtransactionStatus(connection->handle) == PQTRANS_IDLE);
}

void pg_reset(PgConnection *connection)
{
    uint64_t until_ns = clock_monotonic_ns() + RESET_WITHIN_NS;
    bool was_interruptible = connection->is_interruptible;

    PQfreemem(connection->row);
    connection->row = NULL;
    if (!pg_is_usable(connection))
        return;
    connection->is_interruptible = false; /* the stop that led here must not cancel the ROLLBACK */
    connection->is_lost =
        !end_statement(connection, until_ns) || !end_transaction(connection, until_ns);
    connection->is_interruptible = was_interruptible;
}
