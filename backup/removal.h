/*
 * Removing backups: out of backups/ into trash/ by one rename, and from there, a day later or at
 * once, for good. Until then `stopover backup undelete` brings them back.
 *
 *   backups/<label> --backup_trash()--> trash/<label>@<time>   <--backup_undelete()--
 *                                          | trash_empty()
 *                                          v
 *                            trash/.emptying-<label>@<time> --> gone
 *
 * RM1  The rename is durable before anything is unlinked: whoever is cut off leaves either the
 *      whole backup where it was, or one in the trash.
 * RM2  What is being emptied has a name of its own first: it cannot be brought back half.
 * RM3  Every one of these may be run again at any time; what is gone already is fine.
 */
#pragma once

#include <stdint.h>

#include "backup/prune.h"
#include "backup/repository.h"

#define TRASH_KEPT_US (INT64_C(24) * 3600 * 1000000)

/*
 * Moves a backup to the trash. The repository is locked for writing. Looks again at what guards it:
 * ERROR_LOCKED while somebody makes or reads it, ERROR_REFUSED by a pin or by a migration that
 * needs it. ret_bytes: what it takes on the disk.
 */
Status backup_trash(Repository *repository, const Backup *backup, const NeededList *needed,
                    int64_t now_us, uint64_t *ret_bytes, Error *err);

typedef struct TrashEntry {
    char *label; /* with ".partial" if it was incomplete */
    char *path;
    int64_t removed_us;
    uint64_t bytes;   /* on the disk */
    bool is_emptying; /* not whole any more */
} TrashEntry;

typedef struct TrashList {
    TrashEntry *items; /* in order of removal */
    size_t count;
    size_t capacity;
} TrashList;

void trash_list_release(TrashList *list);
#define AUTO_TRASH_LIST __attribute__((cleanup(trash_list_release)))

/* Needs no lock. ret must be empty. */
Status trash_list(const Repository *repository, TrashList *ret, Error *err);

/* Has it been there for TRASH_KEPT_US, or is all to go? */
bool trash_is_due(const TrashEntry *entry, bool all, int64_t now_us);

/*
 * Removes for good what is due. Takes the lock for a moment, so the repository is not locked.
 * Goes on after one that cannot be removed wholly (ret_left, and ERROR_WAITING at the end).
 */
Status trash_empty(Repository *repository, bool all, int64_t now_us, uint64_t lock_wait_ms,
                   uint64_t *ret_bytes, TextList *ret_left, Error *err);

/* Brings the last one back that was removed under this label or name; the repository is locked for
 * writing. ERROR_NOT_FOUND when there is none, ERROR_REFUSED when its name is taken now. */
Status backup_undelete(Repository *repository, const char *wanted, Backup *ret, Error *err);

/* How much room the file system has for this user; 0 when it does not tell. */
uint64_t space_left(const char *path);
