/*
 * Emptying a staging table together with what the ledger says of it (I5).
 */
#pragma once

#include "engine/connect/postgres/target.h"

/*
 * Inside a transaction with pg_fence(): empties the table and removes its chunks from the ledger;
 * undoes, and forgets, the tasks whose work would stand in the way of loading it again or was
 * computed from its old rows. relation: the table's name as it stands in SQL; it need not exist.
 */
Status reset_empty(PgConnection *connection, const RunIdentity *identity, uint32_t table_id,
                   const char *relation, Error *err);
