/*
 * In which order tables are loaded whose CHECKs, domains, generated columns or partition keys read
 * other tables: each in a wave after those that it reads. Tables that read each other are in some
 * order; nothing could load them but what writes both.
 */
#include "engine/connect/postgres/describe_waves.h"

#include <stdlib.h>

#include "engine/base/memory.h"

void table_reads_release(TableReads *reads)
{
    free(reads->items);
    *reads = (TableReads){0};
}

/* ---- what is read ---- */

/* Tables and whole families of them, as bools by place in the list of relations. */
static bool mark_read(Describer *describer, uint32_t routine, bool *is_read)
{
    const SourceRelations *relations = &describer->relations;
    AUTO_THINGS Things reached = {0};
    bool found = false;

    source_reach_walk(describer->reach, (Thing){CLASS_PROC, routine}, &reached);
    for (size_t i = 0; i < reached.count; i++) {
        const SourceRelation *relation =
            reached.items[i].class_oid == CLASS_RELATION
                ? source_relations_find(relations, reached.items[i].oid)
                : NULL;

        if (relation && source_relation_is_table(relation))
            found = is_read[relation - relations->items] = true;
    }
    return found;
}

/* Who reads a table reads what inherits from it, and its partitions, too. */
static bool is_under(const Describer *describer, const SourceRelation *relation,
                     const bool *is_read)
{
    if (is_read[relation - describer->relations.items])
        return true;
    for (size_t i = 0; i < relation->parent_count; i++) {
        const SourceRelation *parent =
            source_relations_find(&describer->relations, relation->parents[i]);

        if (parent && is_under(describer, parent, is_read))
            return true;
    }
    return false;
}

static void add_read(TableReads *reads, uint32_t reader, uint32_t read)
{
    if (reader == read)
        return;
    GROW(reads->items, reads->count, reads->capacity);
    reads->items[reads->count++] = (TableRead){reader, read};
}

void table_reads_add(Describer *describer, TableReads *reads, uint32_t table_id, Thing runs)
{
    const SourceRelations *relations = &describer->relations;
    AUTO_FREE_MEMORY bool *is_read = xcalloc(relations->count + 1, sizeof(*is_read));
    AUTO_THINGS Things reached = {0};
    bool found = false;

    catalog_table(describer->catalog, table_id)->load_late = 1;
    source_reach_walk(describer->reach, runs, &reached);
    for (size_t i = 0; i < reached.count; i++) {
        if (reached.items[i].class_oid == CLASS_PROC)
            found = mark_read(describer, reached.items[i].oid, is_read) || found;
    }
    for (size_t i = 0; i < relations->count && found; i++) {
        const SourceRelation *relation = &relations->items[i];

        if (relation->table_id && is_under(describer, relation, is_read))
            add_read(reads, table_id, relation->table_id);
    }
}

/* ---- the order ---- */

typedef struct Waves {
    Catalog *catalog;
    const TableReads *reads; /* by reader */
    bool *is_known;          /* by table id, and so on the way to be */
} Waves;

static int compare_readers(const void *left, const void *right)
{
    const TableRead *a = left;
    const TableRead *b = right;

    return (a->reader > b->reader) - (a->reader < b->reader);
}

static size_t first_read(const TableReads *reads, uint32_t reader)
{
    size_t low = 0;
    size_t high = reads->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (reads->items[middle].reader < reader)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A circle ends where it began. */
static uint32_t find_wave(Waves *waves, uint32_t id)
{
    Table *table = catalog_table(waves->catalog, id);
    uint32_t wave = table->load_late;

    if (wave == 0 || waves->is_known[id])
        return wave;
    waves->is_known[id] = true;
    for (size_t i = first_read(waves->reads, id);
         i < waves->reads->count && waves->reads->items[i].reader == id; i++) {
        uint32_t before = find_wave(waves, waves->reads->items[i].read);

        if (before >= wave)
            wave = before + 1;
    }
    table->load_late = wave;
    return wave;
}

void describe_waves(Catalog *catalog, TableReads *reads)
{
    AUTO_FREE_MEMORY bool *is_known = xcalloc(catalog->table_count + 1, sizeof(*is_known));
    Waves waves = {.catalog = catalog, .reads = reads, .is_known = is_known};

    if (reads->count > 0)
        qsort(reads->items, reads->count, sizeof(*reads->items), compare_readers);
    for (uint32_t id = 1; id <= catalog->table_count; id++)
        (void)find_wave(&waves, id);
}
