/*
 * The way out of backups/ and back; RM1 to RM3 stand in the header. What happens in the trash is in
 * trash.c.
 */
#include "backup/removal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backup/repository_inside.h"
#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

static Status refuse_guarded(const Backup *backup, const NeededList *needed, int64_t now_us,
                             Error *err)
{
    const Pin *pin = pin_list_first(&backup->pins, now_us);
    const char *migration = needed_by(needed, backup);
    AUTO_TEXT Text described = {0};

    if (backup->pins_unknown)
        return error_kind(err, ERROR_REFUSED, "the pins of backup \"%s\" cannot be read",
                          backup->name);
    if (pin != NULL) {
        pin_describe(pin, &described);
        (void)error_kind(err, ERROR_REFUSED, "backup \"%s\" is pinned by %s", backup->name,
                         text_string(&described));
        if (pin->migration != NULL)
            error_hint(err, "`stopover finish %s` or the end of its rollback takes that pin away.",
                       pin->migration);
        else
            error_hint(err, "`stopover backup unpin %s` takes pins away.", backup->name);
        return STATUS_INVALID;
    }
    if (migration != NULL) {
        (void)error_kind(err, ERROR_REFUSED, "backup \"%s\" is needed by migration \"%s\"",
                         backup->name, migration);
        error_hint(err, "See `stopover status %s` for what comes next there.", migration);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static Status lock_alone(const Backup *backup, ShareLock **ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/lock", backup->directory);
    Status status = share_lock_take(path, SHARE_WRITE, 0, ret, err);

    if (status < 0 && err->kind == ERROR_LOCKED) {
        (void)error_kind(err, ERROR_LOCKED, "backup \"%s\" is being %s", backup->name,
                         backup->state == STATE_RUNNING ? "made" : "read");
        error_hint(err, "Wait until that has ended.");
    }
    return status;
}

/* New place first: in between it has two names rather than none. */
static Status move(const char *from, const char *to, const char *from_parent, const char *to_parent,
                   Error *err)
{
    if (rename(from, to) != 0)
        return file_error(err, errno, "move", from);
    TRY(fault_after("backup.move", err));
    TRY(directory_sync(to_parent, err));
    return directory_sync(from_parent, err);
}

Status backup_trash(Repository *repository, const Backup *backup, const NeededList *needed,
                    int64_t now_us, uint64_t *ret_bytes, Error *err)
{
    AUTO_BACKUP Backup now = {0};
    AUTO_FREE(share_lock_free) ShareLock *lock = NULL;
    AUTO_FREE_MEMORY char *place = NULL;
    char when[32];
    uint64_t bytes = 0;

    TRY(directory_create(repository_trash(repository), err));
    TRY(backup_read_again(backup, &now, err));
    TRY(lock_alone(&now, &lock, err));
    TRY(refuse_guarded(&now, needed, now_us, err));
    bytes = directory_bytes(now.directory);
    clock_format_compact(now_us, when, sizeof(when));
    place = xasprintf("%s/%s%s@%s", repository_trash(repository), now.label,
                      now.is_renamed ? "" : LABEL_PARTIAL, when);
    TRY(fault_before("backup.move", err));
    TRY(move(now.directory, place, repository_backups(repository), repository_trash(repository),
             err));
    *ret_bytes = bytes;
    return STATUS_OK;
}

/* ---- the way back ---- */

/* What an entry of the trash was called; the caller frees. */
static char *name_of(const TrashEntry *entry)
{
    AUTO_MANIFEST Manifest manifest = {0};
    AUTO_INTENT Intent intent = {0};
    Error ignored = {0};

    if (manifest_read(entry->path, &manifest, &ignored) >= 0)
        return xstrdup(manifest.name);
    if (intent_read(entry->path, &intent, &ignored) >= 0)
        return xstrdup(intent.name);
    return xstrdup(entry->label);
}

static const TrashEntry *find_removed(const TrashList *list, const char *wanted, char **ret_name)
{
    for (size_t i = list->count; i-- > 0;) {
        const TrashEntry *entry = &list->items[i];
        AUTO_FREE_MEMORY char *name = NULL;

        if (entry->is_emptying)
            continue;
        name = name_of(entry);
        if (strcmp(name, wanted) == 0 || strcmp(entry->label, wanted) == 0) {
            *ret_name = TAKE(name);
            return entry;
        }
    }
    return NULL;
}

static Status check_name_free(const Repository *repository, const char *name, Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};

    TRY(repository_list(repository, &list, NULL, err));
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i].name, name) == 0)
            return error_kind(err, ERROR_REFUSED, "there is a backup \"%s\" again", name);
    return STATUS_OK;
}

Status backup_undelete(Repository *repository, const char *wanted, Backup *ret, Error *err)
{
    AUTO_TRASH_LIST TrashList list = {0};
    AUTO_FREE_MEMORY char *name = NULL;
    AUTO_FREE_MEMORY char *place = NULL;
    const TrashEntry *entry = NULL;
    Label label = {0};

    TRY(trash_list(repository, &list, err));
    entry = find_removed(&list, wanted, &name);
    if (entry == NULL || !label_parse(entry->label, &label)) {
        (void)error_kind(err, ERROR_NOT_FOUND, "there is no backup \"%s\" in the trash", wanted);
        error_hint(err, "What is removed stays there for a day, unless the trash is emptied.");
        return STATUS_INVALID;
    }
    TRY(check_name_free(repository, name, err));
    place = xasprintf("%s/%s", repository_backups(repository), entry->label);
    TRY(fault_before("backup.move", err));
    TRY(move(entry->path, place, repository_trash(repository), repository_backups(repository),
             err));
    if (!backup_read(place, &label, ret))
        return error_kind(err, ERROR_NOT_FOUND, "backup \"%s\" is not there any more", name);
    return STATUS_OK;
}
