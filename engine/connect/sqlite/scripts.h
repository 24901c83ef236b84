/*
 * The structure of a catalog as the statements of the database, for people (SourceOps.write_scripts).
 */
#pragma once

#include "engine/flow/source.h"

Status sqlite_write_scripts(Source *source, const Catalog *catalog, SchemaScripts *ret, Error *err);
