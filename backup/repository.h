/*
 * A repository: a directory of backups.
 *   repo.json                 {"format": 1, "id", "created"}
 *   repo.lock                 see below; never removed
 *   backups/<label>[.partial] a backup: lock, intent.json, ..., manifest.json last; pins/, verify/
 *   backups/.new-<label>      one that is being begun: not yet a backup, nothing in it is worth
 *                             anything; removed by the next who begins
 *   trash/<label>[.partial]@<UTC time of removal>
 * Directories have mode 0700, files 0600.
 *
 * R1  A backup is complete if and only if a valid manifest.json is in it; the manifest is written
 *     last. Then ".partial" goes; if that was cut off, recovery does it.
 * R2  A backup's directory appears below backups/ with its lock held and its intent written, in one
 *     rename; and goes into trash/ in one rename. In between it only changes from <label>.partial
 *     to <label>.
 * R3  Directories below backups/ change their names (R2), and pins change, only by who holds
 *     repo.lock for writing. It is held only that short, never while a backup is made or read.
 * R4  Who makes a backup holds its lock for writing, who reads one for reading, as long as that
 *     takes; taken under repo.lock. Nothing is removed or gone on with whose lock is held by others.
 * R5  Who only looks (list, show, a dry run) takes no lock, and looks again when a name has changed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backup/backup.h"
#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/share_lock.h"
#include "engine/base/text.h"

typedef struct Repository Repository;

/* Where it is: given (--repo), else HOME/repository; absolute. The caller frees. */
Status repository_locate(const char *home, const char *given, char **ret, Error *err);

/* ERROR_NOT_FOUND when there is none, ERROR_REFUSED when it is of a newer format. */
Status repository_open(const char *path, Repository **ret, Error *err);

/* Opens it, or makes one where there is nothing or an empty directory; whatever else is there is
 * ERROR_REFUSED. */
Status repository_create(const char *path, Repository **ret, Error *err);

void repository_free(Repository *repository); /* gives its lock back, too; NULL is fine */
DEFINE_AUTO_FREE(Repository, repository_free);

const char *repository_path(const Repository *repository);
const char *repository_id(const Repository *repository); /* 32 hex digits */

/* What people should know about the place: a network file system, others who may read. Borrowed. */
const TextList *repository_warnings(const Repository *repository);

/*
 * Takes repo.lock, waiting up to wait_ms (ERROR_LOCKED then); for writing, what a crash left is
 * brought to its end first (R1, R2). Not held yet by this handle.
 */
Status repository_lock(Repository *repository, ShareMode mode, uint64_t wait_ms, Error *err);
void repository_unlock(Repository *repository); /* fine when it is not held */
ShareMode repository_locked(const Repository *repository);

/* ".../backups", ".../trash"; borrowed. */
const char *repository_backups(const Repository *repository);
const char *repository_trash(const Repository *repository);

/*
 * All backups, in order (backup_list_sort()), whatever their state. ret_unknown (if not NULL) gets
 * what stands beside them and is no backup: it is told to people, and never touched. Both must be
 * empty. Needs no lock.
 */
Status repository_list(const Repository *repository, BackupList *ret, TextList *ret_unknown,
                       Error *err);

/*
 * The backup that wanted means: a label (with ".partial" where two directories have it), a name,
 * "latest" (the last complete one) or "latest-failed" (the last that is incomplete or damaged).
 * Borrowed from the list. ERROR_NOT_FOUND with the names there are; ERROR_USAGE when two have that
 * name.
 */
Status backup_list_find(const BackupList *list, const char *wanted, const Backup **ret, Error *err);

/* ERROR_NOT_FOUND, with the series there are, when no backup is of this one. */
Status backup_list_check_series(const BackupList *list, const char *series, Error *err);
