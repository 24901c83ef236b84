#include "engine/connect/postgres/describe.h"

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"
#include "engine/connect/postgres/extension_members.sql.h"
#include "engine/connect/postgres/key_ranges.h"
#include "engine/connect/postgres/source_extensions.sql.h"
#include "engine/flow/names.h"

static void describer_release(Describer *describer)
{
    source_relations_release(&describer->relations);
    source_places_release(&describer->places);
    source_reach_free(describer->reach);
    dump_release(&describer->dump);
    pg_rows_free(describer->extensions);
    pg_rows_free(describer->members);
    pg_rows_free(describer->shapes);
    free(describer->entries);
    free(describer->by_id);
    free(describer->by_object);
}

static const char *kind_word(char kind)
{
    switch (kind) {
    case 'v':
        return "view";
    case 'm':
        return "materialized view";
    case 'S':
        return "sequence";
    case 'f':
        return "foreign table";
    default: /* a character of the server's, no enum of ours */
        return "table";
    }
}

void describer_find(Describer *describer, Severity severity, const SourceRelation *relation,
                    const char *remedy, const char *message)
{
    AUTO_FREE_MEMORY char *object =
        xasprintf("%s %s.%s", kind_word(relation->kind), relation->schema, relation->name);
    findings_add(describer->findings, severity, object, remedy, "%s", message);
}

/* As a JSON array; the caller frees. */
static char *selected_oids(const Describer *describer)
{
    AUTO_FREE(json_free) Json *oids = json_array();
    for (size_t i = 0; i < describer->relations.count; i++) {
        AUTO_FREE_MEMORY char *oid = xasprintf("%u", describer->relations.items[i].oid);
        if (describer->relations.items[i].is_selected)
            json_add_string(oids, oid);
    }
    return json_print(oids, false);
}

/* All that are selected; statistics may stand elsewhere than their table. */
static Status wanted_schemas(const Describer *describer, TextList *ret, Error *err)
{
    AUTO_FREE_MEMORY char *oids = selected_oids(describer);
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    const char *const parameters[] = {oids};
    TRY(pg_query_bound(
        describer->connection,
        "with chosen as (select json_array_elements_text($1::json)::oid as oid),"
        " used as (select c.relnamespace from pg_class c where c.oid in (table chosen)"
        " union select s.stxnamespace from pg_statistic_ext s"
        " where s.stxrelid in (table chosen))"
        " select n.nspname from pg_namespace n where n.oid in (table used)"
        " order by n.nspname collate \"C\"",
        parameters, 1, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++)
        text_list_add(ret, pg_value(rows, row, 0));
    return STATUS_OK;
}

/* Names of the schemas that the dump is about, when the selection leaves any out; else none. */
static Status dump_schemas(const Describer *describer, TextList *ret, Error *err)
{
    const Selection *selection = describer->selection;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    if (describer->wanted)
        return wanted_schemas(describer, ret, err);
    if (selection->schemas.count == 0)
        return STATUS_OK;
    TRY(pg_query(describer->connection,
                 "select n.nspname from pg_namespace n where left(n.nspname, 3) <> 'pg_'"
                 " and n.nspname not in ('information_schema', 'stopover')"
                 " order by n.nspname collate \"C\"",
                 &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        const char *schema = pg_value(rows, row, 0);
        for (size_t i = 0; i < selection->schemas.count; i++) {
            if (pattern_matches(selection->schemas.items[i], schema) && !name_is_ours(schema) &&
                !text_list_has(ret, schema))
                text_list_add(ret, schema);
        }
    }
    return STATUS_OK;
}

/* pg_dump locks tables and reads sequences: what we may not read and do not want is kept from it. */
static void list_unreadable(const Describer *describer, TextList *ret)
{
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        bool is_looked_at = source_relation_is_table(relation) || relation->kind == 'S';
        if (relation->is_selected || relation->is_readable || !is_looked_at)
            continue;
        AUTO_FREE_MEMORY char *name = pg_qualified(relation->schema, relation->name);
        text_list_add(ret, name);
    }
}

static Status run_dump(Describer *describer, const PgAddress *address, const char *snapshot,
                       Error *err)
{
    DumpOptions options = {.snapshot = snapshot, .with_owner = describer->selection->with_owner};
    list_unreadable(describer, &options.excluded);
    Status status = dump_schemas(describer, &options.schemas, err);
    if (status >= 0)
        status = pg_dump_run(address, pg_server_major(describer->connection), &options,
                             &describer->dump, err);
    text_list_release(&options.schemas);
    text_list_release(&options.excluded);
    return status;
}

static Status read_extensions(Describer *describer, Error *err)
{
    AUTO_FREE_MEMORY char *oids = selected_oids(describer);
    const char *const parameters[] = {oids};
    TRY(pg_query_bound(describer->connection, source_extensions_sql, parameters, 1,
                       &describer->extensions, err));
    return pg_query(describer->connection, extension_members_sql, &describer->members, err);
}

static Status describe_structure(Describer *describer, Error *err)
{
    TRY(source_places_read(describer->connection, &describer->places, err));
    TRY(source_reach_read(describer->connection, &describer->relations, &describer->reach, err));
    TRY(read_extensions(describer, err));
    TRY(describe_read_shapes(describer, err));
    TRY(describe_resolve(describer, err));
    TRY(describe_tables(describer, err));
    TRY(describe_objects(describer, err));
    TRY(describe_reach(describer, err));
    return describe_facts(describer, err);
}

/* Of a source: what reading its rows needs. */
static Status describe_rows(Describer *describer, Error *err)
{
    describe_choose_rows(describer);
    TRY(describe_roots(describer, err));
    if (!describe_check_relations(describer))
        return STATUS_OK;
    TRY(describe_row_tables(describer, err));
    TRY(describe_data(describer, err));
    return describe_types(describer, err);
}

/* All of it reads one snapshot: the connection's transaction, and pg_dump through its exported id. */
static Status describe_in_snapshot(Describer *describer, const PgAddress *address,
                                   const char *snapshot, Error *err)
{
    TRY(source_relations_read(describer->connection, describer->selection, &describer->relations,
                              err));
    if (describer->selection->data_only)
        return describe_rows(describer, err);
    TRY(describe_roots(describer, err));
    if (!describe_check_relations(describer))
        return STATUS_OK;
    TRY(run_dump(describer, address, snapshot, err));
    TRY(describe_structure(describer, err));
    TRY(describe_data(describer, err));
    return describe_remarks(describer, err);
}

static Status describe_by_itself(Describer *describer, const PgAddress *address, Error *err)
{
    AUTO_FREE_MEMORY char *snapshot = NULL;
    TRY(pg_run(describer->connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err));
    TRY(pg_query_text(describer->connection, "select pg_export_snapshot()", &snapshot, err));
    TRY(describe_in_snapshot(describer, address, snapshot, err));
    return pg_run(describer->connection, "COMMIT", err);
}

Status pg_describe(PgConnection *connection, const PgAddress *address, const char *snapshot,
                   const Selection *selection, Catalog *ret, Findings *findings, Error *err)
{
    static const Selection everything = {0};
    AUTO_CATALOG Catalog catalog = {0};
    __attribute__((cleanup(describer_release))) Describer describer = {
        .connection = connection,
        .selection = selection ? selection : &everything,
        .catalog = &catalog,
        .findings = findings,
    };
    Status status = snapshot ? describe_in_snapshot(&describer, address, snapshot, err)
                             : describe_by_itself(&describer, address, err);
    if (status < 0 && !snapshot)
        pg_reset(connection);
    TRY(status);
    TRY(pg_choose_range_keys(connection, pg_server_major(connection), &catalog, findings, err));
    catalog_seal(&catalog);
    *ret = catalog;
    catalog = (Catalog){0};
    return STATUS_OK;
}

static Status describe_wanted(Describer *describer, const PgAddress *address, const char *snapshot,
                              Error *err)
{
    TRY(source_relations_read(describer->connection, NULL, &describer->relations, err));
    describe_choose_wanted(describer);
    TRY(describe_roots(describer, err));
    TRY(describe_check_unfilled(describer, err));
    if (!describe_check_relations(describer))
        return STATUS_OK;
    TRY(run_dump(describer, address, snapshot, err));
    TRY(describe_structure(describer, err));
    TRY(describe_sequences(describer, err));
    return describe_types(describer, err);
}

Status pg_describe_target(PgConnection *connection, const PgAddress *address, const char *snapshot,
                          const Catalog *wanted, Catalog *ret, Findings *findings, Error *err)
{
    static const Selection everything = {0};
    AUTO_CATALOG Catalog catalog = {0};
    __attribute__((cleanup(describer_release))) Describer describer = {
        .connection = connection,
        .selection = &everything,
        .wanted = wanted,
        .catalog = &catalog,
        .findings = findings,
    };
    TRY(describe_wanted(&describer, address, snapshot, err));
    catalog_seal(&catalog);
    *ret = catalog;
    catalog = (Catalog){0};
    return STATUS_OK;
}

Status pg_describe_lock_list(PgConnection *connection, const Selection *selection,
                             TextList *ret_names, TextList *ret_oids, Error *err)
{
    AUTO_SOURCE_RELATIONS SourceRelations relations = {0};
    TRY(source_relations_read(connection, selection, &relations, err));
    for (size_t i = 0; i < relations.count; i++) {
        const SourceRelation *relation = &relations.items[i];
        if (!relation->is_selected || !source_relation_is_table(relation))
            continue;
        AUTO_FREE_MEMORY char *name = pg_qualified(relation->schema, relation->name);
        AUTO_FREE_MEMORY char *oid = xasprintf("%u", relation->oid);
        text_list_add(ret_names, name);
        text_list_add(ret_oids, oid);
    }
    return STATUS_OK;
}
