/*
 * What a source holds: tables that carry rows, and everything else as objects with their
 * definitions. Plain data, owned by the Catalog; connectors fill it, the journal stores it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/text.h"
#include "engine/flow/rows.h"

typedef struct Column {
    char *name;
    char *type;            /* as declared in the source; may be empty */
    bool is_generated;     /* computed by the target: not carried */
    unsigned key_position; /* 1.. when part of the key rows are addressed by, else 0 */
} Column;

/* How rows of a table are addressed, for chunks and samples. */
typedef enum KeyKind {
    KEY_NONE,     /* by nothing: one chunk; the whole row serves as its key in digests */
    KEY_HIDDEN,   /* by the engine's own row address, carried along (SQLite rowid) */
    KEY_COLUMNS,  /* by the columns with key_position > 0 */
    KEY_PHYSICAL, /* by place, meaningful only inside one snapshot (PostgreSQL ctid) */
} KeyKind;

typedef struct Table {
    uint32_t id;  /* 1, 2, 3... in the order of the catalog; fixed once the plan is stored */
    char *schema; /* NULL where the engine has none */
    char *name;
    char *staged_name; /* set by the Stager's plan: what its staging table is called */
    Column *columns;
    size_t column_count;
    KeyKind key;
    RowFormat format;      /* what the source will send; set by the source */
    char *definition;      /* statement that creates it, in the source's words */
    char *private_data;    /* connector's own notes on the table, or NULL; stored with the plan */
    uint32_t load_late;    /* 0, or loading it may read other tables: its chunks come when all is
                              created, after all chunks of the tables with a lower number */
    uint64_t row_estimate; /* exact after planning, where the connector counts */
    uint64_t byte_estimate;
    char fingerprint[65]; /* SHA-256 over its shape: see catalog_seal() */
} Table;

typedef enum ObjectKind {
    OBJECT_INDEX = 1,
    OBJECT_CONSTRAINT,
    OBJECT_FOREIGN_KEY,
    OBJECT_VIEW,
    OBJECT_TRIGGER,
    OBJECT_SEQUENCE,   /* a value that goes with data: read again with each snapshot */
    OBJECT_STATISTICS, /* likewise */
    OBJECT_SETTING,    /* of the whole database; likewise */
    OBJECT_OTHER,
} ObjectKind;

const char *object_kind_name(ObjectKind kind); /* "index", "view": as recorded and shown */

/* True for kinds that follow the data instead of the schema. */
bool object_kind_is_data(ObjectKind kind);

typedef struct Object {
    uint32_t id; /* 1, 2, 3... in an order in which they can be created */
    ObjectKind kind;
    char *schema;
    char *name;
    uint32_t table_id;  /* the table it belongs to, or 0 */
    char *definition;   /* statement, or the value of a sequence, statistic or setting */
    char *private_data; /* connector's own notes, or NULL; stored with the plan, not part of the
                           fingerprint */
} Object;

typedef struct Catalog {
    Table *tables;
    size_t table_count;
    size_t table_capacity;
    Object *objects;
    size_t object_count;
    size_t object_capacity;
    uint32_t *by_name;    /* ids of the tables in order of names, once sealed; private */
    char fingerprint[65]; /* over all tables and all structural objects */
} Catalog;

void catalog_release(Catalog *catalog);
#define AUTO_CATALOG __attribute__((cleanup(catalog_release)))

/* Appends a zeroed table or object with the next id; borrowed until the next append. */
Table *catalog_add_table(Catalog *catalog);
Object *catalog_add_object(Catalog *catalog);
Column *table_add_column(Table *table);

/* Sets every table's fingerprint and the catalog's, from names, columns, keys, formats, definitions
 * and structural objects; not from estimates, data-like objects or staged names. A table's own
 * covers what its rows depend on, not the objects on it. Names stay as they are from here on: seal
 * again after a change. */
void catalog_seal(Catalog *catalog);

Table *catalog_table(const Catalog *catalog, uint32_t id); /* asserts that it is there */

/* NULL when unknown; schema may be NULL. Quick once sealed (the journal may seal what it loads). */
const Table *catalog_find_table(const Catalog *catalog, const char *schema, const char *name);

/* "schema.name" or "name", for people; the caller frees. */
char *table_display_name(const Table *table);

/* What a migration takes: every table when the lists are empty. */
typedef struct Selection {
    TextList include; /* patterns on "name" or "schema.name" */
    TextList exclude;
    TextList schemas; /* patterns */
    bool with_owner;  /* owners go along, where the source has any */
    bool with_acl;    /* grants likewise */
    bool lenient;     /* of a backup: what refers to tables that are left out is left out, too,
                         instead of being refused; and what a table cannot be without (the rest
                         of its partitions, what it inherits from) comes along */
    bool data_only;   /* a source describes what reading needs, and nothing of the structure:
                         StagerOps.adopt_schema gives that */
} Selection;

void selection_release(Selection *selection);
bool selection_has(const Selection *selection, const char *schema, const char *name);

/* ERROR_USAGE naming the first include, exclude or schema pattern that matches none of all; the
 * hint names tables or schemas that are close. */
Status selection_check(const Selection *selection, const Catalog *all, Error *err);
