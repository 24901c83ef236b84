/*
 * COPY in both directions.
 *
 * Memory: libpq gathers a whole message before it hands it over, in an input buffer that doubles
 * as needed and does not shrink, and gives us a copy: a row of 200 MB costs 256 MB and 200 MB. The
 * output buffer grows to the largest piece that is given at once: hence small pieces.
 */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/stop.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/connection_inside.h"

#define PIECE_BYTES ((size_t)256 * 1024)

static Status begin_copy(PgConnection *connection, const char *sql, ExecStatusType expected,
                         Error *err)
{
    PGresult *result = NULL;
    ExecStatusType status = PGRES_EMPTY_QUERY;

    TRY(pg_check_usable(connection, err));
    if (PQsendQuery(connection->handle, sql) != 1 || !pg_flush(connection, 0))
        return pg_result_error(connection, NULL, err);
    TRY(pg_take_result(connection, &result, err));
    status = PQresultStatus(result);
    PQclear(result);
    connection->is_copying_in = status == PGRES_COPY_IN;
    connection->unflushed = 0;
    if (status == expected)
        return STATUS_OK;
    pg_reset(connection);
    return error_set(err, STATUS_FAILED, "the server did not begin the COPY");
}

Status pg_copy_out(PgConnection *connection, const char *sql, Error *err)
{
    return begin_copy(connection, sql, PGRES_COPY_OUT, err);
}

Status pg_copy_read(PgConnection *connection, const uint8_t **ret_data, size_t *ret_size,
                    Error *err)
{
    PGresult *result = NULL;
    int size = 0;

    PQfreemem(connection->row);
    connection->row = NULL;
    TRY(pg_check_usable(connection, err));
    while ((size = PQgetCopyData(connection->handle, &connection->row, 1)) == 0) {
        (void)pg_wait(connection, PG_READABLE, 0);
        if (!PQconsumeInput(connection->handle))
            return pg_result_error(connection, NULL, err);
    }
    if (size > 0) {
        *ret_data = (const uint8_t *)connection->row;
        *ret_size = (size_t)size;
        return STATUS_OK;
    }
    if (size != -1)
        return pg_result_error(connection, NULL, err);
    TRY(pg_take_result(connection, &result, err));
    PQclear(result);
    return STATUS_DONE;
}

Status pg_copy_in(PgConnection *connection, const char *sql, Error *err)
{
    return begin_copy(connection, sql, PGRES_COPY_IN, err);
}

/* When sending fails, the server may have said why before it went. */
static Status fail_sending(PgConnection *connection, Error *err)
{
    PGresult *result = NULL;
    Status status = STATUS_OK;

    connection->is_copying_in = false;
    /* The first may be the COPY itself, once more. */
    for (int i = 0; i < 3 && status == STATUS_OK; i++) {
        result = PQgetResult(connection->handle);
        if (result == NULL)
            break;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            status = pg_result_error(connection, result, err);
        PQclear(result);
    }
    connection->is_lost = true;
    return status != STATUS_OK ? status : pg_result_error(connection, NULL, err);
}

Status pg_copy_write(PgConnection *connection, const void *data, size_t size, Error *err)
{
    const char *at = data;

    TRY(pg_check_usable(connection, err));
    while (size > 0) {
        size_t piece = size < PIECE_BYTES ? size : PIECE_BYTES;

        if (PQputCopyData(connection->handle, at, (int)piece) != 1)
            return fail_sending(connection, err);
        connection->unflushed += piece;
        if (connection->unflushed >= PIECE_BYTES && !pg_flush(connection, 0))
            return fail_sending(connection, err);
        at += piece;
        size -= piece;
    }
    return STATUS_OK;
}

Status pg_copy_finish(PgConnection *connection, uint64_t *ret_rows, Error *err)
{
    PGresult *result = NULL;

    TRY(pg_check_usable(connection, err));
    connection->is_copying_in = false;
    if (PQputCopyEnd(connection->handle, NULL) != 1 || !pg_flush(connection, 0))
        return fail_sending(connection, err);
    TRY(pg_take_result(connection, &result, err));
    if (!parse_unsigned(PQcmdTuples(result), UINT64_MAX, ret_rows))
        *ret_rows = 0;
    PQclear(result);
    return STATUS_OK;
}
