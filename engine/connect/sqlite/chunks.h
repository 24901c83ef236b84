/*
 * Cuts a table into chunks of about chunk_bytes each. Counts the rows, measures a sample spread
 * over the key, then places the bounds: by arithmetic where rowids are dense, else by walking the
 * key.
 */
#pragma once

#include "engine/connect/sqlite/db.h"
#include "engine/flow/plan.h"

/* As Reader.plan: appends at least one chunk; sets the table's estimates. */
Status sqlite_plan_chunks(Db *db, Table *table, uint64_t chunk_bytes, Plan *plan, Error *err);
