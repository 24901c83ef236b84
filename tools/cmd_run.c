#include "stages/workflow.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/preview.h"
#include "tools/session.h"

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(migration_free) Migration *migration = NULL;
    Phase until = PHASE_PROMOTED;

    if (options->dry_run)
        return preview_write(options, reply, err);
    if (option_given(options, "stop-after"))
        until = (Phase)options->stop_after;
    TRY(session_open(options, &migration, err));
    return workflow_run(migration, until, err);
}

const Command command_run = {
    .name = "run",
    .usage = "NAME --from SOURCE --to TARGET [OPTION...]",
    .purpose = "all stages, from wherever the migration stands",
    .help =
        "Prepares, stages, verifies and promotes. SOURCE is only read. Its tables are copied into\n"
        "staging tables of TARGET and compared; then one transaction renames the tables that were\n"
        "live to retired ones and the staging tables to live ones. Other tables of TARGET are "
        "left\n"
        "alone.\n\n"
        "After an interruption of any kind, `stopover run NAME` goes on with the recorded "
        "options.\n"
        "After a rollback it begins a new attempt. Ctrl-C ends the chunks under way, records "
        "them,\n"
        "and leaves.\n\n"
        "Example:\n"
        "  stopover run shop --from sqlite:/data/old.db --to sqlite:/data/new.db\n"
        "  stopover run shop --stop-after verified",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run,
};
