/*
 * Where migrations live: HOME/migrations/NAME/ with journal.db, lock and log/. HOME is --home, else
 * $STOPOVER_HOME, else $XDG_STATE_HOME/stopover, else ~/.local/state/stopover.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/base/file.h"
#include "engine/base/text.h"

/* The home directory as an absolute path; given may be NULL. Creates nothing. The caller frees. */
Status home_resolve(const char *given, char **ret, Error *err);

/* HOME/migrations/NAME, checked with migration_name_check(). The caller frees. */
Status home_migration_path(const char *home, const char *name, char **ret, Error *err);

/* Names of all migrations, sorted: the directories in which there is a journal. */
Status home_list(const char *home, TextList *ret, Error *err);

bool home_has(const char *home, const char *name);

/* ERROR_NOT_FOUND with the names there are, when there is no such migration. */
Status home_require(const char *home, const char *name, Error *err);

/* The driver's lock (I7). ERROR_LOCKED names the process that holds it and hints at `status` and
 * `stop`. The migration's directory must exist: who creates a migration makes it first. */
Status home_lock(const char *home, const char *name, FileLock **ret, Error *err);
Status home_lock_holder(const char *home, const char *name, pid_t *ret, Error *err);
