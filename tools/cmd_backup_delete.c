/*
 * Removing one backup that people have named, and bringing it back.
 */
#include <string.h>

#include "backup/removal.h"
#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "tools/backup_session.h"
#include "tools/command.h"
#include "tools/session.h"

/* "latest" moves on by itself: who means the one that has failed would remove the last good one. */
static Status refuse_alias(const Options *options, Error *err)
{
    if (strcmp(options->backup.wanted, NAME_LATEST) != 0)
        return STATUS_OK;
    (void)error_kind(err, ERROR_USAGE, "`delete` takes no \"" NAME_LATEST "\"");
    error_hint(err, "Name the backup, or `" NAME_LATEST_FAILED "` for one that was cut off.");
    return STATUS_INVALID;
}

/* Is there another complete one of its series? */
static bool is_last_of_series(const BackupList *list, const Backup *backup)
{
    if (backup->state != STATE_COMPLETE)
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (&list->items[i] != backup && list->items[i].state == STATE_COMPLETE &&
            list->items[i].verification.damaged_us == 0 &&
            strcmp(list->items[i].series, backup->series) == 0)
            return false;
    return true;
}

/* Asks before the lock is taken; ret_label is what was agreed to, wherever an alias moves. */
static Status confirm(const Options *options, const Repository *repository, char **ret_label,
                      Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_FREE_MEMORY char *consequence = NULL;
    const Backup *backup = NULL;
    char size[32];

    TRY(repository_list(repository, &list, NULL, err));
    TRY(backup_list_find(&list, options->backup.wanted, &backup, err));
    format_bytes(backup->stored_bytes, size, sizeof(size));
    consequence =
        xasprintf("removes backup %s (%s, %s)%s%s", backup->name, backup_state_name(backup->state),
                  size, is_last_of_series(&list, backup) ? ", the last good one of its series" : "",
                  options->backup.purge ? ", for good" : "; it stays in the trash for a day");
    TRY(session_confirm(options, consequence, err));
    *ret_label = xstrdup(backup->label);
    return STATUS_OK;
}

static Status trash_one(const Options *options, Repository *repository, const char *label,
                        uint64_t *ret_bytes, char **ret_name, Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_NEEDED_LIST NeededList needed = {0};
    const Backup *backup = NULL;

    TRY(backup_session_needed(options, &needed, err));
    TRY(repository_list(repository, &list, NULL, err));
    TRY(backup_list_find(&list, label, &backup, err));
    TRY(backup_trash(repository, backup, &needed, clock_wall_us(), ret_bytes, err));
    *ret_name = xstrdup(backup->name);
    return STATUS_OK;
}

static void say_removed(const Options *options, const Repository *repository, const char *name,
                        uint64_t moved, uint64_t freed, Reply *reply)
{
    uint64_t left = space_left(repository_path(repository));
    char moved_text[32];
    char freed_text[32];
    char left_text[32];

    format_bytes(moved, moved_text, sizeof(moved_text));
    format_bytes(freed, freed_text, sizeof(freed_text));
    format_bytes(left, left_text, sizeof(left_text));
    json_set_string(reply->document, "backup", name);
    json_set_unsigned(reply->document, "bytes_moved", moved);
    json_set_unsigned(reply->document, "bytes_freed", freed);
    json_set_unsigned(reply->document, "space_left", left);
    text_append_format(
        &reply->text,
        "backup \"%s\" is removed: %s moved to the trash, %s freed now; %s are free\n", name,
        moved_text, freed_text, left_text);
    if (!options->backup.purge)
        text_append_format(&reply->text,
                           "`stopover backup undelete %s` brings it back within a day\n", name);
}

static Status run_delete(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_TEXT_LIST TextList left = {0};
    AUTO_FREE_MEMORY char *label = NULL;
    AUTO_FREE_MEMORY char *name = NULL;
    uint64_t wait_ms = backup_lock_wait_ms(options);
    uint64_t moved = 0;
    uint64_t freed = 0;
    Status status = STATUS_OK;

    TRY(refuse_alias(options, err));
    TRY(backup_session_open(options, reply, &repository, err));
    TRY(confirm(options, repository, &label, err));
    TRY(repository_lock(repository, SHARE_WRITE, wait_ms, err));
    TRY(trash_one(options, repository, label, &moved, &name, err));
    repository_unlock(repository);
    status = trash_empty(repository, options->backup.purge, clock_wall_us(), wait_ms, &freed, &left,
                         err);
    say_removed(options, repository, name, moved, freed, reply);
    return status;
}

const Command command_backup_delete = {
    .name = "backup delete",
    .usage = "BACKUP [--purge] [--yes]",
    .purpose = "remove one backup, also one that was cut off or is damaged",
    .help =
        "Refused while it is pinned, needed by a migration, being made or being read. It stays\n"
        "in the trash for a day, unless --purge empties that at once. `latest-failed` is the\n"
        "last one that was cut off or is damaged. Asks, or needs --yes.\n\n"
        "Example:\n"
        "  stopover backup delete latest-failed --yes",
    .operand = OPERAND_BACKUP,
    .run = run_delete,
};

static Status run_undelete(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP Backup backup = {0};

    TRY(backup_session_open(options, reply, &repository, err));
    TRY(repository_lock(repository, SHARE_WRITE, backup_lock_wait_ms(options), err));
    TRY(backup_undelete(repository, options->backup.wanted, &backup, err));
    json_set(reply->document, "backup", backup_json(&backup, clock_wall_us()));
    text_append_format(&reply->text, "backup \"%s\" is back: %s\n", backup.name,
                       backup_state_name(backup.state));
    return STATUS_OK;
}

const Command command_backup_undelete = {
    .name = "backup undelete",
    .usage = "BACKUP",
    .purpose = "bring a backup back from the trash",
    .help = "By its name or label, as long as it is there: `stopover backup list --trash`.\n\n"
            "Example:\n"
            "  stopover backup undelete shop_20261120T143105Z",
    .operand = OPERAND_BACKUP,
    .run = run_undelete,
};
