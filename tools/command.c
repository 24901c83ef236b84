#include "tools/command.h"

#include <string.h>

#include "engine/base/log.h"
#include "tools/help.h"
#include "tools/options.h"
#include "tools/standing.h"
#include "tools/suggest.h"

const Command *const commands[] = {
    &command_run,      &command_plan,    &command_prepare, &command_stage,
    &command_verify,   &command_promote, &command_status,  &command_stop,
    &command_rollback, &command_finish,  &command_forget,  &command_help,
    &command_check,    &command_report,  &command_backup,  NULL,
};

enum {
    COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) - 1,
};

Status command_find(const char *name, const Command **ret, Error *err)
{
    const char *names[COMMAND_COUNT];
    const char *closest = NULL;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            *ret = commands[i];
            return STATUS_OK;
        }
        names[i] = commands[i]->name;
    }
    (void)error_kind(err, ERROR_USAGE, "there is no command \"%s\"", name);
    closest = suggest(name, names, COMMAND_COUNT);
    if (closest != NULL)
        error_hint(err, "Did you mean `stopover %s`? See `stopover help`.", closest);
    else
        error_hint(err, "See `stopover help` for the commands there are.");
    return STATUS_INVALID;
}

/* A stopped command is resumed by the same command, whatever the stage that noticed said. */
static void tell_how_to_resume(const Options *options, Status status, Error *err)
{
    AUTO_FREE_MEMORY char *again = NULL;

    if (status != STATUS_STOPPED || !options->command->concludes)
        return;
    again = command_line(options, options->command->name, "");
    (void)error_set(err, STATUS_STOPPED, "stopped; run `%s` to go on", again);
    error_hint(err, "Run `%s` to go on.", again);
}

Status command_dispatch(const Options *options, Reply *reply, Error *err)
{
    const Command *command = options->command;
    Status status = STATUS_OK;

    if (options->version || options->help) {
        help_write(options, &reply->text);
        return STATUS_OK;
    }
    if (command->not_yet != NULL) {
        (void)error_kind(err, ERROR_USAGE, "`stopover %s` is not supported yet", command->name);
        error_hint(err, "%s", command->not_yet);
        return STATUS_INVALID;
    }
    if (options->password_in_argument)
        log_warn("a password in --from or --to can be read by others on this machine before it is "
                 "hidden; use env:VARIABLE");
    status = command->run(options, reply, err);
    tell_how_to_resume(options, status, err);
    if (command->concludes)
        standing_conclude(options, status, reply);
    return status;
}
