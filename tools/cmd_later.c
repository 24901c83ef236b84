/*
 * Commands that are designed and still to come: each says so, and what to do instead.
 */
#include "tools/command.h"

const Command command_backup_create = {
    .name = "backup create",
    .purpose = "make a named backup of a database or a directory",
    .not_yet = "What promotion replaces is kept in the target until `stopover finish`.",
};

const Command command_backup_restore = {
    .name = "backup restore",
    .purpose = "restore a backup into a database or a directory",
    .not_yet = "`stopover rollback` goes back to what promotion keeps in the target.",
};

const Command command_check = {
    .name = "check",
    .purpose = "preflight of a source and a target",
    .not_yet = "Use `stopover plan --from SOURCE --to TARGET`: it checks both and changes nothing.",
};

const Command command_report = {
    .name = "report",
    .purpose = "a report of a migration with its evidence",
    .not_yet = "Use `stopover status NAME --verbose`, also with --json.",
};
