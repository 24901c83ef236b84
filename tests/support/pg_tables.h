/*
 * Tables of a test's server as a source describes them, read from its catalogs, for tests of what
 * works on tables alone (readers, probers). Column names without '|' and line ends only.
 */
#pragma once

#include "engine/flow/catalog.h"
#include "engine/flow/source.h"
#include "tests/support/pg_cluster.h"

/* Appends a table; its key is the primary key, if it has one. Borrowed until the next one. */
Table *pg_tables_add(Catalog *catalog, PgCluster *cluster, const char *database, const char *schema,
                     const char *name, RowFormat format);

/* A held source on that database, and one reader. */
typedef struct PgHeld {
    Source *source;
    Reader *reader;
    Snapshot snapshot;
} PgHeld;

void pg_held_open(PgHeld *held, PgCluster *cluster, const char *database);
void pg_held_release(PgHeld *held);
#define AUTO_PG_HELD __attribute__((cleanup(pg_held_release)))
