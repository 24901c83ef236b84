/*
 * Which fields a row of a table has on the way, and which SQL reads, writes and orders them: the
 * one rule that reader, prober and writer share (rows are ROW_TAGGED).
 *
 *   KEY_HIDDEN   field 0 is the rowid, then the columns; the key is field 0
 *   KEY_COLUMNS  the columns; the key is the INTEGER PRIMARY KEY (the rowid under its own name),
 * or, WITHOUT ROWID, the primary key with its directions and collations KEY_NONE     the columns;
 * the key is the whole row (every name of the rowid is taken by a column)
 *
 * "The columns" are those that are not generated, in order. What the catalog cannot hold is noted
 * in Table.private_data (table_notes_*), so a stored plan says all there is to say.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/flow/catalog.h"

#define LAYOUT_NO_COLUMN ((size_t)-1)

/* One part of the key, in key order. */
typedef struct KeyPart {
    size_t field;
    bool is_descending;
    char *collation; /* of the primary key's index, where it is not the column's own; else NULL */
} KeyPart;

typedef struct Layout {
    const Table *table; /* borrowed */
    bool carries_rowid; /* KEY_HIDDEN: field 0 is the rowid */
    bool key_is_rowid;  /* one integer, ascending: KEY_HIDDEN or an INTEGER PRIMARY KEY */
    bool is_without_rowid;
    bool is_strict;
    bool is_autoincrement;
    char *rowid_name; /* rowid, oid or _rowid_: the first that no column has taken; NULL if none */
    size_t field_count;
    size_t *columns; /* per field: index into table->columns, LAYOUT_NO_COLUMN for the rowid */
    KeyPart *key;    /* empty with KEY_NONE */
    size_t key_count;
} Layout;

/* From the table and its private_data; STATUS_INVALID when those do not fit together. */
Status layout_read(const Table *table, Layout *ret, Error *err);
void layout_release(Layout *layout);
#define AUTO_LAYOUT __attribute__((cleanup(layout_release)))

/* Appends `s.rowid, s."a", s."b"`: what to select FROM table AS s. Qualified on purpose: SQLite
 * takes a quoted name that it does not know for a string, but not behind a qualifier. */
void layout_append_select(Text *sql, const Layout *layout);

/* Appends `rowid, "a", "b"`: the column list of an INSERT, in the same order of fields. */
void layout_append_insert(Text *sql, const Layout *layout);

/* Appends `s."a"`, or `s."a" collate "NOCASE"`: a part of the key, to order and compare by. */
void layout_append_key_part(Text *sql, const Layout *layout, size_t part);

/* Appends ` order by` and the key's parts, backwards when reverse; nothing with KEY_NONE. */
void layout_append_order(Text *sql, const Layout *layout, bool reverse);

typedef struct KeyPartNotes {
    char *collation; /* NULL when it is the column's own */
    bool is_descending;
} KeyPartNotes;

typedef struct TableNotes {
    const char *rowid_name; /* NULL: none is free, or WITHOUT ROWID */
    bool is_without_rowid;
    bool is_strict;
    bool is_autoincrement;
    const KeyPartNotes *key; /* WITHOUT ROWID only, in the order of the key */
    size_t key_count;
} TableNotes;

/* Makes Table.private_data from what describe learns beside the columns. The caller frees. */
char *layout_notes(const TableNotes *notes);
