#include "engine/connect/postgres/identity.h"

#include "engine/base/memory.h"
#include "engine/connect/postgres/identity.sql.h"

Status pg_identity(PgConnection *connection, char **ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    const char *system = "select 'postgresql:' || system_identifier || ':' || $1 from "
                         "pg_catalog.pg_control_system()";
    const char *start = "select 'postgresql:start-' || (extract(epoch from"
                        " pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint || ':' || $1";

    TRY(pg_query(connection, identity_sql, &rows, err));

    const char *database = pg_value(rows, 0, 0);
    AUTO_FREE(pg_rows_free) PgRows *found = NULL;

    TRY(pg_query_bound(connection, pg_is_true(rows, 0, 1) ? system : start, &database, 1, &found,
                       err));
    *ret = xstrdup(pg_value(found, 0, 0));
    return STATUS_OK;
}
