/*
 * What lets people restore a backup without this program: schema/ in its folder, with the scripts of
 * the structure, for PostgreSQL a script that loads all tables, and how to use them.
 */
#pragma once

#include "backup/manifest.h"
#include "engine/flow/catalog.h"
#include "engine/flow/source.h"

/* Writes them below folder, and adds them to the manifest's files. The manifest's objects are there
 * already. */
Status archive_scripts_write(const char *folder, const Catalog *catalog,
                             const SchemaScripts *scripts, Manifest *manifest, Error *err);
