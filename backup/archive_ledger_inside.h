/*
 * Shared by the ledger's files only: one connection, and statements on it.
 */
#pragma once

#include <sqlite3.h>

#include "backup/archive_ledger.h"

struct ArchiveLedger {
    sqlite3 *db;
    char *path;
};

typedef struct ArchiveQuery {
    ArchiveLedger *ledger;
    sqlite3_stmt *statement;
    int bound;
} ArchiveQuery;

void archive_query_release(ArchiveQuery *query);
#define AUTO_QUERY __attribute__((cleanup(archive_query_release)))

/* The one place where SQLite's codes become ours. */
Status archive_ledger_error(const ArchiveLedger *ledger, int rc, Error *err);

Status archive_execute(ArchiveLedger *ledger, const char *sql, Error *err);
Status archive_query_prepare(ArchiveLedger *ledger, const char *sql, ArchiveQuery *ret, Error *err);

/* Bind the next parameter. */
void archive_query_bind(ArchiveQuery *query, uint64_t value);
void archive_query_bind_text(ArchiveQuery *query, const char *text);              /* borrowed */
void archive_query_bind_blob(ArchiveQuery *query, const void *data, size_t size); /* borrowed */

/* STATUS_OK with a row, STATUS_DONE without another. */
Status archive_query_step(ArchiveQuery *query, Error *err);
/* Runs a statement that gives no rows; it can be bound and run again. */
Status archive_query_run(ArchiveQuery *query, Error *err);
uint64_t archive_query_number(const ArchiveQuery *query, int column);
const char *archive_query_text(const ArchiveQuery *query,
                               int column); /* "" for NULL; until the next step */

/* begin, with the epoch checked (A3) unless identity is NULL; then end with the status of what was
 * done in between: commits, or rolls back. */
Status archive_transaction_begin(ArchiveLedger *ledger, const RunIdentity *identity, Error *err);
Status archive_transaction_end(ArchiveLedger *ledger, const char *point, Status status, Error *err);
