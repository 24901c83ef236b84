/*
 * initial -> prepared: looks at both sides together, refuses what could not be carried to the end,
 * and names the backup. Changes nothing but the journal.
 */
#include <string.h>

#include "backup/keep.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "stages/adopt.h"
#include "stages/archive_live.h"
#include "stages/report.h"
#include "stages/stages.h"

void plan_preview_release(PlanPreview *preview)
{
    catalog_release(&preview->catalog);
    findings_release(&preview->findings);
    promotion_plan_release(&preview->promotion);
}

static bool takes(const Target *target, const Table *table)
{
    return (target->ops->row_formats & table->format) != 0;
}

/* False when the two are of different kinds: then nothing else makes sense to ask. */
static bool check_formats(const Migration *migration, const Catalog *catalog, Findings *findings)
{
    const Target *target = migration->target;
    size_t taken = 0;

    for (size_t i = 0; i < catalog->table_count; i++)
        taken += takes(target, &catalog->tables[i]);
    if (taken == 0 && strcmp(migration->source->ops->name, target->ops->name) != 0) {
        findings_add(findings, FINDING_REFUSAL, NULL,
                     "Give a source and a target of the same kind.",
                     "copying from %s to %s is not supported", migration->source->ops->name,
                     target->ops->name);
        return false;
    }
    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];

        if (!takes(target, table)) {
            findings_add(findings, FINDING_REFUSAL, table->name,
                         "Leave this table out with --exclude-table, or choose another target.",
                         "a %s target does not take rows in the %s format of this table",
                         target->ops->name, row_format_name(table->format));
        }
    }
    return true;
}

/* Reads both sides; everything that could refuse a later step is asked now. */
static Status look(Migration *migration, void *context, Error *err)
{
    Stager *stager = migration->target->stager;
    PlanPreview *preview = context;
    Findings *findings = &preview->findings;
    AUTO_PLAN Plan plan = {0};

    plan_preview_release(preview); /* of an earlier try */
    *preview = (PlanPreview){0};
    TRY(seen_take(migration, &plan.catalog, findings, err));
    TRY(stage_adopt(migration, &plan.catalog, findings, err));
    if (!check_formats(migration, &plan.catalog, findings))
        return STATUS_OK;
    if (!migration->selection.data_only || findings_count(findings, FINDING_REFUSAL) == 0)
        TRY(stager_preflight(stager, &migration->identity, &plan.catalog, findings, err));
    if (findings_count(findings, FINDING_REFUSAL) == 0) {
        TRY(stager_plan(stager, &migration->identity, &plan, err));
        TRY(stager_plan_promotion(stager, &migration->identity, &plan, &preview->promotion,
                                  findings, err));
    }
    preview->catalog = plan.catalog;
    plan.catalog = (Catalog){0};
    return STATUS_OK;
}

Status stage_preview(Migration *migration, PlanPreview *ret, Error *err)
{
    return migration_retry(migration, look, ret, err);
}

Status stage_look(Migration *migration, size_t *ret_tables, Error *err)
{
    __attribute__((cleanup(plan_preview_release))) PlanPreview preview = {0};

    TRY(stage_preview(migration, &preview, err));
    report_findings(&preview.findings);
    TRY(findings_refuse(&preview.findings, err));
    TRY(journal_set_catalog_fingerprint(migration->journal, preview.catalog.fingerprint, err));
    *ret_tables = preview.catalog.table_count;
    TRY(keep_begin(migration->journal, clock_wall_us(), err));
    if (journal_record(migration->journal)->phase == PHASE_INITIAL)
        TRY(archive_live(migration, &preview.catalog, preview.promotion.replaces_nothing, err));
    seen_keep(migration, &preview.catalog);
    catalog_release(
        &preview.catalog); /* what is not needed any more goes before the largest write */
    preview.catalog = (Catalog){0};
    memory_trim();
    TRY(journal_save_promotion(migration->journal, &preview.promotion, err));
    migration->looked = true;
    return STATUS_OK;
}

static Status record_prepared(Migration *migration, size_t tables, Error *err)
{
    Journal *journal = migration->journal;
    AUTO_TEXT Text message = {0};
    char count[40];

    format_things(tables, "table", count, sizeof(count));
    if (migration->target->ops->is_archive)
        text_append(&message, count);
    else
        text_append_format(&message, "%s; backup %s", count, journal_record(journal)->backup_name);
    TRY(journal_set_phase(journal, PHASE_PREPARED, text_string(&message), err));
    if (tables == 0)
        log_warn("the source holds no tables: is %s the right one?",
                 journal_record(journal)->source_display);
    if (migration->target->ops->is_archive)
        log_info("prepared: %s", text_string(&message));
    else
        log_info("prepared: %s: what promotion replaces will be kept in the target until finish",
                 text_string(&message));
    return STATUS_OK;
}

Status stage_prepare(Migration *migration, Error *err)
{
    size_t tables = 0;

    log_context("prepare", NULL);
    TRY(migration_settle(migration, err));

    Phase phase = journal_record(migration->journal)->phase;

    if (phase != PHASE_INITIAL) {
        log_info("prepare: nothing to do: migration \"%s\" is %s", migration->name,
                 phase_name(phase));
        return STATUS_OK;
    }
    TRY(stage_look(migration, &tables, err));
    memory_trim();
    return record_prepared(migration, tables, err);
}
