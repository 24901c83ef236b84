#include "tools/command.h"
#include "tools/help.h"

static Status run(const Options *options, Reply *reply, Error *err)
{
    (void)err;
    help_write(options, &reply->text);
    return STATUS_OK;
}

const Command command_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .purpose = "the commands there are, or what one of them does",
    .help = "Shows the list of commands, or the page of one.\n\n"
            "Example:\n  stopover help run",
    .operand = OPERAND_COMMAND,
    .run = run,
};
