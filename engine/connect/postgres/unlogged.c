#include "engine/connect/postgres/unlogged.h"

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/find_unlogged.sql.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/reset.h"
#include "engine/connect/postgres/sql_fill.h"

static Status count_rows(PgConnection *connection, const char *relation, uint64_t *ret, Error *err)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    text_append_format(&sql, "select count(*) from %s", relation);
    pg_set_interruptible(connection, true);

    Status status = pg_query(connection, text_string(&sql), &rows, err);

    pg_set_interruptible(connection, false);
    TRY(status);
    *ret = pg_unsigned(rows, 0, 0);
    return STATUS_OK;
}

/* A server that is shut down in order keeps the rows. */
static Status adopt(PgConnection *connection, const RunIdentity *identity, uint32_t table_id,
                    Error *err)
{
    const SqlValue table = {.name = "table", .number = table_id};
    AUTO_TEXT Text sql = {0};

    sql_fill(&sql,
             "update stopover.chunk set server_start = pg_catalog.pg_postmaster_start_time()"
             " where run = :run and attempt = :attempt and table_id = :table",
             identity, &table, 1);
    return pg_run(connection, text_string(&sql), err);
}

static Status mend(PgConnection *connection, const RunIdentity *identity, const PgRows *tables,
                   size_t row, Error *err)
{
    uint32_t table_id = (uint32_t)pg_unsigned(tables, row, 0);
    const char *relation = pg_value(tables, row, 1);
    const char *from = pg_value(tables, row, 2);
    uint64_t rows = 0;

    TRY(pg_ledger_begin(connection, identity, err));
    TRY(count_rows(connection, from, &rows, err));
    if (rows == pg_unsigned(tables, row, 3))
        TRY(adopt(connection, identity, table_id, err));
    else
        TRY(reset_empty(connection, identity, table_id, relation, err));
    TRY(fault_before("postgres.unlogged", err));
    TRY(pg_run(connection, "commit", err));
    return fault_after("postgres.unlogged", err);
}

Status unlogged_check(PgConnection *connection, const RunIdentity *identity, Error *err)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *tables = NULL;

    sql_fill(&sql, find_unlogged_sql, identity, NULL, 0);
    TRY(pg_query(connection, text_string(&sql), &tables, err));
    for (size_t i = 0; i < pg_row_count(tables); i++) {
        Status status = mend(connection, identity, tables, i, err);

        if (status < 0) {
            pg_reset(connection);
            return status;
        }
    }
    return STATUS_OK;
}
