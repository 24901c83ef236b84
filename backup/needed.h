/*
 * Which backups the migrations of this home still need: those named in the journal of one that is
 * not finished. Beside the pins, which stand in the repository and are carried with it, this is the
 * second thing that every removal asks.
 */
#pragma once

#include "backup/prune.h"

/* ret must be empty. A journal that cannot be read is named in ret_unknown, with the reason: the
 * pins of its migration hold all the same. */
Status needed_read(const char *home, NeededList *ret, TextList *ret_unknown, Error *err);

/* Does a migration of this home, which is not finished, go by this name? One whose journal cannot
 * be read does. */
bool migration_is_open(const char *home, const char *migration);
