/*
 * The relations of a source, and which of them a selection takes:
 *  - an owned sequence goes with its table; a partition with its partitioned table, which brings all
 *    of its partitions, and leaves all of them out when it is left out;
 *  - everything else by its own schema and name.
 * SourceRelations of the server, of extensions, and of ours (invariant I10) are not in the list at all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/connect/postgres/connection.h"
#include "engine/flow/catalog.h"

typedef struct SourceRelation {
    uint32_t oid;
    char *schema;
    char *name;
    char kind; /* pg_class.relkind: r p v m S f */
    bool is_unlogged;
    bool is_partition;
    bool has_children; /* other ordinary tables inherit from it */
    uint32_t *parents; /* OIDs: what it inherits from; of a partition exactly one */
    size_t parent_count;
    uint32_t owner;     /* OID of the table a sequence belongs to, or 0 */
    char *owner_column; /* then: the column of it; else "" */
    bool is_readable;   /* SELECT and USAGE granted to us */
    bool is_filtered;   /* row security would hide rows from us */
    bool has_row_security;
    bool is_selected;
    bool is_unfilled; /* of a target: a partition that no table of the source has the name of */
    /* set while describing */
    uint32_t root;     /* OID of the partitioned table its rows are loaded through, or 0 */
    uint32_t table_id; /* of the Table that carries its rows, or 0: its own, or its root's */
} SourceRelation;

typedef struct SourceRelations {
    SourceRelation *items; /* in order of OIDs */
    size_t count;
    size_t capacity;
} SourceRelations;

void source_relations_release(SourceRelations *relations);
#define AUTO_SOURCE_RELATIONS __attribute__((cleanup(source_relations_release)))

/* selection NULL: everything. ERROR_USAGE for a pattern that matches nothing. */
Status source_relations_read(PgConnection *connection, const Selection *selection,
                             SourceRelations *ret, Error *err);
SourceRelation *source_relations_find(const SourceRelations *relations,
                                      uint32_t oid); /* NULL when not listed */

/* The partitioned table that it is a partition of, or NULL. */
SourceRelation *source_relations_parent(const SourceRelations *relations,
                                        const SourceRelation *relation);

static inline bool source_relation_is_table(const SourceRelation *relation)
{
    return relation->kind == 'r' || relation->kind == 'p';
}

/* May the selection leave anything out? */
bool pg_selection_is_partial(const Selection *selection);
