/*
 * rollback --table: what the journal says of tables that were taken back while the rest stays
 * promoted. The stage itself is in stages.h.
 */
#pragma once

#include "stages/migration.h"

/* Names of the tables, each on a line of its own; NULL when there are none. What the target said when it
 * was asked last. */
#define TAKEN_BACK_OPTION "taken-back"

/* Asks the target, records what it says, and takes the intent back, if there is one. */
Status rollback_tables_settle(Migration *migration, Error *err);
