/*
 * Making a backup: a migration like any other, whose target is an archive (backup/archive.h). Its
 * journal is no concern of people: it stands apart, in HOME/backups-in-work/<repository id>/, and
 * goes when the backup is complete. Until then the same call goes on with it.
 */
#pragma once

#include "backup/creation.h"
#include "stages/migration.h"

typedef struct BackupCreate {
    const char *home;
    ConnectorTable connectors;
    Repository *repository;          /* not locked */
    const char *name;                /* or NULL: one is made */
    const MigrationOptions *options; /* from, selection, tunables; `to` is not looked at */
    const char *migration;           /* that needs the backup, or NULL */
    const char *tool_version;
    uint64_t lock_wait_ms;
} BackupCreate;

/*
 * *ret_label (the caller frees) is the label of the backup, which is complete and was found whole by
 * sizes. Stopped or failed on the way: the same call goes on, where the name was given; the error's
 * hint says how. Nothing is left behind when the source cannot be read in the first place.
 */
Status backup_create(const BackupCreate *request, char **ret_label, Error *err);

/* Where the journals of unfinished backups are, by the name of the backup, as those of migrations are
 * in home; the caller frees. */
char *backup_create_home(const char *home, const Repository *repository);
