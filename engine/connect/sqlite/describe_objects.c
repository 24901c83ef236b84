/*
 * The objects of a catalog: first what belongs to the structure, in an order in which it can be
 * made, then what follows the data.
 */
#include "engine/connect/sqlite/describe.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/flow/names.h"

/* Tables and views by name; SQLite does not tell case apart, and triggers repeat names as typed. */
typedef struct Owner {
    const char *name;  /* borrowed from the catalog */
    uint32_t table_id; /* 0 for a view */
} Owner;

typedef struct Objects {
    Db *db;
    const Selection *selection;
    Catalog *catalog;
    Findings *findings;
    Owner *owners;
    size_t owner_count;
} Objects;

static void objects_release(Objects *objects)
{
    free(objects->owners);
}

static int compare_owners(const void *left, const void *right)
{
    const Owner *a = left;
    const Owner *b = right;
    return sqlite3_stricmp(a->name, b->name);
}

static void index_owners(Objects *objects)
{
    const Catalog *catalog = objects->catalog;
    size_t most = catalog->table_count + catalog->object_count;
    objects->owners = xrealloc(objects->owners, (most + 1) * sizeof(*objects->owners));
    objects->owner_count = 0;
    for (size_t i = 0; i < catalog->table_count; i++)
        objects->owners[objects->owner_count++] =
            (Owner){.name = catalog->tables[i].name, .table_id = catalog->tables[i].id};
    for (size_t i = 0; i < catalog->object_count; i++) {
        if (catalog->objects[i].kind == OBJECT_VIEW)
            objects->owners[objects->owner_count++] = (Owner){.name = catalog->objects[i].name};
    }
    qsort(objects->owners, objects->owner_count, sizeof(*objects->owners), compare_owners);
}

static const Owner *find_owner(const Objects *objects, const char *name)
{
    const Owner key = {.name = name};
    return bsearch(&key, objects->owners, objects->owner_count, sizeof(*objects->owners),
                   compare_owners);
}

static Object *add_object(Objects *objects, ObjectKind kind, const char *name, uint32_t table_id,
                          const char *definition)
{
    Object *object = catalog_add_object(objects->catalog);
    object->kind = kind;
    object->name = xstrdup(name);
    object->table_id = table_id;
    object->definition = xstrdup(definition);
    return object;
}

static void refuse_bad_name(Objects *objects, ObjectKind kind, const char *name)
{
    Error bad = {0};
    if (name_check(object_kind_name(kind), name, &bad) != STATUS_OK)
        findings_add(objects->findings, FINDING_REFUSAL, NULL, "Rename it in the source.", "%s",
                     bad.message);
}

static void add_structural(Objects *objects, ObjectKind kind, DbStatement *row, uint32_t table_id)
{
    const char *name = db_column_text(row, 0);
    refuse_bad_name(objects, kind, name);
    (void)add_object(objects, kind, name, table_id, db_column_text(row, 2));
}

/* sqlite_schema's lines of one type, in their own order; those without SQL come with their table.
 */
static Status select_schema(Objects *objects, const char *type, DbStatement **ret, Error *err)
{
    AUTO_FREE_MEMORY char *sql = xasprintf("select name, tbl_name, sql from sqlite_schema"
                                           " where type = '%s' and sql is not null order by rowid",
                                           type);
    return db_prepare(objects->db, sql, ret, "read the schema", err);
}

static Status add_indexes(Objects *objects, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *row = NULL;
    TRY(select_schema(objects, "index", &row, err));
    for (;;) {
        Status status = db_step(objects->db, row, "read the schema", err);
        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        const Owner *owner = find_owner(objects, db_column_text(row, 1));
        if (owner) /* else left out with its table, which has its finding */
            add_structural(objects, OBJECT_INDEX, row, owner->table_id);
    }
}

/* A view that does not work in the source will not work in the target either; it is carried. */
static void warn_of_broken_view(Objects *objects, const char *name)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;
    text_append(&sql, "select * from ");
    quote_identifier(&sql, name);
    if (sqlite3_prepare_v2(objects->db->handle, text_string(&sql), -1, &statement, NULL) ==
        SQLITE_OK)
        return;
    AUTO_FREE_MEMORY char *object = xasprintf("view %s", name);
    findings_add(objects->findings, FINDING_WARNING, object,
                 "Mend or drop it in the source if nobody needs it.",
                 "it does not work in the source: %s", sqlite3_errmsg(objects->db->handle));
}

/* Called by SQLite for each column that a statement reads. */
static int note_table_read(void *context, int action, const char *table, const char *column,
                           const char *database, const char *view)
{
    TextList *tables = context;
    (void)column;
    (void)database;
    (void)view;
    if (action == SQLITE_READ && table != NULL && !text_list_has(tables, table))
        text_list_add(tables, table);
    return SQLITE_OK;
}

/* Tables and views that a view reads, through other views too; none when it does not work. */
static void list_tables_read(Objects *objects, const char *name, TextList *ret)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;
    text_append(&sql, "select * from main.");
    quote_identifier(&sql, name);
    (void)sqlite3_set_authorizer(objects->db->handle, note_table_read, ret);
    (void)sqlite3_prepare_v2(objects->db->handle, text_string(&sql), -1, &statement, NULL);
    (void)sqlite3_set_authorizer(objects->db->handle, NULL, NULL);
}

/* The first table of the source that the view reads and that is left out, or NULL; the caller
 * frees. */
static Status find_left_out(Objects *objects, const char *view, char **ret, Error *err)
{
    AUTO_TEXT_LIST TextList tables = {0};
    AUTO_FREE(db_finalize) DbStatement *is_table = NULL;
    const char *action = "look for the tables of a view";
    list_tables_read(objects, view, &tables);
    TRY(db_prepare(objects->db,
                   "select 1 from sqlite_schema where type = 'table' and name = ?1 collate nocase",
                   &is_table, action, err));
    for (size_t i = 0; i < tables.count && *ret == NULL; i++) {
        const Owner *owner = find_owner(objects, tables.items[i]);
        if (owner != NULL || strncmp(tables.items[i], "sqlite_", 7) == 0)
            continue;
        (void)sqlite3_bind_text(is_table, 1, tables.items[i], -1, SQLITE_STATIC); /* in range */
        Status status = db_step(objects->db, is_table, action, err);
        TRY(status);
        if (status == STATUS_OK)
            *ret = xstrdup(tables.items[i]);
        (void)sqlite3_reset(is_table); /* its error was that of the step */
    }
    return STATUS_OK;
}

/* Views go with the whole database; where only some tables are left out, those that can do without
 * them still go. */
static Status leave_out_view(Objects *objects, const char *name, bool *ret, Error *err)
{
    AUTO_FREE_MEMORY char *object = xasprintf("view %s", name);
    AUTO_FREE_MEMORY char *left_out = NULL;
    *ret = false;
    if (selection_names_tables(objects->selection)) {
        findings_add(objects->findings, FINDING_NOTE, object, NULL,
                     "left out: views are not carried with single tables");
        *ret = true;
        return STATUS_OK;
    }
    if (!selection_is_partial(objects->selection))
        return STATUS_OK;
    TRY(find_left_out(objects, name, &left_out, err));
    *ret = left_out != NULL;
    if (left_out != NULL)
        findings_add(objects->findings, FINDING_NOTE, object, NULL,
                     "left out with table \"%s\", which it reads", left_out);
    return STATUS_OK;
}

static Status add_views(Objects *objects, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *row = NULL;
    TRY(select_schema(objects, "view", &row, err));
    for (;;) {
        Status status = db_step(objects->db, row, "read the schema", err);
        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        const char *name = db_column_text(row, 0);
        bool is_left_out = false;
        TRY(leave_out_view(objects, name, &is_left_out, err));
        if (is_left_out)
            continue;
        add_structural(objects, OBJECT_VIEW, row, 0);
        warn_of_broken_view(objects, name);
    }
}

static Status add_triggers(Objects *objects, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *row = NULL;
    bool is_partial = selection_is_partial(objects->selection);
    TRY(select_schema(objects, "trigger", &row, err));
    for (;;) {
        Status status = db_step(objects->db, row, "read the schema", err);
        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        const Owner *owner = find_owner(objects, db_column_text(row, 1));
        if (!owner)
            continue; /* left out with its table or view */
        add_structural(objects, OBJECT_TRIGGER, row, owner->table_id);
        if (is_partial) {
            AUTO_FREE_MEMORY char *object = xasprintf("trigger %s", db_column_text(row, 0));
            findings_add(objects->findings, FINDING_NOTE, object, NULL,
                         "carried with its table; other tables it uses will be the target's own");
        }
    }
}

static Status add_setting(Objects *objects, const char *name, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *row = NULL;
    AUTO_FREE_MEMORY char *sql = xasprintf("pragma %s", name);
    TRY(db_prepare(objects->db, sql, &row, "read a setting", err));
    TRY(db_step(objects->db, row, "read a setting", err));
    const char *value = db_column_text(row, 0);
    (void)add_object(objects, OBJECT_SETTING, name, 0, value ? value : "0");
    return STATUS_OK;
}

static Status add_settings(Objects *objects, Error *err)
{
    TRY(add_setting(objects, "encoding", err));
    if (selection_names_tables(objects->selection))
        return STATUS_OK;
    TRY(add_setting(objects, "user_version", err));
    return add_setting(objects, "application_id", err);
}

static Status has_table(Db *db, const char *name, bool *ret, Error *err)
{
    AUTO_FREE_MEMORY char *sql =
        xasprintf("select count(*) from sqlite_schema where type = 'table' and name = '%s'", name);
    int64_t count = 0;
    TRY(db_integer(db, sql, 0, &count, "read the schema", err));
    *ret = count > 0;
    return STATUS_OK;
}

static Status add_sequences(Objects *objects, Error *err)
{
    bool exists = false;
    TRY(has_table(objects->db, "sqlite_sequence", &exists, err));
    if (!exists)
        return STATUS_OK;
    AUTO_FREE(db_finalize) DbStatement *row = NULL;
    TRY(db_prepare(objects->db,
                   "select name, max(seq) from sqlite_sequence where seq is not null"
                   " group by name order by name collate binary",
                   &row, "read the sequences", err));
    for (;;) {
        Status status = db_step(objects->db, row, "read the sequences", err);
        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        const char *name = db_column_text(row, 0);
        const Owner *owner = name ? find_owner(objects, name) : NULL;
        if (owner && owner->table_id)
            (void)add_object(objects, OBJECT_SEQUENCE, owner->name, owner->table_id,
                             db_column_text(row, 1));
    }
}

/* The lines of one table so far, as a JSON list of {"index": name or null, "stat": text}. */
typedef struct Statistics {
    const Owner *owner;
    Json *lines;
} Statistics;

static void end_statistics(Objects *objects, Statistics *statistics)
{
    if (statistics->owner) {
        AUTO_FREE_MEMORY char *text = json_print(statistics->lines, false);
        (void)add_object(objects, OBJECT_STATISTICS, statistics->owner->name,
                         statistics->owner->table_id, text);
    }
    json_free(statistics->lines);
    *statistics = (Statistics){0};
}

static void statistics_release(Statistics *statistics)
{
    json_free(statistics->lines);
}

static void add_statistics_line(Objects *objects, Statistics *statistics, DbStatement *row)
{
    const char *name = db_column_text(row, 0);
    const Owner *owner = name ? find_owner(objects, name) : NULL;
    if (!owner || !owner->table_id)
        return;
    if (statistics->owner != owner) {
        end_statistics(objects, statistics);
        *statistics = (Statistics){.owner = owner, .lines = json_array()};
    }
    Json *line = json_object();
    json_set_string(line, "index", db_column_text(row, 1));
    json_set_string(line, "stat", db_column_text(row, 2));
    json_add(statistics->lines, line);
}

static Status add_statistics(Objects *objects, Error *err)
{
    bool exists = false;
    TRY(has_table(objects->db, "sqlite_stat1", &exists, err));
    if (!exists)
        return STATUS_OK;
    AUTO_FREE(db_finalize) DbStatement *row = NULL;
    __attribute__((cleanup(statistics_release))) Statistics statistics = {0};
    TRY(db_prepare(objects->db,
                   "select tbl, idx, stat from sqlite_stat1"
                   " order by tbl collate nocase, tbl, idx, rowid",
                   &row, "read the statistics", err));
    for (;;) {
        Status status = db_step(objects->db, row, "read the statistics", err);
        TRY(status);
        if (status == STATUS_DONE)
            break;
        add_statistics_line(objects, &statistics, row);
    }
    end_statistics(objects, &statistics);
    TRY(has_table(objects->db, "sqlite_stat4", &exists, err));
    if (exists)
        findings_add(objects->findings, FINDING_NOTE, "table sqlite_stat4",
                     "Run `analyze` in the target to have its samples there too.",
                     "left out: only the statistics of sqlite_stat1 are carried");
    return STATUS_OK;
}

/*
 * Would this SQLite make these tables and indexes at all? They may use functions or collations that
 * only their own program knows. Better said now than by the target after hours of copying.
 */
static bool try_statement(sqlite3 *scratch, Objects *objects, const char *kind, const char *name,
                          const char *sql)
{
    if (sqlite3_exec(scratch, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    AUTO_FREE_MEMORY char *object = xasprintf("%s %s", kind, name);
    findings_add(objects->findings, FINDING_REFUSAL, object,
                 "Drop what it needs in the source, or leave the table out with --exclude-table.",
                 "this program's SQLite could not make it: %s", sqlite3_errmsg(scratch));
    return false;
}

static int compare_indexes(const void *left, const void *right)
{
    const Object *a = *(const Object *const *)left;
    const Object *b = *(const Object *const *)right;
    if (a->table_id != b->table_id)
        return a->table_id < b->table_id ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* The catalog's indexes by table; ends with NULL. The caller frees. */
static const Object **list_indexes(const Catalog *catalog)
{
    const Object **indexes = xcalloc(catalog->object_count + 1, sizeof(const Object *));
    size_t count = 0;
    for (size_t i = 0; i < catalog->object_count; i++) {
        if (catalog->objects[i].kind == OBJECT_INDEX)
            indexes[count++] = &catalog->objects[i];
    }
    qsort(indexes, count, sizeof(const Object *), compare_indexes);
    return indexes;
}

/* One table at a time: SQLite reads the whole schema again for every statement that changes it. */
static void try_definitions(sqlite3 *scratch, Objects *objects)
{
    const Catalog *catalog = objects->catalog;
    const Object **indexes = list_indexes(catalog);
    const Object *const *index = indexes;
    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];
        (void)sqlite3_exec(scratch, "begin", NULL, NULL, NULL); /* in memory: cannot fail */
        bool is_made = try_statement(scratch, objects, "table", table->name, table->definition);
        for (; *index && (*index)->table_id == table->id; index++) {
            if (is_made) /* else the table's finding is enough */
                (void)try_statement(scratch, objects, "index", (*index)->name,
                                    (*index)->definition);
        }
        (void)sqlite3_exec(scratch, "rollback", NULL, NULL, NULL); /* likewise */
    }
    free(indexes);
}

static Status check_definitions(Objects *objects, Error *err)
{
    sqlite3 *scratch = NULL;
    int rc =
        sqlite3_open_v2(":memory:", &scratch, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_db_config(scratch, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL); /* as db_open */
        try_definitions(scratch, objects);
    }
    (void)sqlite3_close(scratch); /* holds nothing */
    return rc == SQLITE_OK ? STATUS_OK
                           : db_error(objects->db, rc, "check the schema in memory", err);
}

Status sqlite_describe_objects(Db *db, const Selection *selection, Catalog *catalog,
                               Findings *findings, Error *err)
{
    __attribute__((cleanup(objects_release)))
    Objects objects = {.db = db, .selection = selection, .catalog = catalog, .findings = findings};
    index_owners(&objects);
    TRY(add_indexes(&objects, err));
    TRY(add_views(&objects, err));
    index_owners(&objects); /* with the views: triggers stand on them too */
    TRY(add_triggers(&objects, err));
    TRY(add_settings(&objects, err));
    TRY(add_sequences(&objects, err));
    TRY(add_statistics(&objects, err));
    return check_definitions(&objects, err);
}
