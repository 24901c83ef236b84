#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "journal/home.h"
#include "stages/archive_live.h"
#include "tools/command.h"
#include "tools/connectors.h"
#include "tools/options.h"
#include "tools/session.h"

static Status refuse(const Options *options, const JournalRecord *record, const char *first,
                     Error *err)
{
    AUTO_FREE_MEMORY char *command = command_line(options, first, "");

    (void)error_kind(err, ERROR_REFUSED,
                     "migration \"%s\" is %s: its target still holds what only this record can "
                     "take away",
                     options->name, phase_name(record->phase));
    error_hint(err, "Run `%s` first.", command);
    return STATUS_INVALID;
}

/* Who was promoted and then replaced the target by another file has nothing to finish: the record
 * would stay for ever. True also of a target that is not there. */
static Status target_is_clean(Migration *migration, bool *ret, Error *err)
{
    AUTO_TEXT_LIST TextList kept = {0};
    Outcome outcome = OUTCOME_NONE;

    TRY(stager_outcome(migration->target->stager, &migration->identity, &outcome, err));
    TRY(stager_list_kept(migration->target->stager, &migration->identity, &kept, err));
    *ret = outcome == OUTCOME_NONE && kept.count == 0;
    return STATUS_OK;
}

/* Epoch 0 in the first attempt: no process of ours can have written to the target yet. */
static Status check(const Options *options, const char *directory, bool *ret_promoted, Error *err)
{
    AUTO_FREE(journal_free) Journal *journal = NULL;
    const JournalRecord *record = NULL;

    TRY(journal_open(directory, JOURNAL_READ, &journal, err));
    record = journal_record(journal);
    if (record->identity.epoch == 0 && record->identity.attempt == 1)
        return STATUS_OK;
    switch (record->phase) {
    case PHASE_PROMOTED:
        *ret_promoted = !record->finished;
        return record->finished ? STATUS_OK : refuse(options, record, "finish", err);
    case PHASE_ROLLED_BACK:
        return record->finished ? STATUS_OK : refuse(options, record, "finish", err);
    case PHASE_INITIAL:
    case PHASE_PREPARED:
    case PHASE_STAGED:
    case PHASE_VERIFIED:
    case PHASE_VERIFICATION_FAILED:
        break;
    }
    return refuse(options, record, "rollback", err);
}

/*
 * Renamed away first, in one step: a name that begins with a dot is no migration's, so whoever is
 * killed here leaves either the whole record or none. What it leaves behind is removed by the next
 * forget of that name.
 */
static Status remove_record(const char *home, const char *name, const char *directory, Error *err)
{
    AUTO_FREE_MEMORY char *parent = xasprintf("%s/migrations", home);
    AUTO_FREE_MEMORY char *forgotten = xasprintf("%s/.forgotten-%s", parent, name);

    TRY(directory_remove(forgotten, err));
    TRY(fault_before("forget.rename", err));
    if (rename(directory, forgotten) != 0)
        return file_error(err, errno, "remove", directory);
    TRY(fault_after("forget.rename", err));
    TRY(directory_sync(parent, err));
    return directory_remove(forgotten, err);
}

/* First: until the record is gone, that says which backup is needed. */
static void release_backups(const Options *options, const char *directory)
{
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error ignored = {0}; /* check() has read it, or there is nothing to release */

    if (journal_open(directory, JOURNAL_READ, &journal, &ignored) >= 0)
        archive_live_forget(journal, options->name);
}

/* The migration is opened, with its lock, only where its target must be asked. */
static Status ask_target(const Options *options, const char *home, Migration **ret, Error *err)
{
    MigrationOptions given = options_for_migration(options);
    AUTO_FREE(migration_free) Migration *migration = NULL;
    Error ignored = {0};
    bool clean = false;

    if (migration_open(home, options->name, connectors_all(), &given, STOPOVER_VERSION, &migration,
                       &ignored) < 0 ||
        target_is_clean(migration, &clean, &ignored) < 0 || !clean)
        return STATUS_INVALID; /* err holds the refusal */
    log_warn("%s holds nothing of this migration: only its record is left",
             journal_record(migration->journal)->target_display);
    error_clear(err);
    *ret = TAKE(migration);
    return STATUS_OK;
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE_MEMORY char *directory = NULL;
    AUTO_FREE(file_lock_free) FileLock *lock = NULL;
    AUTO_FREE(migration_free) Migration *migration = NULL;
    bool promoted = false;
    Status status = STATUS_OK;

    TRY(home_resolve(options->home, &home, err));
    TRY(home_migration_path(home, options->name, &directory, err));
    TRY(home_require(home, options->name, err));
    TRY(home_lock(home, options->name, &lock, err));
    status = check(options, directory, &promoted, err);
    if (status < 0 && promoted) {
        file_lock_free(TAKE(lock));
        status = ask_target(options, home, &migration, err);
    }
    TRY(status);
    TRY(session_confirm(options,
                        "removes our record of this migration, its evidence and its logs; source "
                        "and target are left as they are",
                        err));
    release_backups(options, directory);
    TRY(remove_record(home, options->name, directory, err));
    text_append_format(&reply->text, "migration \"%s\" is forgotten\n", options->name);
    return STATUS_OK;
}

const Command command_forget = {
    .name = "forget",
    .usage = "NAME [--yes]",
    .purpose = "remove our record of a migration that is over",
    .help =
        "Removes the journal, evidence and logs of a migration from the home directory; source\n"
        "and target are not touched. Refused while the target holds something of it: then\n"
        "`rollback` or `finish` comes first. Asks, or needs --yes where nobody can be asked.\n\n"
        "Example:\n"
        "  stopover forget shop --yes",
    .operand = OPERAND_NAME,
    .run = run,
};
