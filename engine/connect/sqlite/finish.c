/*
 * Dropping in batches: each transaction checks the epoch, drops some tables with their rows in the
 * ledger, and commits; an interruption leaves a shorter list.
 *
 *  F1  A table is dropped only if the ledger has it AND its name says so (I3).
 *  F2  The marker `finished` comes first: from there on nothing can be swapped back.
 *  F3  SQLite's own tables that exist because of us go last, and only when they are empty.
 */
#include "engine/connect/sqlite/finish.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/connect/sqlite/sql_text.h"
#include "engine/flow/names.h"

enum {
    TABLES_PER_TRANSACTION = 50,
};

/* Which objects a round takes, and what it tells. */
typedef struct Dropping {
    Db *db;
    const RunIdentity *identity;
    uint32_t attempt; /* 0: of all */
    const char *role; /* NULL: of all */
    const char *point;
    Findings *notes;  /* or NULL */
    DropWatch *watch; /* likewise */
} Dropping;

/* Is it one of our tables or indexes? Of the rest only the record is ours. */
static bool is_kept(const LedgerObject *object)
{
    return strcmp(object->role, LEDGER_MADE) != 0 && strcmp(object->role, LEDGER_LIVE) != 0;
}

static bool is_wanted(const Dropping *dropping, const LedgerObject *object)
{
    if (!is_kept(object))
        return false;
    return dropping->role == NULL || strcmp(object->role, dropping->role) == 0;
}

static Status refuse_unnamed(const char *name, Error *err)
{
    Status status = error_kind(err, ERROR_REFUSED,
                               "table \"%s\" is in our records but does not have our name", name);

    error_hint(err, "Nothing of it was dropped. The records in the target were changed by somebody "
                    "else: look at the table stopover_object there.");
    return status;
}

/* The object's row goes in any case: it may be an index that went with its table. */
static Status drop_object(const Dropping *dropping, const LedgerObject *object, Error *err)
{
    RunIdentity owner = *dropping->identity;
    bool is_table = strcmp(object->type, "table") == 0;
    AUTO_TEXT Text sql = {0};

    if (!name_is_ours(object->name)) /* F1 */
        return refuse_unnamed(object->name, err);
    if (is_table && schema_has_table(dropping->db, object->name)) {
        text_append(&sql, "drop table main.");
        quote_identifier(&sql, object->name);
        TRY(db_exec(dropping->db, text_string(&sql), "drop a table of ours", err));
        if (dropping->notes != NULL)
            findings_add(dropping->notes, FINDING_NOTE, object->name, NULL, "dropped (%s)",
                         object->role);
    }
    owner.attempt = object->attempt;
    return ledger_remove_object(dropping->db, &owner, object->name, err);
}

static Status drop_some(const Dropping *dropping, const LedgerObjects *objects, size_t *at,
                        Error *err)
{
    size_t tables = 0;

    for (; *at < objects->count && tables < TABLES_PER_TRANSACTION; (*at)++) {
        if (!is_wanted(dropping, &objects->items[*at]))
            continue;
        tables += strcmp(objects->items[*at].type, "table") == 0;
        TRY(drop_object(dropping, &objects->items[*at], err));
    }
    return STATUS_OK;
}

static Status end_step(const Dropping *dropping, Status status, Error *err)
{
    if (status >= 0)
        status = fault_before(dropping->point, err);
    if (status >= 0)
        status = drop_watch_commit(dropping->watch, err);
    if (status < 0) {
        ledger_rollback(dropping->db);
        return status;
    }
    status = ledger_commit(dropping->db, "drop what is ours", err);
    if (dropping->watch != NULL &&
        status != STATUS_RETRY) /* readers in the way: nothing happened */
        dropping->watch->has_begun = true;
    return status < 0 ? status : fault_after(dropping->point, err);
}

static Status drop_all(const Dropping *dropping, Error *err)
{
    AUTO_LEDGER_OBJECTS LedgerObjects objects = {0};
    size_t at = 0;

    TRY(ledger_objects(dropping->db, dropping->identity, dropping->attempt, &objects, err));
    while (at < objects.count) {
        TRY(ledger_begin(dropping->db, dropping->identity, err));
        TRY(end_step(dropping, drop_some(dropping, &objects, &at, err), err));
    }
    return STATUS_OK;
}

/* ---- SQLite's own tables (F3) ---- */

static Status is_empty(Db *db, const char *table, bool *ret, Error *err)
{
    AUTO_FREE_MEMORY char *sql = xasprintf("select count(*) from main.%s", table);
    int64_t rows = 0;

    TRY(db_integer(db, sql, 0, &rows, "look at SQLite's own tables", err));
    *ret = rows == 0;
    return STATUS_OK;
}

static Status any_autoincrement(Db *db, bool *ret, Error *err)
{
    AUTO_SCHEMA Schema schema = {0};

    TRY(schema_load(db, &schema, err));
    *ret = false;
    for (size_t i = 0; i < schema.count && !*ret; i++)
        *ret = row_is(&schema.rows[i], "table") && schema.rows[i].sql != NULL &&
               sql_has_keyword(schema.rows[i].sql, "autoincrement");
    return STATUS_OK;
}

/* SQLite lets nobody drop sqlite_sequence. Under another name it is a table like any other. */
static Status drop_sequence_table(Db *db, Error *err)
{
    const char *action = "drop the table of sequences";
    int64_t version = 0;
    bool is_needed = true;

    TRY(any_autoincrement(db, &is_needed, err));
    if (is_needed)
        return STATUS_OK;
    TRY(db_integer(db, "pragma main.schema_version", 0, &version, action, err));

    AUTO_FREE_MEMORY char *sql = xasprintf(
        "pragma writable_schema = on;"
        "update main.sqlite_schema set name = 'stopover_sequence', tbl_name = 'stopover_sequence',"
        " sql = 'CREATE TABLE stopover_sequence(name,seq)' where name = 'sqlite_sequence';"
        "pragma main.schema_version = %" PRId32 ";"
        "pragma writable_schema = reset;"
        "drop table main.stopover_sequence;",
        (int32_t)((uint32_t)version + 1));

    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL); /* until RESET */
    return db_exec(db, sql, action, err);
}

static Status drop_made_table(Db *db, const char *name, Error *err)
{
    bool empty = false;
    AUTO_FREE_MEMORY char *drop = xasprintf("drop table main.%s", name);

    if (!schema_has_table(db, name))
        return STATUS_OK;
    TRY(is_empty(db, name, &empty, err));
    if (!empty)
        return STATUS_OK;
    if (strcmp(name, "sqlite_sequence") == 0)
        return drop_sequence_table(db, err);
    return db_exec(db, drop, "drop the statistics tables", err);
}

/* Somebody may need them by now: then they stay, and their records go all the same. */
static Status drop_made(Db *db, const RunIdentity *identity, uint32_t attempt, Error *err)
{
    static const char *const names[] = {"sqlite_sequence", "sqlite_stat1", "sqlite_stat4"};
    AUTO_LEDGER_OBJECTS LedgerObjects objects = {0};

    TRY(ledger_objects(db, identity, attempt, &objects, err));
    for (size_t i = 0; i < objects.count; i++) {
        RunIdentity owner = *identity;

        if (strcmp(objects.items[i].role, LEDGER_MADE) != 0)
            continue;
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            if (strcmp(objects.items[i].name, names[j]) == 0)
                TRY(drop_made_table(db, names[j], err));
        }
        owner.attempt = objects.items[i].attempt;
        TRY(ledger_remove_object(db, &owner, objects.items[i].name, err));
    }
    return STATUS_OK;
}

/* ---- before promotion ---- */

static Status open_ours(Stager *stager, Db **ret, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    bool exists = false;

    TRY(target_open_to_read(stager_target(stager), &db, err));
    if (db != NULL)
        TRY(ledger_check(db, &exists, err));
    *ret = NULL;
    return exists ? target_open_to_write(stager_target(stager), ret, err) : STATUS_OK;
}

static Status use_fast_drops(Db *db, Error *err)
{
    return db_exec(db, "pragma secure_delete = fast", "drop what is ours", err); /* see writer.c */
}

static Status finish_dropping(const Dropping *dropping, Error *err)
{
    TRY(ledger_forget_attempt(dropping->db, dropping->identity, err));
    TRY(drop_made(dropping->db, dropping->identity, dropping->attempt, err));
    return ledger_add_marker(dropping->db, dropping->identity, OUTCOME_DROPPED, NULL, NULL, err);
}

Status sqlite_drop_staging(Stager *stager, const RunIdentity *identity, DropWatch *watch,
                           Findings *notes, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    Outcome outcome = OUTCOME_NONE;

    (void)notes; /* nothing of ours stays */
    TRY(open_ours(stager, &db, err));
    if (db == NULL)
        return STATUS_OK;
    TRY(use_fast_drops(db, err));
    TRY(ledger_outcome(db, identity, &outcome, err));
    if (outcome == OUTCOME_DROPPED || outcome == OUTCOME_FINISHED)
        return STATUS_OK;
    if (outcome != OUTCOME_NONE)
        return error_kind(err, ERROR_REFUSED,
                          "could not drop the staging tables of migration \"%s\": the target says: "
                          "%s",
                          identity->migration, outcome_name(outcome));

    const Dropping dropping = {.db = db,
                               .identity = identity,
                               .attempt = identity->attempt,
                               .role = name_role_word(NAME_STAGING),
                               .point = "target.drop",
                               .watch = watch};

    TRY(drop_all(&dropping, err));
    TRY(ledger_begin(db, identity, err));
    return end_step(&dropping, finish_dropping(&dropping, err), err);
}

/* ---- the end ---- */

static Status refuse_unfinished(const Dropping *dropping, Error *err)
{
    Status status =
        error_kind(err, ERROR_REFUSED, "migration \"%s\" is neither promoted nor rolled back",
                   dropping->identity->migration);

    error_hint(err, "Run `stopover rollback %s` first to give it up.",
               dropping->identity->migration);
    return status;
}

/* F2 */
static Status mark_finished(const Dropping *dropping, Error *err)
{
    AUTO_LEDGER_OBJECTS LedgerObjects objects = {0};
    Outcome outcome = OUTCOME_NONE;

    TRY(ledger_outcome(dropping->db, dropping->identity, &outcome, err));
    TRY(ledger_objects(dropping->db, dropping->identity, dropping->identity->attempt, &objects,
                       err));
    for (size_t i = 0; outcome == OUTCOME_NONE && i < objects.count; i++) {
        if (strcmp(objects.items[i].role, name_role_word(NAME_STAGING)) == 0)
            return refuse_unfinished(dropping, err);
    }
    return ledger_add_marker(dropping->db, dropping->identity, OUTCOME_FINISHED, NULL, NULL, err);
}

static Status forget_run(const Dropping *dropping, Error *err)
{
    TRY(drop_made(dropping->db, dropping->identity, 0, err));
    return ledger_forget_run(dropping->db, dropping->identity, err);
}

static Status note_free_space(Db *db, Findings *notes, Error *err)
{
    int64_t pages = 0;
    int64_t page_size = 0;
    char size[32];

    TRY(db_integer(db, "pragma main.freelist_count", 0, &pages, "look at free pages", err));
    TRY(db_integer(db, "pragma main.page_size", 0, &page_size, "look at free pages", err));
    if (pages <= 0)
        return STATUS_OK;
    format_bytes((uint64_t)pages * (uint64_t)page_size, size, sizeof(size));
    findings_add(
        notes, FINDING_NOTE, NULL,
        "Run `vacuum` in the target when it is convenient: it gives them back to the disk.",
        "%s of the target are free pages now", size);
    return STATUS_OK;
}

Status sqlite_finish(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;

    TRY(open_ours(stager, &db, err));
    if (db == NULL)
        return STATUS_OK;
    TRY(use_fast_drops(db, err));

    const Dropping dropping = {
        .db = db, .identity = identity, .point = "target.finish", .notes = notes};

    TRY(ledger_begin(db, identity, err));
    TRY(end_step(&dropping, mark_finished(&dropping, err), err));
    TRY(drop_all(&dropping, err));
    TRY(ledger_begin(db, identity, err));
    TRY(end_step(&dropping, forget_run(&dropping, err), err));
    return note_free_space(db, notes, err);
}
