/*
 * A swap as text: what the journal and the marker keep of a promotion.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/swap.h"

void swap_release(Swap *swap)
{
    for (size_t i = 0; i < swap->edit_count; i++) {
        free(swap->edits[i].type);
        free(swap->edits[i].from);
        free(swap->edits[i].old_sql);
        free(swap->edits[i].to);
        free(swap->edits[i].table);
        free(swap->edits[i].sql);
        free(swap->edits[i].role);
    }
    free(swap->edits);
    free(swap->by_from);
    schema_release(&swap->removed);
    schema_release(&swap->added);
    *swap = (Swap){0};
}

SwapEdit *swap_add_edit(Swap *swap)
{
    GROW(swap->edits, swap->edit_count, swap->edit_capacity);
    swap->edits[swap->edit_count] = (SwapEdit){0};
    return &swap->edits[swap->edit_count++];
}

static int order_by_from(const void *a, const void *b)
{
    const SwapEdit *edit = *(SwapEdit *const *)a;
    const SwapEdit *other = *(SwapEdit *const *)b;

    return sqlite3_stricmp(edit->from, other->from);
}

void swap_index(Swap *swap)
{
    swap->by_from = xrealloc(swap->by_from, (swap->edit_count + 1) * sizeof(SwapEdit *));
    for (size_t i = 0; i < swap->edit_count; i++)
        swap->by_from[i] = &swap->edits[i];
    qsort(swap->by_from, swap->edit_count, sizeof(SwapEdit *), order_by_from);
    schema_index(&swap->removed);
    schema_index(&swap->added);
}

static int compare_from(const void *key, const void *item)
{
    const SwapEdit *edit = *(SwapEdit *const *)item;

    return sqlite3_stricmp(key, edit->from);
}

const SwapEdit *swap_find(const Swap *swap, const char *from)
{
    SwapEdit **found =
        bsearch(from, swap->by_from, swap->edit_count, sizeof(SwapEdit *), compare_from);

    return found != NULL ? *found : NULL;
}

bool swap_removes(const Swap *swap, const SchemaRow *row)
{
    if (row_is(row, "trigger"))
        return schema_find_trigger(&swap->removed, row->name) != NULL;
    return row_is(row, "view") && schema_find(&swap->removed, row->name) != NULL;
}

/* JSON holds characters, a schema may hold any bytes: what is not ASCII is kept as hex. */
static void put_bytes(Json *object, const char *key, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x80)
            continue;

        AUTO_FREE_MEMORY char *hex = xmalloc(2 * size + 1);
        Json *value = json_object();

        hex_encode(text, size, hex);
        json_set_string(value, "hex", hex);
        json_set(object, key, value);
        return;
    }
    json_set_string(object, key, text);
}

static Status refuse_text(Error *err)
{
    return error_set(err, STATUS_INVALID, "the recorded promotion is damaged");
}

static Status get_bytes(const Json *object, const char *key, char **ret, Error *err)
{
    const char *plain = json_get_string(object, key);
    const char *hex = json_get_string(json_get(object, key), "hex");

    if (plain == NULL && hex == NULL)
        return refuse_text(err);
    if (plain != NULL) {
        *ret = xstrdup(plain);
        return STATUS_OK;
    }

    size_t size = strlen(hex) / 2;
    AUTO_FREE_MEMORY char *text = xcalloc(size + 1, 1);

    if (!hex_decode(hex, (uint8_t *)text, size))
        return refuse_text(err);
    *ret = TAKE(text);
    return STATUS_OK;
}

/* One line of the text; takes the object. */
static void append_line(Text *text, const char *what, Json *object)
{
    AUTO_FREE(json_free) Json *line = object;

    json_set_string(line, "what", what);

    AUTO_FREE_MEMORY char *printed = json_print(line, false);

    text_append(text, printed);
    text_append(text, "\n");
}

static void append_edit(Text *text, const SwapEdit *edit)
{
    Json *object = json_object();

    json_set_string(object, "type", edit->type);
    json_set_string(object, "role", edit->role);
    put_bytes(object, "from", edit->from);
    put_bytes(object, "old_sql", edit->old_sql);
    put_bytes(object, "to", edit->to);
    put_bytes(object, "table", edit->table);
    put_bytes(object, "sql", edit->sql);
    append_line(text, "edit", object);
}

static void append_rows(Text *text, const char *what, const Schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        Json *object = json_object();

        json_set_string(object, "type", schema->rows[i].type);
        put_bytes(object, "name", schema->rows[i].name);
        put_bytes(object, "table", schema->rows[i].table);
        put_bytes(object, "sql", schema->rows[i].sql);
        append_line(text, what, object);
    }
}

/* A JSON document on each line: with ten thousand tables one document of all would take many times
 * the memory of its text. */
char *swap_print(const Swap *swap)
{
    AUTO_TEXT Text text = {0};

    for (size_t i = 0; i < swap->edit_count; i++)
        append_edit(&text, &swap->edits[i]);
    append_rows(&text, "removed", &swap->removed);
    append_rows(&text, "added", &swap->added);
    if (swap->has_settings) {
        Json *object = json_object();

        json_set_integer(object, "user_version", swap->user_version);
        json_set_integer(object, "application_id", swap->application_id);
        append_line(&text, "settings", object);
    }
    append_line(&text, "end", json_object());
    return text_take(&text);
}

static Status parse_edit(const Json *object, Swap *swap, Error *err)
{
    SwapEdit *edit = swap_add_edit(swap);

    TRY(get_bytes(object, "type", &edit->type, err));
    TRY(get_bytes(object, "role", &edit->role, err));
    TRY(get_bytes(object, "from", &edit->from, err));
    TRY(get_bytes(object, "old_sql", &edit->old_sql, err));
    TRY(get_bytes(object, "to", &edit->to, err));
    TRY(get_bytes(object, "table", &edit->table, err));
    return get_bytes(object, "sql", &edit->sql, err);
}

static Status parse_row(const Json *object, Schema *ret, Error *err)
{
    AUTO_FREE_MEMORY char *type = NULL;
    AUTO_FREE_MEMORY char *name = NULL;
    AUTO_FREE_MEMORY char *table = NULL;
    AUTO_FREE_MEMORY char *sql = NULL;

    TRY(get_bytes(object, "type", &type, err));
    TRY(get_bytes(object, "name", &name, err));
    TRY(get_bytes(object, "table", &table, err));
    TRY(get_bytes(object, "sql", &sql, err));
    (void)schema_add(ret, &(SchemaRow){.type = type, .name = name, .table = table, .sql = sql});
    return STATUS_OK;
}

/* STATUS_DONE at the line that says that nothing is missing. */
static Status parse_line(const char *line, Swap *swap, Error *err)
{
    AUTO_FREE(json_free) Json *json = NULL;

    TRY(json_parse(line, &json, err));

    const char *what = json_get_string(json, "what");

    if (what == NULL)
        return refuse_text(err);
    if (strcmp(what, "end") == 0)
        return STATUS_DONE;
    if (strcmp(what, "edit") == 0)
        return parse_edit(json, swap, err);
    if (strcmp(what, "removed") == 0)
        return parse_row(json, &swap->removed, err);
    if (strcmp(what, "added") == 0)
        return parse_row(json, &swap->added, err);
    if (strcmp(what, "settings") != 0)
        return refuse_text(err);
    swap->has_settings = true;
    swap->user_version = json_get_integer(json, "user_version", 0);
    swap->application_id = json_get_integer(json, "application_id", 0);
    return STATUS_OK;
}

Status swap_parse(const char *text, Swap *ret, Error *err)
{
    AUTO_SWAP Swap swap = {0};
    Status status = STATUS_OK;

    for (const char *at = text != NULL ? text : ""; status == STATUS_OK;) {
        size_t length = strcspn(at, "\n");

        if (length == 0 || at[length] == '\0')
            return refuse_text(err); /* cut off before its end */

        AUTO_FREE_MEMORY char *line = xstrndup(at, length);

        status = parse_line(line, &swap, err);
        TRY(status);
        at += length + 1;
    }
    swap_index(&swap);
    *ret = swap;
    swap = (Swap){0};
    return STATUS_OK;
}
