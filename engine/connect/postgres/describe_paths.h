/*
 * Bodies of functions that name things without a schema. While such a function runs in staging it
 * needs the search_path that it has in the source; and one that is put in place of its call, when a
 * table is created, must wait for the tables that it reads. Private to describe*.c.
 */
#pragma once

#include "engine/connect/postgres/describer.h"

/* A routine that runs while staging. */
typedef struct RanRoutine {
    uint32_t oid;
    bool at_create; /* for a generated column or a key of partitions */
} RanRoutine;

typedef struct RanRoutines {
    RanRoutine *items;
    size_t count;
    size_t capacity;
} RanRoutines;

void ran_routines_release(RanRoutines *routines);
void ran_routines_add(RanRoutines *routines, uint32_t oid, bool at_create); /* once each */

/* Sets PgObjectNotes.path where it is needed. */
Status describe_paths(Describer *describer, const RanRoutines *routines, Error *err);
