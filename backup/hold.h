/*
 * A backup that is being read, so that nobody removes it meanwhile (R4 in backup/repository.h): to
 * verify it, to restore from it.
 */
#pragma once

#include "backup/repository.h"

typedef struct HeldBackup {
    Backup backup;
    ShareLock *lock;
} HeldBackup;

/*
 * Finds what is wanted (backup_list_find()) and holds it until it is released. ERROR_LOCKED while
 * it is being made. The repository is locked for a moment. ret must be empty.
 */
Status backup_hold(Repository *repository, const char *wanted, uint64_t lock_wait_ms,
                   HeldBackup *ret, Error *err);

void held_backup_release(HeldBackup *held);
#define AUTO_HELD_BACKUP __attribute__((cleanup(held_backup_release)))
