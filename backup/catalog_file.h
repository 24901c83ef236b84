/*
 * The catalog of a backup: catalog.jsonl.zst, every field of engine/flow/catalog.h, one JSON line
 * for the whole (how many tables and objects, the fingerprint), one per table, one per object. What
 * is read is sealed again and its fingerprint compared.
 */
#pragma once

#include "backup/lines.h"
#include "engine/flow/catalog.h"

#define CATALOG_NAME "catalog.jsonl.zst"

/* The catalog must be sealed. */
Status catalog_file_write(const char *folder, const Catalog *catalog, FileFacts *ret, Error *err);

/* Into an empty catalog, which the caller releases also on failure. */
Status catalog_file_read(const char *folder, Catalog *ret, Error *err);
