/*
 * One function per stage. Each reads the phase, does what is missing and advances it; called in a
 * phase where there is nothing to do it says so (log) and returns STATUS_OK. Called in a phase that
 * does not allow it: ERROR_REFUSED with the command that comes first.
 */
#pragma once

#include "engine/base/text.h"
#include "engine/flow/findings.h"
#include "stages/migration.h"

/* initial -> prepared: preflight of both sides, promotion plan, the name of the backup. Changes
 * nothing but the journal. Findings that refuse: ERROR_REFUSED, phase stays. */
Status stage_prepare(Migration *migration, Error *err);

/* prepared -> staged: snapshot, plan, staging tables, chunk copy with evidence, indexes. Resumes.
 */
Status stage_stage(Migration *migration, Error *err);

/* staged or verification_failed -> (reset of tables) -> prepared-like work -> staged. tables: NULL
 * or empty for all. The next stage_stage copies them again under a new snapshot. Where that would not
 * mend what was changed in their structure: all of it, as a new attempt, in phase prepared. */
Status stage_reset(Migration *migration, const TextList *tables, Error *err);

/* staged -> verified, or verification_failed with ERROR_DIFFERENT. */
Status stage_verify(Migration *migration, Error *err);

/* verified -> promoted. */
Status stage_promote(Migration *migration, Error *err);

/* any -> rolled_back. */
Status stage_rollback(Migration *migration, Error *err);

/* promoted -> promoted: of the promoted tables those that the patterns name are taken back alone.
 * ERROR_USAGE where the target cannot do that. */
Status stage_rollback_tables(Migration *migration, const TextList *patterns, Error *err);

/* promoted or rolled_back: drops what is kept. */
Status stage_finish(Migration *migration, Error *err);

/* What run would do, changing nothing: findings, steps of the promotion, sizes. */
typedef struct PlanPreview {
    Catalog catalog;
    Findings findings;
    PromotionPlan promotion; /* empty when something is refused */
} PlanPreview;
void plan_preview_release(PlanPreview *preview);
Status stage_preview(Migration *migration, PlanPreview *ret, Error *err);
