/*
 * What each entry of the dump is: found by the class and OID that pg_dump gives; entries without
 * (attachments, comments, grants) by name, or by the entry that they are about.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"
#include "engine/flow/names.h"

static int compare_by_id(const void *left, const void *right, void *context)
{
    const DumpEntry *entries = context;
    uint32_t a = entries[*(const uint32_t *)left].id;
    uint32_t b = entries[*(const uint32_t *)right].id;
    return (a > b) - (a < b);
}

static int compare_objects(const DumpEntry *entry, uint32_t class_oid, uint32_t oid)
{
    if (entry->class_oid != class_oid)
        return entry->class_oid < class_oid ? -1 : 1;
    return (entry->oid > oid) - (entry->oid < oid);
}

static int compare_by_object(const void *left, const void *right, void *context)
{
    const DumpEntry *entries = context;
    const DumpEntry *a = &entries[*(const uint32_t *)left];
    const DumpEntry *b = &entries[*(const uint32_t *)right];
    int order = compare_objects(a, b->class_oid, b->oid);
    return order ? order : (a > b) - (a < b);
}

static void index_entries(Describer *describer)
{
    size_t count = describer->dump.count;
    describer->entries = xcalloc(count + 1, sizeof(*describer->entries));
    describer->by_id = xcalloc(count + 1, sizeof(*describer->by_id));
    describer->by_object = xcalloc(count + 1, sizeof(*describer->by_object));
    for (size_t i = 0; i < count; i++)
        describer->by_id[i] = describer->by_object[i] = (uint32_t)i;
    qsort_r(describer->by_id, count, sizeof(*describer->by_id), compare_by_id,
            describer->dump.entries);
    qsort_r(describer->by_object, count, sizeof(*describer->by_object), compare_by_object,
            describer->dump.entries);
}

DumpEntry *describer_entry(const Describer *describer, uint32_t class_oid, uint32_t oid)
{
    size_t low = 0;
    size_t high = describer->dump.count;
    if (class_oid == 0 || oid == 0)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        DumpEntry *entry = &describer->dump.entries[describer->by_object[middle]];
        if (compare_objects(entry, class_oid, oid) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == describer->dump.count)
        return NULL;
    DumpEntry *entry = &describer->dump.entries[describer->by_object[low]];
    return compare_objects(entry, class_oid, oid) == 0 ? entry : NULL;
}

DumpEntry *describer_entry_of_id(const Describer *describer, uint32_t id)
{
    size_t low = 0;
    size_t high = describer->dump.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        DumpEntry *entry = &describer->dump.entries[describer->by_id[middle]];
        if (entry->id == id)
            return entry;
        if (entry->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Things by name, where an entry has no OID. */
typedef struct NameIndex {
    const SourceRelation **relations; /* by name, then schema */
    size_t relation_count;
    const Place **indexes; /* by name; the schema is that of the relation */
    size_t index_count;
} NameIndex;

static void name_index_release(NameIndex *names)
{
    free(names->relations);
    free(names->indexes);
}

static int compare_relation_names(const void *left, const void *right)
{
    const SourceRelation *a = *(const SourceRelation *const *)left;
    const SourceRelation *b = *(const SourceRelation *const *)right;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->schema, b->schema);
}

static int compare_place_names(const void *left, const void *right)
{
    const Place *a = *(const Place *const *)left;
    const Place *b = *(const Place *const *)right;
    return strcmp(a->name, b->name);
}

static void make_name_index(const Describer *describer, NameIndex *names)
{
    const SourceRelations *relations = &describer->relations;
    const SourcePlaces *places = &describer->places;
    names->relations = xcalloc(relations->count + 1, sizeof(const SourceRelation *));
    names->indexes = xcalloc(places->count + 1, sizeof(const Place *));
    for (size_t i = 0; i < relations->count; i++)
        names->relations[names->relation_count++] = &relations->items[i];
    for (size_t i = 0; i < places->count; i++) {
        if (places->items[i].kind == PLACE_INDEX)
            names->indexes[names->index_count++] = &places->items[i];
    }
    qsort(names->relations, names->relation_count, sizeof(const SourceRelation *),
          compare_relation_names);
    qsort(names->indexes, names->index_count, sizeof(const Place *), compare_place_names);
}

static const SourceRelation *find_relation(const NameIndex *names, const DumpEntry *entry)
{
    SourceRelation wanted = {.schema = entry->schema, .name = entry->name};
    const SourceRelation *key = &wanted;
    if (!entry->schema)
        return NULL;
    const SourceRelation *const *found =
        bsearch(&key, names->relations, names->relation_count, sizeof(const SourceRelation *),
                compare_relation_names);
    return found ? *found : NULL;
}

static const Place *find_index(const Describer *describer, const NameIndex *names,
                               const DumpEntry *entry)
{
    size_t low = 0;
    size_t high = names->index_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->indexes[middle]->name, entry->name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < names->index_count && strcmp(names->indexes[low]->name, entry->name) == 0; low++) {
        const SourceRelation *relation =
            source_relations_find(&describer->relations, names->indexes[low]->relation);
        if (relation && entry->schema && strcmp(relation->schema, entry->schema) == 0)
            return names->indexes[low];
    }
    return NULL;
}

static bool is_type(const DumpEntry *entry, const char *type)
{
    return strcmp(entry->type, type) == 0;
}

static void set_place(const Describer *describer, EntryNotes *notes, const Place *place)
{
    notes->place = place;
    notes->label = place->name;
    notes->relation = source_relations_find(&describer->relations, place->relation);
    notes->other = source_relations_find(&describer->relations, place->other);
}

static void set_subject(const Describer *describer, const DumpEntry *entry, EntryNotes *notes)
{
    for (size_t i = 0; i < entry->after_count && !notes->subject; i++) {
        const DumpEntry *subject = describer_entry_of_id(describer, entry->after[i]);
        if (!subject)
            continue;
        notes->subject = (size_t)(subject - describer->dump.entries) + 1;
        notes->relation = describer_notes(describer, subject)->relation;
    }
}

/* Subjects stand before what is about them. */
static void resolve(const Describer *describer, const NameIndex *names, const DumpEntry *entry,
                    EntryNotes *notes)
{
    const Place *place = entry->class_oid
                             ? source_places_find(&describer->places, entry->class_oid, entry->oid)
                             : NULL;
    notes->kind = entry_kind(entry->type);
    notes->label = entry->name;
    if (is_type(entry, "INDEX ATTACH"))
        place = find_index(describer, names, entry);
    if (place)
        set_place(describer, notes, place);
    else if (is_type(entry, "TABLE ATTACH") || is_type(entry, "SEQUENCE OWNED BY"))
        notes->relation = find_relation(names, entry);
    else if (entry->class_oid == CLASS_RELATION || (entry->class_oid == 0 && entry->oid != 0))
        notes->relation = source_relations_find(&describer->relations, entry->oid);
    else if (entry->class_oid == 0)
        set_subject(describer, entry, notes);
}

static bool is_schema_selected(const Selection *selection, const char *schema)
{
    for (size_t i = 0; i < selection->schemas.count; i++) {
        if (pattern_matches(selection->schemas.items[i], schema))
            return true;
    }
    return selection->schemas.count == 0;
}

static bool is_our_schema(const char *schema)
{
    return strcmp(schema, "stopover") == 0 || name_is_ours(schema);
}

/* With some schemas only, those extensions that something in them needs. */
static bool is_extension_needed(const Describer *describer, uint32_t oid)
{
    for (size_t row = 0; row < pg_row_count(describer->extensions); row++) {
        if (pg_unsigned(describer->extensions, row, 0) == oid)
            return pg_is_true(describer->extensions, row, 3);
    }
    return false;
}

/* What is on no relation goes along when no single tables were asked for. */
static bool is_free_selected(const Describer *describer, const DumpEntry *entry)
{
    const Selection *selection = describer->selection;
    const char *schema = is_type(entry, "SCHEMA") ? entry->name : entry->schema;
    if (schema && is_our_schema(schema))
        return false;
    if (selection->include.count > 0 || describer->wanted)
        return false;
    if (schema)
        return is_schema_selected(selection, schema);
    if (is_type(entry, "EXTENSION") && selection->schemas.count > 0)
        return is_extension_needed(describer, entry->oid);
    return selection->schemas.count == 0;
}

static bool is_selected(const Describer *describer, const DumpEntry *entry, const EntryNotes *notes)
{
    if (notes->relation && is_type(entry, "TABLE ATTACH")) {
        const SourceRelation *parent =
            source_relations_parent(&describer->relations, notes->relation);
        return notes->relation->is_selected && parent && parent->is_selected;
    }
    if (notes->relation)
        return notes->relation->is_selected;
    if (notes->place || entry->class_oid == CLASS_RELATION)
        return false; /* on, or itself, a relation that is not listed: ours */
    if (notes->subject)
        return describer->entries[notes->subject - 1].is_selected;
    return is_free_selected(describer, entry);
}

Status describe_resolve(Describer *describer, Error *err)
{
    __attribute__((cleanup(name_index_release))) NameIndex names = {0};
    (void)err;
    index_entries(describer);
    make_name_index(describer, &names);
    for (size_t i = 0; i < describer->dump.count; i++) {
        const DumpEntry *entry = &describer->dump.entries[i];
        EntryNotes *notes = &describer->entries[i];
        resolve(describer, &names, entry, notes);
        notes->is_selected = is_selected(describer, entry, notes);
    }
    return STATUS_OK;
}
