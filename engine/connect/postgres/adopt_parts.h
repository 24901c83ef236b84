/*
 * The parts of adopting a target's structure. Private to adopt*.c. `source` is a catalog described with
 * data_only, `target` one of pg_describe_target().
 */
#pragma once

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/notes.h"
#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"

/* What the target holds of the name of one of the source's tables. */
typedef struct Prepared {
    char kind; /* pg_class.relkind, or 0 for nothing */
    bool is_partition;
    bool has_rows;
    TextList must_be_given; /* names of columns that every row needs */
} Prepared;

/* What a column's type is made of. */
typedef struct TypeParts {
    char *name; /* as in Column.type, without modifier */
    char *known_as;
    char *made_of;
} TypeParts;

typedef struct TypeTable {
    TypeParts *items;
    size_t count;
    size_t capacity;
} TypeTable;

Status type_table_read(const Catalog *catalog, TypeTable *ret, Error *err);
void type_table_release(TypeTable *table);
#define AUTO_TYPE_TABLE __attribute__((cleanup(type_table_release)))

/* The type of a column in words that are the same in every database; the caller frees. */
char *type_table_name(const TypeTable *table, const char *type);

/* Are the types that both sides' columns have made of the same? */
Status adopt_check_types(const TypeTable *source, const TypeTable *target, Findings *findings,
                         Error *err);

/* Does the target have the source's tables, and can each take the source's rows? prepared is in the
 * order of the source's tables. */
Status adopt_check_tables(const Catalog *source, const Prepared *prepared, Findings *findings,
                          Error *err);
Status adopt_check_columns(const Catalog *source, const Catalog *target, const Prepared *prepared,
                           Findings *findings, Error *err);

/*
 * Completes the target's catalog with what reading needs of the source's: columns in their order, key,
 * format, leaves, estimates; values of sequences by the column that they belong to; settings. Each
 * table of the target's has one in the source's. Sealed again.
 */
Status adopt_merge(const Catalog *source, Catalog *target, Findings *findings, Error *err);
