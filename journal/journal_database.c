#include "journal/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"

static Status report_full(const Journal *journal, const char *action, const char *reason,
                          Error *err)
{
    (void)error_set(err, STATUS_FAILED, "could not %s journal \"%s\": %s", action, journal->path,
                    reason);
    err->kind = ERROR_WAITING;
    error_hint(err, "Free space on the disk of \"%s\" and run the same command again.",
               journal->path);
    return STATUS_FAILED;
}

static Status report_with_hint(const Journal *journal, Status status, const char *action,
                               const char *hint, Error *err)
{
    (void)error_set(err, status, "could not %s journal \"%s\": %s", action, journal->path,
                    sqlite3_errmsg(journal->db));
    error_hint(err, "%s", hint);
    return status;
}

Status journal_damaged(const Journal *journal, const char *what, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "journal \"%s\" is damaged: %s", journal->path, what);
    error_hint(err,
               "The source is untouched, and the target's own ledger still records what has "
               "arrived there. Move the journal's files away, put a copy of them in their place, "
               "and run the same command again: it goes on by the ledger.");
    return STATUS_INVALID;
}

/* SQLite reports some full disks as an I/O error or as a file that cannot be made. */
static bool is_disk_full(const Journal *journal, int primary)
{
    int number = sqlite3_system_errno(journal->db);

    return primary == SQLITE_FULL || ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
                                      (number == ENOSPC || number == EDQUOT));
}

/* SQLite closes a rollback journal that it gives up, so it is read anew. Only what lies beside the
 * database may be: closing another descriptor of the database itself would drop SQLite's locks. */
static bool side_file_fails(const Journal *journal, const char *suffix)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s%s", journal->path, suffix);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char room[4096];
    off_t at = 0;
    ssize_t count = 0;
    bool fails = false;

    if (fd < 0)
        return false;
    while ((count = pread(fd, room, sizeof(room), at)) > 0)
        at += count;
    fails = count < 0 && errno == EIO;
    (void)close(fd); /* was only read */
    return fails;
}

/* What a broken disk does not give, SQLite takes for damage of the file: its descriptors know. */
bool journal_disk_fails(const Journal *journal)
{
    sqlite3_file *log = NULL;
    int of_database = 0;
    int of_log = 0;

    (void)sqlite3_file_control(journal->db, "main", SQLITE_FCNTL_LAST_ERRNO, &of_database);
    (void)sqlite3_file_control(journal->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
    if (log != NULL && log->pMethods != NULL)
        (void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &of_log);
    if (of_database == EIO || of_log == EIO) /* 0 where it could not be asked */
        return true;
    return side_file_fails(journal, "-journal") || side_file_fails(journal, "-wal");
}

Status journal_error(const Journal *journal, int rc, const char *action, Error *err)
{
    int primary = rc & 0xff;

    if (primary == SQLITE_CORRUPT && journal_disk_fails(journal))
        primary = SQLITE_IOERR;

    if (rc == SQLITE_NOMEM || sqlite3_extended_errcode(journal->db) == SQLITE_IOERR_NOMEM)
        out_of_memory();
    if (is_disk_full(journal, primary))
        return report_full(journal, action, sqlite3_errstr(SQLITE_FULL), err);
    switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return report_with_hint(journal, STATUS_RETRY, action,
                                "Another program holds the journal: close it and run the same "
                                "command again.",
                                err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return journal_damaged(journal, sqlite3_errmsg(journal->db), err);
    case SQLITE_IOERR:
        return report_with_hint(journal, STATUS_FATAL, action,
                                "Look for errors of the disk in the system's log, then run the "
                                "same command again: it goes on from what is recorded.",
                                err);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return report_with_hint(journal, STATUS_FAILED, action,
                                "Make the journal's directory and the files in it readable and "
                                "writable for this user, then run the same command again.",
                                err);
    case SQLITE_TOOBIG:
        return error_set(err, STATUS_FAILED, "could not %s journal \"%s\": a value is too large",
                         action, journal->path);
    default:
        return error_set(err, STATUS_FAILED, "could not %s journal \"%s\": %s", action,
                         journal->path, sqlite3_errmsg(journal->db));
    }
}

Status journal_execute(Journal *journal, const char *sql, const char *action, Error *err)
{
    int rc = sqlite3_exec(journal->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? STATUS_OK : journal_error(journal, rc, action, err);
}

Status query_prepare(Journal *journal, const char *sql, const char *action, Query *ret, Error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL);

    if (rc != SQLITE_OK)
        return journal_error(journal, rc, action, err);
    *ret = (Query){.journal = journal, .statement = statement, .action = action};
    return STATUS_OK;
}

void query_release(Query *query)
{
    (void)sqlite3_finalize(query->statement); /* repeats the error of the last step */
    *query = (Query){0};
}

static void note_bind(Query *query, int rc)
{
    if (query->bind_rc == SQLITE_OK)
        query->bind_rc = rc;
}

void query_text(Query *query, const char *text)
{
    note_bind(query, sqlite3_bind_text(query->statement, ++query->bound, text, -1, SQLITE_STATIC));
}

void query_blob(Query *query, const void *data, size_t size)
{
    note_bind(query, sqlite3_bind_blob64(query->statement, ++query->bound, size > 0 ? data : "",
                                         size, SQLITE_STATIC));
}

void query_bytes(Query *query, Bytes bytes)
{
    if (bytes.size > 0)
        query_blob(query, bytes.data, bytes.size);
    else
        query_text(query, NULL);
}

void query_integer(Query *query, int64_t value)
{
    note_bind(query, sqlite3_bind_int64(query->statement, ++query->bound, value));
}

void query_unsigned(Query *query, uint64_t value)
{
    if (value > INT64_MAX)
        note_bind(query, SQLITE_TOOBIG);
    query_integer(query, (int64_t)(value & INT64_MAX));
}

void query_hex(Query *query, uint64_t value, char room[17])
{
    (void)snprintf(room, 17, "%016" PRIx64, value);
    query_text(query, room);
}

Status query_step(Query *query, Error *err)
{
    int rc = query->bind_rc;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(query->statement);
    if (rc == SQLITE_ROW)
        return STATUS_OK;
    return rc == SQLITE_DONE ? STATUS_DONE : journal_error(query->journal, rc, query->action, err);
}

void query_reset(Query *query)
{
    (void)sqlite3_reset(query->statement); /* repeats the error of the last step */
    query->bound = 0;
    query->bind_rc = SQLITE_OK;
}

Status query_run(Query *query, Error *err)
{
    Status status = STATUS_OK;

    do {
        status = query_step(query, err);
    } while (status == STATUS_OK);
    query_reset(query);
    return status < 0 ? status : STATUS_OK;
}

const char *column_text(const Query *query, int column)
{
    return (const char *)sqlite3_column_text(query->statement, column);
}

char *column_copy(const Query *query, int column)
{
    const char *text = column_text(query, column);

    if (text == NULL && sqlite3_column_type(query->statement, column) != SQLITE_NULL)
        out_of_memory();
    return xstrdup(text);
}

Bytes column_bytes(const Query *query, int column)
{
    const void *data = sqlite3_column_blob(query->statement, column);
    int size = sqlite3_column_bytes(query->statement, column);

    if (data == NULL && size > 0)
        out_of_memory();
    return size > 0 ? bytes_copy(data, (size_t)size) : (Bytes){0};
}

int64_t column_integer(const Query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

uint64_t column_unsigned(const Query *query, int column)
{
    return (uint64_t)column_integer(query, column);
}

uint32_t column_u32(const Query *query, int column)
{
    return (uint32_t)column_integer(query, column);
}

bool column_hex(const Query *query, int column, uint64_t *ret)
{
    const char *text = column_text(query, column);
    uint8_t bytes[8];
    uint64_t value = 0;

    if (text == NULL || !hex_decode(text, bytes, sizeof(bytes)))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        value = value << 8 | bytes[i];
    *ret = value;
    return true;
}

/* What is written to a file without a name is lost: nothing irreversible may follow it (J3). */
static Status check_in_place(const Journal *journal, Error *err)
{
    int has_moved = 0;

    (void)sqlite3_file_control(journal->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (has_moved == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_FATAL, "journal \"%s\" was moved or removed while it was in use",
                    journal->path);
    error_hint(err, "Put the journal's files back and run the same command again; the target's own "
                    "ledger still records what has arrived there.");
    return STATUS_FATAL;
}

Status transaction_begin(Journal *journal, Error *err)
{
    assert(journal->mode == JOURNAL_WRITE);
    assert(journal->group != GROUP_OPEN); /* J4: only records belong in a group */
    TRY(check_in_place(journal, err));
    return journal_execute(journal, "begin immediate", "write to", err);
}

static void roll_back(Journal *journal)
{
    if (sqlite3_get_autocommit(journal->db) == 0)
        (void)sqlite3_exec(journal->db, "rollback", NULL, NULL, NULL); /* the error before counts */
}

Status transaction_commit(Journal *journal, const char *point, Status status, Error *err)
{
    if (status >= 0)
        status = fault_before(point, err);
    if (status >= 0)
        status = journal_execute(journal, "commit", "write to", err);
    if (status < 0) {
        roll_back(journal);
        return status;
    }
    /* Whatever is lost after this is only the news of it: nothing may be repeated in this process.
     */
    return fault_after(point, err) < 0 ? STATUS_FATAL : STATUS_OK;
}

Status transaction_end(Journal *journal, const char *point, Status status, Error *err)
{
    JournalState next = {0};
    JournalState old = journal->state;

    if (status >= 0)
        status = state_load(journal, &next, err);
    if (status >= 0)
        assert_journal_state(&next);
    status = transaction_commit(journal, point, status, err);
    if (status < 0) {
        state_release(&next);
        return status;
    }
    journal->state = next;
    state_release(&old);
    return STATUS_OK;
}

Status view_begin(Journal *journal, Error *err)
{
    assert(journal->group != GROUP_OPEN);
    return journal_execute(journal, "begin", "read", err);
}

void view_end(Journal *journal)
{
    roll_back(journal); /* nothing was written */
}
