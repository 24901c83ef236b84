#include "engine/flow/catalog.h"

#include <assert.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/sha256.h"
#include "engine/flow/big_endian.h"

const char *object_kind_name(ObjectKind kind)
{
    switch (kind) {
    case OBJECT_INDEX:
        return "index";
    case OBJECT_CONSTRAINT:
        return "constraint";
    case OBJECT_FOREIGN_KEY:
        return "foreign key";
    case OBJECT_VIEW:
        return "view";
    case OBJECT_TRIGGER:
        return "trigger";
    case OBJECT_SEQUENCE:
        return "sequence";
    case OBJECT_STATISTICS:
        return "statistics";
    case OBJECT_SETTING:
        return "setting";
    case OBJECT_OTHER:
        return "other";
    }
    return "unknown";
}

bool object_kind_is_data(ObjectKind kind)
{
    return kind == OBJECT_SEQUENCE || kind == OBJECT_STATISTICS || kind == OBJECT_SETTING;
}

static void release_table(Table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        free(table->columns[i].name);
        free(table->columns[i].type);
    }
    free(table->columns);
    free(table->schema);
    free(table->name);
    free(table->staged_name);
    free(table->definition);
    free(table->private_data);
}

void catalog_release(Catalog *catalog)
{
    for (size_t i = 0; i < catalog->table_count; i++)
        release_table(&catalog->tables[i]);
    for (size_t i = 0; i < catalog->object_count; i++) {
        free(catalog->objects[i].schema);
        free(catalog->objects[i].name);
        free(catalog->objects[i].definition);
        free(catalog->objects[i].private_data);
    }
    free(catalog->tables);
    free(catalog->objects);
    free(catalog->by_name);
    *catalog = (Catalog){0};
}

static void forget_order(Catalog *catalog)
{
    free(catalog->by_name);
    catalog->by_name = NULL;
}

Table *catalog_add_table(Catalog *catalog)
{
    Table *table;

    assert(catalog->table_count < UINT32_MAX);
    forget_order(catalog);
    GROW(catalog->tables, catalog->table_count, catalog->table_capacity);
    table = &catalog->tables[catalog->table_count++];
    *table = (Table){.id = (uint32_t)catalog->table_count};
    return table;
}

Object *catalog_add_object(Catalog *catalog)
{
    Object *object;

    assert(catalog->object_count < UINT32_MAX);
    GROW(catalog->objects, catalog->object_count, catalog->object_capacity);
    object = &catalog->objects[catalog->object_count++];
    *object = (Object){.id = (uint32_t)catalog->object_count};
    return object;
}

Column *table_add_column(Table *table)
{
    /* No capacity is kept: tables have few columns, and the allocator doubles for us. */
    table->columns = xrealloc(table->columns, (table->column_count + 1) * sizeof(*table->columns));
    table->columns[table->column_count] = (Column){0};
    return &table->columns[table->column_count++];
}

/* Fields are written with their lengths, so that no two catalogs give the same bytes. */
static void add_number(Text *text, uint64_t number)
{
    uint8_t raw[sizeof(number)];

    store_be64(raw, number);
    text_append_bytes(text, raw, sizeof(raw));
}

static void add_string(Text *text, const char *string)
{
    if (string == NULL) {
        add_number(text, UINT64_MAX); /* no string has this length: NULL is not "" */
        return;
    }
    add_number(text, strlen(string));
    text_append(text, string);
}

static void seal_table(Table *table, Text *scratch)
{
    text_clear(scratch);
    add_string(scratch, "table 1"); /* the version of this encoding */
    add_string(scratch, table->schema);
    add_string(scratch, table->name);
    add_number(scratch, (uint64_t)table->key);
    add_number(scratch, (uint64_t)table->format);
    add_string(scratch, table->definition);
    add_number(scratch, table->column_count);
    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];

        add_string(scratch, column->name);
        add_string(scratch, column->type);
        add_number(scratch, column->is_generated);
        add_number(scratch, column->key_position);
    }
    sha256_hex(scratch->data, scratch->size, table->fingerprint);
}

static void add_structure(Text *text, const Catalog *catalog)
{
    add_string(text, "catalog 1");
    add_number(text, catalog->table_count);
    for (size_t i = 0; i < catalog->table_count; i++)
        add_string(text, catalog->tables[i].fingerprint);
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object_kind_is_data(object->kind))
            continue;
        add_number(text, (uint64_t)object->kind);
        add_number(text, object->table_id);
        add_string(text, object->schema);
        add_string(text, object->name);
        add_string(text, object->definition);
    }
}

/* By schema, NULL first, then by name. */
static int compare_names(const char *schema, const char *name, const Table *table)
{
    int order = 0;

    if (schema != NULL && table->schema != NULL)
        order = strcmp(schema, table->schema);
    else if (schema != NULL || table->schema != NULL)
        order = schema == NULL ? -1 : 1;
    return order == 0 ? strcmp(name, table->name) : order;
}

static int compare_ids_by_name(const void *left, const void *right, void *context)
{
    const Catalog *catalog = context;
    const Table *a = catalog_table(catalog, *(const uint32_t *)left);

    return compare_names(a->schema, a->name, catalog_table(catalog, *(const uint32_t *)right));
}

static void order_by_name(Catalog *catalog)
{
    forget_order(catalog);
    if (catalog->table_count == 0)
        return;
    catalog->by_name = xcalloc(catalog->table_count, sizeof(*catalog->by_name));
    for (size_t i = 0; i < catalog->table_count; i++)
        catalog->by_name[i] = (uint32_t)i + 1;
    qsort_r(catalog->by_name, catalog->table_count, sizeof(*catalog->by_name), compare_ids_by_name,
            catalog);
}

void catalog_seal(Catalog *catalog)
{
    AUTO_TEXT Text text = {0};

    for (size_t i = 0; i < catalog->table_count; i++)
        seal_table(&catalog->tables[i], &text);
    text_clear(&text);
    add_structure(&text, catalog);
    sha256_hex(text.data, text.size, catalog->fingerprint);
    order_by_name(catalog);
}

Table *catalog_table(const Catalog *catalog, uint32_t id)
{
    assert(id >= 1 && id <= catalog->table_count);
    assert(catalog->tables[id - 1].id == id);
    return &catalog->tables[id - 1];
}

static const Table *search_in_order(const Catalog *catalog, const char *schema, const char *name)
{
    size_t low = 0;
    size_t high = catalog->table_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const Table *table = catalog_table(catalog, catalog->by_name[middle]);
        int order = compare_names(schema, name, table);

        if (order == 0)
            return table;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const Table *catalog_find_table(const Catalog *catalog, const char *schema, const char *name)
{
    if (catalog->by_name != NULL)
        return search_in_order(catalog, schema, name);
    for (size_t i = 0; i < catalog->table_count; i++) {
        if (compare_names(schema, name, &catalog->tables[i]) == 0)
            return &catalog->tables[i];
    }
    return NULL;
}

char *table_display_name(const Table *table)
{
    return table->schema == NULL ? xstrdup(table->name)
                                 : xasprintf("%s.%s", table->schema, table->name);
}
