/*
 * Who stands between us and the server. A transaction pooler gives each transaction another
 * process of the server: snapshots, advisory locks and settings do not hold through it. It shows
 * in that the process it announces (a number of its own, for cancel requests) is not the one that
 * answers. But so does a proxy that keeps one process per connection and is as good as the server
 * (direct endpoints of managed services are such proxies): therefore a second connection is made.
 * When it gets the process of the first, which is still there, processes are shared.
 */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/address_use.h"
#include "engine/connect/postgres/connection_inside.h"

/* "ep-cool-1-pooler.eu.example.com" without "-pooler"; NULL when the name does not tell. */
static char *direct_host(const char *host)
{
    const char *mark = host == NULL ? NULL : strstr(host, "-pooler.");
    Text text = {0};

    if (mark == NULL)
        return NULL;
    text_append_bytes(&text, host, (size_t)(mark - host));
    text_append(&text, mark + strlen("-pooler"));
    return text_take(&text);
}

static Status refuse_pooler(const PgConnection *connection, Error *err)
{
    AUTO_FREE_MEMORY char *direct = direct_host(PQhost(connection->handle));

    (void)error_kind(err, ERROR_REFUSED,
                     "\"%s\" is a connection pooler: snapshots, locks and settings do not hold "
                     "through it",
                     connection->display);
    if (direct != NULL)
        error_hint(err, "Use the direct endpoint, host \"%s\".", direct);
    else
        error_hint(err, "Give the address of the server itself: often the same host with another "
                        "port (5432), or the pooler's session mode.");
    return STATUS_INVALID;
}

static Status ask_process(PgConnection *connection, int *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection, "SELECT pg_catalog.pg_backend_pid()", &rows, err));
    *ret = (int)pg_integer(rows, 0, 0);
    return STATUS_OK;
}

Status pg_check_direct(PgConnection *connection, PgAddress *address, Error *err)
{
    AUTO_FREE(pg_close) PgConnection *second = NULL;
    int others = 0;
    int ours = 0;

    if (strstr(PQhost(connection->handle), "-pooler.") != NULL)
        return refuse_pooler(connection, err);
    second = xcalloc(1, sizeof(*second));
    TRY(pg_open_handle(address, connection->use, "stopover", &second->handle, err));
    TRY(ask_process(second, &others, err));
    TRY(ask_process(connection, &ours, err));
    if (others == connection->backend || ours != connection->backend)
        return refuse_pooler(connection, err);
    pg_address_note_direct(address);
    return STATUS_OK;
}
