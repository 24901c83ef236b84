#include "tools/help.h"

#include <string.h>

enum {
    NAME_WIDTH = 12,
    MEMBER_WIDTH = 16,
    OPTION_WIDTH = 28,
};

static void write_options(const Command *command, Text *ret)
{
    for (const OptionRow *row = option_rows; row->name != NULL; row++) {
        AUTO_TEXT Text left = {0};
        bool applies = command == NULL ? row->commands == NULL : option_is_for(row, command);

        if (!applies || row->help == NULL)
            continue;
        if (row->short_name != 0)
            text_append_format(&left, "-%c, ", row->short_name);
        else
            text_append(&left, "    ");
        text_append_format(&left, "--%s%s%s", row->name, row->argument != NULL ? " " : "",
                           row->argument != NULL ? row->argument : "");
        text_append_format(ret, "  %-*s %s\n", OPTION_WIDTH, text_string(&left), row->help);
    }
}

static void write_exit_codes(Text *ret)
{
    text_append(ret, "\nExit codes:\n"
                     "   0  done, or there was nothing to do\n"
                     "   1  failed\n"
                     "   2  wrong command line\n"
                     "   3  stopped, or waiting for the world: the same command goes on\n"
                     "   4  verification found differences, or a backup is damaged\n"
                     "   5  refused by a check or a safety rule; nothing was changed\n"
                     "  10  no such migration or backup\n"
                     "  11  another process drives it, or uses it, now\n");
}

static void write_list(const Command *const *list, int width, Text *ret)
{
    for (; *list != NULL; list++)
        if ((*list)->not_yet == NULL)
            text_append_format(ret, "  %-*s %s\n", width, (*list)->name, (*list)->purpose);
}

static void write_all(Text *ret)
{
    text_append(
        ret, "stopover: staged database migrations that never lose their place\n\n"
             "A migration is copied into staging tables beside the live ones, verified, and only\n"
             "then promoted by rename. Each step is recorded: whatever ends a run, the same\n"
             "command goes on, and what was promoted can be taken back until `finish`.\n\n"
             "Usage: stopover COMMAND [NAME] [OPTION...]\n\n"
             "Commands:\n");
    write_list(commands, NAME_WIDTH, ret);
    text_append(ret, "\nOptions of every command:\n");
    write_options(NULL, ret);
    write_exit_codes(ret);
    text_append(ret, "\nExample:\n"
                     "  stopover plan --from sqlite:/data/old.db --to sqlite:/data/new.db\n"
                     "  stopover run shop --from sqlite:/data/old.db --to sqlite:/data/new.db\n"
                     "  stopover status shop\n"
                     "  stopover finish shop\n\n"
                     "`stopover help COMMAND` says more about one of them.\n");
}

static void write_group(const Command *group, Text *ret)
{
    text_append_format(ret, "Usage: stopover %s %s\n\nCommands:\n", group->name, group->usage);
    write_list(group->members, MEMBER_WIDTH, ret);
    text_append_format(ret, "\n%s\n\nOptions of every one of them:\n", group->help);
    write_options(group, ret);
    write_exit_codes(ret);
}

static void write_command(const Command *command, Text *ret)
{
    text_append_format(ret, "stopover %s: %s\n\n", command->name, command->purpose);
    if (command->members != NULL) {
        write_group(command, ret);
        return;
    }
    if (command->not_yet != NULL) {
        text_append_format(ret, "Not supported yet. %s\n", command->not_yet);
        return;
    }
    text_append_format(ret, "Usage: stopover %s %s\n\n%s\n\nOptions:\n", command->name,
                       command->usage, command->help);
    write_options(command, ret);
    write_exit_codes(ret);
}

void help_write(const Options *options, Text *ret)
{
    const Command *topic = options->command == &command_help && options->topic != NULL
                               ? options->topic
                               : options->command;

    if (options->version)
        text_append_format(ret, "stopover %s\n", STOPOVER_VERSION);
    else if (topic == NULL || (topic == &command_help && !options->help))
        write_all(ret);
    else
        write_command(topic, ret);
}

void help_write_short(FILE *file)
{
    (void)fputs("usage: stopover COMMAND [NAME] [OPTION...]\n"
                "  stopover run NAME --from SOURCE --to TARGET\n"
                "  stopover status [NAME]\n"
                "  stopover help\n",
                file); /* nothing is left to tell if stderr is gone */
}
