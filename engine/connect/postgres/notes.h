/*
 * The connector's own notes on tables and objects: Table.private_data and Object.private_data, as
 * JSON on one line. Written by describe, read by the stager; stored with the plan, so that a
 * resumed run needs no source to know them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/flow/catalog.h"

enum {
    NEED_PARTS = 4, /* strings in PgTableNotes.needs for one routine */
};

typedef struct PgTableNotes {
    uint32_t order;   /* place of its entry in the dump, in one series with the objects */
    char kind;        /* 'r': ordinary table or leaf partition; 'p': a partitioned table whose
                           rows are read and loaded through itself (trap 15) */
    bool is_unlogged; /* trap 20 */
    bool is_partition;
    bool has_children; /* other tables inherit from it (not partitions) */
    TextList leaves;   /* kind 'p': "schema"."name" of each leaf, in order */
    TextList facts;    /* its structure as evidence: see facts.h */
    TextList shape;    /* columns with a collation of their own; as PgObjectNotes.shape */
    TextList needs; /* routines that are not carried along and that something on it calls: of each
                          what calls it, schema, name, and types of arguments */
} PgTableNotes;

typedef struct PgObjectNotes {
    uint32_t order;
    char *type; /* pg_dump's word */
    char
        *relation_schema; /* the relation it is on (index, constraint, trigger, attach...), or NULL;
                              for INDEX ATTACH the child's table */
    char *relation_name;
    char *relation_column;   /* SEQUENCE SET: the column that it belongs to, or NULL */
    char *label;             /* its own name without the table: "orders_by_day"; for functions with
                              argument types; what DROP ... needs */
    uint32_t other_table_id; /* of a foreign key: the referenced Table, or 0 */
    bool after_data; /* what it computes may read any table, or spans many: Task.after_lower */
    uint32_t *after; /* ids of objects, post-data ones only, that must be there first */
    size_t after_count;
    char *path;              /* of a routine that runs while staging: the search_path, as words of
                                SET, that its body needs there; NULL: it has one, or needs none */
    TextList shape;          /* what others can depend on: columns of a view, a partitioned table, a
                                composite type, the result of a routine; each as a JSON array: see
                                source_shapes.sql */
    char *extension_version; /* EXTENSION */
    char *extension_schema;
    TextList
        extension_members; /* "4 similarity": name spaces of retarget.h and name, of what lies in
                                   that schema of the source and may be overloaded */
} PgObjectNotes;

char *pg_table_notes_write(const PgTableNotes *notes); /* the caller frees */
Status pg_table_notes_read(const Table *table, PgTableNotes *ret, Error *err);
void pg_table_notes_release(PgTableNotes *notes);
#define AUTO_TABLE_NOTES __attribute__((cleanup(pg_table_notes_release)))

char *pg_object_notes_write(const PgObjectNotes *notes);
Status pg_object_notes_read(const Object *object, PgObjectNotes *ret, Error *err);
void pg_object_notes_release(PgObjectNotes *notes);
#define AUTO_OBJECT_NOTES __attribute__((cleanup(pg_object_notes_release)))
