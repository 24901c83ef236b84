/*
 * --table and the like, applied to the catalog of a backup: as a source does it when it describes
 * itself, but from what was recorded.
 */
#pragma once

#include "backup/archive.h"
#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"

/*
 * Takes out of the catalog what the selection leaves out, and what cannot stand without that, which
 * findings tell; then ids are given anew, and it is sealed. *ret_ids (if not NULL): the id that each
 * table had before, by its id now minus 1; the caller frees. engine: SourceOps.name of the source.
 */
Status select_from_catalog(const char *engine, const ArchiveSelector *selectors,
                           const Selection *selection, Catalog *catalog, uint32_t **ret_ids,
                           Findings *findings, Error *err);
