/*
 * Going back to a backup: `backup restore` and `rollback --backup` do the same, a migration out of
 * the backup with a name of its own in the home directory.
 */
#pragma once

#include "tools/options.h"
#include "tools/reply.h"

/* A backup that is whole by sizes, and where it is to go. */
typedef struct Restore {
    char *uri;     /* of the backup as a source */
    char *backup;  /* its name */
    char *scope;   /* for people; or NULL */
    char when[32]; /* of its snapshot */
    char *name;    /* of the migration that restores it */
    char *to;      /* given, or that of the migration to be rolled back; or NULL */
} Restore;

void restore_release(Restore *restore);
#define AUTO_RESTORE __attribute__((cleanup(restore_release)))

/* Finds the backup that options name, and says that it is good (quick). ERROR_REFUSED when it is not
 * complete, ERROR_DIFFERENT when it is damaged. */
Status restore_find(const Options *options, Reply *reply, Restore *ret, Error *err);

/* Runs the migration to its end, or with --dry-run says what it would do. */
Status restore_run(const Options *options, const Restore *restore, Reply *reply, Error *err);

/* `rollback NAME --backup BACKUP`, which asks before. */
Status restore_roll_back(const Options *options, Reply *reply, Error *err);
