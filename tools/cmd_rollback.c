#include "stages/stages.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/session.h"

/* Before promotion nothing that is in use goes away, so nobody needs to be asked. */
static Status confirm(const Options *options, Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_FREE_MEMORY char *consequence = NULL;

    TRY(migration_settle(migration, err));
    if (record->phase != PHASE_PROMOTED || record->finished)
        return STATUS_OK;
    consequence = xasprintf("makes the tables that were live before the promotion live again in "
                            "%s; what was written to the promoted ones since stays with them, "
                            "set aside as *_undone_%s until finish",
                            record->target_display, record->identity.id);
    return session_confirm(options, consequence, err);
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(migration_free) Migration *migration = NULL;

    (void)reply;
    TRY(session_open(options, &migration, err));
    TRY(confirm(options, migration, err));
    return stage_rollback(migration, err);
}

const Command command_rollback = {
    .name = "rollback",
    .usage = "NAME [--yes]",
    .purpose = "back to what was live before, from any phase until finish",
    .help =
        "Before promotion: drops the staging tables. After promotion: one transaction makes the\n"
        "retired tables live again and sets the promoted ones aside, with whatever was written\n"
        "to them, until `finish`; this asks, or needs --yes where nobody can be asked.\n"
        "`stopover run NAME` then begins a new attempt.\n\n"
        "Example:\n"
        "  stopover rollback shop --yes",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run,
};
