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
    &command_rollback, &command_finish,  &command_forget,  &command_backup,
    &command_help,     &command_check,   &command_report,  NULL,
};

enum {
    MAX_COMMANDS = 32,
};

/* "list" of "backup list". */
static const char *last_word(const Command *command)
{
    const char *blank = strrchr(command->name, ' ');

    return blank != NULL ? blank + 1 : command->name;
}

Status command_find(const Command *group, const char *word, const Command **ret, Error *err)
{
    const Command *const *members = group != NULL ? group->members : commands;
    const char *before = group != NULL ? " " : "";
    const char *first = group != NULL ? group->name : "";
    const char *names[MAX_COMMANDS];
    const char *closest = NULL;
    size_t count = 0;

    for (; count < MAX_COMMANDS && members[count] != NULL; count++) {
        names[count] = last_word(members[count]);
        if (strcmp(names[count], word) == 0) {
            *ret = members[count];
            return STATUS_OK;
        }
    }
    (void)error_kind(err, ERROR_USAGE, "there is no command \"%s%s%s\"", first, before, word);
    closest = suggest(word, names, count);
    if (closest != NULL)
        error_hint(err, "Did you mean `stopover %s%s%s`? See `stopover help%s%s`.", first, before,
                   closest, before, first);
    else
        error_hint(err, "See `stopover help%s%s` for the commands there are.", before, first);
    return STATUS_INVALID;
}

/* What goes back to a backup concludes with the migration that does it (restore.h). */
static bool concludes(const Options *options)
{
    return options->command->concludes && options->backup.wanted == NULL;
}

/* A stopped command is resumed by the same command, whatever the stage that noticed said. */
static void tell_how_to_resume(const Options *options, Status status, Error *err)
{
    AUTO_FREE_MEMORY char *again = NULL;

    if (status != STATUS_STOPPED || !concludes(options))
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
    if (concludes(options))
        standing_conclude(options, status, reply);
    return status;
}
