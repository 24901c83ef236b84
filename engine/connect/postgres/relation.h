/*
 * A table as it is read: which columns are carried, and the statements that read all of it or the
 * range of a chunk. The one place that reader, planner and prober have this from.
 *
 * Ranges are of places or, with KEY_COLUMNS, of values of the key's first column. Places are in
 * order: leaf by leaf (a table that is none of kind 'p' is its only leaf), and within a leaf by
 * block. Every row lies in exactly one of the ranges that a rising list of bounds makes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/flow/plan.h"

typedef struct PgRelation {
    const Table *table; /* borrowed */
    char *name;         /* as it stands in SQL, quoted */
    char *columns;      /* the carried ones: "a", "b"; empty when there are none */
    size_t column_count;
    bool is_partitioned; /* kind 'p': read through itself, leaf by leaf */
    TextList leaves;     /* then: their quoted names, on a source */
    char *range_key;     /* quoted; NULL where ranges are of places */
} PgRelation;

/* staged: the staging table of a target. STATUS_INVALID when the table's notes are unusable. */
Status pg_relation_read(const Table *table, bool staged, PgRelation *ret, Error *err);
void pg_relation_release(PgRelation *relation);
#define AUTO_PG_RELATION __attribute__((cleanup(pg_relation_release)))

typedef struct PgPlace {
    uint32_t leaf; /* 0, 1, ... in the order of leaves */
    uint32_t block;
} PgPlace;

/* A bound of a chunk of places, and back: "BLOCK", or "LEAF:BLOCK" with leaves. */
Status pg_place_parse(const PgRelation *relation, const Bytes *bound, PgPlace *ret, Error *err);
Bytes pg_place_bytes(const PgRelation *relation, PgPlace place); /* to be released */

/* Appends `ONLY "s"."t"`, or `"s"."t"` with its leaves. */
void pg_relation_append_from(Text *sql, const PgRelation *relation);

/* Appends ` WHERE "key" >= ... AND "key" < ...` for a chunk of a table with a range_key; nothing for
 * a chunk that is open at both ends. */
Status pg_relation_append_key_range(Text *sql, const PgRelation *relation, const Chunk *chunk,
                                    Error *err);

/* Appends `COPY ... TO STDOUT ...` of all carried columns in the table's format; chunk NULL: of all
 * rows. encoding is that of the server, so that nothing is converted. */
Status pg_relation_append_copy(Text *sql, const PgRelation *relation, const Chunk *chunk,
                               const char *encoding, Error *err);

/* Appends ` TO STDOUT WITH (FORMAT ..., ENCODING '...')`. */
void pg_append_copy_options(Text *sql, RowFormat format, const char *encoding);
