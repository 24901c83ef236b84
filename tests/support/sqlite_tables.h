/*
 * One database with every kind of table and value that the SQLite connector must carry, and a held
 * source on it.
 */
#pragma once

#include "engine/connect/sqlite/db.h"
#include "engine/flow/plan.h"
#include "engine/flow/source.h"

void set_tables(const char *path, const char *encoding);

typedef struct HeldSource {
    Source *source;
    Reader *reader;
    Snapshot snapshot;
    Plan plan; /* its catalog is described; chunks are the test's */
} HeldSource;

/* The test fails where one of these does. */
void set_held(HeldSource *held, const char *path);
void end_held(HeldSource *held);

/* Plans one table anew; how many chunks it has now. */
size_t plan_again(HeldSource *held, uint32_t table_id, uint64_t chunk_bytes);
