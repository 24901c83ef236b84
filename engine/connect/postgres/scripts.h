/*
 * The structure of a catalog as scripts for psql (SourceOps.write_scripts): what pg_dump gave, in its
 * order, and the values of sequences.
 */
#pragma once

#include "engine/flow/source.h"

Status pg_write_scripts(Source *source, const Catalog *catalog, SchemaScripts *ret, Error *err);
