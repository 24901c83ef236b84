/*
 * An opened migration: its journal and lock, its source and target. Made by tools, handed through
 * the stages; stages do not know each other, they share the journal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/file.h"
#include "engine/flow/connector.h"
#include "engine/run/run.h"
#include "journal/journal.h"
#include "stages/seen.h"

/* In the journal: the repository of the backup of what promotion replaces. */
#define ARCHIVE_OPTION "repository"

/* What the command line says; recorded in the journal where it must survive. 0 and NULL mean "not
 * given": the recorded value, else the default, holds. */
typedef struct MigrationOptions {
    const char *from; /* as given, or NULL */
    const char *to;
    Selection selection;
    bool schema_only; /* structure without rows */
    unsigned jobs;
    uint64_t chunk_bytes;
    uint64_t max_rate;
    bool max_rate_given;
    uint64_t retry_for_ms;
    bool retry_for_given;
    bool level_given;
    VerifyLevel level;
    bool accept_stale_source;
    uint64_t lock_timeout_ms;     /* of promotion and the way back; 0: the target's own */
    uint64_t promote_deadline_ms; /* likewise */
    const char *when_file;        /* promotion waits until it exists, or NULL */
    bool now;                     /* it does not wait for one that is recorded */
    const char *archive;          /* the repository in which prepare backs up what promotion will
                                     replace, or NULL: it does not */
    bool no_archive;              /* nor when it is gone on with: recorded */
    bool makes_backup;            /* the target is an archive: stages/backup_create.h */
    bool quiet;                   /* no progress */
} MigrationOptions;

typedef struct Migration {
    char *home;
    char *name;
    FileLock *lock;
    Journal *journal;
    Source *source;
    Target *target;
    Selection selection; /* as recorded */
    bool schema_only;    /* likewise: no chunks, no evidence */
    RunOptions run;
    uint64_t chunk_bytes; /* 0: the target's default */
    bool accept_stale_source;
    uint64_t lock_timeout_ms;     /* of promotion and the way back; 0: the target's own */
    uint64_t promote_deadline_ms; /* likewise */
    char *when_file;              /* as recorded; NULL: the promotion waits for nothing */
    ConnectorTable connectors;
    char *tool_version;
    char *archive; /* see MigrationOptions */
    char *to;      /* the target, as it can be opened again */
    bool quiet;
    Notice *notice; /* why something waits; run.notice is it */
    RunIdentity identity;
    bool claimed; /* by this process: identity.epoch is ours */
    bool looked;  /* this process has looked at both sides: stage_look() */
    Seen seen;    /* and what of the source it may use again */
} Migration;

/*
 * Opens migration `name` for driving: takes the lock (ERROR_LOCKED), creates it when from and to
 * are given and it does not exist, checks that given words agree with recorded ones (ERROR_REFUSED
 * when source, target or selection differ from what was planned), records changed tunables. Without
 * `from` and no such migration: ERROR_NOT_FOUND. Source and target are opened lazily by the
 * connectors; a secret that is needed must be in the environment again.
 */
Status migration_open(const char *home, const char *name, ConnectorTable connectors,
                      const MigrationOptions *options, const char *tool_version, Migration **ret,
                      Error *err);
void migration_free(Migration *migration); /* NULL is fine; gives the lock back */
DEFINE_AUTO_FREE(Migration, migration_free);

/* Source and target for `plan` and --dry-run: takes no lock, writes nothing anywhere; the journal
 * of an existing migration is opened for reading (name may be NULL: none). */
Status migration_open_dry(const char *home, const char *name, ConnectorTable connectors,
                          const MigrationOptions *options, Migration **ret, Error *err);

/* Was it begun with --schema-only? */
bool migration_is_schema_only(const Journal *journal);

/* With --data-only? */
bool migration_is_data_only(const Journal *journal);

/* Runs a step until it is not transient any more: engine/base/retry.h with the recorded time. */
typedef Status (*MigrationStep)(Migration *migration, void *context, Error *err);
Status migration_retry(Migration *migration, MigrationStep step, void *context, Error *err);

/* Claims the target once per process (I7) and settles what the journal does not know: when the
 * target's markers say promoted, rolled back or finished although the journal does not, the journal
 * follows (I6). */
Status migration_claim(Migration *migration, Error *err);
Status migration_settle(Migration *migration, Error *err);

/* From rolled_back: the next attempt, in phase initial. */
Status migration_begin_attempt(Migration *migration, Error *err);

/* After a promotion or the way back: what is left to be done outside of their transaction, now or by
 * an earlier process. Nothing is asked of a target that never has anything left. */
Status migration_complete(Migration *migration, Error *err);

LockPolicy migration_lock_policy(const Migration *migration);
