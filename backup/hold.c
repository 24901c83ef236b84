#include "backup/hold.h"

#include "backup/repository_inside.h"
#include "engine/base/memory.h"

void held_backup_release(HeldBackup *held)
{
    share_lock_free(TAKE(held->lock));
    backup_release(&held->backup);
}

static Status hold(const Repository *repository, const char *wanted, HeldBackup *ret, Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_FREE_MEMORY char *path = NULL;
    const Backup *found = NULL;
    Status status = STATUS_OK;

    TRY(repository_list(repository, &list, NULL, err));
    TRY(backup_list_find(&list, wanted, &found, err));
    path = xasprintf("%s/lock", found->directory);
    status = share_lock_take(path, SHARE_READ, 0, &ret->lock, err);
    if (status < 0 && err->kind == ERROR_LOCKED) {
        (void)error_kind(err, ERROR_LOCKED, "backup \"%s\" is being made", found->name);
        error_hint(err, "Wait until that has ended: `stopover backup show %s`.", found->name);
    }
    TRY(status);
    status = backup_read_again(found, &ret->backup, err);
    if (status < 0)
        share_lock_free(TAKE(ret->lock));
    return status;
}

Status backup_hold(Repository *repository, const char *wanted, uint64_t lock_wait_ms,
                   HeldBackup *ret, Error *err)
{
    Status status = STATUS_OK;

    TRY(repository_lock(repository, SHARE_READ, lock_wait_ms, err));
    status = hold(repository, wanted, ret, err);
    repository_unlock(repository);
    return status;
}
