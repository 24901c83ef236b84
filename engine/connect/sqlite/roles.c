#include "engine/connect/sqlite/roles.h"

#include <sqlite3.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/sql_text.h"

typedef struct Role {
    NameRole role;
    const char *id;
} Role;

static char *rename_parent(void *context, const char *name)
{
    const Role *role = context;

    return name_for_role(name, role->role, role->id, 0);
}

/* Says whose statement it was that could not be read. */
static Status name_statement(Status status, const char *kind, const char *name, Error *err)
{
    if (status < 0)
        error_prefix(err, "%s \"%s\"", kind, name);
    return status;
}

Status role_table(const char *sql, const char *table, NameRole role, const char *id,
                  char **ret_name, char **ret_sql, Error *err)
{
    Role context = {role, id};
    AUTO_FREE_MEMORY char *name = name_for_role(table, role, id, 0);

    TRY(name_statement(sql_rename_table(sql, table, name, rename_parent, &context, ret_sql, err),
                       "table", table, err));
    *ret_name = TAKE(name);
    return STATUS_OK;
}

Status role_index(const char *sql, const char *table, const char *index, NameRole role,
                  const char *id, char **ret_name, char **ret_sql, Error *err)
{
    AUTO_FREE_MEMORY char *name = name_for_role(index, role, id, 0);
    AUTO_FREE_MEMORY char *new_table = name_for_role(table, role, id, 0);

    TRY(name_statement(sql_rename_index(sql, table, name, new_table, ret_sql, err), "index", index,
                       err));
    *ret_name = TAKE(name);
    return STATUS_OK;
}

char *role_auto_index(const char *index, const char *table, const char *new_table)
{
    static const char prefix[] = "sqlite_autoindex_";
    size_t length = strlen(table);

    if (sqlite3_strnicmp(index, prefix, (int)sizeof(prefix) - 1) != 0)
        return NULL;
    index += sizeof(prefix) - 1;
    if (sqlite3_strnicmp(index, table, (int)length) != 0 || index[length] != '_')
        return NULL;
    return xasprintf("%s%s%s", prefix, new_table, index + length);
}
