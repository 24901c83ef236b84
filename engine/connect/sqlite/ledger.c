/*
 * NOTES ON THE CONTROL TABLES
 *
 *   stopover_control  one row: the stamp that the tables are ours, and their version
 *   stopover_run      one row per run: its attempt and epoch
 *   stopover_chunk    a chunk that has arrived, with what its rows add up to
 *   stopover_task     a task that was done
 *   stopover_object   everything that we made or renamed away, by its name now
 *   stopover_marker   a point that was passed: promoted, rolled_back, dropped, finished
 *
 *   claim -> [ begin (epoch) ... commit ]* -> forget run -> tables dropped with the last run
 *
 *  L1  Whatever these tables say has happened commits in the transaction that made it happen (I1).
 *  L2  Every writing transaction but a claim checks the epoch after it holds the write lock; a claim
 *      raises it under the same lock. So nobody of an older epoch writes after a claim (I7).
 *  L3  A name in stopover_object was not in the schema when we first wrote it there, so the object is
 *      ours; together with the name's own role and id that allows to drop it (I3). Two roles are no
 *      such claim: `made`, and `live` (L5).
 *  L4  The tables have exactly the text below, or they are not ours and nothing is touched.
 *  L5  At most one row `live` has the name of a live table: that of the run that promoted this very
 *      table. A later promotion renames the row with the table, so the way back can tell whether the
 *      table it is going to set aside is its own.
 */
#include "engine/connect/sqlite/ledger.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger_query.h"

enum {
    LEDGER_VERSION = 1,
};

typedef struct ControlTable {
    const char *name;
    const char *sql; /* as SQLite stores it (L4) */
} ControlTable;

static const ControlTable control_tables[] = {
    {"stopover_control", "CREATE TABLE stopover_control("
                         "application text not null primary key, version integer not null"
                         ") strict, without rowid"},
    {"stopover_run", "CREATE TABLE stopover_run("
                     "run text not null primary key, migration text not null, "
                     "attempt integer not null, epoch integer not null, "
                     "claimed_us integer not null) strict, without rowid"},
    {"stopover_chunk", "CREATE TABLE stopover_chunk("
                       "run text not null, attempt integer not null, table_id integer not null, "
                       "chunk integer not null, rows integer not null, bytes integer not null, "
                       "digest text not null, primary key (run, attempt, table_id, chunk)"
                       ") strict, without rowid"},
    {"stopover_task", "CREATE TABLE stopover_task("
                      "run text not null, attempt integer not null, table_id integer not null, "
                      "task_id integer not null, primary key (run, attempt, table_id, task_id)"
                      ") strict, without rowid"},
    {"stopover_object", "CREATE TABLE stopover_object("
                        "run text not null, attempt integer not null, name text not null, "
                        "role text not null, type text not null, "
                        "primary key (run, attempt, name)) strict, without rowid"},
    {"stopover_marker", "CREATE TABLE stopover_marker("
                        "run text not null, attempt integer not null, kind text not null, "
                        "at_us integer not null, inverse text, row_counts text, "
                        "primary key (run, attempt, kind)) strict, without rowid"},
};

enum {
    CONTROL_TABLES = sizeof(control_tables) / sizeof(control_tables[0]),
};

bool ledger_is_control_table(const char *name)
{
    for (size_t i = 0; i < CONTROL_TABLES; i++) {
        if (sqlite3_stricmp(control_tables[i].name, name) == 0)
            return true;
    }
    return false;
}

Status ledger_prepare(Db *db, const RunIdentity *identity, const char *sql, DbStatement **ret,
                      Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;

    TRY(db_prepare(db, sql, &statement, "use the ledger", err));
    ledger_bind_text(statement, 1, identity->run);
    (void)sqlite3_bind_int64(statement, 2, identity->attempt); /* out of range: not in every one */
    *ret = TAKE(statement);
    return STATUS_OK;
}

Status ledger_run(Db *db, DbStatement *statement, Error *err)
{
    TRY(db_step(db, statement, "write the ledger", err));
    return STATUS_OK;
}

static Status refuse_foreign(const Db *db, const char *name, Error *err)
{
    Status status = error_kind(
        err, ERROR_REFUSED, "database \"%s\" has a table \"%s\" that is not ours", db->path, name);

    error_hint(err, "Rename that table, or use another target: Stopover keeps its records in "
                    "tables whose names begin with stopover_.");
    return status;
}

static Status check_version(Db *db, Error *err)
{
    int64_t version = 0;

    TRY(db_integer(db, "select version from main.stopover_control where application = 'stopover'",
                   0, &version, "read the ledger's version", err));
    if (version == LEDGER_VERSION)
        return STATUS_OK;
    if (version < LEDGER_VERSION)
        return refuse_foreign(db, "stopover_control", err);

    Status status =
        error_kind(err, ERROR_REFUSED,
                   "the records in \"%s\" are of version %" PRId64 "; this program knows up to %d",
                   db->path, version, LEDGER_VERSION);

    error_hint(err, "Use the newer program that made them.");
    return status;
}

/* How many of our names exist; the first whose text is not ours goes to ret_foreign. */
static Status find_control_tables(Db *db, size_t *ret_count, const char **ret_foreign, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    const char *action = "look for the ledger";
    size_t count = 0;
    const char *foreign = NULL;

    TRY(db_prepare(db, "select sql from main.sqlite_schema where lower(name) = ?1", &query, action,
                   err));
    for (size_t i = 0; i < CONTROL_TABLES; i++) {
        ledger_bind_text(query, 1, control_tables[i].name);

        Status status = db_step(db, query, action, err);

        TRY(status);
        if (status == STATUS_OK) {
            const char *sql = db_column_text(query, 0);

            count++;
            if (foreign == NULL && (sql == NULL || strcmp(sql, control_tables[i].sql) != 0))
                foreign = control_tables[i].name;
        }
        (void)sqlite3_reset(query); /* its error was that of the step */
    }
    *ret_count = count;
    *ret_foreign = foreign;
    return STATUS_OK;
}

Status ledger_check(Db *db, bool *ret_exists, Error *err)
{
    size_t count = 0;
    const char *foreign = NULL;

    TRY(find_control_tables(db, &count, &foreign, err));
    /* A newer version may have other tables: it says so itself, if its stamp can be read. */
    if (foreign != NULL && strcmp(foreign, "stopover_control") != 0 &&
        schema_has_table(db, "stopover_control"))
        TRY(check_version(db, err));
    if (foreign != NULL)
        return refuse_foreign(db, foreign, err);
    if (count != 0)
        TRY(check_version(db, err));
    if (count != 0 && count != CONTROL_TABLES)
        return error_set(err, STATUS_INVALID, "database \"%s\" has only a part of our records",
                         db->path);
    *ret_exists = count != 0;
    return STATUS_OK;
}

static Status create_tables(Db *db, Error *err)
{
    for (size_t i = 0; i < CONTROL_TABLES; i++)
        TRY(db_exec(db, control_tables[i].sql, "create the ledger", err));

    AUTO_FREE_MEMORY char *stamp =
        xasprintf("insert into stopover_control values ('stopover', %d)", LEDGER_VERSION);

    return db_exec(db, stamp, "create the ledger", err);
}

static Status raise_epoch(Db *db, const RunIdentity *identity, uint64_t *ret, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *upsert = NULL;

    TRY(ledger_prepare(
        db, identity,
        "insert into stopover_run(run, attempt, migration, epoch, claimed_us)"
        " values (?1, ?2, ?3, 1, ?4) on conflict (run) do update set"
        " attempt = excluded.attempt, epoch = epoch + 1, claimed_us = excluded.claimed_us"
        " returning epoch",
        &upsert, err));
    ledger_bind_text(upsert, 3, identity->migration);
    ledger_bind_integer(upsert, 4, (uint64_t)clock_wall_us());
    TRY(db_step(db, upsert, "claim the target", err));

    uint64_t epoch = (uint64_t)sqlite3_column_int64(upsert, 0);

    TRY(db_step(db, upsert, "claim the target", err)); /* to the end: then the row is written */
    *ret = epoch;
    return STATUS_OK;
}

static Status claim_inside(Db *db, const RunIdentity *identity, uint64_t *ret, Error *err)
{
    bool exists = false;

    TRY(ledger_check(db, &exists, err));
    if (!exists)
        TRY(create_tables(db, err));
    return raise_epoch(db, identity, ret, err);
}

Status ledger_claim(Db *db, RunIdentity *identity, Error *err)
{
    uint64_t epoch = 0;

    TRY(db_exec(db, "begin immediate", "claim the target", err));

    Status status = claim_inside(db, identity, &epoch, err);

    if (status < 0) {
        ledger_rollback(db);
        return status;
    }
    TRY(ledger_commit(db, "claim the target", err));
    identity->epoch = epoch;
    return STATUS_OK;
}

static Status check_epoch(Db *db, const RunIdentity *identity, Error *err)
{
    uint64_t epoch = 0;

    if (schema_has_table(db, "stopover_run")) {
        AUTO_FREE(db_finalize) DbStatement *query = NULL;

        TRY(ledger_prepare(db, identity,
                           "select epoch from stopover_run where run = ?1 and attempt = ?2", &query,
                           err));

        Status status = db_step(db, query, "read the epoch", err);

        TRY(status);
        if (status == STATUS_OK)
            epoch = (uint64_t)sqlite3_column_int64(query, 0);
    }
    if (epoch == identity->epoch && epoch != 0)
        return STATUS_OK;

    Status status =
        error_kind(err, ERROR_LOCKED, "another process has taken over migration \"%s\" since",
                   identity->migration);

    error_hint(err, "Let that process go on; nothing was changed by this one.");
    return status;
}

Status ledger_begin(Db *db, const RunIdentity *identity, Error *err)
{
    int64_t ignored = 0;

    TRY(db_exec(db, "begin immediate", "begin to write", err));

    /* Only a statement that reads notices that others have changed the schema since. */
    Status status = db_integer(db, "select 1 from main.sqlite_schema limit 1", 0, &ignored,
                               "begin to write", err);

    if (status >= 0)
        status = check_epoch(db, identity, err);

    if (status < 0)
        ledger_rollback(db);
    return status;
}

Status ledger_commit(Db *db, const char *action, Error *err)
{
    enum {
        COMMIT_WAIT_MS = 5000, /* for readers to leave: the work of a whole chunk is at stake */
        NORMAL_WAIT_MS = 250,
    };

    (void)sqlite3_busy_timeout(db->handle, COMMIT_WAIT_MS); /* cannot fail on an open handle */

    Status status = db_exec(db, "commit", action, err);

    (void)sqlite3_busy_timeout(db->handle, NORMAL_WAIT_MS);
    if (status < 0)
        ledger_rollback(db);
    return status;
}

void ledger_rollback(Db *db)
{
    if (sqlite3_get_autocommit(db->handle) == 0)
        (void)sqlite3_exec(db->handle, "rollback", NULL, NULL, NULL); /* what failed is reported */
}

static void mark_table(const Schema *schema, const char *table)
{
    size_t count = 0;
    SchemaRow *const *rows = schema_of_table(schema, table, &count);

    for (size_t i = 0; i < count; i++)
        rows[i]->is_ours = true;
}

Status ledger_mark_ours(Db *db, Schema *schema, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    Status status = STATUS_OK;

    if (schema_find(schema, "stopover_object") == NULL)
        return STATUS_OK;
    for (size_t i = 0; i < CONTROL_TABLES; i++)
        mark_table(schema, control_tables[i].name);
    TRY(db_prepare(db,
                   "select name from stopover_object"
                   " where type = 'table' and role not in ('made', 'live')",
                   &query, "read the ledger", err));
    while ((status = db_step(db, query, "read the ledger", err)) == STATUS_OK)
        mark_table(schema, db_column_text(query, 0));
    return status < 0 ? status : STATUS_OK;
}

static Status run_all(Db *db, const RunIdentity *identity, const char *const *statements,
                      size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE(db_finalize) DbStatement *statement = NULL;

        TRY(ledger_prepare(db, identity, statements[i], &statement, err));
        TRY(ledger_run(db, statement, err));
    }
    return STATUS_OK;
}

Status ledger_forget_attempt(Db *db, const RunIdentity *identity, Error *err)
{
    static const char *const statements[] = {
        "delete from stopover_chunk where run = ?1 and attempt = ?2",
        "delete from stopover_task where run = ?1 and attempt = ?2",
        "delete from stopover_object where run = ?1 and attempt = ?2 and role = 'staging'",
    };

    return run_all(db, identity, statements, sizeof(statements) / sizeof(statements[0]), err);
}

Status ledger_forget_run(Db *db, const RunIdentity *identity, Error *err)
{
    static const char *const statements[] = {
        "delete from stopover_chunk where run = ?1",  "delete from stopover_task where run = ?1",
        "delete from stopover_object where run = ?1", "delete from stopover_marker where run = ?1",
        "delete from stopover_run where run = ?1",
    };
    int64_t others = 0;

    TRY(run_all(db, identity, statements, sizeof(statements) / sizeof(statements[0]), err));
    TRY(db_integer(db, "select count(*) from stopover_run", 0, &others, "read the ledger", err));
    for (size_t i = 0; others == 0 && i < CONTROL_TABLES; i++) {
        AUTO_FREE_MEMORY char *drop = xasprintf("drop table main.%s", control_tables[i].name);

        TRY(db_exec(db, drop, "drop the ledger", err));
    }
    return STATUS_OK;
}
