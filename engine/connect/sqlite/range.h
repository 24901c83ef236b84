/*
 * Ranges of a table's keys as SQL: the `where` of a chunk, and its bounds as parameters. Bounds are
 * ROW_TAGGED rows of the key's parts, in key order; the order is that of the primary key's index.
 *
 * Every row lies in exactly one of the ranges that a rising list of bounds makes: `at or after` and
 * `before` a bound are each other's negation (a WITHOUT ROWID key has no NULLs).
 */
#pragma once

#include "engine/connect/sqlite/db.h"
#include "engine/connect/sqlite/layout.h"

/* Appends ` where ...` for lower <= key < upper; an open side (size 0) says nothing. */
void range_append_where(Text *sql, const Layout *layout, const Bytes *lower, const Bytes *upper);

/* Binds both bounds' values, which stay borrowed. STATUS_INVALID when they are no such key. */
Status range_bind(Db *db, DbStatement *statement, const Layout *layout, const Bytes *lower,
                  const Bytes *upper, Error *err);

/* Appends ` where` key = bound, bound with range_bind() as a lower bound. */
void range_append_equal(Text *sql, const Layout *layout);

/*
 * Does SQLite find a bound at once, by the whole key? Not where parts run in different directions or
 * by foreign collations: it then goes through all rows whose first part is equal.
 */
bool range_can_seek(const Layout *layout);

/* Appends `"name" as s not indexed`. WITHOUT ROWID only an `order by` of the key keeps SQLite from
 * reading an index that holds all columns in the table's stead. */
void range_append_from(Text *sql, const char *name);

/* Appends columns [first, first + count) of the current row as a ROW_TAGGED row. */
void row_append(Text *text, const Db *db, DbStatement *statement, int first, size_t count);

/* Appends the key of the current row, whose columns are the layout's fields. */
void row_append_key(Text *text, const Db *db, DbStatement *statement, const Layout *layout);

/* How many bytes row_append() would append, without copying a value. */
size_t row_size(const Db *db, DbStatement *statement, size_t count);
