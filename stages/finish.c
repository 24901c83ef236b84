/*
 * The end: drops what promoted and rolled back attempts keep in the target, and our control rows.
 * The phase stays; the journal says that there is no way back any more.
 */
#include "engine/base/log.h"
#include "stages/archive_live.h"
#include "stages/intent.h"
#include "stages/report.h"
#include "stages/stages.h"

static Status finish_step(Migration *migration, void *context, Error *err)
{
    return stager_finish(migration->target->stager, &migration->identity, context, err);
}

static Status drop_kept(Migration *migration, Error *err)
{
    AUTO_FINDINGS Findings notes = {0};

    if (journal_record(migration->journal)->identity.epoch > 0) { /* C1 in claim.c */
        TRY(migration_claim(migration, err));
        TRY(journal_set_intent(migration->journal, INTENT_FINISH, err));
        TRY(migration_retry(migration, finish_step, &notes, err));
        report_findings(&notes);
    }
    TRY(journal_set_finished(migration->journal, "what was kept is dropped", err));
    archive_live_release(migration);
    log_info("finished: nothing of this migration is left in the target but its result");
    return STATUS_OK;
}

Status finish_interrupted(Migration *migration, Error *err)
{
    return drop_kept(migration, err);
}

static Status refuse_unfinished(const Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    (void)error_kind(err, ERROR_REFUSED,
                     "finish needs a migration that is promoted or rolled back; \"%s\" is %s",
                     migration->name, phase_name(record->phase));
    error_hint(err,
               "Run `stopover run %s` to go on with it, or `stopover rollback %s` to give it up, "
               "first.",
               migration->name, migration->name);
    return STATUS_INVALID;
}

Status stage_finish(Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    log_context("finish", NULL);
    TRY(migration_settle(migration, err));
    if (record->finished) {
        log_info("finish: nothing to do: migration \"%s\" is finished", migration->name);
        return STATUS_OK;
    }
    if (record->phase != PHASE_PROMOTED && record->phase != PHASE_ROLLED_BACK)
        return refuse_unfinished(migration, err);
    return drop_kept(migration, err);
}
