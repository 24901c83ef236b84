/*
 * What the files of the repository share, and nobody else needs.
 */
#pragma once

#include "backup/repository.h"

/* The name of the directory of a backup that is being begun (R2). */
#define NEW_PREFIX ".new-"

/* Reads a backup of the list again, where it was: the repository has been locked since before it was
 * listed. ERROR_NOT_FOUND when it has gone all the same. */
Status backup_read_again(const Backup *backup, Backup *ret, Error *err);

/* <label>.partial, which is complete, becomes <label>; repo.lock is held for writing. */
Status repository_give_final_name(const Repository *repository, const char *label, Error *err);

/* Finishes what a crash left; repo.lock is held for writing. */
Status repository_recover(Repository *repository, Error *err);
