/*
 * What a resumed stage does before it copies: the ledger of the target decides what has arrived
 * (I1), and a lost snapshot is never mixed with a new one in silence (I5).
 */
#pragma once

#include "stages/migration.h"

/*
 * Sets the plan's done flags to what the ledger says, records them in the journal where they
 * differ, and reports what was adopted or lost. A ledger that knows a chunk which the plan does not
 * is STATUS_FATAL: it is not the ledger of this plan.
 */
Status reconcile_ledger(Migration *migration, Plan *plan, Error *err);

/*
 * The source was held again and its state is not the recorded one. Tables whose copied chunks give
 * the same digests when read again go on; the others are emptied, rows and ledger together, and
 * copied again. Evidence of what was incomplete is taken again; tasks that follow the data run
 * again. `now` is the catalog under the new snapshot and is consumed.
 */
Status reconcile_snapshot(Migration *migration, Plan *plan, Catalog *now, const Snapshot *snapshot,
                          Error *err);

/* Reads again what was copied, from the source as it is held now; ret_same[id - 1] becomes false for
 * each table of which a chunk differs. Shows its progress. */
Status compare_with_source(Migration *migration, const Plan *plan, bool *ret_same, Error *err);

/* Empties one table on the target and marks its chunks and tasks as not done. After the last one
 * comes reconcile_after_resets(); the plan must then be saved. */
Status reconcile_reset(Migration *migration, Plan *plan, const Table *table, Error *err);

/*
 * What follows from emptied tables: tasks that go with the data are forgotten, to be run again, and
 * the ledger is read once more, since the target may have undone more than the tables' own tasks
 * (foreign keys of other tables, whatever was computed from all of them). Saves nothing.
 */
Status reconcile_after_resets(Migration *migration, Plan *plan, Error *err);
