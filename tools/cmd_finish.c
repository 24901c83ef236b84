#include "stages/stages.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/session.h"

/* "drops 3 kept objects of sqlite:/b.db for good (orders_retired_12ab34, ...)" */
static Status describe(Migration *migration, Text *ret, Error *err)
{
    enum { NAMED = 3 };
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_TEXT_LIST TextList kept = {0};

    if (record->identity.epoch > 0)
        TRY(stager_list_kept(migration->target->stager, &migration->identity, &kept, err));
    text_append_format(ret, "drops for good what is kept in %s: %zu %s", record->target_display,
                       kept.count, kept.count == 1 ? "object" : "objects");
    for (size_t i = 0; i < kept.count && i < NAMED; i++)
        text_append_format(ret, "%s%s", i == 0 ? " (" : ", ", kept.items[i]);
    if (kept.count > 0)
        text_append(ret, kept.count > NAMED ? ", ...)" : ")");
    text_append(ret, "; no rollback is possible then");
    return STATUS_OK;
}

static Status confirm(const Options *options, Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_TEXT Text consequence = {0};

    TRY(migration_settle(migration, err));
    if (record->finished || (record->phase != PHASE_PROMOTED && record->phase != PHASE_ROLLED_BACK))
        return STATUS_OK; /* there is nothing to do, or the stage refuses */
    TRY(describe(migration, &consequence, err));
    return session_confirm(options, text_string(&consequence), err);
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(migration_free) Migration *migration = NULL;

    (void)reply;
    TRY(session_open(options, &migration, err));
    TRY(confirm(options, migration, err));
    return stage_finish(migration, err);
}

const Command command_finish = {
    .name = "finish",
    .usage = "NAME [--yes]",
    .purpose = "drop what is kept for a rollback: the end of the migration",
    .help =
        "After promotion or rollback: drops the retired and undone tables of all attempts, and\n"
        "our own records in the target. There is no way back after it, so it asks, or needs\n"
        "--yes where nobody can be asked.\n\n"
        "Example:\n"
        "  stopover finish shop --yes",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run,
};
