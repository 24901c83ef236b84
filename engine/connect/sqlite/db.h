/*
 * One SQLite connection and its statements, for the files of this connector only. Maps SQLite's
 * codes to Status and Error in one place (db_error), sets the same pragmas on every connection, and
 * keeps values exact.
 *
 * Connections are opened without SQLite's own mutex and used by one thread at a time. They have
 * trusted_schema on, no extension loading, foreign key enforcement off, recursive triggers off,
 * and a short busy timeout: waiting longer is the caller's retry.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/flow/codec.h"

typedef struct Db {
    sqlite3 *handle;
    char *path;
    bool is_utf16; /* the database encoding: text is read and bound as VALUE_TEXT16 */
} Db;

typedef enum DbMode {
    DB_READ,   /* the file must exist; never written, never checkpointed */
    DB_WRITE,  /* the file must exist */
    DB_CREATE, /* made when missing (its directory must exist) */
} DbMode;

/* Opens, checks that it is a database we can read (not another kind of file, not encrypted, not
 * malformed), and sets the pragmas. A missing file is ERROR_FAILED with a hint. */
Status db_open(const char *path, DbMode mode, Db **ret, Error *err);
void db_free(Db *db); /* NULL is fine; statements must be finalized */
DEFINE_AUTO_FREE(Db, db_free);

/*
 * The one mapping of SQLite's codes: BUSY, LOCKED, and I/O errors that say "try again" are
 * STATUS_RETRY; FULL is STATUS_FAILED with kind ERROR_WAITING and the hint to free space and run
 * the same command again; IOERR likewise ERROR_FAILED with a hint; CORRUPT and NOTADB are
 * STATUS_INVALID; READONLY, PERM, CANTOPEN and AUTH are ERROR_REFUSED with a hint; everything else
 * STATUS_FAILED. action: "read table orders". The path is named in the message.
 */
Status db_error(const Db *db, int rc, const char *action, Error *err);

/* Runs statements without results. */
Status db_exec(Db *db, const char *sql, const char *action, Error *err);

typedef sqlite3_stmt DbStatement;
static inline void db_finalize(DbStatement *statement)
{
    (void)sqlite3_finalize(statement); /* repeats the error of the last step: reported there */
}
DEFINE_AUTO_FREE(DbStatement, db_finalize);

Status db_prepare(Db *db, const char *sql, DbStatement **ret, const char *action, Error *err);

/* STATUS_OK on a row, STATUS_DONE at the end. */
Status db_step(Db *db, DbStatement *statement, const char *action, Error *err);

/* Runs a query that gives one integer; fallback when it gives no row or NULL. */
Status db_integer(Db *db, const char *sql, int64_t fallback, int64_t *ret, const char *action,
                  Error *err);

/* A column of the current row as an exact value, borrowed until the next step or reset. */
void db_column_value(const Db *db, DbStatement *statement, int column, Value *ret);

/* Binds an exact value; its bytes must stay until the next step. */
Status db_bind_value(Db *db, DbStatement *statement, int index, const Value *value, Error *err);

/* Column as text, or NULL; borrowed. */
const char *db_column_text(DbStatement *statement, int column);

/* Sets is_utf16 again: db_open() does it, and who has just given a new file its encoding must. */
Status db_read_encoding(Db *db, Error *err);

/* While on, a long statement (count, index build) ends with STATUS_STOPPED soon after a stop was
 * requested. A write it ends may roll back the whole transaction. Off when opened. */
void db_stop_on_request(Db *db, bool on);

/* Off: what is locked fails at once with STATUS_RETRY, instead of after the busy timeout. */
void db_wait_for_locks(Db *db, bool on);
