/*
 * The one place that opens SQLite files and that knows SQLite's result codes. Called by every file
 * of this connector; promises the settings and the mapping that db.h tells.
 */
#include "engine/connect/sqlite/db.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"

enum {
    BUSY_TIMEOUT_MS = 250,    /* longer waits belong to the caller's retry, which can be stopped */
    STOP_CHECK_STEPS = 20000, /* virtual machine steps between two looks at the stop flag: ~1 ms */
};

static const char *error_text(const Db *db, int rc)
{
    if (db->handle && sqlite3_extended_errcode(db->handle) == rc)
        return sqlite3_errmsg(db->handle);
    return sqlite3_errstr(rc);
}

static Status report(const Db *db, int rc, const char *action, Status status, Error *err)
{
    return error_set(err, status, "could not %s (database \"%s\"): %s", action, db->path,
                     error_text(db, rc));
}

static Status report_refused(const Db *db, int rc, const char *action, Error *err)
{
    return error_kind(err, ERROR_REFUSED, "could not %s (database \"%s\"): %s", action, db->path,
                      error_text(db, rc));
}

static bool disk_is_full(const Db *db, int rc)
{
    if ((rc & 0xff) == SQLITE_FULL)
        return true;
    int code = db->handle ? sqlite3_system_errno(db->handle) : 0;
    return (rc & 0xff) == SQLITE_IOERR && (code == ENOSPC || code == EDQUOT);
}

static Status report_disk_full(const Db *db, int rc, const char *action, Error *err)
{
    Status status = report(db, rc, action, STATUS_FAILED, err);
    err->kind = ERROR_WAITING;
    error_hint(err,
               "Free space on the disk that holds \"%s\" (or for temporary files), then run "
               "the same command again: it continues.",
               db->path);
    return status;
}

/* Readers may not roll back or recover a file that a crash left in the middle of a transaction. */
static Status report_readonly(const Db *db, int rc, const char *action, Error *err)
{
    Status status = report_refused(db, rc, action, err);
    switch (rc) {
    case SQLITE_READONLY_ROLLBACK:
        error_hint(err, "A program was interrupted while it wrote this file. Open it once with a "
                        "program that may write it, such as `sqlite3 FILE .tables`, so that SQLite "
                        "rolls the unfinished transaction back; then run the same command again.");
        break;
    case SQLITE_READONLY_RECOVERY:
    case SQLITE_READONLY_CANTLOCK:
    case SQLITE_READONLY_CANTINIT:
        error_hint(err,
                   "The file is in WAL mode, and its -shm file cannot be written by this user. "
                   "Run as a user who may write the directory of \"%s\", or copy the file with "
                   "its -wal file to where this user may write.",
                   db->path);
        break;
    case SQLITE_READONLY_DBMOVED:
        error_hint(err, "The file was moved or replaced while it was open; run the same command "
                        "again.");
        break;
    default:
        error_hint(err, "Check that this user may write \"%s\" and its directory.", db->path);
        break;
    }
    return status;
}

static Status report_cannot_open(const Db *db, int rc, const char *action, Error *err)
{
    Status status = report_refused(db, rc, action, err);
    error_hint(err,
               "Check that this user may read \"%s\" and write its directory: SQLite keeps its "
               "-journal, -wal and -shm files there.",
               db->path);
    return status;
}

static Status report_unusable(const Db *db, int rc, const char *action, Error *err)
{
    Status status = report(db, rc, action, STATUS_INVALID, err);
    if ((rc & 0xff) == SQLITE_NOTADB)
        error_hint(err, "Check the path: this is another kind of file, or an encrypted database.");
    else
        error_hint(err, "The database is damaged: check it with `sqlite3 FILE \"pragma "
                        "integrity_check\"` and restore it, or use `sqlite3 FILE .recover`.");
    return status;
}

static Status report_io(const Db *db, int rc, const char *action, Error *err)
{
    if (rc == SQLITE_IOERR_BLOCKED)
        return report(db, rc, action, STATUS_RETRY, err);
    if (disk_is_full(db, rc))
        return report_disk_full(db, rc, action, err);
    Status status = report(db, rc, action, STATUS_FAILED, err);
    int code = db->handle ? sqlite3_system_errno(db->handle) : 0;
    error_hint(err,
               "The system reports: %s. Check the disk and the kernel's log, then run the same "
               "command again.",
               code ? strerrordesc_np(code) : "input/output error");
    return status;
}

/* What a broken disk does not give, SQLite takes for damage of the file: its descriptors know. */
static int tell_damage_from_disk(const Db *db, int rc)
{
    sqlite3_file *log = NULL;
    int of_database = 0;
    int of_log = 0;

    if ((rc & 0xff) != SQLITE_CORRUPT)
        return rc;
    (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_LAST_ERRNO, &of_database);
    (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
    if (log != NULL && log->pMethods != NULL)
        (void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &of_log);
    return of_database == EIO || of_log == EIO ? SQLITE_IOERR : rc; /* 0 where none answered */
}

Status db_error(const Db *db, int rc, const char *action, Error *err)
{
    rc = tell_damage_from_disk(db, rc);
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* lost a race for the locks of a WAL */
    case SQLITE_SCHEMA:
        return report(db, rc, action, STATUS_RETRY, err);
    case SQLITE_INTERRUPT: /* by db_stop_on_request(), the only one who interrupts */
        return report(db, rc, action, STATUS_STOPPED, err);
    case SQLITE_FULL:
        return report_disk_full(db, rc, action, err);
    case SQLITE_IOERR:
        return report_io(db, rc, action, err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return report_unusable(db, rc, action, err);
    case SQLITE_READONLY:
        return report_readonly(db, rc, action, err);
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return report_cannot_open(db, rc, action, err);
    case SQLITE_NOMEM:
        return report(db, rc, action, STATUS_FATAL, err);
    default:
        return report(db, rc, action, STATUS_FAILED, err);
    }
}

/* Looks before SQLite does: its "unable to open database file" does not say why. */
static Status check_file(const char *path, DbMode mode, Error *err)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        if (S_ISREG(info.st_mode))
            return STATUS_OK;
        error_set(err, STATUS_INVALID, "could not open database \"%s\": it is not a regular file",
                  path);
        error_hint(err, "Give the path of a SQLite database file.");
        return STATUS_INVALID;
    }
    int code = errno;
    if (code == ENOENT && mode == DB_CREATE)
        return STATUS_OK;
    if (code == EACCES)
        error_kind(err, ERROR_REFUSED, "could not open database \"%s\": %s", path,
                   strerrordesc_np(code));
    else
        error_set(err, STATUS_INVALID, "could not open database \"%s\": %s", path,
                  strerrordesc_np(code));
    error_hint(err, "Check the path: it is taken from the current directory unless it begins "
                    "with /.");
    return STATUS_INVALID;
}

/* With a '/' in it no path is taken for a URI ("file:...") or for ":memory:". */
static char *plain_path(const char *path)
{
    return path[0] == '/' ? xstrdup(path) : xasprintf("./%s", path);
}

static Status open_handle(Db *db, DbMode mode, Error *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    switch (mode) {
    case DB_READ:
        flags |= SQLITE_OPEN_READONLY;
        break;
    case DB_WRITE:
        flags |= SQLITE_OPEN_READWRITE;
        break;
    case DB_CREATE:
        flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
        break;
    }
    AUTO_FREE_MEMORY char *path = plain_path(db->path);
    int rc = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (rc != SQLITE_OK)
        return db_error(db, rc, "open the file", err);
    /* SQLite falls back to reading without a word where it may not write. */
    if (mode != DB_READ && sqlite3_db_readonly(db->handle, "main") == 1)
        return db_error(db, SQLITE_READONLY, "open the file for writing", err);
    return STATUS_OK;
}

static Status set_option(Db *db, int option, int value, Error *err)
{
    int rc = sqlite3_db_config(db->handle, option, value, NULL);
    return rc == SQLITE_OK ? STATUS_OK : db_error(db, rc, "set up the connection", err);
}

/* Looks more often than SQLite's own handler, which sleeps past the gaps of a busy writer. */
static int wait_a_little(void *context, int waited_ms)
{
    (void)context;
    if (waited_ms >= BUSY_TIMEOUT_MS || stop_requested())
        return 0;
    clock_sleep_ms(1);
    return 1;
}

void db_wait_for_locks(Db *db, bool on)
{
    (void)sqlite3_busy_handler(db->handle, on ? wait_a_little : NULL, NULL); /* cannot fail */
}

static Status configure(Db *db, DbMode mode, Error *err)
{
    db_wait_for_locks(db, true);
    /*
     * Off, SQLite before 3.41 calls a schema malformed that has a JSON function in a CHECK, an index
     * or a generated column. Nothing is gained by it here: no function is added to the library's, and
     * those of its own that do harm are never run from a schema.
     */
    TRY(set_option(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, err));
    TRY(set_option(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, err));
    TRY(set_option(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, err));
    if (mode == DB_READ)
        TRY(set_option(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, err));
    /* No memory map: an I/O error would be a SIGBUS. */
    TRY(db_exec(db, "pragma mmap_size = 0; pragma recursive_triggers = off;",
                "set up the connection", err));
    /* Extra: with a rollback journal, full does not flush its removal, so that a power failure may
     * bring it back, and take back a transaction that was committed (I2). */
    if (mode != DB_READ)
        TRY(db_exec(db, "pragma synchronous = extra", "set up the connection", err));
    return STATUS_OK;
}

Status db_read_encoding(Db *db, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;
    TRY(db_prepare(db, "pragma encoding", &statement, "read the encoding", err));
    Status status = db_step(db, statement, "read the encoding", err);
    TRY(status);
    const char *encoding = status == STATUS_OK ? db_column_text(statement, 0) : NULL;
    db->is_utf16 = encoding && strncmp(encoding, "UTF-16", 6) == 0;
    return STATUS_OK;
}

Status db_open(const char *path, DbMode mode, Db **ret, Error *err)
{
    TRY(check_file(path, mode, err));
    AUTO_FREE(db_free) Db *db = xcalloc(1, sizeof(*db));
    db->path = xstrdup(path);
    TRY(open_handle(db, mode, err));
    TRY(configure(db, mode, err));
    /* The first read: takes a lock, opens the WAL, parses the schema. */
    int64_t ignored = 0;
    TRY(db_integer(db, "select 1 from sqlite_schema limit 1", 0, &ignored, "open the database",
                   err));
    TRY(db_read_encoding(db, err));
    *ret = TAKE(db);
    return STATUS_OK;
}

void db_free(Db *db)
{
    if (!db)
        return;
    int rc = sqlite3_close(db->handle);
    assert(rc == SQLITE_OK && "a statement was not finalized");
    (void)rc; /* only BUSY is possible: the assertion above */
    free(db->path);
    free(db);
}

Status db_exec(Db *db, const char *sql, const char *action, Error *err)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : db_error(db, rc, action, err);
}

Status db_prepare(Db *db, const char *sql, DbStatement **ret, const char *action, Error *err)
{
    DbStatement *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc != SQLITE_OK)
        return db_error(db, rc, action, err);
    *ret = statement;
    return STATUS_OK;
}

Status db_step(Db *db, DbStatement *statement, const char *action, Error *err)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return STATUS_OK;
    if (rc == SQLITE_DONE)
        return STATUS_DONE;
    return db_error(db, rc, action, err);
}

Status db_integer(Db *db, const char *sql, int64_t fallback, int64_t *ret, const char *action,
                  Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;
    TRY(db_prepare(db, sql, &statement, action, err));
    Status status = db_step(db, statement, action, err);
    TRY(status);
    bool has_value = status == STATUS_OK && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    *ret = has_value ? sqlite3_column_int64(statement, 0) : fallback;
    return STATUS_OK;
}

static void read_text(const Db *db, DbStatement *statement, int column, Value *ret)
{
    if (db->is_utf16) {
        ret->type = VALUE_TEXT16;
        ret->data = sqlite3_column_text16(statement, column);
        ret->size = (size_t)sqlite3_column_bytes16(statement, column);
    } else {
        ret->type = VALUE_TEXT;
        ret->data = sqlite3_column_text(statement, column);
        ret->size = (size_t)sqlite3_column_bytes(statement, column);
    }
}

void db_column_value(const Db *db, DbStatement *statement, int column, Value *ret)
{
    *ret = (Value){.type = VALUE_NULL};
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        ret->type = VALUE_INTEGER;
        ret->integer = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_FLOAT:
        ret->type = VALUE_REAL;
        ret->real = sqlite3_column_double(statement, column);
        break;
    case SQLITE_TEXT:
        read_text(db, statement, column, ret);
        break;
    case SQLITE_BLOB:
        ret->type = VALUE_BLOB;
        ret->data = sqlite3_column_blob(statement, column);
        ret->size = (size_t)sqlite3_column_bytes(statement, column);
        break;
    default:
        break;
    }
}

/*
 * SQLite takes a byte order mark at the beginning of bound UTF-16 text for a note about the rest
 * and drops it. A mark that is part of the value needs another one, of this machine, before it.
 */
static int bind_text16(DbStatement *statement, int index, const Value *value)
{
    bool has_mark = value->size >= 2 && ((value->data[0] == 0xfe && value->data[1] == 0xff) ||
                                         (value->data[0] == 0xff && value->data[1] == 0xfe));
    if (!has_mark)
        return sqlite3_bind_text64(statement, index, value->size ? (const char *)value->data : "\0",
                                   value->size, SQLITE_STATIC, SQLITE_UTF16);
    const uint16_t mark = 0xfeff;
    char *marked = xmalloc(value->size + sizeof(mark));
    memcpy(marked, &mark, sizeof(mark));
    memcpy(marked + sizeof(mark), value->data, value->size);
    return sqlite3_bind_text64(statement, index, marked, value->size + sizeof(mark), free,
                               SQLITE_UTF16);
}

Status db_bind_value(Db *db, DbStatement *statement, int index, const Value *value, Error *err)
{
    /* A NULL pointer would bind NULL: empty text and empty blobs need an address. */
    const void *data = value->size ? (const void *)value->data : "";
    int rc = SQLITE_OK;
    switch (value->type) {
    case VALUE_NULL:
        rc = sqlite3_bind_null(statement, index);
        break;
    case VALUE_INTEGER:
        rc = sqlite3_bind_int64(statement, index, value->integer);
        break;
    case VALUE_REAL:
        rc = sqlite3_bind_double(statement, index, value->real);
        break;
    case VALUE_TEXT:
        rc = sqlite3_bind_text64(statement, index, data, value->size, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case VALUE_TEXT16:
        rc = bind_text16(statement, index, value);
        break;
    case VALUE_BLOB:
        rc = sqlite3_bind_blob64(statement, index, data, value->size, SQLITE_STATIC);
        break;
    }
    return rc == SQLITE_OK ? STATUS_OK : db_error(db, rc, "bind a value", err);
}

const char *db_column_text(DbStatement *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

static int stop_now(void *context)
{
    (void)context;
    return stop_requested();
}

void db_stop_on_request(Db *db, bool on)
{
    sqlite3_progress_handler(db->handle, STOP_CHECK_STEPS, on ? stop_now : NULL, NULL);
}
