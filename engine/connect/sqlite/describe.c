/*
 * The tables of a catalog: which there are, which of them are carried, and how their rows are
 * addressed. Everything that is not carried leaves a finding.
 */
#include "engine/connect/sqlite/describe.h"

#include <string.h>
#include <sys/stat.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/layout.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/flow/names.h"

enum {
    SMALLEST_ROW_BYTES = 8, /* no more rows than this fit a file, whatever the rowids say */
};

/* One line of pragma table_list. */
typedef struct Listed {
    char *name;
    enum { LISTED_TABLE, LISTED_VIRTUAL, LISTED_SHADOW } kind;
    bool is_without_rowid;
    bool is_strict;
    char *definition;
} Listed;

typedef struct Listing {
    Listed *items;
    size_t count;
    size_t capacity;
    bool has_control_tables; /* ours: this file was, or is, a target */
} Listing;

/* The statements asked once per table, prepared once. */
typedef struct Describer {
    Db *db;
    const Selection *selection;
    Catalog *catalog;
    Findings *findings;
    DbStatement *columns;
    DbStatement *key_parts;
    DbStatement *parents;
    uint64_t file_bytes;
} Describer;

static void listing_release(Listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->items[i].name);
        free(listing->items[i].definition);
    }
    free(listing->items);
}

static void describer_release(Describer *describer)
{
    db_finalize(describer->columns);
    db_finalize(describer->key_parts);
    db_finalize(describer->parents);
}

bool selection_is_partial(const Selection *selection)
{
    return selection->include.count || selection->exclude.count || selection->schemas.count;
}

bool selection_names_tables(const Selection *selection)
{
    return selection->include.count || selection->schemas.count;
}

static void add_listed(Listing *listing, DbStatement *statement)
{
    const char *type = db_column_text(statement, 1);
    GROW(listing->items, listing->count, listing->capacity);
    Listed *listed = &listing->items[listing->count++];
    *listed = (Listed){
        .name = xstrdup(db_column_text(statement, 0)),
        .kind = LISTED_TABLE,
        .is_without_rowid = sqlite3_column_int(statement, 2) != 0,
        .is_strict = sqlite3_column_int(statement, 3) != 0,
        .definition = xstrdup(db_column_text(statement, 4)),
    };
    if (strcmp(type, "virtual") == 0)
        listed->kind = LISTED_VIRTUAL;
    if (strcmp(type, "shadow") == 0)
        listed->kind = LISTED_SHADOW;
    if (sqlite3_stricmp(listed->name, "stopover_run") == 0)
        listing->has_control_tables = true;
}

static Status list_tables(Db *db, Listing *ret, Error *err)
{
    static const char sql[] =
        "select l.name, l.type, l.wr, l.strict, m.sql"
        " from pragma_table_list as l join sqlite_schema as m on m.type = 'table' and m.name = "
        "l.name"
        " where l.schema = 'main' and l.name not like 'sqlite\\_%' escape '\\'"
        " order by l.name collate binary";
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;
    TRY(db_prepare(db, sql, &statement, "list the tables", err));
    for (;;) {
        Status status = db_step(db, statement, "list the tables", err);
        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        add_listed(ret, statement);
    }
}

/* Patterns are checked against all there is, carried or not. */
static Status check_selection(const Selection *selection, const Listing *listing, Error *err)
{
    AUTO_CATALOG Catalog all = {0};
    for (size_t i = 0; i < listing->count; i++)
        catalog_add_table(&all)->name = xstrdup(listing->items[i].name);
    return selection_check(selection, &all, err);
}

/* The virtual table whose content a shadow table keeps: the longest NAME with NAME_x = shadow. */
static const Listed *find_owner(const Listing *listing, const char *shadow)
{
    const Listed *owner = NULL;
    size_t owner_size = 0;
    for (size_t i = 0; i < listing->count; i++) {
        const Listed *listed = &listing->items[i];
        size_t size = strlen(listed->name);
        if (listed->kind == LISTED_VIRTUAL && size > owner_size && shadow[0] &&
            sqlite3_strnicmp(listed->name, shadow, (int)size) == 0 && shadow[size] == '_') {
            owner = listed;
            owner_size = size;
        }
    }
    return owner;
}

static void note(Findings *findings, Severity severity, const char *name, const char *remedy,
                 const char *message)
{
    AUTO_FREE_MEMORY char *object = xasprintf("table %s", name);
    findings_add(findings, severity, object, remedy, "%s", message);
}

static bool is_excluded(const Selection *selection, const char *name)
{
    const Selection only_excluding = {.exclude = selection->exclude};
    return !selection_has(&only_excluding, NULL, name);
}

static void find_virtual(Describer *describer, const Listed *listed)
{
    if (selection_has(describer->selection, NULL, listed->name))
        note(describer->findings, FINDING_REFUSAL, listed->name,
             "Leave it out with --exclude-table and make it again in the target afterwards.",
             "virtual tables cannot be carried");
    else
        note(describer->findings, FINDING_NOTE, listed->name, NULL,
             "left out as asked, with the shadow tables that belong to it");
}

static void find_shadow(Describer *describer, const Listing *listing, const Listed *listed)
{
    const Selection *selection = describer->selection;
    const Listed *owner = find_owner(listing, listed->name);
    bool goes_with_owner = owner && (is_excluded(selection, owner->name) ||
                                     selection_has(selection, NULL, owner->name));
    if (!goes_with_owner && selection_has(selection, NULL, listed->name))
        note(describer->findings, FINDING_REFUSAL, listed->name,
             "Leave it out with --exclude-table: it is made again with its virtual table.",
             "it is the inner storage of a virtual table, which cannot be carried");
}

/* Is this one carried? Else a finding has been left where one is due. */
static bool is_carried(Describer *describer, const Listing *listing, const Listed *listed)
{
    switch (listed->kind) {
    case LISTED_VIRTUAL:
        find_virtual(describer, listed);
        return false;
    case LISTED_SHADOW:
        find_shadow(describer, listing, listed);
        return false;
    case LISTED_TABLE:
        break;
    }
    bool is_ours = listing->has_control_tables &&
                   (ledger_is_control_table(listed->name) || name_is_ours(listed->name));
    if (is_ours)
        note(describer->findings, FINDING_NOTE, listed->name, NULL,
             "left out: it belongs to a migration into this file");
    return !is_ours && selection_has(describer->selection, NULL, listed->name);
}

static Status bind_name(Describer *describer, DbStatement *statement, const char *name, Error *err)
{
    (void)sqlite3_reset(statement); /* repeats an error that was reported at its step */
    const Value value = {.type = VALUE_TEXT, .data = (const uint8_t *)name, .size = strlen(name)};
    return db_bind_value(describer->db, statement, 1, &value, err);
}

static void refuse_bad_name(Describer *describer, const char *what, const char *name)
{
    Error bad = {0};
    if (name_check(what, name, &bad) == STATUS_OK)
        return;
    findings_add(describer->findings, FINDING_REFUSAL, NULL,
                 "Rename it in the source, or leave its table out with --exclude-table.", "%s",
                 bad.message);
}

static Status add_columns(Describer *describer, Table *table, Error *err)
{
    TRY(bind_name(describer, describer->columns, table->name, err));
    for (;;) {
        Status status = db_step(describer->db, describer->columns, "list columns", err);
        TRY(status);
        if (status == STATUS_DONE)
            break;
        const char *type = db_column_text(describer->columns, 1);
        Column *column = table_add_column(table);
        column->name = xstrdup(db_column_text(describer->columns, 0));
        column->type = xstrdup(type ? type : "");
        column->is_generated = sqlite3_column_int(describer->columns, 2) >= 2;
        column->key_position = (unsigned)sqlite3_column_int(describer->columns, 3);
        refuse_bad_name(describer, "column", column->name);
    }
    (void)sqlite3_reset(describer->columns); /* at its end: nothing to report */
    return STATUS_OK;
}

static const char *find_rowid_name(const Table *table)
{
    static const char *const names[] = {"rowid", "oid", "_rowid_"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        bool is_taken = false;
        for (size_t j = 0; j < table->column_count; j++)
            is_taken = is_taken || sqlite3_stricmp(table->columns[j].name, names[i]) == 0;
        if (!is_taken)
            return names[i];
    }
    return NULL;
}

static void forget_key_columns(Table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        table->columns[i].key_position = 0;
}

static Column *find_key_column(Table *table, unsigned position)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].key_position == position)
            return &table->columns[i];
    }
    return NULL;
}

typedef struct KeyNotes {
    KeyPartNotes *parts;
    size_t count;
    size_t capacity;
    bool matches; /* the index has exactly the columns of the key, each once and in order */
} KeyNotes;

static void key_notes_release(KeyNotes *key)
{
    for (size_t i = 0; i < key->count; i++)
        free(key->parts[i].collation);
    free(key->parts);
}

static bool is_own_collation(const Db *db, const Table *table, int column, const char *collation)
{
    const char *own = NULL;
    if (column < 0 || (size_t)column >= table->column_count)
        return false;
    int rc = sqlite3_table_column_metadata(
        db->handle, "main", table->name, table->columns[column].name, NULL, &own, NULL, NULL, NULL);
    return rc == SQLITE_OK && own && sqlite3_stricmp(own, collation) == 0;
}

static void add_key_part(Describer *describer, const Table *table, KeyNotes *key)
{
    int column = sqlite3_column_int(describer->key_parts, 0);
    bool is_descending = sqlite3_column_int(describer->key_parts, 1) != 0;
    const char *collation = db_column_text(describer->key_parts, 2);
    bool is_own = !collation || is_own_collation(describer->db, table, column, collation);
    GROW(key->parts, key->count, key->capacity);
    key->parts[key->count++] = (KeyPartNotes){.collation = is_own ? NULL : xstrdup(collation),
                                              .is_descending = is_descending};
    key->matches = key->matches && column >= 0 && (size_t)column < table->column_count &&
                   table->columns[column].key_position == key->count;
}

/* The index that keeps the primary key: none when that is the rowid itself. */
static Status read_key(Describer *describer, const Table *table, KeyNotes *ret, Error *err)
{
    TRY(bind_name(describer, describer->key_parts, table->name, err));
    ret->matches = true;
    for (;;) {
        Status status = db_step(describer->db, describer->key_parts, "read a primary key", err);
        TRY(status);
        if (status == STATUS_DONE)
            break;
        add_key_part(describer, table, ret);
    }
    (void)sqlite3_reset(describer->key_parts); /* at its end: nothing to report */
    return STATUS_OK;
}

static bool reads_autoincrement(const Db *db, const Table *table, const Column *column)
{
    int is_autoincrement = 0;
    int rc = sqlite3_table_column_metadata(db->handle, "main", table->name, column->name, NULL,
                                           NULL, NULL, NULL, &is_autoincrement);
    return rc == SQLITE_OK && is_autoincrement;
}

/* Sets table->key and its notes by the rule at the top of layout.h. */
static Status set_key(Describer *describer, const Listed *listed, Table *table, Error *err)
{
    __attribute__((cleanup(key_notes_release))) KeyNotes key = {0};
    TRY(read_key(describer, table, &key, err));
    TableNotes notes = {.is_without_rowid = listed->is_without_rowid,
                        .is_strict = listed->is_strict};
    Column *first = find_key_column(table, 1);
    if (listed->is_without_rowid) {
        /* (a, a collate nocase) orders by one column twice: such a key is not worth a rule. */
        table->key = key.matches && key.count > 0 ? KEY_COLUMNS : KEY_NONE;
        notes.key = key.parts;
        notes.key_count = key.count;
    } else {
        bool is_rowid_alias = first && key.count == 0;
        notes.rowid_name = find_rowid_name(table);
        notes.is_autoincrement = is_rowid_alias && reads_autoincrement(describer->db, table, first);
        table->key = is_rowid_alias ? KEY_COLUMNS : notes.rowid_name ? KEY_HIDDEN : KEY_NONE;
    }
    if (table->key != KEY_COLUMNS) {
        forget_key_columns(table);
        notes.key_count = 0;
    }
    table->private_data = layout_notes(&notes);
    return STATUS_OK;
}

/* Cheap: two looks at the ends of the tree. Gaps make it too high; planning counts. */
static Status estimate_rows(Describer *describer, Table *table, Error *err)
{
    AUTO_LAYOUT Layout layout = {0};
    TRY(layout_read(table, &layout, err));
    if (!layout.key_is_rowid)
        return STATUS_OK;
    AUTO_TEXT Text sql = {0};
    AUTO_TEXT Text key = {0};
    AUTO_TEXT Text from = {0};
    layout_append_key_part(&key, &layout, 0);
    text_append(&from, " from ");
    quote_identifier(&from, table->name);
    text_append_format(&sql,
                       "select min(1 + (select max(%s)%s as s) - (select min(%s)%s as s), %llu)",
                       text_string(&key), text_string(&from), text_string(&key), text_string(&from),
                       (unsigned long long)(describer->file_bytes / SMALLEST_ROW_BYTES));
    int64_t rows = 0;
    TRY(db_integer(describer->db, text_string(&sql), 0, &rows, "look at the ends of a table", err));
    table->row_estimate = rows > 0 ? (uint64_t)rows : 0;
    return STATUS_OK;
}

static Status note_parents(Describer *describer, const Table *table, Error *err)
{
    if (!selection_is_partial(describer->selection))
        return STATUS_OK;
    TRY(bind_name(describer, describer->parents, table->name, err));
    for (;;) {
        Status status = db_step(describer->db, describer->parents, "list foreign keys", err);
        TRY(status);
        if (status == STATUS_DONE)
            break;
        const char *parent = db_column_text(describer->parents, 0);
        if (selection_has(describer->selection, NULL, parent))
            continue;
        AUTO_FREE_MEMORY char *object = xasprintf("table %s", table->name);
        findings_add(describer->findings, FINDING_NOTE, object, NULL,
                     "it references table \"%s\", which is not selected: the target's own table of "
                     "that name will be meant",
                     parent);
    }
    (void)sqlite3_reset(describer->parents); /* at its end: nothing to report */
    return STATUS_OK;
}

static Status add_table(Describer *describer, const Listed *listed, Error *err)
{
    Table *table = catalog_add_table(describer->catalog);
    table->name = xstrdup(listed->name);
    table->definition = xstrdup(listed->definition);
    table->format = ROW_TAGGED;
    refuse_bad_name(describer, "table", table->name);
    TRY(add_columns(describer, table, err));
    TRY(set_key(describer, listed, table, err));
    TRY(estimate_rows(describer, table, err));
    return note_parents(describer, table, err);
}

/* The file's bytes, shared out by rows: good enough for a first look at what is big. */
static void estimate_bytes(Describer *describer)
{
    Catalog *catalog = describer->catalog;
    double rows = 0;
    for (size_t i = 0; i < catalog->table_count; i++)
        rows += (double)catalog->tables[i].row_estimate;
    for (size_t i = 0; i < catalog->table_count && rows > 0; i++) {
        Table *table = &catalog->tables[i];
        double share = (double)table->row_estimate / rows;
        table->byte_estimate = (uint64_t)(share * (double)describer->file_bytes);
    }
}

static Status prepare(Describer *describer, Error *err)
{
    Db *db = describer->db;
    TRY(db_prepare(db,
                   "select name, type, hidden, pk from pragma_table_xinfo(?1, 'main') order by cid",
                   &describer->columns, "list columns", err));
    TRY(db_prepare(db,
                   "select x.cid, x.\"desc\", x.coll from pragma_index_list(?1, 'main') as l,"
                   " pragma_index_xinfo(l.name, 'main') as x"
                   " where l.origin = 'pk' and x.key order by x.seqno",
                   &describer->key_parts, "read a primary key", err));
    TRY(db_prepare(db,
                   "select distinct \"table\" from pragma_foreign_key_list(?1, 'main') order by 1",
                   &describer->parents, "list foreign keys", err));
    struct stat info;
    if (stat(db->path, &info) == 0 && info.st_size > 0)
        describer->file_bytes = (uint64_t)info.st_size;
    return STATUS_OK;
}

static Status add_tables(Describer *describer, const Listing *listing, Error *err)
{
    for (size_t i = 0; i < listing->count; i++) {
        if (is_carried(describer, listing, &listing->items[i]))
            TRY(add_table(describer, &listing->items[i], err));
    }
    estimate_bytes(describer);
    return STATUS_OK;
}

static Status note_journal_mode(Db *db, Findings *findings, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;
    TRY(db_prepare(db, "pragma journal_mode", &statement, "read the journal mode", err));
    TRY(db_step(db, statement, "read the journal mode", err));
    const char *mode = db_column_text(statement, 0);
    if (mode && strcmp(mode, "wal") != 0)
        findings_add(
            findings, FINDING_NOTE, NULL,
            "To let them go on, switch the source to WAL with `pragma journal_mode = wal`.",
            "programs that write to the source will wait while it is copied: its journal "
            "mode is %s",
            mode);
    return STATUS_OK;
}

Status sqlite_describe(Db *db, const Selection *selection, Catalog *ret, Findings *findings,
                       Error *err)
{
    __attribute__((cleanup(listing_release))) Listing listing = {0};
    TRY(list_tables(db, &listing, err));
    TRY(check_selection(selection, &listing, err));

    AUTO_CATALOG Catalog catalog = {0};
    __attribute__((cleanup(describer_release))) Describer describer = {
        .db = db, .selection = selection, .catalog = &catalog, .findings = findings};
    TRY(prepare(&describer, err));
    TRY(add_tables(&describer, &listing, err));
    TRY(sqlite_describe_objects(db, selection, &catalog, findings, err));
    TRY(note_journal_mode(db, findings, err));
    catalog_seal(&catalog);
    *ret = catalog;
    catalog = (Catalog){0};
    return STATUS_OK;
}
