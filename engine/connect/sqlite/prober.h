/*
 * The Prober of this connector, for both sides: a source's readers probe the tables, a target the
 * staging tables (ProbeRequest.staged). Reads whatever snapshot the connection is in; takes none.
 */
#pragma once

#include "engine/connect/sqlite/db.h"
#include "engine/flow/prober.h"

/* db is borrowed and must outlive the prober. */
Status sqlite_prober_new(Db *db, Prober **ret, Error *err);
