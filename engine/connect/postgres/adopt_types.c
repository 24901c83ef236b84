/*
 * Types of the same name have to be made of the same: bytes that mean one number here and another
 * one there would pass every comparison.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/adopt_parts.h"

void type_table_release(TypeTable *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->items[i].name);
        free(table->items[i].known_as);
        free(table->items[i].made_of);
    }
    free(table->items);
    *table = (TypeTable){0};
}

static Status read_types(const Catalog *catalog, TypeTable *table, Error *err)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};

        if (object->kind != OBJECT_SETTING)
            continue;
        TRY(pg_object_notes_read(object, &notes, err));
        if (strcmp(notes.type, "TYPE") != 0)
            continue;
        GROW(table->items, table->count, table->capacity);
        table->items[table->count++] = (TypeParts){
            .name = xstrdup(object->name),
            .known_as = xstrdup(notes.label != NULL ? notes.label : object->name),
            .made_of = xstrdup(object->definition),
        };
    }
    return STATUS_OK;
}

Status type_table_read(const Catalog *catalog, TypeTable *ret, Error *err)
{
    AUTO_TYPE_TABLE TypeTable table = {0};

    TRY(read_types(catalog, &table, err));
    *ret = table;
    table = (TypeTable){0};
    return STATUS_OK;
}

char *type_table_name(const TypeTable *table, const char *type)
{
    for (size_t i = 0; i < table->count; i++) {
        const TypeParts *parts = &table->items[i];
        size_t size = strlen(parts->name);

        /* behind it: a modifier, or that it is an array */
        if (strncmp(type, parts->name, size) == 0 && strchr("([", type[size]) != NULL)
            return xasprintf("%s%s", parts->known_as, type + size);
    }
    return xstrdup(type);
}

static const TypeParts *find_known(const TypeTable *table, const char *known_as)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->items[i].known_as, known_as) == 0)
            return &table->items[i];
    }
    return NULL;
}

static bool has_label(const Json *labels, const char *label)
{
    for (const Json *item = json_at(labels, 0); item != NULL; item = json_next(item)) {
        const char *found = json_string(item);

        if (found != NULL && strcmp(found, label) == 0)
            return true;
    }
    return false;
}

static void check_labels(const TypeParts *parts, const Json *source, const Json *target,
                         Findings *findings)
{
    AUTO_FREE_MEMORY char *object = xasprintf("type %s", parts->known_as);
    AUTO_TEXT Text missing = {0};

    for (const Json *item = json_at(source, 0); item != NULL; item = json_next(item)) {
        const char *label = json_string(item);

        if (label != NULL && !has_label(target, label))
            text_append_format(&missing, "%s\"%s\"", missing.size > 0 ? ", " : "", label);
    }
    if (missing.size > 0)
        findings_add(
            findings, FINDING_REFUSAL, object, "Add them there with ALTER TYPE ... ADD VALUE.",
            "the target lacks labels of it that the source has: %s", text_string(&missing));
}

static Status check_type(const TypeParts *source, const TypeParts *target, Findings *findings,
                         Error *err)
{
    AUTO_FREE(json_free) Json *from = NULL;
    AUTO_FREE(json_free) Json *to = NULL;

    TRY(json_parse(source->made_of, &from, err));
    TRY(json_parse(target->made_of, &to, err));

    const Json *labels = json_get(from, "enum");
    const Json *own_labels = json_get(to, "enum");

    if (labels != NULL && own_labels != NULL) {
        check_labels(source, labels, own_labels, findings);
        return STATUS_OK;
    }

    AUTO_FREE_MEMORY char *from_text = json_print(from, false);
    AUTO_FREE_MEMORY char *to_text = json_print(to, false);

    if (strcmp(from_text, to_text) != 0) {
        AUTO_FREE_MEMORY char *object = xasprintf("type %s", source->known_as);

        findings_add(findings, FINDING_REFUSAL, object,
                     "Make both the same, or leave out the tables that use it.",
                     "is made of something else in the target than in the source: %s, not %s",
                     to_text, from_text);
    }
    return STATUS_OK;
}

/* What the target does not have at all shows as the type of a column. */
Status adopt_check_types(const TypeTable *source, const TypeTable *target, Findings *findings,
                         Error *err)
{
    for (size_t i = 0; i < source->count; i++) {
        const TypeParts *other = find_known(target, source->items[i].known_as);

        if (other != NULL)
            TRY(check_type(&source->items[i], other, findings, err));
    }
    return STATUS_OK;
}
