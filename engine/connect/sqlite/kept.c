#include "engine/connect/sqlite/kept.h"

#include <string.h>
#include <sys/stat.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/flow/names.h"

enum {
    COUNT_MAX_BYTES = 256 * 1024 * 1024, /* of larger files no rows are counted */
    NAMES_MAX_BYTES = 200,
};

/* db stays NULL, and objects empty, when nothing of ours is there. Indexes come and go with their
 * tables. */
static Status read_kept(Stager *stager, const RunIdentity *identity, Db **ret_db,
                        LedgerObjects *ret, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    bool exists = false;

    TRY(target_open_to_read(stager_target(stager), &db, err));
    if (db != NULL)
        TRY(ledger_check(db, &exists, err));
    if (!exists)
        return STATUS_OK;
    TRY(ledger_objects(db, identity, 0, ret, err));
    *ret_db = TAKE(db);
    return STATUS_OK;
}

static bool is_kept_table(const LedgerObject *object)
{
    return strcmp(object->type, "table") == 0 && strcmp(object->role, LEDGER_MADE) != 0 &&
           strcmp(object->role, LEDGER_LIVE) != 0;
}

Status sqlite_list_kept(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    AUTO_LEDGER_OBJECTS LedgerObjects objects = {0};

    TRY(read_kept(stager, identity, &db, &objects, err));
    for (size_t i = 0; i < objects.count; i++) {
        const LedgerObject *object = &objects.items[i];

        if (!is_kept_table(object))
            continue;

        AUTO_FREE_MEMORY char *line = xasprintf("%s %s", object->role, object->name);

        text_list_add(ret, line);
    }
    return STATUS_OK;
}

/* ---- what goes at the end ---- */

/* The tables of one attempt that have the same role. */
typedef struct Group {
    const char *role;
    uint32_t attempt;
    uint64_t tables;
    uint64_t rows;
    Text names;
} Group;

static Status add_table(Group *group, Db *db, const char *name, bool counts, Error *err)
{
    AUTO_TEXT Text sql = {0};
    int64_t rows = 0;

    group->tables++;
    if (group->names.size < (size_t)NAMES_MAX_BYTES)
        text_append_format(&group->names, "%s%s", group->names.size > 0 ? ", " : "", name);
    if (!counts)
        return STATUS_OK;
    text_append(&sql, "select count(*) from main.");
    quote_identifier(&sql, name);
    TRY(db_integer(db, text_string(&sql), 0, &rows, "count what is kept", err));
    group->rows += (uint64_t)rows;
    return STATUS_OK;
}

static void note_group(const Group *group, bool counts, Findings *notes)
{
    size_t shown = utf8_cut(text_string(&group->names), group->names.size, NAMES_MAX_BYTES);
    char tables[40];
    char rows[40];

    format_things(group->tables, "table", tables, sizeof(tables));
    format_things(group->rows, "row", rows, sizeof(rows));
    findings_add(notes, FINDING_NOTE, NULL, NULL, "goes (%s, of attempt %u): %s%s%s: %.*s%s",
                 group->role, group->attempt, tables, counts ? ", " : "", counts ? rows : "",
                 (int)shown, text_string(&group->names),
                 shown < group->names.size || group->names.size >= (size_t)NAMES_MAX_BYTES ? "..."
                                                                                           : "");
}

static bool is_of(const Group *group, const LedgerObject *object)
{
    return object->attempt == group->attempt && strcmp(object->role, group->role) == 0;
}

static bool is_first_of_group(const LedgerObjects *objects, size_t index)
{
    const Group group = {.role = objects->items[index].role,
                         .attempt = objects->items[index].attempt};

    for (size_t i = 0; i < index; i++) {
        if (is_kept_table(&objects->items[i]) && is_of(&group, &objects->items[i]))
            return false;
    }
    return true;
}

static Status describe_group(Db *db, const LedgerObjects *objects, size_t first, bool counts,
                             Findings *notes, uint64_t *tables, Error *err)
{
    Group group = {.role = objects->items[first].role, .attempt = objects->items[first].attempt};
    Status status = STATUS_OK;

    for (size_t i = first; i < objects->count && status >= 0; i++) {
        if (is_kept_table(&objects->items[i]) && is_of(&group, &objects->items[i]))
            status = add_table(&group, db, objects->items[i].name, counts, err);
    }
    if (status >= 0)
        note_group(&group, counts, notes);
    *tables += group.tables;
    text_release(&group.names);
    return status;
}

static bool is_small(const Db *db)
{
    struct stat found;

    return stat(db->path, &found) == 0 && found.st_size <= COUNT_MAX_BYTES;
}

Status sqlite_describe_kept(Stager *stager, const RunIdentity *identity, Findings *notes,
                            uint64_t *ret_tables, uint64_t *ret_bytes, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    AUTO_LEDGER_OBJECTS LedgerObjects objects = {0};

    *ret_tables = 0;
    *ret_bytes = 0; /* SQLite knows only by reading all of it */
    TRY(read_kept(stager, identity, &db, &objects, err));
    for (size_t i = 0; i < objects.count; i++) {
        if (is_kept_table(&objects.items[i]) && is_first_of_group(&objects, i))
            TRY(describe_group(db, &objects, i, is_small(db), notes, ret_tables, err));
    }
    return STATUS_OK;
}
