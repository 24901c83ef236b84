#include "tools/restore.h"

#include <string.h>

#include "backup/archive.h"
#include "backup/check.h"
#include "backup/hold.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "journal/home.h"
#include "stages/workflow.h"
#include "tools/backup_session.h"
#include "tools/preview.h"
#include "tools/session.h"
#include "tools/standing.h"

void restore_release(Restore *restore)
{
    free(restore->uri);
    free(restore->backup);
    free(restore->scope);
    free(restore->name);
    free(restore->to);
    *restore = (Restore){0};
}

/* ---- the backup ---- */

static Status check_state(const Backup *backup, Error *err)
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

static Status check_quickly(const Backup *backup, Manifest *ret_manifest, Error *err)
{
    const CheckOptions options = {.level = CHECK_QUICK, .jobs = 1};
    AUTO_CHECK_REPORT CheckReport report = {0};
    Status status = check_backup(backup->directory, &options, &report, ret_manifest, err);

    if (status >= 0)
        return status;
    error_prefix(err, "backup \"%s\"", backup->name);
    error_hint(err,
               "See all that is damaged with `stopover backup verify %s`, or choose another "
               "backup.",
               backup->name);
    return status;
}

static char *migration_name(const Options *options, const Backup *backup)
{
    if (options->restore_name != NULL)
        return xstrdup(options->restore_name);
    if (options->name != NULL)
        return xasprintf("back-%.58s", options->name);
    return xasprintf("restore-%.56s", backup->name);
}

Status restore_find(const Options *options, Reply *reply, Restore *ret, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_HELD_BACKUP HeldBackup held = {0};
    AUTO_MANIFEST Manifest manifest = {0};

    TRY(backup_session_open(options, reply, &repository, err));
    TRY(backup_hold(repository, options->backup.wanted, backup_lock_wait_ms(options), &held, err));
    TRY(check_state(&held.backup, err));
    TRY(check_quickly(&held.backup, &manifest, err));
    clock_format(manifest.snapshot_us > 0 ? manifest.snapshot_us : manifest.started_us, ret->when,
                 sizeof(ret->when));
    ret->uri = xasprintf(ARCHIVE_SCHEME ":%s", held.backup.directory);
    ret->backup = xstrdup(held.backup.name);
    ret->scope = xstrdup(held.backup.scope);
    ret->name = migration_name(options, &held.backup);
    ret->to = xstrdup(options->to);
    log_info("backup %s is good (quick): %s as it was at %s", ret->backup,
             ret->scope != NULL ? ret->scope : "tables", ret->when);
    return STATUS_OK;
}

/* ---- the migration ---- */

static Status work(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(migration_free) Migration *migration = NULL;

    if (options->dry_run)
        return preview_write(options, reply, err);
    TRY(session_open(options, &migration, err));
    return workflow_run(migration, PHASE_PROMOTED, err);
}

Status restore_run(const Options *options, const Restore *restore, Reply *reply, Error *err)
{
    Options as_migration = *options; /* borrows what it holds */
    Status status = STATUS_OK;

    as_migration.command = &command_backup_restore; /* --table is of that, not of a rollback */
    as_migration.name = restore->name;
    as_migration.from = restore->uri;
    as_migration.to = restore->to;
    status = work(&as_migration, reply, err);
    if (status == STATUS_STOPPED) {
        AUTO_FREE_MEMORY char *again = command_line(&as_migration, "run", "");

        (void)error_set(err, STATUS_STOPPED, "stopped; run `%s` to go on", again);
        error_hint(err, "Run `%s` to go on.", again);
    }
    if (!options->dry_run)
        standing_conclude(&as_migration, status, reply);
    return status;
}

/* ---- rollback ---- */

/* Where the migration went, as its journal says; without one it has to be said. */
static Status find_target(const Options *options, char **ret, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE_MEMORY char *directory = NULL;
    AUTO_FREE(journal_free) Journal *journal = NULL;
    const JournalRecord *record = NULL;

    TRY(home_resolve(options->home, &home, err));
    if (!home_has(home, options->name)) {
        (void)error_kind(err, ERROR_NOT_FOUND,
                         "there is no migration \"%s\" here that could say where it went",
                         options->name);
        error_hint(err, "Say with --to into which database the backup is to be restored.");
        return STATUS_INVALID;
    }
    TRY(home_migration_path(home, options->name, &directory, err));
    TRY(journal_open(directory, JOURNAL_READ, &journal, err));
    record = journal_record(journal);
    if (record->target_given != NULL) {
        *ret = xstrdup(record->target_given);
        return STATUS_OK;
    }
    (void)error_kind(err, ERROR_USAGE,
                     "the target was given with a password, which is not recorded");
    error_hint(err, "Give --to again, best as env:VARIABLE.");
    return STATUS_INVALID;
}

static Status confirm(const Options *options, const Restore *restore, Error *err)
{
    AUTO_FREE(uri_free) Uri *to = NULL;
    AUTO_FREE_MEMORY char *consequence = NULL;

    TRY(uri_parse(restore->to, &to, err));
    consequence = xasprintf(
        "makes the tables of backup %s live in %s, as they were at %s; what is live there under "
        "their names, with all that was written to it since, is set aside as *_retired_* until "
        "`stopover finish %s`",
        restore->backup, to->display, restore->when, restore->name);
    return session_confirm(options, consequence, err);
}

Status restore_roll_back(const Options *options, Reply *reply, Error *err)
{
    AUTO_RESTORE Restore restore = {0};

    TRY(restore_find(options, reply, &restore, err));
    if (restore.to == NULL)
        TRY(find_target(options, &restore.to, err));
    if (!options->dry_run)
        TRY(confirm(options, &restore, err));
    return restore_run(options, &restore, reply, err);
}
