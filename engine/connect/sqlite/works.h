/*
 * Does a table or view work? Its statements are compiled, never run: that resolves every name in
 * the view, in its triggers and in its foreign keys. On a real connection, or on a schema that
 * exists in memory only (what would be after a promotion).
 */
#pragma once

#include "engine/base/memory.h"
#include "engine/connect/sqlite/schema.h"

enum {
    WORKS_SELECT = 1,
    WORKS_INSERT = 2,
    WORKS_UPDATE = 4,
    WORKS_DELETE = 8,
};

/* The set of statements on it that compile; ret_why (may be NULL) gets SQLite's words for the first
 * that does not, else NULL; the caller frees. */
unsigned works(sqlite3 *handle, const char *name, char **ret_why);

/*
 * A database in memory that has those rows as its schema whose is_ours is `ours`, and no content:
 * nothing may be run on it. What is ours and what is not never refer to each other.
 * Functions and collations that SQLite does not know are taken to be the application's. Foreign keys
 * are on, so that a parent without the columns they need shows. ERROR_REFUSED when SQLite cannot read
 * the schema.
 */
Status works_open_scratch(const Schema *schema, bool ours, sqlite3 **ret, Error *err);

static inline void works_close(sqlite3 *handle)
{
    (void)sqlite3_close(handle); /* statements are finalized: cannot fail */
    memory_trim();               /* with many tables it was large */
}
DEFINE_AUTO_FREE(sqlite3, works_close);
