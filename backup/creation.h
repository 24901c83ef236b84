/*
 * Making a backup, as far as the repository goes:
 *
 *   backup_begin()  or  backup_resume()     the directory <label>.partial, its lock, intent.json
 *   ... write parts, index, catalog, schema (backup/part.h...), then manifest_write() ...
 *   backup_commit()                         <label>.partial becomes <label>
 *
 * A crash before the manifest is written leaves an incomplete backup, which can be gone on with; one
 * after it a complete one, whose name recovery mends (R1). The repository must not be locked by the
 * handle: begin, resume and commit lock it for a moment themselves.
 */
#pragma once

#include <stdint.h>

#include "backup/repository.h"

typedef struct BackupRequest {
    const char *name; /* or NULL: "<what>_<UTC time>" */
    const char *what; /* the database or directory: part of a name that is not given */
    BackupKind kind;
    const char *series;    /* backups of one thing are one series: store, target and kind */
    const char *scope;     /* for people */
    const char *source;    /* for people, without secrets */
    const char *migration; /* that needs it: its pin is there from the beginning; or NULL */
    const Json *options;   /* of the caller, given back by a resumption; or NULL */
} BackupRequest;

/* A backup that is being made, with its lock. */
typedef struct BackupWork BackupWork;

/*
 * ERROR_REFUSED when the name is taken, or when the clock stands before the newest backup: a time
 * that goes back would put this one in the wrong order. now_us is when it begins; 0: the wall clock,
 * read when the repository is locked, so that waiting for others does not make it late.
 */
Status backup_begin(Repository *repository, const BackupRequest *request, int64_t now_us,
                    uint64_t lock_wait_ms, BackupWork **ret, Error *err);

/* One that was cut off: by label, name or "latest-failed". ERROR_REFUSED when it cannot be gone on
 * with, ERROR_LOCKED when somebody works on it. */
Status backup_resume(Repository *repository, const char *wanted, uint64_t lock_wait_ms,
                     BackupWork **ret, Error *err);

void backup_work_free(BackupWork *work); /* gives the lock back; what is not committed stays */
DEFINE_AUTO_FREE(BackupWork, backup_work_free);

const char *backup_work_directory(const BackupWork *work); /* changes with the commit; borrowed */
const Intent *backup_work_intent(const BackupWork *work);  /* borrowed */

/* After manifest_write(), whose label, sequence and name must be those of the intent. Its files can
 * only be read from now on. STATUS_FATAL: whether it has its final name is not known; recovery will
 * tell. */
Status backup_commit(Repository *repository, BackupWork *work, uint64_t lock_wait_ms, Error *err);

/* Takes the pin of a migration away wherever it is: the migration has ended. */
Status backup_release_run(Repository *repository, const char *migration, uint64_t lock_wait_ms,
                          Error *err);
