#include "stages/workflow.h"

#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "stages/stages.h"
#include "verify/statement.h"

/* Not promoted until a comparison finds no difference (I4). */
static Status refuse_failed(Migration *migration, Error *err)
{
    __attribute__((cleanup(verdicts_release))) Verdicts verdicts = {0};
    AUTO_TEXT Text statement = {0};

    TRY(journal_load_verdicts(migration->journal, &verdicts, err));
    verification_statement(&verdicts, journal_record(migration->journal)->level,
                           migration->schema_only, &statement);
    (void)error_kind(err, ERROR_DIFFERENT,
                     "migration \"%s\" is not promoted: its verification failed: %s",
                     migration->name, text_string(&statement));
    error_hint(err,
               "Run `stopover stage %s --again` (with --table for single tables) to copy again, "
               "then `stopover run %s`.",
               migration->name, migration->name);
    return STATUS_INVALID;
}

static int rank(Phase phase)
{
    switch (phase) {
    case PHASE_INITIAL:
        return 0;
    case PHASE_PREPARED:
        return 1;
    case PHASE_STAGED:
        return 2;
    case PHASE_VERIFIED:
        return 3;
    case PHASE_PROMOTED:
        return 4;
    case PHASE_ROLLED_BACK:
    case PHASE_VERIFICATION_FAILED:
        break;
    }
    return -1;
}

static Status next_stage(Migration *migration, Phase phase, Error *err)
{
    switch (phase) {
    case PHASE_INITIAL:
        return stage_prepare(migration, err);
    case PHASE_PREPARED:
        return stage_stage(migration, err);
    case PHASE_STAGED:
        return stage_verify(migration, err);
    case PHASE_VERIFIED:
        return stage_promote(migration, err);
    case PHASE_ROLLED_BACK:
        return migration_begin_attempt(migration, err);
    case PHASE_VERIFICATION_FAILED:
        return refuse_failed(migration, err);
    case PHASE_PROMOTED:
        break;
    }
    return STATUS_OK;
}

Status workflow_run(Migration *migration, Phase until, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    TRY(migration_settle(migration, err));
    if (rank(record->phase) >= rank(until)) {
        log_info("nothing to do: migration \"%s\" is %s%s", migration->name,
                 phase_name(record->phase), record->finished ? " and finished" : "");
        return record->phase == PHASE_PROMOTED ? migration_complete(migration, err) : STATUS_OK;
    }
    while (rank(record->phase) < rank(until)) {
        TRY(stop_check(err));
        TRY(next_stage(migration, record->phase, err));
    }
    return STATUS_OK;
}
