/*
 * Irreversible steps, recorded in the journal before they are begun (I2), and what completes one
 * that was interrupted. Shared by the stages that begin them and by migration_settle().
 */
#pragma once

#include "stages/migration.h"

#define INTENT_PROMOTE  "promote"
#define INTENT_ROLLBACK "rollback"
#define INTENT_FINISH   "finish"
#define INTENT_TABLES   "rollback of tables"

/* What the target's markers say of this attempt; retried like any other step. */
Status migration_outcome(Migration *migration, Outcome *ret, Error *err);

/*
 * After a step that failed: when the target's markers say that it did not happen, its intent is
 * taken back, so that nobody looks for what became of it. The outcome stays when it cannot be asked.
 */
void intent_take_back(Migration *migration, Outcome *ret_outcome);

/* Before promotion: to phase rolled_back, also when a rollback was begun by another process. */
Status rollback_drop_staging(Migration *migration, Error *err);

/* Carries a finish that was begun to its end. */
Status finish_interrupted(Migration *migration, Error *err);
