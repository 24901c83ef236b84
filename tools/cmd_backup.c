/*
 * The group of commands `stopover backup`: its members have files of their own.
 */
#include "tools/command.h"

static const Command *const members[] = {
    &command_backup_create,
    &command_backup_list,
    &command_backup_show,
    &command_backup_verify,
    &command_backup_restore,
    &command_backup_pin,
    &command_backup_unpin,
    &command_backup_prune,
    &command_backup_delete,
    &command_backup_undelete,
    NULL,
};

const Command command_backup = {
    .name = "backup",
    .usage = "COMMAND [BACKUP] [OPTION...]",
    .purpose = "named backups: list, show, verify, pin, prune, delete",
    .help = "BACKUP is the name of a backup, its label, `latest` (the last complete one) or\n"
            "`latest-failed` (the last that is incomplete or damaged). The repository is the\n"
            "directory `repository` in the home directory, or --repo. Times are UTC.\n\n"
            "Example:\n"
            "  stopover backup list\n"
            "  stopover backup verify latest\n"
            "  stopover backup prune --keep-last 3 --keep-within 7d",
    .operand = OPERAND_NONE,
    .members = members,
};
