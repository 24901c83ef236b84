/*
 * stage --again: tables are emptied, so that the next stage copies them under a new snapshot.
 */
#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
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

Status stage_reset(Migration *migration, const TextList *tables, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_PLAN Plan plan = {0};

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
    TRY(migration_claim(migration, err));
    if (record->phase != PHASE_PREPARED)
        TRY(journal_set_phase(migration->journal, PHASE_PREPARED, "stage --again", err));
    return reset_selected(migration, &plan, tables, err);
}
