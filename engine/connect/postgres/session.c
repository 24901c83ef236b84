/*
 * The beginning of a session: one round trip that sets everything and proves that it holds. The
 * settings themselves stand in session.sql. A middleman is looked for in middleman.c.
 */
#include <libpq-fe.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/address_use.h"
#include "engine/connect/postgres/connection_inside.h"
#include "engine/connect/postgres/session.sql.h"

enum {
    COLUMN_SETTINGS,
    COLUMN_BACKEND,
    COLUMN_VERSION,
    COLUMN_ENCODING,
    COLUMN_RECOVERY,
    COLUMN_ANSWERS,
};

#define OLDEST_VERSION 120000

/* From COLUMN_ANSWERS on; NULL: depends on the use. */
static const char *const answers[][2] = {
    {"statement_timeout", "0"},
    {"search_path", ""},
    {"client_encoding", "UTF8"},
    {"default_transaction_read_only", NULL},
    {"TimeZone and DateStyle", "2001-02-03 04:05:06.789012+00"},
    {"IntervalStyle", "1 year 2 mons 3 days 04:05:06"},
    {"extra_float_digits", "0.30000000000000004"},
    {"bytea_output", "\\x00ff"},
};

static Status check_answers(const PgConnection *connection, const PgRows *rows, Error *err)
{
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const char *expected = answers[i][1];

        if (expected == NULL)
            expected = connection->use == PG_SOURCE ? "on" : "off";
        if (strcmp(pg_value(rows, 0, COLUMN_ANSWERS + i), expected) == 0)
            continue;
        (void)error_kind(err, ERROR_REFUSED, "\"%s\" does not keep the setting %s",
                         connection->display, answers[i][0]);
        error_hint(err, "Something between here and the server ignores what a session asks for: "
                        "give the address of the server itself.");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static Status check_server(const PgConnection *connection, const PgRows *rows, Error *err)
{
    if (connection->version < OLDEST_VERSION) {
        (void)error_kind(err, ERROR_REFUSED, "\"%s\" is PostgreSQL %d: too old",
                         connection->display, connection->version / 10000);
        error_hint(err, "Servers of version 12 and later can be used.");
        return STATUS_INVALID;
    }
    if (connection->use == PG_TARGET && pg_is_true(rows, 0, COLUMN_RECOVERY)) {
        (void)error_kind(err, ERROR_REFUSED, "\"%s\" is a standby: it cannot be written to",
                         connection->display);
        error_hint(err, "Give the address of the primary server.");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

/* process: the one that may be changed, or 0. */
static Status set_and_ask(PgConnection *connection, int process, PgRows **ret, Error *err)
{
    AUTO_FREE_MEMORY char *number = xasprintf("%d", process);
    const char *parameters[] = {connection->use == PG_SOURCE ? "on" : "off", number};

    TRY(pg_query_bound(connection, session_sql, parameters, 2, ret, err));
    connection->backend = (int)pg_integer(*ret, 0, COLUMN_BACKEND);
    connection->version = (int)pg_integer(*ret, 0, COLUMN_VERSION);
    return STATUS_OK;
}

Status pg_session_begin(PgConnection *connection, PgAddress *address, Error *err)
{
    int announced = PQbackendPID(connection->handle);
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(set_and_ask(connection, pg_address_is_direct(address) ? 0 : announced, &rows, err));
    if (connection->backend != announced && !pg_address_is_direct(address)) {
        TRY(pg_check_direct(connection, address, err));
        pg_rows_free(TAKE(rows));
        TRY(set_and_ask(connection, 0, &rows, err));
    }
    connection->encoding = xstrdup(pg_value(rows, 0, COLUMN_ENCODING));
    TRY(check_server(connection, rows, err));
    return check_answers(connection, rows, err);
}
