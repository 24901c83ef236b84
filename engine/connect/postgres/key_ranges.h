/*
 * Ranges of a key, for tables that are not cut by place: on a server that answers a range of places
 * with a scan of the whole table (before version 14).
 */
#pragma once

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/relation.h"
#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"

enum {
    PG_MAJOR_WITH_TID_RANGES = 14,
};

/* Sets KEY_COLUMNS for each table of the catalog whose key's first column serves, on a server of
 * such a major; a note names the large tables that have none and stay in one piece. */
Status pg_choose_range_keys(PgConnection *connection, int major, Catalog *catalog,
                            Findings *findings, Error *err);

/* Values of relation->range_key, as text in rising order, that cut the table, of so many blocks,
 * into at most `wanted` parts of about the same size. None of them is empty. */
Status pg_key_bounds(PgConnection *connection, const PgRelation *relation, uint64_t blocks,
                     uint64_t wanted, TextList *ret, Error *err);
