/*
 * The PostgreSQL connector: postgresql:// addresses as source and target. What it can and cannot
 * carry stands in kinds.c; the traps it avoids are named where they are avoided.
 */
#pragma once

#include "engine/base/uri.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"

/* Cheap: check the words of the address (ERROR_USAGE), connect to nothing yet. */
Status postgres_open_source(const Uri *uri, Source **ret, Error *err);
Status postgres_open_target(const Uri *uri, Target **ret, Error *err);

/* Takes out of a catalog of PostgreSQL what the selection, which is not empty, leaves out, and what
 * cannot stand without that. *ret_ids: the id that each table had before, by its id now minus 1; the
 * caller frees. */
Status postgres_select(const Selection *selection, Catalog *catalog, uint32_t **ret_ids,
                       Findings *findings, Error *err);
