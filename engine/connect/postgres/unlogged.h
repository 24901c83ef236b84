/*
 * Unlogged tables (trap 20): a server that crashes empties them, and leaves the ledger as it is.
 */
#pragma once

#include "engine/connect/postgres/target.h"

/* After the epoch was raised: looks at each unlogged staging table whose chunks another server took,
 * one that was started before this one. A table that still holds all its rows goes on; one that does
 * not is emptied together with its part of the ledger. */
Status unlogged_check(PgConnection *connection, const RunIdentity *identity, Error *err);
