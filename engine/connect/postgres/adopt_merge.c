/*
 * One catalog out of two: the target's entries, whose ids and notes fit together as they are, with the
 * source's way of reading rows.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/adopt_parts.h"

/* ---- tables ---- */

static const Column *find_column(const Table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    }
    return NULL;
}

static void columns_release(Table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        free(table->columns[i].name);
        free(table->columns[i].type);
    }
    free(table->columns);
    table->columns = NULL;
    table->column_count = 0;
}

/* Those of the source that the target takes; types in the target's words, which it knows. A key is
 * one only as a whole. */
static void merge_columns(const Table *source, Table *target)
{
    Table merged = {0};
    bool has_key = true;

    for (size_t i = 0; i < source->column_count; i++) {
        const Column *own = find_column(target, source->columns[i].name);

        has_key = has_key &&
                  (source->columns[i].key_position == 0 || (own != NULL && !own->is_generated));
        if (own == NULL)
            continue;

        Column *column = table_add_column(&merged);

        column->name = xstrdup(own->name);
        column->type = xstrdup(own->type);
        column->is_generated = own->is_generated || source->columns[i].is_generated;
        column->key_position = source->columns[i].key_position;
    }
    for (size_t i = 0; i < merged.column_count && !has_key; i++)
        merged.columns[i].key_position = 0;
    columns_release(target);
    target->columns = merged.columns;
    target->column_count = merged.column_count;
}

static Status merge_notes(const Table *source, Table *target, Error *err)
{
    AUTO_TABLE_NOTES PgTableNotes read = {0};
    AUTO_TABLE_NOTES PgTableNotes notes = {0};

    TRY(pg_table_notes_read(source, &read, err));
    TRY(pg_table_notes_read(target, &notes, err));
    text_list_release(&notes.leaves);
    notes.leaves = read.leaves;
    read.leaves = (TextList){0};
    free(target->private_data);
    target->private_data = pg_table_notes_write(&notes);
    return STATUS_OK;
}

static Status merge_table(const Catalog *source, Table *target, Error *err)
{
    const Table *from = catalog_find_table(source, target->schema, target->name);

    if (from == NULL)
        return error_set(err, STATUS_FAILED, "table %s.%s is not among the source's",
                         target->schema, target->name);
    merge_columns(from, target);
    target->key = from->key;
    /* Binary only where both sides know the types to be the same in every database. */
    if (from->format != target->format)
        target->format = ROW_PG_TEXT;
    target->row_estimate = from->row_estimate;
    target->byte_estimate = from->byte_estimate;
    return merge_notes(from, target, err);
}

/* ---- what follows the data ---- */

/* A sequence with the column that it belongs to. */
typedef struct Owned {
    const Object *object;
    PgObjectNotes notes;
    bool is_matched;
} Owned;

typedef struct OwnedList {
    Owned *items;
    size_t count;
    size_t capacity;
} OwnedList;

static void owned_list_release(OwnedList *list)
{
    for (size_t i = 0; i < list->count; i++)
        pg_object_notes_release(&list->items[i].notes);
    free(list->items);
}
#define AUTO_OWNED_LIST __attribute__((cleanup(owned_list_release)))

static Status list_owned(const Object *objects, size_t count, OwnedList *ret, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};

        if (objects[i].kind != OBJECT_SEQUENCE)
            continue;
        TRY(pg_object_notes_read(&objects[i], &notes, err));
        if (notes.relation_schema == NULL || notes.relation_name == NULL ||
            notes.relation_column == NULL)
            continue;
        GROW(ret->items, ret->count, ret->capacity);
        ret->items[ret->count++] = (Owned){.object = &objects[i], .notes = notes};
        notes = (PgObjectNotes){0};
    }
    return STATUS_OK;
}

static Owned *find_owned(const OwnedList *list, const PgObjectNotes *notes)
{
    for (size_t i = 0; i < list->count; i++) {
        const PgObjectNotes *other = &list->items[i].notes;

        if (strcmp(other->relation_column, notes->relation_column) == 0 &&
            strcmp(other->relation_name, notes->relation_name) == 0 &&
            strcmp(other->relation_schema, notes->relation_schema) == 0)
            return &list->items[i];
    }
    return NULL;
}

static void copy_object(Catalog *catalog, const Object *from, const char *definition)
{
    Object *object = catalog_add_object(catalog);

    object->kind = from->kind;
    object->schema = xstrdup(from->schema);
    object->name = xstrdup(from->name);
    object->table_id = from->table_id;
    object->definition = xstrdup(definition);
    object->private_data = xstrdup(from->private_data);
}

static char *column_of(const PgObjectNotes *notes)
{
    return xasprintf("column %s of %s.%s", notes->relation_column, notes->relation_schema,
                     notes->relation_name);
}

/* Is the column filled from the source, which has no sequence for it? */
static bool is_filled(const Catalog *merged, const PgObjectNotes *notes)
{
    const Table *table = catalog_find_table(merged, notes->relation_schema, notes->relation_name);
    const Column *column = table != NULL ? find_column(table, notes->relation_column) : NULL;

    return table == NULL || (column != NULL && !column->is_generated);
}

static const char set_it[] = "Set its value with setval() before applications write to the target.";

static void merge_sequences(const OwnedList *source, const OwnedList *target, Catalog *merged,
                            Findings *findings)
{
    for (size_t i = 0; i < target->count; i++) {
        const Owned *own = &target->items[i];
        AUTO_FREE_MEMORY char *column = column_of(&own->notes);
        Owned *from = find_owned(source, &own->notes);

        if (from != NULL) {
            from->is_matched = true;
            copy_object(merged, own->object, from->object->definition);
        } else if (is_filled(merged, &own->notes)) {
            findings_add(findings, FINDING_WARNING, column, set_it,
                         "its sequence begins anew: in the source the column has none");
        }
    }
    for (size_t i = 0; i < source->count; i++) {
        AUTO_FREE_MEMORY char *column = column_of(&source->items[i].notes);

        if (!source->items[i].is_matched)
            findings_add(
                findings, FINDING_WARNING, column,
                "Set what gives its values in the target, before applications write there.",
                "the value of its sequence is not carried: in the target no sequence "
                "belongs to the column");
    }
}

/* The version of the source's server is left out: its structure does not come along. */
static Status copy_settings(const Catalog *source, Catalog *merged, Error *err)
{
    for (size_t i = 0; i < source->object_count; i++) {
        const Object *object = &source->objects[i];
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};

        if (object->kind != OBJECT_SETTING)
            continue;
        TRY(pg_object_notes_read(object, &notes, err));
        if (strcmp(notes.type, "DATABASE") == 0 && strcmp(object->name, "server_version") != 0)
            copy_object(merged, object, object->definition);
    }
    return STATUS_OK;
}

/* The target's own values are replaced. They stand last: the ids of the structure stay. */
static Status merge_data(const Catalog *source, Catalog *target, Findings *findings, Error *err)
{
    AUTO_OWNED_LIST OwnedList values = {0};
    AUTO_OWNED_LIST OwnedList own = {0};
    AUTO_CATALOG Catalog cut = {0}; /* owns what is cut off */
    size_t kept = target->object_count;

    while (kept > 0 && object_kind_is_data(target->objects[kept - 1].kind))
        kept--;
    cut.object_count = target->object_count - kept;
    cut.objects = xcalloc(cut.object_count + 1, sizeof(*cut.objects));
    for (size_t i = 0; i < cut.object_count; i++)
        cut.objects[i] = target->objects[kept + i];
    target->object_count = kept;

    TRY(list_owned(source->objects, source->object_count, &values, err));
    TRY(list_owned(cut.objects, cut.object_count, &own, err));
    merge_sequences(&values, &own, target, findings);
    return copy_settings(source, target, err);
}

Status adopt_merge(const Catalog *source, Catalog *target, Findings *findings, Error *err)
{
    for (size_t i = 0; i < target->table_count; i++)
        TRY(merge_table(source, &target->tables[i], err));
    TRY(merge_data(source, target, findings, err));
    catalog_seal(target);
    return STATUS_OK;
}
