#include "engine/connect/postgres/notes.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"

static void set_list(Json *json, const char *key, const TextList *list)
{
    if (list->count == 0)
        return;
    Json *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_add_string(array, list->items[i]);
    json_set(json, key, array);
}

/* What is false or missing is not written: a schema has many thousand of these. */
static void set_flag(Json *json, const char *key, bool value)
{
    if (value)
        json_set_bool(json, key, true);
}

static void set_string(Json *json, const char *key, const char *value)
{
    if (value)
        json_set_string(json, key, value);
}

/* As one string of numbers: "3 5 9". */
static void set_ids(Json *json, const char *key, const uint32_t *ids, size_t count)
{
    AUTO_TEXT Text text = {0};
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%s%u", i ? " " : "", ids[i]);
    if (count > 0)
        json_set_string(json, key, text_string(&text));
}

static Status get_list(const Json *json, const char *key, TextList *ret, Error *err)
{
    const Json *array = json_get(json, key);
    for (const Json *item = array ? json_at(array, 0) : NULL; item; item = json_next(item)) {
        const char *text = json_string(item);
        if (!text)
            return error_set(err, STATUS_INVALID, "\"%s\" holds something else than strings", key);
        text_list_add(ret, text);
    }
    return STATUS_OK;
}

static Status parse_notes(const char *text, Json **ret, Error *err)
{
    if (!text)
        return error_set(err, STATUS_INVALID, "it has none");
    return json_parse(text, ret, err);
}

char *pg_table_notes_write(const PgTableNotes *notes)
{
    AUTO_FREE(json_free) Json *json = json_object();
    const char kind[] = {notes->kind, '\0'};
    json_set_unsigned(json, "order", notes->order);
    json_set_string(json, "kind", kind);
    set_flag(json, "unlogged", notes->is_unlogged);
    set_flag(json, "partition", notes->is_partition);
    set_flag(json, "children", notes->has_children);
    set_list(json, "leaves", &notes->leaves);
    set_list(json, "facts", &notes->facts);
    set_list(json, "shape", &notes->shape);
    set_list(json, "needs", &notes->needs);
    return json_print(json, false);
}

static Status read_table_notes(const char *text, PgTableNotes *ret, Error *err)
{
    AUTO_FREE(json_free) Json *json = NULL;
    TRY(parse_notes(text, &json, err));
    const char *kind = json_get_string(json, "kind");
    ret->order = (uint32_t)json_get_unsigned(json, "order", 0);
    if (kind)
        ret->kind = *kind;
    ret->is_unlogged = json_get_bool(json, "unlogged", false);
    ret->is_partition = json_get_bool(json, "partition", false);
    ret->has_children = json_get_bool(json, "children", false);
    if (ret->kind != 'r' && ret->kind != 'p')
        return error_set(err, STATUS_INVALID, "there is no such kind of table");
    TRY(get_list(json, "leaves", &ret->leaves, err));
    TRY(get_list(json, "facts", &ret->facts, err));
    TRY(get_list(json, "needs", &ret->needs, err));
    TRY(get_list(json, "shape", &ret->shape, err));
    if (ret->needs.count % NEED_PARTS != 0)
        return error_set(err, STATUS_INVALID, "what it needs is not complete");
    return STATUS_OK;
}

Status pg_table_notes_read(const Table *table, PgTableNotes *ret, Error *err)
{
    AUTO_TABLE_NOTES PgTableNotes notes = {0};
    Status status = read_table_notes(table->private_data, &notes, err);
    if (status < 0) {
        error_prefix(err, "could not read the notes on table \"%s\"", table->name);
        return status;
    }
    *ret = notes;
    notes = (PgTableNotes){0};
    return STATUS_OK;
}

void pg_table_notes_release(PgTableNotes *notes)
{
    text_list_release(&notes->leaves);
    text_list_release(&notes->facts);
    text_list_release(&notes->shape);
    text_list_release(&notes->needs);
    *notes = (PgTableNotes){0};
}

char *pg_object_notes_write(const PgObjectNotes *notes)
{
    AUTO_FREE(json_free) Json *json = json_object();
    json_set_unsigned(json, "order", notes->order);
    json_set_string(json, "type", notes->type);
    set_string(json, "schema", notes->relation_schema);
    set_string(json, "relation", notes->relation_name);
    set_string(json, "column", notes->relation_column);
    set_string(json, "label", notes->label);
    if (notes->other_table_id)
        json_set_unsigned(json, "other", notes->other_table_id);
    set_flag(json, "after_data", notes->after_data);
    set_ids(json, "after", notes->after, notes->after_count);
    set_string(json, "path", notes->path);
    set_list(json, "shape", &notes->shape);
    set_string(json, "extension_version", notes->extension_version);
    set_string(json, "extension_schema", notes->extension_schema);
    if (notes->extension_members.count > 0)
        set_list(json, "members", &notes->extension_members);
    return json_print(json, false);
}

/* The ids of set_ids(); *ret is freed by the caller. */
static Status get_ids(const Json *json, const char *key, uint32_t **ret, size_t *ret_count,
                      Error *err)
{
    const char *at = json_get_string(json, key);
    size_t capacity = 0;
    while (at && *at) {
        char *end = NULL;
        unsigned long id = strtoul(at, &end, 10);
        if (end == at || id < 1 || id > UINT32_MAX || (*end != ' ' && *end != '\0'))
            return error_set(err, STATUS_INVALID, "\"%s\" holds something else than ids", key);
        GROW(*ret, *ret_count, capacity);
        (*ret)[(*ret_count)++] = (uint32_t)id;
        at = *end ? end + 1 : end;
    }
    return STATUS_OK;
}

static Status read_object_notes(const char *text, PgObjectNotes *ret, Error *err)
{
    AUTO_FREE(json_free) Json *json = NULL;
    TRY(parse_notes(text, &json, err));
    if (!json_get_string(json, "type"))
        return error_set(err, STATUS_INVALID, "they name no type");
    ret->order = (uint32_t)json_get_unsigned(json, "order", 0);
    ret->type = xstrdup(json_get_string(json, "type"));
    ret->relation_schema = xstrdup(json_get_string(json, "schema"));
    ret->relation_name = xstrdup(json_get_string(json, "relation"));
    ret->relation_column = xstrdup(json_get_string(json, "column"));
    ret->label = xstrdup(json_get_string(json, "label"));
    ret->other_table_id = (uint32_t)json_get_unsigned(json, "other", 0);
    ret->after_data = json_get_bool(json, "after_data", false);
    ret->path = xstrdup(json_get_string(json, "path"));
    ret->extension_version = xstrdup(json_get_string(json, "extension_version"));
    ret->extension_schema = xstrdup(json_get_string(json, "extension_schema"));
    TRY(get_list(json, "members", &ret->extension_members, err));
    TRY(get_list(json, "shape", &ret->shape, err));
    return get_ids(json, "after", &ret->after, &ret->after_count, err);
}

Status pg_object_notes_read(const Object *object, PgObjectNotes *ret, Error *err)
{
    AUTO_OBJECT_NOTES PgObjectNotes notes = {0};
    Status status = read_object_notes(object->private_data, &notes, err);
    if (status < 0) {
        error_prefix(err, "could not read the notes on %s \"%s\"", object_kind_name(object->kind),
                     object->name);
        return status;
    }
    *ret = notes;
    notes = (PgObjectNotes){0};
    return STATUS_OK;
}

void pg_object_notes_release(PgObjectNotes *notes)
{
    free(notes->type);
    free(notes->relation_schema);
    free(notes->relation_name);
    free(notes->relation_column);
    free(notes->label);
    free(notes->after);
    free(notes->path);
    text_list_release(&notes->shape);
    free(notes->extension_version);
    free(notes->extension_schema);
    text_list_release(&notes->extension_members);
    *notes = (PgObjectNotes){0};
}
