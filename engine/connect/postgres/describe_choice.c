/*
 * What is looked at with --data-only: on the source what has rows; on the target the tables of the
 * same names, with all that is partitioned together with them.
 */
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"

enum {
    SHOWN_MAX = 3, /* names in one finding */
};

/* ---- the source ---- */

void describe_choose_rows(Describer *describer)
{
    AUTO_TEXT Text names = {0};
    size_t count = 0;
    for (size_t i = 0; i < describer->relations.count; i++) {
        SourceRelation *relation = &describer->relations.items[i];
        if (!relation->is_selected || source_relation_is_table(relation) || relation->owner)
            continue;
        relation->is_selected = false;
        if (relation->kind == 'S' && count++ < SHOWN_MAX)
            text_append_format(&names, "%s%s.%s", names.size ? ", " : "", relation->schema,
                               relation->name);
    }
    if (count > 0)
        findings_add(describer->findings, FINDING_WARNING, NULL,
                     "Set their values on the target with setval(), where it has them, before "
                     "applications write there.",
                     "sequences that belong to no column are not carried with --data-only: %zu "
                     "(%s%s)",
                     count, text_string(&names), count > SHOWN_MAX ? ", ..." : "");
}

/* ---- the target ---- */

static bool is_wanted(const Describer *describer, const SourceRelation *relation)
{
    return source_relation_is_table(relation) &&
           catalog_find_table(describer->wanted, relation->schema, relation->name);
}

static void choose_ancestors(Describer *describer)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        SourceRelation *relation = &describer->relations.items[i];
        relation->is_selected = is_wanted(describer, relation);
    }
    for (size_t i = 0; i < describer->relations.count; i++) {
        SourceRelation *relation = &describer->relations.items[i];
        if (!is_wanted(describer, relation))
            continue;
        while ((relation = source_relations_parent(&describer->relations, relation)) != NULL)
            relation->is_selected = true;
    }
}

/* With a partitioned table all its partitions are replaced. */
static void choose_partitions(Describer *describer)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        SourceRelation *relation = &describer->relations.items[i];
        const SourceRelation *at = relation;
        if (relation->is_selected || !source_relation_is_table(relation))
            continue;
        while (at && !at->is_selected)
            at = source_relations_parent(&describer->relations, at);
        if (!at)
            continue;
        relation->is_selected = true;
        relation->is_unfilled = relation->kind == 'r';
    }
}

static void choose_sequences(Describer *describer)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        SourceRelation *relation = &describer->relations.items[i];
        const SourceRelation *owner =
            relation->owner ? source_relations_find(&describer->relations, relation->owner) : NULL;
        if (relation->kind == 'S')
            relation->is_selected = owner && owner->is_selected;
    }
}

void describe_choose_wanted(Describer *describer)
{
    choose_ancestors(describer);
    choose_partitions(describer);
    choose_sequences(describer);
}

static bool stays_empty(const SourceRelation *relation)
{
    return relation->is_unfilled && relation->root == 0; /* else its root brings rows */
}

static char *unfilled_oids(const Describer *describer)
{
    AUTO_FREE(json_free) Json *oids = json_array();
    for (size_t i = 0; i < describer->relations.count; i++) {
        AUTO_FREE_MEMORY char *oid = xasprintf("%u", describer->relations.items[i].oid);
        if (stays_empty(&describer->relations.items[i]))
            json_add_string(oids, oid);
    }
    return json_print(oids, false);
}

/* Rows that nobody replaces would be gone with the promotion. */
Status describe_check_unfilled(Describer *describer, Error *err)
{
    AUTO_FREE_MEMORY char *oids = unfilled_oids(describer);
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    const char *const parameters[] = {oids};
    AUTO_TEXT Text names = {0};
    size_t count = 0;
    TRY(pg_query_bound(describer->connection,
                       "select o.oid, pg_relation_size(o.oid) > 0 from"
                       " (select json_array_elements_text($1::json)::oid as oid) o order by o.oid",
                       parameters, 1, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        const SourceRelation *relation =
            source_relations_find(&describer->relations, (uint32_t)pg_unsigned(rows, row, 0));
        if (pg_is_true(rows, row, 1))
            describer_find(describer, FINDING_REFUSAL, relation,
                           "Detach or truncate it, or select a table of that name in the source.",
                           "the partition is not among the source's tables and holds rows, which "
                           "would be replaced by none");
        else if (count++ < SHOWN_MAX)
            text_append_format(&names, "%s%s.%s", names.size ? ", " : "", relation->schema,
                               relation->name);
    }
    if (count > 0)
        findings_add(describer->findings, FINDING_WARNING, NULL,
                     "Nothing has to be done when that is meant.",
                     "partitions of the target that are not among the source's tables stay empty: "
                     "%zu (%s%s)",
                     count, text_string(&names), count > SHOWN_MAX ? ", ..." : "");
    return STATUS_OK;
}
