#include "tools/standing.h"

#include <stdlib.h>
#include <string.h>

#include "backup/keep.h"
#include "engine/run/expectation.h"
#include "journal/home.h"
#include "stages/migration.h"
#include "verify/statement.h"

void standing_free(Standing *standing)
{
    if (standing == NULL)
        return;
    journal_free(standing->journal);
    text_release(&standing->kept);
    free(standing->statement);
    free(standing->name);
    free(standing);
}

/* As the run itself expects it (engine/run/expectation.h). */
static uint64_t expected_bytes(const JournalProgress *progress)
{
    Expectation expectation = {progress->bytes_planned, progress->bytes_planned_done,
                               progress->bytes_done};

    return progress->chunks_done == progress->chunks ? progress->bytes_done
                                                     : expectation_bytes(&expectation);
}

/* 100 only when nothing is left: sizes are estimates until chunks are done. */
static unsigned percent_of(const JournalProgress *progress)
{
    uint64_t done = progress->bytes_done;
    uint64_t planned = progress->bytes_planned;
    double share = 0;

    if (progress->chunks_done == progress->chunks && progress->tasks_done == progress->tasks)
        return 100;
    if (planned == 0) {
        done = progress->chunks_done;
        planned = progress->chunks;
    }
    if (planned == 0)
        return 0;
    share = 100.0 * (double)done / (double)planned;
    return share < 99 ? (unsigned)share : 99;
}

static Status read_statement(Standing *standing, Error *err)
{
    __attribute__((cleanup(verdicts_release))) Verdicts verdicts = {0};
    const JournalRecord *record = standing->record;
    bool was_verified = record->phase == PHASE_VERIFIED || record->phase == PHASE_PROMOTED ||
                        record->phase == PHASE_VERIFICATION_FAILED;
    AUTO_TEXT Text statement = {0};

    if (!was_verified)
        return STATUS_OK;
    TRY(journal_load_verdicts(standing->journal, &verdicts, err));
    verification_statement(&verdicts, record->level, migration_is_schema_only(standing->journal),
                           &statement);
    standing->statement = text_take(&statement);
    return STATUS_OK;
}

Status standing_read(const char *home, const char *name, Standing **ret, Error *err)
{
    AUTO_FREE(standing_free) Standing *standing = xcalloc(1, sizeof(*standing));
    AUTO_FREE_MEMORY char *directory = NULL;

    standing->name = xstrdup(name);
    TRY(home_require(home, name, err));
    TRY(home_migration_path(home, name, &directory, err));
    TRY(home_lock_holder(home, name, &standing->driver, err));
    TRY(journal_open(directory, JOURNAL_READ, &standing->journal, err));
    standing->record = journal_record(standing->journal);
    /* After a rollback what was copied is dropped or set aside: no progress to speak of. */
    standing->has_plan =
        journal_has_plan(standing->journal) && standing->record->phase != PHASE_ROLLED_BACK;
    if (standing->has_plan) {
        TRY(journal_progress(standing->journal, &standing->progress, err));
        standing->progress.bytes_planned = expected_bytes(&standing->progress);
        standing->percent = percent_of(&standing->progress);
    }
    TRY(read_statement(standing, err));
    keep_describe(standing->record, journal_option(standing->journal, ARCHIVE_OPTION),
                  &standing->kept);
    *ret = TAKE(standing);
    return STATUS_OK;
}

static char *command_for(const Options *options, const Standing *standing, const char *verb,
                         const char *rest)
{
    Options named = {.name = standing->name, .home = options->home};

    return command_line(&named, verb, rest);
}

bool standing_is_unsettled(const Standing *standing)
{
    const char *intent = standing->record->intent;

    return intent != NULL && (strcmp(intent, "rollback") == 0 || strcmp(intent, "finish") == 0);
}

char *standing_next(const Options *options, const Standing *standing)
{
    const JournalRecord *record = standing->record;

    if (standing->driver != 0)
        return command_for(options, standing, "status", " --watch");
    if (standing_is_unsettled(standing))
        return command_for(options, standing, record->intent, "");
    switch (record->phase) {
    case PHASE_INITIAL:
    case PHASE_PREPARED:
    case PHASE_STAGED:
    case PHASE_VERIFIED:
        break;
    case PHASE_VERIFICATION_FAILED:
        return command_for(options, standing, "stage", " --again");
    case PHASE_PROMOTED:
        return command_for(options, standing, record->finished ? "forget" : "finish", "");
    case PHASE_ROLLED_BACK:
        if (record->finished)
            return command_for(options, standing, "forget", "");
        break;
    }
    return command_for(options, standing, "run", "");
}
