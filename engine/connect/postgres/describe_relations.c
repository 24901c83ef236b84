/*
 * What stands in the way before anything is read: rights, row security, and tables whose parents
 * were not selected.
 */
#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"

static bool carries_rows(const SourceRelation *relation)
{
    return source_relation_is_table(relation) || relation->kind == 'S';
}

/* One refusal for all of them, with the statement that helps. */
static bool refuse_unreadable(Describer *describer)
{
    AUTO_TEXT Text names = {0};
    size_t count = 0;
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        if (!relation->is_selected || relation->is_readable || !carries_rows(relation))
            continue;
        AUTO_FREE_MEMORY char *name = pg_qualified(relation->schema, relation->name);
        text_append_format(&names, "%s%s", count++ ? ", " : "", name);
    }
    if (count > 0)
        findings_add(describer->findings, FINDING_REFUSAL, NULL,
                     "Grant that user USAGE on their schemas and SELECT on them, as in "
                     "GRANT SELECT ON ALL TABLES IN SCHEMA ... and ... ON ALL SEQUENCES IN SCHEMA "
                     "..., or leave them out with --exclude-table.",
                     "the %s's user may not read %s", describer->wanted ? "target" : "source",
                     text_string(&names));
    return count > 0;
}

static void refuse_filtered(Describer *describer)
{
    AUTO_TEXT Text names = {0};
    size_t count = 0;
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        bool is_read =
            relation->kind == 'r' ? relation->root == 0 : relation->root == relation->oid;
        if (!relation->is_selected || !relation->is_filtered || !is_read)
            continue;
        AUTO_FREE_MEMORY char *name = pg_qualified(relation->schema, relation->name);
        text_append_format(&names, "%s%s", count++ ? ", " : "", name);
    }
    if (count > 0)
        findings_add(describer->findings, FINDING_REFUSAL, NULL,
                     "Use a user with BYPASSRLS, or the owner where row security is not forced.",
                     "row security hides rows from the source's user in %s", text_string(&names));
}

static void refuse_orphan(Describer *describer, const SourceRelation *relation)
{
    for (size_t i = 0; i < relation->parent_count; i++) {
        const SourceRelation *parent =
            source_relations_find(&describer->relations, relation->parents[i]);
        if (!parent || parent->is_selected)
            continue;
        /* Of rows alone, a child's are its own; a partition's siblings would be lost with it. */
        if (describer->selection->data_only && !relation->is_partition)
            continue;
        AUTO_FREE_MEMORY char *message =
            xasprintf("it %s %s.%s, which is not selected",
                      relation->is_partition ? "is a partition of" : "inherits from",
                      parent->schema, parent->name);
        describer_find(describer, FINDING_REFUSAL, relation,
                       relation->is_partition
                           ? "Select its partitioned table instead: that brings its partitions."
                           : "Select both with --table, or leave both out with --exclude-table.",
                       message);
    }
}

bool describe_check_relations(Describer *describer)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        if (relation->is_selected && source_relation_is_table(relation))
            refuse_orphan(describer, relation);
    }
    if (!describer->wanted)
        refuse_filtered(describer);
    return !refuse_unreadable(describer);
}
