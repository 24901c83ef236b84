/*
 * Plans a table: measures it and cuts it into chunks of about chunk_bytes.
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/flow/plan.h"

/* As ReaderOps.plan, on a connection that is in the snapshot. */
Status pg_plan_chunks(PgConnection *connection, Table *table, uint64_t chunk_bytes, Plan *plan,
                      Error *err);
