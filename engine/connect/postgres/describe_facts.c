/*
 * The connector's notes on tables: last of all, when everything about them is known.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"
#include "engine/connect/postgres/facts.h"
#include "engine/connect/postgres/notes.h"

static void list_schemas(const Catalog *catalog, TextList *ret)
{
    for (size_t i = 0; i < catalog->table_count; i++) {
        if (!text_list_has(ret, catalog->tables[i].schema))
            text_list_add(ret, catalog->tables[i].schema);
    }
}

static void add_leaves(const Describer *describer, const SourceRelation *root, TextList *ret)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        if (relation->kind != 'r' || relation->root != root->oid || !relation->is_selected)
            continue;
        AUTO_FREE_MEMORY char *name = pg_qualified(relation->schema, relation->name);
        text_list_add(ret, name);
    }
}

static void copy_facts(const Facts *facts, const Table *table, TextList *ret)
{
    const RelationFacts *found = facts_find(facts, table->schema, table->name);
    for (size_t i = 0; found && i < found->lines.count; i++)
        text_list_add(ret, found->lines.items[i]);
}

static const char *place_word(PlaceKind kind)
{
    switch (kind) {
    case PLACE_INDEX:
        return "index";
    case PLACE_CHECK:
        return "check constraint";
    case PLACE_DEFAULT:
        return "default of column";
    case PLACE_GENERATED:
        return "generated column";
    case PLACE_TRIGGER:
    case PLACE_CONSTRAINT_TRIGGER:
        return "trigger";
    case PLACE_RULE:
        return "rule";
    case PLACE_POLICY:
        return "policy";
    case PLACE_STATISTICS:
        return "statistics";
    case PLACE_FOREIGN_KEY:
    case PLACE_PRIMARY_KEY:
    case PLACE_UNIQUE:
    case PLACE_EXCLUSION:
        break;
    }
    return "constraint";
}

static bool is_carried(const Describer *describer, uint32_t routine)
{
    const DumpEntry *entry = describer_entry(describer, CLASS_PROC, routine);
    return entry && describer_notes(describer, entry)->is_carried;
}

/* With single tables, routines stay behind: the target must have them. */
static void add_needs_of(const Describer *describer, const Place *place, TextList *ret)
{
    size_t count = 0;
    const Thing *needs =
        source_reach_needs(describer->reach, (Thing){place->class_oid, place->oid}, &count);
    for (size_t i = 0; i < count; i++) {
        const Routine *routine = needs[i].class_oid == CLASS_PROC
                                     ? source_reach_routine(describer->reach, needs[i].oid)
                                     : NULL;
        if (!routine || is_carried(describer, routine->oid))
            continue;
        AUTO_FREE_MEMORY char *what = xasprintf("%s %s", place_word(place->kind), place->name);
        text_list_add(ret, what);
        text_list_add(ret, routine->schema);
        text_list_add(ret, routine->name);
        text_list_add(ret, routine->types);
    }
}

static void add_needs(const Describer *describer, const SourceRelation *relation, TextList *ret)
{
    for (size_t i = 0; i < describer->places.count; i++) {
        if (describer->places.items[i].relation == relation->oid)
            add_needs_of(describer, &describer->places.items[i], ret);
    }
}

/* facts NULL: none. */
static void write_notes(Describer *describer, const SourceRelation *relation, const Facts *facts,
                        uint32_t order)
{
    Table *table = catalog_table(describer->catalog, relation->table_id);
    AUTO_TABLE_NOTES PgTableNotes notes = {
        .order = order,
        .kind = relation->kind,
        .is_unlogged = relation->is_unlogged,
        .is_partition = relation->is_partition,
        .has_children = relation->has_children,
    };
    if (relation->kind == 'p')
        add_leaves(describer, relation, &notes.leaves);
    if (facts)
        copy_facts(facts, table, &notes.facts);
    if (facts &&
        (describer->selection->include.count > 0 || describer->selection->schemas.count > 0))
        add_needs(describer, relation, &notes.needs);
    describe_add_shape(describer, CLASS_RELATION, relation->oid, &notes.shape);
    table->private_data = pg_table_notes_write(&notes);
}

Status describe_facts(Describer *describer, Error *err)
{
    AUTO_FACTS Facts facts = {0};
    AUTO_TEXT_LIST TextList schemas = {0};
    list_schemas(describer->catalog, &schemas);
    TRY(facts_read(describer->connection, &schemas, NULL, &facts, err));
    for (size_t i = 0; i < describer->dump.count; i++) {
        const EntryNotes *notes = &describer->entries[i];
        if (notes->is_carried && notes->object_id == 0)
            write_notes(describer, notes->relation, &facts, (uint32_t)i + 1);
    }
    return STATUS_OK;
}

void describe_row_notes(Describer *describer)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        const Table *table =
            relation->table_id ? catalog_table(describer->catalog, relation->table_id) : NULL;
        if (table && strcmp(table->name, relation->name) == 0 &&
            strcmp(table->schema, relation->schema) == 0) /* not a leaf that its root carries */
            write_notes(describer, relation, NULL, table->id);
    }
}
