/*
 * A restore is a migration out of a backup: with a name of its own in the home directory, so that it
 * can be watched, gone on with and taken back like any other.
 */
#include <string.h>

#include "backup/archive.h"
#include "backup/hold.h"
#include "journal/home.h"
#include "stages/workflow.h"
#include "tools/backup_session.h"
#include "tools/command.h"
#include "tools/preview.h"
#include "tools/session.h"
#include "tools/standing.h"

static Status check_backup_state(const Backup *backup, Error *err)
{
    if (backup->state == STATE_COMPLETE && backup->is_renamed)
        return STATUS_OK;
    (void)error_kind(err, ERROR_REFUSED, "backup \"%s\" cannot be restored: it is %s%s%s",
                     backup->name, backup_state_name(backup->state),
                     backup->problem != NULL ? ": " : "",
                     backup->problem != NULL ? backup->problem : "");
    error_hint(err, "See `stopover backup list` for those that are complete.");
    return STATUS_INVALID;
}

static Status find_backup(const Options *options, Reply *reply, char **ret_uri, char **ret_name,
                          Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP_LIST BackupList list = {0};
    const Backup *backup = NULL;

    TRY(backup_session_open(options, reply, &repository, err));
    TRY(repository_list(repository, &list, NULL, err));
    TRY(backup_list_find(&list, options->backup.wanted, &backup, err));
    TRY(check_backup_state(backup, err));
    *ret_uri = xasprintf(ARCHIVE_SCHEME ":%s", backup->directory);
    *ret_name =
        options->name != NULL ? xstrdup(options->name) : xasprintf("restore-%.56s", backup->name);
    return STATUS_OK;
}

static Status restore(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(migration_free) Migration *migration = NULL;

    if (options->dry_run)
        return preview_write(options, reply, err);
    TRY(session_open(options, &migration, err));
    return workflow_run(migration, PHASE_PROMOTED, err);
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE_MEMORY char *uri = NULL;
    AUTO_FREE_MEMORY char *name = NULL;
    Options as_migration = *options; /* borrows what it holds */
    Status status = STATUS_OK;

    TRY(find_backup(options, reply, &uri, &name, err));
    as_migration.name = name;
    as_migration.from = uri;
    status = restore(&as_migration, reply, err);
    if (!options->dry_run)
        standing_conclude(&as_migration, status, reply);
    return status;
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
