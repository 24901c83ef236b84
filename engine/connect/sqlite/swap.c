/*
 * NOTES ON THE SWAP
 *
 * ALTER TABLE RENAME would rewrite what other objects say about a table; an edit of sqlite_schema
 * does not. SQLite documents it for changes that do not touch how content is stored ("ALTER TABLE",
 * section 7: writable_schema, UPDATE, schema_version): here names and statements change, root pages
 * never.
 *
 *  W1  Everything attached to an edited table is edited or removed with it: an index by its own edit,
 *      an automatic index by its table's, a trigger by removal; and so is every trigger of a view that
 *      goes. Anything else means that the schema is not what the swap was planned for, and nothing is
 *      done.
 *  W2  What is found under a name is compared with what the plan says is there.
 *  W3  No name is taken that somebody else has.
 *  W4  The schema cookie goes up, so that every other connection reads the schema again; RESET makes
 *      this one do so: if the result did not parse, the transaction fails here.
 *  W5  Rows that SQLite itself keeps by name (sequences, statistics) follow their table.
 */
#include "engine/connect/sqlite/swap.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/roles.h"
#include "engine/connect/sqlite/sql_text.h"

static const char action[] = "exchange the tables";

static Status refuse_row(const char *type, const char *name, const char *what, Error *err)
{
    Status status = error_kind(err, ERROR_REFUSED, "%s \"%s\" %s", type, name, what);

    error_hint(err, "Nothing was changed. Undo that change in the target, then run the same "
                    "command again.");
    return status;
}

static bool is_same(const SchemaRow *row, const char *type, const char *sql)
{
    return row_is(row, type) && row->sql != NULL &&
           (strcmp(row->sql, sql) == 0 || sql_same_statement(row->sql, sql));
}

/* ---- does it fit? ---- */

/* W1 */
static Status check_attached(const Schema *now, const Swap *swap, const SwapEdit *edit, Error *err)
{
    size_t count = 0;
    SchemaRow *const *rows = schema_of_table(now, edit->from, &count);

    for (size_t i = 0; i < count; i++) {
        const SchemaRow *row = rows[i];
        AUTO_FREE_MEMORY char *automatic = role_auto_index(row->name, row->table, edit->to);
        bool is_covered = row->sql == NULL ? automatic != NULL : swap_find(swap, row->name) != NULL;

        if (row_is(row, "trigger"))
            is_covered = swap_removes(swap, row);
        if (!is_covered)
            return refuse_row(row->type, row->name, "was added since this was planned", err);
    }
    return STATUS_OK;
}

/* W2 */
static Status check_edits(const Schema *now, const Swap *swap, Error *err)
{
    for (size_t i = 0; i < swap->edit_count; i++) {
        const SwapEdit *edit = &swap->edits[i];
        const SchemaRow *row = schema_find(now, edit->from);

        if (row == NULL)
            return refuse_row(edit->type, edit->from, "is not there any more", err);
        if (!is_same(row, edit->type, edit->old_sql))
            return refuse_row(edit->type, edit->from, "was changed since this was planned", err);
        if (row_is(row, "table"))
            TRY(check_attached(now, swap, edit, err));
    }
    return STATUS_OK;
}

static const SchemaRow *find_same_kind(const Schema *schema, const SchemaRow *row)
{
    return row_is(row, "trigger") ? schema_find_trigger(schema, row->name)
                                  : schema_find(schema, row->name);
}

/* W1, for a view: its triggers go with it. */
static Status check_on_view(const Schema *now, const Swap *swap, const SchemaRow *view, Error *err)
{
    size_t count = 0;
    SchemaRow *const *rows = schema_of_table(now, view->name, &count);

    for (size_t i = 0; i < count; i++) {
        if (row_is(rows[i], "trigger") && !swap_removes(swap, rows[i]))
            return refuse_row("trigger", rows[i]->name, "was added since this was planned", err);
    }
    return STATUS_OK;
}

/* One that is gone already is as good as removed; one that was changed is somebody's work. */
static Status check_removed(const Schema *now, const Swap *swap, Error *err)
{
    for (size_t i = 0; i < swap->removed.count; i++) {
        const SchemaRow *planned = &swap->removed.rows[i];
        const SchemaRow *row = find_same_kind(now, planned);

        if (row == NULL)
            continue;
        if (!is_same(row, planned->type, planned->sql))
            return refuse_row(row->type, row->name, "was changed since this was planned", err);
        if (row_is(row, "view"))
            TRY(check_on_view(now, swap, row, err));
    }
    return STATUS_OK;
}

/* W3 */
static Status check_free(const Schema *now, const Swap *swap, const SchemaRow *wanted, Error *err)
{
    const SchemaRow *row = find_same_kind(now, wanted);

    if (row == NULL || swap_removes(swap, row))
        return STATUS_OK;
    if (!row_is(row, "trigger") && swap_find(swap, row->name) != NULL)
        return STATUS_OK;
    return refuse_row(row->type, row->name, "has a name that is needed here", err);
}

static Status check_names(const Schema *now, const Swap *swap, Error *err)
{
    for (size_t i = 0; i < swap->edit_count; i++) {
        SwapEdit *edit = &swap->edits[i];

        TRY(check_free(now, swap, &(SchemaRow){.type = edit->type, .name = edit->to}, err));
    }
    for (size_t i = 0; i < swap->added.count; i++)
        TRY(check_free(now, swap, &swap->added.rows[i], err));
    return STATUS_OK;
}

/* ---- the schema table ---- */

typedef struct SchemaWriter {
    Db *db;
    DbStatement *update;
    DbStatement *remove;
    DbStatement *insert;
} SchemaWriter;

static void schema_writer_release(SchemaWriter *writer)
{
    db_finalize(writer->update);
    db_finalize(writer->remove);
    db_finalize(writer->insert);
}

static Status run_bound(SchemaWriter *writer, DbStatement *statement, Error *err)
{
    Status status = db_step(writer->db, statement, action, err);

    (void)sqlite3_reset(statement); /* its error was that of the step */
    return status < 0 ? status : STATUS_OK;
}

static void bind_text(DbStatement *statement, int index, const char *text)
{
    (void)sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT); /* index in range */
}

static Status update_row(SchemaWriter *writer, const SchemaRow *row, const char *name,
                         const char *table, const char *sql, Error *err)
{
    (void)sqlite3_bind_int64(writer->update, 1, row->rowid); /* in range: cannot fail */
    bind_text(writer->update, 2, name);
    bind_text(writer->update, 3, table);
    bind_text(writer->update, 4, sql);
    return run_bound(writer, writer->update, err);
}

static Status apply_table(SchemaWriter *writer, const Schema *now, const Swap *swap,
                          const SwapEdit *edit, Error *err)
{
    size_t count = 0;
    SchemaRow *const *rows = schema_of_table(now, edit->from, &count);

    for (size_t i = 0; i < count; i++) {
        const SchemaRow *row = rows[i];
        AUTO_FREE_MEMORY char *automatic = role_auto_index(row->name, row->table, edit->to);
        const SwapEdit *own = row->sql == NULL ? NULL : swap_find(swap, row->name);

        if (row_is(row, "trigger"))
            continue; /* removed */
        if (own == NULL)
            TRY(update_row(writer, row, automatic, edit->to, NULL, err));
        else
            TRY(update_row(writer, row, own->to, own->table, own->sql, err));
    }
    return STATUS_OK;
}

static Status apply_removed(SchemaWriter *writer, const Schema *now, const Swap *swap, Error *err)
{
    for (size_t i = 0; i < now->count; i++) {
        if (!swap_removes(swap, &now->rows[i]))
            continue;
        (void)sqlite3_bind_int64(writer->remove, 1, now->rows[i].rowid); /* cannot fail */
        TRY(run_bound(writer, writer->remove, err));
    }
    return STATUS_OK;
}

static Status apply_added(SchemaWriter *writer, const Swap *swap, Error *err)
{
    for (size_t i = 0; i < swap->added.count; i++) {
        const SchemaRow *row = &swap->added.rows[i];

        bind_text(writer->insert, 1, row->type);
        bind_text(writer->insert, 2, row->name);
        bind_text(writer->insert, 3, row->table);
        bind_text(writer->insert, 4, row->sql);
        TRY(run_bound(writer, writer->insert, err));
    }
    return STATUS_OK;
}

static Status write_schema(Db *db, const Schema *now, const Swap *swap, Error *err)
{
    __attribute__((cleanup(schema_writer_release))) SchemaWriter writer = {.db = db};

    TRY(db_prepare(db,
                   "update main.sqlite_schema set name = ?2, tbl_name = ?3, sql = ?4"
                   " where rowid = ?1",
                   &writer.update, action, err));
    TRY(db_prepare(db, "delete from main.sqlite_schema where rowid = ?1", &writer.remove, action,
                   err));
    TRY(db_prepare(db,
                   "insert into main.sqlite_schema(type, name, tbl_name, rootpage, sql)"
                   " values (?1, ?2, ?3, 0, ?4)",
                   &writer.insert, action, err));
    for (size_t i = 0; i < swap->edit_count; i++) {
        if (strcmp(swap->edits[i].type, "table") == 0)
            TRY(apply_table(&writer, now, swap, &swap->edits[i], err));
    }
    TRY(apply_removed(&writer, now, swap, err));
    return apply_added(&writer, swap, err);
}

/* W4 */
static Status raise_schema_version(Db *db, Error *err)
{
    int64_t version = 0;

    TRY(db_integer(db, "pragma main.schema_version", 0, &version, action, err));

    uint32_t next = (uint32_t)version + 1; /* wraps as SQLite's own counter does */
    AUTO_FREE_MEMORY char *sql = xasprintf(
        "pragma main.schema_version = %" PRId32 "; pragma writable_schema = reset;", (int32_t)next);

    return db_exec(db, sql, action, err);
}

/* ---- what SQLite keeps by name (W5) ---- */

typedef struct NameChange {
    int64_t rowid;
    char *table;
    char *index; /* or NULL */
} NameChange;

typedef struct NameChanges {
    NameChange *items;
    size_t count;
    size_t capacity;
} NameChanges;

static void name_changes_release(NameChanges *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].table);
        free(changes->items[i].index);
    }
    free(changes->items);
}

static char *changed_index(const Swap *swap, const SwapEdit *table, const char *index)
{
    if (index == NULL)
        return NULL;

    const SwapEdit *own = swap_find(swap, index); /* also the table itself: WITHOUT ROWID */
    char *automatic = role_auto_index(index, table->from, table->to);

    if (automatic != NULL)
        return automatic;
    return xstrdup(own != NULL ? own->to : index);
}

static Status collect_changes(Db *db, const Swap *swap, const char *query_sql, NameChanges *changes,
                              Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    Status status = STATUS_OK;

    TRY(db_prepare(db, query_sql, &query, action, err));
    while ((status = db_step(db, query, action, err)) == STATUS_OK) {
        const char *table = db_column_text(query, 1);
        const SwapEdit *edit = table == NULL ? NULL : swap_find(swap, table);

        if (edit == NULL)
            continue;
        GROW(changes->items, changes->count, changes->capacity);
        changes->items[changes->count++] =
            (NameChange){.rowid = sqlite3_column_int64(query, 0),
                         .table = xstrdup(edit->to),
                         .index = changed_index(swap, edit, db_column_text(query, 2))};
    }
    return status < 0 ? status : STATUS_OK;
}

/* All rows are read before the first is written: a name may be both left and taken. */
static Status follow_names(Db *db, const Swap *swap, const char *query_sql, const char *update_sql,
                           Error *err)
{
    __attribute__((cleanup(name_changes_release))) NameChanges changes = {0};
    AUTO_FREE(db_finalize) DbStatement *update = NULL;

    TRY(collect_changes(db, swap, query_sql, &changes, err));
    TRY(db_prepare(db, update_sql, &update, action, err));
    for (size_t i = 0; i < changes.count; i++) {
        const NameChange *change = &changes.items[i];

        (void)sqlite3_bind_int64(update, 1, change->rowid); /* in range: cannot fail */
        bind_text(update, 2, change->table);
        if (sqlite3_bind_parameter_count(update) == 3)
            bind_text(update, 3, change->index);
        TRY(db_step(db, update, action, err));
        (void)sqlite3_reset(update); /* its error was that of the step */
    }
    return STATUS_OK;
}

static Status follow_all_names(Db *db, const Swap *swap, Error *err)
{
    static const struct {
        const char *table;
        const char *query;
        const char *update;
    } kept[] = {
        {"sqlite_sequence", "select rowid, name, null from main.sqlite_sequence",
         "update main.sqlite_sequence set name = ?2 where rowid = ?1"},
        {"sqlite_stat1", "select rowid, tbl, idx from main.sqlite_stat1",
         "update main.sqlite_stat1 set tbl = ?2, idx = ?3 where rowid = ?1"},
        {"sqlite_stat4", "select rowid, tbl, idx from main.sqlite_stat4",
         "update main.sqlite_stat4 set tbl = ?2, idx = ?3 where rowid = ?1"},
    };

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (schema_has_table(db, kept[i].table))
            TRY(follow_names(db, swap, kept[i].query, kept[i].update, err));
    }
    return STATUS_OK;
}

static Status apply_settings(Db *db, const Swap *swap, Error *err)
{
    if (!swap->has_settings)
        return STATUS_OK;

    AUTO_FREE_MEMORY char *sql = xasprintf(
        "pragma main.user_version = %" PRId32 "; pragma main.application_id = %" PRId32 ";",
        (int32_t)swap->user_version, (int32_t)swap->application_id);

    return db_exec(db, sql, action, err);
}

Status swap_apply(Db *db, const Schema *now, const Swap *swap, Error *err)
{
    TRY(check_edits(now, swap, err));
    TRY(check_removed(now, swap, err));
    TRY(check_names(now, swap, err));

    TRY(follow_all_names(db, swap, err));
    TRY(apply_settings(db, swap, err));

    /* This connection is the only one that may, and only until RESET. */
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    TRY(db_exec(db, "pragma writable_schema = on", action, err));
    TRY(write_schema(db, now, swap, err));
    return raise_schema_version(db, err);
}
