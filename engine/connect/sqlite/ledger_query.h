/*
 * How the files of the ledger ask and write: statements with the run as ?1 and the attempt as ?2.
 */
#pragma once

#include "engine/connect/sqlite/ledger.h"

Status ledger_prepare(Db *db, const RunIdentity *identity, const char *sql, DbStatement **ret,
                      Error *err);

/* Runs a prepared statement that gives no rows. */
Status ledger_run(Db *db, DbStatement *statement, Error *err);

static inline void ledger_bind_text(DbStatement *statement, int index, const char *text)
{
    (void)sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT); /* index in range */
}

static inline void ledger_bind_integer(DbStatement *statement, int index, uint64_t value)
{
    (void)sqlite3_bind_int64(statement, index, (sqlite3_int64)value); /* index in range */
}
