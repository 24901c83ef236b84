/*
 * Waiting for the server, in one place, so that a wish to stop can cancel what it is busy with; and
 * giving up what is under way.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>

#include "engine/base/clock.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/connection_inside.h"

#define LOOK_FOR_STOP_MS 200
#define CANCEL_AGAIN_NS  (2000 * UINT64_C(1000000))
#define RESET_WITHIN_NS  (5000 * UINT64_C(1000000))

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
        int ready = 0;

        /* A negative answer is for libpq to find out about. */
        if (wait.fd < 0)
            return true;
        ready = poll(&wait, 1, next_look_ms(connection, until_ns));
        if (ready > 0 || (ready < 0 && errno != EINTR))
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
