/*
 * Both directions are one transaction under the write lock:
 *
 *   epoch -> outcome -> fingerprint or fit -> marker (with the inverse) -> swap -> ledger's names
 *         -> proof -> commit
 *
 *  P1  Everything is checked again under the lock: what was planned may have been overtaken.
 *  P2  The proof reads the new schema: each promoted table answers, and whatever worked before outside
 *      still compiles. Else everything is rolled back.
 */
#include "engine/connect/sqlite/promote.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/connect/sqlite/promotion_plan.h"
#include "engine/connect/sqlite/works.h"
#include "engine/flow/names.h"

/* ---- proof (P2) ---- */

/* What works per row of the schema before the swap; 0 for whatever need not be looked at. */
static unsigned *look_at_dependents(Db *db, const Schema *now, const Swap *swap)
{
    unsigned *before = xcalloc(now->count + 1, sizeof(*before));

    for (size_t i = 0; i < now->count; i++) {
        if (is_outside_dependent(now, swap, &now->rows[i]))
            before[i] = works(db->handle, now->rows[i].name, NULL);
    }
    return before;
}

static Status prove_dependents(Db *db, const Schema *now, const unsigned *before, Error *err)
{
    for (size_t i = 0; i < now->count; i++) {
        const SchemaRow *row = &now->rows[i];
        AUTO_FREE_MEMORY char *why = NULL;

        if (before[i] == 0 || (before[i] & ~works(db->handle, row->name, &why)) == 0)
            continue;

        Status status = error_kind(err, ERROR_REFUSED, "%s \"%s\" would not work any more: %s",
                                   row->type, row->name, why != NULL ? why : "unknown reason");

        error_hint(err, "Nothing was changed. Change or drop it in the target, then run the same "
                        "command again.");
        return status;
    }
    return STATUS_OK;
}

static Status prove_table(Db *db, const char *name, Error *err)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(db_finalize) DbStatement *columns = NULL;
    AUTO_FREE(db_finalize) DbStatement *row = NULL;
    const char *action = "prove the exchanged tables";

    text_append(&sql, "pragma main.table_xinfo(");
    quote_identifier(&sql, name);
    text_append(&sql, ")");
    TRY(db_prepare(db, text_string(&sql), &columns, action, err));

    Status status = db_step(db, columns, action, err);

    TRY(status);
    if (status == STATUS_DONE)
        return error_set(err, STATUS_FAILED, "table \"%s\" has no columns after the exchange",
                         name);
    text_clear(&sql);
    text_append(&sql, "select * from main.");
    quote_identifier(&sql, name);
    text_append(&sql, " limit 1");
    TRY(db_prepare(db, text_string(&sql), &row, action, err));
    TRY(db_step(db, row, action, err));
    return STATUS_OK;
}

static Status prove_tables(Db *db, const Swap *swap, Error *err)
{
    for (size_t i = 0; i < swap->edit_count; i++) {
        if (strcmp(swap->edits[i].type, "table") == 0)
            TRY(prove_table(db, swap->edits[i].to, err));
    }
    return STATUS_OK;
}

static Status swap_and_prove(Db *db, const Schema *now, const Swap *swap, Error *err)
{
    AUTO_FREE_MEMORY unsigned *before = look_at_dependents(db, now, swap);

    TRY(swap_apply(db, now, swap, err));
    TRY(prove_tables(db, swap, err));
    return prove_dependents(db, now, before, err);
}

/* ---- the ledger follows ---- */

/* What became live is not ours any more; what was set aside is (I3, L5). */
static Status move_forward(Db *db, const RunIdentity *identity, const SwapEdit *edit, Error *err)
{
    bool is_table = strcmp(edit->type, "table") == 0;

    if (strcmp(edit->role, SWAP_LIVE) != 0) {
        TRY(ledger_add_object(db, identity, edit->role, edit->type, edit->to, err));
        return is_table ? ledger_follow_live(db, identity, edit->from, edit->to, err) : STATUS_OK;
    }
    TRY(ledger_remove_object(db, identity, edit->from, err));
    return is_table ? ledger_take_live(db, identity, edit->to, err) : STATUS_OK;
}

static Status move_back(Db *db, const RunIdentity *identity, const SwapEdit *edit, Error *err)
{
    bool is_table = strcmp(edit->type, "table") == 0;

    if (strcmp(edit->role, SWAP_LIVE) != 0) {
        if (is_table)
            TRY(ledger_leave_live(db, identity, edit->from, err));
        return ledger_add_object(db, identity, edit->role, edit->type, edit->to, err);
    }
    TRY(ledger_remove_object(db, identity, edit->from, err));
    return is_table ? ledger_follow_live(db, identity, edit->from, edit->to, err) : STATUS_OK;
}

typedef Status MoveObject(Db *db, const RunIdentity *identity, const SwapEdit *edit, Error *err);

static Status move_objects(Db *db, const RunIdentity *identity, const Swap *swap, MoveObject *move,
                           Error *err)
{
    for (size_t i = 0; i < swap->edit_count; i++)
        TRY(move(db, identity, &swap->edits[i], err));
    return STATUS_OK;
}

/* ---- promotion ---- */

typedef struct Counted {
    const Plan *plan;
    const RunIdentity *identity;
    size_t chunks;
    size_t tasks;
} Counted;

static Status refuse_incomplete(const Counted *counted, Error *err)
{
    Status status =
        error_kind(err, ERROR_REFUSED, "the staging tables of migration \"%s\" are not complete",
                   counted->identity->migration);

    error_hint(err,
               "Run `stopover stage %s --again` to copy what is missing, then `stopover run %s`.",
               counted->identity->migration, counted->identity->migration);
    return status;
}

static Status count_chunk(void *context, uint32_t table_id, uint32_t number,
                          const ChunkResult *result, Error *err)
{
    Counted *counted = context;

    (void)result;
    counted->chunks++;
    return plan_chunk(counted->plan, table_id, number) != NULL ? STATUS_OK
                                                               : refuse_incomplete(counted, err);
}

static Status count_task(void *context, uint32_t task_id, Error *err)
{
    Counted *counted = context;

    /* Tasks that follow the data may have come and gone with an older snapshot. */
    (void)err;
    counted->tasks += plan_task(counted->plan, task_id) != NULL;
    return STATUS_OK;
}

static Status check_complete(Db *db, const RunIdentity *identity, const Plan *plan, Error *err)
{
    Counted counted = {.plan = plan, .identity = identity};
    const LedgerSink sink = {.context = &counted, .chunk = count_chunk, .task = count_task};

    TRY(ledger_read(db, identity, &sink, err));
    if (counted.chunks != plan->chunk_count || counted.tasks != plan->task_count)
        return refuse_incomplete(&counted, err);
    return STATUS_OK;
}

static Status check_fingerprint(const Schema *live, const PromotionPlan *promotion, Error *err)
{
    char fingerprint[SHA256_HEX_SIZE];

    schema_fingerprint(live, fingerprint);
    if (strcmp(fingerprint, promotion->fingerprint) == 0)
        return STATUS_OK;

    Status status = error_kind(err, ERROR_REFUSED,
                               "the target's schema changed since the promotion was planned");

    error_hint(err,
               "Nothing was changed. Run the same command again: it plans the promotion anew.");
    return status;
}

/* [{"table": NAME, "rows": N}...], for swap_back() to compare with. */
static Status count_promoted(Db *db, const RunIdentity *identity, const Plan *plan, char **ret,
                             Error *err)
{
    AUTO_FREE(json_free) Json *tables = json_array();

    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        const Table *table = &plan->catalog.tables[i];
        Json *entry = json_object();
        uint64_t rows = 0;

        json_set_string(entry, "table", table->name);
        json_add(tables, entry);
        TRY(ledger_count_rows(db, identity, table->id, &rows, err));
        json_set_unsigned(entry, "rows", rows);
    }
    *ret = json_print(tables, false);
    return STATUS_OK;
}

static Status refuse_outcome(const RunIdentity *identity, Outcome outcome, const char *what,
                             Error *err)
{
    return error_kind(err, ERROR_REFUSED, "could not %s migration \"%s\": the target says: %s",
                      what, identity->migration, outcome_name(outcome));
}

/* STATUS_DONE when it has happened already. */
static Status promote_inside(Db *db, const RunIdentity *identity, const Plan *plan,
                             const PromotionPlan *promotion, Error *err)
{
    AUTO_SCHEMA Schema live = {0};
    AUTO_SWAP Swap forward = {0};
    AUTO_SWAP Swap inverse = {0};
    AUTO_FREE_MEMORY char *row_counts = NULL;
    Outcome outcome = OUTCOME_NONE;

    TRY(ledger_outcome(db, identity, &outcome, err));
    if (outcome == OUTCOME_PROMOTED)
        return STATUS_DONE;
    if (outcome != OUTCOME_NONE)
        return refuse_outcome(identity, outcome, "promote", err);
    TRY(check_complete(db, identity, plan, err));
    TRY(schema_load(db, &live, err));
    TRY(ledger_mark_ours(db, &live, err));
    TRY(check_fingerprint(&live, promotion, err));
    TRY(swap_parse(promotion->forward, &forward, err));
    TRY(swap_parse(promotion->inverse, &inverse, err)); /* it will be needed: is it whole? */
    TRY(count_promoted(db, identity, plan, &row_counts, err));
    TRY(ledger_add_marker(db, identity, OUTCOME_PROMOTED, promotion->inverse, row_counts, err));
    TRY(fault_before("target.promote.swap", err));
    TRY(move_objects(db, identity, &forward, move_forward, err));
    return swap_and_prove(db, &live, &forward, err);
}

/* Ends a transaction whose work has given that status. */
static Status end_swap(Db *db, Status status, const char *point, const char *action, Error *err)
{
    if (status == STATUS_OK)
        status = fault_before(point, err);
    if (status != STATUS_OK) {
        ledger_rollback(db);
        return status < 0 ? status : STATUS_OK;
    }
    TRY(ledger_commit(db, action, err));
    return fault_after(point, err);
}

Status sqlite_promote(Stager *stager, const RunIdentity *identity, const Plan *plan,
                      const PromotionPlan *promotion, const LockPolicy *policy, Findings *notes,
                      Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;

    (void)policy; /* one lock for the whole file, taken as for any other write */
    (void)notes;
    TRY(target_open_to_write(stager_target(stager), &db, err));
    TRY(ledger_begin(db, identity, err));
    return end_swap(db, promote_inside(db, identity, plan, promotion, err), "target.promote",
                    "commit the promotion", err);
}

/* ---- the way back ---- */

static Status count_now(Db *db, const char *name, int64_t *ret, Error *err)
{
    AUTO_TEXT Text sql = {0};

    text_append(&sql, "select count(*) from main.");
    quote_identifier(&sql, name);
    return db_integer(db, text_string(&sql), 0, ret, "count what is set aside", err);
}

/* The operator should know what was written since: it goes aside with the table. */
static Status note_set_aside(Db *db, const Swap *inverse, const char *row_counts, Findings *notes,
                             Error *err)
{
    AUTO_FREE(json_free) Json *counts = NULL;

    TRY(json_parse(row_counts != NULL ? row_counts : "[]", &counts, err));
    for (const Json *entry = json_at(counts, 0); entry != NULL; entry = json_next(entry)) {
        const char *name = json_get_string(entry, "table");
        const SwapEdit *edit = name == NULL ? NULL : swap_find(inverse, name);
        int64_t then = json_get_integer(entry, "rows", 0);
        int64_t rows = 0;

        if (edit == NULL)
            continue;
        TRY(count_now(db, edit->to, &rows, err));
        findings_add(notes, FINDING_NOTE, name, NULL,
                     "the promoted table is kept as \"%s\": %" PRId64
                     " rows when promoted, %" PRId64 " now",
                     edit->to, then, rows);
    }
    return STATUS_OK;
}

static Status swap_back_inside(Db *db, const RunIdentity *identity, Findings *notes, Error *err)
{
    AUTO_SCHEMA Schema now = {0};
    AUTO_SWAP Swap inverse = {0};
    AUTO_FREE_MEMORY char *text = NULL;
    AUTO_FREE_MEMORY char *row_counts = NULL;
    Outcome outcome = OUTCOME_NONE;

    TRY(ledger_outcome(db, identity, &outcome, err));
    if (outcome == OUTCOME_ROLLED_BACK)
        return STATUS_DONE;
    if (outcome != OUTCOME_PROMOTED)
        return refuse_outcome(identity, outcome, "swap back", err);
    TRY(ledger_read_promotion(db, identity, &text, &row_counts, err));
    TRY(swap_parse(text, &inverse, err));
    TRY(schema_load(db, &now, err));
    TRY(ledger_mark_ours(db, &now, err));
    TRY(ledger_add_marker(db, identity, OUTCOME_ROLLED_BACK, NULL, NULL, err));
    TRY(fault_before("target.swap_back.swap", err));
    TRY(move_objects(db, identity, &inverse, move_back, err));
    TRY(swap_and_prove(db, &now, &inverse, err));
    return note_set_aside(db, &inverse, row_counts, notes, err);
}

Status sqlite_swap_back(Stager *stager, const RunIdentity *identity, const LockPolicy *policy,
                        Findings *notes, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;

    (void)policy;
    TRY(target_open_to_write(stager_target(stager), &db, err));
    TRY(ledger_begin(db, identity, err));
    return end_swap(db, swap_back_inside(db, identity, notes, err), "target.swap_back",
                    "commit the way back", err);
}

Status sqlite_outcome(Stager *stager, const RunIdentity *identity, Outcome *ret, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;

    TRY(target_open_to_read(stager_target(stager), &db, err));
    *ret = OUTCOME_NONE;
    return db != NULL ? ledger_outcome(db, identity, ret, err) : STATUS_OK;
}
