#include "engine/connect/postgres/scripts.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/kinds.h"
#include "engine/connect/postgres/notes.h"

/* As pg_dump sets it: every name in its statements is qualified. */
static const char settings[] = "SET statement_timeout = 0;\n"
                               "SET lock_timeout = 0;\n"
                               "SET standard_conforming_strings = on;\n"
                               "SELECT pg_catalog.set_config('search_path', '', false);\n"
                               "SET check_function_bodies = false;\n"
                               "SET xmloption = content;\n"
                               "SET client_min_messages = warning;\n"
                               "SET row_security = off;\n";

/* A statement and its place in the dump. */
typedef struct Item {
    uint32_t order;
    const char *definition; /* borrowed */
} Item;

typedef struct Items {
    Item *items;
    size_t count;
    size_t capacity;
    uint32_t after; /* from this place on it is for when the rows are there */
} Items;

static void items_release(Items *items)
{
    free(items->items);
}

static void add_item(Items *items, uint32_t order, const char *definition)
{
    GROW(items->items, items->count, items->capacity);
    items->items[items->count++] = (Item){.order = order, .definition = definition};
}

static Status add_tables(const Catalog *catalog, Items *items, Error *err)
{
    for (size_t i = 0; i < catalog->table_count; i++) {
        AUTO_TABLE_NOTES PgTableNotes notes = {0};
        TRY(pg_table_notes_read(&catalog->tables[i], &notes, err));
        add_item(items, notes.order, catalog->tables[i].definition);
    }
    return STATUS_OK;
}

static Status add_objects(const Catalog *catalog, Items *items, Error *err)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};
        if (object_kind_is_data(object->kind) || !object->definition)
            continue;
        TRY(pg_object_notes_read(object, &notes, err));
        const EntryKind *kind = entry_kind(notes.type);
        if (kind && kind->is_post_data && notes.order < items->after)
            items->after = notes.order;
        add_item(items, notes.order, object->definition);
    }
    return STATUS_OK;
}

static int compare_items(const void *left, const void *right)
{
    const Item *a = left;
    const Item *b = right;
    return (a->order > b->order) - (a->order < b->order);
}

/* Statements that are run as they are end with their semicolon; others are given one. */
static void append_statement(Text *script, const char *definition)
{
    size_t size = strlen(definition);
    while (size > 0 && strchr(" \t\r\n", definition[size - 1]))
        size--;
    if (size == 0)
        return;
    text_append_bytes(script, definition, size);
    text_append(script, definition[size - 1] == ';' ? "\n\n" : ";\n\n");
}

/* "42 t": see describe_data.c. */
static void append_sequence(Text *script, const Object *object)
{
    AUTO_TEXT Text name = {0};
    const char *blank = strchr(object->definition, ' ');
    if (!blank)
        return;
    pg_quote_name(&name, object->schema, object->name);
    text_append(script, "SELECT pg_catalog.setval(");
    pg_quote_literal(script, text_string(&name));
    text_append_format(script, ", %.*s, %s);\n", (int)(blank - object->definition),
                       object->definition, blank[1] == 't' ? "true" : "false");
}

static void append_data(const Catalog *catalog, SchemaScripts *scripts)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        if (object->kind == OBJECT_SEQUENCE)
            append_sequence(&scripts->after, object);
        if (object->kind == OBJECT_SETTING && strcmp(object->name, "encoding") == 0)
            scripts->encoding = xstrdup(object->definition);
        if (object->kind == OBJECT_SETTING && strcmp(object->name, "server_version") == 0)
            scripts->version = xstrdup(object->definition);
    }
}

static void append_encoding(SchemaScripts *scripts, Text *ret)
{
    if (!scripts->encoding)
        return;
    text_append(ret, "SET client_encoding = ");
    pg_quote_literal(ret, scripts->encoding);
    text_append(ret, ";\n");
}

Status pg_write_scripts(Source *source, const Catalog *catalog, SchemaScripts *ret, Error *err)
{
    (void)source;
    __attribute__((cleanup(items_release))) Items items = {.after = UINT32_MAX};
    AUTO_TEXT Text sequences = {0};
    TRY(add_tables(catalog, &items, err));
    TRY(add_objects(catalog, &items, err));
    if (items.count > 0)
        qsort(items.items, items.count, sizeof(Item), compare_items);
    append_data(catalog, ret);
    sequences = ret->after;
    ret->after = (Text){0};
    text_append(&ret->before, settings);
    text_append(&ret->after, settings);
    append_encoding(ret, &ret->before);
    append_encoding(ret, &ret->after);
    text_append(&ret->after, text_string(&sequences));
    for (size_t i = 0; i < items.count; i++)
        append_statement(items.items[i].order < items.after ? &ret->before : &ret->after,
                         items.items[i].definition);
    return STATUS_OK;
}
