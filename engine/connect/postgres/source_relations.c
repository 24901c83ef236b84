#include "engine/connect/postgres/source_relations.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/source_relations.sql.h"
#include "engine/flow/names.h"

/* The columns of source_relations.sql. */
enum {
    RELATION_OID,
    RELATION_SCHEMA,
    RELATION_NAME,
    RELATION_KIND,
    RELATION_PERSISTENCE,
    RELATION_IS_PARTITION,
    RELATION_PARENTS,
    RELATION_HAS_CHILDREN,
    RELATION_OWNER,
    RELATION_IS_READABLE,
    RELATION_IS_FILTERED,
    RELATION_HAS_ROW_SECURITY,
    RELATION_OWNER_COLUMN,
};

void source_relations_release(SourceRelations *relations)
{
    for (size_t i = 0; i < relations->count; i++) {
        free(relations->items[i].schema);
        free(relations->items[i].name);
        free(relations->items[i].parents);
        free(relations->items[i].owner_column);
    }
    free(relations->items);
    *relations = (SourceRelations){0};
}

static void add_parents(SourceRelation *relation, const char *oids)
{
    size_t capacity = 0;
    for (const char *at = oids; *at;) {
        char *end = NULL;
        GROW(relation->parents, relation->parent_count, capacity);
        relation->parents[relation->parent_count++] = (uint32_t)strtoul(at, &end, 10);
        at = *end ? end + 1 : end;
    }
}

static void add_relation(SourceRelations *relations, const PgRows *rows, size_t row)
{
    GROW(relations->items, relations->count, relations->capacity);
    SourceRelation *relation = &relations->items[relations->count++];
    *relation = (SourceRelation){
        .oid = (uint32_t)pg_unsigned(rows, row, RELATION_OID),
        .schema = xstrdup(pg_value(rows, row, RELATION_SCHEMA)),
        .name = xstrdup(pg_value(rows, row, RELATION_NAME)),
        .kind = pg_value(rows, row, RELATION_KIND)[0],
        .is_unlogged = pg_value(rows, row, RELATION_PERSISTENCE)[0] == 'u',
        .is_partition = pg_is_true(rows, row, RELATION_IS_PARTITION),
        .has_children = pg_is_true(rows, row, RELATION_HAS_CHILDREN),
        .owner = (uint32_t)pg_unsigned(rows, row, RELATION_OWNER),
        .owner_column = xstrdup(pg_value(rows, row, RELATION_OWNER_COLUMN)),
        .is_readable = pg_is_true(rows, row, RELATION_IS_READABLE),
        .is_filtered = pg_is_true(rows, row, RELATION_IS_FILTERED),
        .has_row_security = pg_is_true(rows, row, RELATION_HAS_ROW_SECURITY),
    };
    add_parents(relation, pg_value(rows, row, RELATION_PARENTS));
}

SourceRelation *source_relations_find(const SourceRelations *relations, uint32_t oid)
{
    size_t low = 0;
    size_t high = relations->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (relations->items[middle].oid == oid)
            return &relations->items[middle];
        if (relations->items[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

SourceRelation *source_relations_parent(const SourceRelations *relations,
                                        const SourceRelation *relation)
{
    return relation->is_partition && relation->parent_count > 0
               ? source_relations_find(relations, relation->parents[0])
               : NULL;
}

/* Patterns are checked against all there is, carried or not. */
static Status check_patterns(const SourceRelations *relations, const Selection *selection,
                             Error *err)
{
    AUTO_CATALOG Catalog all = {0};
    for (size_t i = 0; i < relations->count; i++) {
        Table *table = catalog_add_table(&all);
        table->schema = xstrdup(relations->items[i].schema);
        table->name = xstrdup(relations->items[i].name);
    }
    return selection_check(selection, &all, err);
}

/* By the relation's own name: 1 taken, -1 left out by a pattern that names it, 0 not named. */
static int choose_by_name(const SourceRelation *relation, const Selection *selection)
{
    const Selection only_exclude = {.exclude = selection->exclude};
    if (!selection_has(&only_exclude, relation->schema, relation->name))
        return -1;
    return selection_has(selection, relation->schema, relation->name) ? 1 : 0;
}

/* A partition: named itself or with any partitioned table above it; out when one of them is. */
static bool choose(const SourceRelations *relations, const SourceRelation *relation,
                   const Selection *selection)
{
    bool is_taken = false;
    for (const SourceRelation *at = relation; at; at = source_relations_parent(relations, at)) {
        int choice = choose_by_name(at, selection);
        if (choice < 0)
            return false;
        is_taken = is_taken || choice > 0;
    }
    return is_taken;
}

static bool select_parents(const SourceRelations *relations, const SourceRelation *relation)
{
    bool is_new = false;
    for (size_t i = 0; i < relation->parent_count; i++) {
        SourceRelation *parent = source_relations_find(relations, relation->parents[i]);
        if (!parent || parent->is_selected)
            continue;
        parent->is_selected = true;
        is_new = true;
    }
    return is_new;
}

/* Leniently, whatever a table cannot be without comes along: what it is a partition of or inherits
 * from, and all other partitions of that. */
static void select_families(SourceRelations *relations)
{
    bool is_new = true;
    while (is_new) {
        is_new = false;
        for (size_t i = 0; i < relations->count; i++) {
            SourceRelation *relation = &relations->items[i];
            const SourceRelation *parent = source_relations_parent(relations, relation);
            if (!relation->is_selected && parent && parent->is_selected)
                is_new = relation->is_selected = true;
            if (relation->is_selected && source_relation_is_table(relation))
                is_new = select_parents(relations, relation) || is_new;
        }
    }
}

static void select_relations(SourceRelations *relations, const Selection *selection)
{
    for (size_t i = 0; i < relations->count; i++) {
        SourceRelation *relation = &relations->items[i];
        if (!relation->owner)
            relation->is_selected = !selection || choose(relations, relation, selection);
    }
    if (selection && selection->lenient)
        select_families(relations);
    for (size_t i = 0; i < relations->count; i++) {
        SourceRelation *relation = &relations->items[i];
        const SourceRelation *owner =
            relation->owner ? source_relations_find(relations, relation->owner) : NULL;
        if (relation->owner)
            relation->is_selected = owner && owner->is_selected;
    }
}

Status source_relations_read(PgConnection *connection, const Selection *selection,
                             SourceRelations *ret, Error *err)
{
    AUTO_SOURCE_RELATIONS SourceRelations relations = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_query(connection, source_relations_sql, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        if (!name_is_ours(pg_value(rows, row, RELATION_SCHEMA)))
            add_relation(&relations, rows, row);
    }
    if (selection)
        TRY(check_patterns(&relations, selection, err));
    select_relations(&relations, selection);
    *ret = relations;
    relations = (SourceRelations){0};
    return STATUS_OK;
}

bool pg_selection_is_partial(const Selection *selection)
{
    return selection->include.count || selection->exclude.count || selection->schemas.count;
}
