/*
 * A command that drives a migration: opened with its lock, its messages also in
 * HOME/migrations/NAME/log/.
 */
#pragma once

#include "stages/migration.h"
#include "tools/options.h"

/* The caller frees; with it goes the lock. */
Status session_open(const Options *options, Migration **ret, Error *err);

/*
 * Asks on the terminal whether to do what was described in a warning before. ERROR_REFUSED when the
 * answer is not yes, or when there is nobody to ask and --yes was not given.
 */
Status session_confirm(const Options *options, const char *consequence, Error *err);
