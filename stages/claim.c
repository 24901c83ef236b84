/*
 * Taking the target, and letting the journal follow what the target says.
 *
 *  C1  Before a claim the journal's epoch is raised: epoch 0 in the journal means that no process of
 *      this run can have written to the target.
 *  C2  An irreversible step is begun with an intent in the journal (I2). After a crash the target's
 *      markers decide whether it happened (I6), never the journal.
 */
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "stages/intent.h"
#include "stages/migration.h"
#include "stages/report.h"
#include "stages/rollback_tables.h"

static Status claim_step(Migration *migration, void *context, Error *err)
{
    (void)context;
    return target_claim(migration->target, &migration->identity, err);
}

Status migration_claim(Migration *migration, Error *err)
{
    Journal *journal = migration->journal;

    if (migration->claimed)
        return STATUS_OK;
    migration->identity = journal_record(journal)->identity;
    TRY(journal_set_epoch(journal, migration->identity.epoch + 1, err)); /* C1 */
    TRY(migration_retry(migration, claim_step, NULL, err));
    TRY(journal_set_epoch(journal, migration->identity.epoch, err));
    migration->claimed = true;
    source_introduce(migration->source, &migration->identity);
    return STATUS_OK;
}

static Status outcome_step(Migration *migration, void *context, Error *err)
{
    return stager_outcome(migration->target->stager, &migration->identity, context, err);
}

Status migration_outcome(Migration *migration, Outcome *ret, Error *err)
{
    migration->identity.attempt = journal_record(migration->journal)->identity.attempt;
    return migration_retry(migration, outcome_step, ret, err);
}

Status migration_begin_attempt(Migration *migration, Error *err)
{
    TRY(journal_begin_attempt(migration->journal, err));
    migration->identity = journal_record(migration->journal)->identity;
    migration->claimed = false;
    source_introduce(migration->source, &migration->identity);
    log_info("attempt %u of migration \"%s\"", migration->identity.attempt, migration->name);
    return STATUS_OK;
}

LockPolicy migration_lock_policy(const Migration *migration)
{
    return (LockPolicy){.lock_timeout_ms = migration->lock_timeout_ms,
                        .deadline_ms = migration->promote_deadline_ms,
                        .notice = migration->notice};
}

static Status complete_step(Migration *migration, void *context, Error *err)
{
    Findings *notes = context;

    findings_release(notes); /* of an earlier try */
    *notes = (Findings){0};
    return stager_complete(migration->target->stager, &migration->identity, notes, err);
}

Status migration_complete(Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_FINDINGS Findings notes = {0};

    if (migration->target->stager->ops->complete == NULL || record->finished ||
        record->identity.epoch == 0)
        return STATUS_OK;
    TRY(migration_claim(migration, err));
    TRY(migration_retry(migration, complete_step, &notes, err));
    report_findings(&notes);
    return STATUS_OK;
}

void intent_take_back(Migration *migration, Outcome *ret_outcome)
{
    Phase phase = journal_record(migration->journal)->phase;
    Outcome before = phase == PHASE_PROMOTED ? OUTCOME_PROMOTED : OUTCOME_NONE;
    Error later = {0}; /* the first error is the one that is told */

    if (migration_outcome(migration, ret_outcome, &later) >= 0 && *ret_outcome == before)
        (void)journal_set_intent(migration->journal, NULL, &later);
}

static Status follow(Migration *migration, Phase phase, const char *what, Error *err)
{
    log_warn("the target says that this migration is %s; the journal follows", what);
    return journal_set_phase(migration->journal, phase,
                             "settled by the target's marker after an interruption", err);
}

static Status refuse_unknown(const Migration *migration, Outcome outcome, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    (void)error_kind(err, ERROR_REFUSED,
                     "the journal says that migration \"%s\" is %s, but the target says %s",
                     migration->name, phase_name(record->phase), outcome_name(outcome));
    error_hint(
        err,
        "Was the target or the journal replaced by another copy? Nothing was changed. Put the "
        "right one back, or give this record up with `stopover forget %s` when the target "
        "holds nothing of it any more.",
        migration->name);
    return STATUS_INVALID;
}

/* What is one transaction is there with its marker or not at all. */
static Status drop_intent(Migration *migration, const char *what, Error *err)
{
    log_info("%s", what);
    return journal_set_intent(migration->journal, NULL, err);
}

/*
 * An intent that was begun and did not get as far as the journal. Only what has begun to drop is
 * carried on (C2): whoever interrupts a finish and then asks for a rollback gets it while he can.
 */
static Status settle_intent(Migration *migration, const char *intent, Outcome outcome, Error *err)
{
    if (strcmp(intent, INTENT_PROMOTE) == 0)
        return drop_intent(migration, "the promotion that was interrupted did not happen", err);
    if (strcmp(intent, INTENT_ROLLBACK) == 0) {
        if (outcome == OUTCOME_PROMOTED)
            return drop_intent(migration, "the rollback that was interrupted did not happen", err);
        log_info("completing the rollback that was interrupted");
        return rollback_drop_staging(migration, err);
    }
    if (strcmp(intent, INTENT_TABLES) == 0) {
        log_info("the target is asked which tables the interrupted rollback took back");
        return rollback_tables_settle(migration, err);
    }
    if (strcmp(intent, INTENT_FINISH) == 0) {
        /* Neither the marker of its beginning, nor all markers gone with its end. */
        if (outcome != OUTCOME_FINISHED && outcome != OUTCOME_NONE)
            return drop_intent(migration, "the finish that was interrupted had dropped nothing yet",
                               err);
        log_info("completing the finish that was interrupted");
        return finish_interrupted(migration, err);
    }
    return error_set(err, STATUS_FATAL, "the journal holds an unknown intent \"%s\"", intent);
}

static bool was_promoted(const JournalRecord *record)
{
    return record->phase == PHASE_PROMOTED && !record->finished;
}

Status migration_settle(Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    Outcome outcome = OUTCOME_NONE;

    if (record->identity.epoch == 0 || record->finished) /* C1 */
        return STATUS_OK;
    TRY(migration_outcome(migration, &outcome, err));
    switch (outcome) {
    case OUTCOME_PROMOTED:
        if (record->phase == PHASE_VERIFIED)
            return follow(migration, PHASE_PROMOTED, "promoted", err);
        if (!was_promoted(record))
            return refuse_unknown(migration, outcome, err);
        break;
    case OUTCOME_ROLLED_BACK:
    case OUTCOME_DROPPED:
        if (record->phase != PHASE_ROLLED_BACK)
            return follow(migration, PHASE_ROLLED_BACK, "rolled back", err);
        break;
    case OUTCOME_NONE:
        if (was_promoted(record) &&
            (record->intent == NULL || strcmp(record->intent, INTENT_FINISH) != 0))
            return refuse_unknown(migration, outcome, err);
        break;
    case OUTCOME_FINISHED:
        break;
    }
    return record->intent != NULL ? settle_intent(migration, record->intent, outcome, err)
                                  : STATUS_OK;
}
