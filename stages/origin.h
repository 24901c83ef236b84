/*
 * What a backup records of where its rows come from.
 */
#pragma once

#include "stages/migration.h"

/* Before a promotion into an archive; does nothing for other targets. The source need not be there:
 * what it alone could say is left out then. */
Status origin_note(Migration *migration, const Plan *plan, Error *err);
