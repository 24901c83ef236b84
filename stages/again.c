/*
 * stage --again: tables are emptied, so that the next stage copies them under a new snapshot. Where
 * that keeps their structure and somebody has changed it, all is staged anew, as the next attempt.
 */
#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "stages/intent.h"
#include "stages/reconcile.h"
#include "stages/report.h"
#include "stages/stages.h"

static Status reset_selected(Migration *migration, Plan *plan, const TextList *tables, Error *err)
{
    AUTO_FREE_MEMORY bool *drop = xcalloc(plan->catalog.table_count + 1, sizeof(bool));
    Selection wanted = {0};

    if (tables != NULL)
        wanted.include = *tables; /* only looked at */
    TRY(selection_check(&wanted, &plan->catalog, err));
    TRY(reconcile_ledger(migration, plan, err));
    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        const Table *table = &plan->catalog.tables[i];

        if (!selection_has(&wanted, table->schema, table->name))
            continue;
        drop[i] = true;
        AUTO_FREE_MEMORY char *name = table_display_name(table);

        log_info("table %s is emptied and copied again", name);
        TRY(journal_add_event(migration->journal, "reset", name, "stage --again", err));
        TRY(reconcile_reset(migration, plan, table, err));
        TRY(fault_after("stage.reset", err));
    }
    TRY(reconcile_after_resets(migration, plan, err));
    return journal_save_done(migration->journal, plan, drop, err);
}

/* ---- structure that somebody has changed ---- */

typedef struct StructureContext {
    const Plan *plan;
    Findings *findings;
} StructureContext;

static Status structure_step(Migration *migration, void *context, Error *err)
{
    StructureContext *structure = context;

    findings_release(structure->findings);
    *structure->findings = (Findings){0};
    return stager_check_schema(migration->target->stager, &migration->identity, structure->plan,
                               structure->findings, err);
}

static Status refuse_single_tables(const Migration *migration, const Finding *first, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "%s: %s: copying tables again does not mend that",
                     first->object != NULL ? first->object : "the staging", first->message);
    error_hint(err, "Run `stopover stage %s --again` without --table: everything is staged again.",
               migration->name);
    return STATUS_INVALID;
}

static const Finding *first_refusal(const Findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].severity == FINDING_REFUSAL)
            return &findings->items[i];
    }
    return NULL;
}

/* Of a staging that was complete: one that is being built differs anyway. */
static Status stage_anew(Migration *migration, const Plan *plan, bool is_of_all, bool *ret_anew,
                         Error *err)
{
    AUTO_FINDINGS Findings findings = {0};
    StructureContext context = {plan, &findings};
    const Finding *first = NULL;

    *ret_anew = false;
    if (!migration->target->stager->ops->keeps_structure ||
        journal_record(migration->journal)->phase == PHASE_PREPARED)
        return STATUS_OK;
    TRY(migration_retry(migration, structure_step, &context, err));
    first = first_refusal(&findings);
    if (first == NULL)
        return STATUS_OK;
    if (!is_of_all)
        return refuse_single_tables(migration, first, err);
    log_warn("%s: %s: everything is staged again",
             first->object != NULL ? first->object : "the staging", first->message);
    *ret_anew = true;
    TRY(rollback_drop_staging(migration, err));
    TRY(migration_begin_attempt(migration, err));
    return stage_prepare(migration, err);
}

Status stage_reset(Migration *migration, const TextList *tables, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_PLAN Plan plan = {0};
    bool is_anew = false;

    log_context("stage", NULL);
    TRY(migration_settle(migration, err));
    if (record->phase == PHASE_PROMOTED)
        return refuse_phase(record, "stage --again", "not promoted", "rollback", err);
    if (record->phase == PHASE_ROLLED_BACK || record->phase == PHASE_INITIAL ||
        !journal_has_plan(migration->journal)) {
        log_info("stage --again: nothing is staged yet");
        return STATUS_OK;
    }
    TRY(journal_load_plan(migration->journal, &plan, err));

    Selection wanted = {.include = tables != NULL ? *tables : (TextList){0}};

    TRY(selection_check(&wanted, &plan.catalog, err)); /* before anything is changed */
    TRY(stage_anew(migration, &plan, wanted.include.count == 0, &is_anew, err));
    if (is_anew)
        return STATUS_OK;
    TRY(migration_claim(migration, err));
    if (record->phase != PHASE_PREPARED)
        TRY(journal_set_phase(migration->journal, PHASE_PREPARED, "stage --again", err));
    return reset_selected(migration, &plan, tables, err);
}
