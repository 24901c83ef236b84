/*
 * Before a promotion replaces live tables, a copy of them goes into the repository: a named backup
 * that stays when `finish` has dropped the renamed tables.
 */
#pragma once

#include "stages/migration.h"

/*
 * Makes the migration's backup (whose name its journal has) of the target's live tables that are
 * called as those of the catalog, or says that there are none. Interrupted, it is gone on with by
 * the same call; one that is there already is left as it is. Does nothing where the migration was
 * told to make none. nothing: it is known already that there are none; the target is not read then.
 */
Status archive_live(Migration *migration, const Catalog *catalog, bool nothing, Error *err);

/* After a promotion: of the backups that migrations have made of the same tables only the last few
 * stay, with all guards of a prune (backup/prune_run.h). Tells what goes; what fails is told, too. */
void archive_live_retain(const Migration *migration);

/* The migration has ended: its backup is not held for it any more. What cannot be reached is told. */
void archive_live_release(const Migration *migration);

/* The same by its journal alone, before that is removed. */
void archive_live_forget(const Journal *journal, const char *migration);
