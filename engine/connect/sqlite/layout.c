#include "engine/connect/sqlite/layout.h"

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/flow/names.h"

char *layout_notes(const TableNotes *notes)
{
    AUTO_FREE(json_free) Json *json = json_object();
    json_set_string(json, "rowid", notes->rowid_name);
    json_set_bool(json, "without_rowid", notes->is_without_rowid);
    json_set_bool(json, "strict", notes->is_strict);
    json_set_bool(json, "autoincrement", notes->is_autoincrement);
    Json *key = json_array();
    for (size_t i = 0; i < notes->key_count; i++) {
        Json *part = json_object();
        json_set_string(part, "collation", notes->key[i].collation);
        json_set_bool(part, "descending", notes->key[i].is_descending);
        json_add(key, part);
    }
    json_set(json, "key", key);
    return json_print(json, false);
}

static void add_fields(Layout *layout)
{
    const Table *table = layout->table;
    layout->columns = xcalloc(table->column_count + 1, sizeof(*layout->columns));
    if (layout->carries_rowid)
        layout->columns[layout->field_count++] = LAYOUT_NO_COLUMN;
    for (size_t i = 0; i < table->column_count; i++) {
        if (!table->columns[i].is_generated)
            layout->columns[layout->field_count++] = i;
    }
}

static size_t find_key_field(const Layout *layout, size_t position)
{
    for (size_t field = 0; field < layout->field_count; field++) {
        size_t column = layout->columns[field];
        if (column != LAYOUT_NO_COLUMN && layout->table->columns[column].key_position == position)
            return field;
    }
    return LAYOUT_NO_COLUMN;
}

static void add_key_part(Layout *layout, size_t field, const Json *note)
{
    layout->key[layout->key_count++] = (KeyPart){
        .field = field,
        .is_descending = json_get_bool(note, "descending", false),
        .collation = xstrdup(json_get_string(note, "collation")),
    };
}

/* The key's columns are numbered 1, 2, 3... in the catalog; their order's details are in notes. */
static void add_key(Layout *layout, const Json *notes)
{
    layout->key = xcalloc(layout->field_count + 1, sizeof(*layout->key));
    if (layout->carries_rowid)
        add_key_part(layout, 0, NULL);
    if (layout->table->key != KEY_COLUMNS)
        return;
    for (size_t position = 1; position <= layout->field_count; position++) {
        size_t field = find_key_field(layout, position);
        if (field == LAYOUT_NO_COLUMN)
            return;
        add_key_part(layout, field, json_at(json_get(notes, "key"), position - 1));
    }
}

static Status check(const Layout *layout, Error *err)
{
    const char *wrong = NULL;
    if (layout->table->key == KEY_PHYSICAL)
        wrong = "SQLite has no physical keys";
    else if (layout->field_count == 0)
        wrong = "it has no column to carry";
    else if (layout->carries_rowid && !layout->rowid_name)
        wrong = "its rowid has no name";
    else if (layout->table->key == KEY_COLUMNS && layout->key_count == 0)
        wrong = "its key has no columns";
    if (!wrong)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID, "table \"%s\" is described wrongly: %s",
                     layout->table->name, wrong);
}

Status layout_read(const Table *table, Layout *ret, Error *err)
{
    AUTO_FREE(json_free) Json *notes = NULL;
    TRY(json_parse(table->private_data ? table->private_data : "{}", &notes, err));
    AUTO_LAYOUT Layout layout = {.table = table};
    layout.carries_rowid = table->key == KEY_HIDDEN;
    layout.is_without_rowid = json_get_bool(notes, "without_rowid", false);
    layout.is_strict = json_get_bool(notes, "strict", false);
    layout.is_autoincrement = json_get_bool(notes, "autoincrement", false);
    layout.key_is_rowid =
        layout.carries_rowid || (table->key == KEY_COLUMNS && !layout.is_without_rowid);
    layout.rowid_name = xstrdup(json_get_string(notes, "rowid"));
    add_fields(&layout);
    add_key(&layout, notes);
    TRY(check(&layout, err));
    *ret = layout;
    layout = (Layout){0};
    return STATUS_OK;
}

void layout_release(Layout *layout)
{
    for (size_t i = 0; i < layout->key_count; i++)
        free(layout->key[i].collation);
    free(layout->key);
    free(layout->columns);
    free(layout->rowid_name);
    *layout = (Layout){0};
}

static void append_field(Text *sql, const Layout *layout, size_t field)
{
    size_t column = layout->columns[field];
    if (column == LAYOUT_NO_COLUMN)
        text_append(sql, layout->rowid_name);
    else
        quote_identifier(sql, layout->table->columns[column].name);
}

void layout_append_select(Text *sql, const Layout *layout)
{
    for (size_t field = 0; field < layout->field_count; field++) {
        text_append(sql, field ? ", s." : "s.");
        append_field(sql, layout, field);
    }
}

void layout_append_insert(Text *sql, const Layout *layout)
{
    for (size_t field = 0; field < layout->field_count; field++) {
        text_append(sql, field ? ", " : "");
        append_field(sql, layout, field);
    }
}

void layout_append_key_part(Text *sql, const Layout *layout, size_t part)
{
    text_append(sql, "s.");
    append_field(sql, layout, layout->key[part].field);
    if (!layout->key[part].collation)
        return; /* the bare column: SQLite seeks by row values of bare columns only */
    text_append(sql, " collate ");
    quote_identifier(sql, layout->key[part].collation);
}

void layout_append_order(Text *sql, const Layout *layout, bool reverse)
{
    for (size_t part = 0; part < layout->key_count; part++) {
        text_append(sql, part ? ", " : " order by ");
        layout_append_key_part(sql, layout, part);
        text_append(sql, layout->key[part].is_descending != reverse ? " desc" : "");
    }
}
