#include "backup/archive_ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "backup/archive_ledger.sql.h"
#include "backup/archive_ledger_inside.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

enum {
    LEDGER_VERSION = 1,
    LEDGER_BUSY_MS = 120 * 1000, /* others of this process write a few rows at a time */
};

/* ---- the connection ---- */

static bool is_disk_full(const ArchiveLedger *ledger, int primary)
{
    int number = sqlite3_system_errno(ledger->db);

    return primary == SQLITE_FULL || ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
                                      (number == ENOSPC || number == EDQUOT));
}

Status archive_ledger_error(const ArchiveLedger *ledger, int rc, Error *err)
{
    int primary = rc & 0xff;
    Status status = STATUS_FAILED;

    if (rc == SQLITE_NOMEM || sqlite3_extended_errcode(ledger->db) == SQLITE_IOERR_NOMEM)
        out_of_memory();
    if (is_disk_full(ledger, primary))
        return file_error(err, ENOSPC, "write to", ledger->path);
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        status = STATUS_RETRY;
    else if (primary == SQLITE_IOERR)
        status = STATUS_FATAL;
    return error_set(err, status, "could not use the ledger \"%s\": %s", ledger->path,
                     sqlite3_errmsg(ledger->db));
}

void archive_ledger_free(ArchiveLedger *ledger)
{
    if (ledger == NULL)
        return;
    (void)sqlite3_close(ledger->db); /* all statements are finalized: it cannot be busy */
    free(ledger->path);
    free(ledger);
}

bool archive_ledger_exists(const char *folder)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/" ARCHIVE_LEDGER_NAME, folder);

    return file_exists(path);
}

void archive_ledger_remove(const char *folder)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        AUTO_FREE_MEMORY char *path =
            xasprintf("%s/" ARCHIVE_LEDGER_NAME "%s", folder, suffixes[i]);

        (void)unlink(path); /* see the header */
    }
}

static Status make_tables(ArchiveLedger *ledger, Error *err)
{
    AUTO_FREE_MEMORY char *sql =
        xasprintf("%s; pragma user_version = %d", archive_ledger_sql, LEDGER_VERSION);
    AUTO_QUERY ArchiveQuery query = {0};
    uint64_t version = 0;

    TRY(archive_query_prepare(ledger, "pragma user_version", &query, err));
    TRY(archive_query_step(&query, err));
    version = archive_query_number(&query, 0);
    archive_query_release(&query);
    if (version == LEDGER_VERSION)
        return STATUS_OK;
    if (version != 0)
        return error_kind(err, ERROR_REFUSED, "the ledger \"%s\" was made by a newer version",
                          ledger->path);
    return archive_execute(ledger, sql, err);
}

Status archive_ledger_open(const char *folder, ArchiveLedger **ret, Error *err)
{
    AUTO_FREE(archive_ledger_free) ArchiveLedger *ledger = xcalloc(1, sizeof(*ledger));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = SQLITE_OK;

    ledger->path = xasprintf("%s/" ARCHIVE_LEDGER_NAME, folder);
    TRY(fault_before("archive.ledger", err));
    rc = sqlite3_open_v2(ledger->path, &ledger->db, flags, NULL);
    if (ledger->db == NULL)
        out_of_memory();
    if (rc != SQLITE_OK)
        return archive_ledger_error(ledger, rc, err);
    (void)sqlite3_extended_result_codes(ledger->db, 1); /* cannot fail on an open handle */
    (void)sqlite3_busy_timeout(ledger->db, LEDGER_BUSY_MS);
    TRY(archive_execute(ledger, "pragma journal_mode = wal; pragma synchronous = full", err));
    TRY(archive_transaction_begin(ledger, NULL, err));
    TRY(archive_transaction_end(ledger, "archive.ledger_made", make_tables(ledger, err), err));
    *ret = TAKE(ledger);
    return STATUS_OK;
}

/* ---- statements ---- */

Status archive_execute(ArchiveLedger *ledger, const char *sql, Error *err)
{
    int rc = sqlite3_exec(ledger->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? STATUS_OK : archive_ledger_error(ledger, rc, err);
}

void archive_query_release(ArchiveQuery *query)
{
    (void)sqlite3_finalize(query->statement); /* repeats the error of the last step */
    *query = (ArchiveQuery){0};
}

Status archive_query_prepare(ArchiveLedger *ledger, const char *sql, ArchiveQuery *ret, Error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(ledger->db, sql, -1, &statement, NULL);

    *ret = (ArchiveQuery){.ledger = ledger, .statement = statement};
    return rc == SQLITE_OK ? STATUS_OK : archive_ledger_error(ledger, rc, err);
}

static void note_bound(int rc)
{
    if (rc == SQLITE_NOMEM)
        out_of_memory(); /* nothing else can be wrong with these */
}

void archive_query_bind(ArchiveQuery *query, uint64_t value)
{
    note_bound(sqlite3_bind_int64(query->statement, ++query->bound, (int64_t)value));
}

void archive_query_bind_text(ArchiveQuery *query, const char *text)
{
    note_bound(sqlite3_bind_text(query->statement, ++query->bound, text, -1, SQLITE_STATIC));
}

void archive_query_bind_blob(ArchiveQuery *query, const void *data, size_t size)
{
    note_bound(sqlite3_bind_blob64(query->statement, ++query->bound, data, size, SQLITE_STATIC));
}

Status archive_query_step(ArchiveQuery *query, Error *err)
{
    int rc = sqlite3_step(query->statement);

    if (rc == SQLITE_ROW)
        return STATUS_OK;
    return rc == SQLITE_DONE ? STATUS_DONE : archive_ledger_error(query->ledger, rc, err);
}

Status archive_query_run(ArchiveQuery *query, Error *err)
{
    Status status = archive_query_step(query, err);

    (void)sqlite3_reset(query->statement); /* repeats the error of the step */
    query->bound = 0;
    return status < 0 ? status : STATUS_OK;
}

uint64_t archive_query_number(const ArchiveQuery *query, int column)
{
    return (uint64_t)sqlite3_column_int64(query->statement, column);
}

const char *archive_query_text(const ArchiveQuery *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query->statement, column);

    return text != NULL ? text : "";
}

/* ---- transactions ---- */

static void roll_back(ArchiveLedger *ledger)
{
    if (sqlite3_get_autocommit(ledger->db) == 0)
        (void)sqlite3_exec(ledger->db, "rollback", NULL, NULL, NULL); /* the first error counts */
}

static Status check_epoch(ArchiveLedger *ledger, const RunIdentity *identity, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};
    Status status = STATUS_OK;

    TRY(archive_query_prepare(ledger, "select 1 from run where run = ?1 and epoch = ?2", &query,
                              err));
    archive_query_bind_text(&query, identity->run);
    archive_query_bind(&query, identity->epoch);
    status = archive_query_step(&query, err);
    if (status != STATUS_DONE)
        return status;
    return error_kind(err, ERROR_LOCKED, "another process has taken over the archive of \"%s\"",
                      ledger->path);
}

Status archive_transaction_begin(ArchiveLedger *ledger, const RunIdentity *identity, Error *err)
{
    Status status = archive_execute(ledger, "begin immediate", err);

    if (status >= 0 && identity != NULL)
        status = check_epoch(ledger, identity, err);
    if (status < 0)
        roll_back(ledger);
    return status;
}

Status archive_transaction_end(ArchiveLedger *ledger, const char *point, Status status, Error *err)
{
    if (status >= 0)
        status = fault_before(point, err);
    if (status >= 0)
        status = archive_execute(ledger, "commit", err);
    if (status < 0) {
        roll_back(ledger);
        return status;
    }
    return fault_after(point, err);
}

/* ---- the run ---- */

static Status claim(ArchiveLedger *ledger, const RunIdentity *identity, uint64_t *ret_epoch,
                    Error *err)
{
    AUTO_QUERY ArchiveQuery found = {0};
    AUTO_QUERY ArchiveQuery upsert = {0};
    Status status = STATUS_OK;

    TRY(archive_query_prepare(ledger, "select run from run", &found, err));
    status = archive_query_step(&found, err);
    TRY(status);
    if (status == STATUS_OK && strcmp(archive_query_text(&found, 0), identity->run) != 0) {
        (void)error_kind(err, ERROR_REFUSED, "the archive of \"%s\" was begun by another run",
                         ledger->path);
        error_hint(err, "Remove that backup with `stopover backup delete`, and begin a new one.");
        return STATUS_INVALID;
    }
    TRY(archive_query_prepare(
        ledger,
        "insert into run(one, run, epoch, claims) values (1, ?1, ?2 + 1, 1)"
        " on conflict do update set epoch = max(epoch, ?2) + 1, claims = claims + 1"
        " returning epoch",
        &upsert, err));
    archive_query_bind_text(&upsert, identity->run);
    archive_query_bind(&upsert, identity->epoch);
    TRY(archive_query_step(&upsert, err));
    *ret_epoch = archive_query_number(&upsert, 0);
    return archive_query_run(&upsert, err);
}

Status archive_ledger_claim(ArchiveLedger *ledger, RunIdentity *identity, Error *err)
{
    uint64_t epoch = 0;

    TRY(archive_transaction_begin(ledger, NULL, err));
    TRY(archive_transaction_end(ledger, "archive.claim", claim(ledger, identity, &epoch, err),
                                err));
    identity->epoch = epoch;
    return STATUS_OK;
}

Status archive_ledger_claims(ArchiveLedger *ledger, uint64_t *ret, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};
    Status status = STATUS_OK;

    TRY(archive_query_prepare(ledger, "select claims from run", &query, err));
    status = archive_query_step(&query, err);
    *ret = status == STATUS_OK ? archive_query_number(&query, 0) : 0;
    return status < 0 ? status : STATUS_OK;
}

/* ---- what has arrived ---- */

static Status read_result(const ArchiveQuery *query, int column, ChunkResult *ret, Error *err)
{
    if (!digest_parse(archive_query_text(query, column + 1), archive_query_number(query, column),
                      &ret->digest))
        return error_set(err, STATUS_FATAL, "the ledger \"%s\" holds a malformed digest",
                         query->ledger->path);
    ret->bytes = archive_query_number(query, column + 2);
    return STATUS_OK;
}

Status archive_ledger_read(ArchiveLedger *ledger, const LedgerSink *sink, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(ledger, "select table_id, number, rows, digest, bytes from chunk",
                              &query, err));
    for (;;) {
        ChunkResult result = {0};
        Status status = archive_query_step(&query, err);

        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        TRY(read_result(&query, 2, &result, err));
        TRY(sink->chunk(sink->context, (uint32_t)archive_query_number(&query, 0),
                        (uint32_t)archive_query_number(&query, 1), &result, err));
    }
}

Status archive_ledger_find_chunk(ArchiveLedger *ledger, const Chunk *chunk, bool *ret_found,
                                 ChunkResult *ret, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};
    Status status = STATUS_OK;

    TRY(archive_query_prepare(
        ledger, "select rows, digest, bytes from chunk where table_id = ?1 and number = ?2", &query,
        err));
    archive_query_bind(&query, chunk->table_id);
    archive_query_bind(&query, chunk->number);
    status = archive_query_step(&query, err);
    TRY(status);
    *ret_found = status == STATUS_OK;
    return *ret_found ? read_result(&query, 0, ret, err) : STATUS_OK;
}

static Status sum_chunks(ArchiveLedger *ledger, uint32_t table_id, ArchiveTotals *totals,
                         Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(ledger, "select rows, digest, bytes from chunk where table_id = ?1",
                              &query, err));
    archive_query_bind(&query, table_id);
    for (;;) {
        ChunkResult result = {0};
        Status status = archive_query_step(&query, err);

        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        TRY(read_result(&query, 0, &result, err));
        digest_merge(&totals->digest, &result.digest);
    }
}

Status archive_ledger_totals(ArchiveLedger *ledger, uint32_t table_id, ArchiveTotals *ret,
                             Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};
    ArchiveTotals totals = {0};

    TRY(sum_chunks(ledger, table_id, &totals, err));
    TRY(archive_query_prepare(ledger,
                              "select count(*), coalesce(sum(raw), 0) from segment"
                              " where table_id = ?1 and chunk > 0",
                              &query, err));
    archive_query_bind(&query, table_id);
    TRY(archive_query_step(&query, err));
    totals.segments = archive_query_number(&query, 0);
    totals.raw_bytes = archive_query_number(&query, 1);
    *ret = totals;
    return STATUS_OK;
}

Status archive_ledger_reset_table(ArchiveLedger *ledger, const RunIdentity *identity,
                                  uint32_t table_id, Error *err)
{
    AUTO_FREE_MEMORY char *sql =
        xasprintf("delete from chunk where table_id = %" PRIu32
                  "; delete from segment where table_id = %" PRIu32
                  "; insert or ignore into read_again(table_id) values (%" PRIu32 ")",
                  table_id, table_id, table_id);

    TRY(archive_transaction_begin(ledger, identity, err));
    return archive_transaction_end(ledger, "archive.reset", archive_execute(ledger, sql, err), err);
}

Status archive_ledger_read_again(ArchiveLedger *ledger, TableIds *ret, Error *err)
{
    AUTO_QUERY ArchiveQuery query = {0};

    TRY(archive_query_prepare(ledger, "select table_id from read_again order by table_id", &query,
                              err));
    for (;;) {
        Status status = archive_query_step(&query, err);

        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        GROW(ret->items, ret->count, ret->capacity);
        ret->items[ret->count++] = (uint32_t)archive_query_number(&query, 0);
    }
}
