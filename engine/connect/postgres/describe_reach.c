/*
 * Code of the database itself that runs while it is staged (trap 5): for an index, a CHECK, a
 * generated column, a domain, a materialized view, the expression of a partition key. It may read
 * any table: so it has to wait until all are loaded, and its own text must be one that can be
 * brought to the staging tables.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/describe_paths.h"
#include "engine/connect/postgres/describe_waves.h"
#include "engine/connect/postgres/describer.h"
#include "engine/connect/postgres/retarget.h"

static bool is_type(const DumpEntry *entry, const char *type)
{
    return strcmp(entry->type, type) == 0;
}

static bool is_partitioned(const SourceRelation *relation)
{
    return relation && relation->kind == 'p';
}

/* Columns of any table may be of a domain; others inherit what a table with children has. */
static bool spans_tables(const SourceRelation *relation)
{
    return !relation || is_partitioned(relation) || relation->has_children;
}

bool describe_is_after_data(const Describer *describer, const DumpEntry *entry,
                            const EntryNotes *known)
{
    if (is_type(entry, "MATERIALIZED VIEW DATA"))
        return true;
    if (is_type(entry, "FK CONSTRAINT"))
        return is_partitioned(known->relation) || is_partitioned(known->other);
    if (is_type(entry, "TRIGGER"))
        return is_partitioned(known->relation);
    if (is_type(entry, "CHECK CONSTRAINT") && spans_tables(known->relation))
        return true; /* not valid for some rows, perhaps: not even the last may be checked */
    if (known->relation && known->relation->kind == 'm')
        return false; /* made while it is empty: the function runs when it is filled */
    if (is_type(entry, "INDEX") || is_type(entry, "CONSTRAINT") ||
        is_type(entry, "CHECK CONSTRAINT") || is_type(entry, "STATISTICS")) {
        /* The index of a key is another thing than the key. */
        uint32_t index = known->place ? known->place->index : 0;
        return source_reach_runs_code(describer->reach, (Thing){entry->class_oid, entry->oid}) ||
               (index && source_reach_runs_code(describer->reach, (Thing){CLASS_RELATION, index}));
    }
    return false;
}

/* ---- what may not run ---- */

typedef struct Refused {
    uint32_t *routines; /* OIDs, each told once */
    size_t count;
    size_t capacity;
    TableReads reads;
    RanRoutines ran;
} Refused;

static void refused_release(Refused *refused)
{
    free(refused->routines);
    table_reads_release(&refused->reads);
    ran_routines_release(&refused->ran);
}

static bool refuse_once(Refused *refused, uint32_t oid)
{
    for (size_t i = 0; i < refused->count; i++) {
        if (refused->routines[i] == oid)
            return false;
    }
    GROW(refused->routines, refused->count, refused->capacity);
    refused->routines[refused->count++] = oid;
    return true;
}

/* A routine that stays behind reads the tables of the target. That is meant, unless they are about
 * to be replaced; then the table's name is told, else NULL. */
static char *replaced_table(const Describer *describer, const Routine *routine)
{
    AUTO_THINGS Things reached = {0};
    source_reach_walk(describer->reach, (Thing){CLASS_PROC, routine->oid}, &reached);
    for (size_t i = 0; i < reached.count; i++) {
        const SourceRelation *relation =
            reached.items[i].class_oid == CLASS_RELATION
                ? source_relations_find(&describer->relations, reached.items[i].oid)
                : NULL;
        if (relation && relation->is_selected)
            return xasprintf("%s.%s", relation->schema, relation->name);
    }
    return NULL;
}

/* NULL when it can be brought to the staging tables, or reads none; the caller frees. */
static Status find_reason(const Describer *describer, const Routine *routine, char **ret,
                          Error *err)
{
    static const char *const known[] = {"sql", "plpgsql", "c", "internal"};
    const DumpEntry *entry = describer_entry(describer, CLASS_PROC, routine->oid);
    bool is_known = false;
    bool is_dynamic = false;
    *ret = NULL;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        is_known = is_known || strcmp(routine->language, known[i]) == 0;
    if (!is_known) {
        *ret = xstrdup("its language is none whose tables can be told");
        return STATUS_OK;
    }
    if (!entry || !describer_notes(describer, entry)->is_carried) {
        AUTO_FREE_MEMORY char *table = replaced_table(describer, routine);
        *ret = table ? xasprintf("it reads table %s and is not migrated itself", table) : NULL;
        return STATUS_OK;
    }
    if (!is_type(entry, "FUNCTION") && !is_type(entry, "PROCEDURE"))
        return STATUS_OK;
    TRY(routine_is_dynamic(entry->text, &is_dynamic, NULL, err));
    if (is_dynamic)
        *ret = xstrdup("it builds statements at run time");
    return STATUS_OK;
}

static Status check_runs(Describer *describer, Refused *refused, Thing thing, const char *what,
                         bool at_create, Error *err)
{
    AUTO_THINGS Things reached = {0};
    source_reach_walk(describer->reach, thing, &reached);
    for (size_t i = 0; i < reached.count; i++) {
        AUTO_FREE_MEMORY char *reason = NULL;
        if (reached.items[i].class_oid != CLASS_PROC)
            continue;
        const Routine *routine = source_reach_routine(describer->reach, reached.items[i].oid);
        ran_routines_add(&refused->ran, routine->oid, at_create);
        TRY(find_reason(describer, routine, &reason, err));
        if (!reason || !refuse_once(refused, routine->oid))
            continue;
        AUTO_FREE_MEMORY char *object =
            xasprintf("function %s.%s(%s)", routine->schema, routine->name, routine->arguments);
        findings_add(describer->findings, FINDING_REFUSAL, object,
                     "Rewrite it in SQL or PL/pgSQL without EXECUTE, drop what needs it until the "
                     "migration is finished, or leave that out with --exclude-table.",
                     "%s needs it while staging, and %s: it would read the live tables of the "
                     "target",
                     what, reason);
    }
    return STATUS_OK;
}

/* ---- tables ---- */

static bool runs_code(const Describer *describer, uint32_t class_oid, uint32_t oid)
{
    return source_reach_runs_code(describer->reach, (Thing){class_oid, oid});
}

/* Types of its columns, and partition keys above it, which every row is checked against. */
static Status check_relation(Describer *describer, Refused *refused, const SourceRelation *relation,
                             Error *err)
{
    const SourceRelation *at = relation;
    for (; at; at = source_relations_parent(&describer->relations, at)) {
        if (!runs_code(describer, CLASS_RELATION, at->oid))
            continue;
        AUTO_FREE_MEMORY char *what = xasprintf("table %s.%s", at->schema, at->name);
        Thing thing = {CLASS_RELATION, at->oid};
        table_reads_add(describer, &refused->reads, relation->table_id, thing);
        TRY(check_runs(describer, refused, thing, what, true, err));
    }
    return STATUS_OK;
}

/* Rows give all other columns their values. */
static bool is_default_used(const Describer *describer, const SourceRelation *relation,
                            const char *column)
{
    const Table *table =
        describer->wanted ? catalog_find_table(describer->wanted, relation->schema, relation->name)
                          : NULL;
    for (size_t i = 0; table && i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, column) == 0)
            return false;
    }
    return table != NULL;
}

/* NULL for what does not run while staging. */
static const char *place_word(const Describer *describer, const SourceRelation *relation,
                              const Place *place)
{
    switch (place->kind) {
    case PLACE_INDEX:
        return "index";
    case PLACE_CHECK:
        return "check constraint";
    case PLACE_GENERATED:
        return "generated column";
    case PLACE_STATISTICS:
        return "statistics";
    case PLACE_EXCLUSION:
    case PLACE_PRIMARY_KEY:
    case PLACE_UNIQUE:
        return "constraint";
    case PLACE_FOREIGN_KEY:
    case PLACE_CONSTRAINT_TRIGGER:
    case PLACE_TRIGGER:
    case PLACE_RULE:
    case PLACE_POLICY:
        return NULL;
    case PLACE_DEFAULT:
        return is_default_used(describer, relation, place->name) ? "default" : NULL;
    }
    return NULL;
}

static Status check_place(Describer *describer, Refused *refused, const Place *place, Error *err)
{
    const SourceRelation *relation = source_relations_find(&describer->relations, place->relation);
    const char *word = relation ? place_word(describer, relation, place) : NULL;
    if (!word || !relation->is_selected || relation->kind == 'f' ||
        !runs_code(describer, place->class_oid, place->oid))
        return STATUS_OK;
    AUTO_FREE_MEMORY char *what =
        xasprintf("%s %s of %s.%s", word, place->name, relation->schema, relation->name);
    Thing thing = {place->class_oid, place->oid};
    if (relation->table_id && (place->kind == PLACE_CHECK || place->kind == PLACE_GENERATED ||
                               place->kind == PLACE_DEFAULT))
        table_reads_add(describer, &refused->reads, relation->table_id, thing);
    return check_runs(describer, refused, thing, what, place->kind == PLACE_GENERATED, err);
}

static Status check_entry(Describer *describer, Refused *refused, size_t index, Error *err)
{
    const DumpEntry *entry = &describer->dump.entries[index];
    if (!describer->entries[index].is_carried ||
        (!is_type(entry, "MATERIALIZED VIEW") && !is_type(entry, "DOMAIN")))
        return STATUS_OK;
    AUTO_FREE_MEMORY char *what =
        xasprintf("%s %s.%s", is_type(entry, "DOMAIN") ? "domain" : "materialized view",
                  entry->schema, entry->name);
    return check_runs(describer, refused, (Thing){entry->class_oid, entry->oid}, what, false, err);
}

static Status check_all(Describer *describer, Refused *refused, Error *err)
{
    for (size_t i = 0; i < describer->dump.count; i++)
        TRY(check_entry(describer, refused, i, err));
    for (size_t i = 0; i < describer->places.count; i++)
        TRY(check_place(describer, refused, &describer->places.items[i], err));
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        if (relation->table_id)
            TRY(check_relation(describer, refused, relation, err));
    }
    return STATUS_OK;
}

Status describe_reach(Describer *describer, Error *err)
{
    __attribute__((cleanup(refused_release))) Refused refused = {0};
    TRY(check_all(describer, &refused, err));
    describe_waves(describer->catalog, &refused.reads);
    return describe_paths(describer, &refused.ran, err);
}
