#include "engine/connect/postgres/control.h"

#include <inttypes.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/control.sql.h"
#include "engine/connect/postgres/find_control.sql.h"
#include "engine/connect/postgres/target.h"

enum {
    CONTROL_VERSION = 1,
};

/* "stopover" as a number. Never another one: all versions of this program must agree. */
#define CONTROL_LOCK INT64_C(0x73746f706f766572)

Status pg_control_lock(PgConnection *connection, Error *err)
{
    return pg_run_format(connection, err, "select pg_catalog.pg_advisory_xact_lock(%" PRId64 ")",
                         CONTROL_LOCK);
}

static Status refuse_foreign(const char *why, const char *owner, Error *err)
{
    Status status =
        error_kind(err, ERROR_REFUSED, "the target has a schema \"stopover\" that %s", why);

    error_hint(err,
               "It belongs to role \"%s\". Rename it if it is something else, or connect as the "
               "role that began the migration.",
               owner);
    return status;
}

static Status check_version(PgConnection *connection, const char *owner, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection,
                 "select version::text from stopover.meta where application = 'stopover'"
                 " and version::text ~ '^[0-9]{1,9}$'",
                 &rows, err));
    if (pg_row_count(rows) != 1 || pg_unsigned(rows, 0, 0) < CONTROL_VERSION)
        return refuse_foreign("is not ours", owner, err);
    if (pg_unsigned(rows, 0, 0) == CONTROL_VERSION)
        return STATUS_OK;

    Status status = error_kind(err, ERROR_REFUSED,
                               "the records in the target are of version %s; this program knows "
                               "up to %d",
                               pg_value(rows, 0, 0), CONTROL_VERSION);

    error_hint(err, "Use the newer program that made them.");
    return status;
}

Status pg_control_exists(PgConnection *connection, bool *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(connection, find_control_sql, &rows, err));
    if (pg_row_count(rows) == 0) {
        *ret = false;
        return STATUS_OK;
    }
    if (!pg_is_true(rows, 0, 1))
        return refuse_foreign("is not ours", pg_value(rows, 0, 0), err);
    if (!pg_is_true(rows, 0, 2))
        return refuse_foreign("is not made by this program", pg_value(rows, 0, 0), err);
    TRY(check_version(connection, pg_value(rows, 0, 0), err));
    *ret = true;
    return STATUS_OK;
}

Status control_create(PgConnection *connection, Error *err)
{
    bool exists = false;

    TRY(pg_control_exists(connection, &exists, err));
    return exists ? STATUS_OK : pg_run(connection, control_sql, err);
}
