#include "tools/command.h"
#include "tools/options.h"
#include "tools/preview.h"

static Status run(const Options *options, Reply *reply, Error *err)
{
    if (options->name == NULL && (options->from == NULL || options->to == NULL)) {
        (void)error_kind(err, ERROR_USAGE,
                         "--from and --to are needed, or the NAME of a migration");
        error_hint(err, "It is used as: stopover plan %s", options->command->usage);
        return STATUS_INVALID;
    }
    return preview_write(options, reply, err);
}

const Command command_plan = {
    .name = "plan",
    .usage = "[NAME] --from SOURCE --to TARGET [OPTION...]",
    .purpose = "what run would do; changes nothing anywhere",
    .help =
        "Looks at both sides as `prepare` does and shows what it finds: what refuses the\n"
        "migration, what to know, the tables with their sizes, and the steps of the promotion.\n"
        "For a recorded migration its NAME is enough. The exit code is 5 when something\n"
        "refuses.\n\n"
        "Example:\n"
        "  stopover plan --from sqlite:/data/old.db --to sqlite:/data/new.db",
    .operand = OPERAND_NAME_OPTIONAL,
    .run = run,
};
