/*
 * any -> rolled_back. Before promotion our staging is dropped; after it one transaction swaps back,
 * and what had been promoted is kept aside until finish.
 */
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "stages/intent.h"
#include "stages/report.h"
#include "stages/stages.h"

static Status record_rolled_back(Migration *migration, const char *message, Error *err)
{
    TRY(journal_set_phase(migration->journal, PHASE_ROLLED_BACK, message, err));
    log_info("rolled back: %s", message);
    return STATUS_OK;
}

/* ---- before promotion ---- */

typedef struct Drop {
    DropWatch watch;
    Findings *notes;
} Drop;

/* I2. Not before: who is refused, or waits for a lock in vain, has rolled back nothing. */
static Status note_intent(void *context, Error *err)
{
    Migration *migration = context;

    if (journal_record(migration->journal)->intent != NULL)
        return STATUS_OK;
    return journal_set_intent(migration->journal, INTENT_ROLLBACK, err);
}

static Status drop_step(Migration *migration, void *context, Error *err)
{
    Drop *drop = context;

    findings_release(drop->notes); /* of an earlier try */
    *drop->notes = (Findings){0};
    return stager_drop_staging(migration->target->stager, &migration->identity, &drop->watch,
                               drop->notes, err);
}

/* What has begun is completed by whatever command comes next; what has not, by another rollback. */
static Status drop_or_leave(Migration *migration, Findings *notes, Error *err)
{
    bool was_intended = journal_record(migration->journal)->intent != NULL;
    Drop drop = {.watch = {.before_first = note_intent, .context = migration}, .notes = notes};
    Status status = migration_retry(migration, drop_step, &drop, err);
    Error later = {0}; /* the first error is the one that is told */

    if (status < 0 && !was_intended && !drop.watch.has_begun)
        (void)journal_set_intent(migration->journal, NULL, &later);
    return status;
}

/* Also when a process was killed between raising the epoch and making the target. */
static Status target_is_missing(Migration *migration, bool *ret, Error *err)
{
    AUTO_FREE_MEMORY char *identity = NULL;

    TRY(target_identity(migration->target, &identity, err));
    *ret = identity == NULL;
    return STATUS_OK;
}

Status rollback_drop_staging(Migration *migration, Error *err)
{
    AUTO_FINDINGS Findings notes = {0};
    bool is_missing = false;

    TRY(target_is_missing(migration, &is_missing, err));
    if (journal_record(migration->journal)->identity.epoch == 0) /* C1 in claim.c */
        return record_rolled_back(migration, "nothing had been written to the target", err);
    if (is_missing)
        return record_rolled_back(migration, "the target does not exist: nothing is there to drop",
                                  err);
    TRY(migration_claim(migration, err));
    TRY(drop_or_leave(migration, &notes, err));
    report_findings(&notes);
    return record_rolled_back(migration,
                              notes.count > 0
                                  ? "the staging tables are dropped"
                                  : "the staging tables are dropped, the target is as it was",
                              err);
}

/* ---- after promotion ---- */

static Status swap_step(Migration *migration, void *context, Error *err)
{
    Stager *stager = migration->target->stager;
    LockPolicy policy = migration_lock_policy(migration);
    Findings *notes = context;
    Outcome outcome = OUTCOME_NONE;

    TRY(stager_outcome(stager, &migration->identity, &outcome, err));
    if (outcome == OUTCOME_ROLLED_BACK)
        return STATUS_OK;
    findings_release(notes);
    *notes = (Findings){0};
    return stager_swap_back(stager, &migration->identity, &policy, notes, err);
}

static Status swap_back(Migration *migration, Error *err)
{
    AUTO_FINDINGS Findings notes = {0};

    TRY(migration_claim(migration, err));
    TRY(journal_set_intent(migration->journal, INTENT_ROLLBACK, err));

    Status status = migration_retry(migration, swap_step, &notes, err);

    if (status < 0) {
        Outcome outcome = OUTCOME_NONE;

        intent_take_back(migration, &outcome);
        if (outcome == OUTCOME_ROLLED_BACK) /* committed without an answer */
            status = STATUS_OK;
    }
    if (status >= 0) {
        report_findings(&notes);
        status = record_rolled_back(
            migration, "what was live before is live again; what had been promoted is kept aside",
            err);
    }
    return status < 0 ? status : migration_complete(migration, err);
}

static Status refuse_finished(const Migration *migration, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED,
                     "migration \"%s\" is finished: what it replaced is dropped, so there is "
                     "nothing to go back to",
                     migration->name);
    error_hint(err, "Restore the target from a copy of your own, if you keep one.");
    return STATUS_INVALID;
}

Status stage_rollback(Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    log_context("rollback", NULL);
    TRY(migration_settle(migration, err));
    switch (record->phase) {
    case PHASE_ROLLED_BACK:
        log_info("rollback: nothing to do: migration \"%s\" is rolled back", migration->name);
        return migration_complete(migration, err);
    case PHASE_PROMOTED:
        return record->finished ? refuse_finished(migration, err) : swap_back(migration, err);
    case PHASE_INITIAL:
    case PHASE_PREPARED:
    case PHASE_STAGED:
    case PHASE_VERIFIED:
    case PHASE_VERIFICATION_FAILED:
        break;
    }
    return rollback_drop_staging(migration, err);
}
