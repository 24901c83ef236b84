/*
 * verified -> promoted. The order, each step for a reason:
 *   1  the source is asked whether it was written to since the snapshot (trap: hours-old data
 *      promoted as "verified"): freshness.c;
 *   2  the promotion is planned again for the target as it is now;
 *   3  with --when-file, all being ready so far, the file is waited for; then 1 and 2 again;
 *   4  the intent is recorded (I2), then one transaction on the target does it all (I6);
 *   5  when its outcome is unknown the target's marker decides.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "stages/archive_live.h"
#include "stages/freshness.h"
#include "stages/intent.h"
#include "stages/origin.h"
#include "stages/report.h"
#include "stages/rollback_tables.h"
#include "stages/stages.h"
#include "stages/when_file.h"

/* ---- 2: the plan, for now ---- */

typedef struct PromotionContext {
    const Plan *plan;
    PromotionPlan promotion;
    Findings findings;
    Findings notes; /* of what was done */
} PromotionContext;

static void promotion_context_release(PromotionContext *context)
{
    promotion_plan_release(&context->promotion);
    findings_release(&context->findings);
    findings_release(&context->notes);
}

static Status plan_step(Migration *migration, void *context, Error *err)
{
    PromotionContext *promotion = context;

    promotion_context_release(promotion); /* of an earlier try */
    promotion->promotion = (PromotionPlan){0};
    promotion->findings = (Findings){0};
    return stager_plan_promotion(migration->target->stager, &migration->identity, promotion->plan,
                                 &promotion->promotion, &promotion->findings, err);
}

/* Of the promotion as it was planned last; empty when there is none. Only that much is kept: with
 * many tables a promotion is large. */
static Status planned_fingerprint(Migration *migration, char ret[65], Error *err)
{
    PromotionPlan planned = {0};
    Status status = journal_load_promotion(migration->journal, &planned, err);

    (void)snprintf(ret, 65, "%s", planned.fingerprint);
    promotion_plan_release(&planned);
    memory_trim();
    return status;
}

static Status plan_again(Migration *migration, PromotionContext *context, Error *err)
{
    char before[65];

    TRY(planned_fingerprint(migration, before, err));
    TRY(migration_retry(migration, plan_step, context, err));
    if (findings_count(&context->findings, FINDING_REFUSAL) > 0) {
        report_findings(&context->findings);
        return findings_refuse(&context->findings, err);
    }
    if (strcmp(before, context->promotion.fingerprint) != 0)
        log_info("the target's structure changed since the promotion was planned: planned again");
    return journal_save_promotion(migration->journal, &context->promotion, err);
}

/* ---- 4 and 5: the one transaction, and what became of it ---- */

static Status promote_step(Migration *migration, void *context, Error *err)
{
    Stager *stager = migration->target->stager;
    LockPolicy policy = migration_lock_policy(migration);
    PromotionContext *promotion = context;
    Outcome outcome = OUTCOME_NONE;

    TRY(stager_outcome(stager, &migration->identity, &outcome, err)); /* an earlier try, perhaps */
    if (outcome == OUTCOME_PROMOTED)
        return STATUS_OK;
    findings_release(&promotion->notes);
    promotion->notes = (Findings){0};
    return stager_promote(stager, &migration->identity, promotion->plan, &promotion->promotion,
                          &policy, &promotion->notes, err);
}

static Status promote_now(Migration *migration, PromotionContext *promotion, Error *err)
{
    Journal *journal = migration->journal;

    TRY(journal_set_option(journal, TAKEN_BACK_OPTION, NULL, err)); /* of an earlier attempt */
    TRY(journal_set_intent(journal, INTENT_PROMOTE, err));

    Status status = migration_retry(migration, promote_step, promotion, err);

    if (status < 0) {
        Outcome outcome = OUTCOME_NONE;

        /* The last try may have committed without an answer: only the target knows. */
        intent_take_back(migration, &outcome);
        if (outcome != OUTCOME_PROMOTED)
            return status;
    }
    report_warnings(&promotion->findings); /* of privileges: they show once staging is there */
    report_findings(&promotion->notes);
    TRY(fault_before("promote.record", err));
    return journal_set_phase(journal, PHASE_PROMOTED, "staging is live", err);
}

static void say_promoted(const Migration *migration, const Plan *plan)
{
    const JournalRecord *record = journal_record(migration->journal);
    char when[32];
    char tables[40];

    clock_format(record->snapshot_us, when, sizeof(when));
    format_things(plan->catalog.table_count, "table", tables, sizeof(tables));
    if (migration->target->ops->is_archive) {
        log_info("complete: %s, the source as it was at %s", tables, when);
        return;
    }
    log_info("promoted: %s%s, the source as it was at %s", tables,
             migration->schema_only ? ", structure only, no rows" : "", when);
    if (record->level == VERIFY_NONE && !migration->schema_only)
        log_warn("promoted unverified: --verify none was asked for");
}

/* Both sides may have changed meanwhile. */
static Status wait_and_check(Migration *migration, PromotionContext *promotion, Error *err)
{
    TRY(when_file_wait(migration, err));
    TRY(check_freshness(migration, err));
    return plan_again(migration, promotion, err);
}

static const char *comes_before(Phase phase)
{
    if (phase == PHASE_VERIFICATION_FAILED)
        return "stage --again";
    return phase == PHASE_STAGED ? "verify" : "run";
}

Status stage_promote(Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_PLAN Plan plan = {0};
    __attribute__((cleanup(promotion_context_release)))
    PromotionContext promotion = {.plan = &plan};

    log_context("promote", NULL);
    TRY(migration_settle(migration, err));
    if (record->phase == PHASE_PROMOTED) {
        log_info("promote: nothing to do: migration \"%s\" is promoted", migration->name);
        TRY(when_file_forget(migration, err));
        return migration_complete(migration, err);
    }
    if (record->phase != PHASE_VERIFIED)
        return refuse_phase(record, "promote", "verified", comes_before(record->phase), err);
    if (!migration->target->ops->is_archive) /* a backup is of its snapshot, whatever came later */
        TRY(check_freshness(migration, err));
    TRY(migration_claim(migration, err));
    TRY(journal_load_plan(migration->journal, &plan, err));
    TRY(origin_note(migration, &plan, err));
    TRY(plan_again(migration, &promotion, err));
    if (migration->when_file != NULL)
        TRY(wait_and_check(migration, &promotion, err));
    TRY(promote_now(migration, &promotion, err));
    TRY(when_file_forget(migration, err));
    say_promoted(migration, &plan);
    TRY(migration_complete(migration, err));
    archive_live_retain(migration);
    return STATUS_OK;
}
