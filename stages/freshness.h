/*
 * Is what was copied still what the source holds? Asked before a promotion: hours-old rows must not
 * become live as "verified" (trap 2).
 */
#pragma once

#include "stages/migration.h"

/* ERROR_REFUSED, naming what changed, unless the migration accepts a stale source. */
Status check_freshness(Migration *migration, Error *err);
