#include "tools/command.h"
#include "tools/restore.h"

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_RESTORE Restore restore = {0};

    TRY(restore_find(options, reply, &restore, err));
    return restore_run(options, &restore, reply, err);
}

const Command command_backup_restore = {
    .name = "backup restore",
    .usage = "BACKUP --to TARGET [--table PATTERN] [--name NAME] [--dry-run]",
    .purpose = "restore a backup into a database",
    .help =
        "A migration like any other, out of the backup: its tables are copied into staging tables\n"
        "of TARGET and compared with the backup; then one transaction makes them live, and what "
        "was\n"
        "live under their names is kept until `stopover finish`. `stopover status`, `rollback` "
        "and\n"
        "`finish` know it as NAME, or as restore-BACKUP. The same command, or `stopover run "
        "NAME`,\n"
        "goes on after an interruption.\n\n"
        "Example:\n"
        "  stopover backup restore before-upgrade --to sqlite:/data/shop.db --dry-run\n"
        "  stopover backup restore latest --to env:DATABASE_URL --table accounts",
    .operand = OPERAND_BACKUP,
    .run = run,
};
