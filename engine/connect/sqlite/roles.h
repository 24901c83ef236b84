/*
 * Tables and indexes under the names of their role (staging, retired, undone), and their statements
 * rewritten for it.
 */
#pragma once

#include "engine/base/error.h"
#include "engine/flow/names.h"

/*
 * The table's name in that role and its statement under it. Its REFERENCES name the parents in the
 * same role: a migrated parent's table of that role, or nothing at all. So no table of ours ever
 * references a live table, where a DELETE would cascade into it.
 */
Status role_table(const char *sql, const char *table, NameRole role, const char *id,
                  char **ret_name, char **ret_sql, Error *err);
Status role_index(const char *sql, const char *table, const char *index, NameRole role,
                  const char *id, char **ret_name, char **ret_sql, Error *err);

/* What "sqlite_autoindex_TABLE_N" is called when its table is; NULL for every other name. The
 * caller frees. */
char *role_auto_index(const char *index, const char *table, const char *new_table);
