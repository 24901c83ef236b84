/*
 * What a SQLite file holds, as a catalog. Reads inside whatever transaction the connection is in;
 * the caller provides one, so that all queries see the same state.
 */
#pragma once

#include "engine/connect/sqlite/db.h"
#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"

/* As Source.describe: sealed, with refusals, warnings and notes in findings. */
Status sqlite_describe(Db *db, const Selection *selection, Catalog *ret, Findings *findings,
                       Error *err);

/* Its second half: appends indexes, views and triggers, then what follows the data: settings,
 * sequences, statistics. Last on purpose, so that ids of structural objects do not depend on data.
 */
Status sqlite_describe_objects(Db *db, const Selection *selection, Catalog *catalog,
                               Findings *findings, Error *err);

/* May the selection leave anything out? */
bool selection_is_partial(const Selection *selection);

/* Does it name what is taken, instead of what is left out? Then views and settings of the database
 * stay behind. */
bool selection_names_tables(const Selection *selection);
