/*
 * The rows of sqlite_schema in memory, found by name, as promotion and its proofs need them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/sha256.h"
#include "engine/connect/sqlite/db.h"

typedef struct SchemaRow {
    int64_t rowid;
    char *type; /* "table", "index", "view", "trigger" */
    char *name;
    char *table;  /* the table or view it belongs to; a table's own name */
    char *sql;    /* NULL for automatic indexes */
    bool is_ours; /* a control table, staging, retired, undone, or attached to one of these */
} SchemaRow;

typedef struct Schema {
    SchemaRow *rows; /* in the order of sqlite_schema */
    size_t count;
    size_t capacity;
    SchemaRow **by_name;  /* triggers apart: they have a name space of their own */
    SchemaRow **by_table; /* rows of the same table side by side, in order */
} Schema;

void schema_release(Schema *schema);
#define AUTO_SCHEMA __attribute__((cleanup(schema_release)))

/* Reads all rows. A database without any is empty. */
Status schema_load(Db *db, Schema *ret, Error *err);

/* Appends a copy; call schema_index() before the next find. */
SchemaRow *schema_add(Schema *schema, const SchemaRow *row);
void schema_index(Schema *schema);

/* Names compare as SQLite compares them: ASCII letters without case. NULL when there is none. */
SchemaRow *schema_find(const Schema *schema, const char *name); /* a table, view or index */
SchemaRow *schema_find_trigger(const Schema *schema, const char *name);

/* The rows of a table or view, itself included; borrowed. */
SchemaRow *const *schema_of_table(const Schema *schema, const char *table, size_t *ret_count);

bool row_is(const SchemaRow *row, const char *type); /* false for NULL */
bool row_is_virtual(const SchemaRow *row);           /* CREATE VIRTUAL TABLE */
bool row_is_internal(const SchemaRow *row);          /* sqlite_sequence, sqlite_stat1... */

/* Live tables besides SQLite's own and ours. */
size_t schema_count_live_tables(const Schema *schema);

/* SHA-256 over the live rows: not ours, not SQLite's own tables, which follow the data. */
void schema_fingerprint(const Schema *schema, char ret[SHA256_HEX_SIZE]);

/* Is there a table of this name? Quick: asks SQLite's memory, not the schema table. */
bool schema_has_table(Db *db, const char *name);
