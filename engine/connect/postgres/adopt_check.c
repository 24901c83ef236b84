/*
 * Can each of the target's tables take the rows of the source's of its name? Differences of
 * constraints are no matter: rows that do not keep them are refused when they are loaded.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/adopt_parts.h"

static char *name_object(const Table *table)
{
    return xasprintf("table %s.%s", table->schema, table->name);
}

/* ---- tables ---- */

static const char *kind_words(char kind, bool is_partition)
{
    switch (kind) {
    case 'r':
        return is_partition ? "a partition" : "an ordinary table";
    case 'p':
        return is_partition ? "a partition that is partitioned itself" : "a partitioned table";
    case 'v':
        return "a view";
    case 'm':
        return "a materialized view";
    case 'f':
        return "a foreign table";
    default: /* a character of the server's, no enum of ours */
        return "no table";
    }
}

static void check_table(const Table *table, const PgTableNotes *notes, const Prepared *prepared,
                        Findings *findings)
{
    AUTO_FREE_MEMORY char *object = name_object(table);

    if (prepared->kind == '\0')
        findings_add(findings, FINDING_REFUSAL, object,
                     "Create it there first, as the application's own migrations do, migrate it "
                     "without --data-only, or leave it out with --exclude-table.",
                     "the target has no table of this name");
    else if (prepared->kind != notes->kind || prepared->is_partition != notes->is_partition)
        findings_add(findings, FINDING_REFUSAL, object,
                     "Make both of the same kind, or leave it out with --exclude-table.",
                     "it is %s in the source and %s in the target",
                     kind_words(notes->kind, notes->is_partition),
                     kind_words(prepared->kind, prepared->is_partition));
}

Status adopt_check_tables(const Catalog *source, const Prepared *prepared, Findings *findings,
                          Error *err)
{
    size_t with_rows = 0;

    for (size_t i = 0; i < source->table_count; i++) {
        AUTO_TABLE_NOTES PgTableNotes notes = {0};

        TRY(pg_table_notes_read(&source->tables[i], &notes, err));
        check_table(&source->tables[i], &notes, &prepared[i], findings);
        with_rows += prepared[i].has_rows;
    }
    if (with_rows > 0)
        findings_add(findings, FINDING_NOTE, NULL,
                     "The promotion puts the source's rows in their place, and keeps them until "
                     "finish.",
                     "of the %zu prepared tables of the target %zu hold rows, or have held some",
                     source->table_count, with_rows);
    return STATUS_OK;
}

/* ---- columns ---- */

typedef struct TypeTables {
    TypeTable source;
    TypeTable target;
} TypeTables;

static void type_tables_release(TypeTables *types)
{
    type_table_release(&types->source);
    type_table_release(&types->target);
}

static const Column *find_column(const Table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    }
    return NULL;
}

static void check_type(const char *object, const Column *source, const Column *target,
                       const TypeTables *types, Findings *findings)
{
    AUTO_FREE_MEMORY char *from = type_table_name(&types->source, source->type);
    AUTO_FREE_MEMORY char *to = type_table_name(&types->target, target->type);

    if (strcmp(from, to) != 0)
        findings_add(findings, FINDING_REFUSAL, object,
                     "Give it the same type on both sides first, or leave the table out with "
                     "--exclude-table.",
                     "column \"%s\" is of type %s in the source and of type %s in the target",
                     source->name, from, to);
}

/* What the source computes is not read, and what the target computes not written. */
static void check_column(const char *object, const Column *source, const Column *target,
                         const TypeTables *types, Findings *findings)
{
    if (target == NULL && !source->is_generated)
        findings_add(findings, FINDING_REFUSAL, object,
                     "Add it to the table in the target, drop it in the source, or leave the table "
                     "out with --exclude-table.",
                     "the target's table has no column \"%s\"", source->name);
    else if (target != NULL && source->is_generated && !target->is_generated)
        findings_add(findings, FINDING_REFUSAL, object,
                     "Make it generated in the target too, or an ordinary one in the source.",
                     "column \"%s\" is generated in the source and not in the target",
                     source->name);
    else if (target != NULL && !source->is_generated && target->is_generated)
        findings_add(findings, FINDING_NOTE, object,
                     "Make sure that the target computes what the source holds.",
                     "column \"%s\" is not carried: the target generates it", source->name);
    else if (target != NULL && !source->is_generated)
        check_type(object, source, target, types, findings);
}

static void check_table_columns(const Table *source, const Table *target, const Prepared *prepared,
                                const TypeTables *types, Findings *findings)
{
    AUTO_FREE_MEMORY char *object = name_object(source);

    for (size_t i = 0; i < source->column_count; i++)
        check_column(object, &source->columns[i], find_column(target, source->columns[i].name),
                     types, findings);
    for (size_t i = 0; i < prepared->must_be_given.count; i++) {
        const char *name = prepared->must_be_given.items[i];

        if (find_column(source, name) == NULL)
            findings_add(findings, FINDING_REFUSAL, object,
                         "Give it a default in the target, or let it be null.",
                         "the target's column \"%s\" must not be null, has no default, and the "
                         "source has no such column",
                         name);
    }
}

/* Of the same kind, but one side loads it through its partitioned table (trap 15). */
static void refuse_root(const Table *table, Findings *findings)
{
    AUTO_FREE_MEMORY char *object = name_object(table);

    findings_add(findings, FINDING_REFUSAL, object,
                 "Partition it in both databases by the same keys, with the same collations.",
                 "its rows find their partition by other rules in the target than in the source");
}

static Status check_all_columns(const Catalog *source, const Catalog *target,
                                const Prepared *prepared, const TypeTables *types,
                                Findings *findings, Error *err)
{
    TRY(adopt_check_types(&types->source, &types->target, findings, err));
    for (size_t i = 0; i < source->table_count; i++) {
        const Table *table = &source->tables[i];
        const Table *own = catalog_find_table(target, table->schema, table->name);

        if (own == NULL)
            refuse_root(table, findings);
        else
            check_table_columns(table, own, &prepared[i], types, findings);
    }
    for (size_t i = 0; i < target->table_count; i++) {
        const Table *table = &target->tables[i];

        if (catalog_find_table(source, table->schema, table->name) == NULL)
            refuse_root(table, findings);
    }
    return STATUS_OK;
}

Status adopt_check_columns(const Catalog *source, const Catalog *target, const Prepared *prepared,
                           Findings *findings, Error *err)
{
    __attribute__((cleanup(type_tables_release))) TypeTables types = {0};

    TRY(type_table_read(source, &types.source, err));
    TRY(type_table_read(target, &types.target, err));
    return check_all_columns(source, target, prepared, &types, findings, err);
}
