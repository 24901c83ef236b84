/*
 * Our control tables in a SQLite target, for the files of the target side. They are created by the
 * first claim and dropped with the last run's rows. The notes and invariants are in ledger.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/connect/sqlite/db.h"
#include "engine/connect/sqlite/schema.h"
#include "engine/flow/target.h"

/* Is this the name of a control table? They are no part of a source. */
bool ledger_is_control_table(const char *name);

/* Are there control tables? ERROR_REFUSED when they are not ours or of a newer version. */
Status ledger_check(Db *db, bool *ret_exists, Error *err);

/* In one transaction: creates what is missing, stores the run, raises identity->epoch. */
Status ledger_claim(Db *db, RunIdentity *identity, Error *err);

/*
 * A writing transaction: begins it, and checks inside it that nobody has claimed the run since
 * (ERROR_LOCKED). After a failure, also of commit, nothing is open.
 */
Status ledger_begin(Db *db, const RunIdentity *identity, Error *err);
Status ledger_commit(Db *db, const char *action, Error *err);
void ledger_rollback(Db *db); /* fine when nothing is open */

/* Chunks and tasks; the writing ones inside ledger_begin(). */
Status ledger_read(Db *db, const RunIdentity *identity, const LedgerSink *sink, Error *err);
Status ledger_add_chunk(Db *db, const RunIdentity *identity, const Chunk *chunk,
                        const ChunkResult *result, Error *err);
Status ledger_find_chunk(Db *db, const RunIdentity *identity, const Chunk *chunk, bool *ret_found,
                         ChunkResult *ret, Error *err);
Status ledger_add_task(Db *db, const RunIdentity *identity, const Task *task, Error *err);
Status ledger_has_task(Db *db, const RunIdentity *identity, const Task *task, bool *ret,
                       Error *err);
Status ledger_remove_task(Db *db, const RunIdentity *identity, const Task *task, Error *err);

/* Removes the chunk and task rows of one table. */
Status ledger_forget_table(Db *db, const RunIdentity *identity, uint32_t table_id, Error *err);

/* Rows copied into a table, by its chunks. */
Status ledger_count_rows(Db *db, const RunIdentity *identity, uint32_t table_id, uint64_t *ret,
                         Error *err);

/* What we made or renamed away. Roles: name_role_word(), and LEDGER_MADE for tables of SQLite's own
 * (sqlite_sequence, sqlite_stat1) that exist because of us. */
#define LEDGER_MADE "made"

/* A table that we promoted: no longer ours, but its row follows its name, also through the
 * promotions of others. Never dropped. */
#define LEDGER_LIVE "live"

typedef struct LedgerObject {
    uint32_t attempt;
    char *role;
    char *type; /* "table" or "index" */
    char *name;
} LedgerObject;

typedef struct LedgerObjects {
    LedgerObject *items;
    size_t count;
    size_t capacity;
} LedgerObjects;

void ledger_objects_release(LedgerObjects *objects);
#define AUTO_LEDGER_OBJECTS __attribute__((cleanup(ledger_objects_release)))

Status ledger_add_object(Db *db, const RunIdentity *identity, const char *role, const char *type,
                         const char *name, Error *err);
Status ledger_remove_object(Db *db, const RunIdentity *identity, const char *name, Error *err);
Status ledger_has_object(Db *db, const RunIdentity *identity, const char *role, const char *type,
                         const char *name, bool *ret, Error *err);

/* A promoted table was given another name: its row follows, whichever run it is of. */
Status ledger_follow_live(Db *db, const RunIdentity *identity, const char *from, const char *to,
                          Error *err);

/* From now on the live table of that name is ours, not that of whoever promoted one before. */
Status ledger_take_live(Db *db, const RunIdentity *identity, const char *name, Error *err);

/* ERROR_REFUSED when the live table of that name is not the one that we promoted; else its row
 * goes. */
Status ledger_leave_live(Db *db, const RunIdentity *identity, const char *name, Error *err);

/* Appends this run's objects, of one attempt or of all (0), by attempt, role and name. The list is
 * the caller's also after a failure. */
Status ledger_objects(Db *db, const RunIdentity *identity, uint32_t attempt, LedgerObjects *ret,
                      Error *err);

/* Sets is_ours on every row that is a control table, a table in the ledger of any run, or attached
 * to one of those. */
Status ledger_mark_ours(Db *db, Schema *schema, Error *err);

/* Markers: promoted, rolled_back, dropped of an attempt; finished of the whole run. */
Status ledger_add_marker(Db *db, const RunIdentity *identity, Outcome outcome, const char *inverse,
                         const char *row_counts, Error *err);
Status ledger_outcome(Db *db, const RunIdentity *identity, Outcome *ret, Error *err);

/* What was stored with the marker `promoted`; the caller frees both. */
Status ledger_read_promotion(Db *db, const RunIdentity *identity, char **ret_inverse,
                             char **ret_row_counts, Error *err);

/* Removes chunk, task and staging rows of the attempt. */
Status ledger_forget_attempt(Db *db, const RunIdentity *identity, Error *err);

/* Removes every row of the run, and the control tables when no other run has rows. */
Status ledger_forget_run(Db *db, const RunIdentity *identity, Error *err);
