/*
 * Is what was copied still what the source holds? Asked before a promotion: hours-old rows must not
 * become live as "verified" (trap 2).
 */
#pragma once

#include "stages/migration.h"

/* ERROR_REFUSED, naming what changed, unless the migration accepts a stale source. */
Status check_freshness(Migration *migration, Error *err);

/* The cheap question alone, once: was anything written since it was last known to be unchanged?
 * Upkeep counts, too, so only "no" means something. */
Status freshness_glance(Migration *migration, bool *ret_written, Error *err);
