/*
 * What leads to what in a source: dependencies as the server keeps them, and the names in bodies of
 * functions that are strings, which no server follows. Asked before staging (trap 5): does building
 * this, or loading that, run code of the database itself? Such code may read any table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/source_relations.h"

typedef struct SourceReach SourceReach;

/* A thing of the database; where lists of them are sorted, by class and OID. */
typedef struct Thing {
    uint32_t class_oid;
    uint32_t oid;
} Thing;

typedef struct Things {
    Thing *items;
    size_t count;
    size_t capacity;
} Things;

void things_release(Things *things);
#define AUTO_THINGS __attribute__((cleanup(things_release)))
void things_add(Things *things, uint32_t class_oid, uint32_t oid);

typedef struct Routine {
    uint32_t oid;
    char *schema;
    char *name;
    char *arguments;
    char *language;
    char *body;    /* empty for one that begins atomically */
    char *types;   /* of its arguments: "integer, public.mood" */
    bool has_path; /* a search_path is set for it */
} Routine;

/* relations is borrowed: its tables end a path. */
Status source_reach_read(PgConnection *connection, const SourceRelations *relations,
                         SourceReach **ret, Error *err);
void source_reach_free(SourceReach *reach);
DEFINE_AUTO_FREE(SourceReach, source_reach_free);

/* What the thing needs directly; of a view, what its query needs. Borrowed; *ret_count may be 0. */
const Thing *source_reach_needs(const SourceReach *reach, Thing thing, size_t *ret_count);

/*
 * Appends what can be reached from `from`, itself not among it, through everything but tables, which
 * are ends, in the order in which it is come upon. Only routines of the database itself, tables and
 * materialized views are appended.
 */
void source_reach_walk(SourceReach *reach, Thing from, Things *ret);
bool source_reach_runs_code(SourceReach *reach, Thing from); /* is there a routine among it? */

const Routine *source_reach_routine(const SourceReach *reach, uint32_t oid); /* NULL: not ours */
